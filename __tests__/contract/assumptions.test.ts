import { expect, it } from '@jest/globals';
import { ASSUMPTIONS } from '../../contract/assumptions/index.ts';
import { MAX_REQUESTS } from '../../contract/caller.ts';
import { isFulfilled } from '../../contract/run.ts';
import type { Behaviour } from '../../emulator/index.ts';
import { defaultBehaviour } from '../../emulator/scalekit/behaviour.ts';
import {
  cannotTell,
  cannotTellOthers,
  doesNotHold,
  edit,
  LAG,
  LISTED,
  notHolding,
  PATCHED,
  type Rule,
  runContract,
  TOKENS,
  type Verdicts,
} from '../support/contract.ts';
import { anotherEmulator } from '../support/emulators.ts';

// Which assumptions the contract says do not hold, for each behaviour of the emulator and for other responses.

interface Row {
  behaviour: Partial<Behaviour>;
  /** The assumptions that do not hold then. All others hold. */
  verdicts?: Verdicts;
  /** What the table shows as seen, by the id of the assumption. */
  sees?: Record<string, RegExp>;
  /** The number of clients that remain because they cannot be deleted. */
  remain?: number;
}

/** The behaviours of the emulator that are not the default, and the assumptions that they contradict. */
const ROWS: Record<string, Row> = {
  'every success has status 200': {
    behaviour: { status: 'ok' },
    sees: { create: /HTTP 200/, 'second-secret': /HTTP 200/ },
  },
  // An error without a message cannot be recognized as the cap on secrets.
  'errors consist of the ErrorInfo alone': {
    behaviour: { apiErrors: 'bare' },
    verdicts: doesNotHold('secret-cap'),
    sees: { invalid: /client.name/ },
  },
  'token errors are those of the API': {
    behaviour: { tokenErrors: 'grpc' },
    sees: { 'wrong-secret': /UNAUTHENTICATED/ },
  },
  'token errors are texts': { behaviour: { tokenErrors: 'text' }, verdicts: doesNotHold('wrong-secret') },
  'unknown fields are ignored': { behaviour: { unknownFields: 'ignored' } },
  'empty fields are left out': { behaviour: { emptyFields: 'omitted' } },
  'an expiry is not shown': { behaviour: { expiryInAnswer: false }, verdicts: doesNotHold('expiry') },
  'an expiry is shown as 0': { behaviour: { expiryInAnswer: 'zero' }, verdicts: doesNotHold('expiry') },
  'descriptions are trimmed': {
    behaviour: { descriptions: 'trimmed' },
    verdicts: doesNotHold('description'),
    sees: { description: /trimmed/ },
  },
  'descriptions are folded': {
    behaviour: { descriptions: 'folded' },
    verdicts: doesNotHold('description'),
    sees: { description: /folded/ },
  },
  'descriptions are escaped': {
    behaviour: { descriptions: 'escaped' },
    verdicts: doesNotHold('description'),
    sees: { description: /escaped/ },
  },
  'descriptions are cut': {
    behaviour: { descriptions: 'cut' },
    verdicts: doesNotHold('long-text'),
    sees: { 'long-text': /255/ },
  },
  'descriptions are rewritten': {
    behaviour: { descriptions: 'rewritten' },
    verdicts: doesNotHold('marker', 'description', 'long-text', 'listed-descriptions', 'patch-description'),
  },
  'lists leave descriptions out': {
    behaviour: { descriptionsInLists: false },
    verdicts: doesNotHold('listed-descriptions'),
  },
  'a client needs no name': { behaviour: { nameRequired: false } },
  'names are unique': {
    behaviour: { uniqueNames: true },
    verdicts: doesNotHold('same-name'),
    sees: { 'same-name': /409/ },
  },
  'any expiry is accepted': { behaviour: { minimumExpiry: 0 } },
  'an expiry has at least 600 seconds': { behaviour: { minimumExpiry: 600 }, verdicts: doesNotHold('token-life') },
  'pages have 30 clients at most': { behaviour: { pageSizeRange: [1, 30] }, verdicts: doesNotHold('page-size-100') },
  'pages have 20 clients at most, 2 by default': {
    behaviour: { pageSizeRange: [1, 20], defaultPageSize: 2 },
    verdicts: doesNotHold('page-size-100'),
  },
  'pages have 10 clients at least': { behaviour: { pageSizeRange: [10, 100] }, sees: { paging: /2 pages of 10/ } },
  'the nearest size of a page is used': {
    behaviour: { pageSizeRange: [10, 30], pageSizeOutside: 'clamped' },
    sees: { paging: /2 pages of 10/ },
  },
  'lists show the newest first': { behaviour: { listOrder: 'newest' } },
  'lists are in random order': { behaviour: { listOrder: 'random' } },
  'secrets are shown newest first': { behaviour: { secretOrder: 'newest' }, sees: { 'secrets-shown': /newest first/ } },
  'lists lag': {
    behaviour: { listLag: LAG },
    verdicts: doesNotHold('listed-at-once'),
    sees: { 'listed-at-once': /\d+ ms/ },
  },
  'lists lag for longer': {
    behaviour: { listLag: 60_000 },
    verdicts: { ...doesNotHold('listed-at-once'), ...cannotTell('listed-descriptions', 'listed-fields', 'paging') },
  },
  'reads lag': {
    behaviour: { readLag: LAG },
    verdicts: doesNotHold('read-at-once'),
    sees: { 'read-at-once': /\d+ ms/ },
  },
  ...Object.fromEntries(
    ([400, 401, 404] as const).map((secretLagStatus): [string, Row] => [
      `secrets lag with ${secretLagStatus}`,
      { behaviour: { secretLag: LAG, secretLagStatus }, verdicts: doesNotHold('token-at-once') },
    ]),
  ),
  'the response for a missing client has status 400': {
    behaviour: { notFound: { status: 400, errorCode: 'NOT_FOUND' } },
    sees: { 'missing-client': /HTTP 400 and HTTP 400/ },
  },
  'the response for a missing client has another error code': {
    behaviour: { notFound: { status: 404, errorCode: 'RESOURCE_NOT_FOUND' } },
  },
  'a client may have one secret': {
    behaviour: { maxSecrets: 1 },
    verdicts: { ...doesNotHold('second-secret'), ...cannotTell('secrets-shown', 'secret-deleted') },
  },
  'a client may have two secrets': { behaviour: { maxSecrets: 2 }, sees: { 'secret-cap': /with 2 secrets/ } },
  'a client may have many secrets': { behaviour: { maxSecrets: 50 }, verdicts: cannotTell('secret-cap') },
  ...Object.fromEntries(
    ([400, 409, 422, 429] as const).map((status): [string, Row] => [
      `the refusal of one secret too many has status ${status}`,
      { behaviour: { maxSecretsError: { text: 'maximum', status } }, sees: { 'secret-cap': RegExp(`HTTP ${status}`) } },
    ]),
  ),
  'the refusal of one secret too many has the error code of a rate limit': {
    behaviour: { maxSecretsError: { text: 'only', status: 429, errorCode: 'RATE_LIMITED' } },
    verdicts: doesNotHold('secret-cap'),
  },
  'the refusal to delete the only secret has another text': {
    behaviour: { lastSecretText: 'at least one secret is required' },
    sees: { 'last-secret': /at least one secret/ },
  },
  'clients and secrets cannot be deleted': {
    behaviour: { forbidden: ['deleteClient', 'deleteSecret'] },
    verdicts: { ...doesNotHold('secret-deleted', 'client-deleted'), ...cannotTell('last-secret', 'missing-client') },
    remain: 7,
  },
  'clients cannot be listed': {
    behaviour: { forbidden: ['listClients'] },
    verdicts: cannotTell(...LISTED, 'secret-once'),
  },
  'clients cannot be updated': {
    behaviour: { forbidden: ['updateClient'] },
    verdicts: cannotTell(...PATCHED, 'secret-once'),
  },
  'secrets cannot be added': {
    behaviour: { forbidden: ['addSecret'] },
    verdicts: cannotTell('second-secret', 'secrets-shown', 'secret-cap', 'secret-deleted'),
  },
  'clients cannot be created': {
    behaviour: { forbidden: ['createClient'] },
    verdicts: {
      ...cannotTellOthers('sign-in', 'sign-in-life', 'page-size', 'page-size-100'),
      ...doesNotHold('create'),
    },
  },
  'an IP allowlist refuses at the token endpoint': {
    behaviour: { ipAllowlist: { refusedAt: 'token', body: 'html' } },
    verdicts: { ...cannotTellOthers(), ...doesNotHold('sign-in') },
  },
  'an IP allowlist refuses at the API': {
    behaviour: { ipAllowlist: { refusedAt: 'api', body: 'json' } },
    verdicts: { ...cannotTellOthers('sign-in', 'sign-in-life'), ...doesNotHold('create') },
  },
  'lists are merged by an update': { behaviour: { patch: 'merge' }, verdicts: doesNotHold('patch-list') },
  'the response to an update has secrets': { behaviour: { secretsInPatchAnswer: true } },
  'another audience is ignored': { behaviour: { audienceInPatch: 'ignored' }, verdicts: doesNotHold('patch-audience') },
  'another audience is refused': { behaviour: { audienceInPatch: 'refused' }, verdicts: doesNotHold('patch-audience') },
  'a scope is dropped': { behaviour: { dropScopes: ['read'] }, verdicts: doesNotHold('scopes', 'token-scopes') },
  'a scope that nobody registered is dropped': {
    behaviour: { dropScopes: ['contract:unregistered'] },
    sees: { 'unregistered-scope': /client: dropped; token: dropped/ },
  },
  'openid is added': { behaviour: { addedScopes: { entries: ['openid'], clients: 'all', shownIn: 'both' } } },
  'a scope is added to clients without one': {
    behaviour: { addedScopes: { entries: ['default'], clients: 'without', shownIn: 'both' } },
    verdicts: doesNotHold('no-scopes', 'token-scopes'),
  },
  'a scope is added to tokens': {
    behaviour: { addedScopes: { entries: ['default'], clients: 'all', shownIn: 'token' } },
    verdicts: doesNotHold('token-scopes'),
  },
  'an audience is added': {
    behaviour: { addedAudience: { entries: ['default'], clients: 'all', shownIn: 'both' } },
    verdicts: doesNotHold('audience', 'no-audience', 'token-audience'),
  },
  'an audience is added to clients without one': {
    behaviour: { addedAudience: { entries: ['default'], clients: 'without', shownIn: 'client' } },
    verdicts: doesNotHold('no-audience'),
  },
  'a claim is added': {
    behaviour: { addedClaims: { entries: [{ key: 'tier', value: 'x' }], clients: 'all', shownIn: 'both' } },
    verdicts: doesNotHold('claims', 'token-claims-object'),
  },
  'claims are at the top level of tokens': {
    behaviour: { claimsInToken: 'flat' },
    verdicts: doesNotHold('token-claims-object'),
  },
  'claims are a list in tokens': { behaviour: { claimsInToken: 'list' }, verdicts: doesNotHold('token-claims-object') },
  'claims are absent in tokens': {
    behaviour: { claimsInToken: 'absent' },
    verdicts: doesNotHold('token-claims', 'token-claims-object'),
  },
  'tokens do not name the organization': { behaviour: { oidInToken: false }, verdicts: doesNotHold('token-identity') },
  'tokens of the environment live for ten minutes': {
    behaviour: { tokenSeconds: { environment: 600, client: 3600 } },
    verdicts: doesNotHold('sign-in-life'),
  },
  'an audience is a text': { behaviour: { audience: 'string' }, sees: { 'token-audience': /a text/ } },
  'an interceptor denies tokens': {
    behaviour: { tokenChanges: () => undefined },
    verdicts: { ...cannotTell(...TOKENS, 'second-secret'), ...doesNotHold('token') },
  },
  'an interceptor changes the life of tokens': {
    behaviour: { tokenChanges: (payload) => ({ ...payload, exp: Number(payload.iat) + 86_400 }) },
    verdicts: doesNotHold('token-life'),
  },
  'an interceptor changes the issuer': {
    behaviour: { tokenChanges: (payload) => ({ ...payload, iss: 'https://other.example' }) },
    verdicts: doesNotHold('token-signature'),
  },
  'the environment has a rate limit': { behaviour: { rateLimit: { requests: 20, windowMs: 300 } } },
};

