import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GitHub } from '../../../src/github/api.ts';
import {
  entryNames,
  entryUrl,
  locationName,
  SavedCredentials,
  type SavedSnapshot,
  type SecretLocation,
} from '../../../src/github/saved-credentials.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { FinalResponse, HttpRequest } from '../../../src/net/transport.ts';
import { FakeTransport, json, LOCATION, NOTHING_SAVED, SAVED } from '../fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TOKEN = ['fake', 'github', 'token'].join('-');
const KEY = Buffer.alloc(32, 7).toString('base64');
const BASE = '/api/v3/repos/acme/app';
const IN_REPOSITORY: SecretLocation = LOCATION;
const IN_ENVIRONMENT: SecretLocation = { ...IN_REPOSITORY, environment: 'preview/pr-7' };
/** Each kind of location, with the path of its variables and secrets. */
const SCOPES: [string, SecretLocation, string][] = [
  ['a repository', IN_REPOSITORY, `${BASE}/actions`],
  ['an environment', IN_ENVIRONMENT, `${BASE}/environments/preview%2Fpr-7`],
];
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };
const FORBIDDEN = { status: 403, ...json({ message: 'Resource not accessible by integration' }) };
const NO_RESPONSE = new NetworkError('socket hang up', 'ECONNRESET', true);

/** What the error says if the server does not have GitHub's API for secrets. */
const NO_SAVING =
  "Check which server answers at GITHUB_API_URL. Gitea and Forgejo do not have GitHub's API for secrets, so save_to cannot work there, neither in the main action nor in delete/. Without save_to, the client, the outputs and delete/ work.";

type Responses = Record<string, Partial<FinalResponse> | Error>;

/** @param responses by method and the last part of the path, or `public-key`. The default is a valid key, or 404 */
function savedWith(responses: Responses = {}, location = IN_REPOSITORY) {
  const transport = new FakeTransport(({ method, url }) => {
    const name = url.pathname.split('/').at(-1);
    if (name === 'public-key') return responses['public-key'] ?? json({ key: KEY, key_id: '7' });
    return responses[`${method} ${name}`] ?? MISSING;
  });
  const github = new GitHub(transport, { api: API, token: TOKEN });
  return { transport, savedCredentials: new SavedCredentials(github, location) };
}

/** Returns a public key of this length in the form of GitHub's API. */
const keyOf = (bytes: number) => ({ key: Buffer.alloc(bytes, 7).toString('base64'), key_id: '7' });

/** Returns the parsed body of a request. */
const body = (request: HttpRequest | undefined) => JSON.parse(request?.body ?? 'null');

