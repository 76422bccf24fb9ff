// All stations, and one of them.

import { get, post } from '../api.js';
import { bodyOf, form } from '../form.js';
import { qr } from '../qr.js';
import { button, chip, dialog, empty, h, head, hint, link, pager, put, searching, secret, since, stationLink, table } from '../ui.js';
import { count, field, say, state } from '../words.js';

const FILTERS = ['text', 'site', 'tag', 'model'];
const CHOICES = {
  connected: ['true', 'false'],
  status: ['Available', 'Charging', 'Occupied', 'Preparing', 'SuspendedEV', 'Finishing', 'Reserved', 'Unavailable', 'Faulted'],
  version: ['1.6', '2.0.1', '2.1'],
  registration: ['Accepted', 'Pending', 'Rejected'],
};
const SIZE = 50;

export async function draw(page) {
  if (page.rest.length) {
    const one = await import('./station.js');
    return one.draw(page);
  }
  const wanted = Object.fromEntries([...FILTERS, ...Object.keys(CHOICES)].map((name) => [name, page.search.get(name) || '']));
  const trail = [''];
  const body = h('div');
  const total = h('p', { class: 'hint', role: 'status' });
  const load = async () => {
    const found = await get('/api/stations', { ...wanted, after: trail.at(-1), limit: SIZE });
    if (!page.current()) return;
    total.textContent = say('stations.total', { number: count(found.total) });
    put(body, found.stations.length ? listing(found.stations, page) : nothing(page, wanted), pager(trail, found.next, load));
  };
  const filter = () => {
    trail.length = 1;
    const asked = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
    history.replaceState(null, '', `/console/stations${asked.size ? `?${asked}` : ''}`);
    load();
  };
  const acts = page.can('configure') ? [button(say('stations.add'), () => add(page, load), 'go', { id: 'add-station' })] : [];
  page.show(head(say('page.stations'), ...acts), filters(wanted, filter), total, h('section', { class: 'card' }, body));
  await load();
  if (page.search.get('add') && page.can('configure')) add(page, load);
  page.soon(1500, (kind) => ['station', 'session'].includes(kind), load);
  page.every(15_000, load);
}

function filters(wanted, act) {
  const texts = FILTERS.map((name) => searching(name, wanted[name], (text) => { wanted[name] = text; act(); }, field(name === 'text' ? 'search' : name)));
  const choices = Object.entries(CHOICES).map(([name, values]) => {
    const options = values.map((value) => h('option', { value }, name === 'connected' ? say(`stations.${value === 'true' ? 'there' : 'away'}`) : name === 'version' ? `OCPP ${value}` : state(value)));
    const select = h('select', { name, 'aria-label': field(name) }, h('option', { value: '' }, field(name)), ...options);
    select.value = wanted[name];
    select.addEventListener('change', () => { wanted[name] = select.value; act(); });
    return select;
  });
  return h('div', { class: 'filters', role: 'search' }, ...texts, ...choices);
}

const listing = (stations, page) => table([
  ['station', (row) => h('span', { class: 'who-is' }, h('i', { class: 'lamp', 'data-on': row.connected ? 'yes' : 'no', title: say(row.connected ? 'stations.there' : 'stations.away') }), stationLink(row.station), row.name ? h('small', {}, row.name) : null)],
  ['evses', (row) => row.evses.length ? h('span', { class: 'chips' }, ...row.evses.slice(0, 6).map((evse) => chip(evse.status || 'Unknown'))) : '–'],
  ['site'],
  ['model', (row) => [row.vendor, row.model].filter(Boolean).join(' ') || '–'],
  ['version', (row) => (row.version ? `OCPP ${row.version}` : '–')],
  ['firmware'],
  ['last_seen', (row) => since(row.last_seen)],
], stations, { onrow: (row) => page.go(`/console/stations/${encodeURIComponent(row.station)}`) });

function nothing(page, wanted) {
  if (Object.values(wanted).some(Boolean)) return empty(say('stations.none_fit'));
  return h('div', { class: 'empty' }, h('p', {}, say('stations.none')), hint(say('stations.none_hint')));
}

// Where a station connects.
export const door = (station) => get('/api/door', { station });

export async function add(page, after) {
  const body = await bodyOf('POST', '/api/stations');
  await dialog(say('stations.add'), (node, close) => {
    put(node, hint(say('stations.add_hint')), form({
      ...body, first: ['station', 'name', 'site', 'max_w', 'evses', 'security_profile'], skip: ['leniency'], choices: { registration: CHOICES.registration }, values: { evses: [1] }, word: say('stations.register'), cancel: close,
      act: async (value) => {
        const made = await post('/api/stations', value);
        await registered(node, made);
        after();
      },
    }));
  }, true);
}

async function registered(node, made) {
  const found = await door(made.station);
  put(node, h('p', { class: 'good' }, say('stations.added', { station: made.station })), hint(say('stations.added_hint')),
    h('div', { class: 'handover' },
      h('div', {}, secret(say('stations.url'), found.url), secret(say('stations.identity'), made.station), secret(say('stations.password'), made.password)),
      h('figure', { class: 'qr' }, qr(found.qr, say('stations.qr')), h('figcaption', {}, say('stations.qr')))),
    h('div', { class: 'acts end' }, link(`/console/stations/${encodeURIComponent(made.station)}`, say('stations.open'), { class: 'button', onclick: (event) => event.target.closest('dialog').close() })));
}
