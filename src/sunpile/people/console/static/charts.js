// Drawings: gauges, a trail, curves of a session, stretches of limits, the map.

import { el, round, scale, set, text, ticks, widthOf } from '/static/svg.js';
import { clock, current, energy, permille, power, say, seconds, voltage } from './words.js';

export function gauge(share, kind) {
  const length = Math.PI * 2 * 15;
  const part = Math.max(0, Math.min(1, share));
  return el('svg', { class: `gauge ${kind}`, viewBox: '0 0 36 36', 'aria-hidden': 'true' },
    el('circle', { class: 'rest', cx: 18, cy: 18, r: 15 }),
    part > 0 && el('circle', { class: 'part', cx: 18, cy: 18, r: 15, 'stroke-dasharray': `${length * part} ${length}`, transform: 'rotate(-90 18 18)' }));
}

export function spark(values) {
  const svg = el('svg', { class: 'spark', viewBox: '0 0 100 28', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  if (values.length < 2) return svg;
  const x = scale([0, values.length - 1], [0, 100]);
  const y = scale([0, Math.max(1, ...values)], [26, 3]);
  const line = values.map((value, at) => `${round(x(at))} ${round(y(value))}`).join('L');
  svg.append(el('path', { class: 'area', d: `M0 28L${line}L100 28z` }), el('path', { class: 'stroke', d: `M${line}` }));
  return svg;
}

// What a curve can show: how it is told, and its colour's class.
export const SERIES = {
  power_w: { say: power, kind: 'sun', zero: true },
  register_wh: { say: energy, kind: 'pile', zero: true },
  current_ma: { say: current, kind: 'grid', zero: true },
  voltage_mv: { say: voltage, kind: 'price', zero: false },
  soc_permille: { say: permille, kind: 'battery', zero: true, top: 1000 },
};

const HEIGHT = 190;
const PAD = { left: 62, right: 12, top: 12, bottom: 24 };

// One curve over time. A gap longer than three widths is drawn as a gap.
export function drawCurve(svg, points, name, widthS, tip) {
  svg.replaceChildren();
  const series = SERIES[name];
  const known = points.filter((point) => point[name] !== null && point[name] !== undefined);
  const width = widthOf(svg);
  set(svg, { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, 'data-points': known.length });
  if (!known.length) {
    svg.append(text(width / 2, HEIGHT / 2, say('curve.none'), { class: 'axis middle' }));
    return;
  }
  const values = known.map((point) => point[name]);
  const base = name === 'register_wh' ? Math.min(...values) : series.zero ? Math.min(0, ...values) : Math.min(...values) * 0.98;
  const top = Math.max(series.top || 0, base + 1, ...values.map((value) => (series.zero ? value * 1.05 : value * 1.02)));
  const first = known[0].at;
  const last = Math.max(known.at(-1).at, first + 60);
  const x = scale([first, last], [PAD.left, width - PAD.right]);
  const y = scale([base, top], [HEIGHT - PAD.bottom, PAD.top]);
  for (const step of ticks(top - base, 3)) {
    svg.append(el('path', { class: 'rule', d: `M${PAD.left} ${round(y(base + step))}H${width - PAD.right}` }),
      text(PAD.left - 6, y(base + step) + 4, series.say(Math.round(name === 'register_wh' ? step : base + step)), { class: 'axis end' }));
  }
  const marks = width < 420 ? 3 : 6;
  for (let mark = 0; mark <= marks; mark += 1) {
    const at = first + ((last - first) * mark) / marks;
    svg.append(text(x(at), HEIGHT - 6, last - first < 900 ? seconds(at) : clock(at), { class: `axis ${mark === 0 ? '' : mark === marks ? 'end' : 'middle'}` }));
  }
  for (const run of runs(known, widthS)) {
    const line = run.map((point) => `${round(x(point.at))} ${round(y(point[name]))}`).join('L');
    if (run.length === 1) svg.append(el('circle', { class: `dot ${series.kind}`, cx: round(x(run[0].at)), cy: round(y(run[0][name])), r: 3 }));
    else {
      svg.append(el('path', { class: `area ${series.kind}`, d: `M${round(x(run[0].at))} ${HEIGHT - PAD.bottom}L${line}L${round(x(run.at(-1).at))} ${HEIGHT - PAD.bottom}z` }),
        el('path', { class: `stroke ${series.kind}`, d: `M${line}` }));
    }
  }
  follow(svg, known, name, x, y, width, tip);
}

function runs(points, widthS) {
  const found = [[points[0]]];
  const gap = Math.max(180, widthS * 3);
  points.slice(1).forEach((point, at) => {
    if (point.at - points[at].at > gap) found.push([point]);
    else found.at(-1).push(point);
  });
  return found;
}

function follow(svg, points, name, x, y, width, tip) {
  const dot = el('circle', { class: `dot ${SERIES[name].kind}`, r: 4, visibility: 'hidden' });
  svg.append(dot);
  svg.onpointermove = (event) => {
    const box = svg.getBoundingClientRect();
    const at = x.back(((event.clientX - box.left) * width) / box.width);
    const near = points.reduce((best, point) => (Math.abs(point.at - at) < Math.abs(best.at - at) ? point : best));
    set(dot, { cx: x(near.at), cy: y(near[name]), visibility: 'visible' });
    tip.textContent = `${clock(near.at)} · ${SERIES[name].say(near[name])}`;
  };
  svg.onpointerleave = () => {
    set(dot, { visibility: 'hidden' });
    tip.textContent = '';
  };
}

// Limits over time, ours as an area and the station's as a line; `null` is no limit.
export function drawStretches(svg, ours, theirs, lasts, unit) {
  svg.replaceChildren();
  const width = widthOf(svg);
  set(svg, { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT });
  const limits = [...ours, ...(theirs || [])].map((one) => one.limit).filter((limit) => limit !== null);
  const told = (limit) => (unit === 'W' ? power(limit) : current(limit));
  const top = Math.max(1, ...limits) * 1.2;
  const x = scale([0, lasts], [PAD.left, width - PAD.right]);
  const y = scale([0, top], [HEIGHT - PAD.bottom, PAD.top]);
  for (const step of ticks(top, 3)) {
    svg.append(el('path', { class: 'rule', d: `M${PAD.left} ${y(step)}H${width - PAD.right}` }), text(PAD.left - 6, y(step) + 4, told(Math.round(step)), { class: 'axis end' }));
  }
  const line = (list) => list.map((one, at) => {
    const level = round(y(one.limit === null ? top : one.limit));
    return `${at ? 'V' : `M${round(x(one.start_s))} `}${level}H${round(x(list[at + 1]?.start_s ?? lasts))}`;
  }).join('');
  if (ours.length) {
    svg.append(el('path', { class: 'area sun', d: `${line(ours)}V${HEIGHT - PAD.bottom}H${x(0)}z` }), el('path', { class: 'stroke sun', d: line(ours) }));
  }
  if (theirs?.length) svg.append(el('path', { class: 'stroke pile dashed', d: line(theirs) }));
  for (let mark = 0; mark <= 4; mark += 1) {
    svg.append(text(x((lasts * mark) / 4), HEIGHT - 6, `+${Math.round((lasts * mark) / 4 / 3600)} h`, { class: `axis ${mark === 0 ? '' : mark === 4 ? 'end' : 'middle'}` }));
  }
}
