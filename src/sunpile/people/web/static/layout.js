// From places to a street plan: a spine from the grid's transformer, side streets, a short lateral to each point.
// Energy flows on it as it does in a real feeder: what a segment carries is the sum of all that hangs behind it.

import { round, scale } from './svg.js';

// Smallest distance of two glyphs, of a glyph from its street, and room at the left for the grid.
const WIDE = { gap: 34, off: 30, left: 104, hub: 46, size: 1 };
const NARROW = { gap: 25, off: 20, left: 74, hub: 34, size: 0.72 };

export function plan(points, width, height) {
  const form = width < 620 ? NARROW : WIDE;
  const pad = { left: form.left, right: form.off, top: 36, bottom: 36 };
  const xs = scale(extent(points.map((p) => p.x)), [pad.left + form.off, width - pad.right]);
  const ys = scale(extent(points.map((p) => p.y)), [pad.top, height - pad.bottom]);
  const byIndex = new Map(points.map((p) => [p.point, p]));
  const nodes = points
    .filter((p) => !(p.parent && byIndex.has(p.parent)))
    .map((p) => ({ point: p, x: xs(p.x), y: ys(p.y), children: [] }));
  const placed = new Map(nodes.map((n) => [n.point.point, n]));
  for (const p of points) if (p.parent && placed.has(p.parent)) placed.get(p.parent).children.push(p);

  const columns = streets(nodes, width - pad.left - pad.right);
  const spine = round(median(nodes.map((n) => n.y)) || height / 2);
  settle(nodes, columns, spine, form, { width, height, pad });
  return { nodes, columns, spine, hub: { x: form.hub, y: spine }, width, height, size: form.size };
}

function extent(values) {
  if (!values.length) return [0, 1];
  const low = Math.min(...values);
  const high = Math.max(...values);
  return low === high ? [low - 1, high + 1] : [low, high];
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

// Side streets where the points are: one-dimensional k-means, started evenly so that it always ends the same.
function streets(nodes, width) {
  if (!nodes.length) return [];
  const wanted = Math.max(1, Math.min(8, Math.max(3, Math.round(width / 125)), Math.ceil(nodes.length / 3)));
  const sorted = nodes.map((n) => n.x).sort((a, b) => a - b);
  let centres = Array.from({ length: wanted }, (_, i) => sorted[Math.floor(((i + 0.5) * sorted.length) / wanted)]);
  for (let turn = 0; turn < 12; turn += 1) {
    const groups = centres.map(() => []);
    for (const x of sorted) groups[nearest(centres, x)].push(x);
    centres = groups.map((group, i) => (group.length ? group.reduce((a, b) => a + b, 0) / group.length : centres[i]));
  }
  return centres.map(round).sort((a, b) => a - b);
}

function nearest(centres, x) {
  let best = 0;
  centres.forEach((centre, i) => {
    if (Math.abs(centre - x) < Math.abs(centres[best] - x)) best = i;
  });
  return best;
}

// Push glyphs apart, off their street and off the spine, so that any town is readable.
function settle(nodes, columns, spine, form, { width, height, pad }) {
  for (const node of nodes) {
    node.column = nearest(columns, node.x);
    node.side = node.x >= columns[node.column] ? 1 : -1;
  }
  for (let turn = 0; turn < 60; turn += 1) {
    for (let i = 0; i < nodes.length; i += 1) {
      for (let k = i + 1; k < nodes.length; k += 1) apart(nodes[i], nodes[k], form.gap);
    }
    for (const node of nodes) {
      const street = columns[node.column];
      if ((node.x - street) * node.side < form.off) node.x = street + node.side * form.off;
      const above = node.y < spine ? -1 : 1;
      if (Math.abs(node.y - spine) < form.gap * 0.8) node.y = spine + above * form.gap * 0.8;
      node.x = Math.min(width - pad.right + 6, Math.max(pad.left, node.x));
      node.y = Math.min(height - pad.bottom + 8, Math.max(pad.top - 6, node.y));
    }
  }
  for (const node of nodes) {
    node.x = round(node.x);
    node.y = round(node.y);
  }
}

function apart(a, b, gap) {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const need = gap * (1 + 0.2 * Math.min(1, a.children.length + b.children.length));
  const far = Math.hypot(dx, dy);
  if (far >= need) return;
  const push = (need - far) / 2;
  const [ux, uy] = far > 0.01 ? [dx / far, dy / far] : [0.6, 0.8];
  a.x -= ux * push * 0.5;
  a.y -= uy * push;
  b.x += ux * push * 0.5;
  b.y += uy * push;
}

// Segments of the feeder with the nodes that hang behind each, so that flows are sums. `d` runs from grid to point.
export function segments(town) {
  const found = [];
  const { nodes, columns, spine, hub } = town;
  let from = hub.x + 20;
  columns.forEach((x, i) => {
    const behind = nodes.filter((n) => n.column >= i);
    found.push({ key: `s${i}`, kind: 'spine', d: `M${from} ${spine}H${x}`, behind });
    from = x;
  });
  columns.forEach((x, i) => {
    const mine = nodes.filter((n) => n.column === i);
    for (const up of [true, false]) {
      const half = mine.filter((n) => n.y < spine === up).sort((a, b) => (up ? b.y - a.y : a.y - b.y));
      let last = spine;
      half.forEach((node, k) => {
        found.push({ key: `c${i}${up}${k}`, kind: 'street', d: `M${x} ${last}V${node.y}`, behind: half.slice(k) });
        last = node.y;
      });
    }
  });
  for (const node of nodes) {
    const d = `M${columns[node.column]} ${node.y}H${node.x}`;
    found.push({ key: `p${node.point.point}`, kind: 'lateral', d, behind: [node], node });
  }
  return found;
}