describe('client credentials in GitHub Actions', () => {
  it.each(SCOPES)('is read and written at the location of %s', async (_what, location, base) => {
    const { transport, savedCredentials } = savedWith(
      {
        'GET A_ID': json({ name: 'A_ID', value: SAVED.client_id, updated_at: '2026-11-24T07:59:58Z' }),
        'GET A_STATE': json({ name: 'A_STATE', value: SAVED.state, updated_at: SAVED.stateTime }),
        'GET A_SECRET': json({ name: 'A_SECRET', updated_at: SAVED.secretTime }),
        'GET preview%2Fpr-7': json({}),
        'POST variables': { status: 201 },
        'PATCH A_ID': { status: 204 },
        'PUT A_SECRET': { status: 201 },
        'DELETE A_ID': { status: 204 },
        'DELETE A_SECRET': { status: 204 },
      },
      location,
    );
    expect(await savedCredentials.open()).toEqual(SAVED);
    const openCount = transport.sent.length;
    expect(await savedCredentials.setVariable('A_ID', 'm2morg_2', true)).toMatchObject({ kind: 'done' });
    expect(await savedCredentials.setVariable('A_STATE', 'v1', false)).toMatchObject({ kind: 'done' });
    const sealed = savedCredentials.seal((key) => `sealed with ${key}`);
    expect(await savedCredentials.setSecret(sealed)).toMatchObject({ kind: 'done' });
    expect([await savedCredentials.deleteVariable('A_ID'), await savedCredentials.deleteSecret()]).toEqual([
      true,
      true,
    ]);
    expect(transport.sent.slice(openCount)).toEqual([
      `PATCH ${base}/variables/A_ID`,
      `POST ${base}/variables`,
      `PUT ${base}/secrets/A_SECRET`,
      `DELETE ${base}/variables/A_ID`,
      `DELETE ${base}/secrets/A_SECRET`,
    ]);
    expect(transport.requests.slice(openCount).map(body)).toEqual([
      { value: 'm2morg_2' },
      { name: 'A_STATE', value: 'v1' },
      { encrypted_value: `sealed with ${KEY}`, key_id: '7' },
      null,
      null,
    ]);
    expect([...transport.sent.slice(0, openCount)].sort()).toEqual(
      [
        `GET ${base}/secrets/public-key`,
        ...(location.environment ? [`GET ${base}`] : []),
        `GET ${base}/variables/A_ID`,
        `GET ${base}/variables/A_STATE`,
        `GET ${base}/secrets/A_SECRET`,
      ].sort(),
    );
    for (const { url, headers, repeatable } of transport.requests) {
      expect(url.origin).toBe('https://ghes.acme.example');
      expect(headers.authorization).toBe(`token ${TOKEN}`);
      expect(repeatable).toBe(true);
    }
  });

  it('is opened before anything is changed, whatever is missing of it', async () => {
    const { transport, savedCredentials } = savedWith();
    expect(await savedCredentials.open()).toEqual(NOTHING_SAVED);
    expect(transport.sent[0]).toBe(`GET ${BASE}/actions/secrets/public-key`);
    expect(transport.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'GET']);
  });

  it.each<[string, SecretLocation, Responses, string]>([
    [
      'a token that may not read the key',
      IN_REPOSITORY,
      { 'public-key': FORBIDDEN },
      'Could not read the public key for secrets of acme/app: HTTP 403: Resource not accessible by integration. github_token lacks a permission. A fine-grained token needs the repository permission Secrets (write)',
    ],
    [
      "a token that may not read an environment's variables",
      IN_ENVIRONMENT,
      { 'GET preview%2Fpr-7': {}, 'GET A_ID': FORBIDDEN },
      'A fine-grained token needs the repository permissions Environments (write) and Actions (read)',
    ],
    [
      'an environment that does not exist',
      IN_ENVIRONMENT,
      { 'GET preview%2Fpr-7': MISSING },
      'Could not read environment "preview/pr-7" of acme/app: HTTP 404: Not Found. There is no environment "preview/pr-7", or github_token may not see it. Create it in Settings → Environments.',
    ],
    [
      'a token that may not read variables',
      IN_REPOSITORY,
      { 'GET A_ID': FORBIDDEN },
      'Could not read variable A_ID of acme/app: HTTP 403: Resource not accessible by integration. github_token lacks a permission. A fine-grained token needs the repository permission Variables (write)',
    ],
    ...[{ key: '', key_id: '7' }, { key_id: '7' }, { key: KEY }, ...[31, 33].map(keyOf)].map(
      (key): [string, SecretLocation, Responses, string] => [
        `a key that is none, ${JSON.stringify(key)}`,
        IN_REPOSITORY,
        { 'public-key': json(key) },
        'Could not read the public key for secrets of acme/app: HTTP 200, but it holds no public key.',
      ],
    ),
    [
      'a secret that has no time',
      IN_REPOSITORY,
      { 'GET A_SECRET': json({ updated_at: 'soon' }) },
      'Could not read secret A_SECRET of acme/app: HTTP 200, but updated_at is not a time.',
    ],
    [
      'a variable without a value',
      IN_REPOSITORY,
      { 'GET A_ID': json({ value: null }) },
      'Could not read variable A_ID of acme/app: HTTP 200, but value is not a string.',
    ],
    [
      'a page that is not found, which is not the API',
      IN_REPOSITORY,
      { 'GET A_SECRET': { status: 404, body: '<html>' } },
      `Could not read secret A_SECRET of acme/app: HTTP 404, but it is not GitHub's. ${NO_SAVING}`,
    ],
    [
      'a method that Gitea and Forgejo do not have for secrets',
      IN_REPOSITORY,
      { 'GET A_SECRET': { status: 405 } },
      `Could not read secret A_SECRET of acme/app: HTTP 405. ${NO_SAVING}`,
    ],
    [
      'a response that is not the API',
      IN_REPOSITORY,
      { 'GET A_ID': { body: '<html>' } },
      'Could not read variable A_ID of acme/app: HTTP 200, but the answer is not JSON (6 characters).',
    ],
  ])('is not opened with %s', async (_what, location, responses, message) => {
    await expect(savedWith(responses, location).savedCredentials.open()).rejects.toThrow(message);
  });

  /** Credentials whose first responses to some requests are others. @param first by method and the last part of the path */
  const savedWithFirst = (first: Responses, location: SecretLocation, later: Responses) => {
    const responses: Responses = { ...later };
    const { transport, savedCredentials } = savedWith(responses, location);
    const names = Object.keys(first);
    const wait = transport.wait.bind(transport);
    Object.assign(responses, first);
    transport.wait = async (milliseconds) => {
      for (const name of names) delete responses[name];
      Object.assign(responses, later);
      return await wait(milliseconds);
    };
    return { transport, savedCredentials };
  };
  const SHOWN: Responses = {
    'GET preview%2Fpr-7': {},
    'GET A_ID': json({ value: SAVED.client_id, updated_at: SAVED.stateTime }),
    'GET A_STATE': json({ value: SAVED.state, updated_at: SAVED.stateTime }),
    'GET A_SECRET': json({ updated_at: SAVED.secretTime }),
  };
  const UNKNOWN_TOKEN = { status: 401, ...json({ message: 'Bad credentials' }) };

  it.each<[what: string, SecretLocation, first: Responses]>([
    ['GitHub knows the token', IN_REPOSITORY, { 'public-key': UNKNOWN_TOKEN }],
    ['GitHub knows the token everywhere', IN_ENVIRONMENT, { 'GET A_SECRET': UNKNOWN_TOKEN }],
    [
      'the token sees the repository, whose variables were not shown either',
      IN_REPOSITORY,
      { 'public-key': MISSING, 'GET A_ID': MISSING, 'GET A_STATE': MISSING, 'GET A_SECRET': MISSING },
    ],
    ['the environment is there', IN_ENVIRONMENT, { 'GET preview%2Fpr-7': MISSING, 'public-key': MISSING }],
  ])('is opened as soon as %s', async (_what, location, first) => {
    const { transport, savedCredentials } = savedWithFirst(first, location, SHOWN);
    expect(await savedCredentials.open()).toEqual(SAVED);
    expect(transport.sent).toHaveLength(location.environment ? 10 : 8);
  });

  it('is opened without a pause if variables and secret are missing, because that is an answer', async () => {
    for (const location of [IN_REPOSITORY, IN_ENVIRONMENT]) {
      const { transport, savedCredentials } = savedWith({ 'GET preview%2Fpr-7': {} }, location);
      transport.wait = () => Promise.reject(new Error('waits'));
      expect(await savedCredentials.open()).toEqual(NOTHING_SAVED);
    }
  });

  it('is not waited for if the environment may be gone, except for the token', async () => {
    const gone = savedWith({ 'public-key': MISSING }, IN_ENVIRONMENT);
    gone.transport.wait = () => Promise.reject(new Error('waits'));
    await expect(gone.savedCredentials.open({ mayBeGone: true })).rejects.toMatchObject({ status: 404 });
    const { savedCredentials } = savedWithFirst({ 'public-key': UNKNOWN_TOKEN }, IN_ENVIRONMENT, SHOWN);
    expect(await savedCredentials.open({ mayBeGone: true })).toEqual(SAVED);
  });

  it('is read again without a pause once it is open, whatever GitHub answers', async () => {
    for (const response of [UNKNOWN_TOKEN, MISSING]) {
      const { transport, savedCredentials } = savedWith({ 'GET A_ID': response, 'GET A_STATE': response });
      transport.wait = () => Promise.reject(new Error('waits'));
      const reading = savedCredentials.read().catch(({ status }) => status);
      expect(await reading).toEqual(response === MISSING ? NOTHING_SAVED : 401);
    }
  });

  it('is opened with the public key of an environment, even if the token cannot read the environment itself', async () => {
    const { savedCredentials } = savedWith({ 'GET preview%2Fpr-7': { status: 403 } }, IN_ENVIRONMENT);
    await expect(savedCredentials.open()).resolves.toEqual(NOTHING_SAVED);
  });

  it.each<[what: string, Responses, SavedSnapshot]>([
    ['nothing', {}, NOTHING_SAVED],
    [
      'an empty id',
      { 'GET A_ID': json({ value: '', updated_at: SAVED.stateTime }) },
      { ...NOTHING_SAVED, client_id: '' },
    ],
    [
      'a state and the time at which it was written',
      { 'GET A_STATE': json({ value: 'v1', updated_at: SAVED.stateTime }) },
      { ...NOTHING_SAVED, state: 'v1', stateTime: SAVED.stateTime },
    ],
    [
      'a state without a time',
      { 'GET A_STATE': json({ value: 'v1' }) },
      { ...NOTHING_SAVED, state: 'v1', stateTime: '' },
    ],
    [
      'a secret by its time',
      { 'GET A_SECRET': json({ updated_at: SAVED.secretTime }) },
      { ...NOTHING_SAVED, secretTime: SAVED.secretTime },
    ],
  ])('reads what is saved anew each time: %s', async (_what, found, expected) => {
    const responses: Responses = {};
    const { savedCredentials } = savedWith(responses);
    expect(await savedCredentials.read()).toEqual(NOTHING_SAVED);
    Object.assign(responses, found);
    expect(await savedCredentials.read()).toEqual(expected);
    const { secretTime: _, ...variables } = expected;
    expect(await savedCredentials.readVariables()).toEqual(variables);
  });

  it('throws if any part of what is saved cannot be read', async () => {
    for (const name of ['A_ID', 'A_STATE', 'A_SECRET'])
      await expect(savedWith({ [`GET ${name}`]: NO_RESPONSE }).savedCredentials.read()).rejects.toThrow(
        new RegExp(`^Could not read (variable|secret) ${name} of acme/app: socket hang up\\.`),
      );
  });

  it.each<[what: string, SecretLocation, Partial<FinalResponse> | Error, exists: boolean | undefined]>([
    ['present', IN_ENVIRONMENT, {}, true],
    ['present, as far as a token sees that may not read it', IN_ENVIRONMENT, { status: 403 }, true],
    ['not present', IN_ENVIRONMENT, MISSING, false],
    ["not known if a page says so that is not GitHub's", IN_ENVIRONMENT, { status: 404, body: '<html>' }, undefined],
    ['not known after a failure of the server', IN_ENVIRONMENT, { status: 503 }, undefined],
    ['not known if there is no response', IN_ENVIRONMENT, NO_RESPONSE, undefined],
    ['not needed', IN_REPOSITORY, NO_RESPONSE, true],
  ])('has an environment that is %s', async (_what, location, response, exists) => {
    const { transport, savedCredentials } = savedWith({ 'GET preview%2Fpr-7': response }, location);
    if (exists === undefined)
      await expect(savedCredentials.environmentExists()).rejects.toThrow('Could not read environment "preview/pr-7"');
    else expect(await savedCredentials.environmentExists()).toBe(exists);
    expect(transport.sent).toEqual(location.environment ? [`GET ${BASE}/environments/preview%2Fpr-7`] : []);
  });

  it('is visible to a token that can read the repository', async () => {
    const isVisible = (response: Partial<FinalResponse>) =>
      savedWith({ 'GET app': response }).savedCredentials.requireVisibleRepository();
    await isVisible(json({ id: 42, full_name: 'Acme/App' }));
    for (const response of [MISSING, { status: 403 }, { status: 301 }, json({ id: 42, full_name: 'acme/renamed' })])
      await expect(isVisible(response)).rejects.toThrow('Could not read repository acme/app: ');
  });

  it('is named in words', () => {
    const names = (location: SecretLocation) => [entryNames(location), locationName(location)];
    expect(names(IN_REPOSITORY)).toEqual(['variables A_ID and A_STATE and secret A_SECRET of acme/app', 'acme/app']);
    expect(names(IN_ENVIRONMENT)).toEqual([
      'variables A_ID and A_STATE and secret A_SECRET of environment "preview/pr-7" of acme/app',
      'environment "preview/pr-7" of acme/app',
    ]);
  });

  it('is found under the same address by hand, whatever the environment is called', async () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => !/^\.\.?$/.test(text));
    await fc.assert(
      fc.asyncProperty(name, async (text) => {
        const location = { ...IN_ENVIRONMENT, environment: text.toWellFormed() };
        const { transport, savedCredentials } = savedWith({}, location);
        await savedCredentials.readVariables();
        const sent = transport.requests.find(({ url }) => url.pathname.endsWith('/A_ID'))?.url.pathname ?? '';
        expect(sent.split('/')).toHaveLength(`${BASE}/environments/x/variables/A_ID`.split('/').length);
        expect(decodeURIComponent(sent)).toBe(decodeURIComponent(entryUrl(API, location, 'variables/A_ID').pathname));
        expect(decodeURIComponent(sent.split('/')[7] ?? '')).toBe(location.environment);
      }),
    );
  });
});

