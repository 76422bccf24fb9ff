// One station: as it is now, its messages, settings, limits, certificates, and what can be asked of it.

import { ask, get, post } from '../api.js';
import { SERIES, drawCurve } from '../charts.js';
import { bodyOf, form } from '../form.js';
import { kindWord, knowKinds } from '../kinds.js';
import { qr } from '../qr.js';
import { askStation, QUICK } from './ask.js';
import { certificates, lists, profiles, settings } from './station_parts.js';
import { messages } from './messages.js';
import { door } from './stations.js';
import { refusals } from '../declared/work.js';
import { busy, button, card, chip, code, dialog, empty, facts, fault, h, head, hint, link, put, secret, shown, since, sure, table, tabs, time, toast } from '../ui.js';
import { both, energy, field, permille, power, say, span } from '../words.js';
import { el } from '/static/svg.js';

const TABS = { now: null, messages, settings, profiles, certificates, lists, record: recordTab };

export async function draw(page) {
  const station = page.rest[0];
  const path = `/api/stations/${encodeURIComponent(station)}`;
  const chosen = page.search.get('tab') in TABS ? page.search.get('tab') : 'now';
  const view = await get(path);
  const about = { station, path, view };
  const go = (tab) => page.go(`/console/stations/${encodeURIComponent(station)}${tab === 'now' ? '' : `?tab=${tab}`}`);
  const bar = tabs(Object.keys(TABS).map((name) => [name, say(`station.${name}`)]), chosen, go);
  const quick = page.can('operate') ? QUICK.map(([operation, kind]) => button(say(`quick.${operation}`), (event) => busy(event.currentTarget, () => askStation(page, station, operation, about.view)), kind)) : [];
  const more = page.can('operate') ? button(say('quick.more'), () => page.go(`/console/operations?station=${encodeURIComponent(station)}`), 'quiet') : null;
  const lamp = h('span', { class: 'chip big', id: 'lamp' });
  const node = h('div', { class: 'stack' });
  page.show(link('/console/stations', say('station.back'), { class: 'back' }), head(station, lamp), h('div', { class: 'acts quick' }, ...quick, more), bar, node);
  light(lamp, view);
  if (chosen !== 'now') return TABS[chosen](page, node, about);
  return now(page, node, about, lamp);
}

function light(node, view) {
  const on = Boolean(view.live?.connected);
  node.dataset.kind = on ? 'good' : 'bad';
  node.textContent = say(on ? 'stations.there' : 'stations.away');
}

async function now(page, node, about, lamp) {
  const places = { evses: h('div', { class: 'evses' }), curve: h('div'), state: h('div'), odd: h('div'), sessions: h('div') };
  put(node, places.evses, places.curve, h('div', { class: 'grid two' }, places.state, places.odd), card([say('page.sessions'), link(`/console/sessions?station=${encodeURIComponent(about.station)}`, say('more'), { class: 'more' })], places.sessions));
  let drawn = '';
  await knowKinds();
  const load = async () => {
    about.view = await get(about.path);
    if (!page.current()) return;
    const { card: kept, live } = about.view;
    light(lamp, about.view);
    put(places.evses, ...evses(about.view));
    put(places.state, card(say('station.state'), state(kept, live)));
    put(places.odd, card(say('station.odd'), ...odd(about.view)));
    const found = await get('/api/staff/sessions', { station: about.station, limit: 6 });
    put(places.sessions, found.sessions.length ? table(['session', 'evse', 'state', 'wh', 'started_at', 'ended_at', 'stop_reason'], found.sessions, { onrow: (row) => page.go(`/console/sessions/${row.session}`) }) : empty(say('overview.no_sessions')));
    const numbers = evseNumbers(about.view);
    if (drawn !== numbers.join()) {
      drawn = numbers.join();
      put(places.curve, numbers.length ? curves(page, about, numbers) : null);
    }
  };
  await load();
  page.soon(700, (kind, data) => data.station === about.station, load);
  page.every(4000, load);
}

const evseNumbers = (view) => [...new Set([...view.card.evses, ...(view.live?.evses || [])].map((one) => one.evse))].filter(Boolean).sort((a, b) => a - b);

