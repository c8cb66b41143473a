import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GitHub } from '../../src/github/api.ts';
import { type Place, placeName, Vault, variableUrl } from '../../src/github/vault.ts';
import { type Answer, type Call, NetworkError } from '../../src/http.ts';
import { FakeTransport, json } from './fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TOKEN = ['fake', 'github', 'token'].join('-');
const KEY = 'a2V5';
const BASE = '/api/v3/repos/acme/app';
const IN_REPOSITORY: Place = { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' };
const IN_ENVIRONMENT: Place = { ...IN_REPOSITORY, environment: 'preview/pr-7' };
/** Where each of the two has its variables and secrets. */
const SCOPES: [string, Place, string][] = [
  ['a repository', IN_REPOSITORY, `${BASE}/actions`],
  ['an environment', IN_ENVIRONMENT, `${BASE}/environments/preview%2Fpr-7`],
];
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };
const LOST = new NetworkError('socket hang up', 'ECONNRESET', true);

type Answers = Record<string, Partial<Answer> | Error>;

/** @param answers by method and the last part of the path; where there is none, GitHub says that there is nothing */
function vaultWith(answers: Answers = {}, place = IN_REPOSITORY) {
  const transport = new FakeTransport(({ method, url }) => {
    const name = url.pathname.split('/').at(-1);
    if (name === 'public-key') return answers['public-key'] ?? json({ key: KEY, key_id: '7' });
    return answers[`${method} ${name}`] ?? MISSING;
  });
  return { transport, vault: new Vault(new GitHub(transport, { api: API, token: TOKEN }), place) };
}

const body = (call: Call | undefined) => JSON.parse(call?.body ?? 'null');

describe('a pair in GitHub Actions', () => {
  it.each(SCOPES)('is read and written where %s has it', async (_what, place, base) => {
    const { transport, vault } = vaultWith(
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
      place,
    );
    await vault.open();
    expect(vault.saved).toEqual({
      client_id: 'm2morg_1',
      variable_time: '2026-11-24T07:59:58Z',
      secret_time: '2026-11-24T08:00:00Z',
    });
    const opening = transport.sent.length;
    await vault.setVariable('m2morg_2', true);
    await vault.setVariable('m2morg_2', false);
    await vault.setSecret((key) => `sealed with ${key}`);
    expect([await vault.deleteVariable(), await vault.deleteSecret()]).toEqual([true, true]);
    expect(transport.sent.slice(opening)).toEqual([
      `PATCH ${base}/variables/A_ID`,
      `POST ${base}/variables`,
      `PUT ${base}/secrets/A_SECRET`,
      `DELETE ${base}/variables/A_ID`,
      `DELETE ${base}/secrets/A_SECRET`,
    ]);
    expect(transport.calls.slice(opening).map(body)).toEqual([
      { value: 'm2morg_2' },
      { name: 'A_ID', value: 'm2morg_2' },
      { encrypted_value: `sealed with ${KEY}`, key_id: '7' },
      null,
      null,
    ]);
    expect([...transport.sent.slice(0, opening)].sort()).toEqual(
      [
        `GET ${base}/secrets/public-key`,
        ...(place.environment ? [`GET ${base}`] : []),
        `GET ${base}/variables/A_ID`,
        `GET ${base}/secrets/A_SECRET`,
      ].sort(),
    );
    for (const { url, headers, repeatable } of transport.calls) {
      expect(url.origin).toBe('https://ghes.acme.example');
      expect(headers.authorization).toBe(`token ${TOKEN}`);
      expect(repeatable).toBe(true);
    }
  });

  it('is opened before anything is changed, whatever is missing of it', async () => {
    const { transport, vault } = vaultWith();
    await vault.open();
    expect(vault.saved).toEqual({ client_id: undefined, secret_time: undefined });
    expect(transport.sent[0]).toBe(`GET ${BASE}/actions/secrets/public-key`);
    expect(transport.calls.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET']);
  });

  it.each<[string, Place, Answers, string]>([
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
    [
      'a key that is none',
      IN_REPOSITORY,
      { 'public-key': json({ key: '', key_id: '7' }) },
      'Could not read the public key for secrets of acme/app: HTTP 200, but it holds no key.',
    ],
    ['a key without an id', IN_REPOSITORY, { 'public-key': json({ key: KEY }) }, 'HTTP 200, but it holds no key.'],
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
  ])('is not opened with %s', async (_what, place, answers, message) => {
    await expect(vaultWith(answers, place).vault.open()).rejects.toThrow(message);
  });

  it('is opened by who is shown the key of an environment, though the environment itself is not shown', async () => {
    const { vault } = vaultWith({ 'GET preview%2Fpr-7': { status: 403 } }, IN_ENVIRONMENT);
    await expect(vault.open()).resolves.toBeUndefined();
  });

  it('is named in words', () => {
    const names = (place: Place) => [vaultWith({}, place).vault.names, placeName(place)];
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
        const place = { ...IN_ENVIRONMENT, environment: text.toWellFormed() };
        const { transport, vault } = vaultWith({}, place);
        await vault.getVariable();
        const sent = transport.calls[0]?.url.pathname ?? '';
        expect(sent.split('/')).toHaveLength(`${BASE}/environments/x/variables/A_ID`.split('/').length);
        expect(decodeURIComponent(sent)).toBe(decodeURIComponent(variableUrl(API, place).pathname));
        expect(decodeURIComponent(sent.split('/')[7] ?? '')).toBe(place.environment);
      }),
    );
  });
});

