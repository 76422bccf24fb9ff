// The town as a map: glyphs on a street plan, energy moving along the streets, wide where much flows.

import { clear, el, html, set, text } from './svg.js';
import { plan, segments } from './layout.js';
import { hour, percent, power, say, sayState } from './words.js';

const QUIET_W = 30; // below this a line rests

export class TownMap {
  constructor(svg, tip, table, openReceipt) {
    this.svg = svg;
    this.tip = tip;
    this.table = table;
    this.openReceipt = openReceipt;
    this.points = new Map();
    this.focus = null;
    svg.addEventListener('keydown', (event) => this.onKey(event));
    svg.addEventListener('pointermove', (event) => this.show(this.nodeAt(event)));
    svg.addEventListener('pointerleave', () => this.show(null));
    svg.addEventListener('click', (event) => this.tap(event));
    svg.addEventListener('blur', () => this.show(null));
    new ResizeObserver(() => this.layout()).observe(svg.parentElement);
  }

  setTown(town) {
    this.points = new Map(town.points.map((p) => [p.point, p]));
    this.now = town.now;
    this.width = 0;
    this.layout();
  }

  setPower(points) {
    for (const [index, change] of Object.entries(points)) {
      const point = this.points.get(Number(index));
      if (point) Object.assign(point, typeof change === 'number' ? { w: change } : change);
    }
    this.paint();
  }

  layout() {
    const width = Math.round(this.svg.parentElement.clientWidth);
    if (!width || width === this.width || !this.points.size) return;
    this.width = width;
    const height = width < 620 ? Math.round(width * 1.5) : Math.round(Math.min(width * 0.66, 640));
    set(this.svg, { viewBox: `0 0 ${width} ${height}`, width, height });
    this.town = plan([...this.points.values()], width, height);
    this.draw();
    this.paint();
  }

  draw() {
    clear(this.svg);
    const roads = el('g', { class: 'roads' });
    const flows = el('g', { class: 'flows' });
    this.segments = segments(this.town).map((segment) => {
      roads.append(el('path', { d: segment.d, class: segment.kind }));
      const body = el('path', { d: segment.d, class: 'body' });
      const pulse = el('path', { d: segment.d, class: 'pulse' });
      flows.append(body, pulse);
      return { ...segment, body, pulse };
    });
    this.glyphs = new Map();
    const places = el('g', { class: 'places' });
    for (const node of this.town.nodes) places.append(this.glyph(node));
    this.halo = el('circle', { class: 'halo', r: 22, hidden: true });
    this.svg.append(scenery(this.town), roads, flows, this.halo, this.hub(), places);
  }

  glyph(node) {
    const drawing = GLYPHS[node.point.kind] || GLYPHS.home;
    const group = el('g', { class: `place ${node.point.kind}`, transform: `translate(${node.x} ${node.y}) scale(${this.town.size})` });
    group.append(el('circle', { r: 20, class: 'hit' }), ...drawing());
    this.glyphs.set(node.point.point, group);
    node.children.forEach((child, i) => {
      const inner = el('g', { class: `place ${child.kind} behind`, transform: `translate(${17 + 12 * i} 7) scale(.62)` });
      inner.append(el('circle', { r: 16, class: 'hit' }), ...(GLYPHS[child.kind] || GLYPHS.pile)());
      this.glyphs.set(child.point, inner);
      group.append(inner);
    });
    return group;
  }

  hub() {
    const { x, y } = this.town.hub;
    this.hubText = text(x, y + 44, '', { class: 'hub-w' });
    const group = el('g', { class: 'hub' });
    group.append(
      el('circle', { cx: x, cy: y, r: 27, class: 'disc' }),
      el('path', { d: PYLON, transform: `translate(${x} ${y})`, class: 'pylon' }),
      text(x, y - 36, say('map.grid'), { class: 'hub-name' }),
      this.hubText,
    );
    return group;
  }

  // What flows now: sums along the feeder, coloured by the share that neighbours give.
  paint() {
    if (!this.town) return;
    const net = (node) => this.points.get(node.point.point).w ?? node.children.reduce((sum, c) => sum + (c.w ?? 0), 0);
    let given = 0;
    let used = 0;
    for (const node of this.town.nodes) {
      const w = net(node);
      if (w > 0) used += w;
      else given -= w;
    }
    const local = used ? Math.min(given, used) / used : 0;
    for (const segment of this.segments) {
      const w = segment.behind.reduce((sum, node) => sum + net(node), 0);
      this.paintFlow(segment, w, local);
    }
    const total = used - given;
    const whole = this.town.nodes.every((node) => typeof this.points.get(node.point.point).w === 'number');
    const amount = power(Math.abs(total));
    this.hubText.textContent = !whole || Math.abs(total) < QUIET_W ? '' : total > 0 ? `${amount} →` : `← ${amount}`;
    set(this.hubText, { class: `hub-w ${total > 0 ? 'takes' : 'gives'}` });
    for (const [index, group] of this.glyphs) this.paintGlyph(this.points.get(index), group);
    this.balance = { given, used, local, whole };
    this.paintTable();
    if (this.focus) this.tell(this.focus);
  }

