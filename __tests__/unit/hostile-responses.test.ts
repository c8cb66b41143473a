import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { auditOf } from '../../src/client/audit.ts';
import { deriveClaims } from '../../src/client/claims.ts';
import { Faults } from '../../src/client/faults.ts';
import type { ManagedClient } from '../../src/client/identity.ts';
import { planChanges } from '../../src/client/plan.ts';
import { type Target, targetFromApi, targetFromIdToken, targetFromRunner } from '../../src/client/target.ts';
import { isDeletable } from '../../src/commands/delete.ts';
import { findJobClients } from '../../src/commands/sweep.ts';
import { GitHub } from '../../src/github/api.ts';
import { getIdToken } from '../../src/github/id-token.ts';
import { readRunner } from '../../src/github/runner.ts';
import { entryUrl, SavedCredentials, type SavedSnapshot } from '../../src/github/saved-credentials.ts';
import { ApiError } from '../../src/net/api-error.ts';
import { type HttpRequest, Transport } from '../../src/net/transport.ts';
import * as log from '../../src/output/log.ts';
import { maskSecret } from '../../src/output/mask.ts';
import { Scalekit } from '../../src/scalekit/api.ts';
import { readToken } from '../../src/scalekit/token.ts';
import type { Client, Secret } from '../../src/scalekit/types.ts';
import { addSecret } from '../../src/steps/add-secret.ts';
import type { Context } from '../../src/steps/context.ts';
import { createClient } from '../../src/steps/create.ts';
import { findExisting } from '../../src/steps/find.ts';
import { Places } from '../../src/steps/places.ts';
import { surveyClients } from '../../src/steps/survey.ts';
import { updateClient } from '../../src/steps/update.ts';
import { verify } from '../../src/steps/verify.ts';
import { Journal } from '../../src/undo/journal.ts';
import {
  client,
  desiredClient,
  FakeTransport,
  LISTS,
  LOCATION,
  MARKER,
  NEW_MARKER_LINE,
  OLD_MARKER_LINE,
  SAVED,
} from './fixtures.ts';
import { RUNNER } from './input-fixtures.ts';

// These tests take long, and other test files run at the same time.
jest.setTimeout(120_000);

// Any response of a server is either read as the API documents it, or refused with an error of this action.

/** A text whose presence shows that an error quotes a response. */
const CANARY = ['value', 'of', 'a', 'server'].join('~');
const API_SECRET = ['fake', 'api', 'secret'].join('-');

let printed = '';
let exitCode: typeof process.exitCode;
const originalPrototype: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(Object.prototype);
beforeEach(() => {
  printed = '';
  exitCode = process.exitCode;
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  maskSecret(API_SECRET);
});
afterEach(() => {
  process.exitCode = exitCode;
  jest.restoreAllMocks();
  expect(Object.getOwnPropertyDescriptors(Object.prototype)).toEqual(originalPrototype);
});

/** A pattern of method and path, and the body of the response that the API documents. */
type ValidResponse = [request: RegExp, body: unknown];

interface Operation {
  /** What it requests, in words. */
  what: string;
  valid: ValidResponse[];
  /** Wraps the first of the responses, for example in a token. */
  wrap?: (text: string) => string;
  run: (transport: Transport) => Promise<unknown>;
}

const CLIENT_CREDENTIALS = { client_id: 'm2morg_1', client_secret: ['fake', 'client', 'secret'].join('-') };
const API_CREDENTIALS = { client_id: 'skc_1', client_secret: API_SECRET };
const TIME = '2026-11-24T08:00:00.123456789Z';
const SECRET = {
  id: 'sks_1',
  create_time: TIME,
  secret_suffix: 'abcd',
  status: 'ACTIVE',
  expire_time: '2999-01-01T00:00:00Z',
};
const CLIENT = {
  client_id: 'm2morg_1',
  organization_id: 'org_1',
  name: 'Deployer',
  description: `What for\n${NEW_MARKER_LINE}`,
  ...LISTS,
  expiry: '3600',
  create_time: TIME,
  secrets: [SECRET],
};
const EXISTING = { ...CLIENT, description: `What for\n${OLD_MARKER_LINE}` };
const BY_HAND = { ...CLIENT, client_id: 'm2morg_2', description: 'By hand' };
const JOB_CLIENT = { ...EXISTING, description: EXISTING.description.replace('persistent', 'job') };
const TOKEN = { access_token: 'opaque-token', token_type: 'Bearer', expires_in: 86_399, scope: 'a b' };
const PAYLOAD = {
  iss: 'https://acme.scalekit.com',
  sub: 'm2morg_1',
  oid: 'org_1',
  aud: LISTS.audience,
  scopes: LISTS.scopes,
  custom_claims: Object.fromEntries(LISTS.custom_claims.map(({ key, value }) => [key, value])),
  exp: 1_795_510_800,
};
const REPOSITORY = {
  id: 99,
  full_name: 'acme/other',
  owner: { login: 'acme', id: 9919 },
  visibility: 'private',
  custom_properties: { team: 'a', tags: ['b', 'c'] },
};
const ID_TOKEN = {
  repository: 'acme/app',
  repository_id: '1296269',
  repository_owner: 'acme',
  run_id: '1658821493',
  environment: 'production',
  ref: 'refs/heads/main',
  repo_property_team: 'a',
};
const KEY = { key: Buffer.alloc(32, 1).toString('base64'), key_id: '1' };
const IN_ENVIRONMENT = { ...LOCATION, environment: 'production' };
const STATUS = {
  code: 3,
  message: 'no',
  error: 'invalid',
  error_description: 'no',
  details: [
    {
      error_code: 'BAD',
      validation_error_info: { field_violations: [{ field: 'name', description: 'too long', constraint: 'x' }] },
      debug_info: { detail: 'internals' },
    },
  ],
};
const UNPROCESSABLE = {
  message: 'Validation Failed',
  errors: [{ message: 'too large', code: 'custom' }, 'no'],
  status: '422',
};

