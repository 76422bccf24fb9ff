// Pieces every page is made of. Text goes in as text only: nothing a station or a person wrote is ever read as markup.

import { ago, current, energy, field, fieldBare, money, permille, power, ppm, price, say, size, span, state, when, whenExact } from './words.js';

export function h(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'value' || key === 'checked') node[key] = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  add(node, children);
  return node;
}

function add(node, children) {
  for (const child of children.flat(4)) if (child !== null && child !== undefined && child !== false) node.append(child);
}

export function put(node, ...children) {
  node.replaceChildren();
  add(node, children);
  return node;
}

export const link = (to, text, properties = {}) => h('a', { href: to, ...properties }, text);
export const stationLink = (station) => (station ? link(`/console/stations/${encodeURIComponent(station)}`, station) : '–');
export const sessionLink = (session) => link(`/console/sessions/${encodeURIComponent(session)}`, session.slice(0, 10));
export const button = (text, act, kind = '', more = {}) => h('button', { type: 'button', class: `act ${kind}`, onclick: act, ...more }, text);
export const hint = (text) => h('p', { class: 'hint' }, text);
export const empty = (text) => h('p', { class: 'empty' }, text || say('list.empty'));
export const fault = (error) => h('p', { class: 'fault', role: 'alert' }, sentence(error));

export function sentence(error) {
  if (error.code === 'offline') return say('fault.offline');
  if (error.status === 403) return `${say('fault.forbidden')} ${error.message}`;
  if (error.status === 404) return `${say('fault.missing')} ${error.message}`;
  return error.message || String(error);
}

export function card(title, ...children) {
  const id = `c${Math.random().toString(36).slice(2, 9)}`;
  const parts = title ? [h('div', { class: 'card-head' }, h('h2', { id }, ...[title].flat()))] : [];
  return h('section', { class: 'card', 'aria-labelledby': title ? id : null }, ...parts, ...children);
}

export function head(title, ...acts) {
  document.title = `${title} · sunpile`;
  return h('div', { class: 'page-head' }, h('h1', {}, title), h('div', { class: 'acts' }, ...acts));
}

const GOOD = ['connected', 'Available', 'Accepted', 'done', 'accepted', 'installed', 'same', 'issued', 'ended', 'active', 'running', 'valid', 'settled'];
const BUSY = ['Charging', 'Occupied', 'Preparing', 'Finishing', 'SuspendedEV', 'SuspendedEVSE', 'in progress', 'sent', 'queued', 'busy', 'asked', 'waiting', 'begun', 'planned', 'acknowledged'];
const BAD = ['Faulted', 'Rejected', 'rejected', 'failed', 'held', 'open', 'blocked', 'expired', 'invalid', 'different', 'timed out', 'refused', 'revoked', 'aborted', 'stopped', 'critical'];

export function chip(value, word) {
  const kind = GOOD.includes(value) ? 'good' : BUSY.includes(value) ? 'busy' : BAD.includes(value) ? 'bad' : 'plain';
  return h('span', { class: 'chip', 'data-kind': kind }, word || state(value));
}

export const time = (unix) => (unix ? h('time', { datetime: new Date(unix * 1000).toISOString(), title: whenExact(unix) }, when(unix)) : '–');
export const since = (unix) => (unix ? h('time', { datetime: new Date(unix * 1000).toISOString(), title: whenExact(unix) }, ago(unix)) : '–');
export const yes = (value) => say(value ? 'yes' : 'no');
export const code = (text) => h('code', {}, text);

// How a value of a field is shown, by its name.
const SHOWN = [
  [/^(state|status|phase|registration|use_state)$/, (value) => chip(String(value))],
  [/^station$/, (value) => stationLink(value)],
  [/^stations$/, (value) => (value.length > 4 ? say('list.number', { number: value.length }) : value.join(', ') || '–')],
  [/^session$/, (value) => sessionLink(value)],
  [/(^at$|_at$|^since$|^until$|^begins$|^ends$|^begun$|_from$|_until$|^valid_to$|^not_after$|^not_before$|^last_seen$)/, (value) => time(value)],
  [/(^wh$|_wh$)/, (value) => energy(value)],
  [/_w$/, (value) => power(value)],
  [/_ma$/, (value) => current(value)],
  [/_s$/, (value) => span(value)],
  [/(^owed$|^paid$|nano)/, (value) => money(value)],
  [/_ppm$/, (value) => ppm(value)],
  [/_permille$/, (value) => permille(value)],
  [/^price$/, (value) => price(value)],
  [/^size$/, (value) => size(value)],
  [/^severity$/, (value) => h('span', { class: 'severity', 'data-level': Math.min(9, value) }, String(value))],
];

export function shown(name, value) {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'boolean') return yes(value);
  for (const [pattern, show] of SHOWN) if (pattern.test(name) && typeof value !== 'object') return show(value);
  if (name === 'stations' && Array.isArray(value)) return SHOWN[2][1](value);
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.join(', ') || '–';
  if (typeof value === 'object') return brief(value);
  const text = String(value);
  return text.length > 90 ? h('span', { class: 'long', title: text.slice(0, 2000) }, `${text.slice(0, 88)}…`) : text;
}

// An object in a row: what is empty says nothing.
function brief(value) {
  const told = Array.isArray(value) ? value : Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && one !== '' && one?.length !== 0));
  return Object.keys(told).length ? h('code', { class: 'json' }, JSON.stringify(told)) : '–';
}

