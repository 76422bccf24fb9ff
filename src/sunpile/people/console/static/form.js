// Forms made from a JSON schema: every operation, and every body of the API, has the form its schema says.

import { get } from './api.js';
import { button, h, put, sentence } from './ui.js';
import { chinese, field, say, state } from './words.js';

const TIMES = /(^at$|_at$|^begins$|^ends$|^valid_from$|^valid_until$|^valid_to$|^since$|^until$|^oldest$|^latest$|^departs$)/;
// Whole numbers that people write with a point: by so many decimals.
const POINTS = { latitude: 6, longitude: 6 };
const LONG = /(^pem$|^certificate$|^chain$|^csr$|notes$|^note$|^signature$|^key$|^description$|^data$)/;
const STATION = /^station$/;

let document_ = null;

// The schema of a body, as the API itself tells it.
export async function bodyOf(method, path) {
  document_ = document_ || (await get('/api/openapi.json'));
  const operation = document_.paths[path]?.[method.toLowerCase()];
  const schema = operation?.requestBody?.content?.['application/json']?.schema;
  return schema ? { schema, root: document_ } : null;
}

// A schema itself, where it only names one.
export const follow = (schema, root) => {
  if (!schema?.$ref) return schema || {};
  const parts = schema.$ref.slice(2).split('/');
  return { ...parts.reduce((at, part) => at[part], root), ...Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$ref')) };
};

function plain(schema, root) {
  const found = follow(schema, root);
  const many = found.anyOf || found.oneOf;
  if (!many) return { schema: found, nullable: false };
  const kinds = many.filter((one) => one.type !== 'null');
  const nullable = kinds.length < many.length;
  const rest = Object.fromEntries(Object.entries(found).filter(([key]) => key !== 'anyOf' && key !== 'oneOf'));
  if (kinds.length === 1) return { schema: { ...follow(kinds[0], root), ...rest }, nullable };
  return { schema: { ...rest, type: 'any' }, nullable };
}

function label(name, schema, required) {
  const parts = [(chinese && schema['x-label-zh']) || field(name)];
  if (required) parts.push(h('i', { class: 'must', title: say('form.must') }, ' *'));
  return parts;
}

const help = (schema) => (!chinese && schema.description ? h('small', {}, schema.description) : null);

// One field: its node, and `read()` that gives the value, or undefined for none. `read` throws what is wrong in words.
function make(name, given, root, required, value, depth = 0) {
  const { schema, nullable } = plain(given, root);
  const start = value === undefined ? schema.default : value;
  if (schema.const !== undefined) return { node: null, read: () => schema.const };
  if (schema.enum) return choice(name, schema, required, start);
  if (schema.type === 'boolean') return nullable ? either(name, schema, start) : tick(name, schema, start);
  if (schema.type === 'integer' || schema.type === 'number') return number(name, schema, required, start);
  if (schema.type === 'array') return list(name, schema, root, required, start, depth);
  if (schema.type === 'object' && schema.properties) return group(name, schema, root, required, start, depth);
  if (schema.type === 'object' || schema.type === 'any') return free(name, schema, required, start);
  return line(name, schema, required, start);
}

const wrap = (name, schema, required, input, kind = '') =>
  h('label', { class: `field ${kind}` }, h('span', {}, ...label(name, schema, required)), input, help(schema));

function choice(name, schema, required, start) {
  const options = schema.enum.map((one) => h('option', { value: one }, state(String(one))));
  if (!required && (start === undefined || start === null || start === '')) options.unshift(h('option', { value: '' }, '–'));
  const input = h('select', { name }, ...options);
  input.value = start ?? (required ? schema.enum[0] : '');
  return { node: wrap(name, schema, required, input), input, read: () => (input.value === '' && !schema.enum.includes('') ? undefined : schema.enum.find((one) => String(one) === input.value)) };
}

function tick(name, schema, start) {
  const input = h('input', { type: 'checkbox', name, checked: Boolean(start) });
  return { node: h('label', { class: 'field tick' }, input, h('span', {}, ...label(name, schema, false), help(schema))), input, read: () => input.checked };
}

function either(name, schema, start) {
  const input = h('select', { name }, ...['', 'true', 'false'].map((one) => h('option', { value: one }, one ? say(one === 'true' ? 'yes' : 'no') : '–')));
  input.value = start === undefined || start === null ? '' : String(start);
  return { node: wrap(name, schema, false, input), input, read: () => (input.value === '' ? undefined : input.value === 'true') };
}

const local = (unix) => {
  const at = new Date(unix * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

function number(name, schema, required, start) {
  const timed = TIMES.test(name);
  const points = POINTS[name] || 0;
  const step = points ? 10 ** -points : 1;
  const given = start === undefined || start === null ? '' : timed ? local(start) : points ? start / 10 ** points : start;
  const input = h('input', {
    name, type: timed ? 'datetime-local' : 'number', required, step: timed ? 60 : step,
    min: timed ? null : schema.minimum === undefined ? null : schema.minimum * step,
    max: timed || schema.maximum > 2 ** 40 ? null : schema.maximum === undefined ? null : schema.maximum * step, value: given,
  });
  const read = () => {
    if (input.value === '') return undefined;
    if (timed) return Math.round(new Date(input.value).getTime() / 1000);
    return points ? Math.round(Number(input.value) * 10 ** points) : Number(input.value);
  };
  return { node: wrap(name, schema, required, input), input, read };
}

function line(name, schema, required, start) {
  const long = LONG.test(name);
  const input = h(long ? 'textarea' : 'input', {
    name, required, maxlength: schema.maxLength || null, minlength: required ? schema.minLength || null : null,
    rows: long ? 4 : null, spellcheck: 'false', autocomplete: 'off', value: start ?? '',
  });
  if (STATION.test(name)) suggest(input);
  // An empty text that is allowed is a wish of its own where there was one before.
  const read = () => (input.value === '' && !required && !start ? undefined : input.value);
  return { node: wrap(name, schema, required, input, long ? 'full' : ''), input, read };
}

let lists = 0;

// Identities of stations, as they are typed.
export function suggest(input) {
  const id = `stations-${(lists += 1)}`;
  const options = h('datalist', { id });
  input.setAttribute('list', id);
  input.after(options);
  let asked = null;
  input.addEventListener('input', () => {
    clearTimeout(asked);
    asked = setTimeout(async () => {
      if (!options.isConnected) input.after(options);
      const page = await get('/api/stations', { text: input.value, limit: 12 }).catch(() => ({ stations: [] }));
      put(options, ...page.stations.map((one) => h('option', { value: one.station }, one.name || one.model || '')));
    }, 150);
  });
}

function free(name, schema, required, start) {
  const text = start === undefined || start === null ? '' : typeof start === 'string' ? start : JSON.stringify(start, null, 2);
  const input = h('textarea', { name, required, rows: 3, spellcheck: 'false', class: 'mono', value: text, placeholder: schema.type === 'object' ? '{ }' : '' });
  const read = () => {
    if (input.value.trim() === '') return undefined;
    try {
      return JSON.parse(input.value);
    } catch {
      if (schema.type === 'any') return input.value;
      throw new Error(say('form.no_json', { field: field(name) }));
    }
  };
  return { node: wrap(name, schema, required, input, 'full'), input, read };
}

function list(name, schema, root, required, start, depth) {
  const { schema: item } = plain(schema.items || schema.prefixItems?.[0] || {}, root);
  if (item.enum) return ticks(name, schema, item, start);
  if (item.type === 'object' && item.properties) return rows(name, schema, root, required, start, depth);
  if (item.type === 'string' || item.type === 'integer') return words(name, schema, item, required, start);
  return free(name, schema, required, start);
}

function ticks(name, schema, item, start) {
  const boxes = item.enum.map((one) => h('input', { type: 'checkbox', value: String(one), checked: (start || []).includes(one) }));
  const node = h('fieldset', { class: 'field full' }, h('legend', {}, ...label(name, schema, false)),
    h('div', { class: 'choices' }, ...boxes.map((box, at) => h('label', {}, box, state(String(item.enum[at]))))), help(schema));
  const chosen = () => item.enum.filter((_, at) => boxes[at].checked);
  return { node, read: () => (chosen().length || (start?.length && !schema.minItems) ? chosen() : undefined) };
}

function words(name, schema, item, required, start) {
  const input = h('input', { name, required, value: (start || []).join(', '), autocomplete: 'off', placeholder: say('form.commas') });
  const read = () => {
    const parts = input.value.split(/[,\n]/).map((part) => part.trim()).filter(Boolean);
    if (!parts.length && !start?.length) return undefined;
    return item.type === 'integer' ? parts.map(Number) : parts;
  };
  return { node: wrap(name, schema, required, input), input, read };
}

function rows(name, schema, root, required, start, depth) {
  const parts = [];
  const box = h('div', { class: 'many' });
  const more = (value) => {
    const part = make('', schema.items, root, true, value, depth + 1);
    const row = h('div', { class: 'one' }, part.node, button(say('remove'), () => { parts.splice(parts.indexOf(part), 1); row.remove(); }, 'quiet small'));
    parts.push(part);
    box.append(row);
  };
  (start || []).forEach(more);
  if (required && !parts.length && (schema.minItems || 0) > 0) more(undefined);
  const node = h('fieldset', { class: 'field full' }, h('legend', {}, ...label(name, schema, required)), help(schema), box, button(say('form.more'), () => more(undefined), 'quiet small'));
  return { node, read: () => (parts.length || start?.length ? parts.map((part) => part.read()) : required ? [] : undefined) };
}

function group(name, schema, root, required, start, depth) {
  const inside = fields(schema, root, start || {}, depth + 1);
  const body = h('div', { class: 'fields' }, ...inside.nodes);
  if (!name) return { node: body, read: () => inside.read() };
  const open = required || (start && Object.keys(start).length > 0);
  const node = h('details', { class: 'field full nested', open }, h('summary', {}, ...label(name, schema, required)), help(schema), body);
  const read = () => {
    if (!required && !node.open && !start) return undefined;
    const value = inside.read();
    return required || Object.keys(value).length ? value : undefined;
  };
  // What is folded away is not wanted: the browser must not insist on its fields.
  const lock = () => body.querySelectorAll('[required],[data-required]').forEach((input) => {
    input.toggleAttribute('data-required', true);
    input.toggleAttribute('required', required || node.open);
  });
  if (!required) {
    node.addEventListener('toggle', lock);
    lock();
  }
  return { node, read };
}

export function fields(schema, root, values = {}, depth = 0, { skip = [], first = [], choices = {} } = {}) {
  const must = new Set(schema.required || []);
  const names = Object.keys(schema.properties || {}).filter((name) => !skip.includes(name));
  names.sort((a, b) => rank(a, must, first) - rank(b, must, first));
  const made = names.map((name) => [name, make(name, choices[name] ? { ...follow(schema.properties[name], root), enum: choices[name] } : schema.properties[name], root, must.has(name), values[name], depth)]);
  const read = () => {
    const value = {};
    for (const [name, part] of made) {
      const one = part.read();
      if (one !== undefined) value[name] = one;
    }
    return value;
  };
  return { nodes: made.map(([, part]) => part.node).filter(Boolean), read };
}

const rank = (name, must, first) => (first.includes(name) ? first.indexOf(name) - 100 : must.has(name) ? 0 : name === 'reason' ? 2 : 1);

// A whole form. `act(value)` sends it; what the API finds wrong is told under the fields.
export function form({ schema, root, values, skip, first, choices, before, word = say('save'), danger = false, act, cancel, ask }) {
  const found = follow(schema, root);
  const made = fields(found, root, values, 0, { skip, first, choices });
  const wrong = h('p', { class: 'fault', role: 'alert', hidden: true });
  const go = h('button', { class: `act ${danger ? 'danger' : 'go'}`, type: 'submit' }, word);
  const node = h('form', { class: 'form', novalidate: false }, before || null, h('div', { class: 'fields' }, ...made.nodes), wrong,
    h('div', { class: 'acts end' }, cancel ? button(say('cancel'), cancel, 'quiet') : null, go));
  node.addEventListener('submit', async (event) => {
    event.preventDefault();
    wrong.hidden = true;
    let value;
    try {
      value = made.read();
      if (ask && !(await ask(value))) return;
      go.disabled = true;
      go.classList.add('works');
      await act(value);
    } catch (error) {
      wrong.hidden = false;
      put(wrong, ...told(error));
      wrong.scrollIntoView({ block: 'nearest' });
    } finally {
      go.disabled = false;
      go.classList.remove('works');
    }
  });
  return node;
}

function told(error) {
  if (!error.faults?.length) return [sentence(error)];
  return error.faults.map((one) => h('span', {}, `${field(one.at.split('.').filter((part) => part !== 'body').join(' · '))}: ${one.fault}`));
}
