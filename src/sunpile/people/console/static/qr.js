// A QR code from rows of 1 and 0, as a drawing.

import { el } from '/static/svg.js';

export function qr(rows, label) {
  const quiet = 4;
  const side = rows.length + quiet * 2;
  let path = '';
  rows.forEach((row, y) => [...row].forEach((dark, x) => { if (dark === '1') path += `M${x + quiet} ${y + quiet}h1v1h-1z`; }));
  return el('svg', { class: 'code', viewBox: `0 0 ${side} ${side}`, role: 'img', 'aria-label': label },
    el('rect', { class: 'paper', width: side, height: side }), el('path', { class: 'ink', d: path }));
}