const RIGHT = /(^wh$|_wh$|_w$|_ma$|_s$|nano|^owed$|^paid$|_ppm$|_permille$|^price$|^size$|^count$|^number$|^times$|^total$)/;

// A table from declared columns: a name, or [name, show(row)], or [name, show, label].
export function table(columns, rows, { acts, onrow, label } = {}) {
  if (!rows.length) return empty();
  const named = columns.map((column) => (Array.isArray(column) ? column : [column])).map(([name, show, word]) => [name, show, word || fieldBare(name)]);
  const right = (name) => (RIGHT.test(name) ? 'n' : null);
  const top = named.map(([name, , label]) => h('th', { class: right(name), scope: 'col' }, label));
  if (acts) top.push(h('th', { scope: 'col' }, h('span', { class: 'hidden' }, say('list.acts'))));
  const body = rows.map((row) => {
    const cells = named.map(([name, show, label]) => {
      const value = show ? show(row) : shown(name, row[name]);
      return h('td', { class: right(name), 'data-label': label }, value);
    });
    if (acts) cells.push(h('td', { class: 'row-acts' }, acts(row)));
    return h('tr', onrow ? { class: 'goes', onclick: (event) => event.target.closest('a,button') || onrow(row) } : {}, ...cells);
  });
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label || document.title },
    h('table', { class: 'stack' }, h('thead', {}, h('tr', {}, ...top)), h('tbody', {}, ...body)));
}

// Facts as a list of term and value; `null` values are left out.
export function facts(pairs) {
  const rows = pairs.filter((pair) => pair && pair[1] !== null && pair[1] !== undefined && pair[1] !== '');
  return h('dl', { class: 'rows' }, ...rows.map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))));
}

export const record = (object, names) => facts((names || Object.keys(object)).map((name) => [fieldBare(name), shown(name, object[name])]));

export function toast(text, kind = 'good') {
  const note = h('p', { class: 'toast', 'data-kind': kind }, text);
  document.getElementById('toasts').append(note);
  setTimeout(() => note.remove(), kind === 'bad' ? 9000 : 5000);
}

export const failed = (error) => toast(sentence(error), 'bad');

// Run `work` with the button pressed down; errors are told.
export async function busy(node, work) {
  node.disabled = true;
  node.classList.add('works');
  try {
    return await work();
  } catch (error) {
    failed(error);
    return undefined;
  } finally {
    node.disabled = false;
    node.classList.remove('works');
  }
}

// A dialog; `fill(body, close)` puts its content in. Resolves when it is closed.
export function dialog(title, fill, wide = false) {
  const body = h('div', { class: 'dialog-body' });
  const box = h('dialog', { class: wide ? 'wide' : null, 'aria-label': title },
    h('div', { class: 'dialog-head' }, h('h2', {}, title), button('×', () => box.close(), 'plain', { 'aria-label': say('close') })), body);
  document.body.append(box);
  fill(body, () => box.close());
  box.showModal();
  return new Promise((done) => box.addEventListener('close', () => { box.remove(); done(); }));
}

// Ask before something that cannot be undone; the reason goes to the audit log. Resolves to the reason, or null.
export function sure(question, { word = say('do'), reason = true } = {}) {
  let answer = null;
  const text = h('input', { maxlength: 500, name: 'reason' });
  const ends = dialog(say('sure.title'), (body, close) => {
    const act = (event) => { event.preventDefault(); answer = text.value.trim(); close(); };
    put(body, h('form', { class: 'form', onsubmit: act }, h('p', {}, question),
      reason ? h('label', { class: 'field' }, h('span', {}, say('sure.reason')), text) : null,
      h('div', { class: 'acts end' }, button(say('cancel'), close, 'quiet'), h('button', { class: 'act danger' }, word))));
  });
  return ends.then(() => answer);
}

// A secret that is shown once, with a button that copies it.
export function secret(label, value) {
  const copy = button(say('copy'), async () => {
    await navigator.clipboard?.writeText(value).catch(() => null);
    copy.textContent = say('copied');
  }, 'quiet');
  return h('div', { class: 'secret' }, h('span', {}, label), h('div', { class: 'command' }, h('code', {}, value), copy));
}

// Back and on through pages; `trail` is where each began, `next` where the following one begins, if there is one.
export function pager(trail, next, load) {
  if (trail.length === 1 && !next) return null;
  return h('div', { class: 'pager' },
    button(say('list.back'), () => { trail.pop(); load(); }, 'quiet', { disabled: trail.length === 1 }),
    h('span', {}, say('list.page', { page: trail.length })),
    button(say('list.on'), () => { trail.push(next); load(); }, 'quiet', { disabled: !next }));
}

// A field to search by: `act(text)` a moment after the last letter.
export function searching(name, value, act, word = field(name)) {
  let due = null;
  const input = h('input', { type: 'search', name, value, placeholder: word, 'aria-label': word });
  input.addEventListener('input', () => { clearTimeout(due); due = setTimeout(() => act(input.value.trim()), 250); });
  return input;
}

export function tabs(names, chosen, go) {
  return h('div', { class: 'tabs', role: 'tablist' }, ...names.map(([name, word]) =>
    h('button', { type: 'button', role: 'tab', 'aria-selected': name === chosen ? 'true' : 'false', onclick: () => go(name) }, word)));
}