const scalekit = (transport: Transport) => new Scalekit(transport, 'https://acme.scalekit.com', 'org_1');
const gitHub = (transport: Transport) => new GitHub(transport, { api: 'https://api.example', token: 'a' });
const savedCredentials = (transport: Transport) => new SavedCredentials(gitHub(transport), IN_ENVIRONMENT);
function context(transport: Transport): Context {
  const { organization_id, marker } = desiredClient();
  const { nonce, run, lifetime } = marker;
  const journal = new Journal(
    { origin: 'https://acme.scalekit.com', organization_id, nonce, run, lifetime },
    API_SECRET,
    undefined,
  );
  return { scalekit: scalekit(transport), desired: desiredClient(), journal };
}
/** Returns a token with this payload. */
const jwt = (payload: string): string => `e30.${Buffer.from(payload).toString('base64url')}.e30`;

const ENV = {
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://id.example/',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: ['fake', 'request'].join('-'),
};
/** Requests an ID token and derives the claims from it. */
async function targetOf(transport: Transport): Promise<Target> {
  const faults = new Faults();
  const runner = targetFromRunner(readRunner(RUNNER), RUNNER, '');
  const target = targetFromIdToken(await getIdToken(transport, ENV), runner, (input) => faults.report(input));
  const repository_claims = ['github_repository', 'environment', 'github_ref', 'github_repo_property_team'];
  deriveClaims({ repository_claims, custom_claims: [], lifetime: 'job' }, target, (input) => faults.report(input));
  faults.finish();
  return target;
}

