import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { GitHub } from '../../../src/github/api.ts';
import {
  locationName,
  SavedCredentials,
  type SecretLocation,
  variableUrl,
} from '../../../src/github/saved-credentials.ts';
import type { ApiError } from '../../../src/net/api-error.ts';
import { InvalidResponseError } from '../../../src/net/json.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { HttpRequest, HttpResponse } from '../../../src/net/transport.ts';
import { FakeTransport, json } from '../fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TOKEN = ['fake', 'github', 'token'].join('-');
const KEY = Buffer.alloc(32, 7).toString('base64');
const BASE = '/api/v3/repos/acme/app';
const IN_REPOSITORY: SecretLocation = { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' };
const IN_ENVIRONMENT: SecretLocation = { ...IN_REPOSITORY, environment: 'preview/pr-7' };
/** Where each of the two has its variables and secrets. */
const SCOPES: [string, SecretLocation, string][] = [
  ['a repository', IN_REPOSITORY, `${BASE}/actions`],
  ['an environment', IN_ENVIRONMENT, `${BASE}/environments/preview%2Fpr-7`],
];
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };
const LOST = new NetworkError('socket hang up', 'ECONNRESET', true);

type Answers = Record<string, Partial<HttpResponse> | Error>;

/** @param answers by method and the last part of the path; where there is none, GitHub says that there is nothing */
function vaultWith(answers: Answers = {}, location = IN_REPOSITORY) {
  const transport = new FakeTransport(({ method, url }) => {
    const name = url.pathname.split('/').at(-1);
    if (name === 'public-key') return answers['public-key'] ?? json({ key: KEY, key_id: '7' });
    return answers[`${method} ${name}`] ?? MISSING;
  });
  return { transport, vault: new SavedCredentials(new GitHub(transport, { api: API, token: TOKEN }), location) };
}

const keyOf = (bytes: number) => ({ key: Buffer.alloc(bytes, 7).toString('base64'), key_id: '7' });

const body = (call: HttpRequest | undefined) => JSON.parse(call?.body ?? 'null');

