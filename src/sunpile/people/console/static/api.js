// The REST API: by the session's cookie, or by a token that this tab alone remembers. Errors come out as `Problem`.

const KEY = 'sunpile-token';

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    this.code = (body.type || '').split(':').pop();
    this.faults = body.faults || [];
    this.body = body;
  }
}

export const token = () => sessionStorage.getItem(KEY);
export const keepToken = (value) => sessionStorage.setItem(KEY, value);
export const dropToken = () => sessionStorage.removeItem(KEY);

let stepUp = null;

// What shows a passkey again when the node wants one shown lately.
export function onStepUp(act) {
  stepUp = act;
}

function headers(more = {}) {
  const bearer = token();
  return bearer ? { Authorization: `Bearer ${bearer}`, ...more } : more;
}

export function query(path, parts = {}) {
  const asked = new URLSearchParams();
  for (const [key, value] of Object.entries(parts)) {
    if (value !== undefined && value !== null && value !== '') asked.set(key, value);
  }
  const text = asked.toString();
  return text ? `${path}?${text}` : path;
}

async function send(method, path, body, options = {}) {
  const more = options.headers || {};
  const raw = body instanceof Blob || typeof body === 'string';
  if (body !== undefined && !raw) more['Content-Type'] = 'application/json';
  const content = body === undefined || raw ? body : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(path, { method, headers: headers(more), body: content, signal: options.signal });
  } catch (fault) {
    if (fault.name === 'AbortError') throw fault;
    throw new Problem(0, { type: 'urn:sunpile:problem:offline' });
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401 && !options.stay) {
    dropToken();
    const here = location.pathname + location.search;
    location.assign(`/sign-in?next=${encodeURIComponent(here)}`);
  }
  const wantsPasskey = answer.status === 403 && problem.step_up;
  if (wantsPasskey && stepUp && !options.again && !token() && (await stepUp())) {
    return send(method, path, body, { ...options, again: true });
  }
  throw new Problem(answer.status, problem);
}

async function json(method, path, body, options) {
  const answer = await send(method, path, body, options);
  if (answer.status === 204) return null;
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

export const get = (path, parts, options) => json('GET', query(path, parts), undefined, options);
export const post = (path, body, options) => json('POST', path, body === undefined ? {} : body, options);
export const ask = (method, path, body, options) => json(method, path, body, options);

// A file, saved under `name`. It is fetched here, so that the token goes along.
export async function save(path, parts, name) {
  const answer = await send('GET', query(path, parts));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// The live feed. Not an EventSource, which can send no token. Calls `heard(kind, data)` and `state(word)`.
export async function listen(heard, state) {
  let wait = 1000;
  for (;;) {
    try {
      const answer = await send('GET', '/api/staff/stream');
      state('live');
      wait = 1000;
      await read(answer.body.getReader(), heard);
    } catch (fault) {
      if (fault.status === 404 || fault.status === 401) return state('none');
    }
    state('lost');
    await new Promise((go) => setTimeout(go, wait));
    wait = Math.min(wait * 2, 30_000);
  }
}

async function read(reader, heard) {
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events) {
      const kind = /^event: ?(.*)$/m.exec(event);
      const data = [...event.matchAll(/^data: ?(.*)$/gm)].map((line) => line[1]).join('\n');
      if (kind) heard(kind[1], data ? JSON.parse(data) : {});
    }
  }
}
