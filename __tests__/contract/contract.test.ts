import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { Verdict } from '../../contract/assumption.ts';
import { ASSUMPTIONS } from '../../contract/assumptions/index.ts';
import { MAX_REQUESTS } from '../../contract/caller.ts';
import { Redactor } from '../../contract/redactor.ts';
import { ContractRun, isFulfilled, type Result } from '../../contract/run.ts';
import { readSettings } from '../../contract/settings.ts';
import { tableLines } from '../../contract/table.ts';
import { type Behaviour, type Emulator, startEmulator } from '../../emulator/index.ts';
import { defaultBehaviour } from '../../emulator/scalekit/behaviour.ts';
import { secretForms } from '../../src/output/mask.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCOPES = 'read write';

/** Milliseconds in which an answer may become as hoped. The lags of the emulator are shorter. */
const PATIENCE = 3_000;
const LAG = 800;

const running: Emulator[] = [];
afterAll(async () => {
  await Promise.all(running.splice(0).map((emulator) => emulator.close()));
});

async function start(options: Parameters<typeof startEmulator>[0] = {}): Promise<Emulator> {
  const emulator = await startEmulator(options);
  running.push(emulator);
  return emulator;
}

/** Runs the contract in this process. */
async function check(emulator: Emulator, scopes = SCOPES): Promise<Result & { output: string }> {
  const { settings } = readSettings({ ...emulator.variables, SCALEKIT_CONTRACT_SCOPES: scopes });
  const redactor = new Redactor();
  const result = await new ContractRun(settings, redactor, PATIENCE).run();
  return { ...result, output: tableLines(result, redactor).join('\n') };
}

type Turned = Record<string, Verdict>;

/** Returns the assumptions that do not hold, or that cannot be told. */
function turned({ rows }: Result): Turned {
  return Object.fromEntries(
    rows.filter(({ verdict }) => verdict !== 'holds').map(({ assumption, verdict }) => [assumption.id, verdict]),
  );
}

const NO = 'does not hold';
const UNCLEAR = 'cannot tell';
const each = (verdict: Verdict, ...ids: string[]): Turned => Object.fromEntries(ids.map((id) => [id, verdict]));
const allBut = (...ids: string[]): Turned =>
  each(UNCLEAR, ...ASSUMPTIONS.map(({ id }) => id).filter((id) => !ids.includes(id)));
const LISTED = ['listed-at-once', 'listed-descriptions', 'listed-fields', 'page-size', 'page-size-100', 'paging'];
const PATCHED = ['patch-keeps', 'patch-answer', 'patch-list', 'patch-audience', 'patch-description'];
const TOKENS = ASSUMPTIONS.map(({ id }) => id).filter((id) => id.startsWith('token-'));

interface Row {
  behaviour: Partial<Behaviour>;
  /** What does not hold then. Everything else holds. */
  turns?: Turned;
  /** What is seen, of assumptions that hold or do not. */
  sees?: Record<string, RegExp>;
  /** Clients that remain because they cannot be deleted. */
  remain?: number;
}

