import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mayHaveIdToken, type Runner, readRunner } from '../../../src/github/runner.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runner-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let events = 0;
/** Writes the payload of an event into a new file, as a runner does. @returns the path */
function eventFile(content: unknown): string {
  const path = join(folder, `event-${events++}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const pull = (full_name: string) => ({ pull_request: { head: { repo: { full_name } } } });
const followUp = (full_name: string) => ({ workflow_run: { head_repository: { full_name } } });

describe('the origin of a run', () => {
  it.each<[string, string, unknown, Runner['origin']]>([
    ['a push', 'push', { ref: 'refs/heads/main' }, undefined],
    ['a pull request of the same repository', 'pull_request', pull('acme/app'), undefined],
    ['a pull request of a fork', 'pull_request', pull('mallory/app'), 'fork'],
    ['a review of a pull request of a fork', 'pull_request_review', pull('mallory/app'), 'fork'],
    ['pull_request_target of a fork', 'pull_request_target', pull('mallory/app'), 'untrusted'],
    ['pull_request_target of the same repository', 'pull_request_target', pull('acme/app'), undefined],
    ['workflow_run after a run of a fork', 'workflow_run', followUp('mallory/app'), 'untrusted'],
    ['workflow_run after a run of the same repository', 'workflow_run', followUp('acme/app'), undefined],
    ['a pull request of a fork that was deleted', 'pull_request', { pull_request: { head: { repo: null } } }, 'fork'],
    [
      'pull_request_target of a deleted fork',
      'pull_request_target',
      { pull_request: { head: { repo: null } } },
      'untrusted',
    ],
    [
      'workflow_run after a run of a deleted fork',
      'workflow_run',
      { workflow_run: { head_repository: null } },
      'untrusted',
    ],
    ['an event that is broken JSON', 'push', '{"pull_request": ', undefined],
    ['an event that is empty', 'push', '', undefined],
    ['an event that is null', 'push', 'null', undefined],
    ['an event that is no object', 'push', '[1, "a"]', undefined],
    ['an event whose pull request is no object', 'pull_request', { pull_request: 'a' }, undefined],
  ])('is read from %s', (_what, GITHUB_EVENT_NAME, event, origin) => {
    const env = { GITHUB_REPOSITORY: 'acme/app', GITHUB_EVENT_NAME, GITHUB_EVENT_PATH: eventFile(event) };
    expect(readRunner(env).origin).toBe(origin);
  });

  it.each([
    ['is not named', {}],
    ['does not exist', { GITHUB_EVENT_PATH: '/nowhere/event.json' }],
    ['is a folder', { GITHUB_EVENT_PATH: tmpdir() }],
  ])('is not known if the event file %s', (_what, env) => {
    expect(readRunner({ GITHUB_REPOSITORY: 'acme/app', ...env }).origin).toBeUndefined();
  });

  it.each(['push', 'pull_request', 'pull_request_target'])('is Dependabot if that started it (%s)', (name) => {
    const env = {
      GITHUB_ACTOR: 'dependabot[bot]',
      GITHUB_REPOSITORY: 'acme/app',
      GITHUB_EVENT_NAME: name,
      GITHUB_EVENT_PATH: eventFile(pull('acme/app')),
    };
    expect(readRunner(env).origin).toBe('dependabot');
  });

  it('is untrusted, not Dependabot, if that started a run on code of a fork with the secrets of the target', () => {
    const env = {
      GITHUB_ACTOR: 'dependabot[bot]',
      GITHUB_REPOSITORY: 'acme/app',
      GITHUB_EVENT_NAME: 'pull_request_target',
      GITHUB_EVENT_PATH: eventFile(pull('mallory/app')),
    };
    expect(readRunner(env).origin).toBe('untrusted');
  });

  it('is a fork if the runner does not name the event', () => {
    const env = { GITHUB_REPOSITORY: 'acme/app', GITHUB_EVENT_PATH: eventFile(pull('mallory/app')) };
    expect(readRunner(env).origin).toBe('fork');
  });

  it('is not Dependabot for a user with a similar name', () => {
    expect(readRunner({ GITHUB_ACTOR: 'dependabot' }).origin).toBeUndefined();
  });
});

describe('the ids of a run', () => {
  const all = {
    GITHUB_REPOSITORY: 'acme/app',
    GITHUB_REPOSITORY_ID: '1296269',
    GITHUB_RUN_ID: '1658821493',
    GITHUB_RUN_ATTEMPT: '3',
  };

  it("are the runner's", () => {
    expect(readRunner(all)).toEqual({
      repository: 'acme/app',
      repository_id: '1296269',
      run: '1658821493.3',
      api: 'https://api.github.com',
      runUrl: '',
      origin: undefined,
      hasBadEvent: false,
    });
  });

  it.each([
    ['{', true],
    ['', true],
    ['{}', false],
    ['null', false],
  ])('say whether the event file is no JSON: %j', (text, hasBadEvent) => {
    expect(readRunner({ ...all, GITHUB_EVENT_PATH: eventFile(text) }).hasBadEvent).toBe(hasBadEvent);
  });

  it('say that an event file that cannot be read is bad, and that a missing one is not', () => {
    expect(readRunner({ ...all, GITHUB_EVENT_PATH: folder }).hasBadEvent).toBe(true);
    expect(readRunner({ ...all, GITHUB_EVENT_PATH: join(folder, 'missing') }).hasBadEvent).toBe(false);
  });

  it('have default values outside a runner', () => {
    expect(readRunner({})).toEqual({
      repository: '',
      repository_id: undefined,
      run: '0.1',
      api: 'https://api.github.com',
      runUrl: '',
      origin: undefined,
      hasBadEvent: false,
    });
  });

  it.each<[string, Record<string, string>, Partial<Runner>]>([
    ['the longest id of a repository', { GITHUB_REPOSITORY_ID: '9'.repeat(16) }, { repository_id: '9'.repeat(16) }],
    ['an id of a repository that is too long', { GITHUB_REPOSITORY_ID: '9'.repeat(17) }, { repository_id: undefined }],
    ['an id of a repository that is no number', { GITHUB_REPOSITORY_ID: '12a' }, { repository_id: undefined }],
    ['a negative id of a repository', { GITHUB_REPOSITORY_ID: '-1' }, { repository_id: undefined }],
    ['an empty id of a repository', { GITHUB_REPOSITORY_ID: '' }, { repository_id: undefined }],
    ['an id with a line break', { GITHUB_REPOSITORY_ID: '12\n' }, { repository_id: undefined }],
    ['the longest run', { GITHUB_RUN_ID: '9'.repeat(12), GITHUB_RUN_ATTEMPT: '9999' }, { run: '999999999999.9999' }],
    ['a run that is too long', { GITHUB_RUN_ID: '9'.repeat(13) }, { run: '0.3' }],
    ['a run that is no number', { GITHUB_RUN_ID: '] nonce=' }, { run: '0.3' }],
    ['an attempt that is too long', { GITHUB_RUN_ATTEMPT: '10000' }, { run: '1658821493.1' }],
    ['an attempt that is no number', { GITHUB_RUN_ATTEMPT: '1.5' }, { run: '1658821493.1' }],
    ['an empty attempt', { GITHUB_RUN_ATTEMPT: '' }, { run: '1658821493.1' }],
  ])('fit into an ownership marker: %s', (_what, env, expected) => {
    expect(readRunner({ ...all, ...env })).toMatchObject(expected);
  });
});

describe('the address of a run', () => {
  const ALL = {
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/app',
    GITHUB_RUN_ID: '1658821493',
    GITHUB_RUN_ATTEMPT: '3',
  };

  it.each<[what: string, env: NodeJS.ProcessEnv, url: string]>([
    ['its attempt', {}, 'https://github.com/acme/app/actions/runs/1658821493/attempts/3'],
    [
      'its first attempt if the runner names none',
      { GITHUB_RUN_ATTEMPT: undefined },
      'https://github.com/acme/app/actions/runs/1658821493/attempts/1',
    ],
    [
      'GitHub Enterprise Server',
      { GITHUB_SERVER_URL: 'https://ghes.acme.example:8443/' },
      'https://ghes.acme.example:8443/acme/app/actions/runs/1658821493/attempts/3',
    ],
    [
      'a server without TLS',
      { GITHUB_SERVER_URL: 'http://localhost:3000' },
      'http://localhost:3000/acme/app/actions/runs/1658821493/attempts/3',
    ],
    [
      'a repository with dots in its name',
      { GITHUB_REPOSITORY: 'acme/.github' },
      'https://github.com/acme/.github/actions/runs/1658821493/attempts/3',
    ],
  ])('returns an address of the run that leads to %s', (_what, env, url) => {
    expect(readRunner({ ...ALL, ...env }).runUrl).toBe(url);
  });

  it.each<[what: string, env: NodeJS.ProcessEnv]>([
    ['the server is not named', { GITHUB_SERVER_URL: undefined }],
    ['the server has no scheme', { GITHUB_SERVER_URL: 'github.com' }],
    ['the server is a script', { GITHUB_SERVER_URL: 'javascript:alert(1)' }],
    ['the server has credentials', { GITHUB_SERVER_URL: 'https://me@github.com' }],
    ['the server has a path', { GITHUB_SERVER_URL: 'https://github.com/x' }],
    ['the server has a quote', { GITHUB_SERVER_URL: 'https://github.com"' }],
    ['the repository is not named', { GITHUB_REPOSITORY: undefined }],
    ['the repository has white space', { GITHUB_REPOSITORY: 'acme/app x' }],
    ['the repository has HTML', { GITHUB_REPOSITORY: 'acme/<b>' }],
    ['the run is not named', { GITHUB_RUN_ID: undefined }],
    ['the run is no number', { GITHUB_RUN_ID: '1/../../settings' }],
    ['the attempt is no number', { GITHUB_RUN_ATTEMPT: '1?x' }],
    ['the server is one of Gitea or Forgejo', { GITHUB_API_URL: 'https://forge.acme.example/api/v1' }],
    ['the server is one of Gitea or Forgejo in a folder', { GITHUB_API_URL: 'https://acme.example/git/api/v1/' }],
  ])('returns no address of the run if %s', (_what, env) => {
    expect(readRunner({ ...ALL, ...env }).runUrl).toBe('');
  });
});

describe("the address of GitHub's API", () => {
  it.each([
    ['https://ghes.acme.example/api/v3', 'https://ghes.acme.example/api/v3'],
    ['', 'https://api.github.com'],
    [undefined, 'https://api.github.com'],
  ])('with GITHUB_API_URL=%j is %s', (GITHUB_API_URL, api) => {
    expect(readRunner({ GITHUB_API_URL }).api).toBe(api);
  });
});

describe('an ID token', () => {
  const URL_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_URL';
  const TOKEN_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
  const ENV = {
    [URL_VARIABLE]: 'https://token.actions.example/run/1?api-version=2.0',
    [TOKEN_VARIABLE]: ['fake', 'request', 'token'].join('-'),
  };

  it.each<[NodeJS.ProcessEnv, boolean]>([
    [ENV, true],
    [{ ...ENV, [URL_VARIABLE]: 'anything', [TOKEN_VARIABLE]: ' ' }, true],
    [{ ...ENV, [URL_VARIABLE]: '' }, false],
    [{ ...ENV, [TOKEN_VARIABLE]: '' }, false],
    [{ [URL_VARIABLE]: 'https://token.example' }, false],
    [{ [TOKEN_VARIABLE]: 'a' }, false],
    [{}, false],
  ])('is offered to the job by two variables: %j, %s', (env, offered) => {
    expect(mayHaveIdToken(env)).toBe(offered);
  });
});
