// The day: the price inside its band above, the energy of each interval below, one slider over both.

import { clear, el, html, scale, set, text, ticks, widthOf } from './svg.js';
import { clock, energy, hour, price, say } from './words.js';

const PRICE_H = 190;
const ENERGY_H = 150;
const SEAM = 34;

export class DayChart {
  constructor(svg, tip, choose) {
    this.svg = svg;
    this.tip = tip;
    this.choose = choose;
    this.list = [];
    svg.addEventListener('pointermove', (event) => this.hover(this.at(event)));
    svg.addEventListener('pointerleave', () => this.hover(null));
    svg.addEventListener('click', (event) => this.pick(this.at(event)));
    svg.addEventListener('keydown', (event) => this.onKey(event));
    new ResizeObserver(() => this.draw()).observe(svg.parentElement);
  }

  show(list, chosen) {
    this.list = list;
    this.chosen = chosen;
    this.draw();
  }

  draw() {
    clear(this.svg);
    const { list, svg } = this;
    if (!list.length) return;
    const width = widthOf(svg.parentElement);
    const height = PRICE_H + SEAM + ENERGY_H + 24;
    set(svg, { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-valuemax': list.length - 1 });
    const pad = { left: 62, right: 20 };
    const length = list[0].end - list[0].start;
    const first = list[0].start;
    const span = Math.max(list[list.length - 1].end - first, Math.min(86400, 96 * length));
    this.x = scale([first, first + span], [pad.left, width - pad.right]);
    this.top = scale([0, Math.max(...list.map((i) => i.retail)) * 1.1], [PRICE_H, 8]);
    this.nights(first, span, length);
    this.prices(pad, width);
    this.energies(pad, width);
    this.hours(first, span, width, height);
    this.cursor = el('rect', { class: 'cursor', y: 4, height: height - 26, rx: 3 });
    this.shade = el('rect', { class: 'hover', y: 4, height: height - 26, rx: 3, hidden: true });
    svg.append(this.shade, this.cursor);
    this.place(this.cursor, this.find(this.chosen));
  }

  nights(first, span, length) {
    const step = Math.max(length, 900);
    const dark = (at) => at < first + span && (hour(at + step / 2) < 6 || hour(at + step / 2) >= 20);
    for (let at = first; at < first + span; at += step) {
      if (!dark(at)) continue;
      const from = this.x(at);
      while (dark(at + step)) at += step;
      const width = this.x(Math.min(at + step, first + span)) - from;
      this.svg.append(el('rect', { class: 'night', x: from, width, y: 0, height: PRICE_H + SEAM + ENERGY_H }));
    }
  }

  prices(pad, width) {
    const { svg, list, x, top } = this;
    for (const value of ticks(top.back(8), 4).slice(1)) {
      svg.append(el('path', { class: 'rule', d: `M${pad.left} ${top(value)}H${width - pad.right}` }));
      svg.append(text(pad.left - 7, top(value) + 4, price(value, 2), { class: 'axis end' }));
    }
    const there = list.map((i) => `H${x(i.start)}V${top(i.high)}H${x(i.end)}`).join('');
    const back = [...list].reverse().map((i) => `H${x(i.end)}V${top(i.low)}H${x(i.start)}`).join('');
    svg.append(el('path', { class: 'band-area', d: `M${x(list[0].start)} ${top(list[0].high)}${there}V${top(list[list.length - 1].low)}${back}z` }));
    const line = (key) => `M${x(list[0].start)} ${top(list[0][key])}` + list.map((i) => `V${top(i[key])}H${x(i.end)}`).join('');
    svg.append(el('path', { class: 'retail', d: line('retail') }), el('path', { class: 'feed-in', d: line('feed_in') }));
    for (const [from, to] of runs(list)) {
      const part = list.slice(from, to);
      const moved = part[0].volume_wh > 0;
      const d = `M${x(part[0].start)} ${top(part[0].price)}` + part.map((i) => `V${top(i.price)}H${x(i.end)}`).join('');
      svg.append(el('path', { class: moved ? 'clearing' : 'clearing idle', d }));
    }
    const last = list[list.length - 1];
    svg.append(el('circle', { class: 'last', cx: x(last.end), cy: top(last.price), r: 4 }));
    const left = x(list[0].start) + 6;
    svg.append(
      text(left, top(list[0].retail) - 6, say('day.retail'), { class: 'name retail-name' }),
      text(left, top(list[0].feed_in) + 15, say('day.feed_in'), { class: 'name feed-name' }),
    );
    const free = list.map((i) => (i.volume_wh ? Math.min(i.retail - i.price, i.price - i.feed_in) : 0));
    const at = list[free.indexOf(Math.max(...free))];
    const edge = Math.min(x(at.start), width - pad.right - 110);
    svg.append(text(edge, top(at.price) - 9, say('day.clearing'), { class: 'name price-name' }));
  }

  energies(pad, width) {
    const { svg, list, x } = this;
    const up = Math.max(1, ...list.map((i) => i.volume_wh + i.grid_import_wh));
    const down = Math.max(0, ...list.map((i) => i.grid_export_wh));
    const base = PRICE_H + SEAM;
    const y = scale([-down, up], [base + ENERGY_H, base + 14]);
    if (width > 620) svg.append(text(pad.left, base - 2, say('day.energy'), { class: 'name' }));
    this.key(base - 2, width - pad.right);
    for (const value of ticks(up, 3).slice(1)) {
      svg.append(el('path', { class: 'rule', d: `M${pad.left} ${y(value)}H${width - pad.right}` }));
      svg.append(text(pad.left - 7, y(value) + 4, energy(value), { class: 'axis end' }));
    }
    const group = el('g', { class: 'bars' });
    for (const i of list) {
      const left = x(i.start) + 0.5;
      const wide = Math.max(1, x(i.end) - x(i.start) - 1);
      bar(group, 'shared', left, wide, y(0), y(i.volume_wh));
      bar(group, 'grid', left, wide, y(i.volume_wh), y(i.volume_wh + i.grid_import_wh));
      bar(group, 'out', left, wide, y(-i.grid_export_wh), y(0));
    }
    svg.append(group, el('path', { class: 'zero', d: `M${pad.left} ${y(0)}H${width - pad.right}` }));
  }

  key(y, right) {
    let at = right;
    for (const name of ['out', 'grid', 'shared']) {
      const label = text(at, y, say(`day.${name}`), { class: 'axis end' });
      this.svg.append(label);
      at -= label.getComputedTextLength() + 8;
      this.svg.append(el('circle', { class: `key ${name}`, cx: at, cy: y - 4, r: 4 }));
      at -= 14;
    }
  }

  hours(first, span, width, height) {
    const step = width < 560 ? 21600 : 10800;
    for (let at = Math.ceil(first / 3600) * 3600; at <= first + span; at += 3600) {
      if (Math.round(hour(at) * 3600) % step) continue;
      this.svg.append(text(this.x(at), height - 6, clock(at), { class: 'axis middle' }));
    }
  }

  at(event) {
    if (!this.x) return null;
    const time = this.x.back(event.clientX - this.svg.getBoundingClientRect().left);
    return this.list.find((i) => i.start <= time && time < i.end) || null;
  }

  find(index) {
    return this.list.find((i) => i.interval === index) || null;
  }

  place(rect, interval) {
    set(rect, { hidden: !interval });
    if (!interval) return;
    set(rect, { x: this.x(interval.start), width: Math.max(2, this.x(interval.end) - this.x(interval.start)) });
    if (rect !== this.cursor) return;
    set(this.svg, {
      'aria-valuenow': this.list.indexOf(interval),
      'aria-valuetext': `${clock(interval.start)}: ${price(interval.price)}, ${energy(interval.volume_wh)}`,
    });
  }

  hover(interval) {
    if (!this.shade) return;
    this.place(this.shade, interval);
    this.tip.hidden = !interval;
    if (!interval) return;
    const line = (name, value) => html('span', {}, `${say(name)} `, html('b', {}, value));
    this.tip.replaceChildren(
      html('strong', {}, `${clock(interval.start)}–${clock(interval.end)}`),
      line('day.clearing', price(interval.price)),
      line('day.retail', price(interval.retail)),
      line('day.shared', energy(interval.volume_wh)),
      line('day.grid', energy(interval.grid_import_wh)),
    );
    const middle = (this.x(interval.start) + this.x(interval.end)) / 2;
    const half = this.tip.offsetWidth / 2;
    const most = this.svg.clientWidth - half - 4;
    this.tip.style.left = `${Math.max(half + 4, Math.min(most, middle))}px`;
    this.tip.style.top = '8px';
  }

  pick(interval) {
    if (interval) this.choose(interval.interval);
  }

  onKey(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 4, PageDown: -4 }[event.key];
    const edge = { Home: 0, End: this.list.length - 1 }[event.key];
    if (step === undefined && edge === undefined) return;
    event.preventDefault();
    const now = this.list.indexOf(this.find(this.chosen));
    const next = edge ?? Math.max(0, Math.min(this.list.length - 1, now + step));
    this.pick(this.list[next]);
  }
}

// Runs of intervals that traded, and runs that did not.
function runs(list) {
  const found = [];
  let from = 0;
  for (let i = 1; i <= list.length; i += 1) {
    if (i === list.length || list[i].volume_wh > 0 !== list[from].volume_wh > 0) {
      found.push([from, i]);
      from = i;
    }
  }
  return found;
}

function bar(group, name, x, width, from, to) {
  const [top, height] = from > to ? [to, from - to] : [from, to - from];
  if (height > 0.2) group.append(el('rect', { class: name, x, width, y: top, height, rx: Math.min(1.5, width / 3) }));
}
