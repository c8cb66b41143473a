import { describe, expect, it, jest } from '@jest/globals';
import { GitHub, type GitHubRequest } from '../../../src/github/api.ts';
import { InvalidResponseError } from '../../../src/net/json.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { FakeTransport, json } from '../fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TOKEN = ['fake', 'github', 'token'].join('-');
const FORBIDDEN = { status: 403, ...json({ message: 'Resource not accessible by integration' }) };
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };

describe("GitHub's API", () => {
  const githubWith = (response: Partial<FinalResponse>) => {
    const transport = new FakeTransport(() => response);
    return { transport, github: new GitHub(transport, { api: API, token: TOKEN }) };
  };

  it('shows a repository by its name of today, whatever its case', async () => {
    const repository = { id: 42, full_name: 'Acme/App' };
    const { transport, github } = githubWith(json(repository));
    expect(await github.getRepository('acme/APP', ({ id, full_name }) => [id, full_name])).toEqual([42, 'Acme/App']);
    expect(transport.sent).toEqual(['GET /api/v3/repos/acme/APP']);
  });

  it.each<[Partial<FinalResponse>, string]>([
    [
      { status: 301 },
      'HTTP 301. GitHub redirects this name: the repository was renamed or transferred. Use its current name.',
    ],
    [json({ id: 42, full_name: 'acme/renamed' }), 'HTTP 200, but it shows another repository.'],
    [json({ id: '42', full_name: 'acme/app' }), 'HTTP 200, but id is not a number.'],
    ...[undefined, 0, -1, 1.5, 2 ** 53].map((id): [Partial<FinalResponse>, string] => [
      json({ id, full_name: 'acme/app' }),
      'HTTP 200, but id is not a number.',
    ]),
    [MISSING, 'HTTP 404: Not Found. There is no repository acme/app, or github_token may not see it.'],
  ])('shows no other repository: %j', async (response, message) => {
    let read = false;
    const parse = () => {
      read = true;
    };
    await expect(githubWith(response).github.getRepository('acme/app', parse)).rejects.toThrow(
      `Could not read repository acme/app: ${message}`,
    );
    expect(read).toBe(false);
  });

  it('reports a response that cannot be read with the name of the repository', async () => {
    const { github } = githubWith(json({ id: 42, full_name: 'acme/app' }));
    const reading = github.getRepository('acme/app', () => {
      throw new InvalidResponseError('owner is not an object');
    });
    await expect(reading).rejects.toMatchObject({
      name: 'ApiError',
      message: 'Could not read repository acme/app: HTTP 200, but owner is not an object.',
    });
  });

  it('shows the state of a run, or that there is none', async () => {
    const { transport, github } = githubWith(json({ id: 7, status: 'completed', run_attempt: 2, more: 1 }));
    expect(await github.getRun('acme/app', '7')).toEqual({ status: 'completed', run_attempt: 2 });
    expect(transport.sent).toEqual(['GET /api/v3/repos/acme/app/actions/runs/7']);
    expect(await githubWith(MISSING).github.getRun('acme/app', '7')).toBeUndefined();
    for (const run of [
      { id: 8, run_attempt: 2 },
      { id: 7 },
      { id: 7, run_attempt: 'x' },
      { id: 7, run_attempt: 0 },
      { id: 7, run_attempt: -1 },
      { id: 7, status: 1, run_attempt: 1 },
    ])
      await expect(githubWith(json(run)).github.getRun('acme/app', '7')).rejects.toThrow('HTTP 200, but ');
    await expect(githubWith(FORBIDDEN).github.getRun('acme/app', '7')).rejects.toThrow('actions: read');
  });

  it.each<[what: string, fields: Record<string, unknown>, run: Awaited<ReturnType<GitHub['getRun']>>]>([
    [
      'Gitea, with its names for the times',
      { status: 'completed', run_attempt: 2, started_at: '2026-11-30T08:00:00Z', completed_at: '2026-11-30T08:05:00Z' },
      { status: 'completed', run_attempt: 2, updated_at: Date.UTC(2026, 10, 30, 8, 5) },
    ],
    [
      'Gitea before 1.27, without its attempt',
      {
        status: 'in_progress',
        run_attempt: 0,
        started_at: '2026-11-30T08:00:00Z',
        completed_at: '1970-01-01T00:00:00Z',
      },
      { status: 'in_progress', run_attempt: undefined, updated_at: undefined },
    ],
    ...['success', 'failure', 'cancelled', 'skipped'].map(
      (status): [string, Record<string, unknown>, Awaited<ReturnType<GitHub['getRun']>>] => [
        `Forgejo, which has ended with ${status}`,
        { status, created: '2026-11-30T08:00:00Z', stopped: '2026-11-30T08:05:00Z' },
        { status: 'completed', run_attempt: undefined, updated_at: Date.UTC(2026, 10, 30, 8, 5) },
      ],
    ),
    ...['waiting', 'running', 'blocked', 'unknown'].map(
      (status): [string, Record<string, unknown>, Awaited<ReturnType<GitHub['getRun']>>] => [
        `Forgejo, which is ${status}`,
        { status, created: '2026-11-30T08:00:00Z', stopped: '0001-01-01T00:00:00Z' },
        { status, run_attempt: undefined, updated_at: undefined },
      ],
    ),
  ])('shows a run of %s', async (_what, fields, run) => {
    const transport = new FakeTransport(() => json({ id: 7, ...fields }));
    const forge = new GitHub(transport, { api: 'https://forge.acme.example/git/api/v1', token: TOKEN });
    expect(await forge.getRun('acme/app', '7')).toEqual(run);
  });
});

