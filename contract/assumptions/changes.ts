import { compareFields, type Difference } from '../../src/client/drift.ts';
import { isNotFound } from '../../src/scalekit/meaning.ts';
import { isSecretCap } from '../../src/scalekit/secret-cap.ts';
import type { Client, ClientFields } from '../../src/scalekit/types.ts';
import { type Assumption, type Finding, fails, holds, inTime, same, unclear, unsuccessful } from '../assumption.ts';
import { accessTokenIn, plainSecretIn } from '../caller.ts';
import { clientIn, describe, isRefusal, isSuccess, type Reply, required } from '../reply.ts';
import type { Seen, Updated } from '../seen.ts';
import { hasMarker, madeAs } from './clients.ts';

/** Judges an update by the client as it was read afterwards. */
function updated(
  update: Updated | undefined,
  judgeClient: (client: Client, sent: Partial<ClientFields>) => Finding,
): Finding {
  const { answer, after, fields } = required(update);
  if (!isSuccess(answer)) return unsuccessful(answer);
  return judgeClient(clientIn(after), fields);
}

/** Returns the finding for a deletion that did not succeed. Deletions may need a permission of their own. */
function notDeleted(reply: Reply): Finding {
  return reply.status === 403 ? fails(describe(reply)) : unsuccessful(reply);
}

/** Returns whether a refusal may say that a client does not exist, in whatever form. Permissions and rates say nothing. */
function isMissing(reply: Reply): boolean {
  return isNotFound(reply) || unsuccessful(reply).verdict === 'does not hold';
}

const COMPARED: (keyof ClientFields)[] = ['name', 'description', 'audience', 'custom_claims', 'expiry', 'scopes'];

/** Returns the fields in which two views of a client differ. */
function differences(wanted: Client, got: Client): Difference[] {
  return compareFields(COMPARED, wanted, got);
}

export const UPDATES: Assumption[] = [
  {
    id: 'patch-keeps',
    sentence: 'An update leaves the fields that it omits as they are.',
    needed: true,
    hangsOn: 'Promise 12: a correction of one field must not remove the ownership marker or the claims.',
    how: 'Updates the name alone, and compares the other fields before and after.',
    check: (seen) => {
      const before = clientIn(required(madeAs(seen, 'full').read).last);
      return updated(seen.renamed, (after, { name }) =>
        same(differences({ ...before, name: name ?? '' }, after), 'all fields'),
      );
    },
  },
  {
    id: 'patch-answer',
    sentence: 'The answer to an update shows the client as it is afterwards.',
    needed: true,
    hangsOn:
      'The action [compares](design.md#what-is-compared) this answer with the inputs. What still differs is an error.',
    how: 'Compares the answer to an update of the claims with the client that is read afterwards.',
    check: (seen) =>
      updated(seen.reclaimed, (after) =>
        same(differences(after, clientIn(required(seen.reclaimed).answer)), 'the same'),
      ),
  },
  {
    id: 'patch-list',
    sentence: 'A list in an update replaces the list of the client.',
    needed: false,
    hangsOn:
      'Drift of scopes and claims is corrected. If lists are merged, the step fails and names `on_existing: replace`.',
    how: 'Updates a client that has two claims with one of them.',
    check: (seen) =>
      updated(seen.reclaimed, (after, sent) => {
        const keys = madeAs(seen, 'full').fields.custom_claims?.map(({ key }) => key) ?? [];
        const custom_claims = after.custom_claims.filter(({ key }) => keys.includes(key));
        return same(compareFields(['custom_claims'], sent, { custom_claims }), 'replaced');
      }),
  },
  {
    id: 'patch-audience',
    sentence: 'An update can add another audience.',
    needed: false,
    hangsOn: 'Drift of the audience is corrected. Otherwise the step fails and names `on_existing: replace`.',
    how: 'Updates the audience, and looks for the new one.',
    check: (seen) =>
      updated(seen.readdressed, ({ audience }, sent) =>
        (sent.audience?.every((one) => audience.includes(one)) ? holds : fails)(JSON.stringify(audience)),
      ),
  },
  {
    id: 'patch-description',
    sentence: 'A client shows the ownership marker after an update of its description.',
    needed: true,
    hangsOn: 'Promise 12: a correction writes the marker again, and a client that is taken over gets one.',
    how: 'Updates the description, and looks for the marker.',
    check: (seen) =>
      updated(seen.redescribed, ({ description }) =>
        hasMarker(description, madeAs(seen, 'full').marker) ? holds('with the marker') : fails('without the marker'),
      ),
  },
];

