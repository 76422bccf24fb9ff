// Records, payments and files.

import * as api from '../api.js';
import { sessionLink, time } from '../ui.js';
import { energy, money } from '../words.js';

const moment = (value) => time(typeof value === 'number' ? value : Date.parse(value) / 1000);

export const HOUSE = {
  records: {
    parts: {
      list: {
        path: '/api/staff/records', key: 'id', live: ['session'], limit: 100, next: { by: 'after', of: (row) => row.id }, rows: (answer) => answer.records,
        columns: ['id', ['session_id', (row) => sessionLink(row.session_id)], ['credit', (row) => row.credit], ['evse_uid', (row) => row.evse_uid], ['cdr_token', (row) => row.cdr_token?.uid ?? row.cdr_token], ['start_date_time', (row) => moment(row.start_date_time)], ['total_energy', (row) => energy(row.total_energy)], ['total_cost', (row) => money(row.total_cost?.excl_vat ?? row.total_cost)], 'signed', 'remark'],
        exports: [
          { word: 'list.csv', path: '/api/staff/records', query: () => ({ form: 'csv', limit: 10_000 }), file: 'records.csv' },
          { word: 'list.lines', path: '/api/staff/records', query: () => ({ form: 'lines', limit: 10_000 }), file: 'records.jsonl' },
        ],
      },
    },
  },
  payments: {
    parts: {
      list: {
        path: '/api/payments', key: 'hold', query: () => ({ limit: 200 }), columns: ['made_at', 'station', 'evse', 'state', ['amount', (row) => money(row.nano)], ['charged', (row) => money(row.taken_nano)], ['wh', (row) => energy(row.used_wh)], 'ocpp_transaction', 'reason'],
        adds: [{ word: 'payments.enable', path: '/api/payments/qr-codes', first: ['station'] }],
      },
    },
  },
  files: {
    parts: {
      list: {
        path: '/api/files', key: 'name', query: () => ({ limit: 200 }), filters: { kind: { values: ['firmware', 'log', 'report'] }, station: null },
        columns: ['name', 'kind', 'station', 'size', 'at', 'detail'],
        acts: [
          { word: 'files.get', may: 'read', run: (row) => api.save(`/api/files/${row.file}`, {}, row.name) },
          { word: 'remove', method: 'DELETE', path: '/api/files/{file}', danger: true, may: 'configure', key: 'name' },
        ],
      },
    },
  },
};
