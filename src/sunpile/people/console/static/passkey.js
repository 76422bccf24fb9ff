// Passkeys: the browser's own ceremony between two requests.

import { ask, post } from './api.js';
import { failed } from './ui.js';

export const supported = () => 'PublicKeyCredential' in window && 'parseRequestOptionsFromJSON' in PublicKeyCredential;

async function shown(options) {
  const made = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return made.toJSON();
}

async function created(options) {
  const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  return made.toJSON();
}

export async function signIn() {
  const asked = await ask('POST', '/api/signin/passkey/options', undefined, { stay: true });
  return ask('POST', '/api/signin/passkey', { flow: asked.flow, answer: await shown(asked.options) }, { stay: true });
}

export async function byInvitation(invitation, label) {
  const asked = await ask('POST', '/api/signin/invitation/options', { invitation }, { stay: true });
  const answer = await created(asked.options);
  return ask('POST', '/api/signin/invitation', { invitation, label, flow: asked.flow, answer }, { stay: true });
}

export async function stepUp() {
  try {
    const asked = await ask('POST', '/api/me/step-up/options', undefined, { again: true });
    await ask('POST', '/api/me/step-up', { flow: asked.flow, answer: await shown(asked.options) }, { again: true });
    return true;
  } catch (error) {
    failed(error);
    return false;
  }
}

export async function addPasskey(label = '') {
  const asked = await post('/api/me/passkeys/options');
  await post('/api/me/passkeys', { flow: asked.flow, answer: await created(asked.options), label });
}
