// The first look: gauges, what needs a person, what happened last.

import { get } from '../api.js';
import { gauge, spark } from '../charts.js';
import { kindWord, knowKinds } from '../kinds.js';
import { card, chip, empty, h, head, link, put, since, stationLink, table } from '../ui.js';
import { count, energy, power, ppm, say, state } from '../words.js';

const DAY_S = 86_400;
const trail = [];

export async function draw(page) {
  const gauges = h('div', { class: 'gauges' });
  const alerts = h('div');
  const sessions = h('div');
  const refusals = h('div');
  const rates = { success: null, uptime: null };
  page.show(
    head(say('page.overview'), page.can('configure') ? link('/console/stations?add=1', say('stations.add'), { class: 'button' }) : null),
    gauges,
    h('div', { class: 'grid two' },
      card([say('overview.alerts'), link('/console/alerts', say('more'), { class: 'more' })], alerts),
      card([say('overview.sessions'), link('/console/sessions', say('more'), { class: 'more' })], sessions),
      h('div', { class: 'full' }, card([say('overview.refusals'), link('/console/refusals', say('more'), { class: 'more' })], refusals))));

  let last = null;
  const paint = () => last && put(gauges, ...tiles(last, rates));
  const now = async () => {
    last = await get('/api/overview');
    if (trail.at(-1)?.at !== last.now) trail.push({ at: last.now, w: last.power_w });
    if (trail.length > 120) trail.shift();
    paint();
  };
  const lists = async () => {
    const [open, running, refused] = await Promise.all([
      get('/api/alerts', { state: 'open', limit: 8 }), get('/api/staff/sessions', { limit: 8 }), get('/api/refusals', { limit: 6 })]);
    put(alerts, open.length ? table(['severity', 'station', ['kind', kindWord], 'detail', ['opened_at', (row) => since(row.opened_at)]], open) : empty(say('overview.calm')));
    put(sessions, running.sessions.length ? table(['station', 'evse', 'state', 'wh', ['started_at', (row) => since(row.started_at)]], running.sessions, { onrow: (row) => page.go(`/console/sessions/${row.session}`) }) : empty(say('overview.no_sessions')));
    put(refusals, refused.length ? refused.map(refusal) : empty(say('overview.no_refusals')));
  };
  await Promise.all([now(), knowKinds()]);
  await lists();
  reports(last.now).then((found) => { Object.assign(rates, found); if (page.current()) paint(); });

  const told = ['session', 'station', 'alert'];
  page.soon(1000, (kind) => kind === 'power' || told.includes(kind), now);
  page.soon(1000, (kind) => told.includes(kind), lists);
  page.every(5000, now);
  page.every(20_000, lists);
}

// Success and uptime of the last 30 days: never the one without the other.
async function reports(now) {
  const period = { since: now - 30 * DAY_S, until: now };
  const [success, uptime] = await Promise.all([
    get('/api/reports/success-all', period).catch(() => []), get('/api/reports/uptime', period).catch(() => [])]);
  const known = uptime.filter((row) => row.nevi_ppm !== null && row.nevi_ppm !== undefined);
  return {
    success: success.length ? success[0] : null,
    uptime: known.length ? known.reduce((sum, row) => sum + row.nevi_ppm, 0) / known.length : null,
  };
}

function tiles(now, rates) {
  const share = (part, whole) => (whole ? part / whole : 0);
  return [
    tile('connected', gauge(share(now.connected, now.stations), 'good'), `${count(now.connected)} / ${count(now.stations)}`, now.stations ? say('gauge.away', { number: count(now.stations - now.connected) }) : say('gauge.none'), '/console/stations?connected=false'),
    tile('charging', gauge(share(now.charging, now.evses), 'sun'), count(now.charging), say('gauge.of_evses', { number: count(now.evses), faulted: count(now.faulted) }), '/console/sessions?state=active'),
    tile('power', spark(trail.map((one) => one.w)), power(now.power_w), say('gauge.now')),
    tile('energy', null, energy(now.energy_today_wh), say('gauge.sessions_today', { number: count(now.sessions_today) }), '/console/sessions'),
    tile('success', gauge(rates.success ? rates.success.success_ppm / 1e6 : 0, 'good'), rates.success ? ppm(rates.success.success_ppm) : '–',
      say('gauge.uptime', { uptime: rates.uptime === null ? '–' : ppm(rates.uptime) }), '/console/reports'),
    tile('alerts', null, count(now.alerts_open), say('gauge.alerts_sub', { acknowledged: count(now.alerts_acknowledged), held: count(now.held) }), '/console/alerts', now.alerts_open ? 'bad' : null),
  ];
}

function tile(name, drawing, value, under, to, kind) {
  const inside = [h('span', { class: 'name' }, say(`gauge.${name}`)), h('strong', { id: `gauge-${name}`, 'data-kind': kind }, value), h('span', { class: 'sub' }, under), drawing];
  return to ? h('a', { class: 'tile', href: to }, ...inside) : h('div', { class: 'tile' }, ...inside);
}

function refusal(row) {
  return h('p', { class: 'line-item' }, stationLink(row.station), ' ', chip('refused', state(row.reason)), ' ', since(row.at));
}
