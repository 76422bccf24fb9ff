// The live page: read once, then listen. Nothing here asks again and again.

import { DayChart } from './day.js';
import { drawCurves } from './curves.js';
import { drawBand, drawBatches, drawFacts, drawSessions, whyText } from './lists.js';
import { TownMap } from './map.js';
import { clear, el, set } from './svg.js';
import { clock, energy, hour, loadWords, money, percent, power, price, say, sayState, useCurrency } from './words.js';

const $ = (id) => document.getElementById(id);
const KEPT = 96;
const SHOWN = { batches: 12, sessions: 8 };
const state = { info: null, intervals: [], batches: [], sessions: [], chosen: null, live: true, detail: null };
let map;
let chart;

async function get(path) {
  const answer = await fetch(path, { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function readAll() {
  const [town, intervals, batches, sessions] = await Promise.all([
    get('/api/town'),
    get(`/api/intervals?limit=${KEPT}`),
    get(`/api/batches?limit=${SHOWN.batches}`),
    get(`/api/sessions?limit=${SHOWN.sessions}`),
  ]);
  Object.assign(state, { intervals, batches, sessions });
  tick(town.now);
  map.setTown(town);
  $('map-empty').hidden = town.points.length > 0;
  paintLists();
  paintDay();
  paintHeadline();
  const known = intervals.some((i) => i.interval === state.chosen);
  await choose(state.live || !known ? intervals.at(-1)?.interval : state.chosen, state.live);
}

function tick(unix) {
  state.now = unix;
  $('now').textContent = clock(unix);
  set($('now'), { datetime: new Date(unix * 1000).toISOString() });
  map.setHour(unix);
  paintDial(hour(unix));
}

function paintDial(at) {
  const dial = $('dial');
  const turn = ((at - 6) / 12) * Math.PI;
  const day = at >= 6 && at < 18;
  const angle = day ? turn : turn - Math.PI;
  const x = 60 - 48 * Math.cos(angle);
  const y = 30 - 24 * Math.sin(angle);
  clear(dial);
  dial.append(
    el('path', { class: 'arc', d: 'M12 30A48 24 0 0 1 108 30' }),
    el('path', { class: 'ground', d: 'M4 30H116' }),
    el('circle', { class: day ? 'sun' : 'moon', cx: x, cy: y, r: day ? 5.5 : 4.5 }),
  );
}

function paintHeadline() {
  const { given, used, local, whole } = map.balance || {};
  paintTiles();
  // Where homes are private the sum is not known, and the page's own sentence stays.
  if (used === undefined || !whole) return;
  const text = given > 200
    ? say('headline.day', { made: power(given), share: percent(local) })
    : say('headline.night');
  if ($('headline').textContent !== text) $('headline').textContent = text;
}

function paintTiles() {
  const sum = (key) => state.intervals.reduce((all, i) => all + i[key], 0);
  const put = (name, value, sub) => {
    $(`tile-${name}`).textContent = value;
    $(`tile-${name}`).classList.remove('skeleton');
    $(`tile-${name}-sub`).textContent = sub;
  };
  const last = state.intervals.at(-1);
  if (!last) {
    for (const name of ['shared', 'self', 'price', 'gain']) put(name, '–', say('tile.none'));
    return;
  }
  const shared = sum('volume_wh');
  const out = sum('grid_export_wh');
  const [buyers, sellers] = [sum('buyers_gain'), sum('sellers_gain')];
  put('shared', energy(shared), say('tile.shared.sub', { grid: energy(sum('grid_import_wh')) }));
  put('self', shared + out ? percent(shared / (shared + out)) : '–', say('tile.self.sub', { out: energy(out) }));
  put('price', price(last.price), say('tile.price.sub', { retail: price(last.retail), feed_in: price(last.feed_in) }));
  put('gain', money(buyers + sellers), say('tile.gain.sub', { buyers: money(buyers), sellers: money(sellers) }));
}

function paintLists() {
  drawBatches($('batches').tBodies[0], state.batches, state.info.interval_length, (index) => choose(index, false));
  $('batches-empty').hidden = state.batches.length > 0;
  $('batches').hidden = !state.batches.length;
  drawSessions($('sessions'), state.sessions);
  $('sessions-empty').hidden = state.sessions.length > 0;
}

function paintDay() {
  $('day-empty').hidden = state.intervals.length > 0;
  $('day-box').hidden = !state.intervals.length;
  chart.show(state.intervals, state.chosen);
}

async function choose(index, live) {
  state.live = Boolean(live);
  set($('live'), { 'aria-pressed': String(state.live) });
  if (index === undefined || index === null) {
    $('interval-body').hidden = true;
    $('interval-empty').hidden = false;
    return;
  }
  state.chosen = index;
  const detail = await get(`/api/intervals/${state.info.zone}/${index}`);
  if (state.chosen !== index) return;
  state.detail = detail;
  $('interval-body').hidden = false;
  $('interval-empty').hidden = true;
  paintInterval(detail);
  chart.show(state.intervals, index);
}

function paintInterval(detail) {
  const { summary, batch } = detail;
  $('interval-when').textContent = `${clock(summary.start)}–${clock(summary.end)}`;
  $('price').textContent = `${price(summary.price)} / kWh`;
  $('state').textContent = sayState('state', batch.state);
  $('state').dataset.state = batch.state;
  $('why').textContent = whyText(detail);
  drawBand($('band'), summary);
  drawCurves($('curves'), detail);
  drawFacts($('facts'), detail);
  const at = state.intervals.findIndex((i) => i.interval === summary.interval);
  $('prev').disabled = at <= 0;
  $('next').disabled = at < 0 || at === state.intervals.length - 1;
}

function step(way) {
  const at = state.intervals.findIndex((i) => i.interval === state.chosen) + way;
  const next = state.intervals[at];
  if (next) guard(choose(next.interval, at === state.intervals.length - 1));
}

// One line about the connection; the page itself stays as it was.
function line(kind) {
  $('line').dataset.state = kind;
  $('line').querySelector('b').textContent = say(`line.${kind}`);
}

function guard(promise) {
  promise.catch(() => line('lost'));
}

function merge(list, item, key, keep, newestFirst) {
  const at = list.findIndex((other) => other[key] === item[key]);
  if (at >= 0) list[at] = { ...list[at], ...item };
  else if (newestFirst) list.unshift(item);
  else list.push(item);
  while (list.length > keep) newestFirst ? list.pop() : list.shift();
}

function listen() {
  const stream = new EventSource('/api/stream');
  const on = (kind, act) => stream.addEventListener(kind, (event) => act(JSON.parse(event.data)));
  stream.onopen = () => {
    line('live');
    guard(readAll());
  };
  stream.onerror = () => line('lost');
  on('lagged', () => guard(readAll()));
  on('clock', (data) => tick(data.now));
  on('power', (data) => {
    map.setPower(data.points);
    if (data.now) tick(data.now);
    paintHeadline();
  });
  on('interval', (data) => {
    merge(state.intervals, data, 'interval', KEPT, false);
    paintDay();
    paintTiles();
    if (state.live || state.chosen === data.interval) guard(choose(data.interval, state.live));
  });
  on('batch', (data) => {
    merge(state.batches, data, 'interval', SHOWN.batches, true);
    paintLists();
  });
  on('session', (data) => {
    merge(state.sessions, data, 'session', SHOWN.sessions, true);
    paintLists();
  });
}

function openReceipt(point) {
  const interval = state.chosen ?? state.intervals.at(-1)?.interval;
  if (interval === undefined) return;
  location.assign(`/receipt?zone=${state.info.zone}&interval=${interval}&point=${point}`);
}

async function start() {
  await loadWords();
  state.info = await get('/api/info');
  useCurrency(state.info.currency);
  map = new TownMap($('map'), $('map-tip'), $('map-table').tBodies[0], openReceipt);
  chart = new DayChart($('day'), $('day-tip'), (index) => {
    guard(choose(index, index === state.intervals.at(-1)?.interval));
  });
  $('prev').addEventListener('click', () => step(-1));
  $('next').addEventListener('click', () => step(1));
  $('live').addEventListener('click', () => guard(choose(state.intervals.at(-1)?.interval, true)));
  new ResizeObserver(() => state.detail && drawCurves($('curves'), state.detail)).observe($('curves').parentElement);
  listen();
}

function startOrWait() {
  start().catch((fault) => {
    console.warn(fault.message);
    $('headline').textContent = say('error.load');
    line('lost');
    setTimeout(startOrWait, 3000);
  });
}

startOrWait();
