import { describe, expect, it, jest } from '@jest/globals';
import { GitHub, type GitHubRequest, type WorkflowRun } from '../../../src/github/api.ts';
import { InvalidResponseError } from '../../../src/net/json.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { FakeTransport, FORBIDDEN, json, MISSING, NO_RESPONSE } from '../fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TOKEN = ['fake', 'github', 'token'].join('-');
const REPOSITORY = json({ id: 42, full_name: 'acme/app' });

/** Returns GitHub with the same response to each request. */
function githubWith(response: Partial<FinalResponse> | Error, api = API) {
  const transport = new FakeTransport(() => response);
  return { transport, github: new GitHub(transport, { api, token: TOKEN }) };
}

/** Reads the repository `acme/app`. @returns its id */
const readRepository = (github: GitHub) => github.getRepository('acme/app', ({ id }) => id);

describe('a repository', () => {
  it('getRepository accepts the name of a repository in any letter case', async () => {
    const { transport, github } = githubWith(json({ id: 42, full_name: 'Acme/App' }));
    const parsed = await github.getRepository('acme/APP', ({ id, full_name }) => ({ id, full_name }));
    expect(parsed).toEqual({ id: 42, full_name: 'Acme/App' });
    expect(transport.sent).toEqual(['GET /api/v3/repos/acme/APP']);
  });

  it.each<[what: string, Partial<FinalResponse>, message: string]>([
    [
      'a redirect',
      { status: 301 },
      'HTTP 301. GitHub redirects this name: the repository was renamed or transferred. Use its current name.',
    ],
    ['another repository', json({ id: 42, full_name: 'acme/renamed' }), 'HTTP 200, but it shows another repository.'],
    ['no id', json({ full_name: 'acme/app' }), 'HTTP 200, but id is not a number.'],
    ['an id that is a text', json({ id: '42', full_name: 'acme/app' }), 'HTTP 200, but id is not a number.'],
    ['the id 0', json({ id: 0, full_name: 'acme/app' }), 'HTTP 200, but id is not a number.'],
    ['status 404', MISSING, 'HTTP 404: Not Found. There is no repository acme/app, or github_token may not see it.'],
  ])('getRepository fails and parses nothing after a response with %s', async (_what, response, message) => {
    const parse = jest.fn();
    await expect(githubWith(response).github.getRepository('acme/app', parse)).rejects.toThrow(
      `Could not read repository acme/app: ${message}`,
    );
    expect(parse).not.toHaveBeenCalled();
  });

  it('getRepository names the repository in the error if the response cannot be parsed', async () => {
    const reading = githubWith(REPOSITORY).github.getRepository('acme/app', () => {
      throw new InvalidResponseError('owner is not an object');
    });
    await expect(reading).rejects.toMatchObject({
      name: 'ApiError',
      message: 'Could not read repository acme/app: HTTP 200, but owner is not an object.',
    });
  });
});

describe('a workflow run', () => {
  it('getRun returns the status and the attempt of a workflow run', async () => {
    const { transport, github } = githubWith(json({ id: 7, status: 'completed', run_attempt: 2, more: 1 }));
    expect(await github.getRun('acme/app', '7')).toEqual({ status: 'completed', run_attempt: 2 });
    expect(transport.sent).toEqual(['GET /api/v3/repos/acme/app/actions/runs/7']);
  });

  it('getRun returns undefined if GitHub responds with 404', async () => {
    expect(await githubWith(MISSING).github.getRun('acme/app', '7')).toBeUndefined();
  });

  it('getRun names the permission actions: read if GitHub refuses the request', async () => {
    await expect(githubWith(FORBIDDEN).github.getRun('acme/app', '7')).rejects.toThrow('actions: read');
  });

  it.each<[what: string, run: Record<string, unknown>]>([
    ['the id of another run', { id: 8, run_attempt: 2 }],
    ['no attempt', { id: 7 }],
    ['an attempt that is a text', { id: 7, run_attempt: 'x' }],
    ['the attempt 0', { id: 7, run_attempt: 0 }],
    ['a status that is a number', { id: 7, status: 1, run_attempt: 1 }],
  ])('getRun refuses a response with %s', async (_what, run) => {
    await expect(githubWith(json(run)).github.getRun('acme/app', '7')).rejects.toThrow('HTTP 200, but ');
  });

  const STARTED = '2026-11-30T08:00:00Z';
  const ENDED = '2026-11-30T08:05:00Z';

  it.each<{ what: string; fields: Record<string, unknown>; run: WorkflowRun }>([
    {
      what: 'Gitea that has ended',
      fields: { status: 'completed', run_attempt: 2, started_at: STARTED, completed_at: ENDED },
      run: { status: 'completed', run_attempt: 2, updated_at: Date.parse(ENDED) },
    },
    {
      what: 'Gitea that has not changed since it began',
      fields: { status: 'completed', run_attempt: 2, started_at: STARTED, completed_at: STARTED },
      run: { status: 'completed', run_attempt: 2, updated_at: undefined },
    },
    {
      what: 'Gitea before 1.27, which shows the attempt 0',
      fields: { status: 'in_progress', run_attempt: 0, started_at: STARTED, completed_at: '1970-01-01T00:00:00Z' },
      run: { status: 'in_progress', run_attempt: undefined, updated_at: undefined },
    },
    ...['success', 'failure', 'cancelled', 'skipped'].map((status) => ({
      what: `Forgejo that has ended with ${status}`,
      fields: { status, created: STARTED, stopped: ENDED },
      run: { status: 'completed', run_attempt: undefined, updated_at: Date.parse(ENDED) },
    })),
    ...['running', 'unknown'].map((status) => ({
      what: `Forgejo whose status is ${status}`,
      fields: { status, created: STARTED, stopped: '0001-01-01T00:00:00Z' },
      run: { status, run_attempt: undefined, updated_at: undefined },
    })),
  ])('getRun returns status, attempt and time of a run of $what', async ({ fields, run }) => {
    const { github } = githubWith(json({ id: 7, ...fields }), 'https://forge.acme.example/git/api/v1');
    expect(await github.getRun('acme/app', '7')).toEqual(run);
  });
});