/** Each behaviour of the emulator that is not the default, and the assumptions that it turns. */
const ROWS: Record<string, Row> = {
  'every success is a 200': { behaviour: { status: 'ok' }, sees: { create: /HTTP 200/, 'second-secret': /HTTP 200/ } },
  // An error without a message cannot be recognized as the cap on secrets.
  'errors are bare': {
    behaviour: { apiErrors: 'bare' },
    turns: each(NO, 'secret-cap'),
    sees: { invalid: /client.name/ },
  },
  'token errors are those of the API': {
    behaviour: { tokenErrors: 'grpc' },
    sees: { 'wrong-secret': /UNAUTHENTICATED/ },
  },
  'token errors are texts': { behaviour: { tokenErrors: 'text' }, turns: each(NO, 'wrong-secret') },
  'unknown fields are ignored': { behaviour: { unknownFields: 'ignored' } },
  'empty fields are left out': { behaviour: { emptyFields: 'omitted' } },
  'an expiry is not shown': { behaviour: { expiryInAnswer: false }, turns: each(NO, 'expiry') },
  'an expiry is shown as 0': { behaviour: { expiryInAnswer: 'zero' }, turns: each(NO, 'expiry') },
  'descriptions are trimmed': {
    behaviour: { descriptions: 'trimmed' },
    turns: each(NO, 'description'),
    sees: { description: /trimmed/ },
  },
  'descriptions are folded': {
    behaviour: { descriptions: 'folded' },
    turns: each(NO, 'description'),
    sees: { description: /folded/ },
  },
  'descriptions are escaped': {
    behaviour: { descriptions: 'escaped' },
    turns: each(NO, 'description'),
    sees: { description: /escaped/ },
  },
  'descriptions are cut': {
    behaviour: { descriptions: 'cut' },
    turns: each(NO, 'long-text'),
    sees: { 'long-text': /255/ },
  },
  'descriptions are rewritten': {
    behaviour: { descriptions: 'rewritten' },
    turns: each(NO, 'marker', 'description', 'long-text', 'listed-descriptions', 'patch-description'),
  },
  'lists leave descriptions out': { behaviour: { descriptionsInLists: false }, turns: each(NO, 'listed-descriptions') },
  'a client needs no name': { behaviour: { nameRequired: false } },
  'names are unique': { behaviour: { uniqueNames: true }, turns: each(NO, 'same-name'), sees: { 'same-name': /409/ } },
  'any expiry is accepted': { behaviour: { minimumExpiry: 0 } },
  'an expiry has at least 600 seconds': { behaviour: { minimumExpiry: 600 }, turns: each(NO, 'token-life') },
  'pages have 30 clients at most': { behaviour: { pageSizeRange: [1, 30] }, turns: each(NO, 'page-size-100') },
  'pages have 20 clients at most, 2 by default': {
    behaviour: { pageSizeRange: [1, 20], defaultPageSize: 2 },
    turns: each(NO, 'page-size-100'),
  },
  'pages have 10 clients at least': { behaviour: { pageSizeRange: [10, 100] }, sees: { paging: /2 pages of 10/ } },
  'the nearest size of a page is used': {
    behaviour: { pageSizeRange: [10, 30], pageSizeOutside: 'clamped' },
    sees: { paging: /2 pages of 10/ },
  },
  'lists show the newest first': { behaviour: { listOrder: 'newest' } },
  'lists are in random order': { behaviour: { listOrder: 'random' } },
  'secrets are shown newest first': { behaviour: { secretOrder: 'newest' }, sees: { 'secrets-shown': /newest first/ } },
  'lists lag': { behaviour: { listLag: LAG }, turns: each(NO, 'listed-at-once'), sees: { 'listed-at-once': /\d+ ms/ } },
  'lists lag for longer': {
    behaviour: { listLag: 60_000 },
    turns: { ...each(NO, 'listed-at-once'), ...each(UNCLEAR, 'listed-descriptions', 'listed-fields', 'paging') },
  },
  'reads lag': { behaviour: { readLag: LAG }, turns: each(NO, 'read-at-once'), sees: { 'read-at-once': /\d+ ms/ } },
  ...Object.fromEntries(
    ([400, 401, 404] as const).map((secretLagStatus): [string, Row] => [
      `secrets lag with ${secretLagStatus}`,
      { behaviour: { secretLag: LAG, secretLagStatus }, turns: each(NO, 'token-at-once') },
    ]),
  ),
  'a missing client is a 400': {
    behaviour: { notFound: { status: 400, errorCode: 'NOT_FOUND' } },
    sees: { 'missing-client': /HTTP 400 and HTTP 400/ },
  },
  'a missing client is another error code': {
    behaviour: { notFound: { status: 404, errorCode: 'RESOURCE_NOT_FOUND' } },
  },
  'a client may have one secret': {
    behaviour: { maxSecrets: 1 },
    turns: { ...each(NO, 'second-secret'), ...each(UNCLEAR, 'secrets-shown', 'secret-deleted') },
  },
  'a client may have two secrets': { behaviour: { maxSecrets: 2 }, sees: { 'secret-cap': /with 2 secrets/ } },
  'a client may have many secrets': { behaviour: { maxSecrets: 50 }, turns: each(UNCLEAR, 'secret-cap') },
  ...Object.fromEntries(
    ([400, 409, 422, 429] as const).map((status): [string, Row] => [
      `one secret too many is a ${status}`,
      { behaviour: { maxSecretsError: { text: 'maximum', status } }, sees: { 'secret-cap': RegExp(`HTTP ${status}`) } },
    ]),
  ),
  'one secret too many has the error code of a rate limit': {
    behaviour: { maxSecretsError: { text: 'only', status: 429, errorCode: 'RATE_LIMITED' } },
    turns: each(NO, 'secret-cap'),
  },
  'the refusal to delete the only secret has another text': {
    behaviour: { lastSecretText: 'at least one secret is required' },
    sees: { 'last-secret': /at least one secret/ },
  },
  'clients and secrets cannot be deleted': {
    behaviour: { forbidden: ['deleteClient', 'deleteSecret'] },
    turns: { ...each(NO, 'secret-deleted', 'client-deleted'), ...each(UNCLEAR, 'last-secret', 'missing-client') },
    remain: 7,
  },
  'clients cannot be listed': {
    behaviour: { forbidden: ['listClients'] },
    turns: each(UNCLEAR, ...LISTED, 'secret-once'),
  },
  'clients cannot be updated': {
    behaviour: { forbidden: ['updateClient'] },
    turns: each(UNCLEAR, ...PATCHED, 'secret-once'),
  },
  'secrets cannot be added': {
    behaviour: { forbidden: ['addSecret'] },
    turns: each(UNCLEAR, 'second-secret', 'secrets-shown', 'secret-cap', 'secret-deleted'),
  },
  'clients cannot be created': {
    behaviour: { forbidden: ['createClient'] },
    turns: { ...allBut('sign-in', 'sign-in-life', 'page-size', 'page-size-100'), ...each(NO, 'create') },
  },
  'an IP allowlist refuses at the token endpoint': {
    behaviour: { ipAllowlist: { refusedAt: 'token', body: 'html' } },
    turns: { ...allBut(), ...each(NO, 'sign-in') },
  },
  'an IP allowlist refuses at the API': {
    behaviour: { ipAllowlist: { refusedAt: 'api', body: 'json' } },
    turns: { ...allBut('sign-in', 'sign-in-life'), ...each(NO, 'create') },
  },
  'lists are merged by an update': { behaviour: { patch: 'merge' }, turns: each(NO, 'patch-list') },
  'the answer to an update has secrets': { behaviour: { secretsInPatchAnswer: true } },
  'another audience is ignored': { behaviour: { audienceInPatch: 'ignored' }, turns: each(NO, 'patch-audience') },
  'another audience is refused': { behaviour: { audienceInPatch: 'refused' }, turns: each(NO, 'patch-audience') },
  'a scope is dropped': { behaviour: { dropScopes: ['read'] }, turns: each(NO, 'scopes', 'token-scopes') },
  'a scope that nobody registered is dropped': {
    behaviour: { dropScopes: ['contract:unregistered'] },
    sees: { 'unregistered-scope': /client: dropped; token: dropped/ },
  },
  'openid is added': { behaviour: { addedScopes: { entries: ['openid'], clients: 'all', shownIn: 'both' } } },
  'a scope is added to clients without one': {
    behaviour: { addedScopes: { entries: ['default'], clients: 'without', shownIn: 'both' } },
    turns: each(NO, 'no-scopes', 'token-scopes'),
  },
  'a scope is added to tokens': {
    behaviour: { addedScopes: { entries: ['default'], clients: 'all', shownIn: 'token' } },
    turns: each(NO, 'token-scopes'),
  },
  'an audience is added': {
    behaviour: { addedAudience: { entries: ['default'], clients: 'all', shownIn: 'both' } },
    turns: each(NO, 'audience', 'no-audience', 'token-audience'),
  },
  'an audience is added to clients without one': {
    behaviour: { addedAudience: { entries: ['default'], clients: 'without', shownIn: 'client' } },
    turns: each(NO, 'no-audience'),
  },
  'a claim is added': {
    behaviour: { addedClaims: { entries: [{ key: 'tier', value: 'x' }], clients: 'all', shownIn: 'both' } },
    turns: each(NO, 'claims', 'token-claims-object'),
  },
  'claims are at the top level of tokens': {
    behaviour: { claimsInToken: 'flat' },
    turns: each(NO, 'token-claims-object'),
  },
  'claims are a list in tokens': { behaviour: { claimsInToken: 'list' }, turns: each(NO, 'token-claims-object') },
  'claims are absent in tokens': {
    behaviour: { claimsInToken: 'absent' },
    turns: each(NO, 'token-claims', 'token-claims-object'),
  },
  'tokens do not name the organization': { behaviour: { oidInToken: false }, turns: each(NO, 'token-identity') },
  'tokens of the environment live for ten minutes': {
    behaviour: { tokenSeconds: { environment: 600, client: 3600 } },
    turns: each(NO, 'sign-in-life'),
  },
  'an audience is a text': { behaviour: { audience: 'string' }, sees: { 'token-audience': /a text/ } },
  'an interceptor denies tokens': {
    behaviour: { tokenChanges: () => undefined },
    turns: { ...each(UNCLEAR, ...TOKENS, 'second-secret'), ...each(NO, 'token') },
  },
  'an interceptor changes the life of tokens': {
    behaviour: { tokenChanges: (payload) => ({ ...payload, exp: Number(payload.iat) + 86_400 }) },
    turns: each(NO, 'token-life'),
  },
  'an interceptor changes the issuer': {
    behaviour: { tokenChanges: (payload) => ({ ...payload, iss: 'https://other.example' }) },
    turns: each(NO, 'token-signature'),
  },
  'a rate limit': { behaviour: { rateLimit: { requests: 20, windowMs: 300 } } },
};