  paintFlow(segment, w, local) {
    const size = Math.abs(w);
    const rests = size < QUIET_W;
    const width = rests ? 0 : Math.min(9, 1.1 + Math.sqrt(size) / 24);
    const way = w < 0 ? 'gives' : 'takes';
    const kind = segment.kind === 'lateral' ? segment.node.point.kind : 'street';
    for (const line of [segment.body, segment.pulse]) {
      line.style.strokeWidth = line === segment.pulse ? Math.max(1.4, width * 0.62) : width;
      line.style.setProperty('--local', `${Math.round(local * 100)}%`);
    }
    set(segment.body, { class: `body ${way} ${kind}${rests ? ' rests' : ''}` });
    const pace = size > 20000 ? 'fast' : size > 3000 ? 'brisk' : 'calm';
    set(segment.pulse, { class: `pulse ${way} ${kind} ${pace}${rests ? ' rests' : ''}` });
  }

  paintGlyph(point, group) {
    const base = group.classList.contains('behind') ? 'behind' : '';
    const w = point.w ?? 0;
    const does = w < -QUIET_W ? 'gives' : w > QUIET_W ? 'takes' : 'rests';
    const fault = point.status === 'Faulted' || point.status === 'silent' ? 'fault' : '';
    const taken = ['Charging', 'Preparing', 'SuspendedEV', 'SuspendedEVSE', 'Finishing', 'Occupied'].includes(point.status);
    const sun = point.pv_w > QUIET_W ? 'sunny' : '';
    set(group, { class: ['place', point.kind, does, base, fault, taken ? 'taken' : '', sun].filter(Boolean).join(' ') });
    const level = group.querySelector(':scope > .level');
    if (level) {
      const full = (point.soc_permille ?? 500) / 1000;
      set(level, { y: 9 - 18 * full, height: Math.max(0.5, 18 * full) });
    }
  }

  paintTable() {
    if (!this.table.closest('details').open) {
      this.table.closest('details').ontoggle = () => this.paintTable();
      return;
    }
    const rows = [...this.points.values()].map((p) => {
      const cells = [p.label || `#${p.point}`, say(`kind.${p.kind}`), describePower(p), p.status ? sayState('status', p.status) : ''];
      return html('tr', {}, ...cells.map((cell, i) => html('td', i === 2 ? { class: 'n' } : {}, cell)));
    });
    this.table.replaceChildren(...rows);
  }

  nodeAt(event) {
    if (!this.town) return null;
    const box = this.svg.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    let best = null;
    let reach = event.pointerType === 'touch' ? 34 : 22;
    for (const node of this.town.nodes) {
      const far = Math.hypot(node.x - at.x, node.y - at.y);
      if (far < reach) [best, reach] = [node, far];
    }
    return best;
  }

  show(node) {
    if (node === this.focus) return;
    this.focus = node;
    set(this.halo, { hidden: !node });
    this.tip.hidden = !node;
    if (!node) return;
    set(this.halo, { cx: node.x, cy: node.y });
    this.tell(node);
  }

