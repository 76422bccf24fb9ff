// Sites: the tree of fuses, what each may carry, and what every outlet is given now.

import { ask, get } from '../api.js';
import { bodyOf, form } from '../form.js';
import { busy, button, card, chip, dialog, empty, facts, h, head, hint, link, put, stationLink, sure, table, time, toast } from '../ui.js';
import { current, field, power, say, state } from '../words.js';

export async function draw(page) {
  if (page.rest.length) return one(page);
  const found = await get('/api/sites');
  const add = page.can('configure') ? button(say('sites.add'), () => edit(page, null), 'go') : null;
  page.show(head(say('page.sites'), add), hint(say('sites.hint')), h('section', { class: 'card' }, found.length ? table([
    ['site', (row) => link(`/console/sites/${encodeURIComponent(row.site)}`, row.site)], ['policy', (row) => state(row.policy)], ['fuses', (row) => row.fuses.length], ['outlets', (row) => row.outlets.length],
    ['limit', (row) => (row.fuses[0] ? amps(row.fuses[0].limit) : '–')], ['ceiling_w'],
  ], found, { onrow: (row) => page.go(`/console/sites/${encodeURIComponent(row.site)}`) }) : empty(say('sites.none'))));
}

const amps = (three) => three.map((one) => current(one)).join(' · ');

async function one(page) {
  const name = page.rest[0];
  const node = h('div', { class: 'stack' });
  page.show(link('/console/sites', say('sites.back'), { class: 'back' }), node);
  const load = async () => {
    const found = await get(`/api/sites/${encodeURIComponent(name)}`);
    if (!page.current()) return;
    const acts = page.can('configure') ? [button(say('change'), () => edit(page, found), 'quiet'), button(say('remove'), (event) => busy(event.currentTarget, async () => {
      if ((await sure(say('sites.sure_remove', { site: name }), { word: say('remove'), reason: false })) === null) return;
      await ask('DELETE', `/api/sites/${encodeURIComponent(name)}`);
      page.go('/console/sites');
    }), 'danger')] : [];
    put(node, head(name, ...acts),
      card(null, facts([[field('policy'), state(found.policy)], [field('ceiling_w'), found.ceiling_w === null ? null : power(found.ceiling_w)], [field('surplus_w'), found.now.surplus_w === null ? null : power(found.now.surplus_w)], [field('now'), time(found.now.time)]])),
      card(say('sites.fuses'), tree(found)), card(say('sites.outlets'), outlets(page, found)));
  };
  await load();
  page.hear((kind, data) => kind === 'site' && data.site === name && load().catch(() => null));
  page.every(5000, load);
}

// What a fuse carries now: its other loads, and what all outlets below are given.
function tree(found) {
  const below = (fuse) => [fuse, ...found.fuses.filter((one) => one.parent === fuse).flatMap((one) => below(one.fuse))];
  const given = new Map(found.now.outlets.map((one) => [`${one.station} ${one.evse}`, one.limit_ma || 0]));
  const carries = (fuse) => {
    const under = below(fuse.fuse);
    const sum = [0, 0, 0];
    for (const name of under) (found.now.loads[name] || [0, 0, 0]).forEach((ma, phase) => { sum[phase] += ma; });
    for (const outlet of found.outlets) if (under.includes(outlet.fuse)) for (const phase of outlet.phases) sum[phase - 1] += given.get(`${outlet.station} ${outlet.evse}`) || 0;
    return sum;
  };
  const branch = (parent) => found.fuses.filter((one) => (one.parent || null) === parent).map((one) => {
    const now = carries(one);
    return h('li', {}, h('div', { class: 'fuse' }, h('b', {}, one.fuse), ...now.map((ma, phase) => h('label', {}, h('span', {}, `L${phase + 1}`), h('meter', { min: 0, max: one.limit[phase] || 1, high: (one.limit[phase] || 1) * 0.9, value: ma }), h('small', {}, `${current(ma)} / ${current(one.limit[phase])}`)))), h('ul', {}, ...branch(one.fuse)));
  });
  return found.fuses.length ? h('ul', { class: 'tree' }, ...branch(null)) : empty();
}

function outlets(page, found) {
  const now = new Map(found.now.outlets.map((one) => [`${one.station} ${one.evse}`, one]));
  const of = (row) => now.get(`${row.station} ${row.evse}`) || {};
  const wish = (row) => [button(say('sites.wish'), async () => {
    const template = '/api/sites/{site}/cars/{station}/{evse}';
    const body = await bodyOf('PUT', template);
    await dialog(say('sites.wish'), (inside, close) => put(inside, form({ ...body, cancel: close, act: async (value) => {
      await ask('PUT', `/api/sites/${encodeURIComponent(found.site)}/cars/${encodeURIComponent(row.station)}/${row.evse}`, value);
      close();
      toast(say('done'));
    } })));
  }, 'quiet small')];
  return table([['station', (row) => stationLink(row.station)], 'evse', 'fuse', ['phases'], 'max_ma', ['car', (row) => (of(row).away ? chip('refused', say('sites.away')) : of(row).car ? chip('Charging', say('sites.car')) : '–')], ['limit_ma', (row) => (of(row).limit_ma === null || of(row).limit_ma === undefined ? '–' : current(of(row).limit_ma))], ['until', (row) => (of(row).until ? time(of(row).until) : '–')]], found.outlets, page.can('operate') ? { acts: wish } : {});
}

async function edit(page, found) {
  const body = await bodyOf('PUT', '/api/sites/{site}');
  const three = (limit) => limit && { l1: limit[0], l2: limit[1], l3: limit[2] };
  const values = found ? { ...found, fuses: found.fuses.map((one) => ({ fuse: one.fuse, limit: three(one.limit), ...(one.parent ? { parent: one.parent } : {}), ...(one.other_loads ? { other_loads: three(one.other_loads) } : {}) })) } : { fuses: [{ fuse: 'main', limit: { l1: 63_000, l2: 63_000, l3: 63_000 } }] };
  const input = h('input', { name: 'site', required: true, maxlength: 64, value: found?.site || '', disabled: Boolean(found) });
  await dialog(say(found ? 'change' : 'sites.add'), (node, close) => put(node, form({
    ...body, values, cancel: close, before: h('label', { class: 'field' }, h('span', {}, field('site')), input),
    act: async (value) => {
      await ask('PUT', `/api/sites/${encodeURIComponent(input.value.trim())}`, value);
      close();
      page.go(`/console/sites/${encodeURIComponent(input.value.trim())}`);
    },
  })), true);
}