/** Responses that contradict an assumption in a way that no behaviour of the emulator has. */
const FAULTS: Record<string, { faults: () => Rule[]; verdicts: Verdicts }> = {
  'a new client does not show its secret': {
    faults: () => [edit('createClient', ({ client }) => delete client?.secrets)],
    verdicts: doesNotHold('one-secret'),
  },
  'the value of a secret is shown again': {
    faults: () => {
      const secrets: string[] = [];
      return [
        edit('createClient', ({ plain_secret }) => secrets.push(plain_secret)),
        edit('getClient', (body) => Object.assign(body, { note: secrets })),
      ];
    },
    verdicts: doesNotHold('secret-once'),
  },
  'a creation time is years ago': {
    faults: () => [
      edit('createClient', ({ client }) => client && Object.assign(client, { create_time: '2021-01-01T00:00:00Z' })),
    ],
    verdicts: doesNotHold('create-time'),
  },
  'an error does not name the field': {
    faults: () => [edit('createClient', (body) => delete body.details)],
    verdicts: doesNotHold('invalid'),
  },
  'the refusal of a page size does not name it': {
    faults: () => [
      {
        operation: 'listClients',
        where: ({ path }) => path.includes('page_size=100'),
        fault: { kind: 'status', status: 400, body: { message: 'bad request' } },
      },
    ],
    verdicts: {
      ...cannotTell(...LISTED, 'secret-once'),
      ...doesNotHold('page-size', 'page-size-100', 'listed-at-once'),
    },
  },
  'a page skips a client': {
    faults: () => [
      edit(
        'listClients',
        ({ clients }) => clients?.shift(),
        ({ path }) => path.includes('page_token'),
      ),
    ],
    verdicts: doesNotHold('paging'),
  },
  'lists do not show when a client was created': {
    faults: () => [
      edit('listClients', ({ clients }) => clients?.map((one: { create_time?: string }) => delete one.create_time)),
    ],
    verdicts: doesNotHold('listed-fields'),
  },
  'lists show no claims': {
    faults: () => [
      edit('listClients', ({ clients }) => clients?.map((one: object) => Object.assign(one, { custom_claims: [] }))),
    ],
    verdicts: doesNotHold('listed-fields'),
  },
  'an update changes another field': {
    faults: () =>
      (['updateClient', 'getClient'] as const).map((operation) =>
        edit(operation, ({ client }) => client?.name.endsWith('renamed') && Object.assign(client, { expiry: '60' })),
      ),
    verdicts: doesNotHold('patch-keeps'),
  },
  'the response to an update shows another client': {
    faults: () => [edit('updateClient', ({ client }) => Object.assign(client, { expiry: '60' }))],
    verdicts: doesNotHold('patch-answer'),
  },
  'a secret does not show its age': {
    faults: () => [
      edit('getClient', ({ client }) => client?.secrets.map((one: { create_time?: string }) => delete one.create_time)),
    ],
    verdicts: doesNotHold('secrets-shown'),
  },
  'the only secret can be deleted': {
    faults: () => [{ operation: 'deleteSecret', call: 2, fault: { kind: 'status', status: 200, body: {} } }],
    verdicts: doesNotHold('last-secret'),
  },
  'a client can be deleted twice': {
    faults: () => [{ operation: 'deleteClient', call: 2, fault: { kind: 'status', status: 200, body: {} } }],
    verdicts: doesNotHold('missing-client'),
  },
  'a request for a second client with the same name returns the first one': {
    faults: () => {
      const responses: unknown[] = [];
      return [
        {
          operation: 'createClient',
          fault: { kind: 'edit', edit: (body) => (responses.push(body) === 2 ? responses[0] : body) },
        },
      ];
    },
    verdicts: {
      ...doesNotHold('same-name'),
      ...cannotTell('no-scopes', 'no-audience', 'token-scopes', 'token-audience', 'last-secret'),
    },
  },
  'a client does not show a scope that its token has': {
    faults: () => [
      edit(
        'createClient',
        ({ client }) => Object.assign(client, { scopes: [] }),
        ({ text }) => text.includes('contract:unregistered'),
      ),
    ],
    verdicts: doesNotHold('unregistered-scope'),
  },
};

