// The console's words; numbers come from the town's page, so that both say them alike.

import { language } from '/static/words.js';

export { clock, count, day, energy, language, percent, power } from '/static/words.js';

const zone = document.documentElement.dataset.zone || 'UTC';
const locale = language === 'zh-Hans' ? 'zh-Hans-CN' : 'en-GB';
export const chinese = language === 'zh-Hans';
let known = {};
let currency = 'EUR';

export async function loadWords() {
  const parts = ['', '.fields'].map(async (part) => (await fetch(`/static/console/locales/${language}${part}.json`)).json());
  known = Object.assign({}, ...(await Promise.all(parts)));
}

export const useCurrency = (code) => {
  currency = code;
};

export const has = (key) => key in known;

export function say(key, parts = {}) {
  const text = known[key];
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in parts ? parts[name] : all));
}

const bare = (name) => {
  const text = String(name).replaceAll('_', ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
};

// A field's name in words; one we have no word for is shown as it is.
export const field = (name) => known[`field.${name}`] || bare(name);

// The same over a value that carries its unit itself.
export const fieldBare = (name) => field(name).replace(/ \[[^\]]+\]$/, '');

// A word for a state; what we have no word for is shown as it is.
export const state = (value) => known[`state.${value}`] || (value === '' ? '–' : bare(value));

export const both = (thing, name) => (chinese && thing[`${name}_zh`] ? thing[`${name}_zh`] : thing[name]);

const moment = new Intl.DateTimeFormat(locale, {
  day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hour12: false, timeZone: zone,
});
const exact = new Intl.DateTimeFormat(locale, {
  year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZone: zone,
});
const second = new Intl.DateTimeFormat(locale, {
  hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZone: zone,
});
const date = (unix) => new Date(unix * 1000);
export const when = (unix) => (unix ? moment.format(date(unix)) : '–');
export const whenExact = (unix) => (unix ? exact.format(date(unix)) : '–');
export const seconds = (unix) => second.format(date(unix));

const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });

export function ago(unix, now = Date.now() / 1000) {
  if (!unix) return '–';
  const away = Math.round(unix - now);
  const size = Math.abs(away);
  if (size < 60) return relative.format(away, 'second');
  if (size < 3600) return relative.format(Math.round(away / 60), 'minute');
  if (size < 86_400) return relative.format(Math.round(away / 3600), 'hour');
  return relative.format(Math.round(away / 86_400), 'day');
}

export function span(s) {
  if (s === null || s === undefined) return '–';
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  if (hours >= 48) return say('span.days', { days: Math.floor(hours / 24), hours: hours % 24 });
  if (hours) return say('span.hours', { hours, minutes: String(minutes).padStart(2, '0') });
  return minutes ? say('span.minutes', { minutes }) : say('span.seconds', { seconds: Math.floor(s) });
}

const cash = (digits) => new Intl.NumberFormat(locale, {
  style: 'currency', currency, currencyDisplay: 'narrowSymbol', minimumFractionDigits: 2, maximumFractionDigits: digits,
});
export const money = (nano) => cash(4).format(nano / 1e9);
export const price = (micro) => `${cash(4).format(micro / 1e6)}/kWh`;

const amps = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
export const current = (ma) => `${amps.format(ma / 1000)}\u00a0A`;
export const voltage = (mv) => `${amps.format(mv / 1000)}\u00a0V`;
export const permille = (value) => `${amps.format(value / 10)}\u00a0%`;
export const ppm = (value) => `${amps.format(value / 10_000)}\u00a0%`;

export function size(bytes) {
  if (bytes < 1024) return `${bytes}\u00a0B`;
  return bytes < 1 << 20 ? `${amps.format(bytes / 1024)}\u00a0KiB` : `${amps.format(bytes / (1 << 20))}\u00a0MiB`;
}
