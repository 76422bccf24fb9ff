// Demand and supply of one interval, the crossing, and the group whose limit is the price.

import { clear, el, scale, set, text, ticks, widthOf } from './svg.js';
import { energy, price, say } from './words.js';

const HEIGHT = 236;

export function drawCurves(svg, detail) {
  clear(svg);
  const width = widthOf(svg);
  set(svg, { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT });
  const { demand, supply, summary, why } = detail;
  set(svg, {
    'aria-label': say('curves.label', {
      wanted: energy(why.wanted_wh),
      offered: energy(why.offered_wh),
      price: price(summary.price),
    }),
  });
  const wanted = total(demand);
  const offered = total(supply);
  const most = Math.max(wanted, offered);
  if (!most) {
    svg.append(text(width / 2, HEIGHT / 2, say('curves.none'), { class: 'axis middle' }));
    return;
  }
  const pad = { left: 46, right: 12, top: 14, bottom: 26 };
  const x = scale([0, most * 1.04], [pad.left, width - pad.right]);
  const span = Math.max(1, summary.high - summary.low);
  const y = scale([summary.low - span * 0.12, summary.high + span * 0.12], [HEIGHT - pad.bottom, pad.top]);
  axes(svg, { x, y, most, summary, pad, width });

  const demandLine = steps(demand, x, y, y(summary.high + span * 0.12));
  const supplyLine = steps(supply, x, y, y(summary.low - span * 0.12));
  if (summary.volume_wh) {
    svg.append(el('path', { class: 'traded', d: gains(demand, supply, summary.volume_wh, x, y) }));
  }
  svg.append(
    el('path', { class: 'demand', d: demandLine }),
    el('path', { class: 'supply', d: supplyLine }),
  );
  marginal(svg, detail, x, y);
  svg.append(
    el('path', { class: 'price-line', d: `M${x(0)} ${y(summary.price)}H${width - pad.right}` }),
    el('circle', { class: 'crossing', cx: x(summary.volume_wh), cy: y(summary.price), r: 5 }),
  );
  names(svg, detail, x, y, width - pad.right);
}

const total = (list) => list.reduce((sum, step) => sum + step.wh, 0);

function axes(svg, { x, y, most, summary, pad, width }) {
  for (const value of ticks(most, width < 380 ? 3 : 4)) {
    svg.append(text(x(value), HEIGHT - 8, energy(value), { class: 'axis middle' }));
  }
  for (const value of new Set([summary.low, summary.high])) {
    svg.append(
      el('path', { class: 'rule', d: `M${pad.left} ${y(value)}H${width - pad.right}` }),
      text(pad.left - 6, y(value) + 4, price(value), { class: 'axis end' }),
    );
  }
}

// What both sides gain: the area between the curves, up to the energy that was traded.
function gains(demand, supply, volume, x, y) {
  const top = edgeUpTo(demand, volume);
  const bottom = edgeUpTo(supply, volume).reverse();
  return `M${[...top, ...bottom].map(([wh, at]) => `${x(wh)} ${y(at)}`).join('L')}z`;
}

function edgeUpTo(list, volume) {
  const corners = [];
  let at = 0;
  for (const step of list) {
    if (at >= volume) break;
    const to = Math.min(volume, at + step.wh);
    corners.push([at, step.price], [to, step.price]);
    at = to;
  }
  return corners;
}

function steps(list, x, y, edge) {
  if (!list.length) return '';
  let at = 0;
  let line = `M${x(0)} ${y(list[0].price)}`;
  for (const step of list) {
    line += `V${y(step.price)}H${x(at + step.wh)}`;
    at += step.wh;
  }
  const down = y(list[0].price) <= y(list[list.length - 1].price);
  return `${line}V${down ? Math.max(edge, y.call(null, list[list.length - 1].price)) : Math.min(edge, y(list[list.length - 1].price))}`;
}

function marginal(svg, { demand, supply, summary, why }, x, y) {
  if (!why.marginal_side) return;
  let at = 0;
  for (const step of why.marginal_side === 'buyers' ? demand : supply) {
    if (step.price === summary.price) {
      svg.append(
        el('path', { class: `group ${why.marginal_side}`, d: `M${x(at)} ${y(step.price)}H${x(at + step.wh)}` }),
        text((x(at) + x(at + step.wh)) / 2, y(step.price) - 10, say('curves.marginal'), { class: 'note middle' }),
      );
    }
    at += step.wh;
  }
}

function names(svg, { demand, supply }, x, y, right) {
  const put = (list, key, shift) => {
    if (!list.length) return;
    const first = list[0];
    svg.append(text(Math.min(x(first.wh * 0.04) + 6, right), y(first.price) + shift, say(key), { class: `name ${key.split('.')[1]}` }));
  };
  put(demand, 'curves.demand', -7);
  put(supply, 'curves.supply', 16);
}
