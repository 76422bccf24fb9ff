// Kinds of alerts in words, as the API tells them.

import { get } from './api.js';
import { chinese, state } from './words.js';

const kinds = new Map();

export const kindWord = (row) => kinds.get(row.kind) || state(row.kind);

export async function knowKinds() {
  if (kinds.size) return;
  for (const kind of await get('/api/alert-kinds')) kinds.set(kind.kind, chinese ? kind.zh : kind.en);
}
