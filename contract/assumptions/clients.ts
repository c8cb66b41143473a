import { compareFields, withoutOidcScopes } from '../../src/client/drift.ts';
import { foldText, formatMarker, parseMarkers } from '../../src/client/marker.ts';
import { isMaskable, MASKABLE_FORMAT } from '../../src/output/mask.ts';
import { characterCount } from '../../src/output/text.ts';
import { parseErrorBody } from '../../src/scalekit/error-body.ts';
import { isNotFound } from '../../src/scalekit/meaning.ts';
import { type Client, MAX_DESCRIPTION, MAX_NAME } from '../../src/scalekit/types.ts';
import { type Assumption, type Finding, fails, holds, inTime, same, unclear, unsuccessful } from '../assumption.ts';
import { plainSecretIn } from '../caller.ts';
import { clientIn, describe, isRefusal, isSuccess, required, Unseen } from '../reply.ts';
import type { Made, Role, Seen } from '../seen.ts';

/** Milliseconds that the clock of the API may differ from the `Date` header, as the action allows. */
const MAX_CLOCK_DIFFERENCE = 60_000;

/** Returns the client of a role. @throws {Unseen} if it was not made */
export function madeAs({ clients }: Seen, role: Role): Made {
  const made = clients[role];
  if (made?.id) return made;
  throw new Unseen(`the client was not made: ${describe(required(made).created)}`);
}

/** Returns a client as it was read by its id, or as the answer to its creation shows it. */
function shownAs(seen: Seen, role: Role): Client {
  const { read, created } = madeAs(seen, role);
  return clientIn(read && isSuccess(read.last) ? read.last : created);
}

/** Compares one field of a client with what was asked for. */
function asAsked(seen: Seen, role: Role, field: 'audience' | 'custom_claims' | 'expiry' | 'scopes'): Finding {
  const client = shownAs(seen, role);
  const { fields } = madeAs(seen, role);
  const shown = { ...client, scopes: withoutOidcScopes(client.scopes, fields.scopes) };
  const value = shown[field];
  return same(compareFields([field], fields, shown), `${field}: ${JSON.stringify(value ?? null)}`);
}