describe('a read of what may be new', () => {
  /** Returns GitHub with these responses, the last of which repeats, and the pauses between the requests. */
  const githubWith = (responses: (Partial<FinalResponse> | Error)[], canWait = true) => {
    const pauses: number[] = [];
    const transport = new FakeTransport(() => responses[transport.sent.length - 1] ?? responses.at(-1) ?? {});
    transport.wait = async (milliseconds) => {
      pauses.push(milliseconds);
      return canWait;
    };
    return { transport, pauses, github: new GitHub(transport, { api: API, token: TOKEN }) };
  };
  const read = (github: GitHub) => github.getRepository('acme/app', ({ id }) => id);
  const REPOSITORY = json({ id: 42, full_name: 'acme/app' });
  const UNKNOWN_TOKEN = { status: 401, ...json({ message: 'Bad credentials' }) };

  it.each([
    ['a token that GitHub does not know yet', UNKNOWN_TOKEN],
    ['a repository that the token does not see yet', MISSING],
  ])('is asked for again after %s', async (_what, response) => {
    for (const times of [1, 2, 3, 4]) {
      const { transport, github } = githubWith([...Array(times).fill(response), REPOSITORY]);
      expect(await read(github)).toBe(42);
      expect(transport.sent).toHaveLength(times + 1);
    }
  });

  it('is given up after about five seconds of pauses that become longer and differ from job to job', async () => {
    const totals = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { transport, pauses, github } = githubWith([MISSING]);
        await expect(read(github)).rejects.toThrow('HTTP 404: Not Found. There is no repository acme/app');
        expect(transport.sent).toHaveLength(5);
        expect(pauses).toHaveLength(4);
        for (const [at, base] of [500, 1_000, 1_500, 2_000].entries()) {
          expect(pauses[at]).toBeGreaterThanOrEqual(base * 0.75);
          expect(pauses[at]).toBeLessThanOrEqual(base * 1.25);
        }
        return pauses.reduce((sum, pause) => sum + pause, 0);
      }),
    );
    expect(new Set(totals).size).toBeGreaterThan(1);
  });

  it.each<[what: string, Partial<FinalResponse> | Error]>([
    ['a missing permission', FORBIDDEN],
    ['a redirect', { status: 301 }],
    ["a page that is not GitHub's", { status: 404, body: '<html>' }],
    ['a failure of the server', { status: 500 }],
    ['no response', new NetworkError('socket hang up', 'ECONNRESET', true)],
    ['a response that cannot be read', json({ id: 42, full_name: 'acme/other' })],
  ])('is not asked for again after %s', async (_what, response) => {
    const { transport, github } = githubWith([response]);
    await expect(read(github)).rejects.toThrow('Could not read repository acme/app: ');
    expect(transport.sent).toHaveLength(1);
  });

  it('is not asked for again after 404 if the caller expects that', async () => {
    const { transport, github } = githubWith([MISSING]);
    const request = { operation: 'do it', route: 'GET /repos/{owner}/{repo}', permission: 'repository' } as const;
    const parameters = { owner: 'acme', repo: 'app' };
    await expect(github.retryIfNew(() => github.read({ ...request, parameters }, () => 1), [401])).rejects.toThrow();
    expect(transport.sent).toHaveLength(1);
  });

  it('keeps what GitHub answered if the run is cancelled, or if its time is nearly over', async () => {
    const cancelled = githubWith([UNKNOWN_TOKEN], false);
    await expect(read(cancelled.github)).rejects.toThrow(
      'HTTP 401: Bad credentials. github_token is wrong, has expired',
    );
    expect([cancelled.transport.sent.length, cancelled.pauses.length]).toEqual([1, 1]);
    const late = githubWith([UNKNOWN_TOKEN]);
    Object.defineProperty(late.transport, 'remaining', { value: 1_300 });
    await expect(read(late.github)).rejects.toThrow('HTTP 401: Bad credentials. github_token is wrong, has expired');
    expect([late.transport.sent.length, late.pauses.length]).toEqual([1, 0]);
  });
});

