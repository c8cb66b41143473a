import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { GitHub } from '../../../src/github/api.ts';
import {
  entryNames,
  locationName,
  SavedCredentials,
  type SecretLocation,
  variableUrl,
} from '../../../src/github/saved-credentials.ts';
import type { ApiError } from '../../../src/net/api-error.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { HttpRequest, HttpResponse } from '../../../src/net/transport.ts';
import { FakeTransport, json } from '../fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TOKEN = ['fake', 'github', 'token'].join('-');
const KEY = Buffer.alloc(32, 7).toString('base64');
const BASE = '/api/v3/repos/acme/app';
const IN_REPOSITORY: SecretLocation = { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' };
const IN_ENVIRONMENT: SecretLocation = { ...IN_REPOSITORY, environment: 'preview/pr-7' };
/** Each kind of location, with the path of its variables and secrets. */
const SCOPES: [string, SecretLocation, string][] = [
  ['a repository', IN_REPOSITORY, `${BASE}/actions`],
  ['an environment', IN_ENVIRONMENT, `${BASE}/environments/preview%2Fpr-7`],
];
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };
const NO_RESPONSE = new NetworkError('socket hang up', 'ECONNRESET', true);

type Responses = Record<string, Partial<HttpResponse> | Error>;

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
        'GET A_ID': json({ name: 'A_ID', value: 'm2morg_1', updated_at: '2026-11-24T07:59:58Z' }),
        'GET A_SECRET': json({ name: 'A_SECRET', updated_at: '2026-11-24T08:00:00Z' }),
        'GET preview%2Fpr-7': json({}),
        'POST variables': { status: 201 },
        'PATCH A_ID': { status: 204 },
        'PUT A_SECRET': { status: 201 },
        'DELETE A_ID': { status: 204 },
        'DELETE A_SECRET': { status: 204 },
      },
      location,
    );
    await savedCredentials.open();
    expect(savedCredentials.snapshot).toEqual({
      client_id: 'm2morg_1',
      variableTime: '2026-11-24T07:59:58Z',
      secretTime: '2026-11-24T08:00:00Z',
    });
    const openCount = transport.sent.length;
    await savedCredentials.setVariable('m2morg_2', true);
    await savedCredentials.setVariable('m2morg_2', false);
    await savedCredentials.setSecret((key) => `sealed with ${key}`);
    expect([await savedCredentials.deleteVariable(), await savedCredentials.deleteSecret()]).toEqual([true, true]);
    expect(transport.sent.slice(openCount)).toEqual([
      `PATCH ${base}/variables/A_ID`,
      `POST ${base}/variables`,
      `PUT ${base}/secrets/A_SECRET`,
      `DELETE ${base}/variables/A_ID`,
      `DELETE ${base}/secrets/A_SECRET`,
    ]);
    expect(transport.requests.slice(openCount).map(body)).toEqual([
      { value: 'm2morg_2' },
      { name: 'A_ID', value: 'm2morg_2' },
      { encrypted_value: `sealed with ${KEY}`, key_id: '7' },
      null,
      null,
    ]);
    expect([...transport.sent.slice(0, openCount)].sort()).toEqual(
      [
        `GET ${base}/secrets/public-key`,
        ...(location.environment ? [`GET ${base}`] : []),
        `GET ${base}/variables/A_ID`,
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
    await savedCredentials.open();
    expect(savedCredentials.snapshot).toEqual({ client_id: undefined, secretTime: undefined });
    expect(transport.sent[0]).toBe(`GET ${BASE}/actions/secrets/public-key`);
    expect(transport.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET']);
  });

  it.each<[string, SecretLocation, Responses, string]>([
    [
      'a token that may not read the key',
      IN_REPOSITORY,
      { 'public-key': { status: 403, ...json({ message: 'Resource not accessible' }) } },
      'Could not read the public key for secrets of acme/app: HTTP 403: Resource not accessible. github_token may not do that. It needs a fine-grained token the repository permission Secrets (write)',
    ],
    [
      "a token that may not read an environment's variables",
      IN_ENVIRONMENT,
      { 'GET preview%2Fpr-7': {}, 'GET A_ID': { status: 403 } },
      'It needs a fine-grained token the repository permissions Environments (write) and Actions (read)',
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
      { 'GET A_ID': { status: 403 } },
      'Could not read variable A_ID of acme/app: HTTP 403. github_token may not do that. It needs a fine-grained token the repository permission Variables (write)',
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
      "Could not read secret A_SECRET of acme/app: HTTP 404, but it is not GitHub's. Check who answers at GITHUB_API_URL.",
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

  it('is opened with the public key of an environment, even if the token cannot read the environment itself', async () => {
    const { savedCredentials } = savedWith({ 'GET preview%2Fpr-7': { status: 403 } }, IN_ENVIRONMENT);
    await expect(savedCredentials.open()).resolves.toBeUndefined();
  });

  it('is read again, and what exists then counts', async () => {
    const responses: Responses = {};
    const { savedCredentials } = savedWith(responses);
    await savedCredentials.open();
    const time = '2026-11-24T08:00:00Z';
    responses['GET A_ID'] = json({ value: '', updated_at: time });
    responses['GET A_SECRET'] = json({ updated_at: time });
    const now = { client_id: '', variableTime: time, secretTime: time };
    expect(await savedCredentials.refresh()).toEqual(now);
    expect(savedCredentials.snapshot).toEqual(now);
    responses['GET A_ID'] = NO_RESPONSE;
    await expect(savedCredentials.refresh()).rejects.toThrow(
      'Could not read variable A_ID of acme/app: socket hang up.',
    );
    expect(savedCredentials.snapshot).toEqual(now);
  });

  it.each<[what: string, SecretLocation, Partial<HttpResponse> | Error, exists: boolean | undefined]>([
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
    const isVisible = (response: Partial<HttpResponse>) =>
      savedWith({ 'GET app': response }).savedCredentials.requireVisibleRepository();
    expect(await isVisible(json({ id: 42, full_name: 'Acme/App' }))).toBe(true);
    for (const response of [MISSING, { status: 403 }, { status: 301 }, json({ id: 42, full_name: 'acme/renamed' })])
      await expect(isVisible(response)).rejects.toThrow('Could not read repository acme/app: ');
  });

  it('is named in words', () => {
    const names = (location: SecretLocation) => [entryNames(location), locationName(location)];
    expect(names(IN_REPOSITORY)).toEqual(['variable A_ID and secret A_SECRET of acme/app', 'acme/app']);
    expect(names(IN_ENVIRONMENT)).toEqual([
      'variable A_ID and secret A_SECRET of environment "preview/pr-7" of acme/app',
      'environment "preview/pr-7" of acme/app',
    ]);
  });

  it('is found under the same address by hand, whatever the environment is called', async () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => !/^\.\.?$/.test(text));
    await fc.assert(
      fc.asyncProperty(name, async (text) => {
        const location = { ...IN_ENVIRONMENT, environment: text.toWellFormed() };
        const { transport, savedCredentials } = savedWith({}, location);
        await savedCredentials.getVariable();
        const sent = transport.requests[0]?.url.pathname ?? '';
        expect(sent.split('/')).toHaveLength(`${BASE}/environments/x/variables/A_ID`.split('/').length);
        expect(decodeURIComponent(sent)).toBe(decodeURIComponent(variableUrl(API, location).pathname));
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
      { status: 502 },
      { status: 403, earlierOutcomeUnknown: true },
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
      'HTTP 204, but GitHub says 201',
    ],
    [
      'not changed with the status of a creation',
      true,
      { 'PATCH A_ID': CREATED },
      ['PATCH', 'GET'],
      'HTTP 201, but GitHub says 204',
    ],
  ])('is %s', async (_what, exists, responses, sent, error) => {
    const { transport, savedCredentials } = savedWith(responses);
    const writing = savedCredentials.setVariable('m2morg_1', exists);
    if (error) {
      const failure = await writing.catch((error: ApiError) => error);
      expect(failure).toMatchObject({ outcomeUnknown: sent.at(-1) === 'GET' });
      expect(failure).toMatchObject({
        message: expect.stringContaining(`Could not write variable A_ID of acme/app: ${error}`),
      });
    } else await writing;
    expect(transport.requests.map(({ method }) => method)).toEqual(sent);
  });
});

/** The response to a read of a variable, or of a secret, that exists. */
const EXISTS = json({ value: 'm2morg_1', updated_at: '2026-11-24T08:00:00Z' });
it.each<[string, Partial<HttpResponse> | Error, read: Partial<HttpResponse> | Error, existed: boolean | undefined]>([
  ['there was one', { status: 204 }, EXISTS, true],
  ['there was none', MISSING, EXISTS, false],
  ['it is refused', { status: 403 }, MISSING, undefined],
  ['it existed, since an earlier attempt got no response', { ...MISSING, earlierOutcomeUnknown: true }, EXISTS, true],
  ...[NO_RESPONSE, { status: 502 }, { status: 200 }, { status: 202 }, { status: 404, body: '<html>' }].flatMap(
    (response): [string, Partial<HttpResponse> | Error, Partial<HttpResponse> | Error, boolean | undefined][] => {
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
    ['variable A_ID', () => savedCredentials.deleteVariable()],
    ['secret A_SECRET', () => savedCredentials.deleteSecret()],
  ] as const) {
    if (existed === undefined) await expect(work()).rejects.toThrow(`Could not delete ${what} of acme/app: `);
    else expect(await work()).toBe(existed);
  }
});

describe('a secret that was sent', () => {
  const DATE = Date.parse('2026-11-24T08:00:00Z');
  /** Returns a time as GitHub formats it. @param seconds after `DATE` */
  const at = (seconds: number) => new Date(DATE + seconds * 1000).toISOString().replace('.000Z', 'Z');
  const headers = { date: new Date(DATE).toUTCString() };
  /** Returns the response to a read of the secret. @param updated_at undefined if there is no secret */
  const readAs = (updated_at: string | undefined): Partial<HttpResponse> =>
    updated_at === undefined ? MISSING : { headers, ...json({ updated_at }) };
  const REFUSED = { status: 422, ...json({ message: 'Bad key' }) };
  const OUTAGE = { status: 503 };

  /**
   * Writes the secret.
   * @param put the response to the write
   * @param before time of the secret before the write
   * @param after the response to each read after the write
   * @returns the outcome, and the number of those reads
   */
  async function outcome(
    put: Partial<HttpResponse> | Error,
    before: string | undefined,
    after: Partial<HttpResponse> | Error,
  ): Promise<{ outcome: 'saved' | 'refused' | 'unknown'; message: string; reads: number }> {
    const responses: Responses = { 'PUT A_SECRET': put, 'GET A_SECRET': readAs(before) };
    const { transport, savedCredentials } = savedWith(responses);
    await savedCredentials.open();
    const reads = () => transport.sent.filter((sent) => sent === `GET ${BASE}/actions/secrets/A_SECRET`).length - 1;
    responses['GET A_SECRET'] = after;
    try {
      await savedCredentials.setSecret((key) => `sealed with ${key}`);
      return { outcome: 'saved', message: '', reads: reads() };
    } catch (error) {
      const { outcomeUnknown, message } = error as { outcomeUnknown: boolean; message: string };
      return { outcome: outcomeUnknown ? 'unknown' : 'refused', message, reads: reads() };
    }
  }

  it.each([
    ['is waited for, if GitHub did not respond in time', 'TIMEOUT', 3, 'saved'],
    ['is waited for until half of the remaining time is over', 'TIMEOUT', 9, 'refused'],
    ['is not waited for, if the connection broke', 'ECONNRESET', 3, 'refused'],
  ])('%s', async (_what, code, writtenAfter, expected) => {
    const responses: Responses = { 'PUT A_SECRET': new NetworkError('a', code, true), 'GET A_SECRET': readAs(at(-60)) };
    const { transport, savedCredentials } = savedWith(responses);
    await savedCredentials.open();
    let seconds = 0;
    jest.spyOn(transport, 'remaining', 'get').mockImplementation(() => 10_000 - seconds * 1000);
    jest.spyOn(transport, 'pause').mockImplementation(async (milliseconds) => {
      seconds += milliseconds / 1000;
      if (seconds === writtenAfter) responses['GET A_SECRET'] = readAs(at(0));
    });
    const outcome = await savedCredentials
      .setSecret(() => 'sealed')
      .then(
        () => 'saved',
        ({ outcomeUnknown }) => (outcomeUnknown ? 'unknown' : 'refused'),
      );
    const waited = { saved: 3, refused: code === 'TIMEOUT' ? 5 : 0 }[outcome];
    expect([outcome, seconds]).toEqual([expected, waited]);
  });

  it.each<
    [
      what: string,
      put: Partial<HttpResponse> | Error,
      before: string | undefined,
      after: Partial<HttpResponse> | Error,
      expected: string,
      reads: number,
    ]
  >([
    ['and accepted as a new one', { status: 201 }, undefined, readAs(undefined), 'saved', 0],
    ['and accepted', { status: 204 }, at(-60), readAs(at(-60)), 'saved', 0],
    ['and refused', REFUSED, at(-60), readAs(at(0)), 'refused', 0],
    ['and never sent', new NetworkError('a', 'ECONNREFUSED', false), undefined, readAs(at(0)), 'refused', 0],
    ['and got no response, and has another time since', NO_RESPONSE, at(-60), readAs(at(0)), 'saved', 1],
    ['and got no response, and is there since', NO_RESPONSE, undefined, readAs(at(0)), 'saved', 1],
    ['and got no response, and has the time that it had', NO_RESPONSE, at(-60), readAs(at(-60)), 'refused', 1],
    ['and got no response, and is not there still', NO_RESPONSE, undefined, readAs(undefined), 'refused', 1],
    ['and got no response, and cannot be read', NO_RESPONSE, at(-60), { status: 403 }, 'unknown', 1],
    ['and got no response, and neither did the read', NO_RESPONSE, at(-60), NO_RESPONSE, 'unknown', 1],
    ['and got no response, and is shown without a time', NO_RESPONSE, at(-60), { headers, body: '[]' }, 'unknown', 1],
    ['and got no response, and was written in the same second before', NO_RESPONSE, at(0), readAs(at(0)), 'unknown', 1],
    [
      'and got no response, and was written a second before, which GitHub rounds',
      NO_RESPONSE,
      at(-1),
      readAs(at(-1)),
      'unknown',
      1,
    ],
    ['and got no response, and was written well before', NO_RESPONSE, at(-3), readAs(at(-3)), 'refused', 1],
    ['and got no response, and has a time that is none since', NO_RESPONSE, at(-60), readAs('soon'), 'unknown', 1],
    ['and got no response, and is gone since', NO_RESPONSE, at(-60), readAs(undefined), 'unknown', 1],
    ['and got a success of another kind, and has another time', { status: 200 }, at(-60), readAs(at(0)), 'saved', 1],
    [
      'and got a success of another kind, and has the same time',
      { status: 202 },
      at(-60),
      readAs(at(-60)),
      'refused',
      1,
    ],
    ["and got a page that is not GitHub's", { status: 404, body: '<html>' }, at(-60), NO_RESPONSE, 'unknown', 1],
    ['and met a failure of the server, and has another time', OUTAGE, at(-60), readAs(at(0)), 'saved', 1],
    ['and met a failure of the server, and has the same time', OUTAGE, at(-60), readAs(at(-60)), 'refused', 1],
    [
      'and refused when it was sent again',
      { ...REFUSED, earlierOutcomeUnknown: true },
      at(-60),
      readAs(at(0)),
      'saved',
      1,
    ],
    [
      'and refused when it was sent again, and has the same time',
      { ...REFUSED, earlierOutcomeUnknown: true },
      at(-60),
      readAs(at(-60)),
      'refused',
      1,
    ],
  ])('%s', async (_what, put, before, after, expected, reads) => {
    expect(await outcome(put, before, after)).toMatchObject({ outcome: expected, reads });
  });

  it('is reported as refused only with a reason', async () => {
    const refused = await outcome(REFUSED, undefined, MISSING);
    expect(refused.message).toBe('Could not write secret A_SECRET of acme/app: HTTP 422: Bad key.');
    const unchanged = await outcome(NO_RESPONSE, at(-60), readAs(at(-60)));
    expect(unchanged.message).toMatch(
      /^Could not write secret A_SECRET of acme\/app: socket hang up\. .* GitHub did not take it\.$/,
    );
    const unknown = await outcome(NO_RESPONSE, at(-60), { status: 403 });
    expect(unknown.message).toMatch(/^Could not write secret A_SECRET of acme\/app: socket hang up\. /);
  });

  it('is not sent if it cannot be sealed, and nothing of it is reported', async () => {
    const { transport, savedCredentials } = savedWith();
    await savedCredentials.open();
    const sealing = savedCredentials.setSecret(() => {
      throw new Error(TOKEN);
    });
    await expect(sealing).rejects.toMatchObject({
      name: 'ApiError',
      outcomeUnknown: false,
      message: 'Could not seal the secret for acme/app: its public key is not usable.',
    });
    expect(transport.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('is judged by what existed at the last read, not at the first', async () => {
    const responses: Responses = { 'PUT A_SECRET': NO_RESPONSE, 'GET A_SECRET': readAs(at(-60)) };
    const { savedCredentials } = savedWith(responses);
    await savedCredentials.open();
    // Another run saves meanwhile.
    responses['GET A_SECRET'] = readAs(at(-30));
    await savedCredentials.refresh();
    await expect(savedCredentials.setSecret(() => 'sealed')).rejects.toThrow('GitHub did not take it.');
  });

  it('never counts as refused by its time if it may have been written in the second of that time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -5000, max: 5000 }), async (milliseconds) => {
        const before = at(Math.floor(milliseconds / 1000));
        const result = await outcome(NO_RESPONSE, before, readAs(before));
        // The request was sent within a few milliseconds of `DATE`.
        expect(result.outcome).toBe(Date.parse(before) < DATE - 1500 ? 'refused' : 'unknown');
      }),
    );
  });
});
