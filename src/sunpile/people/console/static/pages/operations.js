// Operations over one station or many, and how a run goes on.

import { get, newKey, post } from '../api.js';
import { form } from '../form.js';
import { list } from '../lists.js';
import { answered, operations, told } from './ask.js';
import { busy, button, card, chip, code, dialog, empty, facts, h, head, hint, link, pager, put, stationLink, sure, table, time } from '../ui.js';
import { both, count, field, say, state } from '../words.js';

export async function draw(page) {
  if (page.name === 'runs') return page.rest.length ? run(page) : runs(page);
  return page.rest.length ? one(page) : catalogue(page);
}

async function catalogue(page) {
  const all = await operations();
  const station = page.search.get('station');
  const search = h('input', { type: 'search', placeholder: field('search'), 'aria-label': field('search') });
  const node = h('div', { class: 'catalogue' });
  const paint = () => {
    const text = search.value.toLowerCase();
    const fit = all.filter((one) => `${one.title} ${one.title_zh} ${one.name}`.toLowerCase().includes(text));
    const groups = [...new Set(fit.map((one) => one.group))];
    put(node, ...groups.map((group) => card(both(fit.find((one) => one.group === group), 'group_title'), h('ul', { class: 'operations' }, ...fit.filter((one) => one.group === group).map((one) => h('li', {},
      link(`/console/operations/${one.name}${station ? `?station=${encodeURIComponent(station)}` : ''}`, both(one, 'title'), one.allowed ? {} : { 'aria-disabled': 'true' }),
      one.weight === 'dangerous' ? chip('critical', say('operations.dangerous')) : null, h('small', { class: 'hint' }, one.versions.join(' · '))))))));
  };
  search.addEventListener('input', paint);
  page.show(head(say('page.operations')), hint(station ? say('operations.for', { station }) : say('operations.hint')), h('div', { class: 'filters' }, search), node);
  paint();
}

// The form of one operation, over stations named or all that fit.
async function one(page) {
  const operation = (await operations()).find((found) => found.name === page.rest[0]);
  if (!operation) return page.show(empty(say('fault.page')));
  const station = page.search.get('station');
  const whom = choose(station);
  const how = options(operation);
  const act = async (value) => {
    const body = { ...whom.read(), arguments: value, options: how.read() };
    const made = await post(`/api/operations/${operation.name}`, body, { headers: { 'Idempotency-Key': newKey() } });
    page.go(`/console/runs/${made.run}`);
  };
  const ask = async () => {
    const all = !whom.read().stations;
    if (operation.weight !== 'dangerous' && !all) return true;
    return (await sure(say(all ? 'operations.sure_many' : 'operations.sure', { operation: both(operation, 'title') }), { word: say('ask.send'), reason: false })) !== null;
  };
  page.show(link('/console/operations', say('operations.back'), { class: 'back' }), head(both(operation, 'title'), operation.weight === 'dangerous' ? chip('critical', say('operations.dangerous')) : null), hint(say('operations.versions', { versions: operation.versions.join(', ') })),
    h('div', { class: 'stack' }, card(say('operations.whom'), whom.node), card(say('operations.what'), form({ schema: operation.arguments, root: operation.arguments, values: operation.example, skip: [operation.numbered], before: h('details', { class: 'nested' }, h('summary', {}, say('operations.how')), how.node), word: say('ask.send'), danger: operation.weight === 'dangerous', ask, act }))));
}

function choose(station) {
  const text = h('textarea', { rows: 2, name: 'stations', placeholder: say('form.commas'), value: station || '', spellcheck: 'false' });
  const names = ['site', 'tag', 'vendor', 'model', 'firmware', 'version'];
  const inputs = names.map((name) => h('input', { name, maxlength: 64 }));
  const named = h('label', { class: 'field full' }, h('span', {}, field('stations')), text);
  const filter = h('div', { class: 'fields', hidden: true }, ...names.map((name, at) => h('label', { class: 'field' }, h('span', {}, field(name)), inputs[at])));
  const found = h('p', { class: 'hint', role: 'status' });
  let mode = 'named';
  const bar = h('div');
  const matches = async () => {
    const values = filterOf();
    // A list of stations is not asked for by these, so how many there are is not known here.
    if (values.vendor || values.firmware) {
      found.textContent = '';
      return;
    }
    const page = await get('/api/stations', { site: values.site, tag: values.tag, model: values.model, version: values.version, limit: 1 }).catch(() => null);
    found.textContent = page ? say('operations.fit', { number: count(page.total) }) : '';
  };
  const filterOf = () => Object.fromEntries(names.map((name, at) => [name, inputs[at].value.trim()]).filter(([, value]) => value));
  inputs.forEach((input) => input.addEventListener('change', matches));
  const paint = () => {
    named.hidden = mode !== 'named';
    filter.hidden = mode === 'named';
    found.hidden = mode === 'named';
    put(bar, h('div', { class: 'tabs' }, ...['named', 'filter'].map((name) => h('button', { type: 'button', 'aria-selected': String(name === mode), onclick: () => { mode = name; paint(); } }, say(`operations.${name}`)))));
    if (mode === 'filter') matches();
  };
  paint();
  const read = () => {
    if (mode === 'filter') return { filter: filterOf() };
    const stations = text.value.split(/[\s,]+/).filter(Boolean);
    if (!stations.length) throw new Error(say('operations.nobody'));
    return { stations };
  };
  return { node: h('div', {}, bar, named, filter, found), read };
}

