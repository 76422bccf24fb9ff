// Batches, sessions, the interval's facts and its place in the band.

import { clear, el, html, set, text } from './svg.js';
import { clock, count, energy, money, percent, price, say, sayState } from './words.js';

export function seats(batch) {
  const label = say('seats', { signed: batch.signers.length, seats: batch.seats });
  const row = html('span', { class: 'seats', role: 'img', 'aria-label': label, title: label });
  const refused = new Map(batch.refusals);
  for (let seat = 0; seat < batch.seats; seat += 1) {
    const reason = refused.get(seat);
    const dot = html('i', { class: batch.signers.includes(seat) ? 'on' : reason ? 'refused' : '' });
    if (reason) dot.title = say('batches.refused', { seat: seat + 1, reason });
    row.append(dot);
  }
  return row;
}

export function drawBatches(body, batches, length, choose) {
  const rows = batches.map((batch) => {
    const when = html('button', { type: 'button', class: 'link' }, `${clock(batch.start)}–${clock(batch.start + length)}`);
    when.addEventListener('click', () => choose(batch.interval));
    const digest = html('button', { type: 'button', class: 'digest', title: say('batches.copy') }, short(batch.digest));
    digest.addEventListener('click', () => copy(digest, batch.digest));
    const gas = batch.gas_per_row === null ? '…' : count(batch.gas_per_row);
    return html(
      'tr',
      {},
      html('td', {}, when),
      html('td', { class: 'n' }, price(batch.price)),
      html('td', { class: 'n' }, energy(batch.volume_wh)),
      html('td', { class: 'n' }, count(batch.rows)),
      html('td', { class: 'n' }, gas),
      html('td', {}, seats(batch)),
      html('td', {}, digest),
    );
  });
  body.replaceChildren(...rows);
}

const short = (hash) => `${hash.slice(0, 8)}…${hash.slice(-4)}`;

export async function copy(button, content) {
  await navigator.clipboard?.writeText(content);
  const before = button.textContent;
  button.textContent = button.dataset.done || say('batches.copied');
  setTimeout(() => (button.textContent = before), 1200);
}

export function drawSessions(list, sessions) {
  const items = sessions.map((s) => {
    const bar = el('svg', { class: 'paid', viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    const share = s.owed ? Math.min(100, (100 * s.paid) / s.owed) : 0;
    bar.append(el('rect', { class: 'rest', width: 100, height: 4, rx: 2 }), el('rect', { class: 'part', width: share, height: 4, rx: 2 }));
    const end = s.ended_at ? clock(s.ended_at) : '…';
    return html(
      'li',
      { class: s.state },
      html('span', { class: 'plug', 'aria-hidden': 'true' }),
      html('span', { class: 'who' }, html('b', {}, s.label || s.station), html('small', {}, `${clock(s.started_at)}–${end} · ${sayState('sessions', s.state)}`)),
      html('span', { class: 'much' }, html('b', {}, energy(s.wh)), html('small', {}, say('sessions.of', { paid: money(s.paid), owed: money(s.owed) }))),
      bar,
    );
  });
  list.replaceChildren(...items);
}

export function drawFacts(list, { summary, batch }) {
  const fact = (key, value, kind = '') => html('div', { class: kind }, html('dt', {}, say(`facts.${key}`)), html('dd', {}, value));
  list.replaceChildren(
    fact('shared', energy(summary.volume_wh), 'shared'),
    fact('from_grid', energy(summary.grid_import_wh)),
    fact('to_grid', energy(summary.grid_export_wh)),
    fact('buyers', money(summary.buyers_gain)),
    fact('sellers', money(summary.sellers_gain)),
    fact('signers', seats(batch)),
  );
}

// The price on its way from feed-in to the grid's price.
export function drawBand(svg, summary) {
  clear(svg);
  const left = 8;
  const right = 392;
  const span = Math.max(1, summary.retail - summary.feed_in);
  const at = (value) => left + ((value - summary.feed_in) / span) * (right - left);
  const here = at(summary.price);
  svg.append(
    el('rect', { class: 'rail', x: left, y: 24, width: right - left, height: 8, rx: 4 }),
    el('rect', { class: 'room', x: at(summary.low), y: 24, width: Math.max(0, at(summary.high) - at(summary.low)), height: 8, rx: 4 }),
    el('circle', { class: 'knob', cx: here, cy: 28, r: 8 }),
    text(left, 52, `${say('band.feed_in')} ${price(summary.feed_in)}`, { class: 'axis' }),
    text(right, 52, `${say('band.grid')} ${price(summary.retail)}`, { class: 'axis end' }),
  );
  set(svg, {
    'aria-label': say('band.label', {
      price: price(summary.price),
      feed_in: price(summary.feed_in),
      retail: price(summary.retail),
    }),
  });
}

export function whyText({ why }) {
  const key = ['scarce', 'ample'].includes(why.case) ? `why.${why.case}.${why.marginal_side || 'none'}` : `why.${why.case}`;
  return say(key, {
    wanted: energy(why.wanted_wh),
    offered: energy(why.offered_wh),
    points: count(why.marginal_points),
    marginal: energy(why.marginal_wh),
    pct: percent(why.marginal_wh ? why.marginal_filled_wh / why.marginal_wh : 0),
  });
}
