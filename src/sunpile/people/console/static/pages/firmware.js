// Firmware: an image is taken from a file; a campaign goes on wave by wave.

import { ask, get, query } from '../api.js';
import { bodyOf, fields, form } from '../form.js';
import { busy, button, card, chip, dialog, facts, h, head, link, put, shown, sure, table, toast } from '../ui.js';
import { field, fieldBare, say } from '../words.js';

const NAMES = { type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 128 }, vendor: { type: 'string' }, model: { type: 'string' }, version: { type: 'string' } } };

export function chooseFile(page, load) {
  return dialog(say('firmware.upload'), (body, close) => {
    const file = h('input', { type: 'file', required: true, name: 'file' });
    const names = fields(NAMES, {});
    const done = h('progress', { hidden: true });
    const form_ = h('form', { class: 'form' }, h('label', { class: 'field full' }, h('span', {}, field('file')), file), h('div', { class: 'fields' }, ...names.nodes), done,
      h('div', { class: 'acts end' }, button(say('cancel'), close, 'quiet'), h('button', { class: 'act go' }, say('firmware.upload'))));
    file.addEventListener('change', () => { form_.elements.name.value ||= file.files[0]?.name || ''; });
    form_.addEventListener('submit', (event) => {
      event.preventDefault();
      busy(form_.querySelector('.go'), async () => {
        done.hidden = false;
        await ask('POST', query('/api/firmware/images', names.read()), file.files[0], { headers: { 'Content-Type': 'application/octet-stream' } });
        close();
        load();
      }).then(() => { done.hidden = true; });
    });
    put(body, form_);
  });
}

export async function campaign(page) {
  const id = page.rest[0];
  const node = h('div', { class: 'stack' });
  page.show(node);
  const approval = await bodyOf('POST', '/api/firmware/campaigns/{campaign}/approve');
  const load = async () => {
    const found = await get(`/api/firmware/campaigns/${id}`);
    const one = found.campaign;
    const turn = (to, danger) => button(say(`firmware.${to}`), (event) => busy(event.currentTarget, async () => {
      const reason = await sure(say(`firmware.sure_${to}`), { word: say(`firmware.${to}`) });
      if (reason === null) return;
      await ask('POST', `/api/firmware/campaigns/${id}/turn`, { state: to, reason });
      await load();
    }), danger ? 'danger' : 'quiet');
    const yes = () => dialog(say('approve'), (body, close) => put(body, form({ ...approval, word: say('approve'), cancel: close, act: async (value) => { await ask('POST', `/api/firmware/campaigns/${id}/approve`, value); close(); toast(say('done')); await load(); } })));
    const acts = [];
    if (one.state === 'approval' && page.can('approve')) acts.push(button(say('approve'), yes, 'go'));
    if (one.state === 'running' && page.can('configure')) acts.push(turn('paused'));
    if (one.state === 'paused' && page.can('configure')) acts.push(turn('running'));
    if (['running', 'paused', 'approval'].includes(one.state) && page.can('configure')) acts.push(turn('aborted', true));
    const total = found.targets.length;
    const ended = found.targets.filter((target) => ['installed', 'failed'].includes(target.state)).length;
    if (!page.current()) return;
    put(node, head(one.plan.name, chip(one.state), ...acts),
      card(null, h('progress', { max: total, value: ended, 'aria-label': say('run.progress') }), h('p', { class: 'hint' }, say('run.ended', { ended, total })),
        facts([[field('reason'), one.reason], ...Object.entries(one.plan).map(([name, value]) => [fieldBare(name), shown(name, value)]), [field('begun'), shown('begun', one.begun)], [field('actor'), one.actor]])),
      card(say('run.items'), table(['station', 'wave', 'state', 'status', 'at'], found.targets)), link('/console/firmware', say('list.all')));
  };
  await load();
  page.hear((kind) => kind === 'campaign' && load().catch(() => null));
  page.every(5000, load);
}
