import type { Assumption } from '../assumption.ts';
import { DELETIONS, SECRETS, UPDATES } from './changes.ts';
import { CLIENTS } from './clients.ts';
import { LISTS } from './lists.ts';
import { SIGN_IN } from './sign-in.ts';
import { TOKENS } from './tokens.ts';

/** What the action assumes about Scalekit, by topic. */
export const TOPICS: Record<string, Assumption[]> = {
  'Signing in': SIGN_IN,
  Clients: CLIENTS,
  Lists: LISTS,
  Tokens: TOKENS,
  Updates: UPDATES,
  Secrets: SECRETS,
  Deletions: DELETIONS,
};

export const ASSUMPTIONS = Object.values(TOPICS).flat();