describe('the retries of a read about something new', () => {
  /** Returns GitHub with these responses, the last of which repeats, and the pauses between the requests. */
  const githubWithEach = (responses: (Partial<FinalResponse> | Error)[], canWait = true) => {
    const pauses: number[] = [];
    const transport = new FakeTransport(() => responses[transport.sent.length - 1] ?? responses.at(-1) ?? {});
    transport.wait = async (milliseconds) => {
      pauses.push(milliseconds);
      return canWait;
    };
    return { transport, pauses, github: new GitHub(transport, { api: API, token: TOKEN }) };
  };
  const UNKNOWN_TOKEN = { status: 401, ...json({ message: 'Bad credentials' }) };

  it.each([
    ['a token that GitHub does not know yet', UNKNOWN_TOKEN],
    ['a repository that the token does not see yet', MISSING],
  ])('retryIfNew repeats a read up to four times after %s', async (_what, response) => {
    for (const times of [1, 4]) {
      const { transport, github } = githubWithEach([...Array(times).fill(response), REPOSITORY]);
      expect(await readRepository(github)).toBe(42);
      expect(transport.sent).toHaveLength(times + 1);
    }
  });

  it('retryIfNew gives up after about five seconds of pauses, which get longer and differ between jobs', async () => {
    const totals = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { transport, pauses, github } = githubWithEach([MISSING]);
        await expect(readRepository(github)).rejects.toThrow('HTTP 404: Not Found. There is no repository acme/app');
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
    ['no response', NO_RESPONSE],
    ['a response about another repository', json({ id: 42, full_name: 'acme/other' })],
  ])('retryIfNew does not repeat a read after %s', async (_what, response) => {
    const { transport, github } = githubWithEach([response]);
    await expect(readRepository(github)).rejects.toThrow('Could not read repository acme/app: ');
    expect(transport.sent).toHaveLength(1);
  });

  it('retryIfNew does not repeat a read after 404 if the caller expects 404', async () => {
    const { transport, github } = githubWithEach([MISSING]);
    const request = { operation: 'do it', route: 'GET /repos/{owner}/{repo}', permission: 'repository' } as const;
    const parameters = { owner: 'acme', repo: 'app' };
    await expect(github.retryIfNew(() => github.read({ ...request, parameters }, () => 1), [401])).rejects.toThrow();
    expect(transport.sent).toHaveLength(1);
  });

  it("retryIfNew throws GitHub's own error if the run is cancelled during a pause", async () => {
    const { transport, pauses, github } = githubWithEach([UNKNOWN_TOKEN], false);
    await expect(readRepository(github)).rejects.toThrow('HTTP 401: Bad credentials. github_token is wrong');
    expect(transport.sent).toHaveLength(1);
    expect(pauses).toHaveLength(1);
  });

  it("retryIfNew throws GitHub's own error without a pause if the time of the step is nearly over", async () => {
    const { transport, pauses, github } = githubWithEach([UNKNOWN_TOKEN]);
    Object.defineProperty(transport, 'remaining', { value: 1_300 });
    await expect(readRepository(github)).rejects.toThrow('HTTP 401: Bad credentials. github_token is wrong');
    expect(transport.sent).toHaveLength(1);
    expect(pauses).toHaveLength(0);
  });
});