/** Responses that leave it open whether an assumption holds. */
const FAILURES: typeof FAULTS = {
  'a deleted client cannot be read': {
    faults: () => {
      const deleted = new Set<string>();
      const noteDeletion: Rule['where'] = ({ path }) => deleted.size === 0 && Boolean(deleted.add(path));
      return [
        { operation: 'deleteClient', where: noteDeletion, fault: { kind: 'delay', ms: 0 } },
        {
          operation: 'getClient',
          where: ({ path }) => deleted.has(path),
          call: 1,
          times: 3,
          fault: { kind: 'status', status: 503, body: {} },
        },
      ];
    },
    verdicts: cannotTell('client-deleted', 'missing-client'),
  },
};

it.concurrent('says that every assumption holds on the emulator, and deletes its clients', async () => {
  await using emulator = await anotherEmulator();
  const result = await runContract(emulator);
  expect({ notHolding: notHolding(result), remaining: result.remaining, ended: result.ended }).toEqual({
    notHolding: {},
    remaining: [],
    ended: '',
  });
  expect({ isFulfilled: isFulfilled(result), clients: emulator.clients() }).toEqual({
    isFulfilled: true,
    clients: [],
  });
  expect(result.requests).toBe(emulator.requests.length);
  expect(result.requests).toBeLessThan(MAX_REQUESTS / 2);
});

