// Draws whatever page is declared as lists: tabs, each with one.

import { ACCESS } from '../declared/access.js';
import { HOUSE } from '../declared/house.js';
import { TEAM } from '../declared/team.js';
import { WORK } from '../declared/work.js';
import { list, single } from '../lists.js';
import { empty, h, head, put, tabs } from '../ui.js';
import { say } from '../words.js';

const PAGES = { ...WORK, ...ACCESS, ...HOUSE, ...TEAM };

export async function draw(page) {
  const declared = PAGES[page.name];
  if (!declared) return page.show(head(say('page.unknown')), empty(say('fault.page')));
  if (page.rest.length && declared.one) return declared.one(page);
  const names = Object.keys(declared.parts).filter((name) => !declared.parts[name].may || declared.parts[name].single || page.can(declared.parts[name].may));
  const asked = page.search.get('tab');
  const chosen = names.includes(asked) ? asked : names[0];
  const part = { name: `${page.name}.${chosen}`, ...declared.parts[chosen] };
  const node = h('div');
  const bar = names.length > 1 ? tabs(names.map((name) => [name, say(`${page.name}.${name}`)]), chosen, (name) => page.go(`/console/${page.name}?tab=${name}`)) : null;
  page.show(head(say(`page.${page.name}`)), bar, part.single || part.panel ? node : h('section', { class: 'card' }, node));
  if (part.before) await part.before();
  if (part.single) return single(page, part, node);
  if (part.panel) return put(node, await part.panel(page, node));
  return list(page, part, node);
}