describe('a response that a server in between has changed', () => {
  const withType = (type: string | undefined, status: number, body: unknown): Partial<FinalResponse> => ({
    status,
    headers: type === undefined ? {} : { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const read = (response: Partial<FinalResponse>) => readRepository(githubWith(response).github);
  const OTHER_TYPES = [undefined, 'text/plain', 'application/octet-stream', 'junk'];

  it.each(OTHER_TYPES)("parses JSON of GitHub's API although its content type is %j", async (type) => {
    expect(await read(withType(type, 200, { id: 42, full_name: 'acme/app' }))).toBe(42);
    await expect(read(withType(type, 403, { message: 'No way' }))).rejects.toThrow('HTTP 403: No way.');
  });

  it.each(['application/json', ...OTHER_TYPES])(
    "fails if a response of GitHub's API with the content type %j is not JSON",
    async (type) => {
      await expect(read(withType(type, 200, '<html>'))).rejects.toThrow('HTTP 200, but the answer is not JSON');
      await expect(read(withType(type, 403, '<html>'))).rejects.toThrow('HTTP 403. ');
    },
  );

  it.each([204, 304, 999])('names the status if GitHub responds to a read with HTTP %d', async (status) => {
    await expect(read(withType('application/json', status, ''))).rejects.toThrow(`HTTP ${status}`);
  });

  it("prints Octokit's warning about a deprecated route in the debug log only", async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    const headers = { 'content-type': 'application/json', deprecation: 'true', sunset: '##[add-mask]soon' };
    const print = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    expect(await read({ ...REPOSITORY, headers })).toBe(42);
    expect(warn).not.toHaveBeenCalled();
    expect(print).toHaveBeenCalledWith(expect.stringMatching(/^::debug::.*is deprecated/));
    jest.restoreAllMocks();
  });
});

describe('a request that changes something', () => {
  const CHANGE: GitHubRequest = {
    operation: 'do it',
    route: 'PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}',
    parameters: { owner: 'acme', repo: 'app', secret_name: 'A' },
    permission: 'secrets',
    successStatuses: [201, 204],
  };
  const send = (response: Partial<FinalResponse> | Error, changes: Partial<GitHubRequest> = {}) => {
    const { transport, github } = githubWith(response);
    return { transport, sending: github.send({ ...CHANGE, ...changes }) };
  };

  it.each<{ what: string; response: Partial<FinalResponse> | Error; kind: 'refused' | 'unknown'; message: string }>([
    { what: 'a refusal', response: { status: 403 }, kind: 'refused', message: 'HTTP 403. ' },
    {
      what: 'a refusal that follows an attempt that may have arrived',
      response: { status: 403, mayBeDone: true },
      kind: 'unknown',
      message: 'HTTP 403. ',
    },
    {
      what: 'a failure of the server',
      response: { status: 500, mayBeDone: true },
      kind: 'unknown',
      message: 'HTTP 500. ',
    },
    {
      what: 'a redirect',
      response: { status: 301, mayBeDone: true },
      kind: 'unknown',
      message: 'HTTP 301. Redirects are not followed',
    },
    {
      what: "a page that is not GitHub's",
      response: { status: 404, body: '<html>' },
      kind: 'unknown',
      message: "HTTP 404, but it is not GitHub's. ",
    },
    {
      what: 'a success that GitHub does not send',
      response: { status: 200 },
      kind: 'unknown',
      message: 'HTTP 200, but GitHub answers 201 or 204 ',
    },
    { what: 'no response', response: NO_RESPONSE, kind: 'unknown', message: 'socket hang up. ' },
    {
      what: 'no connection',
      response: new NetworkError('refused', 'ECONNREFUSED', false),
      kind: 'refused',
      message: 'refused. ',
    },
  ])(
    'GitHub.send reports whether a change may have been carried out after $what',
    async ({ response, kind, message }) => {
      const outcome = await send(response).sending;
      expect(outcome).toMatchObject({ kind, error: { name: 'ApiError' } });
      const start = `Could not do it: ${message}`;
      expect(outcome.kind === 'done' ? '' : outcome.error.message.slice(0, start.length)).toBe(start);
    },
  );

  it('GitHub.send reports a change as done after each success status that GitHub documents', async () => {
    for (const status of [201, 204])
      for (const mayBeDone of [true, false])
        expect(await send({ status, mayBeDone }).sending).toMatchObject({
          kind: 'done',
          value: { response: { status } },
        });
  });

  it('GitHub.send accepts any success status for a request that only reads', async () => {
    const { successStatuses: _, ...reading } = CHANGE;
    const { github } = githubWith({ status: 206 });
    expect(await github.send(reading)).toMatchObject({ kind: 'done', value: { response: { status: 206 } } });
  });

  it('GitHub.send passes to the transport whether an earlier request may have been carried out', async () => {
    for (const mayBeDone of [true, false]) {
      const { transport, sending } = send({ status: 204 }, { mayBeDone });
      await sending;
      expect(transport.requests).toEqual([expect.objectContaining({ method: 'PUT', repeatable: true, mayBeDone })]);
    }
  });

  it('GitHub.send throws an error that does not come from the network', async () => {
    await expect(send(new TypeError('a bug')).sending).rejects.toThrow(TypeError);
  });
});