function evses(view) {
  const numbers = evseNumbers(view);
  if (!numbers.length) return [empty(say('station.no_evses'))];
  return numbers.map((number) => {
    const kept = view.card.evses.find((one) => one.evse === number) || {};
    const live = view.live?.evses.find((one) => one.evse === number) || {};
    const status = live.status || kept.status || 'Unknown';
    return h('section', { class: 'card evse', 'data-evse': number, 'data-status': status },
      h('header', {}, h('h2', {}, say('station.evse', { number })), chip(status)),
      h('strong', { class: 'power' }, live.power_w === null || live.power_w === undefined ? '–' : power(live.power_w)),
      live.soc_permille === null || live.soc_permille === undefined ? null : h('meter', { min: 0, max: 1000, value: live.soc_permille, title: permille(live.soc_permille) }),
      facts([[field('register_wh'), live.register_wh === null || live.register_wh === undefined ? null : energy(live.register_wh)], [field('soc_permille'), live.soc_permille === null || live.soc_permille === undefined ? null : permille(live.soc_permille)], [field('ocpp_transaction'), live.ocpp_transaction && code(live.ocpp_transaction)],
        [field('error_code'), live.error_code && live.error_code !== 'NoError' ? live.error_code : null], [field('sample_at'), live.sample_at && since(live.sample_at)], [field('status_at'), kept.status_at && since(kept.status_at)]]));
  });
}

function state(kept, live) {
  const skew = live?.clock_skew_s;
  return facts([
    [field('vendor'), [kept.vendor, kept.model].filter(Boolean).join(' ')], [field('serial'), kept.serial], [field('firmware'), kept.firmware],
    [field('version'), kept.version && `OCPP ${kept.version}`], [field('registration'), chip(kept.registration)],
    [field('security_profile'), say('station.profile', { wanted: kept.security_profile, used: live?.profile ?? '–' })],
    [field('tls'), live?.tls], [field('address'), live?.address && code(live.address)],
    [field('connected_at'), live?.connected_at && since(live.connected_at)], [field('last_seen'), since(live?.last_seen || kept.last_seen)], [field('boot_at'), kept.boot_at && time(kept.boot_at)],
    [field('clock_skew_s'), skew === null || skew === undefined ? null : say(skew >= 0 ? 'station.clock_ahead' : 'station.clock_behind', { span: span(Math.abs(skew)) })],
    [field('site'), kept.site], [field('tags'), kept.tags.join(', ')],
    ...Object.entries(live?.configuration || {}).map(([name, word]) => [name, chip(word)]),
  ]);
}

function odd(view) {
  const parts = [];
  if (view.alerts?.length) parts.push(h('h3', {}, say('overview.alerts')), table(['severity', ['kind', kindWord], 'detail', 'opened_at'], view.alerts));
  if (view.live?.remarks?.length) parts.push(h('h3', {}, say('station.remarks')), h('ul', { class: 'remarks' }, ...view.live.remarks.map((one) => h('li', {}, both(one, 'words') || one.code, ' ', h('small', { class: 'hint' }, say('station.times', { times: one.times }), ' ', since(one.at))))));
  if (view.refusals.length) parts.push(h('h3', {}, say('overview.refusals')), refusals(view.refusals.slice(0, 4), true));
  if (view.deviations.length) parts.push(h('h3', {}, say('station.put_up')), table(['deviation', 'count', 'last_at'], view.deviations));
  return parts.length ? parts : [empty(say('station.nothing_odd'))];
}

// Curves of the last hours of one EVSE.
function curves(page, about, numbers) {
  let evse = numbers[0];
  let name = 'power_w';
  const svg = el('svg', { class: 'curve', role: 'img', id: 'curve', 'aria-label': say('curve.label') });
  const tip = h('output', { class: 'hint' });
  const load = async () => {
    const until = Math.ceil(Date.now() / 1000) + 60;
    const found = await get(`${about.path}/evses/${evse}/curve`, { since: until - 6 * 3600, until });
    if (!page.current()) return;
    svg.setAttribute('aria-label', `${say('curve.label')}: ${field(name)}`);
    drawCurve(svg, found.points, name, found.width_s, tip);
  };
  const picks = h('div', { class: 'picks' });
  const paint = () => {
    put(picks, numbers.length > 1 ? tabs(numbers.map((one) => [one, say('station.evse', { number: one })]), evse, (one) => { evse = one; paint(); }) : null, tabs(Object.keys(SERIES).map((one) => [one, field(one)]), name, (one) => { name = one; paint(); }));
    load().catch(() => null);
  };
  setTimeout(paint);
  page.every(4000, load);
  return card([say('curve.title')], picks, svg, tip);
}

