// Words and numbers in the reader's language. Whole integers come in (Wh, W, micro/kWh, nano), text goes out.

export const language = document.documentElement.lang || 'en';
const zone = document.documentElement.dataset.zone || 'UTC';
const locale = language === 'zh-Hans' ? 'zh-Hans-CN' : 'en-GB';
let known = {};
let currency = 'EUR';

export async function loadWords() {
  const answer = await fetch(`/static/locales/${language}.json`);
  if (!answer.ok) throw new Error(`words: ${answer.status}`);
  known = await answer.json();
}

export function useCurrency(code) {
  currency = code;
}

export function say(key, parts = {}) {
  const text = known[key];
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in parts ? parts[name] : all));
}

// A word for a state; what we have no word for is shown as it is.
export function sayState(kind, state) {
  return `${kind}.${state}` in known ? say(`${kind}.${state}`) : state;
}

const number = (digits) =>
  new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = number(0);
const tenth = number(1);
const hundredth = number(2);

export const count = (value) => whole.format(value);

// A no-break space keeps number and unit on one line.
const unit = (text, name) => `${text}\u00a0${name}`;

export function energy(wh) {
  const size = Math.abs(wh);
  if (size >= 1e6) return unit(hundredth.format(wh / 1e6), 'MWh');
  if (size >= 1e5) return unit(whole.format(wh / 1e3), 'kWh');
  if (size >= 1e3) return unit(tenth.format(wh / 1e3), 'kWh');
  return unit(whole.format(wh), 'Wh');
}

export function power(w) {
  const size = Math.abs(w);
  if (size >= 1e5) return unit(whole.format(w / 1e3), 'kW');
  if (size >= 1e3) return unit(tenth.format(w / 1e3), 'kW');
  return unit(whole.format(w), 'W');
}

export const percent = (share) => `${whole.format(Math.round(share * 100))}${language === 'en' ? '\u00a0' : ''}%`;

const cash = (digits) =>
  new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });

export const price = (micro, digits = 3) => cash(digits).format(micro / 1e6);

export function money(nano) {
  const size = Math.abs(nano);
  return cash(size && size < 1e7 ? 4 : 2).format(nano / 1e9);
}

const clockFormat = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hour12: false, timeZone: zone });
const dayFormat = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'short', timeZone: zone });

export const clock = (unix) => clockFormat.format(new Date(unix * 1000)).replace(/^24/, '00');
export const day = (unix) => dayFormat.format(new Date(unix * 1000));

// Hour of the day in the town, 0 to 24 with fractions.
export function hour(unix) {
  const [hours, minutes] = clock(unix).split(':').map(Number);
  return hours + minutes / 60;
}
