// Further sides of a station: its settings, its limits, its certificates, what it told.

import { get, post } from '../api.js';
import { drawStretches } from '../charts.js';
import { list } from '../lists.js';
import { askStation } from './ask.js';
import { opening } from './station.js';
import { busy, button, card, code, empty, fault, h, hint, put, record, searching, table, time, toast } from '../ui.js';
import { current, field, power, say } from '../words.js';
import { el } from '/static/svg.js';

export async function settings(page, node, about) {
  const drift = h('div');
  const rows = h('div');
  const search = searching('search', '', () => load());
  const load = async () => {
    const found = await get(`${about.path}/variables`, { text: search.value.trim() });
    const change = (row) => (page.can('configure') && row.mutability !== 'ReadOnly' ? [button(say('change'), () => setting(page, about, row), 'quiet small')] : []);
    put(rows, found.length ? table([['label', (row) => code(row.label)], ['attribute'], ['value', (row) => (row.value === null ? say('settings.hidden') : code(row.value))], ['mutability'], ['at', (row) => time(row.at)]], found, { acts: change }) : empty(say('settings.none')));
  };
  const refresh = button(say('settings.refresh'), (event) => busy(event.currentTarget, async () => { await post(`${about.path}/variables/refresh`); toast(say('settings.asked')); }), 'go');
  put(node, card(say('settings.drift'), hint(say('settings.drift_hint')), drift), card(say('station.settings'), h('div', { class: 'bar' }, h('div', { class: 'filters' }, search), h('div', { class: 'acts' }, page.can('operate') ? refresh : null)), rows));
  const found = await get(`${about.path}/drift`);
  put(drift, found.length ? found.map((one) => h('section', {}, h('h3', {}, one.template), table(['variable', 'wanted', 'has', 'state', 'read_at'], one.rows))) : empty(say('settings.no_template')));
  await load();
  page.hear((kind, data) => { if (['variables', 'station', 'run'].includes(kind) && (data.station || about.station) === about.station) load().catch(() => null); });
}

function setting(page, about, row) {
  const view = about.view;
  return askStation(page, about.station, 'set-variables', { ...view, filled: { values: [{ name: row.name, attribute: row.attribute, value: row.value ?? '' }] } });
}

export async function profiles(page, node, about) {
  const evse = h('input', { type: 'number', min: 0, max: 64, value: 1, 'aria-label': field('evse') });
  const unit = h('select', { 'aria-label': field('unit') }, h('option', { value: 'W' }, 'kW'), h('option', { value: 'A' }, 'A'));
  const lasts = h('select', { 'aria-label': field('duration_s') }, ...[[3600, '1 h'], [14_400, '4 h'], [86_400, '24 h']].map(([value, text]) => h('option', { value }, text)));
  const svg = el('svg', { class: 'curve', role: 'img', 'aria-label': say('profiles.title') });
  const words = h('div');
  const load = async () => {
    put(words, hint(say('profiles.asking')));
    try {
      const found = await get(`${about.path}/composite`, { evse: evse.value, duration_s: lasts.value, unit: unit.value });
      if (!page.current()) return;
      drawStretches(svg, found.ours, found.theirs, Number(lasts.value), unit.value);
      const told = (one) => (one === null ? say('profiles.no_limit') : unit.value === 'W' ? power(one) : current(one));
      put(words, h('p', { class: found.differences.length ? 'fault' : 'good' }, found.theirs === null ? say('profiles.no_answer', { status: found.status }) : say(found.differences.length ? 'profiles.differs' : 'profiles.same')),
        found.differences.length ? table([['start_s', (row) => `+${row[0]} s`], ['ours', (row) => told(row[1])], ['theirs', (row) => told(row[2])]], found.differences) : null);
    } catch (error) {
      put(words, fault(error));
    }
  };
  for (const input of [evse, unit, lasts]) input.addEventListener('change', load);
  const acts = page.can('operate') ? ['set-charging-profile', 'get-charging-profiles', 'clear-charging-profile'].map((name) => button(say(`quick.${name}`), () => askStation(page, about.station, name, about.view).then(load), name.startsWith('clear') ? 'danger' : '')) : [];
  put(node, card(say('profiles.title'), hint(say('profiles.hint')), h('div', { class: 'bar' }, h('div', { class: 'filters' }, evse, unit, lasts), h('div', { class: 'acts' }, ...acts)), svg,
    h('ul', { class: 'keys' }, h('li', { class: 'sun' }, say('profiles.ours')), h('li', { class: 'pile' }, say('profiles.theirs'))), words));
  if (page.can('operate')) await load();
  else put(words, hint(say('profiles.operate')));
}

