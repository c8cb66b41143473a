import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { targetFromApi, targetFromIdToken, targetFromRunner } from '../../../src/client/target.ts';
import { GitHub } from '../../../src/github/api.ts';
import { getIdToken } from '../../../src/github/id-token.ts';
import { readRunner } from '../../../src/github/runner.ts';
import { entryUrl, SavedCredentials } from '../../../src/github/saved-credentials.ts';
import type { FinalResponse, Transport } from '../../../src/net/transport.ts';
import { Places } from '../../../src/steps/places.ts';
import {
  anyBody,
  anyHeader,
  bodiesWithLineBreaks,
  CANARY,
  expectNoQuote,
  failureOf,
  LONG,
  longListOf,
  truncatedBodies,
  WRONG_VALUES,
  withField,
  withUnknownFields,
} from '../../support/responses.ts';
import { FakeTransport, LOCATION, MARKER, SAVED } from '../fixtures.ts';
import { RUNNER } from '../input-fixtures.ts';

// Responses of GitHub that differ from what its API documents.

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const API = 'https://api.example';
const JSON_HEADERS = { 'content-type': 'application/json' };
const TIME = '2026-11-24T08:00:00Z';
/** GitHub's responses about saved credentials, by the last part of the path. */
const SAVED_RESPONSES: Record<string, object> = {
  'public-key': { key: Buffer.alloc(32, 1).toString('base64'), key_id: CANARY },
  A_ID: { name: 'A_ID', value: CANARY, created_at: TIME, updated_at: TIME },
  A_STATE: { name: 'A_STATE', value: SAVED.state, created_at: TIME, updated_at: TIME },
  A_SECRET: { name: 'A_SECRET', created_at: TIME, updated_at: TIME },
};
/** The variables of a job that may have an ID token. */
const ENV = {
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://id.example/',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: ['fake', 'request'].join('-'),
};
const jwt = (payload: unknown) => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.e30`;

const gitHub = (transport: Transport) => new GitHub(transport, { api: API, token: 'a' });
const readSaved = (transport: Transport) => new SavedCredentials(gitHub(transport), LOCATION).open();
const gitHubWith = (response: Partial<FinalResponse>) =>
  gitHub(new FakeTransport(() => ({ headers: JSON_HEADERS, ...response })));

interface Documented {
  /** What the response shows. */
  what: string;
  /** The last part of the path of the request. */
  path: string;
  response: object;
  /** Names of required fields. */
  fields: string[];
  /** Sends the request, and returns what was read. */
  read: (transport: Transport) => Promise<unknown>;
}

const RESPONSES: Documented[] = [
  {
    what: 'a repository',
    path: 'other',
    response: {
      id: 99,
      full_name: 'acme/other',
      owner: { login: 'acme', id: 9919 },
      visibility: 'private',
      description: CANARY,
    },
    fields: ['id', 'full_name'],
    read: (transport) =>
      gitHub(transport).getRepository('acme/other', (repository) => targetFromApi(repository, 'production')),
  },
  {
    what: 'a workflow run',
    path: '5',
    response: { id: 5, run_attempt: 2, status: 'completed', conclusion: 'success', display_title: CANARY },
    fields: ['id', 'run_attempt', 'status'],
    read: (transport) => gitHub(transport).getRun('acme/app', '5'),
  },
  {
    what: 'a public key',
    path: 'public-key',
    response: SAVED_RESPONSES['public-key'] ?? {},
    fields: ['key', 'key_id'],
    read: readSaved,
  },
  {
    what: 'a variable',
    path: 'A_ID',
    response: SAVED_RESPONSES.A_ID ?? {},
    fields: ['value', 'updated_at'],
    read: readSaved,
  },
  {
    what: 'the time of a secret',
    path: 'A_SECRET',
    response: SAVED_RESPONSES.A_SECRET ?? {},
    fields: ['updated_at'],
    read: readSaved,
  },
  {
    what: 'an ID token',
    path: '',
    response: { value: jwt({ repository: 'acme/app' }), count: 1 },
    fields: ['value'],
    read: (transport) => getIdToken(transport, ENV),
  },
];

/** Returns a transport that returns this body for a path, and what GitHub documents for the other ones. */
const transportWith = (path: string, body: string) =>
  new FakeTransport(({ url }) => {
    const last = url.pathname.split('/').at(-1) ?? '';
    return { headers: JSON_HEADERS, body: last === path ? body : JSON.stringify(SAVED_RESPONSES[last]) };
  });

describe('a success of GitHub', () => {
  it.each(RESPONSES)('ignores unknown fields in $what from GitHub', async ({ path, response, read }) => {
    const documented = await read(transportWith(path, JSON.stringify(response)));
    expect(documented).toBeTruthy();
    expect(await read(transportWith(path, JSON.stringify(withUnknownFields(response))))).toEqual(documented);
  });

  it.each(RESPONSES)(
    'fails without quoting GitHub if a field in $what has a wrong type',
    async ({ path, response, fields, read }) => {
      for (const field of fields)
        for (const value of WRONG_VALUES) {
          const error = await failureOf(read(transportWith(path, withField(response, field, value))));
          expect(error.message).toMatch(/^Could not .*: HTTP 200, but /);
          expectNoQuote(error);
        }
    },
  );

  it.each(RESPONSES)('fails without quoting GitHub if $what is cut off', async ({ path, response, read }) => {
    for (const body of truncatedBodies(response)) {
      const error = await failureOf(read(transportWith(path, body)));
      expect(error.message).toMatch(/^Could not .*: HTTP 200, but the answer is not JSON \(\d+ characters\)\./);
      expectNoQuote(error);
    }
  });

  it.each(WRONG_VALUES)('audit/ finds no repository, and quotes nothing, if its name is %s', async (value) => {
    const places = new Places(readRunner(RUNNER));
    const client = { client_id: 'm2morg_1', marker: { ...MARKER, repo: '1', by: '1' }, isContradictory: false };
    await places.lookUp(gitHubWith({ body: withField({ id: 1, full_name: 'acme/app' }, 'full_name', value) }), [
      client,
    ]);
    expect(places.repositoryOf(client)).toEqual({ id: '1', name: undefined });
    expect(places.missed.repositories).toEqual({
      count: 1,
      reason: expect.stringMatching(/^Could not .* HTTP 200, but /),
    });
    expect(places.missed.repositories.reason).not.toContain(CANARY);
  });

  it('addresses variables of an environment whose name in the ID token has half a surrogate pair', () => {
    const runner = targetFromRunner(readRunner(RUNNER), RUNNER, '');
    const payload = { repository: 'acme/app', environment: 'pr-\ud800/..' };
    const { environment } = targetFromIdToken(payload, runner, () => () => {});
    expect(environment).toBe('pr-\ufffd/..');
    expect(entryUrl(API, { ...LOCATION, environment }, 'variables/A_ID').pathname).toBe(
      '/repos/acme/app/environments/pr-%EF%BF%BD%2F../variables/A_ID',
    );
  });
});

describe('a refusal of GitHub', () => {
  it('shows the message of a refusal by GitHub on one line, whatever line breaks it has', async () => {
    for (const body of bodiesWithLineBreaks()) {
      const { message } = await failureOf(gitHubWith({ status: 400, body }).getRun('acme/app', '5'));
      expect({ body, message }).toEqual({ body, message: expect.not.stringMatching(/[\r\n]/) });
    }
  });

  it('reports a refusal by GitHub with any body and headers in one short error', async () => {
    const fields = {
      'retry-after': anyHeader,
      date: anyHeader,
      location: anyHeader,
      'x-ratelimit-remaining': anyHeader,
    };
    const status = fc.constantFrom(301, 400, 403, 409, 422, 500, 503);
    await fc.assert(
      fc.asyncProperty(status, fc.record(fields, { requiredKeys: [] }), anyBody, async (status, headers, body) => {
        const error = await failureOf(gitHubWith({ status, headers, body }).getRun('acme/app', '5'));
        expect(error.message).toMatch(/^Could not read the workflow runs that clients were created for: /);
        expect(error.message.length).toBeLessThan(4_000);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[what: string, body: () => string]>([
    ['messages', () => `{"errors":[${longListOf((at) => `"e${at}"`)}]}`],
    ['letters in one message', () => JSON.stringify({ message: 'x'.repeat(LONG) })],
  ])('shortens a refusal by GitHub without delay if it has very many %s', async (_what, body) => {
    const error = await failureOf(gitHubWith({ status: 400, body: body() }).getRun('acme/app', '5'));
    expect(error.message.length).toBeLessThan(4_000);
  });
});