type Rule = NonNullable<Parameters<typeof startEmulator>[0]>['faults'] extends (infer R)[] | undefined ? R : never;

/** Changes the body of every answer to an operation. */
// biome-ignore lint/suspicious/noExplicitAny: the tests know the type of the JSON.
function edit(operation: Rule['operation'], change: (body: any) => void, where?: Rule['where']): Rule {
  return {
    operation,
    ...(where && { where }),
    fault: {
      kind: 'edit',
      edit: (body) => {
        change(body);
        return body;
      },
    },
  };
}

/** Answers that contradict what no behaviour does. */
const FAULTS: Record<string, { faults: () => Rule[]; turns: Turned }> = {
  'a new client does not show its secret': {
    faults: () => [edit('createClient', ({ client }) => delete client?.secrets)],
    turns: each(NO, 'one-secret'),
  },
  'the value of a secret is shown again': {
    faults: () => {
      const secrets: string[] = [];
      return [
        edit('createClient', ({ plain_secret }) => secrets.push(plain_secret)),
        edit('getClient', (body) => Object.assign(body, { note: secrets })),
      ];
    },
    turns: each(NO, 'secret-once'),
  },
  'a creation time is years ago': {
    faults: () => [
      edit('createClient', ({ client }) => client && Object.assign(client, { create_time: '2021-01-01T00:00:00Z' })),
    ],
    turns: each(NO, 'create-time'),
  },
  'an error does not name the field': {
    faults: () => [edit('createClient', (body) => delete body.details)],
    turns: each(NO, 'invalid'),
  },
  'the refusal of a page size does not name it': {
    faults: () => [
      {
        operation: 'listClients',
        where: ({ path }) => path.includes('page_size=100'),
        fault: { kind: 'status', status: 400, body: { message: 'bad request' } },
      },
    ],
    turns: { ...each(UNCLEAR, ...LISTED, 'secret-once'), ...each(NO, 'page-size', 'page-size-100', 'listed-at-once') },
  },
  'a page skips a client': {
    faults: () => [
      edit(
        'listClients',
        ({ clients }) => clients?.shift(),
        ({ path }) => path.includes('page_token'),
      ),
    ],
    turns: each(NO, 'paging'),
  },
  'lists do not show when a client was created': {
    faults: () => [
      edit('listClients', ({ clients }) => clients?.map((one: { create_time?: string }) => delete one.create_time)),
    ],
    turns: each(NO, 'listed-fields'),
  },
  'lists show no claims': {
    faults: () => [
      edit('listClients', ({ clients }) => clients?.map((one: object) => Object.assign(one, { custom_claims: [] }))),
    ],
    turns: each(NO, 'listed-fields'),
  },
  'an update changes another field': {
    faults: () =>
      (['updateClient', 'getClient'] as const).map((operation) =>
        edit(operation, ({ client }) => client?.name.endsWith('renamed') && Object.assign(client, { expiry: '60' })),
      ),
    turns: each(NO, 'patch-keeps'),
  },
  'the answer to an update shows another client': {
    faults: () => [edit('updateClient', ({ client }) => Object.assign(client, { expiry: '60' }))],
    turns: each(NO, 'patch-answer'),
  },
  'a secret does not show its age': {
    faults: () => [
      edit('getClient', ({ client }) => client?.secrets.map((one: { create_time?: string }) => delete one.create_time)),
    ],
    turns: each(NO, 'secrets-shown'),
  },
  'the only secret can be deleted': {
    faults: () => [{ operation: 'deleteSecret', call: 2, fault: { kind: 'status', status: 200, body: {} } }],
    turns: each(NO, 'last-secret'),
  },
  'a client can be deleted twice': {
    faults: () => [{ operation: 'deleteClient', call: 2, fault: { kind: 'status', status: 200, body: {} } }],
    turns: each(NO, 'missing-client'),
  },
  'a request for a second client with the same name returns the first one': {
    faults: () => {
      const answers: unknown[] = [];
      return [
        {
          operation: 'createClient',
          fault: { kind: 'edit', edit: (body) => (answers.push(body) === 2 ? answers[0] : body) },
        },
      ];
    },
    turns: {
      ...each(NO, 'same-name'),
      ...each(UNCLEAR, 'no-scopes', 'no-audience', 'token-scopes', 'token-audience', 'last-secret'),
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
    turns: each(NO, 'unregistered-scope'),
  },
};

/** Answers from which nothing can be told. */
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
    turns: each(UNCLEAR, 'client-deleted', 'missing-client'),
  },
};

