// Which page an address is, the menu beside it, and the live feed all pages share.

import * as api from './api.js';
import { stepUp } from './passkey.js';
import { button, dialog, failed, fault, h, link, put, table } from './ui.js';
import { loadWords, say, useCurrency } from './words.js';

const MENU = [
  ['now', ['', 'map', 'stations', 'sessions', 'alerts', 'refusals']],
  ['work', ['operations', 'runs', 'reservations', 'firmware', 'maintenance', 'templates', 'messages']],
  ['access', ['tokens', 'tariffs', 'certificates', 'security']],
  ['house', ['sites', 'reports', 'records', 'payments', 'files']],
  ['team', ['team', 'webhooks', 'audit', 'retention']],
];
const MANAGERS = ['team', 'webhooks', 'audit'];
// Which module draws a page.
const MODULES = {
  '': 'overview', map: 'map', stations: 'stations', sessions: 'sessions', operations: 'operations', runs: 'operations',
  sites: 'sites', reports: 'reports',
};
const main = document.getElementById('main');
const side = document.getElementById('side');
let turn = 0;
let leave = [];
const hears = new Set();

export const context = { permissions: [], can: (permission) => context.permissions.includes(permission) };

function where() {
  const parts = location.pathname.replace(/^\/console\/?/, '').split('/').filter(Boolean).map(decodeURIComponent);
  return { name: parts[0] || '', rest: parts.slice(1), search: new URLSearchParams(location.search) };
}

async function show() {
  const mine = ++turn;
  leave.forEach((act) => act());
  leave = [];
  hears.clear();
  const place = where();
  menu(place.name);
  const module = MODULES[place.name] || 'lists';
  const page = {
    ...place, can: context.can, go, main,
    current: () => mine === turn,
    // Called with kind and data of every event while the page is open.
    hear: (act) => hears.add(act),
    // Called at most once in `ms` after an event that `wants(kind, data)`, or after a gap in the feed; what fails is
    // tried again at the next.
    soon: (ms, wants, act) => {
      let due = null;
      hears.add((kind, data) => {
        if (due || !(kind === 'lagged' || wants(kind, data))) return;
        due = setTimeout(() => { due = null; if (mine === turn) act().catch(() => null); }, ms);
      });
    },
    // Called every `ms` while the page is open and seen; what fails is tried again.
    every: (ms, act) => {
      const timer = setInterval(() => document.hidden || act().catch(() => null), ms);
      leave.push(() => clearInterval(timer));
    },
    leave: (act) => leave.push(act),
    // Put what `parts` are in place, if the page is still this one.
    show: (...parts) => mine === turn && put(main, ...parts),
    again: show,
  };
  main.setAttribute('aria-busy', 'true');
  try {
    const drawn = await import(`./pages/${module}.js`);
    await drawn.draw(page);
  } catch (error) {
    if (mine === turn) put(main, h('div', { class: 'card' }, fault(error), button(say('again'), show)));
  }
  if (mine === turn) main.removeAttribute('aria-busy');
}

export function go(path, replace = false) {
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  show();
  window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

function menu(current) {
  document.body.classList.remove('open');
  document.getElementById('menu').setAttribute('aria-expanded', 'false');
  const groups = MENU.map(([group, pages]) => {
    const seen = pages.filter((name) => !MANAGERS.includes(name) || context.can('manage'));
    const items = seen.map((name) => h('li', {}, link(name ? `/console/${name}` : '/console', say(`page.${name || 'overview'}`), name === current ? { 'aria-current': 'page' } : {})));
    return h('div', {}, h('h2', {}, say(`menu.${group}`)), h('ul', {}, ...items));
  });
  put(side, ...groups);
  for (const switcher of document.querySelectorAll('[data-lang]')) {
    const asked = new URLSearchParams(location.search);
    asked.set('lang', switcher.dataset.lang);
    switcher.href = `${location.pathname}?${asked}`;
  }
}

function follow(event) {
  const anchor = event.target.closest('a[href^="/console"]');
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  if (!anchor || !plain || anchor.hasAttribute('data-lang') || anchor.target) return;
  event.preventDefault();
  go(anchor.getAttribute('href'));
}

function line(word) {
  const node = document.getElementById('line');
  node.dataset.state = word;
  node.querySelector('b').textContent = say(`line.${word}`);
}

async function who(me) {
  const node = document.getElementById('who');
  node.hidden = false;
  const kind = me.actor.split(':')[0];
  node.textContent = say(`who.${kind}`);
  node.onclick = () => dialog(say('who.title'), async (body, close) => {
    const out = button(say('who.out'), async () => {
      if (!api.token()) await api.post('/api/signin/out').catch(() => null);
      api.dropToken();
      location.assign('/sign-in');
    }, 'danger');
    const parts = [h('p', {}, say('who.actor', { actor: me.actor, tenant: me.tenant })), h('p', { class: 'hint' }, me.permissions.map((name) => say(`may.${name}`)).join(' · '))];
    put(body, ...parts, h('div', { class: 'acts end' }, out));
    if (kind === 'staff') {
      const keys = await api.get('/api/me/passkeys').catch(() => []);
      const { addPasskey } = await import('./passkey.js');
      const more = button(say('who.add_passkey'), () => addPasskey().then(close, failed), 'quiet');
      put(body, ...parts, table(['label', 'created_at', 'last_used_at'], keys), h('div', { class: 'acts end' }, more, out));
    }
  });
}

async function start() {
  await loadWords();
  const [me, info] = await Promise.all([api.get('/api/me').catch((error) => fallback(error)), api.get('/api/info')]);
  if (!me) return;
  context.permissions = me.permissions;
  useCurrency(info.currency);
  api.onStepUp(stepUp);
  who(me);
  document.addEventListener('click', follow);
  window.addEventListener('popstate', show);
  window.addEventListener('console-go', (event) => go(event.detail));
  const opener = document.getElementById('menu');
  opener.addEventListener('click', () => opener.setAttribute('aria-expanded', String(document.body.classList.toggle('open'))));
  api.listen((kind, data) => hears.forEach((act) => act(kind, data)), line);
  show();
}

// A node whose sign-in is not there knows only its token.
async function fallback(error) {
  if (error.status !== 404) return null;
  if (!api.token()) {
    location.assign('/sign-in');
    return null;
  }
  return { actor: 'node', tenant: '', permissions: ['read', 'operate', 'configure', 'approve', 'manage'] };
}

start();
