// Sessions: the list, what is held, and one with all its evidence.

import { get, post } from '../api.js';
import { SERIES, drawCurve } from '../charts.js';
import { bodyOf, follow, form } from '../form.js';
import { list } from '../lists.js';
import { askStation } from './ask.js';
import { button, card, chip, code, dialog, empty, facts, h, head, hint, link, put, record, since, stationLink, table, tabs, time, toast } from '../ui.js';
import { count, energy, field, fieldBare, has, money, price, say, span, state } from '../words.js';
import { el } from '/static/svg.js';

const COLUMNS = [['session', (row) => link(`/console/sessions/${row.session}`, row.session.slice(0, 10))], 'station', 'evse', 'state', 'wh', ['started_at', (row) => since(row.started_at)], 'ended_at', 'id_token', ['doubts', (row) => row.doubts.map((one) => [chip('held', doubt(one)), ' '])]];
const doubt = (word) => (has(`doubt.${word}`) ? say(`doubt.${word}`) : state(word));

export async function draw(page) {
  if (page.rest.length) return one(page);
  const chosen = page.search.get('tab') === 'held' ? 'held' : 'list';
  const node = h('div');
  page.show(head(say('page.sessions'), link('/console/records', say('page.records'), { class: 'act quiet' })), tabs([['list', say('sessions.list')], ['held', say('sessions.held')]], chosen, (name) => page.go(`/console/sessions?tab=${name}`)), h('section', { class: 'card' }, node));
  if (chosen === 'held') return held(page, node);
  return list(page, {
    name: 'sessions.list', path: '/api/staff/sessions', rows: (answer) => answer.sessions, live: ['session'], next: { by: 'after', of: (row) => row.session }, key: 'session',
    filters: { station: null, state: { values: ['active', 'waiting', 'ended', 'held'] }, id_token: null, doubt: null }, columns: COLUMNS, open: (row) => page.go(`/console/sessions/${row.session}`),
  }, node);
}

async function held(page, node) {
  const load = async () => {
    const found = await get('/api/staff/held');
    const dismiss = (row) => [button(say('sessions.dismiss'), () => ruling(page, 'sessions.dismiss', 'POST', '/api/staff/held/dismiss', '/api/staff/held/dismiss', { station: row.station, key: row.key }, load), 'quiet small')];
    put(node, hint(say('sessions.held_hint')), found.sessions.length ? table(COLUMNS, found.sessions, { onrow: (row) => page.go(`/console/sessions/${row.session}`) }) : empty(say('sessions.none_held')),
      found.messages.length ? [h('h3', {}, say('sessions.messages')), table(['received_at', 'station', ['held', (row) => doubt(row.held)], 'detail'], found.messages, page.can('operate') ? { acts: dismiss } : {})] : null);
  };
  await load();
  page.hear((kind) => kind === 'session' && load().catch(() => null));
}

async function one(page) {
  const id = page.rest[0];
  const node = h('div', { class: 'stack' });
  page.show(link('/console/sessions', say('session.back'), { class: 'back' }), node);
  const places = { top: h('div'), curves: h('div', { class: 'curves grid two' }), evidence: h('div', { class: 'stack' }) };
  put(node, places.top, places.curves, places.evidence);
  let charts = null;
  const load = async () => {
    const found = await get(`/api/sessions/${encodeURIComponent(id)}/detail`);
    if (!page.current()) return;
    put(places.top, ...top(page, found, load));
    charts = charts || curves(page, places.curves, found.session);
    await charts(found.session).catch(() => null);
    // What somebody has unfolded stays so.
    const open = new Set([...places.evidence.querySelectorAll('details[open]')].map((one) => one.dataset.part));
    put(places.evidence, ...evidence(found));
    for (const one of places.evidence.querySelectorAll('details')) one.open = open.has(one.dataset.part);
  };
  await load();
  page.soon(700, (kind, data) => kind === 'session' && data.session === id, load);
  page.every(3000, async () => charts && charts());
}