describe('a pair in GitHub Actions', () => {
  it.each(SCOPES)('is read and written where %s has it', async (_what, location, base) => {
    const { transport, vault: savedCredentials } = vaultWith(
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
    const opening = transport.sent.length;
    await savedCredentials.setVariable('m2morg_2', true);
    await savedCredentials.setVariable('m2morg_2', false);
    await savedCredentials.setSecret((key) => `sealed with ${key}`);
    expect([await savedCredentials.deleteVariable(), await savedCredentials.deleteSecret()]).toEqual([true, true]);
    expect(transport.sent.slice(opening)).toEqual([
      `PATCH ${base}/variables/A_ID`,
      `POST ${base}/variables`,
      `PUT ${base}/secrets/A_SECRET`,
      `DELETE ${base}/variables/A_ID`,
      `DELETE ${base}/secrets/A_SECRET`,
    ]);
    expect(transport.requests.slice(opening).map(body)).toEqual([
      { value: 'm2morg_2' },
      { name: 'A_ID', value: 'm2morg_2' },
      { encrypted_value: `sealed with ${KEY}`, key_id: '7' },
      null,
      null,
    ]);
    expect([...transport.sent.slice(0, opening)].sort()).toEqual(
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
    const { transport, vault: savedCredentials } = vaultWith();
    await savedCredentials.open();
    expect(savedCredentials.snapshot).toEqual({ client_id: undefined, secretTime: undefined });
    expect(transport.sent[0]).toBe(`GET ${BASE}/actions/secrets/public-key`);
    expect(transport.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET']);
  });

  it.each<[string, SecretLocation, Answers, string]>([
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
      'an environment that is not there',
      IN_ENVIRONMENT,
      { 'GET preview%2Fpr-7': MISSING },
      'Could not read environment "preview/pr-7" of acme/app: HTTP 404: Not Found. There is none, or github_token may not see it.',
    ],
    [
      'a token that may not read variables',
      IN_REPOSITORY,
      { 'GET A_ID': { status: 403 } },
      'Could not read variable A_ID of acme/app: HTTP 403. github_token may not do that. It needs a fine-grained token the repository permission Variables (write)',
    ],
    ...[{ key: '', key_id: '7' }, { key_id: '7' }, { key: KEY }, ...[31, 33].map(keyOf)].map(
      (key): [string, SecretLocation, Answers, string] => [
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
      'an answer that is not the API',
      IN_REPOSITORY,
      { 'GET A_ID': { body: '<html>' } },
      'Could not read variable A_ID of acme/app: HTTP 200, but the answer is not JSON (6 characters).',
    ],
  ])('is not opened with %s', async (_what, location, answers, message) => {
    await expect(vaultWith(answers, location).vault.open()).rejects.toThrow(message);
  });

  it('is opened by who is shown the key of an environment, though the environment itself is not shown', async () => {
    const { vault: savedCredentials } = vaultWith({ 'GET preview%2Fpr-7': { status: 403 } }, IN_ENVIRONMENT);
    await expect(savedCredentials.open()).resolves.toBeUndefined();
  });

  it('is looked at again, and what is there then counts', async () => {
    const answers: Answers = {};
    const { vault: savedCredentials } = vaultWith(answers);
    await savedCredentials.open();
    const time = '2026-11-24T08:00:00Z';
    answers['GET A_ID'] = json({ value: '', updated_at: time });
    answers['GET A_SECRET'] = json({ updated_at: time });
    const now = { client_id: '', variableTime: time, secretTime: time };
    expect(await savedCredentials.refresh()).toEqual(now);
    expect(savedCredentials.snapshot).toEqual(now);
    answers['GET A_ID'] = LOST;
    await expect(savedCredentials.refresh()).rejects.toThrow(
      'Could not read variable A_ID of acme/app: socket hang up.',
    );
    expect(savedCredentials.snapshot).toEqual(now);
  });

  it.each<[what: string, SecretLocation, Partial<HttpResponse> | Error, there: boolean | undefined]>([
    ['there', IN_ENVIRONMENT, {}, true],
    ['there, as far as a token sees that may not read it', IN_ENVIRONMENT, { status: 403 }, true],
    ['not there', IN_ENVIRONMENT, MISSING, false],
    ["not known where a page says so that is not GitHub's", IN_ENVIRONMENT, { status: 404, body: '<html>' }, undefined],
    ['not known after a failure of the server', IN_ENVIRONMENT, { status: 503 }, undefined],
    ['not known where the answer is lost', IN_ENVIRONMENT, LOST, undefined],
    ['not needed', IN_REPOSITORY, LOST, true],
  ])('has an environment that is %s', async (_what, location, answer, there) => {
    const { transport, vault: savedCredentials } = vaultWith({ 'GET preview%2Fpr-7': answer }, location);
    if (there === undefined)
      await expect(savedCredentials.environmentExists()).rejects.toThrow('Could not read environment "preview/pr-7"');
    else expect(await savedCredentials.environmentExists()).toBe(there);
    expect(transport.sent).toEqual(location.environment ? [`GET ${BASE}/environments/preview%2Fpr-7`] : []);
  });

  it('is visible to a token that is shown the repository', async () => {
    const shown = (answer: Partial<HttpResponse>) => vaultWith({ 'GET app': answer }).vault.isRepositoryVisible();
    expect(await shown(json({ id: 42, full_name: 'Acme/App' }))).toBe(true);
    for (const answer of [MISSING, { status: 403 }, { status: 301 }, json({ id: 42, full_name: 'acme/renamed' })])
      await expect(shown(answer)).rejects.toThrow('Could not read repository acme/app: ');
  });

  it('is named in words', () => {
    const names = (location: SecretLocation) => [vaultWith({}, location).vault.names, locationName(location)];
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
        const { transport, vault: savedCredentials } = vaultWith({}, location);
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
  const MADE = { status: 201 };
  const reads = (value: string) => ({ 'GET A_ID': json({ value, updated_at: '2026-11-24T08:00:00Z' }) });

  it.each<[what: string, exists: boolean, Answers, sent: string[], error: string | undefined]>([
    ['changed', true, { 'PATCH A_ID': OK }, ['PATCH'], undefined],
    ['made where it has gone meanwhile', true, { 'POST variables': MADE }, ['PATCH', 'POST'], undefined],
    ['made', false, { 'POST variables': MADE }, ['POST'], undefined],
    [
      'changed where it has appeared meanwhile',
      false,
      { 'POST variables': CONFLICT, 'PATCH A_ID': OK },
      ['POST', 'PATCH'],
      undefined,
    ],
    ['not made twice', false, { 'POST variables': CONFLICT }, ['POST', 'PATCH'], 'HTTP 404: Not Found'],
    ['not written after a refusal', true, { 'PATCH A_ID': { status: 403 } }, ['PATCH'], 'HTTP 403'],
    ['not changed on a conflict', true, { 'PATCH A_ID': CONFLICT }, ['PATCH'], 'HTTP 409: Already exists'],
    ['not changed where there can be none', false, {}, ['POST'], 'HTTP 404: Not Found'],
    [
      'not read back after a refusal',
      true,
      { 'PATCH A_ID': { status: 403 }, ...reads('m2morg_1') },
      ['PATCH'],
      'HTTP 403',
    ],
    ...[LOST, { status: 502 }, { status: 403, earlierOutcomeUnknown: true }, { status: 200 }, { status: 202 }].flatMap(
      (answer): [string, boolean, Answers, string[], string | undefined][] => {
        const [after, why] = [
          `after ${answer instanceof Error ? 'a loss' : JSON.stringify(answer)}`,
          answer instanceof Error ? 'socket hang up' : `HTTP ${answer.status}`,
        ];
        return [
          [`changed ${after}`, true, { 'PATCH A_ID': answer, ...reads('m2morg_1') }, ['PATCH', 'GET'], undefined],
          [`made ${after}`, false, { 'POST variables': answer, ...reads('m2morg_1') }, ['POST', 'GET'], undefined],
          [`not changed ${after}`, true, { 'PATCH A_ID': answer, ...reads('m2morg_0') }, ['PATCH', 'GET'], why],
          [`not made ${after}`, false, { 'POST variables': answer }, ['POST', 'GET'], why],
          [`not known ${after}`, true, { 'PATCH A_ID': answer, 'GET A_ID': LOST }, ['PATCH', 'GET'], why],
        ];
      },
    ),
    [
      'changed after a loss, where it has appeared meanwhile',
      false,
      { 'POST variables': CONFLICT, 'PATCH A_ID': LOST, ...reads('m2morg_1') },
      ['POST', 'PATCH', 'GET'],
      undefined,
    ],
    [
      'not made with the status of a change',
      false,
      { 'POST variables': OK },
      ['POST', 'GET'],
      'HTTP 204, but GitHub says 201',
    ],
    [
      'not changed with the status of a making',
      true,
      { 'PATCH A_ID': MADE },
      ['PATCH', 'GET'],
      'HTTP 201, but GitHub says 204',
    ],
  ])('is %s', async (_what, exists, answers, sent, error) => {
    const { transport, vault: savedCredentials } = vaultWith(answers);
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

/** What is there after an answer that does not tell. */
const STAYS = json({ value: 'm2morg_1', updated_at: '2026-11-24T08:00:00Z' });
it.each<[what: string, Partial<HttpResponse> | Error, then: Partial<HttpResponse> | Error, was: boolean | undefined]>([
  ['there was one', { status: 204 }, STAYS, true],
  ['there was none', MISSING, STAYS, false],
  ['it is refused', { status: 403 }, MISSING, undefined],
  ['it was there, since an earlier sending was lost', { ...MISSING, earlierOutcomeUnknown: true }, STAYS, true],
  ...[LOST, { status: 502 }, { status: 200 }, { status: 202 }, { status: 404, body: '<html>' }].flatMap(
    (answer): [string, Partial<HttpResponse> | Error, Partial<HttpResponse> | Error, boolean | undefined][] => {
      const after = answer instanceof Error ? 'a loss' : JSON.stringify(answer);
      return [
        [`it is gone after ${after}`, answer, MISSING, true],
        [`it is there after ${after}`, answer, STAYS, undefined],
        [`it cannot be read after ${after}`, answer, LOST, undefined],
        [`it may not be read after ${after}`, answer, { status: 403 }, undefined],
      ];
    },
  ),
])('a deletion says whether there was something: %s', async (_what, answer, then, was) => {
  const answers = { 'DELETE A_ID': answer, 'DELETE A_SECRET': answer, 'GET A_ID': then, 'GET A_SECRET': then };
  const { vault: savedCredentials } = vaultWith(answers);
  for (const [what, work] of [
    ['variable A_ID', () => savedCredentials.deleteVariable()],
    ['secret A_SECRET', () => savedCredentials.deleteSecret()],
  ] as const) {
    if (was === undefined) await expect(work()).rejects.toThrow(`Could not delete ${what} of acme/app: `);
    else expect(await work()).toBe(was);
  }
});

describe('a secret that was sent', () => {
  const DATE = Date.parse('2026-11-24T08:00:00Z');
  const at = (seconds: number) => new Date(DATE + seconds * 1000).toISOString().replace('.000Z', 'Z');
  const headers = { date: new Date(DATE).toUTCString() };
  const shown = (updated_at: string | undefined): Partial<HttpResponse> =>
    updated_at === undefined ? MISSING : { headers, ...json({ updated_at }) };
  const REFUSED = { status: 422, ...json({ message: 'Bad key' }) };
  const OUTAGE = { status: 503 };

  /** What becomes of it: it is saved, it is not, or nobody can say. */
  async function outcome(
    put: Partial<HttpResponse> | Error,
    before: string | undefined,
    after: Partial<HttpResponse> | Error,
  ): Promise<{ outcome: 'saved' | 'refused' | 'unknown'; message: string; reads: number }> {
    const answers: Answers = { 'PUT A_SECRET': put, 'GET A_SECRET': shown(before) };
    const { transport, vault: savedCredentials } = vaultWith(answers);
    await savedCredentials.open();
    const reads = () => transport.sent.filter((sent) => sent === `GET ${BASE}/actions/secrets/A_SECRET`).length - 1;
    answers['GET A_SECRET'] = after;
    try {
      await savedCredentials.setSecret((key) => `sealed with ${key}`);
      return { outcome: 'saved', message: '', reads: reads() };
    } catch (error) {
      const { outcomeUnknown, message } = error as { outcomeUnknown: boolean; message: string };
      return { outcome: outcomeUnknown ? 'unknown' : 'refused', message, reads: reads() };
    }
  }

  it.each([
    ['is waited for, where GitHub did not answer in time', 'TIMEOUT', 3, 'saved'],
    ['is waited for until half of the time that is left is over', 'TIMEOUT', 9, 'refused'],
    ['is not waited for, where the connection broke', 'ECONNRESET', 3, 'refused'],
  ])('%s', async (_what, code, writtenAfter, expected) => {
    const answers: Answers = { 'PUT A_SECRET': new NetworkError('a', code, true), 'GET A_SECRET': shown(at(-60)) };
    const { transport, vault: savedCredentials } = vaultWith(answers);
    await savedCredentials.open();
    let seconds = 0;
    jest.spyOn(transport, 'remaining', 'get').mockImplementation(() => 10_000 - seconds * 1000);
    jest.spyOn(transport, 'pause').mockImplementation(async (milliseconds) => {
      seconds += milliseconds / 1000;
      if (seconds === writtenAfter) answers['GET A_SECRET'] = shown(at(0));
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
    ['and taken as a new one', { status: 201 }, undefined, shown(undefined), 'saved', 0],
    ['and taken', { status: 204 }, at(-60), shown(at(-60)), 'saved', 0],
    ['and refused', REFUSED, at(-60), shown(at(0)), 'refused', 0],
    ['and never left', new NetworkError('a', 'ECONNREFUSED', false), undefined, shown(at(0)), 'refused', 0],
    ['and lost, and has another time since', LOST, at(-60), shown(at(0)), 'saved', 1],
    ['and lost, and is there since', LOST, undefined, shown(at(0)), 'saved', 1],
    ['and lost, and has the time that it had', LOST, at(-60), shown(at(-60)), 'refused', 1],
    ['and lost, and is not there still', LOST, undefined, shown(undefined), 'refused', 1],
    ['and lost, and cannot be read', LOST, at(-60), { status: 403 }, 'unknown', 1],
    ['and lost, and the answer to that is lost too', LOST, at(-60), LOST, 'unknown', 1],
    ['and lost, and is shown without a time', LOST, at(-60), { headers, body: '[]' }, 'unknown', 1],
    ['and lost, and was written in the same second before', LOST, at(0), shown(at(0)), 'unknown', 1],
    ['and lost, and was written a second before, which GitHub rounds', LOST, at(-1), shown(at(-1)), 'unknown', 1],
    ['and lost, and was written well before', LOST, at(-3), shown(at(-3)), 'refused', 1],
    ['and lost, and has a time that is none since', LOST, at(-60), shown('soon'), 'unknown', 1],
    ['and lost, and is gone since', LOST, at(-60), shown(undefined), 'unknown', 1],
    [
      'and answered with success of another kind, and has another time',
      { status: 200 },
      at(-60),
      shown(at(0)),
      'saved',
      1,
    ],
    [
      'and answered with success of another kind, and has the same time',
      { status: 202 },
      at(-60),
      shown(at(-60)),
      'refused',
      1,
    ],
    ["and answered with a page that is not GitHub's", { status: 404, body: '<html>' }, at(-60), LOST, 'unknown', 1],
    ['and met a failure of the server, and has another time', OUTAGE, at(-60), shown(at(0)), 'saved', 1],
    ['and met a failure of the server, and has the same time', OUTAGE, at(-60), shown(at(-60)), 'refused', 1],
    [
      'and refused when it was sent again',
      { ...REFUSED, earlierOutcomeUnknown: true },
      at(-60),
      shown(at(0)),
      'saved',
      1,
    ],
    [
      'and refused when it was sent again, and has the same time',
      { ...REFUSED, earlierOutcomeUnknown: true },
      at(-60),
      shown(at(-60)),
      'refused',
      1,
    ],
  ])('%s', async (_what, put, before, after, expected, reads) => {
    expect(await outcome(put, before, after)).toMatchObject({ outcome: expected, reads });
  });

  it('is said to be refused only with a reason', async () => {
    const refused = await outcome(REFUSED, undefined, MISSING);
    expect(refused.message).toBe('Could not write secret A_SECRET of acme/app: HTTP 422: Bad key.');
    const lost = await outcome(LOST, at(-60), shown(at(-60)));
    expect(lost.message).toMatch(
      /^Could not write secret A_SECRET of acme\/app: socket hang up\. .* GitHub did not take it\.$/,
    );
    const unknown = await outcome(LOST, at(-60), { status: 403 });
    expect(unknown.message).toMatch(/^Could not write secret A_SECRET of acme\/app: socket hang up\. /);
  });

  it('is not sent where it cannot be sealed, and nothing of it is told', async () => {
    const { transport, vault: savedCredentials } = vaultWith();
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

  it('is judged by what was there at the last look, not at the first', async () => {
    const answers: Answers = { 'PUT A_SECRET': LOST, 'GET A_SECRET': shown(at(-60)) };
    const { vault: savedCredentials } = vaultWith(answers);
    await savedCredentials.open();
    // Another run saves meanwhile.
    answers['GET A_SECRET'] = shown(at(-30));
    await savedCredentials.refresh();
    await expect(savedCredentials.setSecret(() => 'sealed')).rejects.toThrow('GitHub did not take it.');
  });

  it('counts as refused by its time never where it may have been written in the second of that time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -5000, max: 5000 }), async (milliseconds) => {
        const before = at(Math.floor(milliseconds / 1000));
        const { outcome: told } = await outcome(LOST, before, shown(before));
        // Sent within a few milliseconds of GitHub's date.
        expect(told).toBe(Date.parse(before) < DATE - 1500 ? 'refused' : 'unknown');
      }),
    );
  });
});

describe("GitHub's API", () => {
  const github = (answer: Partial<HttpResponse>) => {
    const transport = new FakeTransport(() => answer);
    return { transport, github: new GitHub(transport, { api: API, token: TOKEN }) };
  };

  it('shows a repository by its name of today, whatever its case', async () => {
    const repository = { id: 42, full_name: 'Acme/App' };
    const { transport, github: api } = github(json(repository));
    expect(await api.getRepository('acme/APP', ({ id, full_name }) => [id, full_name])).toEqual([42, 'Acme/App']);
    expect(transport.sent).toEqual(['GET /api/v3/repos/acme/APP']);
  });

  it.each<[Partial<HttpResponse>, string]>([
    [{ status: 301 }, 'HTTP 301. GitHub redirects this name: the repository was renamed or moved'],
    [json({ id: 42, full_name: 'acme/renamed' }), 'HTTP 200, but it shows another repository.'],
    [json({ id: '42', full_name: 'acme/app' }), 'HTTP 200, but id is not a number.'],
    ...[undefined, 0, -1, 1.5, 2 ** 53].map((id): [Partial<HttpResponse>, string] => [
      json({ id, full_name: 'acme/app' }),
      'HTTP 200, but id is not a number.',
    ]),
    [MISSING, 'HTTP 404: Not Found. There is none, or github_token may not see it.'],
  ])('shows no other repository: %j', async (answer, message) => {
    let read = false;
    const parse = () => {
      read = true;
    };
    await expect(github(answer).github.getRepository('acme/app', parse)).rejects.toThrow(
      `Could not read repository acme/app: ${message}`,
    );
    expect(read).toBe(false);
  });

  it('is misread in an error that says of which repository', async () => {
    const told = github(json({ id: 42, full_name: 'acme/app' })).github;
    const reading = told.getRepository('acme/app', () => {
      throw new InvalidResponseError('owner is not an object');
    });
    await expect(reading).rejects.toMatchObject({
      name: 'ApiError',
      message: 'Could not read repository acme/app: HTTP 200, but owner is not an object.',
    });
  });

  it('shows how far a run is, or that there is none', async () => {
    const { transport, github: api } = github(json({ id: 7, status: 'completed', run_attempt: 2, more: 1 }));
    expect(await api.getRun('acme/app', '7')).toEqual({ status: 'completed', run_attempt: 2 });
    expect(transport.sent).toEqual(['GET /api/v3/repos/acme/app/actions/runs/7']);
    expect(await github(MISSING).github.getRun('acme/app', '7')).toBeUndefined();
    for (const answer of [
      { id: 8, run_attempt: 2 },
      { id: 7, run_attempt: 'x' },
      { id: 7, run_attempt: 0 },
      { id: 7, run_attempt: -1 },
      { id: 7, status: 1, run_attempt: 1 },
    ])
      await expect(github(json(answer)).github.getRun('acme/app', '7')).rejects.toThrow('HTTP 200, but ');
    await expect(github({ status: 403 }).github.getRun('acme/app', '7')).rejects.toThrow('actions: read');
  });
});
