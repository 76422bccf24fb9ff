// Who may charge, at what price, and who may connect: tokens, tariffs, certificates, security events.

import * as api from '../api.js';
import { bodyOf, form } from '../form.js';
import { busy, button, card, chip, code, dialog, empty, h, put, record, sure, table, toast } from '../ui.js';
import { say, state } from '../words.js';

const STATUSES = ['accepted', 'blocked', 'expired', 'invalid'];
const clean = (value) => Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && one !== ''));

function takeIn(page, load) {
  return dialog(say('tokens.import'), (body, close) => {
    const file = h('input', { type: 'file', accept: '.csv,text/csv', required: true });
    put(body, h('p', { class: 'hint' }, say('tokens.import_hint')), h('form', { class: 'form', onsubmit: (event) => {
      event.preventDefault();
      busy(event.submitter, async () => {
        const found = await api.ask('POST', '/api/tokens.csv', file.files[0], { headers: { 'Content-Type': 'text/csv' } });
        toast(Object.entries(found).map(([name, number]) => `${state(name)}: ${number}`).join(', '));
        close();
        load();
      });
    } }, file, h('div', { class: 'acts end' }, button(say('cancel'), close, 'quiet'), h('button', { class: 'act go' }, say('tokens.import')))));
  });
}

// The body says its id again.
const named = (value, names) => ({ ...value, id: names.tariff });

const sayTariff = (row) => dialog(row.id, async (body) => {
  const texts = await api.get(`/api/tariffs/${encodeURIComponent(row.id)}/text`);
  put(body, ...Object.entries(texts).map(([language, text]) => h('p', {}, h('small', { class: 'hint' }, language), h('br'), text)), record(row));
}, true);

async function authority(page) {
  const found = await api.get('/api/authority');
  const parts = Object.entries(found).map(([name, value]) => card(state(name), Array.isArray(value) ? (value.length && typeof value[0] === 'object' ? rooted(page, value) : code(value.join(', ') || '–')) : typeof value === 'object' && value ? record(value) : code(String(value ?? '–'))));
  const acts = [];
  for (const hierarchy of ['csms', 'csms-rsa', 'v2g']) acts.push(button(`${hierarchy} root.pem`, (event) => busy(event.currentTarget, () => api.save('/api/authority/root.pem', { hierarchy }, `${hierarchy}-root.pem`)), 'quiet'));
  if (page.can('configure')) {
    acts.push(opening('certificates.trust', 'POST', '/api/authority/roots', page), opening('certificates.know', 'POST', '/api/authority/chains', page),
      opening('certificates.contract', 'POST', '/api/contracts', page), opening('certificates.rotate', 'POST', '/api/authority/rotate', page, true));
  }
  return h('div', { class: 'stack' }, h('div', { class: 'acts' }, ...acts), ...parts);
}

function rooted(page, rows) {
  const names = Object.keys(rows[0]).filter((name) => name !== 'pem').slice(0, 7);
  const acts = (row) => (row.kind && row.fingerprint && page.can('configure') ? [button(say('certificates.distrust'), (event) => busy(event.currentTarget, async () => {
    if ((await sure(say('certificates.sure_distrust'), { word: say('certificates.distrust'), reason: false })) === null) return;
    await api.ask('DELETE', `/api/authority/roots/${row.kind}/${row.fingerprint}`);
    page.again();
  }), 'danger small')] : []);
  return table(names, rows, { acts });
}

function opening(word, method, path, page, danger = false) {
  return button(say(word), async () => {
    const body = await bodyOf(method, path);
    await dialog(say(word), (node, close) => put(node, form({ ...body, danger, word: say(word), cancel: close, act: async (value) => {
      const answer = await api.ask(method, path, value);
      put(node, answer ? record(answer) : empty(say('done')));
      page.again();
    } })), true);
  }, danger ? 'danger' : 'quiet');
}

const CERTIFICATE = ['station', 'use', 'state', 'name', 'not_before', 'not_after', ['fingerprint', (row) => h('code', {}, String(row.fingerprint || '').slice(0, 16))]];