function top(page, found, load) {
  const it = found.session;
  const acts = [];
  if (page.can('operate')) {
    if (it.state === 'active') acts.push(button(say('quick.remote-stop'), () => askStation(page, it.station, 'remote-stop', { filled: { transaction: it.ocpp_transaction } }).then(load), 'danger'));
    if (it.state === 'held') acts.push(button(say('session.review'), () => decide('review'), 'go'));
    if (it.state === 'ended') acts.push(button(say('session.correct'), () => decide('correct'), 'quiet'));
  }
  const decide = (word) => ruling(page, `session.${word}`, 'POST', `/api/sessions/{session}/${word}`, `/api/sessions/${it.session}/${word}`, { kind: it.state === 'held' ? 'registers' : 'zero', start_wh: it.start_wh, end_wh: it.end_wh }, load, ['registers', 'signed', 'zero'].concat(word === 'review' ? ['hold'] : []));
  const lasts = (it.ended_at || Date.now() / 1000) - it.started_at;
  return [
    head(say('session.title', { station: it.station, evse: it.evse }), chip(it.state), ...acts),
    h('div', { class: 'gauges small' }, figure('wh', energy(it.wh)), figure('lasts', span(lasts)), figure('owed', money(it.owed)), figure('price', price(it.price))),
    it.held_reason ? h('p', { class: 'fault' }, say('session.held_because', { reason: doubt(it.held_reason) })) : null,
    card(null, facts([
      [field('station'), stationLink(it.station)], [field('session'), code(it.session)], [field('ocpp_transaction'), code(it.ocpp_transaction)], [field('id_token'), it.id_token], [field('driver'), it.driver],
      [field('started_at'), time(it.started_at)], [field('ended_at'), it.ended_at && time(it.ended_at)], [fieldBare('start_wh'), it.start_wh === null ? null : energy(it.start_wh)], [fieldBare('end_wh'), it.end_wh === null ? null : energy(it.end_wh)],
      [field('stop_reason'), it.stop_reason], [field('authorised'), it.authorised], [field('doubts'), it.doubts.length ? it.doubts.map((word) => [chip('held', doubt(word)), ' ']) : null],
      [field('outcome'), became(it.outcome)],
    ])),
  ];
}

// How far the driver came, and what stood in the way.
function became(outcome) {
  if (!outcome || outcome.success === null) return null;
  if (outcome.success) return chip('ended', say('outcome.good'));
  return [chip('failed', say('outcome.bad', { step: state(outcome.failed_at || 'energy') })), ' ', (outcome.reasons || []).join(' · ')];
}

const figure = (name, value) => h('div', { class: 'tile' }, h('span', { class: 'name' }, field(name)), h('strong', { id: `figure-${name}` }, value));

function curves(page, node, session) {
  const drawn = Object.keys(SERIES).map((name) => {
    const svg = el('svg', { class: 'curve', role: 'img', id: `curve-${name}`, 'aria-label': field(name) });
    const tip = h('output', { class: 'hint' });
    return { name, svg, tip, box: card([field(name), tip], svg) };
  });
  put(node, ...drawn.map((one) => one.box));
  let about = session;
  return async (fresh) => {
    about = fresh || about;
    const until = (about.ended_at || Math.ceil(Date.now() / 1000)) + 60;
    const found = await get(`/api/stations/${encodeURIComponent(about.station)}/evses/${about.evse}/curve`, { since: about.started_at - 60, until });
    if (!page.current()) return;
    for (const one of drawn) {
      const known = found.points.some((point) => point[one.name] !== null && point[one.name] !== undefined);
      one.box.hidden = !known && one.name !== 'power_w';
      if (!one.box.hidden) drawCurve(one.svg, found.points, one.name, found.width_s, one.tip);
    }
  };
}

function evidence(found) {
  const part = (name, rows, columns) => (rows.length ? h('details', { class: 'card fold', 'data-part': name }, h('summary', {}, h('h2', {}, say(`session.${name}`)), h('span', { class: 'chip', 'data-kind': 'plain' }, count(rows.length))), table(columns || Object.keys(rows[0]).slice(0, 8), rows)) : null);
  return [
    part('guesses', found.guesses), part('decisions', found.decisions), part('records', found.records.map((row) => ({ ...row, total_cost: JSON.stringify(row.total_cost) })), ['id', 'credit', 'total_energy', 'total_cost', 'currency', 'remark']),
    part('signed_values', found.signed_values), part('registers', found.registers),
    part('messages', found.messages, ['received_at', 'key', ['held', (row) => (row.held ? doubt(row.held) : '–')], 'detail']),
    found.pile ? h('details', { class: 'card fold', 'data-part': 'pile' }, h('summary', {}, h('h2', {}, say('session.pile'))), record(found.pile)) : null,
  ].filter(Boolean);
}

async function ruling(page, word, method, template, path, values, after, kinds) {
  const body = await bodyOf(method, template);
  const root = body.root;
  const schema = follow(body.schema, root);
  const narrowed = kinds ? { ...schema, properties: { ...schema.properties, kind: { ...schema.properties.kind, enum: kinds, description: undefined } } } : schema;
  await dialog(say(word), (node, close) => put(node, hint(say(`${word}_hint`)), kinds ? h('ul', { class: 'remarks' }, ...kinds.map((kind) => h('li', {}, h('b', {}, state(kind)), ' ', say(`ruling.${kind}`)))) : null,
    form({ schema: narrowed, root, values, word: say(word), cancel: close, act: async (value) => {
      // Registers count only where the bill is made by them.
      const registers = kinds && value.kind !== 'registers' ? { start_wh: undefined, end_wh: undefined } : {};
      await post(path, { ...value, ...registers });
      close();
      toast(say('done'));
      await after();
    } })));
}