describe('answers that contradict an assumption', () => {
  it.concurrent.each(Object.entries({ ...FAULTS, ...FAILURES }))(
    'turn nothing else: %s',
    async (_name, { faults, turns }) => {
      const emulator = await start({ faults: faults() });
      const result = await check(emulator);
      expect({ turned: turned(result), remaining: result.remaining }).toEqual({ turned: turns, remaining: [] });
      expect(emulator.clients()).toEqual([]);
    },
  );
});

describe('against the emulator', () => {
  it.concurrent('every assumption holds, with at most 150 requests, and no client remains', async () => {
    const emulator = await start();
    const result = await check(emulator);
    expect({ turned: turned(result), remaining: result.remaining, ended: result.ended }).toEqual({
      turned: {},
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

  it.concurrent('cannot tell about scopes if none are named', async () => {
    expect(turned(await check(await start(), ''))).toEqual(each(UNCLEAR, 'scopes'));
  });

  it('there is a row for every behaviour', () => {
    const rows = new Set(Object.values(ROWS).flatMap(({ behaviour }) => Object.keys(behaviour)));
    expect(Object.keys(defaultBehaviour).filter((name) => !rows.has(name))).toEqual([]);
  });

  it('every assumption is contradicted by a row', () => {
    const all = [...Object.values(ROWS), ...Object.values(FAULTS)];
    const ids = all.flatMap(({ turns = {} }) => Object.keys(turns).filter((id) => turns[id] === NO));
    expect(ASSUMPTIONS.map(({ id }) => id).filter((id) => !ids.includes(id))).toEqual([]);
  });

  it.concurrent.each(Object.entries(ROWS))(
    'exactly the assumptions that a behaviour contradicts do not hold: %s',
    async (_name, { behaviour, turns = {}, sees = {}, remain = 0 }) => {
      const emulator = await start({ behaviour });
      const result = await check(emulator);
      expect(turned(result)).toEqual(turns);
      for (const [id, pattern] of Object.entries(sees))
        expect(result.rows.find(({ assumption }) => assumption.id === id)?.seen).toMatch(pattern);
      expect({ remaining: result.remaining.length, clients: emulator.clients().length }).toEqual({
        remaining: remain,
        clients: remain,
      });
      expect(result.requests).toBeLessThanOrEqual(MAX_REQUESTS);
    },
  );
});

describe('clients', () => {
  it.concurrent('of others are not read, changed or deleted', async () => {
    const emulator = await start();
    const others = Array.from({ length: 3 }, (_, index) => emulator.seed({ name: `other ${index}` }).client);
    const before = emulator.clients();
    await check(emulator);
    expect(emulator.clients()).toEqual(before);
    const paths = emulator.requests.map((request) => request.path).join('\n');
    expect(others.filter(({ client_id }) => paths.includes(client_id))).toEqual([]);
  });

  it.concurrent('of a create request that got no answer are found by their nonce and removed', async () => {
    const emulator = await start({ faults: [1, 3].map(lost) });
    const result = await check(emulator);
    expect({ remaining: result.remaining, clients: emulator.clients() }).toEqual({ remaining: [], clients: [] });
    expect(emulator.requests.filter(({ operation }) => operation === 'createClient').length).toBeGreaterThan(7);
  });

  it.concurrent.each([403, 404, 409, 503])('that were made although the answer is a %d are removed', async (status) => {
    const fault = { kind: 'status', status, body: {} } as const;
    const emulator = await start({ faults: [{ operation: 'createClient', call: 4, when: 'after', fault }] });
    const result = await check(emulator);
    expect({ remaining: result.remaining, clients: emulator.clients() }).toEqual({ remaining: [], clients: [] });
  });

  it.concurrent('of a lost answer are found if the list does not show descriptions', async () => {
    const emulator = await start({ behaviour: { descriptionsInLists: false }, faults: [lost(2)] });
    const result = await check(emulator);
    expect({ remaining: result.remaining, clients: emulator.clients() }).toEqual({ remaining: [], clients: [] });
  });

  it.concurrent('that cannot be read for long are named with the exact calls', async () => {
    const emulator = await start({ behaviour: { readLag: 60_000 } });
    const { output } = await check(emulator);
    expect(emulator.clients()).toHaveLength(7);
    for (const { client_id } of emulator.clients()) expect(output).toContain(`/clients/${client_id}\n`);
  });

  it.concurrent('are made and removed in a large organization with at most 150 requests', async () => {
    const emulator = await start();
    for (let index = 0; index < 1_200; index++) emulator.seed({ name: `other ${index}` });
    const result = await check(emulator);
    expect({ remaining: result.remaining, clients: emulator.clients().length }).toEqual({
      remaining: [],
      clients: 1_200,
    });
    expect(result.ended).toBe('');
    expect(emulator.requests.length).toBeLessThanOrEqual(MAX_REQUESTS);
    expect(turned(result)).toEqual(each(UNCLEAR, 'listed-at-once', 'listed-descriptions', 'listed-fields', 'paging'));
  });

  it.concurrent('that cannot be found are named with the calls that remove them', async () => {
    const emulator = await start({ behaviour: { listLag: 60_000 }, faults: [lost(1)] });
    const { remaining, output } = await check(emulator);
    const nonce = /nonce:([\w-]{16})/.exec(emulator.clients()[0]?.description ?? '')?.[1];
    expect(remaining).toEqual([expect.objectContaining({ call: expect.stringContaining(`"nonce:${nonce}"`) })]);
    expect(output).toContain(`DELETE ${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients/ID`);
  });

  it.concurrent('that cannot be deleted are named with the exact calls', async () => {
    const emulator = await start({ behaviour: { forbidden: ['deleteClient'] } });
    const { output } = await check(emulator);
    for (const { client_id } of emulator.clients())
      expect(output).toContain(
        `DELETE ${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients/${client_id}`,
      );
    expect(emulator.clients()).toHaveLength(7);
  });

  it.concurrent.each(['before', 'after'] as const)(
    'are removed if the connection fails twice %s a deletion',
    async (when) => {
      const emulator = await start();
      const where: Rule['where'] = ({ path }) => path.includes(emulator.clients()[0]?.client_id ?? 'none');
      emulator.faults.add({ operation: 'deleteClient', where, call: 1, times: 2, when, fault: { kind: 'reset' } });
      const { remaining } = await check(emulator);
      expect({ remaining, clients: emulator.clients() }).toEqual({ remaining: [], clients: [] });
    },
  );

  it.concurrent('that are still there after their deletion are named with the exact calls', async () => {
    const emulator = await start({
      faults: [{ operation: 'deleteClient', fault: { kind: 'status', status: 200, body: {} } }],
    });
    const { output } = await check(emulator);
    expect(emulator.clients()).toHaveLength(7);
    for (const { client_id } of emulator.clients()) expect(output).toContain(`/clients/${client_id}\n`);
  });

  it.concurrent.each([
    [100, 900],
    [30, 270],
  ])('are paged through with the largest page that the API accepts: %d', async (largest, others) => {
    const emulator = await start({ behaviour: { pageSizeRange: [1, largest] } });
    for (let index = 0; index < others; index++) emulator.seed({ name: `other ${index}` });
    const result = await check(emulator);
    expect({ turned: turned(result), ended: result.ended }).toEqual({
      turned: largest < 100 ? each(NO, 'page-size-100') : {},
      ended: '',
    });
  });

  it.concurrent('of others that are deleted meanwhile are not missing on a page', async () => {
    const emulator = await start();
    const others = Array.from({ length: 20 }, (_, index) => emulator.seed({ name: `other ${index}` }).client);
    emulator.hold = async (when, { operation, path: url }) => {
      if (when === 'after' && operation === 'listClients' && /page_token/.test(url))
        for (const { client_id } of others.splice(0)) await removeAsOther(emulator, client_id);
    };
    expect(turned(await check(emulator))).toEqual({});
  });

  it.concurrent('of another request are not deleted if a server confuses its answers', async () => {
    const emulator = await start();
    const { client } = emulator.seed({ name: 'other', description: 'theirs' });
    emulator.faults.add(edit('createClient', (body) => Object.assign(body, { client: { ...body.client, ...client } })));
    const { remaining } = await check(emulator);
    expect(emulator.clients()).toEqual([client]);
    expect(remaining).toEqual([]);
  });
});

/** Deletes a client through the API, as another program does. */
async function removeAsOther({ url, credentials, organization }: Emulator, client_id: string): Promise<void> {
  const { clientId, clientSecret } = credentials;
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  const answer = await fetch(`${url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
  const { access_token } = (await answer.json()) as { access_token: string };
  const headers = { authorization: `Bearer ${access_token}` };
  await fetch(`${url}/api/v1/organizations/${organization.id}/clients/${client_id}`, { method: 'DELETE', headers });
}

/** Loses the answer to a create request after the client was made. */
function lost(call: number): Rule {
  return { operation: 'createClient', call, when: 'after', fault: { kind: 'reset' } };
}

describe('whatever a server answers', () => {
  it.concurrent.each<[string, Rule['fault']]>([
    ['a page', { kind: 'status', status: 200, body: '<html>Welcome</html>' }],
    ['a redirect', { kind: 'redirect', location: 'https://elsewhere.example/' }],
    ['a failure', { kind: 'status', status: 503, body: 'unavailable' }],
    ['a list', { kind: 'body', body: '[1, 2]' }],
    ['a huge body', { kind: 'huge', bytes: 9_000_000 }],
    ['half an answer', { kind: 'truncate' }],
    ['no answer', { kind: 'reset' }],
  ])('the run ends with a table: %s', async (_name, fault) => {
    const emulator = await start({ faults: [{ operation: '*', fault }] });
    const result = await check(emulator);
    expect(result.rows.filter(({ verdict }) => verdict === 'holds')).toEqual([]);
    expect({ isFulfilled: isFulfilled(result), clients: emulator.clients() }).toEqual({
      isFulfilled: false,
      clients: [],
    });
  });

  it.concurrent.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    'a run with wrong values ends with a table: %d',
    async (seed) => {
      const next = randomNumbers(seed);
      const emulator = await start({
        faults: [
          { operation: '*', fault: { kind: 'edit', edit: (body) => (next() < 0.2 ? spoil(body, next) : body) } },
        ],
      });
      const result = await check(emulator);
      expect(result.rows).toHaveLength(ASSUMPTIONS.length);
      expect(result.ended).not.toContain('the run failed');
      // What remains is named, by its id or by its nonce.
      const names = result.remaining.map(({ call }) => call).join('\n');
      const unnamed = emulator.clients().filter(({ client_id, description = '' }) => {
        const nonce = /nonce:([\w-]{16})/.exec(description)?.[1] ?? 'none';
        return !names.includes(client_id) && !names.includes(nonce);
      });
      expect(unnamed).toEqual([]);
    },
  );
});

/** Returns numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Replaces one value in some JSON, at any depth. */
function spoil(body: unknown, next: () => number): unknown {
  const wrong = [null, 0, '', [], {}, 'x', true, [null], { key: 1 }];
  if (typeof body !== 'object' || body === null || Object.keys(body).length === 0 || next() < 0.2)
    return wrong[Math.floor(next() * wrong.length)];
  const keys = Object.keys(body);
  const key = keys[Math.floor(next() * keys.length)] ?? '';
  return Object.assign(body, { [key]: spoil((body as Record<string, unknown>)[key], next) });
}

describe('secrets and tokens', () => {
  it.concurrent('are in no output, even if the server echoes them', async () => {
    const emulator = await start();
    const known = new Set([emulator.credentials.clientSecret]);
    emulator.faults.add(
      // biome-ignore lint/suspicious/noExplicitAny: any answer of the API.
      edit('*', (body: any) => {
        for (const value of [body.plain_secret, body.access_token]) if (value) known.add(value);
        const echo = [...known].flatMap((value) => [
          value,
          encodeURIComponent(value),
          Buffer.from(value).toString('base64'),
        ]);
        for (const name of ['message', 'error_description', 'next_page_token'])
          if (name in body) body[name] = `${echo.join(' ')}`;
        if (body.client) Object.assign(body.client, { name: echo.join(' '), audience: echo });
      }),
    );
    const { output } = await check(emulator);
    const forms = [...known, ...emulator.secrets()].flatMap((value) => secretForms(value, []));
    expect(known.size).toBeGreaterThan(5);
    expect(forms.filter((form) => output.includes(form))).toEqual([]);
    expect(output).toContain('***');
  });
});

describe('npm run contract', () => {
  const variablesOf = ({ variables }: Emulator) => ({ ...variables, SCALEKIT_CONTRACT_SCOPES: SCOPES });

  /** Starts the script. `run.ended` resolves with its exit code and its output. */
  function launch(env: Record<string, string>, ...args: string[]) {
    const program = spawn(process.execPath, [path.join(ROOT, 'scripts/contract.ts'), ...args], {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? '', ...env },
    });
    let output = '';
    for (const stream of [program.stdout, program.stderr]) stream.on('data', (data) => (output += data));
    const ended = once(program, 'close').then(([code]) => ({ exitCode: code as number, output }));
    return { program, ended };
  }

  it.concurrent('asks the emulator if no variable is set, and writes the job summary', async () => {
    const summary = path.join(mkdtempSync(path.join(tmpdir(), 'contract-')), 'summary.md');
    const { exitCode, output } = await launch({ GITHUB_STEP_SUMMARY: summary }).ended;
    expect({ exitCode, output }).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining('All that the action needs holds.'),
    });
    expect(output).not.toContain('::');
    const text = readFileSync(summary, 'utf8');
    expect(text.match(/<tr>/g)).toHaveLength(1 + ASSUMPTIONS.length + 3);
  });

  it.concurrent.each([
    [
      'names the variables that are missing',
      { SCALEKIT_CLIENT_ID: 'skc_1' },
      [],
      /SCALEKIT_ENVIRONMENT_URL, SCALEKIT_CLIENT_SECRET/,
    ],
    ['never asks the emulator with --real', {}, ['--real'], /Missing: SCALEKIT_ENVIRONMENT_URL/],
    [
      'refuses plain http, a wrong id, and a switch that disables the check of certificates',
      {
        SCALEKIT_ENVIRONMENT_URL: 'http://acme.scalekit.com',
        SCALEKIT_CLIENT_ID: 'skc_1',
        SCALEKIT_CLIENT_SECRET: ['test', 'x'.repeat(20)].join('_'),
        SCALEKIT_ORGANIZATION_ID: 'acme',
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
      },
      [],
      /expected https[\s\S]*SCALEKIT_ORGANIZATION_ID[\s\S]*NODE_TLS_REJECT_UNAUTHORIZED/,
    ],
    [
      'refuses the id of a client, and a secret that cannot be redacted in all forms',
      {
        SCALEKIT_ENVIRONMENT_URL: 'https://acme.scalekit.com',
        SCALEKIT_CLIENT_ID: 'm2morg_1',
        SCALEKIT_CLIENT_SECRET: 'two words',
        SCALEKIT_ORGANIZATION_ID: 'org_1',
      },
      [],
      /^SCALEKIT_CLIENT_ID: got "m2morg_1"[\s\S]*\nSCALEKIT_CLIENT_SECRET: is not 8 characters(?![\s\S]*two words)/,
    ],
  ])('%s', async (_name, env, args, message) => {
    const { exitCode, output } = await launch(env, ...args).ended;
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: expect.stringMatching(message) });
  });

  it.concurrent('fails if something that the action needs does not hold', async () => {
    const emulator = await start({ behaviour: { claimsInToken: 'absent' } });
    const { exitCode, output } = await launch(variablesOf(emulator)).ended;
    expect({ exitCode, output }).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('seen to hold: token-claims.'),
    });
  });

  it.concurrent.each([
    ['SIGINT', 130, 'createClient', 3],
    ['SIGTERM', 143, 'createClient', 1],
    ['SIGHUP', 129, 'addSecret', 2],
    ['SIGINT', 130, 'token', 1],
  ] as const)(
    'removes what it made and prints the table if %s comes (exit code %d) during %s %d',
    async (signal, code, operation, call) => {
      const emulator = await start();
      let calls = 0;
      const arrived = new Promise<void>((resolve) => {
        emulator.hold = async (when, request) => {
          if (when === 'after' && request.operation === operation && ++calls === call) {
            resolve();
            await new Promise((answer) => setTimeout(answer, 300));
          }
        };
      });
      const { program, ended } = launch(variablesOf(emulator));
      await arrived;
      program.kill(signal);
      const { exitCode, output } = await ended;
      expect({ exitCode, output, clients: emulator.clients() }).toMatchObject({
        exitCode: code,
        output: expect.stringContaining('Not everything was asked: the run was interrupted.'),
        clients: [],
      });
      expect(output.match(/^ +seen: /gm)).toHaveLength(ASSUMPTIONS.length);
    },
  );

  it.concurrent('removes what it made if a second signal comes meanwhile', async () => {
    const emulator = await start();
    const { program, ended } = launch(variablesOf(emulator));
    // The first request after the first signal reads a client that is to be removed.
    const signals = { updateClient: 'SIGINT', getClient: 'SIGTERM' } as const;
    let isInterrupted = false;
    emulator.hold = async (when, { operation }) => {
      if (when !== 'before' || !(operation === 'updateClient' || (isInterrupted && operation === 'getClient'))) return;
      isInterrupted = true;
      program.kill(signals[operation]);
      await new Promise((resolve) => setTimeout(resolve, 300));
    };
    const { exitCode } = await ended;
    expect({ exitCode, clients: emulator.clients() }).toEqual({ exitCode: 130, clients: [] });
  });

  it.concurrent('removes a client whose create request hangs when it is interrupted', async () => {
    const emulator = await start();
    emulator.faults.add({ operation: 'createClient', call: 2, when: 'after', fault: { kind: 'hang' } });
    const { program, ended } = launch(variablesOf(emulator));
    while (emulator.clients().length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    program.kill('SIGINT');
    const { exitCode } = await ended;
    expect({ exitCode, clients: emulator.clients() }).toEqual({ exitCode: 130, clients: [] });
  });

  it.concurrent('removes what it made if nobody reads its output', async () => {
    const emulator = await start();
    const { program, ended } = launch(variablesOf(emulator));
    program.stdout.destroy();
    program.stderr.destroy();
    await ended;
    expect(emulator.clients()).toEqual([]);
    expect(emulator.requests.length).toBeGreaterThan(20);
  });
});

describe('contract/', () => {
  it('imports nothing of the emulator, and no package', () => {
    const files = globSync('contract/**/*.ts', { cwd: ROOT });
    const imports = files.flatMap((file) =>
      [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/from '([^']+)'|import\('([^']+)'\)/g)].map(
        ([, name = '']) =>
          name.startsWith('.') ? path.posix.join(path.posix.dirname(file), name).split('/')[0] : name,
      ),
    );
    expect([...new Set(imports)].sort()).toEqual([
      'contract',
      'node:crypto',
      'node:http',
      'node:timers/promises',
      'src',
    ]);
  });
});