export const CLIENTS: Assumption[] = [
  {
    id: 'create',
    sentence:
      'A create request is answered with a 2xx status, the client and its `plain_secret`, which is 8 characters to 48 KiB of printable ASCII without spaces.',
    needed: true,
    hangsOn: 'Promises 1 and 3: the answer proves which client this step made, and the secret can be masked.',
    how: 'Creates a client with a name, a description, an audience, two claims and an expiry.',
    check: ({ clients }) => {
      const { created } = required(clients.full);
      if (!isSuccess(created)) return isRefusal(created) ? fails(describe(created)) : unclear(describe(created));
      const secret = plainSecretIn(created);
      if (!isMaskable(secret)) return fails(secret ? `plain_secret is not ${MASKABLE_FORMAT}` : 'no plain_secret');
      const client = clientIn(created);
      return holds(
        `HTTP ${created.status}, ${client.client_id.replace(/\d+$/, '…')}, a secret of ${secret.length} characters`,
      );
    },
  },
  {
    id: 'one-secret',
    sentence: 'The answer to a create request shows one secret, with its id.',
    needed: false,
    hangsOn:
      'The output `secret_id`, and promise 5: without the id, saved credentials are not usable by the next `reuse`.',
    how: 'Counts the `secrets` in the answer.',
    check: (seen) => {
      const { secrets } = clientIn(madeAs(seen, 'full').created);
      return (secrets.length === 1 ? holds : fails)(`secrets: ${secrets.length}`);
    },
  },
  {
    id: 'secret-once',
    sentence: 'No later answer shows the value of a secret again.',
    needed: false,
    hangsOn: 'Promise 1: the action masks the values in the answers to a create and an added secret, and no others.',
    how: 'Searches the client that was read by its id, the list, and the answer to an update for the value.',
    check: (seen) => {
      const { secret, read } = madeAs(seen, 'full');
      const replies = [required(read).last, required(seen.listed).last, required(seen.renamed).answer];
      if (replies.some(({ body }) => body.includes(secret))) return fails('an answer shows it');
      const failed = replies.find((reply) => !isSuccess(reply));
      return failed ? unclear(describe(failed)) : holds('not shown');
    },
  },
  {
    id: 'marker',
    sentence: 'The answer to a create request, and a client that is read by its id, show the ownership marker.',
    needed: true,
    hangsOn:
      'Promises 3, 8 and 12: without it no later run finds the client. `lifetime: job` works with a warning, and a persistent client is not made.',
    how: 'Looks for the marker in the description, as the action does.',
    check: (seen) => {
      const { created, read, marker } = madeAs(seen, 'full');
      const shown = { create: created, get: required(read).last };
      const missing = Object.entries(shown).filter(([, reply]) => !hasMarker(clientIn(reply).description, marker));
      if (missing.length === 0) return holds('in both');
      return fails(`not in the answer to ${missing.map(([name]) => name).join(' and ')}`);
    },
  },
  {
    id: 'description',
    sentence: 'A description is stored as it was sent: with white space, line breaks and characters of HTML.',
    needed: false,
    hangsOn: 'Nothing breaks: the action compares descriptions with white space folded and HTML entities decoded.',
    how: 'Creates a client whose description begins with spaces and has a line break, quotes and a tag.',
    check: (seen) => {
      const { fields } = madeAs(seen, 'odd');
      const { description } = shownAs(seen, 'odd');
      if (description === fields.description) return holds('unchanged');
      return fails(changeOf(fields.description, description));
    },
  },
  {
    id: 'long-text',
    sentence: `A description of ${MAX_DESCRIPTION} characters and a name of ${MAX_NAME} are stored whole.`,
    needed: false,
    hangsOn:
      'A description of your own may have 340 characters beside the marker. If the marker is cut off, the step fails and advises a shorter one.',
    how: 'Creates a client with the longest name and the longest description, which ends with the marker.',
    check: (seen) => {
      const { fields, created } = required(seen.clients.long);
      if (!isSuccess(created)) return unsuccessful(created);
      const { name, description } = shownAs(seen, 'long');
      const lengths = `${characterCount(name)} and ${characterCount(description)} characters`;
      const isWhole = name === fields.name && foldText(description) === foldText(fields.description);
      return (isWhole ? holds : fails)(lengths);
    },
  },
  {
    id: 'same-name',
    sentence: 'Two clients may have the same name.',
    needed: false,
    hangsOn: 'After a 409 the action searches for its client, and then adds ` #` and six characters to the name.',
    how: 'Creates a second client with the name of the first.',
    check: ({ sameName, clients }) => {
      const reply = required(sameName);
      if (!isSuccess(reply)) return unsuccessful(reply);
      const isFirst = clientIn(reply).client_id === clients.full?.id;
      return isFirst ? fails('the answer shows the first client') : holds(describe(reply));
    },
  },
  {
    id: 'create-time',
    sentence: 'A client shows its `create_time`, which is within 60 seconds of the `Date` header of its creation.',
    needed: false,
    hangsOn:
      'Promise 3: of clients that racing runs made, the oldest wins. Promise 5: no secret of unknown age is retired.',
    how: 'Compares `create_time` in the answer to the creation with its `Date` header, and with the client that was read.',
    check: (seen) => {
      const { created, read } = madeAs(seen, 'full');
      const times = [created, required(read).last].map((reply) => clientIn(reply).create_time);
      const [atCreation, later] = times.map((time) => (time === undefined ? undefined : Number(time / 1_000_000n)));
      if (atCreation === undefined || later === undefined) return fails('no create_time');
      const date = Date.parse(created.headers.date ?? '');
      if (Number.isNaN(date)) return unclear('the answer has no Date header');
      const difference = Math.round(atCreation - date);
      const isSame = Math.abs(atCreation - later) < 1_000;
      return (isSame && Math.abs(difference) <= MAX_CLOCK_DIFFERENCE ? holds : fails)(`${difference} ms from Date`);
    },
  },
  {
    id: 'read-at-once',
    sentence: 'A client can be read by its id as soon as its create request was answered.',
    needed: false,
    hangsOn: 'The action asks again for 10 seconds after a create.',
    how: 'Reads the new client at once, and again while it is missing.',
    check: (seen) => {
      const { lag, last } = required(madeAs(seen, 'full').read);
      if (lag === 0) return holds(inTime(lag));
      return lag !== undefined || isNotFound(last) ? fails(inTime(lag)) : unclear(describe(last));
    },
  },
  {
    id: 'no-scopes',
    sentence: "A client for which no scopes were asked for has none, apart from OpenID Connect's own.",
    needed: true,
    hangsOn: 'Scopes that were not asked for are drift. If they stay, the next run fails and names the ways out.',
    how: 'Creates a client without scopes.',
    check: (seen) => asAsked(seen, 'bare', 'scopes'),
  },
  {
    id: 'scopes',
    sentence: "A client has the scopes that were asked for, and no others but OpenID Connect's own.",
    needed: false,
    hangsOn:
      'Promise 6, if a step asks for scopes: without one of them it fails. Another one is a warning, and drift later.',
    how: 'Creates a client with the registered scopes that `SCALEKIT_CONTRACT_SCOPES` names.',
    check: (seen) => {
      if (seen.scopes.length === 0) return unclear('SCALEKIT_CONTRACT_SCOPES names no scopes');
      const { created } = required(seen.clients.scoped);
      return isSuccess(created) ? asAsked(seen, 'scoped', 'scopes') : unsuccessful(created);
    },
  },
  {
    id: 'audience',
    sentence: 'A client has the audience that was asked for, and no other.',
    needed: false,
    hangsOn: 'Promise 6, if a step asks for an audience. Another one in addition is a notice or a warning.',
    how: 'Creates a client with one audience.',
    check: (seen) => asAsked(seen, 'full', 'audience'),
  },
  {
    id: 'no-audience',
    sentence: 'A client for which no audience was asked for has none.',
    needed: false,
    hangsOn: 'An audience that was not asked for is a warning on an existing client. An update cannot remove it.',
    how: 'Creates a client without an audience.',
    check: (seen) => {
      const { audience } = shownAs(seen, 'bare');
      return (audience.length === 0 ? holds : fails)(`audience: ${JSON.stringify(audience)}`);
    },
  },
  {
    id: 'claims',
    sentence: 'A client has the claims that were asked for as a list of `key` and `value`, and no others.',
    needed: true,
    hangsOn:
      'Promises 6 and 12: a missing claim fails the step. A claim in addition fails the next one if an update cannot remove it.',
    how: 'Creates a client with two claims, one with `=`, quotes and a letter that is not ASCII.',
    check: (seen) => asAsked(seen, 'full', 'custom_claims'),
  },
  {
    id: 'expiry',
    sentence: 'A client shows the `expiry` that was asked for.',
    needed: false,
    hangsOn: 'An absent `expiry`, or 0, says nothing. The action does not compare it then.',
    how: 'Creates a client with an expiry of 3600 seconds.',
    check: (seen) => asAsked(seen, 'full', 'expiry'),
  },
  {
    id: 'invalid',
    sentence: 'A request that breaks a rule is refused with 400, and the answer names the field.',
    needed: false,
    hangsOn: 'The error of the step shows the fields and rules that Scalekit names.',
    how: `Tries to create a client whose name has ${MAX_NAME + 72} characters.`,
    check: (seen) => {
      const { created } = required(seen.clients.invalid);
      const fields = parseErrorBody(created).violations.map(({ field }) => field);
      if (!isSuccess(created) && created.status !== 400) return unsuccessful(created);
      return (created.status === 400 && fields.some((field) => /name/.test(field)) ? holds : fails)(describe(created));
    },
  },
];

export function hasMarker(description: string, marker: Made['marker']): boolean {
  const [found, ...others] = parseMarkers(description).map(formatMarker);
  return found === formatMarker(marker) && others.length === 0;
}

/** Returns how a server changed a description, in words. */
function changeOf(sent: string, stored: string): string {
  if (stored === '') return 'no description';
  if (stored === sent.trim()) return 'trimmed';
  if (stored === sent.replace(/\r\n|\r|\n/g, ' ')) return 'line breaks folded';
  if (/&(amp|lt|gt|quot|#\d+);/.test(stored)) return 'HTML characters escaped';
  if (sent.startsWith(stored)) return `cut to ${characterCount(stored)} characters`;
  return `rewritten: ${JSON.stringify(stored)}`;
}
