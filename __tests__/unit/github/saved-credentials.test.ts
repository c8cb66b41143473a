import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  entryNames,
  entryUrl,
  locationName,
  type SavedSnapshot,
  type SecretLocation,
} from '../../../src/github/saved-credentials.ts';
import type { HttpRequest } from '../../../src/net/transport.ts';
import { FORBIDDEN, json, LOCATION, MISSING, NO_RESPONSE, NOTHING_SAVED, SAVED } from '../fixtures.ts';
import { API, type FakeResponse, KEY, PAGE, type Responses, savedWith, TOKEN } from './fake-saved-credentials.ts';

const BASE = '/api/v3/repos/acme/app';
const IN_REPOSITORY: SecretLocation = LOCATION;
const IN_ENVIRONMENT: SecretLocation = { ...IN_REPOSITORY, environment: 'preview/pr-7' };
const UNKNOWN_TOKEN = { status: 401, ...json({ message: 'Bad credentials' }) };

/** Returns the parsed body of a request. */
const body = (request: HttpRequest | undefined) => JSON.parse(request?.body ?? 'null');

it.each<[what: string, location: SecretLocation, base: string]>([
  ['a repository', IN_REPOSITORY, `${BASE}/actions`],
  ['an environment', IN_ENVIRONMENT, `${BASE}/environments/preview%2Fpr-7`],
])('SavedCredentials reads and writes variables and secret of %s', async (_what, location, base) => {
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
  expect(await savedCredentials.deleteVariable('A_ID')).toBe(true);
  expect(await savedCredentials.deleteSecret()).toBe(true);
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

describe('opening saved credentials', () => {
  it('SavedCredentials.open sends only GET requests, and succeeds if nothing is saved', async () => {
    const { transport, savedCredentials } = savedWith();
    expect(await savedCredentials.open()).toEqual(NOTHING_SAVED);
    expect(transport.sent[0]).toBe(`GET ${BASE}/actions/secrets/public-key`);
    expect(transport.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'GET']);
  });

  /** What the error says if the server does not have GitHub's API for secrets. */
  const NO_SAVING =
    "Check which server answers at GITHUB_API_URL. Gitea and Forgejo do not have GitHub's API for secrets, so save_to cannot work there, neither in the main action nor in delete/. Without save_to, the client, the outputs and delete/ work.";
  const NO_KEY = 'Could not read the public key for secrets of acme/app: HTTP 200, but it holds no public key.';

  it.each<{ what: string; location?: SecretLocation; responses: Responses; message: string }>([
    {
      what: 'a token that may not read the public key',
      responses: { 'public-key': FORBIDDEN },
      message:
        'Could not read the public key for secrets of acme/app: HTTP 403: Resource not accessible by integration. github_token lacks a permission. A fine-grained token needs the repository permission Secrets (write)',
    },
    {
      what: "a token that may not read an environment's variables",
      location: IN_ENVIRONMENT,
      responses: { 'GET preview%2Fpr-7': {}, 'GET A_ID': FORBIDDEN },
      message: 'A fine-grained token needs the repository permissions Environments (write) and Actions (read)',
    },
    {
      what: 'an environment that does not exist',
      location: IN_ENVIRONMENT,
      responses: { 'GET preview%2Fpr-7': MISSING },
      message:
        'Could not read environment "preview/pr-7" of acme/app: HTTP 404: Not Found. There is no environment "preview/pr-7", or github_token may not see it. Create it in Settings → Environments.',
    },
    {
      what: "a token that may not read the repository's variables",
      responses: { 'GET A_ID': FORBIDDEN },
      message:
        'Could not read variable A_ID of acme/app: HTTP 403: Resource not accessible by integration. github_token lacks a permission. A fine-grained token needs the repository permission Variables (write)',
    },
    {
      what: 'an empty public key',
      responses: { 'public-key': json({ key: '', key_id: '7' }) },
      message: NO_KEY,
    },
    {
      what: 'a public key without an id',
      responses: { 'public-key': json({ key: KEY }) },
      message: NO_KEY,
    },
    {
      what: 'a public key of 33 bytes',
      responses: { 'public-key': json({ key: Buffer.alloc(33, 7).toString('base64'), key_id: '7' }) },
      message: NO_KEY,
    },
    {
      what: 'a secret that has no time',
      responses: { 'GET A_SECRET': json({ updated_at: 'soon' }) },
      message: 'Could not read secret A_SECRET of acme/app: HTTP 200, but updated_at is not a time.',
    },
    {
      what: 'a variable without a value',
      responses: { 'GET A_ID': json({ value: null }) },
      message: 'Could not read variable A_ID of acme/app: HTTP 200, but value is not a string.',
    },
    {
      what: 'a 404 of a server in between',
      responses: { 'GET A_SECRET': PAGE },
      message: `Could not read secret A_SECRET of acme/app: HTTP 404, but it is not GitHub's. ${NO_SAVING}`,
    },
    {
      what: 'a method that Gitea and Forgejo do not have for secrets',
      responses: { 'GET A_SECRET': { status: 405 } },
      message: `Could not read secret A_SECRET of acme/app: HTTP 405. ${NO_SAVING}`,
    },
    {
      what: 'a response that is not JSON',
      responses: { 'GET A_ID': { body: '<html>' } },
      message: 'Could not read variable A_ID of acme/app: HTTP 200, but the answer is not JSON (6 characters).',
    },
  ])('SavedCredentials.open fails with an error about $what', async ({ location, responses, message }) => {
    await expect(savedWith(responses, location).savedCredentials.open()).rejects.toThrow(message);
  });

  it('SavedCredentials.open succeeds if the token can read the public key, but not the environment itself', async () => {
    const { savedCredentials } = savedWith({ 'GET preview%2Fpr-7': { status: 403 } }, IN_ENVIRONMENT);
    await expect(savedCredentials.open()).resolves.toEqual(NOTHING_SAVED);
  });

  const SHOWN: Responses = {
    'GET preview%2Fpr-7': {},
    'GET A_ID': json({ value: SAVED.client_id, updated_at: SAVED.stateTime }),
    'GET A_STATE': json({ value: SAVED.state, updated_at: SAVED.stateTime }),
    'GET A_SECRET': json({ updated_at: SAVED.secretTime }),
  };

  /** Returns credentials that GitHub shows from the first pause on. @param first the responses before it */
  const savedWithFirst = (first: Responses, location: SecretLocation) => {
    const responses: Responses = { ...SHOWN, ...first };
    const { transport, savedCredentials } = savedWith(responses, location);
    transport.wait = async () => {
      for (const name of Object.keys(first)) delete responses[name];
      Object.assign(responses, SHOWN);
      return true;
    };
    return { transport, savedCredentials };
  };

  /** Returns credentials for which each pause is an error. */
  const savedWithoutPause = (responses: Responses, location?: SecretLocation) => {
    const { transport, savedCredentials } = savedWith(responses, location);
    transport.wait = () => Promise.reject(new Error('waits'));
    return savedCredentials;
  };

  it.each<[what: string, location: SecretLocation, first: Responses]>([
    ['GitHub knows the token', IN_REPOSITORY, { 'public-key': UNKNOWN_TOKEN }],
    ['each part of GitHub knows the token', IN_ENVIRONMENT, { 'GET A_SECRET': UNKNOWN_TOKEN }],
    [
      'the token sees the repository and its variables',
      IN_REPOSITORY,
      { 'public-key': MISSING, 'GET A_ID': MISSING, 'GET A_STATE': MISSING, 'GET A_SECRET': MISSING },
    ],
    ['GitHub knows the environment', IN_ENVIRONMENT, { 'GET preview%2Fpr-7': MISSING, 'public-key': MISSING }],
  ])('SavedCredentials.open repeats all reads until %s', async (_what, location, first) => {
    const { transport, savedCredentials } = savedWithFirst(first, location);
    expect(await savedCredentials.open()).toEqual(SAVED);
    expect(transport.sent).toHaveLength(location.environment ? 10 : 8);
  });

  it.each<[what: string, location: SecretLocation]>([
    ['a repository', IN_REPOSITORY],
    ['an environment', IN_ENVIRONMENT],
  ])(
    'SavedCredentials.open does not wait for missing variables and a missing secret of %s',
    async (_what, location) => {
      const savedCredentials = savedWithoutPause({ 'GET preview%2Fpr-7': {} }, location);
      expect(await savedCredentials.open()).toEqual(NOTHING_SAVED);
    },
  );

  it('SavedCredentials.open waits for a new token, but not for an environment that may have been deleted', async () => {
    const deleted = savedWithoutPause({ 'public-key': MISSING }, IN_ENVIRONMENT);
    await expect(deleted.open({ mayBeGone: true })).rejects.toMatchObject({ status: 404 });
    const { savedCredentials } = savedWithFirst({ 'public-key': UNKNOWN_TOKEN }, IN_ENVIRONMENT);
    expect(await savedCredentials.open({ mayBeGone: true })).toEqual(SAVED);
  });

  it('SavedCredentials.read never waits, neither after 401 nor after 404', async () => {
    const unknownToken = savedWithoutPause({ 'GET A_ID': UNKNOWN_TOKEN, 'GET A_STATE': UNKNOWN_TOKEN });
    await expect(unknownToken.read()).rejects.toMatchObject({ status: 401 });
    expect(await savedWithoutPause({}).read()).toEqual(NOTHING_SAVED);
  });
});

describe('reading saved credentials', () => {
  it.each<[what: string, responses: Responses, expected: SavedSnapshot]>([
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
      'the time at which the secret was written',
      { 'GET A_SECRET': json({ updated_at: SAVED.secretTime }) },
      { ...NOTHING_SAVED, secretTime: SAVED.secretTime },
    ],
  ])('SavedCredentials.read returns what GitHub shows at that time: %s', async (_what, found, expected) => {
    const responses: Responses = {};
    const { savedCredentials } = savedWith(responses);
    expect(await savedCredentials.read()).toEqual(NOTHING_SAVED);
    Object.assign(responses, found);
    expect(await savedCredentials.read()).toEqual(expected);
    const { secretTime: _, ...variables } = expected;
    expect(await savedCredentials.readVariables()).toEqual(variables);
  });

  it.each(['A_ID', 'A_STATE', 'A_SECRET'])('SavedCredentials.read fails if it cannot read %s', async (name) => {
    await expect(savedWith({ [`GET ${name}`]: NO_RESPONSE }).savedCredentials.read()).rejects.toThrow(
      new RegExp(`^Could not read (variable|secret) ${name} of acme/app: socket hang up\\.`),
    );
  });

  it.each<[exists: boolean, what: string, response: FakeResponse]>([
    [true, 'a success', {}],
    [true, 'a 403, which a token gets that may not read environments', { status: 403 }],
    [false, 'a 404', MISSING],
  ])('SavedCredentials.environmentExists returns %s if GitHub responds with %s', async (exists, _what, response) => {
    const { transport, savedCredentials } = savedWith({ 'GET preview%2Fpr-7': response }, IN_ENVIRONMENT);
    expect(await savedCredentials.environmentExists()).toBe(exists);
    expect(transport.sent).toEqual([`GET ${BASE}/environments/preview%2Fpr-7`]);
  });

  it.each<[what: string, response: FakeResponse]>([
    ['a 404 of a server in between', PAGE],
    ['a failure of the server', { status: 503 }],
    ['no response', NO_RESPONSE],
  ])('SavedCredentials.environmentExists throws an error after %s', async (_what, response) => {
    const { savedCredentials } = savedWith({ 'GET preview%2Fpr-7': response }, IN_ENVIRONMENT);
    await expect(savedCredentials.environmentExists()).rejects.toThrow('Could not read environment "preview/pr-7"');
  });

  it('SavedCredentials.environmentExists returns true without a request if the location is a repository', async () => {
    const { transport, savedCredentials } = savedWith();
    expect(await savedCredentials.environmentExists()).toBe(true);
    expect(transport.sent).toEqual([]);
  });

  it('SavedCredentials.requireVisibleRepository fails unless the token can read the repository', async () => {
    const requireVisible = (response: FakeResponse) =>
      savedWith({ 'GET app': response }).savedCredentials.requireVisibleRepository();
    await requireVisible(json({ id: 42, full_name: 'Acme/App' }));
    for (const response of [MISSING, { status: 403 }, json({ id: 42, full_name: 'acme/renamed' })])
      await expect(requireVisible(response)).rejects.toThrow('Could not read repository acme/app: ');
  });
});

describe('the names of a location', () => {
  it.each<{ what: string; location: SecretLocation; name: string }>([
    { what: 'a repository', location: IN_REPOSITORY, name: 'acme/app' },
    { what: 'an environment', location: IN_ENVIRONMENT, name: 'environment "preview/pr-7" of acme/app' },
  ])('locationName and entryNames return the name of $what for a message', ({ location, name }) => {
    expect(locationName(location)).toBe(name);
    expect(entryNames(location)).toBe(`variables A_ID and A_STATE and secret A_SECRET of ${name}`);
  });

  it('entryUrl returns the URL to which the requests are sent, for any name of an environment', async () => {
    const unit = fc.constantFrom(...'aZ0-_. /\\%?#&+:@ä€😀', '\ud800');
    const name = fc.string({ unit, minLength: 1, maxLength: 20 }).filter((text) => !/^\.\.?$/.test(text));
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
      { numRuns: 40 },
    );
  });
});
