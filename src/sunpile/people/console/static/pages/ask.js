// Ask one station, or many: the form comes from the operation's schema, the answer is told in words.

import { get, newKey, post } from '../api.js';
import { form } from '../form.js';
import { button, chip, dialog, facts, h, hint, link, put, record, table } from '../ui.js';
import { both, field, say, state } from '../words.js';

// The few that are asked daily, on the station's own page.
export const QUICK = [['remote-start', 'go'], ['remote-stop', ''], ['set-charging-profile', ''], ['unlock-connector', ''], ['change-availability', ''], ['reset', 'danger']];
let known = null;

export async function operations() {
  known = known || (await get('/api/operations'));
  return known;
}

// What the page knows already is filled in: EVSE, transaction.
function start(operation, view) {
  if (view?.filled) return view.filled;
  const running = (view?.live?.evses || []).find((one) => one.ocpp_transaction);
  const evse = (running || view?.live?.evses.find((one) => one.evse) || view?.card.evses[0] || { evse: 1 }).evse;
  const values = { ...operation.example };
  const fields = operation.arguments.properties || {};
  if (operation.name === 'remote-start') return { token: { id: 'OPERATOR', kind: 'Central' }, evse };
  if (fields.evse && 'evse' in values) values.evse = evse;
  if (fields.transaction && running) values.transaction = running.ocpp_transaction;
  return values;
}

export async function askStation(page, station, name, view) {
  const operation = (await operations()).find((one) => one.name === name);
  await dialog(`${both(operation, 'title')} · ${station}`, (body, close) => {
    const act = async (value) => {
      if (operation.weight === 'dangerous' && !confirmed(body)) throw new Error(say('ask.tick'));
      const answer = await post(`/api/stations/${encodeURIComponent(station)}/operations/${name}`, { arguments: value, wait_s: 60 }, { headers: { 'Idempotency-Key': newKey() } });
      put(body, ...answered(answer), h('div', { class: 'acts end' }, link(`/console/runs/${answer.run}`, say('ask.run'), { class: 'act quiet', onclick: close }), button(say('close'), close, 'go')));
    };
    const given = name === 'set-charging-profile' ? [limitForm(operation, act, close, view)] : [];
    const whole = form({ schema: operation.arguments, root: operation.arguments, values: start(operation, view), skip: [operation.numbered], word: say('ask.send'), danger: operation.weight === 'dangerous', cancel: close, act });
    const warn = operation.weight === 'dangerous' ? h('label', { class: 'field tick warn' }, h('input', { type: 'checkbox', name: 'sure' }), h('span', {}, say('ask.dangerous'))) : null;
    put(body, warn, ...given, given.length ? h('details', { class: 'nested' }, h('summary', {}, say('ask.whole')), whole) : whole);
  }, true);
}

const confirmed = (body) => body.querySelector('input[name=sure]')?.checked;

// The most common limit: so many kW, from now on.
function limitForm(operation, act, close, view) {
  const evse = (view?.live?.evses.find((one) => one.ocpp_transaction) || view?.card.evses[0] || { evse: 1 }).evse;
  const schema = { type: 'object', required: ['evse', 'limit_w'], properties: { evse: { type: 'integer', minimum: 0, maximum: 64 }, limit_w: { type: 'integer', minimum: 0 } } };
  return h('section', {}, h('h3', {}, say('ask.limit')), hint(say('ask.limit_hint')), form({
    schema, root: schema, values: { evse, limit_w: 6000 }, word: say('ask.limit_go'), cancel: close,
    act: (value) => act({ evse: value.evse, profile: { id: 900, purpose: 'TxDefaultProfile', stack_level: 1, kind: 'Relative', schedules: [{ unit: 'W', periods: [{ start_s: 0, limit: value.limit_w }] }] } }),
  }));
}

// What a station answered, in words.
export function answered(answer) {
  const good = ['done', 'accepted', 'in progress', 'sent'].includes(answer.state);
  return [
    h('p', { class: good ? 'good answer' : 'fault answer', role: 'status' }, say(`run.says.${answer.state}`)),
    facts([[field('status'), answer.status && chip(answer.status)], [field('reason'), answer.reason], [field('state'), chip(answer.state)]]),
    answer.data && Object.keys(answer.data).length ? record(answer.data) : null,
    answer.report?.length ? table(Object.keys(answer.report[0]), answer.report) : null,
  ];
}

export const word = (operation) => `${both(operation, 'title')}`;
export const told = (counts) => Object.entries(counts || {}).filter(([, number]) => number).map(([name, number]) => [chip(name, `${state(name)} ${number}`), ' ']);