export const ACCESS = {
  tokens: {
    parts: {
      list: {
        path: '/api/tokens', key: 'token', next: { by: 'after', of: (row) => row.token }, filters: { search: null, status: { values: STATUSES } },
        columns: ['token', 'kind', 'status', 'group', 'parent', 'driver', 'valid_until', 'rail', 'notes'],
        adds: [{ word: 'tokens.add', method: 'PUT', path: '/api/tokens/{token}', first: ['kind', 'status', 'group', 'valid_from', 'valid_until'], choices: { status: STATUSES } }, { word: 'tokens.import', run: takeIn, kind: 'quiet' }],
        exports: [{ path: '/api/tokens.csv', file: 'tokens.csv' }],
        acts: [
          { word: 'tokens.use', may: 'read', run: (row) => dialog(row.token, async (body) => put(body, record(await api.get(`/api/tokens/${encodeURIComponent(row.token)}/use`)))) },
          { word: 'change', method: 'PUT', path: '/api/tokens/{token}', form: true, may: 'configure', values: (row) => ({ ...clean(row), limits: clean(row.limits || {}) }), choices: { status: STATUSES } },
          { word: 'remove', method: 'DELETE', path: '/api/tokens/{token}', danger: true, reason: true, may: 'configure', key: 'token' },
        ],
      },
      groups: {
        path: '/api/token-groups', key: 'group', columns: ['group', 'status', 'master_pass', ['limits', (row) => Object.entries(clean(row.limits || {})).filter(([, one]) => one.length !== 0).map(([name, one]) => `${name}: ${JSON.stringify(one)}`).join(', ') || '–']],
        adds: [{ word: 'tokens.add_group', method: 'PUT', path: '/api/token-groups/{group}' }],
        acts: [
          { word: 'change', method: 'PUT', path: '/api/token-groups/{group}', form: true, may: 'configure', values: (row) => ({ ...row, limits: clean(row.limits || {}) }) },
          { word: 'remove', method: 'DELETE', path: '/api/token-groups/{group}', danger: true, reason: true, may: 'configure', key: 'group' },
        ],
      },
      policy: { single: true, path: '/api/tokens/policy' },
      local: {
        path: '/api/local-lists', key: 'station', live: ['local_list'], columns: ['station', 'state', 'version', ['entries', (row) => row.entries], 'reason'],
        acts: [{ word: 'tokens.sync', path: '/api/stations/{station}/local-list' }],
      },
    },
  },
  tariffs: {
    parts: {
      list: {
        path: '/api/tariffs', key: 'id', open: sayTariff, rows: (answer) => answer.map((row) => ({ ...row, tariff: row.id })),
        columns: ['id', 'currency', ['energy', (row) => row.energy.length || '–'], ['charging_time', (row) => row.charging_time.length || '–'], ['idle_time', (row) => row.idle_time.length || '–'], ['fixed', (row) => row.fixed.length || '–'], 'min_nano', 'max_nano', 'valid_from'],
        adds: [{ word: 'tariffs.add', method: 'PUT', path: '/api/tariffs/{tariff}', skip: ['id'], first: ['currency', 'energy'], body: named }],
        acts: [
          { word: 'change', method: 'PUT', path: '/api/tariffs/{tariff}', form: true, may: 'configure', values: (row) => row, skip: ['id'], body: named },
          { word: 'remove', method: 'DELETE', path: '/api/tariffs/{tariff}', danger: true, may: 'configure', key: 'id' },
        ],
      },
      uses: {
        path: '/api/tariff-uses', key: 'object', columns: ['scope', 'object', 'tariff'],
        adds: [{ word: 'tariffs.use', method: 'PUT', path: '/api/tariff-uses' }],
        acts: [{ word: 'remove', method: 'DELETE', path: '/api/tariff-uses', danger: true, may: 'configure', key: 'tariff', body: (_, row) => row }],
      },
    },
  },
  certificates: {
    parts: {
      list: {
        path: '/api/certificates', live: ['certificate'], key: 'name', query: () => ({ limit: 200 }), filters: { station: null, state: { values: ['issued', 'accepted', 'rejected', 'revoked'] } }, columns: CERTIFICATE,
        acts: [{ word: 'certificates.revoke', path: '/api/certificates/{fingerprint}/revoke', form: true, danger: true, may: 'configure', when: (row) => row.state !== 'revoked' }],
      },
      expiring: { path: '/api/certificates/expiring', key: 'name', query: () => ({ days: 60 }), columns: CERTIFICATE },
      refused: { path: '/api/certificates/refused', key: 'station', filters: { station: null }, columns: ['at', 'station', 'code', 'sentence'] },
      authority: { panel: authority },
    },
  },
  security: {
    parts: {
      list: {
        path: '/api/security-events', key: 'kind', live: ['security'], next: { by: 'before_id', of: (row) => row.id }, filters: { station: null, kind: null, critical: { values: ['', 'true', 'false'] } },
        columns: ['at', 'station', ['kind', (row) => (row.critical ? chip('critical', row.kind) : row.kind)], 'info', 'received_at'],
      },
    },
  },
};
