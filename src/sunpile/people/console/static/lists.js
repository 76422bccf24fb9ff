// Pages that are lists: what is declared in `declared/` becomes filters, a table, forms and questions.

import * as api from './api.js';
import { bodyOf, follow, form } from './form.js';
import { busy, button, card, dialog, empty, h, hint, pager, put, record, searching, secret, sure, table, toast } from './ui.js';
import { field, has, say, state } from './words.js';

const SECRETS = ['secret', 'link', 'password'];

export const fill = (path, row) => path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(row[name]));
const holes = (path) => [...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
const helped = (name) => (has(name) ? hint(say(name)) : null);

// One declared list in `node`; returns what loads it again.
export async function list(page, part, node, bound = {}) {
  const wanted = Object.fromEntries(Object.keys(part.filters || {}).map((name) => [name, page.search.get(name) || part.filters[name]?.start || '']));
  const trail = [undefined];
  const body = h('div', {}, h('p', { class: 'empty' }, say('frame.loading')));
  const load = async () => {
    const asked = { ...(part.query ? part.query(page) : {}), ...wanted };
    if (part.next) Object.assign(asked, { limit: part.limit || 50, [part.next.by]: trail.at(-1) });
    const answer = await api.get(fill(part.path, bound), asked);
    if (!page.current()) return;
    const rows = part.rows ? part.rows(answer) : answer;
    put(body, part.draw ? part.draw(rows, page, load) : shownRows(page, part, rows, load, bound), pager(trail, part.next && rows.length >= asked.limit ? part.next.of(rows.at(-1)) : null, load));
  };
  const acts = [...(part.adds || []).map((act) => adding(page, act, load, bound)), ...(part.exports || []).map((one) => exporting(one, wanted, bound))].filter(Boolean);
  put(node, part.name ? helped(`${part.name}.hint`) : null, h('div', { class: 'bar' }, filters(part, wanted, () => { trail.length = 1; load(); }), h('div', { class: 'acts' }, ...acts)), body);
  await load();
  if (part.live) page.soon(1200, (kind) => part.live.includes(kind), async () => node.isConnected && load());
  return load;
}

function shownRows(page, part, rows, load, bound) {
  if (!rows.length) return empty(part.name && has(`${part.name}.none`) ? say(`${part.name}.none`) : null);
  const acts = (part.acts || []).filter((act) => page.can(act.may || 'operate'));
  return table(part.columns, rows, {
    acts: acts.length ? (row) => acts.filter((act) => !act.when || act.when(row)).map((act) => acting(page, act, row, load, bound)) : null,
    onrow: part.open ? (row) => part.open(row, page, load) : (row) => dialog(title(part, row), (body) => put(body, record(row)), true),
  });
}

const title = (part, row) => String(row[part.key] ?? say(`page.${part.name?.split('.')[0]}`));

function filters(part, wanted, act) {
  const parts = Object.entries(part.filters || {}).map(([name, kind]) => {
    if (kind?.values) {
      const options = kind.values.map((value) => h('option', { value }, value === '' ? field(name) : state(value)));
      if (!kind.values.includes('')) options.unshift(h('option', { value: '' }, field(name)));
      const select = h('select', { name, 'aria-label': field(name) }, ...options);
      select.value = wanted[name];
      select.addEventListener('change', () => { wanted[name] = select.value; act(); });
      return select;
    }
    return searching(name, wanted[name], (text) => { wanted[name] = text; act(); });
  });
  return h('div', { class: 'filters', role: parts.length ? 'search' : null }, ...parts);
}

function exporting(one, wanted, bound) {
  const act = (event) => busy(event.currentTarget, () => api.save(fill(one.path, bound), { ...(one.filtered ? wanted : {}), ...(one.query ? one.query() : {}) }, one.file));
  return button(say(one.word || 'list.csv'), act, 'quiet');
}

// A button that opens the form for something new.
function adding(page, act, load, bound) {
  if (!page.can(act.may || 'configure')) return null;
  return button(say(act.word), (event) => busy(event.currentTarget, () => (act.run ? act.run(page, load) : filling(page, act, {}, load, bound))), act.kind || 'go');
}

// A form for `act` on `row`: the body its schema asks for, and the names its path asks for.
async function filling(page, act, row, load, bound) {
  const path = act.path;
  const body = await bodyOf(act.method || 'POST', path);
  const asked = holes(path).filter((name) => row[name] === undefined && bound[name] === undefined);
  const schema = body?.schema || { type: 'object', properties: {} };
  const root = body?.root || {};
  const whole = asked.length ? joined(schema, root, asked) : schema;
  await dialog(say(act.word), (node, close) => {
    put(node, helped(`${act.word}.hint`), form({
      schema: whole, root, skip: act.skip, choices: act.choices, first: [...asked, ...(act.first || [])], values: { ...(act.values ? act.values(row, page) : {}) },
      word: say(act.go || 'save'), danger: act.danger, cancel: close,
      act: async (value) => {
        const names = { ...row, ...bound };
        for (const name of asked) {
          names[name] = value[name];
          delete value[name];
        }
        const answer = await api.ask(act.method || 'POST', fill(path, names), act.body ? act.body(value, names) : value);
        load();
        if (act.shows) act.shows(answer, node, close);
        else if (SECRETS.some((name) => answer?.[name])) once(node, answer, close);
        else {
          close();
          toast(told(answer));
        }
      },
    }));
  }, true);
}

function joined(schema, root, names) {
  const parts = follow(schema, root);
  const more = Object.fromEntries(names.map((name) => [name, { type: name === 'number' ? 'integer' : 'string' }]));
  return { ...parts, properties: { ...more, ...parts.properties }, required: [...names, ...(parts.required || [])] };
}

// What a station answered, if it was one.
function told(answer) {
  if (answer && typeof answer.accepted === 'boolean') {
    return `${say(answer.accepted ? 'answer.yes' : 'answer.no')} ${[answer.status, answer.reason].filter(Boolean).join(' – ')}`;
  }
  return say('done');
}

function once(node, answer, close) {
  const secrets = SECRETS.filter((name) => answer[name]).map((name) => secret(field(name), answer[name]));
  put(node, hint(say('once')), ...secrets, h('div', { class: 'acts end' }, button(say('close'), close)));
}

// A button in a row: a form, a question, or at once.
function acting(page, act, row, load, bound) {
  const run = async () => {
    if (act.run) return act.run(row, page, load);
    if (act.form) return filling(page, act, row, load, bound);
    let path = fill(act.path, { ...bound, ...row });
    let body = act.body ? act.body({}, row) : undefined;
    if (act.sure || act.danger) {
      const reason = await sure(say(act.sure || 'sure.remove', { what: title({ key: act.key }, row) || Object.values(row)[0] }), { word: say(act.word), reason: Boolean(act.reason || act.reasonIn) });
      if (reason === null) return undefined;
      if (act.reason) path = api.query(path, { reason });
      if (act.reasonIn) body = { ...body, [act.reasonIn]: reason };
    }
    const answer = await api.ask(act.method || 'POST', path, body);
    load();
    if (act.shows) return act.shows(answer);
    if (SECRETS.some((name) => answer?.[name])) return dialog(say(act.word), (node, close) => once(node, answer, close));
    return toast(told(answer));
  };
  return button(say(act.word), (event) => busy(event.currentTarget, run), act.danger ? 'danger small' : 'quiet small');
}

// One object with a form: policies, retention.
export async function single(page, part, node) {
  const [value, body] = await Promise.all([api.get(part.path), bodyOf('PUT', part.path)]);
  const act = async (given) => {
    await api.ask('PUT', part.path, given);
    toast(say('done'));
  };
  const inside = page.can(part.may || 'configure') ? form({ ...body, values: value, act }) : record(value);
  put(node, helped(`${part.name}.hint`), card(null, inside));
}
