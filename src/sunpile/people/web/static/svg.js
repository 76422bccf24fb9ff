// The few strokes all drawings share.

const NS = 'http://www.w3.org/2000/svg';

export function el(name, attributes = {}, ...children) {
  const node = document.createElementNS(NS, name);
  set(node, attributes);
  for (const child of children) if (child) node.append(child);
  return node;
}

export function set(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) node.removeAttribute(key);
    else node.setAttribute(key, value);
  }
  return node;
}

export function html(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  set(node, attributes);
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

export const text = (x, y, content, attributes = {}) => {
  const node = el('text', { x, y, ...attributes });
  node.textContent = content;
  return node;
};

export const clear = (node) => node.replaceChildren();

export function scale(domain, range) {
  const [from, to] = domain;
  const [low, high] = range;
  const factor = to === from ? 0 : (high - low) / (to - from);
  const map = (value) => low + (value - from) * factor;
  map.back = (pixel) => (factor ? from + (pixel - low) / factor : from);
  return map;
}

// Round steps (1, 2, 5 x 10^k) from 0 to the top, about `wanted` of them.
export function ticks(top, wanted) {
  if (!(top > 0)) return [0];
  const raw = top / wanted;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((part) => part * size).find((part) => part >= raw);
  const found = [];
  for (let value = 0; value <= top * 1.0001; value += step) found.push(value);
  return found;
}

// Width of the box an SVG stands in; drawings are made for real pixels, so that text keeps its size on a phone.
export const widthOf = (node) => Math.max(280, Math.round(node.clientWidth || node.parentElement.clientWidth));

export const round = (value) => Math.round(value * 10) / 10;