const OPERATIONS: Operation[] = [
  {
    what: 'an organization of an external id',
    valid: [
      [/external/, { organization: { id: 'org_1', external_id: 'acme', display_name: 'Acme' } }],
      [/token$/, TOKEN],
    ],
    run: async (transport) => {
      const access = { origin: 'https://acme.scalekit.com', credentials: API_CREDENTIALS };
      const opened = await Scalekit.open(transport, {
        ...access,
        organization_id: '',
        organization_external_id: 'acme',
      });
      expect(opened.organization_id).toMatch(/^org_[\w-]+$/);
    },
  },
  {
    what: 'a client',
    valid: [[/^GET/, { client: CLIENT }]],
    run: async (transport) => isClient((await scalekit(transport).getClient('m2morg_1'))?.parse()),
  },
  {
    what: 'a client that was created',
    valid: [
      [/^POST/, { client: CLIENT, plain_secret: 'fake-plain-abcd' }],
      [/m2morg_1$/, { client: CLIENT }],
      [/^GET/, { clients: [] }],
    ],
    run: async (transport) => {
      const created = await createClient(context(transport), { seenIds: undefined });
      isClient(created.client);
      if (created.secret.shown) isSecret(created.secret.shown);
      expect(created.secret.plain_secret.trim().length).toBeGreaterThan(7);
    },
  },
  {
    what: 'a client that was created without a response',
    valid: [
      [/^GET.*clients$/, { clients: [CLIENT], total_size: 1, next_page_token: '' }],
      [/^GET/, { client: CLIENT }],
      [/secrets$/, { secret: { ...SECRET, id: 'sks_2' }, plain_secret: 'fake-plain-efgh' }],
      [/^POST/, 'rubbish'],
    ],
    run: async (transport) => isClient((await createClient(context(transport), { seenIds: undefined })).client),
  },
  {
    what: 'a client that was changed',
    valid: [
      [/^PATCH/, { client: EXISTING }],
      [/^GET/, { client: EXISTING }],
    ],
    run: async (transport) => isClient(await updateClient(context(transport), client(), { name: 'Deployer' })),
  },
  {
    what: 'a secret that was added',
    valid: [
      [/^POST/, { secret: { ...SECRET, id: 'sks_2' }, plain_secret: 'fake-plain-abcd' }],
      [/^GET/, { client: EXISTING }],
    ],
    run: async (transport) => {
      const { shown, plain_secret } = await addSecret(context(transport), client());
      if (shown) isSecret(shown);
      expect(plain_secret.trim().length).toBeGreaterThan(7);
    },
  },
  {
    what: 'a list of clients',
    valid: [
      [/clients$/, { clients: [EXISTING, BY_HAND], total_size: 2, next_page_token: '', prev_page_token: '' }],
      [/m2morg_\d$/, { client: EXISTING }],
    ],
    run: async (transport) => {
      for (const changes of [{}, { name: 'Another' }]) {
        const desired = desiredClient({ fields: { ...desiredClient().fields, ...changes } });
        const plan = planChanges(desired, await findExisting(scalekit(transport), desired, undefined));
        expect([plan.beforePublish, plan.afterPublish, plan.warnings].every(Array.isArray)).toBe(true);
      }
    },
  },
  {
    what: 'a client that client_id names',
    valid: [
      [/m2morg_1$/, { client: EXISTING }],
      [/clients$/, { clients: [] }],
    ],
    run: async (transport) => {
      const desired = desiredClient({ client_id: 'm2morg_1' });
      planChanges(desired, await findExisting(scalekit(transport), desired, undefined));
    },
  },
  {
    what: 'the clients of jobs',
    valid: [
      [/clients$/, { clients: [JOB_CLIENT, EXISTING], next_page_token: '' }],
      [/^GET/, { client: JOB_CLIENT }],
    ],
    run: async (transport) => {
      const runner = { ...readRunner(RUNNER), repository_id: '1296269' };
      (await findJobClients(scalekit(transport), runner)).forEach(isClient);
    },
  },
  {
    what: 'the clients that audit/ lists',
    valid: [
      [/clients$/, { clients: [{ ...JOB_CLIENT, secrets: [] }, EXISTING], next_page_token: '' }],
      [/^GET/, { client: JOB_CLIENT }],
    ],
    run: async (transport) => {
      const { clients, unmarked, undescribed } = await surveyClients(scalekit(transport));
      const findings = auditOf(clients.values(), { max_secret_age: 1, max_secrets: 1 }, Date.now());
      for (const [id, client] of clients) {
        expect([client.client_id, typeof client.marker]).toEqual([id, expect.stringMatching(/^(object|undefined)$/)]);
        const visibility = { repository: undefined, environment: undefined };
        for (const { text } of findings(client, visibility)) expect(typeof text).toBe('string');
      }
      expect([typeof unmarked, typeof undescribed]).toEqual(['number', 'number']);
    },
  },
  {
    what: 'the repositories and environments that audit/ looks up',
    valid: [
      [/repositories\/1$/, { id: 1, full_name: 'acme/app' }],
      [/environments\//, { name: 'production' }],
    ],
    run: async (transport) => {
      const places = new Places(readRunner(RUNNER));
      const audited = { client_id: 'm2morg_1', marker: { ...MARKER, repo: '1', by: '1' }, environment: 'production' };
      const looked = { ...audited, isContradictory: false };
      await places.lookUp(gitHub(transport), [looked]);
      const { name } = places.repositoryOf(looked);
      expect(name === undefined || /^[\w.-]+\/[\w.-]+$/.test(name)).toBe(true);
      for (const isShown of Object.values(places.visibilityOf(looked)))
        expect([true, false, undefined]).toContain(isShown);
    },
  },
  {
    what: 'the deletion of a client',
    valid: [[/^DELETE/, {}]],
    run: async (transport) => expect(await scalekit(transport).deleteClient('m2morg_1')).toBe(true),
  },
  {
    what: 'saved credentials that are to be deleted',
    valid: [
      [/variables\/A_STATE$/, { name: 'A_STATE', value: SAVED.state, updated_at: TIME }],
      [/variables\/A_ID$/, { name: 'A_ID', value: 'm2morg_9', updated_at: TIME }],
      [/secrets\/A_SECRET$/, { name: 'A_SECRET', updated_at: TIME }],
    ],
    run: async (transport) => {
      const saved = await savedCredentials(transport).read();
      isSnapshot(saved);
      expect(typeof isDeletable(saved, { key: MARKER.key, organization_id: 'org_1' }, '')).toBe('boolean');
    },
  },
  {
    what: 'a client that the saved id names',
    valid: [
      [/m2morg_1$/, { client: EXISTING }],
      [/clients$/, { clients: [] }],
    ],
    run: async (transport) => {
      const desired = desiredClient({ on_existing: 'reuse', location: LOCATION });
      const { client: found } = await findExisting(scalekit(transport), desired, SAVED);
      if (found) isClient(found);
    },
  },
  {
    what: 'another repository',
    valid: [[/acme\/other$/, REPOSITORY]],
    run: async (transport) => {
      const target = await gitHub(transport).getRepository('acme/other', (repository) =>
        targetFromApi(repository, 'production'),
      );
      isTarget(target);
      expect(target.repository.toLowerCase()).toBe('acme/other');
    },
  },
  {
    what: 'a workflow run',
    valid: [[/runs\/5$/, { id: 5, run_attempt: 2, status: 'completed', conclusion: 'success' }]],
    run: async (transport) => {
      const run = await gitHub(transport).getRun('acme/app', '5');
      expect([typeof run?.status, Number.isSafeInteger(run?.run_attempt)]).toEqual(['string', true]);
    },
  },
  {
    what: 'the location of saved credentials',
    valid: [
      [/public-key$/, KEY],
      [/variables\/A_ID$/, { name: 'A_ID', value: 'm2morg_1', created_at: TIME, updated_at: TIME }],
      [/variables\/A_STATE$/, { name: 'A_STATE', value: SAVED.state, created_at: TIME, updated_at: TIME }],
      [/secrets\/A_SECRET$/, { name: 'A_SECRET', created_at: TIME, updated_at: TIME }],
      [/environments\/production$/, { id: 1, name: 'production' }],
    ],
    run: async (transport) => {
      const saved = await savedCredentials(transport).open();
      isSnapshot(saved);
      const desired = desiredClient({ on_existing: 'reuse', rotate_after: 30, location: IN_ENVIRONMENT });
      const plan = planChanges(desired, { client: client(), others: [], saved });
      expect(['reused', 'rotated']).toContain(plan.result);
    },
  },
  {
    what: 'an ID token',
    valid: [[/^GET/, { value: jwt(JSON.stringify(ID_TOKEN)), count: 1 }]],
    run: async (transport) => isTarget(await targetOf(transport)),
  },
  {
    what: 'what an ID token says',
    valid: [[/^GET/, ID_TOKEN]],
    wrap: (text) => JSON.stringify({ value: jwt(text) }),
    run: async (transport) => isTarget(await targetOf(transport)),
  },
  {
    what: 'an access token',
    valid: [[/token$/, TOKEN]],
    run: (transport) => scalekit(transport).getToken(CLIENT_CREDENTIALS),
  },
  {
    what: 'what an access token says',
    valid: [[/token$/, PAYLOAD]],
    wrap: (text) => JSON.stringify({ ...TOKEN, access_token: jwt(text) }),
    run: (transport) => verify(scalekit(transport), desiredClient(), CLIENT_CREDENTIALS, false),
  },
];

function isSecret(secret: Secret): void {
  expect(secret.id).toMatch(/^[\w-]{1,128}$/);
  expect([typeof secret.suffix, typeof secret.active]).toEqual(['string', 'boolean']);
  expect(typeof (secret.create_time ?? 0n)).toBe('bigint');
}

/** Checks what is saved. What does not exist is undefined. */
function isSnapshot({ client_id, state, stateTime, secretTime }: SavedSnapshot): void {
  for (const value of [client_id, state, stateTime, secretTime]) expect(typeof (value ?? '')).toBe('string');
  if (secretTime !== undefined) expect(Date.parse(secretTime)).not.toBeNaN();
}

function isClient(client: Client | ManagedClient | undefined): void {
  if (!client) throw new Error('no client');
  const { client_id, name, description, scopes, audience, custom_claims, expiry = 0, create_time = 0n } = client;
  expect(client_id).toMatch(/^m2morg_[\w-]{1,121}$/);
  const texts = [name, description, ...scopes, ...audience, ...custom_claims.flatMap(({ key, value }) => [key, value])];
  expect(texts.every((text) => typeof text === 'string')).toBe(true);
  expect([Number.isSafeInteger(expiry), typeof create_time]).toEqual([true, 'bigint']);
  for (const secret of client.secrets) isSecret(secret);
}

function isTarget({ repository, repository_id, environment, claims }: Target): void {
  expect([typeof repository, typeof (repository_id ?? ''), typeof environment]).toEqual(['string', 'string', 'string']);
  for (const value of Object.values(claims)) expect(typeof (value ?? '')).toBe('string');
  // It becomes part of a URL, which must not contain a lone surrogate.
  expect(environment.isWellFormed()).toBe(true);
}

const DEEP = 30_000;
/** Texts that replace a part of a response. Undefined removes the part. */
const REPLACEMENTS: (string | undefined)[] = [
  undefined,
  ...['null', 'true', '0', '-1', '1.5', '1e400', '9007199254740993', '""', '"x"', '"\\ud800"', '"__proto__"'],
  ...['"\\u0000\\n::error::\\u001b[2J\\u202e"', '"..\\/.."', '[]', '{}', '[null]', '[[]]', '[{}]'],
  ...['{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}', '{"toString":1,"valueOf":1}'],
  ...[`"${CANARY}"`, `["${CANARY}"]`, `{"${CANARY}":"${CANARY}"}`, `"${'x'.repeat(10_000)}"`],
  `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
  `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
];

const SHORT_REPLACEMENTS = REPLACEMENTS.filter((by = '') => by.length < 1000);

type Path = (string | number)[];

/** Returns the paths of all nodes of a JSON value, the root first. */
function paths(value: unknown, to: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [to];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [to, ...keys.flatMap((key) => paths(value[key as keyof typeof value], [...to, key]))];
}

/** Returns the JSON of a value in which one node is replaced by a text, or removed if the text is undefined. */
function replaced(value: unknown, path: Path, by: string | undefined): string {
  const placeholder = '\u{10ffff}hole';
  const put = (node: unknown, [key, ...rest]: Path): unknown => {
    if (key === undefined) return by === undefined ? undefined : placeholder;
    if (Array.isArray(node))
      return node.flatMap((entry, at) => {
        const changed = at === key ? put(entry, rest) : entry;
        return changed === undefined ? [] : [changed];
      });
    return { ...(node as object), [key]: put((node as Record<string, unknown>)[key], rest) };
  };
  return (JSON.stringify(put(value, path)) ?? '').replace(`"${placeholder}"`, () => by ?? '');
}

/** Returns whether this action created the error. Errors of the language, such as a TypeError, are not expected. */
function isExpectedError(error: unknown): error is Error {
  if (Object.getPrototypeOf(error) === Error.prototype) return true;
  return error instanceof Error && /^(ApiError|InvalidResponseError|InputError|NetworkError)$/.test(error.name);
}

/**
 * Runs an operation with valid responses, except for one.
 * @param at index of the response that is replaced by the text
 * @returns the error, or undefined if the operation succeeds
 */
async function runWith(
  { valid, wrap = (text) => text, run }: Operation,
  at: number,
  text: string,
): Promise<Error | undefined> {
  const transport = new FakeTransport(({ method, url }: HttpRequest) => {
    const index = valid.findIndex(([request]) => request.test(`${method} ${url.pathname}`));
    const [, body] = valid[index] ?? [];
    const sent = index === at ? text : typeof body === 'string' ? body : JSON.stringify(body);
    return { body: index === 0 ? wrap(sent) : sent };
  });
  try {
    await run(transport);
    return undefined;
  } catch (error) {
    if (isExpectedError(error)) return error;
    throw new Error(`no error of ours: ${error}`, { cause: error });
  }
}

/** Checks that the printed text contains no command or control character of a server. */
function checkPrinted(): void {
  const lines = printed.replace(/^::(add-mask|save-state name=client)::[^\r\n]*\n/gm, '');
  expect(lines).not.toMatch(
    /^\s*::(?!(error|warning|notice|debug)::)|##\[|(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/mu,
  );
  printed = '';
}

/** Checks that an error is printed on one line, and that it quotes nothing of a response that says success. */
function checkError(error: Error | undefined): void {
  if (!error) return;
  expect(error.message).not.toMatch(/undefined|\[object|Maximum call|Cannot |not a function|not iterable/);
  if (error instanceof ApiError) expect(error.message).toMatch(/^Could not /);
  if (error instanceof ApiError && error.status === undefined) expect(error.message).not.toContain(CANARY);
  printed = '';
  log.fail(error);
  expect(printed).toMatch(/^::error::[^\r\n]+\n(::debug::[^\r\n]*\n)?$/);
}

describe('a refusal', () => {
  const DOCUMENTED = [
    ['Scalekit', STATUS, (transport: Transport) => scalekit(transport).deleteClient('m2morg_1')],
    ['Scalekit, at the token endpoint', STATUS, (transport: Transport) => scalekit(transport).signIn(API_CREDENTIALS)],
    ['GitHub', UNPROCESSABLE, (transport: Transport) => gitHub(transport).getRun('acme/app', '5')],
  ] as const;
  /** Runs an operation that must fail, and returns its error. */
  const refused = (transport: Transport, run: (transport: Transport) => Promise<unknown>) =>
    run(transport).then(
      () => Promise.reject(new Error('it was accepted')),
      (error: ApiError) => {
        expect([error, isExpectedError(error), error instanceof ApiError]).toEqual([error, true, true]);
        checkError(error);
        return error;
      },
    );

  it.each(DOCUMENTED)(
    'of %s has one sentence of bounded length, with any part of it gone or another value',
    async (_, body, run) => {
      for (const path of paths(body)) {
        for (const by of SHORT_REPLACEMENTS) {
          const error = await refused(new FakeTransport(() => ({ status: 400, body: replaced(body, path, by) })), run);
          expect([path, error.status, error.message.length < 4000]).toEqual([path, 400, true]);
          expect(error.message).not.toContain('internals');
        }
      }
    },
  );

  it.each(DOCUMENTED)('of %s may be any JSON, any text and any header', async (_, _body, run) => {
    const text = fc.oneof(
      fc.json({ stringUnit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '<html>', '\ud800', 'null'),
    );
    const headers = fc.dictionary(
      fc.constantFrom(
        'retry-after',
        'date',
        'location',
        'content-type',
        'x-ratelimit-reset',
        'x-ratelimit-remaining',
        'www-authenticate',
      ),
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('0', '-1', '1e9', '9'.repeat(400), 'text/plain', '')),
    );
    const status = fc.constantFrom(
      300,
      301,
      304,
      307,
      308,
      400,
      402,
      403,
      405,
      409,
      410,
      415,
      418,
      422,
      451,
      499,
      500,
      501,
      503,
      599,
      600,
      999,
    );
    await fc.assert(
      fc.asyncProperty(text, headers, status, async (body, headers, status) => {
        const error = await refused(new FakeTransport(() => ({ status, headers, body })), run);
        expect(error.message.length).toBeLessThan(4000);
      }),
      { numRuns: 200 },
    );
  });

  it.each(DOCUMENTED.map(([who, , run]) => [who, run] as const))(
    'of %s shows what the server says on one line',
    async (_, run) => {
      for (const end of ['\n', '\r', '\r\n', '\u2028', '\u0085']) {
        const message = `no${end}::error::x${end}Removed again: client m2morg_1.`;
        const bodies = [{ message }, { error_description: message }, { errors: [message] }, message];
        for (const body of bodies.map((body) => (typeof body === 'string' ? body : JSON.stringify(body)))) {
          const { message } = await refused(new FakeTransport(() => ({ status: 400, body })), run);
          expect([end, body, message]).toEqual([end, body, expect.not.stringMatching(/[\r\n]/)]);
        }
      }
    },
  );
});

describe.each(OPERATIONS)('the response to a request for $what', (operation) => {
  it('is accepted as the API documents it', async () => {
    const [[, body] = []] = operation.valid;
    expect(await runWith(operation, 0, JSON.stringify(body))).toBeUndefined();
  });

  it('is read or refused, with any part of it gone or another value', async () => {
    for (const [at, [, body]] of operation.valid.entries()) {
      if (typeof body === 'string') continue;
      for (const path of paths(body)) {
        // Use short texts in tokens: a long token has thousands of masked forms, which slow every later line down.
        for (const by of operation.wrap || at > 0 ? SHORT_REPLACEMENTS : REPLACEMENTS) {
          const what = `${at} ${path.join('.')} ${by?.slice(0, 60)}`;
          const error = await runWith(operation, at, replaced(body, path, by)).catch((cause) => {
            throw new Error(`${what}: ${cause.message}`, { cause });
          });
          checkPrinted();
          checkError(error);
        }
      }
    }
  });

  it('is read or refused, wherever it is cut off', async () => {
    for (const [at, [, body]] of operation.valid.entries()) {
      const text = JSON.stringify(body);
      for (let end = 0; end < text.length; end += 7) checkError(await runWith(operation, at, text.slice(0, end)));
    }
    checkPrinted();
  });
});

describe('a body that is no response of the API', () => {
  const any = fc.integer({ min: 0, max: OPERATIONS.length - 1 }).map((at) => OPERATIONS[at] as Operation);

  it('for a byte or two that are others, UTF-8 or not, is read or refused', async () => {
    const edits = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(255)), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(any, edits, async (operation, edits) => {
        const bytes = Buffer.from(JSON.stringify(operation.valid[0]?.[1]));
        for (const [at, byte] of edits) bytes[Math.floor(at * bytes.length)] = byte;
        checkError(await runWith(operation, 0, new TextDecoder().decode(bytes)));
        checkPrinted();
      }),
      { numRuns: 500 },
    );
  });

  it('but other JSON, is read or refused', async () => {
    const value = fc.oneof(fc.json({ stringUnit: 'binary' }), fc.constantFrom(...SHORT_REPLACEMENTS.map(String)));
    await fc.assert(
      fc.asyncProperty(any, value, async (operation, text) => {
        checkError(await runWith(operation, 0, text));
        checkPrinted();
      }),
      { numRuns: 500 },
    );
  });

  it('for a key that stands there twice, is read by its last', async () => {
    for (const by of REPLACEMENTS.filter((by) => by !== undefined)) {
      const twice = (first: string, last: string) =>
        new Scalekit(
          new FakeTransport(() => ({ body: `{"client":${first},"client":${last}}` })),
          'https://acme.example',
          'org_1',
        )
          .getClient('m2morg_1')
          .then(
            (client) => client?.client_id,
            (error) => isExpectedError(error),
          );
      expect([by, await twice(by, JSON.stringify(CLIENT))]).toEqual([by, 'm2morg_1']);
      expect([by, await twice(JSON.stringify(CLIENT), by)]).toEqual([by, true]);
    }
  });
});