describe('the variable', () => {
  const CONFLICT = { status: 409, ...json({ message: 'Already exists' }) };
  const OK = { status: 204 };
  const CREATED = { status: 201 };
  const reads = (value: string) => ({ 'GET A_ID': json({ value, updated_at: '2026-11-24T08:00:00Z' }) });

  it.each<[what: string, exists: boolean, Responses, sent: string[], error: string | undefined]>([
    ['changed', true, { 'PATCH A_ID': OK }, ['PATCH'], undefined],
    ['created if it was deleted meanwhile', true, { 'POST variables': CREATED }, ['PATCH', 'POST'], undefined],
    ['created', false, { 'POST variables': CREATED }, ['POST'], undefined],
    [
      'changed if it has appeared meanwhile',
      false,
      { 'POST variables': CONFLICT, 'PATCH A_ID': OK },
      ['POST', 'PATCH'],
      undefined,
    ],
    ['not created twice', false, { 'POST variables': CONFLICT }, ['POST', 'PATCH'], 'HTTP 404: Not Found'],
    ['not written after a refusal', true, { 'PATCH A_ID': { status: 403 } }, ['PATCH'], 'HTTP 403'],
    ['not changed on a conflict', true, { 'PATCH A_ID': CONFLICT }, ['PATCH'], 'HTTP 409: Already exists'],
    ['not changed if there can be none', false, {}, ['POST'], 'HTTP 404: Not Found'],
    [
      'not read again after a refusal',
      true,
      { 'PATCH A_ID': { status: 403 }, ...reads('m2morg_1') },
      ['PATCH'],
      'HTTP 403',
    ],
    ...[
      NO_RESPONSE,
      { status: 502, mayBeDone: true },
      { status: 403, mayBeDone: true },
      { status: 200 },
      { status: 202 },
    ].flatMap((response): [string, boolean, Responses, string[], string | undefined][] => {
      const [after, why] = [
        `after ${response instanceof Error ? 'no response' : JSON.stringify(response)}`,
        response instanceof Error ? 'socket hang up' : `HTTP ${response.status}`,
      ];
      return [
        [`changed ${after}`, true, { 'PATCH A_ID': response, ...reads('m2morg_1') }, ['PATCH', 'GET'], undefined],
        [`created ${after}`, false, { 'POST variables': response, ...reads('m2morg_1') }, ['POST', 'GET'], undefined],
        [`not changed ${after}`, true, { 'PATCH A_ID': response, ...reads('m2morg_0') }, ['PATCH', 'GET'], why],
        [`not created ${after}`, false, { 'POST variables': response }, ['POST', 'GET'], why],
        [`not known ${after}`, true, { 'PATCH A_ID': response, 'GET A_ID': NO_RESPONSE }, ['PATCH', 'GET'], why],
      ];
    }),
    [
      'changed after no response, if it has appeared meanwhile',
      false,
      { 'POST variables': CONFLICT, 'PATCH A_ID': NO_RESPONSE, ...reads('m2morg_1') },
      ['POST', 'PATCH', 'GET'],
      undefined,
    ],
    [
      'not created with the status of a change',
      false,
      { 'POST variables': OK },
      ['POST', 'GET'],
      'HTTP 204, but GitHub answers 201 after a success',
    ],
    [
      'not changed with the status of a creation',
      true,
      { 'PATCH A_ID': CREATED },
      ['PATCH', 'GET'],
      'HTTP 201, but GitHub answers 204 after a success',
    ],
  ])('is %s', async (_what, exists, responses, sent, error) => {
    const { transport, savedCredentials } = savedWith(responses);
    const outcome = await savedCredentials.setVariable('A_ID', 'm2morg_1', exists);
    if (error) {
      expect(outcome).toMatchObject({
        kind: sent.at(-1) === 'GET' ? 'unknown' : 'refused',
        error: { message: expect.stringContaining(`Could not write variable A_ID of acme/app: ${error}`) },
      });
    } else expect(outcome.kind).toBe('done');
    expect(transport.requests.map(({ method }) => method)).toEqual(sent);
  });

  it('tells the second request for a variable that the first may have been carried out', async () => {
    for (const mayBeDone of [true, false]) {
      const { transport, savedCredentials } = savedWith({
        'PATCH A_ID': { ...MISSING, mayBeDone },
        'POST variables': { status: 422, mayBeDone },
      });
      expect(await savedCredentials.setVariable('A_ID', 'm2morg_1', true)).toMatchObject({
        kind: mayBeDone ? 'unknown' : 'refused',
      });
      expect(transport.requests.slice(0, 2).map((request) => [request.method, request.mayBeDone])).toEqual([
        ['PATCH', false],
        ['POST', mayBeDone],
      ]);
    }
  });
});

