import { isMaskable, MASKABLE_FORMAT } from '../../src/output/mask.ts';
import { type Assumption, fails, holds, unclear } from '../assumption.ts';
import { accessTokenIn } from '../caller.ts';
import { describe, isRefusal, jsonIn, required } from '../reply.ts';

/** Seconds that a step may take at most: the largest `timeout`. */
const LONGEST_STEP = 3600;

export const SIGN_IN: Assumption[] = [
  {
    id: 'sign-in',
    sentence:
      "The token endpoint accepts the environment's API credentials in a form, and answers with a JSON object that has an `access_token`.",
    needed: true,
    hangsOn: 'Every action begins with it.',
    how: 'Posts `grant_type`, `client_id` and `client_secret` to `/oauth/token`.',
    check: ({ signIn }) => {
      const reply = required(signIn);
      const token = accessTokenIn(reply);
      if (token && isMaskable(token)) return holds(describe(reply));
      if (reply.status === 0 || reply.status >= 500) return unclear(describe(reply));
      return fails(token ? `access_token is not ${MASKABLE_FORMAT}` : `${describe(reply)}, no access_token`);
    },
  },
  {
    id: 'sign-in-life',
    sentence: `An access token for the API credentials lives longer than a step may take, which is ${LONGEST_STEP} seconds at most.`,
    needed: false,
    hangsOn: 'A step signs in once. A step that takes longer than its token lives fails with 401.',
    how: 'Reads `expires_in` in the answer to the sign-in.',
    check: ({ signIn }) => {
      const { expires_in } = jsonIn(signIn);
      const seconds = Number(expires_in);
      if (!(seconds > 0)) return unclear('the answer has no expires_in');
      return (seconds > LONGEST_STEP ? holds : fails)(`expires_in ${seconds}`);
    },
  },
  {
    id: 'wrong-secret',
    sentence: 'The token endpoint refuses a wrong secret with a 4xx status and a JSON object.',
    needed: false,
    hangsOn:
      'Promise 10: the action does not retry a refusal of the API. An answer without JSON counts as one of a proxy or a firewall, and the error says so.',
    how: 'Requests a token for a client that exists, with a secret that was made up.',
    check: ({ wrongSecret }) => {
      const reply = required(wrongSecret);
      const seen = describe(reply);
      if (reply.status === 0 || reply.status >= 500) return unclear(seen);
      return isRefusal(reply) && reply.json ? holds(seen) : fails(isRefusal(reply) ? `${seen} (no JSON)` : seen);
    },
  },
];