  tell(node) {
    const lines = [node.point, ...node.children].flatMap((p, i) => {
      const point = this.points.get(p.point);
      const name = html(i ? 'b' : 'strong', {}, point.label || `${say(`kind.${point.kind}`)} ${point.point}`);
      return [name, html('span', {}, describe(point))];
    });
    this.tip.replaceChildren(...lines, html('em', {}, say('map.more')));
    const half = this.tip.offsetWidth / 2;
    const left = Math.max(half + 4, Math.min(this.town.width - half - 4, node.x));
    const below = node.y < this.tip.offsetHeight + 34;
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${below ? node.y + 26 : node.y - 26}px`;
    this.tip.classList.toggle('below', below);
  }

  // A mouse has shown the tip already; a finger's first tap shows it, the second opens the receipt.
  tap(event) {
    const node = this.nodeAt(event);
    if (event.pointerType === 'touch' && node !== this.tapped) this.show(node);
    else this.open(node);
    this.tapped = node;
  }

  open(node) {
    if (node) this.openReceipt(node.point.point);
  }

  onKey(event) {
    if (!this.town) return;
    if (event.key === 'Enter') return this.open(this.focus);
    if (event.key === 'Escape') return this.show(null);
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const from = this.focus || { x: this.town.hub.x, y: this.town.hub.y };
    let best = null;
    let least = Infinity;
    for (const node of this.town.nodes) {
      const along = (node.x - from.x) * step[0] + (node.y - from.y) * step[1];
      const across = Math.abs((node.x - from.x) * step[1]) + Math.abs((node.y - from.y) * step[0]);
      if (along > 4 && along + 2.2 * across < least) [best, least] = [node, along + 2.2 * across];
    }
    if (best) this.show(best);
  }

  setHour(unix) {
    const at = hour(unix);
    this.svg.parentElement.dataset.light = at < 5 || at >= 21 ? 'night' : at < 7.5 || at >= 18.5 ? 'dusk' : 'day';
  }
}

function describePower(point) {
  if (point.w === null || point.w === undefined) return say('does.hidden');
  const w = power(Math.abs(point.w));
  if (Math.abs(point.w) < 1) return say('does.idle');
  if (point.kind === 'battery') return say(point.w > 0 ? 'does.charges' : 'does.discharges', { w });
  return say(point.w > 0 ? 'does.uses' : 'does.gives', { w });
}

function describe(point) {
  const parts = [describePower(point)];
  if (point.pv_w) parts.push(say('does.pv', { w: power(point.pv_w) }));
  if (point.soc_permille !== null && point.soc_permille !== undefined) {
    parts.push(say('does.soc', { pct: percent(point.soc_permille / 1000) }));
  }
  if (point.kind === 'pile' && point.status) parts.push(sayState('status', point.status));
  return parts.join(' · ');
}

const PYLON = 'M-8 13L-2.5-14H2.5L8 13M-11-6H11M-8 0H8M-2.5-14L6 6M2.5-14L-6 6M-6 6L8 13M6 6L-8 13M-11-6V-3M11-6V-3';

const GLYPHS = {
  home: () => [
    el('path', { class: 'wall', d: 'M-9-1V9.5a1.5 1.5 0 0 0 1.5 1.5h15A1.5 1.5 0 0 0 9 9.500V-1z' }),
    el('path', { class: 'window', d: 'M-5.500 2.500h4v4h-4zM2 2.500h3.500V11H2z' }),
    el('path', { class: 'roof', d: 'M-12.500 0 0-11 12.500 0z' }),
    el('path', { class: 'panel', d: 'M-4.200-4.500 0-8.200 4.200-4.500M-6.800-2.200H6.800M0-8.200V-1.500' }),
  ],
  roof: () => GLYPHS.home(),
  pile: () => [
    el('circle', { class: 'ring', r: 14 }),
    el('path', { class: 'cable', d: 'M6-3h2.500a2.500 2.500 0 0 1 2.500 2.500V6a2 2 0 0 0 4 0V-2' }),
    el('rect', { class: 'post', x: -8, y: -12, width: 14, height: 24, rx: 3.5 }),
    el('path', { class: 'bolt', d: 'M.500-8-5 1h3.200L-3 8 3-1.500H-.200z' }),
  ],
  battery: () => [
    el('rect', { class: 'cap', x: -3.5, y: -14, width: 7, height: 4, rx: 1.2 }),
    el('rect', { class: 'cell', x: -8, y: -11.5, width: 16, height: 23, rx: 3.5 }),
    el('rect', { class: 'level', x: -5.5, y: 0, width: 11, height: 9, rx: 1.5 }),
  ],
};

// A little green, always at the same places, clear of streets and points.
function scenery({ nodes, columns, spine, width, height }) {
  const group = el('g', { class: 'scenery' });
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let tries = 0, trees = 0; tries < 400 && trees < Math.round((width * height) / 9000); tries += 1) {
    const x = 70 + random() * (width - 84);
    const y = 14 + random() * (height - 28);
    const free = nodes.every((n) => Math.hypot(n.x - x, n.y - y) > 30 && (Math.abs(n.y - y) > 12 || Math.abs(columns[n.column] - x) > Math.abs(columns[n.column] - n.x)));
    if (!free || columns.some((c) => Math.abs(c - x) < 16) || Math.abs(spine - y) < 18) continue;
    const r = 3.5 + random() * 4.5;
    group.append(el('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r: r.toFixed(1) }));
    trees += 1;
  }
  return group;
}