/** The response to a read of a variable, or of a secret, that exists. */
const EXISTS = json({ value: 'm2morg_1', updated_at: '2026-11-24T08:00:00Z' });
it.each<[string, Partial<FinalResponse> | Error, read: Partial<FinalResponse> | Error, existed: boolean | undefined]>([
  ['there was one', { status: 204 }, EXISTS, true],
  ['there was none', MISSING, EXISTS, false],
  ['it is refused', { status: 403 }, MISSING, undefined],
  ['it existed, since an earlier attempt got no response', { ...MISSING, mayBeDone: true }, EXISTS, true],
  ...[
    NO_RESPONSE,
    { status: 502, mayBeDone: true },
    { status: 403, mayBeDone: true },
    { status: 200 },
    { status: 202 },
    { status: 404, body: '<html>' },
  ].flatMap(
    (response): [string, Partial<FinalResponse> | Error, Partial<FinalResponse> | Error, boolean | undefined][] => {
      const after = response instanceof Error ? 'no response' : JSON.stringify(response);
      return [
        [`it does not exist after ${after}`, response, MISSING, true],
        [`it exists after ${after}`, response, EXISTS, undefined],
        [`it cannot be read after ${after}`, response, NO_RESPONSE, undefined],
        [`it may not be read after ${after}`, response, { status: 403 }, undefined],
      ];
    },
  ),
])('a deletion says whether there was something: %s', async (_what, response, read, existed) => {
  const { savedCredentials } = savedWith({
    'DELETE A_ID': response,
    'DELETE A_SECRET': response,
    'GET A_ID': read,
    'GET A_SECRET': read,
  });
  for (const [what, work] of [
    ['variable A_ID', () => savedCredentials.deleteVariable('A_ID')],
    ['secret A_SECRET', () => savedCredentials.deleteSecret()],
  ] as const) {
    if (existed === undefined) await expect(work()).rejects.toThrow(`Could not delete ${what} of acme/app: `);
    else expect(await work()).toBe(existed);
  }
});