async function recordTab(page, node, about) {
  const { card: kept } = about.view;
  const can = page.can('configure');
  const [change, deviations, found] = await Promise.all([bodyOf('PATCH', '/api/stations/{station}'), get('/api/deviations'), door(about.station)]);
  const seen = Object.fromEntries(about.view.deviations.map((one) => [one.deviation, one]));
  put(node,
    card(say('station.record'), can ? form({ ...change, values: kept, choices: { registration: ['Accepted', 'Pending', 'Rejected'] }, act: async (value) => { await ask('PATCH', about.path, changes(value, kept)); toast(say('done')); page.again(); } }) : facts(Object.entries(kept).filter(([name]) => name !== 'evses').map(([name, value]) => [field(name), shown(name, value)]))),
    card(say('station.connects'), h('div', { class: 'handover' }, h('div', {}, secret(say('stations.url'), found.url), hint(say('station.url_hint'))), h('figure', { class: 'qr' }, qr(found.qr, say('stations.qr'))))),
    card(say('station.leniency'), hint(say('station.leniency_hint')), leniency(page, about, deviations, seen, can)),
    can ? card(say('station.secrets'), h('div', { class: 'acts' }, opening(page, about, 'station.password', '/api/stations/{station}/password'), opening(page, about, 'station.upgrade', '/api/stations/{station}/profile'), opening(page, about, 'station.meter_key', '/api/stations/{station}/meter-keys'),
      button(say('station.remove'), async () => {
        const reason = await sure(say('station.sure_remove', { station: about.station }), { word: say('station.remove') });
        if (reason === null) return;
        try {
          await ask('DELETE', `${about.path}?reason=${encodeURIComponent(reason)}`);
          page.go('/console/stations');
        } catch (error) {
          node.prepend(fault(error));
        }
      }, 'danger'))) : null);
}

// Only what differs is sent: each change is one line of the audit log.
const changes = (value, kept) => Object.fromEntries(Object.entries(value).filter(([name, one]) => name === 'reason' || JSON.stringify(one) !== JSON.stringify(kept[name])));

export function opening(page, about, word, template) {
  return button(say(word), async () => {
    const body = await bodyOf('POST', template);
    await dialog(say(word), (inside, close) => put(inside, hint(say(`${word}_hint`)), form({ ...body, word: say(word), cancel: close, act: async (value) => {
      const answer = await post(template.replace('{station}', encodeURIComponent(about.station)), value);
      put(inside, facts(Object.entries(answer || { status: say('done') }).map(([name, one]) => [field(name), shown(name, one)])), h('div', { class: 'acts end' }, button(say('close'), close)));
    } })));
  }, 'quiet');
}

function leniency(page, about, deviations, seen, can) {
  const chosen = new Set(about.view.card.leniency);
  const boxes = deviations.map((one) => {
    const box = h('input', { type: 'checkbox', name: one.deviation, checked: chosen.has(one.deviation), disabled: !can });
    box.addEventListener('change', () => (box.checked ? chosen.add(one.deviation) : chosen.delete(one.deviation)));
    return h('label', { class: 'lenient' }, box, h('span', {}, both(one, 'words'), ' ', h('small', { class: 'hint' }, one.deviation, seen[one.deviation] ? ` · ${say('station.times', { times: seen[one.deviation].count })}` : '')));
  });
  const keep = (event) => busy(event.currentTarget, async () => {
    const reason = await sure(say('station.sure_leniency'), { word: say('save') });
    if (reason === null) return;
    await ask('PUT', `${about.path}/leniency`, { leniency: [...chosen].sort(), reason });
    toast(say('done'));
  });
  return h('div', {}, h('div', { class: 'leniency' }, ...boxes), can ? h('div', { class: 'acts end' }, button(say('save'), keep, 'go')) : null);
}