describe('eight megabytes are read at once:', () => {
  let fresh: Awaited<ReturnType<typeof loadModules>>;
  /** Loads the modules again, as in a new process. */
  async function loadModules() {
    jest.resetModules();
    const [masks, scalekit, github, finding, planning, tokens] = await Promise.all([
      import('../../src/output/mask.ts'),
      import('../../src/scalekit/api.ts'),
      import('../../src/github/api.ts'),
      import('../../src/steps/find.ts'),
      import('../../src/client/plan.ts'),
      import('../../src/scalekit/token.ts'),
    ]);
    // Mask as much as a run does: the environment's API secret, a token of GitHub, and a token of Scalekit.
    for (const length of [64, 93, 900]) masks.maskSecret('aB3-'.repeat(length / 4).slice(0, length));
    masks.maskSecret(API_SECRET, [API_CREDENTIALS.client_id]);
    return { ...scalekit, ...github, ...finding, ...planning, ...tokens };
  }
  beforeEach(async () => {
    fresh = await loadModules();
  });
  /** Returns as many entries as fit into the largest body that is read. */
  const fill = (entry: (at: number) => string): string => {
    const entries: string[] = [];
    for (let size = 0; size < 7_900_000; size += (entries.at(-1)?.length ?? 0) + 1) entries.push(entry(entries.length));
    return entries.join(',');
  };
  const clientWith = (field: string, text: string) =>
    JSON.stringify({ ...EXISTING, [field]: '@' }).replace('"@"', () => text);
  /** Runs an operation and returns its error. */
  const errorOf = async (run: () => Promise<unknown>) => {
    const error = await run().then(
      () => undefined,
      (error) => error,
    );
    if (error) expect(isExpectedError(error)).toBe(true);
    return error as Error | undefined;
  };

  it.each<[what: string, body: () => string]>([
    ['clients without an ownership marker', () => `{"clients":[${fill((at) => `{"client_id":"m2morg_${at}"}`)}]}`],
    ['clients that cannot be read', () => `{"clients":[${fill((at) => `{"client_id":"${at}"}`)}]}`],
    [
      'clients with this identity hash',
      () => `{"clients":[${fill((at) => JSON.stringify({ ...EXISTING, client_id: `m2morg_${at}` }))}]}`,
    ],
    [
      'clients with these claims',
      () => `{"clients":[${fill((at) => JSON.stringify({ ...BY_HAND, client_id: `m2morg_${at}` }))}]}`,
    ],
    ['scopes', () => `{"clients":[${clientWith('scopes', `[${fill((at) => `"s${at}"`)}]`)}]}`],
    [
      'claims',
      () => `{"clients":[${clientWith('custom_claims', `[${fill((at) => `{"key":"k${at}","value":""}`)}]`)}]}`,
    ],
    [
      'secrets',
      () =>
        `{"clients":[${clientWith('secrets', `[${fill((at) => JSON.stringify({ id: `sks_${at}`, create_time: TIME }))}]`)}]}`,
    ],
    [
      'a description',
      () =>
        `{"clients":[${clientWith('description', `"${'[scalekit-organization-client v1 key:'.repeat(220_000)}"`)}]}`,
    ],
    [
      'line breaks in a description',
      () => `{"clients":[${clientWith('description', `"${'\\n'.repeat(3_900_000)}"`)}]}`,
    ],
    [
      'white space before the last line',
      () => `{"clients":[${clientWith('description', `"a${' '.repeat(7_800_000)}b"`)}]}`,
    ],
    ['a time', () => `{"clients":[${clientWith('create_time', `"2026-11-24T08:00:00.${'1'.repeat(7_800_000)}Z"`)}]}`],
    ['brackets', () => '['.repeat(7_900_000)],
  ])('%s', async (_, fill) => {
    const body = fill();
    const transport = new FakeTransport(() => ({ body }));
    await errorOf(async () => {
      const api = new fresh.Scalekit(transport, 'https://acme.example', 'org_1');
      return fresh.planChanges(desiredClient(), await fresh.findExisting(api, desiredClient(), undefined));
    });
  });

  it.each<[what: string, body: () => string]>([
    ['details', () => `{"details":[${fill((at) => `{"error_code":"E${at}"}`)}]}`],
    ['violations', () => `{"validation_error_info":{"field_violations":[${fill((at) => `{"field":"f${at}"}`)}]}}`],
    ['errors', () => `{"errors":[${fill((at) => `"e${at}"`)}]}`],
    ['one text', () => JSON.stringify({ message: 'x'.repeat(3_900_000), error_description: 'y'.repeat(3_900_000) })],
    ['dots', () => JSON.stringify({ message: '. '.repeat(3_900_000) })],
    ['plain text', () => 'no\n'.repeat(2_600_000)],
  ])('%s of a refusal', async (_, fill) => {
    const body = fill();
    const transport = new FakeTransport(() => ({ status: 400, body }));
    const api = new fresh.Scalekit(transport, 'https://acme.example', 'org_1');
    const github = new fresh.GitHub(transport, { api: 'https://api.example', token: 'a' });
    for (const run of [() => api.deleteClient('m2morg_1'), () => github.getRun('acme/app', '5')])
      expect((await errorOf(run))?.message.length).toBeLessThan(4000);
  });

  it('a token of as many scopes, audiences and dots', async () => {
    const scopes = fill((at) => `"s${at}"`)
      .slice(0, 3_000_000)
      .replace(/,[^,]*$/, '');
    const payloads = [`{"scopes":[${scopes}]}`, `{"aud":[${'"a",'.repeat(700_000)}"a"]}`];
    for (const token of [...payloads.map(jwt), '.'.repeat(7_900_000)])
      await errorOf(async () => fresh.readToken(token));
  });
});