const OPTIONS = { per_second: 10, in_flight: 50, spread_s: 0, deadline_s: 86_400, stop_failed: '', stop_permille: '' };

function options() {
  const inputs = Object.entries(OPTIONS).map(([name, value]) => h('input', { type: 'number', min: 0, name, value }));
  const offline = h('select', { name: 'offline' }, ...['skip', 'wait'].map((value) => h('option', { value }, state(value))));
  const draft = h('input', { type: 'checkbox', name: 'draft' });
  const note = h('input', { name: 'note', maxlength: 500 });
  const node = h('div', { class: 'fields' }, ...inputs.map((input) => h('label', { class: 'field' }, h('span', {}, field(input.name)), input)), h('label', { class: 'field' }, h('span', {}, field('offline')), offline), h('label', { class: 'field' }, h('span', {}, field('note')), note), h('label', { class: 'field tick' }, draft, h('span', {}, say('operations.draft'))));
  const read = () => ({ ...Object.fromEntries(inputs.filter((input) => input.value !== '').map((input) => [input.name, Number(input.value)])), offline: offline.value, draft: draft.checked, note: note.value });
  return { node, read };
}

async function runs(page) {
  const node = h('div');
  page.show(head(say('page.runs'), page.can('operate') ? link('/console/operations', say('operations.new'), { class: 'button' }) : null), h('section', { class: 'card' }, node));
  await list(page, {
    path: '/api/runs', live: ['run'], next: { by: 'before', of: (row) => row.created_at }, filters: { fleet: { values: ['', 'true'] } }, key: 'run', open: (row) => page.go(`/console/runs/${row.run}`),
    columns: [['operation', (row) => both(row, 'title')], 'state', 'total', ['counts', (row) => told(row.counts)], 'actor', 'created_at', 'ended_at', 'reason'],
  }, node);
}

async function run(page) {
  const id = page.rest[0];
  const node = h('div', { class: 'stack' });
  const items = h('div');
  let wanted = '';
  let trail = [''];
  page.show(link('/console/runs', say('run.back'), { class: 'back' }), node, h('section', { class: 'card' }, items));
  const load = async () => {
    const found = await get(`/api/runs/${encodeURIComponent(id)}`, { state: wanted, after: trail.at(-1), limit: 100 });
    if (!page.current()) return;
    put(node, head(both(found, 'title'), chip(found.state), ...acts(page, found, load)), progress(found));
    put(items, filter(found, wanted, (value) => { wanted = value; trail = ['']; load(); }), table([['station', (row) => stationLink(row.station)], 'state', 'status', ['reason'], 'attempt', 'changed_at', ['rows', (row) => row.rows || '–']], found.items, { onrow: (row) => detail(id, row) }),
      pager(trail, found.next, load));
  };
  await load();
  page.soon(600, (kind, data) => kind.startsWith('run') && (!data.run || data.run === id), load);
  page.every(4000, load);
}

const filter = (found, wanted, act) => h('div', { class: 'tabs' }, ...['', ...Object.keys(found.counts)].map((name) => h('button', { type: 'button', 'aria-selected': String(name === wanted), onclick: () => act(name) }, name ? `${state(name)} ${found.counts[name]}` : say('list.everything'))));

function progress(found) {
  const open = ['queued', 'waiting', 'sent', 'accepted', 'in progress'];
  const ended = Object.entries(found.counts).filter(([name]) => !open.includes(name)).reduce((sum, [, number]) => sum + number, 0);
  return card(null, h('progress', { max: Math.max(1, found.total), value: ended, 'aria-label': say('run.progress') }), h('p', { class: 'hint' }, say('run.ended', { ended: count(ended), total: count(found.total) }), ' ', ...told(found.counts)),
    found.wants_approval && found.state === 'waiting for approval' ? h('p', { class: 'warn' }, say('run.wants_approval')) : null,
    facts([[field('reason'), found.reason], [field('note'), found.options.note], [field('arguments'), Object.keys(found.arguments).length ? h('code', { class: 'json' }, JSON.stringify(found.arguments)) : null], [field('actor'), found.actor], [field('approver'), found.approver], [field('created_at'), time(found.created_at)], [field('ended_at'), found.ended_at && time(found.ended_at)], [field('run'), code(found.run)]]));
}

function acts(page, found, load) {
  const act = (name, kind, permission, asks) => (page.can(permission) ? button(say(`run.${name}`), (event) => busy(event.currentTarget, async () => {
    if (asks && (await sure(say(`run.sure_${name}`), { word: say(`run.${name}`), reason: false })) === null) return;
    await post(`/api/runs/${found.run}/${name}`);
    await load();
  }), kind) : null);
  const failed = ['rejected', 'failed', 'timed out', 'unreachable', 'cancelled'].some((name) => found.counts[name]);
  return [
    found.state === 'draft' ? act('begin', 'go', 'operate', true) : null,
    found.state === 'waiting for approval' ? act('approve', 'go', 'approve', true) : null,
    ['draft', 'waiting for approval', 'running'].includes(found.state) ? act('cancel', 'danger', 'operate', true) : null,
    ['done', 'stopped', 'cancelled'].includes(found.state) && failed ? act('retry', 'quiet', 'operate') : null,
  ].filter(Boolean);
}

const detail = (id, row) => dialog(row.station, async (body) => put(body, ...answered(await get(`/api/runs/${encodeURIComponent(id)}/stations/${encodeURIComponent(row.station)}`))), true);
