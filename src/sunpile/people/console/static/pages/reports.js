// Uptime and session success, side by side; spreadsheets; reports that make themselves.

import { get, save } from '../api.js';
import { list } from '../lists.js';
import { busy, button, card, empty, h, head, hint, put, stationLink, table } from '../ui.js';
import { count, field, ppm, say, span, state } from '../words.js';

const DAY_S = 86_400;
const GROUPS = ['success-station', 'success-model', 'success-reason'];

export async function draw(page) {
  const day = (unix) => new Date(unix * 1000).toISOString().slice(0, 10);
  const now = Math.floor(Date.now() / 1000);
  const from = h('input', { type: 'date', value: day(now - 30 * DAY_S), 'aria-label': field('since') });
  const to = h('input', { type: 'date', value: day(now), 'aria-label': field('until') });
  const body = h('div', { class: 'stack' });
  const plans = h('div');
  page.show(head(say('page.reports')), h('div', { class: 'bar' }, h('div', { class: 'filters' }, from, to)), body, card(say('reports.plans'), plans));
  const load = async () => {
    const period = { since: Date.parse(from.value) / 1000, until: Date.parse(to.value) / 1000 + DAY_S };
    put(body, hint(say('frame.loading')));
    const csv = (report) => button('CSV', (event) => busy(event.currentTarget, () => save(`/api/reports/${report}`, { ...period, format: 'csv' }, `${report}.csv`)), 'quiet small', { 'aria-label': say('reports.csv', { report: say(`report.${report}`) }) });
    const [all, uptime, ...groups] = await Promise.all(['success-all', 'uptime', ...GROUPS].map((name) => get(`/api/reports/${name}`, period)));
    if (!page.current()) return;
    put(body, totals(all[0], uptime), card([say('report.uptime'), csv('uptime')], hint(say('reports.uptime_hint')), uptimes(uptime)),
      ...GROUPS.map((name, at) => card([say(`report.${name}`), csv(name)], groups[at].length ? table([['group', (row) => (name === 'success-station' ? stationLink(row.group) : name === 'success-reason' ? state(row.group) : row.group || '–')], ['visits', (row) => count(row.visits)], 'first_try_ppm', 'success_ppm', ['attempts', (row) => count(row.attempts)]], groups[at]) : empty())));
  };
  for (const input of [from, to]) input.addEventListener('change', () => load());
  await load();
  await list(page, {
    name: 'reports.plans', path: '/api/report-schedules', key: 'report', columns: ['report', 'form', ['cadence', (row) => state(row.cadence)], ['hour', (row) => `${row.hour}:00 UTC`], 'last_at'],
    adds: [{ word: 'reports.plan', path: '/api/report-schedules', first: ['report'], values: () => ({ report: 'uptime' }) }],
    acts: [{ word: 'remove', method: 'DELETE', path: '/api/report-schedules/{schedule}', danger: true, may: 'configure', key: 'report' }],
  }, plans);
}

function totals(all, uptime) {
  const known = uptime.filter((row) => typeof row.nevi_ppm === 'number');
  const mean = known.length ? known.reduce((sum, row) => sum + row.nevi_ppm, 0) / known.length : null;
  const tile = (name, value, under) => h('div', { class: 'tile' }, h('span', { class: 'name' }, say(`gauge.${name}`)), h('strong', {}, value), h('span', { class: 'sub' }, under));
  return h('div', { class: 'gauges small' },
    tile('success', all ? ppm(all.success_ppm) : '–', say('reports.visits', { visits: all ? count(all.visits) : 0 })),
    tile('first_try', all ? ppm(all.first_try_ppm) : '–', say('reports.first_hint')),
    tile('uptime_mean', mean === null ? '–' : ppm(mean), say('reports.ports', { number: count(known.length) })));
}

const uptimes = (rows) => (rows.length ? table([['station', (row) => stationLink(row.station)], 'evse', 'nevi_ppm', 'pcpr_ppm', ['offline_s', (row) => span(row.offline_s)], ['down_s', (row) => span(row.down_s)], ['excluded_s', (row) => span(row.excluded_s)]], rows) : empty());