export async function certificates(page, node, about) {
  const installed = h('div');
  const read = button(say('certificates.read'), (event) => busy(event.currentTarget, async () => {
    const found = await post(`${about.path}/certificates/list`);
    put(installed, ...Object.entries(found).map(([name, value]) => (Array.isArray(value) && value.length && typeof value[0] === 'object' ? table(Object.keys(value[0]).slice(0, 6), value) : h('p', {}, `${field(name)}: `, code(typeof value === 'object' ? JSON.stringify(value) : String(value))))));
  }), 'go');
  const acts = page.can('configure') ? ['install', 'renew', 'delete', 'sign'].map((name) => opening(page, about, `certificates.${name}`, `/api/stations/{station}/certificates/${name}`)) : [];
  const own = h('div');
  const refused = h('div');
  put(node, card(say('certificates.on_station'), h('div', { class: 'acts' }, page.can('operate') ? read : null, ...acts), installed), card(say('certificates.ours'), own), card(say('certificates.refused'), refused));
  await list(page, { path: '/api/certificates', query: () => ({ station: about.station }), columns: ['use', 'state', 'name', 'not_before', 'not_after'], key: 'name' }, own);
  await list(page, { path: '/api/certificates/refused', query: () => ({ station: about.station }), columns: ['at', 'code', 'sentence'], key: 'at' }, refused);
}

// What it told, its local list, and what it shows.
export async function lists(page, node, about) {
  const events = h('div');
  const local = h('div');
  const shows = h('div');
  const logs = h('div');
  const bound = { station: about.station };
  put(node, card(say('station.events'), events), card(say('station.logs'), logs), card(say('station.local'), local), card(say('station.shows'), shows));
  await list(page, { path: '/api/stations/{station}/events', live: ['told', 'event'], next: { by: 'before', of: (row) => row.at }, filters: { kind: null }, columns: ['at', 'kind', 'name', 'value', 'severity', ['cleared'], 'received_at'], key: 'name' }, events, bound);
  await list(page, {
    path: '/api/files', query: () => ({ station: about.station, limit: 50 }), columns: ['name', 'kind', 'size', 'at'], key: 'name',
    adds: [{ word: 'station.fetch_log', path: '/api/stations/{station}/logs', may: 'operate' }],
    acts: [{ word: 'files.get', may: 'read', run: async (row) => (await import('../api.js')).save(`/api/files/${row.file}`, {}, row.name) }],
  }, logs, bound);
  const [kept, seen] = await Promise.all([get(`${about.path}/local-list`).catch((error) => error), get(`${about.path}/messages`).catch((error) => error)]);
  const sync = (full) => button(say(full ? 'tokens.sync_full' : 'tokens.sync'), (event) => busy(event.currentTarget, async () => { put(local, record(await post(`${about.path}/local-list?full=${full}`))); toast(say('done')); }), full ? 'quiet' : 'go');
  put(local, page.can('operate') ? h('div', { class: 'acts' }, sync(false), sync(true)) : null, kept instanceof Error ? fault(kept) : record(kept));
  const act = (name) => button(say(`messages.${name}`), (event) => busy(event.currentTarget, async () => { await post(`${about.path}/messages${name === 'read' ? '/read' : ''}`); page.again(); }), 'quiet');
  put(shows, page.can('operate') ? h('div', { class: 'acts' }, act('read'), act('apply')) : null, seen instanceof Error ? fault(seen) : record(seen));
}