describe('a secret that is sent', () => {
  const SEALED = { encrypted_value: 'sealed', key_id: '7' };

  it.each<[what: string, put: Partial<FinalResponse> | Error, kind: 'done' | 'refused' | 'unknown', message: string]>([
    ['is created', { status: 201 }, 'done', ''],
    ['is replaced', { status: 204 }, 'done', ''],
    ['is accepted after an attempt that may have arrived', { status: 204, mayBeDone: true }, 'done', ''],
    ['is refused', { status: 422, ...json({ message: 'Bad key' }) }, 'refused', 'HTTP 422: Bad key.'],
    ['is not found', MISSING, 'refused', 'HTTP 404: Not Found. '],
    ['is never sent', new NetworkError('a', 'ECONNREFUSED', false), 'refused', 'a. '],
    ['gets no response', NO_RESPONSE, 'unknown', 'socket hang up. '],
    ['meets a failure of the server', { status: 503, mayBeDone: true }, 'unknown', 'HTTP 503. '],
    ['is refused after an attempt that may have arrived', { status: 422, mayBeDone: true }, 'unknown', 'HTTP 422.'],
    [
      'gets a success of another kind',
      { status: 200 },
      'unknown',
      'HTTP 200, but GitHub answers 201 or 204 after a success.',
    ],
    [
      "gets a page that is not GitHub's",
      { status: 404, body: '<html>' },
      'unknown',
      "HTTP 404, but it is not GitHub's. ",
    ],
  ])(
    'reports the outcome of the secret, and reads nothing to find it out, if it %s',
    async (_what, put, kind, message) => {
      const { transport, savedCredentials } = savedWith({
        'PUT A_SECRET': put,
        'GET A_SECRET': json({ updated_at: SAVED.secretTime }),
      });
      const outcome = await savedCredentials.setSecret(SEALED);
      expect(outcome).toMatchObject({ kind });
      if (outcome.kind !== 'done')
        expect(outcome.error.message.startsWith(`Could not write secret A_SECRET of acme/app: ${message}`)).toBe(true);
      expect(transport.requests.map(({ method, repeatable }) => [method, repeatable])).toEqual([['PUT', true]]);
    },
  );

  it('sends no secret that cannot be sealed, and reports nothing of it', async () => {
    const { transport, savedCredentials } = savedWith();
    await savedCredentials.open();
    const sealing = () =>
      savedCredentials.seal(() => {
        throw new Error(TOKEN);
      });
    expect(sealing).toThrow('Could not seal the secret for acme/app: its public key is not usable.');
    expect(sealing).toThrow(expect.objectContaining({ name: 'ApiError' }));
    expect(transport.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('seals the secret with the key that GitHub showed', async () => {
    const { savedCredentials } = savedWith();
    await savedCredentials.open();
    expect(savedCredentials.seal((key) => `for ${key}`)).toEqual({ encrypted_value: `for ${KEY}`, key_id: '7' });
  });
});
