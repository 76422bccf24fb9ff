// Stations where they stand: an own drawing, so that no map server learns who looks.

import { get } from '../api.js';
import { card, empty, h, head, link, put } from '../ui.js';
import { say, state } from '../words.js';
import { el, round, set, text } from '/static/svg.js';

const FIRST = ['Faulted', 'Charging', 'Occupied', 'Preparing', 'SuspendedEV', 'SuspendedEVSE', 'Finishing', 'Reserved', 'Available', 'Unavailable'];
const MOST = 5000;
const EARTH_M = 111_320;

export async function draw(page) {
  const svg = el('svg', { id: 'map', class: 'map', role: 'group', 'aria-label': say('page.map') });
  const tip = h('p', { class: 'hint map-tip', role: 'status' }, say('map.hint'));
  const lost = h('p', { class: 'hint' });
  const keys = h('ul', { class: 'keys' }, ...['good', 'busy', 'bad', 'away'].map((kind) => h('li', { class: `k-${kind}` }, say(`map.${kind}`))));
  page.show(head(say('page.map'), link('/console/stations', say('map.list'), { class: 'act quiet' })), card(null, h('div', { class: 'map-box' }, svg), tip, keys), lost);
  let view = null;
  let drawn = 0;
  const load = async () => {
    const stations = await all();
    if (!page.current()) return;
    const placed = stations.filter((one) => one.latitude !== null && one.longitude !== null);
    drawn = stations.length;
    lost.textContent = placed.length < stations.length ? say('map.lost', { number: stations.length - placed.length }) : '';
    if (!placed.length) return put(svg.parentElement, empty(say('map.none')));
    view = view || fit(svg, placed);
    plot(svg, placed, view, tip, page);
    return undefined;
  };
  await load();
  const many = drawn > 500;
  const again = () => { view = null; load().catch(() => null); };
  window.addEventListener('resize', again);
  page.leave(() => window.removeEventListener('resize', again));
  zooming(svg, () => view, (to) => { view = to; load().catch(() => null); });
  if (!many) page.soon(2000, (kind) => ['station', 'session'].includes(kind), load);
  page.every(many ? 120_000 : 15_000, load);
}

async function all() {
  const found = [];
  let after = '';
  do {
    const part = await get('/api/stations', { limit: 500, after });
    found.push(...part.stations);
    after = part.next;
  } while (after && found.length < MOST);
  return found;
}

// Metres around the middle; longitudes shrink with latitude.
function fit(svg, placed) {
  const width = Math.max(280, svg.parentElement.clientWidth);
  const height = Math.round(Math.min(620, Math.max(300, width * 0.58)));
  const lats = placed.map((one) => one.latitude / 1e6);
  const longs = placed.map((one) => one.longitude / 1e6);
  const lat = (Math.min(...lats) + Math.max(...lats)) / 2;
  const long = (Math.min(...longs) + Math.max(...longs)) / 2;
  const shrink = Math.cos((lat * Math.PI) / 180);
  const wide = Math.max(200, (Math.max(...longs) - Math.min(...longs)) * EARTH_M * shrink);
  const high = Math.max(200, (Math.max(...lats) - Math.min(...lats)) * EARTH_M);
  return { width, height, lat, long, shrink, scale: Math.min((width - 90) / wide, (height - 90) / high), dx: 0, dy: 0 };
}

function kind(one) {
  if (!one.connected) return 'away';
  const worst = FIRST.find((status) => one.evses.some((evse) => evse.status === status)) || 'Available';
  return worst === 'Faulted' ? 'bad' : worst === 'Available' ? 'good' : worst === 'Unavailable' ? 'away' : 'busy';
}

function plot(svg, placed, view, tip, page) {
  set(svg, { viewBox: `0 0 ${view.width} ${view.height}`, width: view.width, height: view.height });
  const x = (one) => round(view.width / 2 + view.dx + (one.longitude / 1e6 - view.long) * EARTH_M * view.shrink * view.scale);
  const y = (one) => round(view.height / 2 + view.dy - (one.latitude / 1e6 - view.lat) * EARTH_M * view.scale);
  svg.replaceChildren(...grid(view));
  for (const one of placed) {
    const told = `${one.name || one.station} · ${one.connected ? one.evses.map((evse) => state(evse.status || 'Unknown')).join(', ') : say('stations.away')}`;
    const dot = el('a', { class: `pin ${kind(one)}`, href: `/console/stations/${encodeURIComponent(one.station)}`, 'aria-label': told, transform: `translate(${x(one)} ${y(one)})` }, el('circle', { class: 'halo', r: 13 }), el('circle', { class: 'body', r: 7 }), placed.length <= 40 && text(0, 24, one.name || one.station, { class: 'axis middle' }));
    const tell = () => { tip.textContent = told; };
    dot.addEventListener('pointerenter', tell);
    dot.addEventListener('focus', tell);
    dot.addEventListener('click', (event) => { event.preventDefault(); page.go(dot.getAttribute('href')); });
    svg.append(dot);
  }
}

// A quiet net with a scale, for a feeling of distance.
function grid(view) {
  const metres = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000].find((one) => one * view.scale > 70) || 1_000_000;
  const step = metres * view.scale;
  const lines = [];
  for (let at = ((view.width / 2 + view.dx) % step) - step; at < view.width; at += step) lines.push(`M${round(at)} 0V${view.height}`);
  for (let at = ((view.height / 2 + view.dy) % step) - step; at < view.height; at += step) lines.push(`M0 ${round(at)}H${view.width}`);
  return [el('path', { class: 'net', d: lines.join('') }), el('path', { class: 'ruler', d: `M14 ${view.height - 14}v-5m0 5h${round(step)}v-5` }), text(20, view.height - 20, metres >= 1000 ? `${metres / 1000} km` : `${metres} m`, { class: 'axis' })];
}

function zooming(svg, now, go) {
  let from = null;
  svg.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const factor = event.deltaY < 0 ? 1.25 : 0.8;
    const view = now();
    go({ ...view, scale: view.scale * factor, dx: view.dx * factor, dy: view.dy * factor });
  }, { passive: false });
  svg.addEventListener('pointerdown', (event) => { if (!event.target.closest('.pin')) from = { x: event.clientX, y: event.clientY, view: now() }; });
  svg.addEventListener('pointerup', (event) => {
    if (from) go({ ...from.view, dx: from.view.dx + event.clientX - from.x, dy: from.view.dy + event.clientY - from.y });
    from = null;
  });
}
