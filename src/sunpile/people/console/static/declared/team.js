// Who works here, which programs do, who is told, and what was done.

import * as api from '../api.js';
import { busy, button, dialog, failed, h, put, record, table } from '../ui.js';
import { say, state } from '../words.js';

const deliveries = (row) => dialog(row.url, async (body) => {
  const path = `/api/webhooks/${row.hook}/deliveries`;
  const load = async () => {
    const found = await api.get(path, { limit: 100 });
    const again = (one) => [button(say('webhooks.again'), (event) => busy(event.currentTarget, async () => { await api.post(`${path}/${one.delivery}/again`); await load(); }), 'quiet small')];
    put(body, table(['made_at', 'kind', 'state', 'attempts', 'last_status', 'last_fault'], found, { acts: again }));
  };
  await load().catch(failed);
}, true);

async function verify() {
  const found = await api.get('/api/audit/verify');
  await dialog(say('audit.verify'), (body) => put(body, record(found)));
}

function change(text) {
  if (!text || text === 'null') return '–';
  return h('code', { class: 'json' }, brief(text));
}

// What is empty says nothing in a row; the record itself is shown whole on a click.
function brief(text) {
  const value = JSON.parse(text);
  const told = typeof value === 'object' ? JSON.stringify(Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && one !== '' && one?.length !== 0))) : text;
  return told.length > 160 ? `${told.slice(0, 160)}…` : told;
}

export const TEAM = {
  team: {
    parts: {
      staff: {
        path: '/api/staff', key: 'name', may: 'manage', columns: ['name', ['role', (row) => state(row.role)], 'email', 'disabled', 'created_at'],
        adds: [{ word: 'team.invite', path: '/api/staff', may: 'manage', go: 'team.invite' }],
        acts: [
          { word: 'change', method: 'PATCH', path: '/api/staff/{staff}', form: true, may: 'manage', values: (row) => ({ name: row.name, role: row.role, email: row.email, disabled: row.disabled }) },
          { word: 'team.again', path: '/api/staff/{staff}/invitation', may: 'manage' },
          { word: 'team.sign_out', path: '/api/staff/{staff}/sign-out', may: 'manage', sure: 'team.sure_out', key: 'name' },
        ],
      },
      keys: {
        path: '/api/keys', key: 'label', may: 'manage', columns: ['label', ['permissions', (row) => row.permissions.map((one) => say(`may.${one}`)).join(', ')], 'stations', 'per_minute', 'expires_at', 'created_at', 'last_used_at', 'revoked_at'],
        adds: [{ word: 'team.add_key', path: '/api/keys', may: 'manage', go: 'team.add_key' }],
        acts: [{ word: 'team.revoke', method: 'DELETE', path: '/api/keys/{key}', danger: true, reason: true, may: 'manage', sure: 'team.sure_key', key: 'label', when: (row) => !row.revoked_at }],
      },
    },
  },
  webhooks: {
    parts: {
      list: {
        path: '/api/webhooks', key: 'url', may: 'manage', columns: ['url', ['events', (row) => row.events.join(', ') || say('webhooks.all')], 'paused', 'created_at'],
        adds: [{ word: 'webhooks.add', path: '/api/webhooks', may: 'manage' }],
        open: deliveries,
        acts: [
          { word: 'webhooks.deliveries', may: 'manage', run: deliveries },
          { word: 'webhooks.test', path: '/api/webhooks/{hook}/test', may: 'manage' },
          { word: 'webhooks.rotate', path: '/api/webhooks/{hook}/secret', may: 'manage', sure: 'webhooks.sure_rotate', key: 'url' },
          { word: 'change', method: 'PATCH', path: '/api/webhooks/{hook}', form: true, may: 'manage', values: (row) => ({ url: row.url, events: row.events, paused: row.paused }) },
          { word: 'remove', method: 'DELETE', path: '/api/webhooks/{hook}', danger: true, reason: true, may: 'manage', key: 'url' },
        ],
      },
    },
  },
  audit: {
    parts: {
      list: {
        path: '/api/audit', key: 'action', may: 'manage', live: ['audit'], limit: 100, next: { by: 'before', of: (row) => row.number }, filters: { actor: null, action: null, object: null },
        columns: ['at', 'actor', 'action', 'object', ['before', (row) => change(row.before)], ['after', (row) => change(row.after)], 'reason'],
        adds: [{ word: 'audit.verify', run: verify, may: 'manage', kind: 'quiet' }],
        exports: [{ path: '/api/audit.csv', file: 'audit.csv', filtered: true, query: () => ({ limit: 10_000 }) }],
      },
    },
  },
  retention: { parts: { kept: { single: true, path: '/api/retention', may: 'configure' } } },
};