export const SECRETS: Assumption[] = [
  {
    id: 'second-secret',
    sentence:
      'A client can have a second secret: the answer shows its id and its `plain_secret`, and both secrets get a token.',
    needed: true,
    hangsOn: 'Promise 5: a rotation adds the new secret before it retires the old one.',
    how: 'Adds a secret, and requests a token with each.',
    check: ({ second }) => {
      const { added, tokens } = required(second);
      if (!isSuccess(added)) return unsuccessful(added);
      const id = Object(added.json?.secret).id;
      if (!plainSecretIn(added) || typeof id !== 'string')
        return fails(plainSecretIn(added) ? 'no secret.id' : 'no plain_secret');
      const [first, latest] = required(tokens);
      const refused = [first, latest.last].filter((reply) => !accessTokenIn(reply));
      if (refused[0]) return unclear(`no token: ${describe(refused[0])}`);
      return holds(`HTTP ${added.status}, both get a token`);
    },
  },
  {
    id: 'secrets-shown',
    sentence: 'A client that is read by its id shows all its secrets, each with its id and `create_time`, as active.',
    needed: true,
    hangsOn: 'Promise 5: which secrets are retired, and whether the saved credentials are usable.',
    how: 'Reads a client with two secrets.',
    check: ({ second }) => {
      const { secrets } = clientIn(required(second).after);
      if (secrets.length !== 2) return fails(`${secrets.length} secrets`);
      const [one, other] = secrets;
      if (!one?.create_time || !other?.create_time) return fails('a secret without create_time');
      if (!one.active || !other.active) return fails('an inactive secret');
      return holds(one.create_time < other.create_time ? 'oldest first' : 'newest first');
    },
  },
  {
    id: 'secret-cap',
    sentence: 'A request for one secret too many is refused in a way that the action recognizes.',
    needed: false,
    hangsOn:
      'Promise 5: the action deletes the oldest secret and asks once more. After another refusal the step fails.',
    how: 'Adds secrets until one is refused, seven in all at most.',
    check: ({ second, more }) => {
      const { added } = required(second);
      const replies = [added, ...(more ?? [])];
      const refused = replies.find((reply) => !isSuccess(reply));
      const count = 1 + replies.filter(isSuccess).length;
      if (!refused) return unclear(`${count} secrets were not refused`);
      if (!isRefusal(refused) || [401, 403].includes(refused.status)) return unclear(describe(refused));
      return (isSecretCap(refused) ? holds : fails)(`with ${count} secrets: ${describe(refused)}`);
    },
  },
  {
    id: 'secret-deleted',
    sentence: 'These credentials may delete a secret. It is gone then, and gets no token.',
    needed: true,
    hangsOn: 'Promise 4: a failed step deletes the secret that it added. Promise 5: a rotation retires old secrets.',
    how: 'Deletes the second secret, reads the client, and requests a token with it.',
    check: ({ secretDeleted, second }) => {
      const { answer, after, token } = required(secretDeleted);
      if (!isSuccess(answer)) return notDeleted(answer);
      const id = Object(required(second).added.json?.secret).id;
      if (clientIn(after).secrets.some((secret) => secret.id === id)) return fails('the client still shows it');
      const { lag, last } = required(token);
      if (lag !== undefined) return holds(`HTTP ${answer.status}, refused ${inTime(lag)}`);
      return accessTokenIn(last) ? fails('it still gets a token') : unclear(describe(last));
    },
  },
  {
    id: 'last-secret',
    sentence: 'The only secret of a client cannot be deleted.',
    needed: false,
    hangsOn: 'Promise 5: the action never asks for it. It adds a secret first, and deletes afterwards.',
    how: 'Tries to delete the only secret of a client.',
    check: ({ lastSecret }) => {
      const reply = required(lastSecret);
      if (reply.status === 403) return unclear(describe(reply));
      if (isSuccess(reply)) return fails('it was deleted');
      return isRefusal(reply) ? holds(describe(reply)) : unclear(describe(reply));
    },
  },
];

export const DELETIONS: Assumption[] = [
  {
    id: 'client-deleted',
    sentence: 'These credentials may delete a client, and it is gone then.',
    needed: true,
    hangsOn:
      'Promises 4, 7 and 8: a failed, cancelled or finished job deletes its client. Scalekit may ask for the permission `api_credentials:rotate`.',
    how: 'Deletes a client, and reads it.',
    check: ({ clientDeleted }: Seen) => {
      const { answer, read } = required(clientDeleted);
      if (!isSuccess(answer)) return notDeleted(answer);
      const reply = required(read);
      if (isSuccess(reply)) return fails('it can still be read');
      return isMissing(reply) ? holds(describe(answer)) : unclear(`it could not be read: ${describe(reply)}`);
    },
  },
  {
    id: 'missing-client',
    sentence:
      'A request for a client that does not exist is answered with 404, or with an error code that says so. That holds for a read and for a deletion.',
    needed: true,
    hangsOn:
      'Promise 8: a deleted client counts as done. A saved or given id of a client that does not exist leads to a search.',
    how: 'Reads a client that was deleted, and deletes it once more.',
    check: ({ clientDeleted }: Seen) => {
      const { read, again } = required(clientDeleted);
      const replies = [required(read), required(again)];
      const other = replies.find((reply) => !isNotFound(reply));
      if (!other) return holds(replies.map(({ status }) => `HTTP ${status}`).join(' and '));
      return isRefusal(other) || isSuccess(other) ? fails(describe(other)) : unclear(describe(other));
    },
  },
];