describe('the variable', () => {
  const CONFLICT = { status: 409, ...json({ message: 'Already exists' }) };
  const OK = { status: 204 };

  it.each<[what: string, exists: boolean, Answers, sent: string[], error: string | undefined]>([
    ['changed', true, { 'PATCH A_ID': OK }, ['PATCH'], undefined],
    ['made where it has gone meanwhile', true, { 'POST variables': OK }, ['PATCH', 'POST'], undefined],
    ['made', false, { 'POST variables': OK }, ['POST'], undefined],
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
    ['not written another way where an answer is lost', false, { 'POST variables': LOST }, ['POST'], 'socket hang up'],
  ])('is %s', async (_what, exists, answers, sent, error) => {
    const { transport, vault } = vaultWith(answers);
    const writing = vault.setVariable('m2morg_1', exists);
    if (error) await expect(writing).rejects.toThrow(`Could not write variable A_ID of acme/app: ${error}`);
    else await writing;
    expect(transport.calls.map(({ method }) => method)).toEqual(sent);
  });
});

it.each<[string, Partial<Answer> | Error, boolean | undefined]>([
  ['there was one', { status: 204 }, true],
  ['there was none', MISSING, false],
  ['it is refused', { status: 403 }, undefined],
  ['a page says that it is not found', { status: 404, body: '<html>' }, undefined],
  ['the answer is lost', LOST, undefined],
])('a deletion says whether there was something: %s', async (_what, answer, was) => {
  const { vault } = vaultWith({ 'DELETE A_ID': answer, 'DELETE A_SECRET': answer });
  for (const [what, work] of [
    ['variable A_ID', () => vault.deleteVariable()],
    ['secret A_SECRET', () => vault.deleteSecret()],
  ] as const) {
    if (was === undefined) await expect(work()).rejects.toThrow(`Could not delete ${what} of acme/app: `);
    else expect(await work()).toBe(was);
  }
});

