// The page to sign in at: a passkey, an OpenID provider, an invitation behind `#`, or the node's token.

import { dropToken, get, keepToken } from './api.js';
import { byInvitation, signIn, supported } from './passkey.js';
import { sentence } from './ui.js';
import { loadWords, say } from './words.js';

const at = (id) => document.getElementById(id);
const invitation = new URLSearchParams(location.hash.slice(1)).get('invitation');
const asked = new URLSearchParams(location.search).get('next') || '/console';
// Only ever a page of ours.
const next = /^\/console(?:[/?]|$)/.test(asked) ? asked : '/console';

function tell(error) {
  const node = at('door-fault');
  node.hidden = false;
  node.textContent = error.name === 'NotAllowedError' ? say('door.stopped') : sentence(error);
}

async function enter(work) {
  at('door-fault').hidden = true;
  try {
    await work();
    location.assign(next);
  } catch (error) {
    tell(error);
  }
}

async function start() {
  await loadWords();
  document.title = `${say('door.title')} · sunpile`;
  const ways = await get('/api/signin', {}, { stay: true }).catch(() => ({ passkey: false, oidc: false }));
  const passkey = at('door-passkey');
  passkey.hidden = !ways.passkey;
  at('door-oidc').hidden = !ways.oidc || Boolean(invitation);
  at('door-token').open = !ways.passkey && !ways.oidc;
  if (ways.passkey && !supported()) {
    passkey.disabled = true;
    tell(new Error(say('door.no_passkeys')));
  }
  if (invitation) {
    // The secret leaves the address at once, so that it is in no history.
    history.replaceState(null, '', location.pathname);
    at('door-h').textContent = say('door.invited');
    at('door-hint').textContent = say('door.invited_hint');
    at('door-label').hidden = false;
    passkey.textContent = say('door.register');
  }
  passkey.addEventListener('click', () => enter(() => (invitation ? byInvitation(invitation, at('door-name').value.trim()) : signIn())));
  at('door-form').addEventListener('submit', (event) => {
    event.preventDefault();
    enter(async () => {
      keepToken(at('token').value.trim());
      try {
        await get('/api/stations', { limit: 1 }, { stay: true });
      } catch (error) {
        if (error.status === 401) {
          dropToken();
          throw new Error(say('door.wrong'));
        }
        if (error.status !== 403) throw error;
      }
    });
  });
}

start();
