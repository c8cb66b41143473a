import { describe, expect, it } from '@jest/globals';
import { GitHub } from '../../../src/github/api.ts';
import { InvalidResponseError } from '../../../src/net/json.ts';
import type { HttpResponse } from '../../../src/net/transport.ts';
import { FakeTransport, json } from '../fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TOKEN = ['fake', 'github', 'token'].join('-');
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };

describe("GitHub's API", () => {
  const githubWith = (response: Partial<HttpResponse>) => {
    const transport = new FakeTransport(() => response);
    return { transport, github: new GitHub(transport, { api: API, token: TOKEN }) };
  };

  it('shows a repository by its name of today, whatever its case', async () => {
    const repository = { id: 42, full_name: 'Acme/App' };
    const { transport, github } = githubWith(json(repository));
    expect(await github.getRepository('acme/APP', ({ id, full_name }) => [id, full_name])).toEqual([42, 'Acme/App']);
    expect(transport.sent).toEqual(['GET /api/v3/repos/acme/APP']);
  });

  it.each<[Partial<HttpResponse>, string]>([
    [
      { status: 301 },
      'HTTP 301. GitHub redirects this name: the repository was renamed or transferred. Use its current name.',
    ],
    [json({ id: 42, full_name: 'acme/renamed' }), 'HTTP 200, but it shows another repository.'],
    [json({ id: '42', full_name: 'acme/app' }), 'HTTP 200, but id is not a number.'],
    ...[undefined, 0, -1, 1.5, 2 ** 53].map((id): [Partial<HttpResponse>, string] => [
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
      { id: 7, run_attempt: 'x' },
      { id: 7, run_attempt: 0 },
      { id: 7, run_attempt: -1 },
      { id: 7, status: 1, run_attempt: 1 },
    ])
      await expect(githubWith(json(run)).github.getRun('acme/app', '7')).rejects.toThrow('HTTP 200, but ');
    await expect(githubWith({ status: 403 }).github.getRun('acme/app', '7')).rejects.toThrow('actions: read');
  });
});