describe('a token', () => {
  const payload = Buffer.from(JSON.stringify(PAYLOAD)).toString('base64');
  const headers = [
    '',
    'e30',
    '{"alg":"none"}',
    Buffer.from('{"alg":"none"}').toString('base64url'),
    '\0',
    '\ud800',
    '😀',
  ];

  it('is read whatever its header and signature are, and in either alphabet of base64', () => {
    for (const header of headers)
      for (const signature of headers)
        for (const text of [payload, payload.replace(/=+$/, ''), payload.replaceAll('+', '-').replaceAll('/', '_')])
          expect(readToken(`${header}.${text}.${signature}`)?.oid).toBe('org_1');
  });

  it('says of each key what stands there last, and nothing by a prototype', () => {
    expect(readToken(jwt('{"oid":"org_0","oid":"org_1","__proto__":{"sub":"m2morg_1"}}'))).toMatchObject({
      oid: 'org_1',
      sub: undefined,
    });
    expect(readToken(jwt('{"custom_claims":{"__proto__":"a","constructor":"b"}}'))?.custom_claims).toEqual([
      { key: '__proto__', value: 'a' },
      { key: 'constructor', value: 'b' },
    ]);
  });

  it('may be nested however deep, at any place', () => {
    for (const deep of REPLACEMENTS.filter((by = '') => by.length > DEEP))
      for (const path of paths(PAYLOAD)) expect(() => readToken(jwt(replaced(PAYLOAD, path, deep)))).not.toThrow();
  });

  it('of three parts of any bytes is read or is none', () => {
    const part = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...REPLACEMENTS.map((by) => Buffer.from(by ?? '').toString('base64url'))),
    );
    fc.assert(
      fc.property(part, part, part, (header, payload, signature) => {
        const read = readToken([header, payload, signature].join('.'));
        if (read) expect([typeof (read.oid ?? ''), Array.isArray(read.scopes)]).toEqual(['string', true]);
      }),
      { numRuns: 1000 },
    );
  });
});

