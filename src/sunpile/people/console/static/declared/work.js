// What keeps a fleet going: alerts, refusals, reservations, firmware, maintenance, templates, messages.

import * as api from '../api.js';
import { kindWord, knowKinds } from '../kinds.js';
import { campaign, chooseFile } from '../pages/firmware.js';
import { chip, dialog, h, put, since, stationLink, table, time } from '../ui.js';
import { both, say, state } from '../words.js';

const drift = (row) => dialog(row.name, async (body) => {
  const found = await api.get(`/api/templates/${encodeURIComponent(row.template)}/drift`);
  put(body, table(['station', 'differs', 'unread', ['oldest_read_at']], found), ...found.filter((one) => one.differs).map((one) => h('section', {}, h('h3', {}, one.station), table(['variable', 'wanted', 'has', 'state'], one.rows.filter((line) => line.state === 'different')))));
}, true);

export const WORK = {
  alerts: {
    parts: {
      list: {
        path: '/api/alerts', before: knowKinds, live: ['alert'], key: 'alert', query: () => ({ limit: 200 }),
        filters: { state: { values: ['', 'open', 'acknowledged', 'closed'], start: 'open' }, station: null },
        columns: ['severity', 'station', ['kind', kindWord], 'subject', 'state', ['opened_at', (row) => since(row.opened_at)], 'count', 'detail'],
        acts: [
          { word: 'alerts.acknowledge', path: '/api/alerts/{alert}/acknowledge', form: true, when: (row) => row.state === 'open' },
          { word: 'alerts.close', path: '/api/alerts/{alert}/close', form: true, when: (row) => row.state !== 'closed' },
        ],
      },
      rules: {
        path: '/api/alert-rules', before: knowKinds, key: 'rule',
        columns: ['rule', ['kind', kindWord], 'severity', 'threshold', 'hold_s', 'clear_s', 'escalate_s', 'enabled', 'site', 'tag'],
        adds: [{ word: 'alerts.add_rule', method: 'PUT', path: '/api/alert-rules/{rule}' }],
        acts: [
          { word: 'change', method: 'PUT', path: '/api/alert-rules/{rule}', form: true, may: 'configure', values: (row) => row },
          { word: 'remove', method: 'DELETE', path: '/api/alert-rules/{rule}', danger: true, may: 'configure', key: 'rule' },
        ],
      },
    },
  },
  refusals: {
    parts: {
      list: {
        path: '/api/refusals', live: ['refused', 'station'], query: () => ({ limit: 200 }), filters: { station: null },
        draw: (rows) => refusals(rows),
      },
    },
  },
  reservations: {
    parts: {
      list: {
        path: '/api/reservations', key: 'number', live: ['reservation'], next: { by: 'before', of: (row) => row.number }, filters: { station: null },
        columns: ['number', 'station', 'evse', 'token', 'state', 'expires_at', 'made_at', 'reason'],
        adds: [{ word: 'reservations.add', path: '/api/reservations', may: 'operate', go: 'reservations.add' }],
        acts: [{ word: 'cancel_it', method: 'DELETE', path: '/api/reservations/{number}', danger: true, reason: true, sure: 'reservations.sure', key: 'number', when: (row) => !row.ended_at }],
      },
    },
  },
  firmware: {
    one: campaign,
    parts: {
      campaigns: {
        path: '/api/firmware/campaigns', key: 'campaign', live: ['campaign'], open: (row, page) => page.go(`/console/firmware/${row.campaign}`),
        columns: [['name', (row) => row.plan.name], 'state', ['counts', (row) => counts(row.counts)], 'begun', 'actor', 'reason'],
        adds: [{ word: 'firmware.start', path: '/api/firmware/campaigns', first: ['name', 'image', 'stations', 'waves'], go: 'firmware.start', values: () => ({ waves: [1, 10, 100] }) }],
      },
      images: {
        path: '/api/files', key: 'name', query: () => ({ kind: 'firmware', limit: 200 }),
        columns: ['name', 'file', ['vendor', (row) => row.detail.vendor], ['model', (row) => row.detail.model], ['version', (row) => row.detail.version], 'size', 'at', ['sha256', (row) => h('code', {}, row.sha256.slice(0, 16))]],
        adds: [{ word: 'firmware.upload', run: chooseFile }],
        acts: [
          { word: 'firmware.sign', method: 'PUT', path: '/api/firmware/images/{file}/signature', form: true, may: 'configure' },
          { word: 'firmware.publish', path: '/api/firmware/images/{file}/publish', form: true, may: 'configure', first: ['station'] },
          { word: 'firmware.unpublish', path: '/api/firmware/images/{file}/unpublish', form: true, may: 'configure' },
          { word: 'remove', method: 'DELETE', path: '/api/firmware/images/{file}', danger: true, may: 'configure', key: 'name' },
        ],
      },
    },
  },
  maintenance: {
    parts: {
      list: {
        path: '/api/maintenance', key: 'window', live: ['maintenance'],
        columns: ['station', 'site', 'begins', 'ends', 'phase', 'reason', 'availability', 'created_by'],
        adds: [{ word: 'maintenance.add', path: '/api/maintenance', may: 'operate', first: ['station', 'site', 'begins', 'ends'] }],
        acts: [{ word: 'cancel_it', method: 'DELETE', path: '/api/maintenance/{window}', danger: true, sure: 'maintenance.sure', key: 'reason', when: (row) => row.phase !== 'over' }],
      },
    },
  },
  templates: {
    parts: {
      list: {
        path: '/api/templates', key: 'name',
        columns: ['name', ['selection', (row) => Object.values(row.selection).filter(Boolean).join(' · ') || (row.stations.length ? null : say('templates.all'))], 'stations', ['values', (row) => row.values.map((one) => `${one.name.variable} = ${one.value}`).join(', ')], 'updated_at'],
        adds: [{ word: 'templates.add', path: '/api/templates' }],
        acts: [
          { word: 'templates.drift', run: drift, may: 'read' },
          { word: 'templates.apply', path: '/api/templates/{template}/apply', form: true, may: 'configure', shows: (answer, node, close) => { close(); window.dispatchEvent(new CustomEvent('console-go', { detail: '/console/runs' })); } },
          { word: 'change', method: 'PUT', path: '/api/templates/{template}', form: true, may: 'configure', values: (row) => row },
          { word: 'remove', method: 'DELETE', path: '/api/templates/{template}', danger: true, may: 'configure', key: 'name' },
        ],
      },
    },
  },
  messages: {
    parts: {
      list: {
        path: '/api/messages', key: 'number', rows: (answer) => answer.map((row) => ({ ...row, number: row.id })),
        columns: ['number', ['station', (row) => (row.station ? stationLink(row.station) : say('templates.all'))], ['texts', (row) => Object.values(row.texts).join(' · ')], 'priority', 'state', 'start_at', 'end_at'],
        adds: [{ word: 'messages.add', method: 'PUT', path: '/api/messages/{number}', may: 'operate' }],
        acts: [
          { word: 'change', method: 'PUT', path: '/api/messages/{number}', form: true, values: (row) => row },
          { word: 'remove', method: 'DELETE', path: '/api/messages/{number}', danger: true, key: 'number' },
        ],
      },
    },
  },
};

function counts(found) {
  return Object.entries(found || {}).filter(([, number]) => number).map(([name, number]) => [chip(name, `${state(name)} ${number}`), ' ']);
}

// Why a station cannot connect: what was refused, why, and what cures it.
export function refusals(rows, bare = false) {
  if (!rows.length) return h('p', { class: 'empty' }, say('refusals.none'));
  return h('ul', { class: 'refusals' }, ...rows.map((row) => h('li', {},
    h('p', {}, bare ? null : [stationLink(row.station), ' '], chip('refused', state(row.reason)), ' ', time(row.at)),
    row.cure ? h('p', { class: 'cure' }, both(row, 'cure')) : null,
    h('p', { class: 'hint' }, [row.address, row.offered && say('refusals.offered', { offered: row.offered }), row.tls].filter(Boolean).join(' · ')))));
}