it.concurrent('cannot tell whether scopes are kept if SCALEKIT_CONTRACT_SCOPES is empty', async () => {
  await using emulator = await anotherEmulator();
  expect(notHolding(await runContract(emulator, ''))).toEqual(cannotTell('scopes'));
});

it('has a test for each behaviour of the emulator', () => {
  const rows = new Set(Object.values(ROWS).flatMap(({ behaviour }) => Object.keys(behaviour)));
  expect(Object.keys(defaultBehaviour).filter((name) => !rows.has(name))).toEqual([]);
});

it('has a test in which each assumption does not hold', () => {
  const all = [...Object.values(ROWS), ...Object.values(FAULTS)];
  const ids = all.flatMap(({ verdicts = {} }) =>
    Object.keys(verdicts).filter((id) => verdicts[id] === 'does not hold'),
  );
  expect(ASSUMPTIONS.map(({ id }) => id).filter((id) => !ids.includes(id))).toEqual([]);
});

it.concurrent.each(Object.entries(ROWS))(
  'says which assumptions do not hold if %s',
  async (_name, { behaviour, verdicts = {}, sees = {}, remain = 0 }) => {
    await using emulator = await anotherEmulator({ behaviour });
    const result = await runContract(emulator);
    expect(notHolding(result)).toEqual(verdicts);
    for (const [id, pattern] of Object.entries(sees))
      expect(result.rows.find(({ assumption }) => assumption.id === id)?.seen).toMatch(pattern);
    expect({ remaining: result.remaining.length, clients: emulator.clients().length }).toEqual({
      remaining: remain,
      clients: remain,
    });
    expect(result.requests).toBeLessThanOrEqual(MAX_REQUESTS);
  },
);
it.concurrent.each(Object.entries({ ...FAULTS, ...FAILURES }))(
  'says which assumptions do not hold, or may not hold, if the responses of the emulator are changed: %s',
  async (_name, { faults, verdicts }) => {
    await using emulator = await anotherEmulator({ faults: faults() });
    const result = await runContract(emulator);
    expect({ notHolding: notHolding(result), remaining: result.remaining }).toEqual({
      notHolding: verdicts,
      remaining: [],
    });
    expect(emulator.clients()).toEqual([]);
  },
);