it('the address of a variable can be shown, whatever the ID token calls the environment', () => {
  const letters = fc.oneof(fc.constantFrom('\ud800', '/', '?', '..'), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.string({ unit: letters }), (name) => {
      const faults = () => () => {};
      const { environment } = targetFromIdToken(
        { ...ID_TOKEN, environment: name },
        targetFromRunner(readRunner(RUNNER), RUNNER, ''),
        faults,
      );
      expect(entryUrl('https://api.example', { ...LOCATION, environment }, 'variables/A_ID').origin).toBe(
        'https://api.example',
      );
    }),
  );
});

describe('over a connection', () => {
  it('any bytes, statuses and headers come out as a value or an error of ours', async () => {
    let nextResponse = { status: 200, headers: {} as Record<string, string>, body: new Uint8Array() };
    const server = http.createServer((_, response) => {
      response.writeHead(nextResponse.status, { ...nextResponse.headers, 'content-length': nextResponse.body.length });
      response.end(nextResponse.body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const transport = new Transport('1.1', 60);
    const api = new Scalekit(transport, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'org_1');
    const valid = Buffer.from(JSON.stringify({ client: CLIENT }));
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(valid.length).map((end) => new Uint8Array(valid.subarray(0, end))),
      fc
        .tuple(fc.nat(valid.length - 1), fc.integer({ min: 128, max: 255 }))
        .map(([at, byte]) => new Uint8Array(valid).fill(byte, at, at + 1)),
      fc.constantFrom(
        new Uint8Array([0xef, 0xbb, 0xbf, ...valid]),
        new Uint8Array([0xff, 0xfe]),
        new Uint8Array([0xed, 0xa0, 0x80]),
      ),
    );
    const header = fc.constantFrom('date', 'content-type', 'location', 'www-authenticate', 'content-encoding', 'x-a');
    const value = fc.string({
      unit: fc
        .integer({ min: 0x20, max: 0xff })
        .filter((code) => code !== 0x7f)
        .map((code) => String.fromCharCode(code)),
    });
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(200, 201, 301, 400, 404, 418),
          fc.dictionary(header, value),
          body,
          async (status, headers, body) => {
            nextResponse = { status, headers, body };
            const reading = api.getClient('m2morg_1').then((found) => isClient(found?.parse() ?? client()));
            checkError(
              await reading.then(
                () => undefined,
                (error) => {
                  expect([isExpectedError(error), error]).toEqual([true, error]);
                  return error;
                },
              ),
            );
            checkPrinted();
          },
        ),
        { numRuns: 150 },
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
