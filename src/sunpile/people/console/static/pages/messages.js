// The raw message log of a station: every frame as it was on the wire, by search and filter, live.

import { get, save } from '../api.js';
import { busy, button, card, empty, h, hint, put, searching } from '../ui.js';
import { field, say, seconds, when } from '../words.js';

const SIZE = 100;

export async function messages(page, node, about) {
  const path = `${about.path}/frames`;
  const wanted = { text: page.search.get('text') || '', action: '', incoming: '', message_id: '' };
  const rows = h('div', { class: 'frames', role: 'log', 'aria-label': say('messages.log') });
  const foot = h('div', { class: 'pager' });
  let newest = 0;
  let oldest = null;
  let tail = true;
  const reload = async () => {
    const found = await get(path, { ...wanted, limit: SIZE });
    if (!page.current()) return;
    newest = found.frames[0]?.id || 0;
    oldest = found.next;
    put(rows, found.frames.length ? found.frames.map(frame) : empty(say('messages.none')));
    more();
  };
  const more = () => put(foot, oldest ? button(say('messages.older'), async () => {
    const found = await get(path, { ...wanted, before: oldest, limit: SIZE });
    rows.append(...found.frames.map(frame));
    oldest = found.next;
    more();
  }, 'quiet') : null);
  const follow = async () => {
    if (!tail) return;
    const found = await get(path, { ...wanted, limit: SIZE });
    const fresh = found.frames.filter((one) => one.id > newest);
    if (!fresh.length || !page.current()) return;
    if (!newest) put(rows);
    newest = fresh[0].id;
    rows.prepend(...fresh.map((one) => frame(one, true)));
    while (rows.childElementCount > 1000) rows.lastElementChild.remove();
  };
  // The partner of a frame is the one with the same id: both light up.
  rows.addEventListener('click', (event) => {
    const mine = event.target.closest('.wire');
    if (!mine || window.getSelection().toString()) return;
    mine.classList.toggle('open');
    rows.querySelectorAll('.pair').forEach((one) => one.classList.remove('pair'));
    if (mine.classList.contains('open')) rows.querySelectorAll('.wire').forEach((one) => one.classList.toggle('pair', Boolean(mine.dataset.message) && one.dataset.message === mine.dataset.message));
  });
  put(node, card(null, hint(say('messages.hint')), bar(wanted, reload, path, (on) => { tail = on; }), rows, foot));
  await reload();
  page.every(1500, follow);
}

function bar(wanted, act, path, setTail) {
  const input = (name) => searching(name, wanted[name], (text) => { wanted[name] = text; act(); }, field(name === 'text' ? 'search' : name));
  const way = h('select', { 'aria-label': say('messages.both') }, ...['', 'true', 'false'].map((value) => h('option', { value }, say(value === '' ? 'messages.both' : value === 'true' ? 'messages.in' : 'messages.out'))));
  way.addEventListener('change', () => { wanted.incoming = way.value; act(); });
  const tail = h('input', { type: 'checkbox', checked: true });
  tail.addEventListener('change', () => setTail(tail.checked));
  const out = (format, name) => button(format.toUpperCase(), (event) => busy(event.currentTarget, () => save(`${path}/export`, { text: wanted.text, action: wanted.action, incoming: wanted.incoming, format }, name)), 'quiet', { 'aria-label': say('messages.export', { format }) });
  return h('div', { class: 'bar' }, h('div', { class: 'filters', role: 'search' }, input('text'), input('action'), way, input('message_id'), h('label', { class: 'tick' }, tail, h('span', {}, say('messages.tail')))), h('div', { class: 'acts' }, out('ndjson', 'messages.ndjson'), out('csv', 'messages.csv')));
}

function frame(one, fresh = false) {
  return h('article', { class: `wire${fresh === true ? ' fresh' : ''}`, 'data-way': one.incoming ? 'in' : 'out', 'data-kind': one.kind, 'data-message': one.message_id },
    h('header', {}, h('time', { title: when(one.at) }, seconds(one.at)), h('b', {}, one.incoming ? '→' : '←', h('span', { class: 'hidden' }, say(one.incoming ? 'messages.in' : 'messages.out'))), h('span', { class: 'action' }, one.action || one.kind), h('span', { class: 'kind' }, say(`frame.${one.kind}`))),
    h('code', { class: 'short' }, one.frame), h('pre', { class: 'full' }, pretty(one.frame)));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