describe('a response that a server in between has changed', () => {
  const withType = (type: string | undefined, status: number, body: unknown): Partial<FinalResponse> => ({
    status,
    headers: type === undefined ? {} : { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const read = (response: Partial<FinalResponse>) =>
    new GitHub(new FakeTransport(() => response), { api: API, token: TOKEN }).getRepository('acme/app', ({ id }) => id);
  const TYPES = [undefined, 'text/plain', 'application/vnd.github+json', 'application/octet-stream', 'junk', ''];

  it.each(TYPES)('is read and reported as JSON, whatever its content type says: %j', async (type) => {
    expect(await read(withType(type, 200, { id: 42, full_name: 'acme/app' }))).toBe(42);
    await expect(read(withType(type, 403, { message: 'No way' }))).rejects.toThrow('HTTP 403: No way.');
  });

  it.each(['application/json', ...TYPES])('is an error if it is not JSON: %j', async (type) => {
    await expect(read(withType(type, 200, '<html>'))).rejects.toThrow('HTTP 200, but the answer is not JSON');
    await expect(read(withType(type, 403, '<html>'))).rejects.toThrow('HTTP 403. ');
  });

  it.each([204, 205, 304, 600, 999])('is an error or empty with status %d', async (status) => {
    await expect(read(withType('application/json', status, ''))).rejects.toThrow(`HTTP ${status}`);
  });

  it('announces the end of a route in the debug log alone', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    const headers = { 'content-type': 'application/json', deprecation: 'true', sunset: '##[add-mask]soon' };
    const body = JSON.stringify({ id: 42, full_name: 'acme/app' });
    expect(await read({ headers, body })).toBe(42);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});

describe("a request to GitHub's API that changes something", () => {
  const request: GitHubRequest = {
    operation: 'do it',
    route: 'PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}',
    parameters: { owner: 'acme', repo: 'app', secret_name: 'A' },
    permission: 'secrets',
    successStatuses: [201, 204],
  };
  const send = (response: Partial<FinalResponse> | Error, changes: Partial<GitHubRequest> = {}) => {
    const transport = new FakeTransport(() => response);
    const github = new GitHub(transport, { api: API, token: TOKEN });
    return { transport, sending: github.send({ ...request, ...changes }) };
  };

  it.each<[what: string, Partial<FinalResponse> | Error, kind: string, message: string]>([
    ['a refusal', { status: 403 }, 'refused', 'HTTP 403. '],
    ['a refusal after a sending that may have arrived', { status: 403, mayBeDone: true }, 'unknown', 'HTTP 403. '],
    ['a failure of the server', { status: 500, mayBeDone: true }, 'unknown', 'HTTP 500. '],
    ['a redirect', { status: 301, mayBeDone: true }, 'unknown', 'HTTP 301. Redirects are not followed'],
    ["a page that is not GitHub's", { status: 404, body: '<html>' }, 'unknown', "HTTP 404, but it is not GitHub's. "],
    ['a success that GitHub does not send', { status: 200 }, 'unknown', 'HTTP 200, but GitHub answers 201 or 204 '],
    ['no response', new NetworkError('socket hang up', 'ECONNRESET', true), 'unknown', 'socket hang up. '],
    ['no connection', new NetworkError('refused', 'ECONNREFUSED', false), 'refused', 'refused. '],
  ])('reports whether a change may have been carried out after %s', async (_what, response, kind, message) => {
    const outcome = await send(response).sending;
    expect(outcome).toMatchObject({ kind, error: { name: 'ApiError' } });
    if (outcome.kind !== 'done') expect(outcome.error.message.startsWith(`Could not do it: ${message}`)).toBe(true);
  });

  it('reports a change as done after each success that GitHub documents', async () => {
    for (const status of [201, 204])
      for (const mayBeDone of [true, false])
        expect(await send({ status, mayBeDone }).sending).toMatchObject({
          kind: 'done',
          value: { response: { status } },
        });
  });

  it('accepts any success of a request that only reads', async () => {
    const { successStatuses: _, ...reading } = request;
    const transport = new FakeTransport(() => ({ status: 206 }));
    const github = new GitHub(transport, { api: API, token: TOKEN });
    expect(await github.send(reading)).toMatchObject({ kind: 'done', value: { response: { status: 206 } } });
  });

  it('tells the transport whether an earlier request for the change may have been carried out', async () => {
    for (const mayBeDone of [true, false]) {
      const { transport, sending } = send({ status: 204 }, { mayBeDone });
      await sending;
      expect(transport.requests).toEqual([expect.objectContaining({ method: 'PUT', repeatable: true, mayBeDone })]);
    }
  });

  it('passes on an error that does not come from the network', async () => {
    await expect(send(new TypeError('a bug')).sending).rejects.toThrow(TypeError);
  });
});