describe('a secret that was sent', () => {
  const DATE = Date.parse('2026-11-24T08:00:00Z');
  const at = (seconds: number) => new Date(DATE + seconds * 1000).toISOString().replace('.000Z', 'Z');
  const headers = { date: new Date(DATE).toUTCString() };
  const shown = (updated_at: string | undefined): Partial<Answer> =>
    updated_at === undefined ? MISSING : { headers, ...json({ updated_at }) };
  const REFUSED = { status: 422, ...json({ message: 'Bad key' }) };
  const OUTAGE = { status: 503 };

  /** What becomes of it: it is saved, it is not, or nobody can say. */
  async function outcome(
    put: Partial<Answer> | Error,
    before: string | undefined,
    after: Partial<Answer> | Error,
  ): Promise<{ outcome: 'saved' | 'refused' | 'unknown'; message: string; reads: number }> {
    const answers: Answers = { 'PUT A_SECRET': put, 'GET A_SECRET': shown(before) };
    const { transport, vault } = vaultWith(answers);
    await vault.open();
    const reads = () => transport.sent.filter((sent) => sent === `GET ${BASE}/actions/secrets/A_SECRET`).length - 1;
    answers['GET A_SECRET'] = after;
    try {
      await vault.setSecret((key) => `sealed with ${key}`);
      return { outcome: 'saved', message: '', reads: reads() };
    } catch (error) {
      const { uncertain, message } = error as { uncertain: boolean; message: string };
      return { outcome: uncertain ? 'unknown' : 'refused', message, reads: reads() };
    }
  }

  it.each<
    [
      what: string,
      put: Partial<Answer> | Error,
      before: string | undefined,
      after: Partial<Answer> | Error,
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
    ['and lost, and has a time that is none', LOST, 'soon', shown('soon'), 'unknown', 1],
    ['and met a failure of the server, and has another time', OUTAGE, at(-60), shown(at(0)), 'saved', 1],
    ['and met a failure of the server, and has the same time', OUTAGE, at(-60), shown(at(-60)), 'refused', 1],
    ['and refused when it was sent again', { ...REFUSED, afterLoss: true }, at(-60), shown(at(0)), 'saved', 1],
    [
      'and refused when it was sent again, and has the same time',
      { ...REFUSED, afterLoss: true },
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
  const github = (answer: Partial<Answer>) => {
    const transport = new FakeTransport(() => answer);
    return { transport, github: new GitHub(transport, { api: API, token: TOKEN }) };
  };

  it('shows a repository by its name of today, whatever its case', async () => {
    const repository = { id: 42, full_name: 'Acme/App' };
    const { transport, github: api } = github(json(repository));
    expect(await api.getRepository('acme/APP')).toEqual(repository);
    expect(transport.sent).toEqual(['GET /api/v3/repos/acme/APP']);
  });

  it.each<[Partial<Answer>, string]>([
    [{ status: 301 }, 'HTTP 301. GitHub redirects this name: the repository was renamed or moved'],
    [json({ id: 42, full_name: 'acme/renamed' }), 'HTTP 200, but it shows another repository.'],
    [json({ id: '42', full_name: 'acme/app' }), 'HTTP 200, but id is not a number.'],
    [json({ full_name: 'acme/app' }), 'HTTP 200, but id is not a number.'],
    [MISSING, 'HTTP 404: Not Found. There is none, or github_token may not see it.'],
  ])('shows no other repository: %j', async (answer, message) => {
    await expect(github(answer).github.getRepository('acme/app')).rejects.toThrow(
      `Could not read repository acme/app: ${message}`,
    );
  });

  it('shows how far a run is, or that there is none', async () => {
    const { transport, github: api } = github(json({ id: 7, status: 'completed', run_attempt: 2, more: 1 }));
    expect(await api.getRun('acme/app', '7')).toEqual({ status: 'completed', run_attempt: 2 });
    expect(transport.sent).toEqual(['GET /api/v3/repos/acme/app/actions/runs/7']);
    expect(await github(MISSING).github.getRun('acme/app', '7')).toBeUndefined();
    for (const answer of [
      { id: 8, run_attempt: 2 },
      { id: 7, run_attempt: 'x' },
      { id: 7, status: 1, run_attempt: 1 },
    ])
      await expect(github(json(answer)).github.getRun('acme/app', '7')).rejects.toThrow('HTTP 200, but ');
    await expect(github({ status: 403 }).github.getRun('acme/app', '7')).rejects.toThrow('actions: read');
  });
});
