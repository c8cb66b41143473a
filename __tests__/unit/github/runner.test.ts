import { writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { mayHaveIdToken, type Runner, readRunner } from '../../../src/github/runner.ts';
import { useFolder } from '../../support/folders.ts';

const inFolder = useFolder();

/** Writes the payload of an event into a file, as a runner does. @returns the path */
function eventFile(content: unknown): string {
  const file = inFolder('event.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const pull = (full_name: string) => ({ pull_request: { head: { repo: { full_name } } } });
const followUp = (full_name: string) => ({ workflow_run: { head_repository: { full_name } } });

describe('the origin of a run', () => {
  const DELETED_FORK = { pull_request: { head: { repo: null } } };

  it.each<{ run: string; event: string; payload: unknown; origin: Runner['origin'] }>([
    { run: 'a push', event: 'push', payload: { ref: 'refs/heads/main' }, origin: undefined },
    {
      run: 'a pull request of the same repository',
      event: 'pull_request',
      payload: pull('acme/app'),
      origin: undefined,
    },
    { run: 'a pull request of a fork', event: 'pull_request', payload: pull('mallory/app'), origin: 'fork' },
    {
      run: 'pull_request_target of a fork',
      event: 'pull_request_target',
      payload: pull('mallory/app'),
      origin: 'untrusted',
    },
    {
      run: 'pull_request_target of the same repository',
      event: 'pull_request_target',
      payload: pull('acme/app'),
      origin: undefined,
    },
    {
      run: 'workflow_run after a run of a fork',
      event: 'workflow_run',
      payload: followUp('mallory/app'),
      origin: 'untrusted',
    },
    {
      run: 'workflow_run after a run of the same repository',
      event: 'workflow_run',
      payload: followUp('acme/app'),
      origin: undefined,
    },
    { run: 'a pull request of a deleted fork', event: 'pull_request', payload: DELETED_FORK, origin: 'fork' },
    {
      run: 'pull_request_target of a deleted fork',
      event: 'pull_request_target',
      payload: DELETED_FORK,
      origin: 'untrusted',
    },
    {
      run: 'workflow_run after a run of a deleted fork',
      event: 'workflow_run',
      payload: { workflow_run: { head_repository: null } },
      origin: 'untrusted',
    },
    { run: 'an event that is cut off', event: 'push', payload: '{"pull_request": ', origin: undefined },
    { run: 'an event that is null', event: 'push', payload: 'null', origin: undefined },
    {
      run: 'an event whose pull request is a text',
      event: 'pull_request',
      payload: { pull_request: 'a' },
      origin: undefined,
    },
  ])('readRunner finds the origin $origin for $run', ({ event, payload, origin }) => {
    const env = { GITHUB_REPOSITORY: 'acme/app', GITHUB_EVENT_NAME: event, GITHUB_EVENT_PATH: eventFile(payload) };
    expect(readRunner(env).origin).toBe(origin);
  });

  it.each<[fault: string, env: () => NodeJS.ProcessEnv]>([
    ['is not named', () => ({})],
    ['does not exist', () => ({ GITHUB_EVENT_PATH: inFolder('missing.json') })],
    ['is a folder', () => ({ GITHUB_EVENT_PATH: inFolder() })],
  ])('readRunner finds no origin if the event file %s', (_fault, env) => {
    expect(readRunner({ GITHUB_REPOSITORY: 'acme/app', ...env() }).origin).toBeUndefined();
  });

  it.each<[event: string, head: string, origin: Runner['origin']]>([
    ['push', 'acme/app', 'dependabot'],
    ['pull_request_target', 'acme/app', 'dependabot'],
    ['pull_request_target', 'mallory/app', 'untrusted'],
  ])('readRunner finds for a run by Dependabot on %s with code of %s the origin %s', (event, head, origin) => {
    const env = {
      GITHUB_ACTOR: 'dependabot[bot]',
      GITHUB_REPOSITORY: 'acme/app',
      GITHUB_EVENT_NAME: event,
      GITHUB_EVENT_PATH: eventFile(pull(head)),
    };
    expect(readRunner(env).origin).toBe(origin);
  });

  it('readRunner finds the origin fork if the runner does not name the event', () => {
    const env = { GITHUB_REPOSITORY: 'acme/app', GITHUB_EVENT_PATH: eventFile(pull('mallory/app')) };
    expect(readRunner(env).origin).toBe('fork');
  });

  it('readRunner does not take a user with a similar name for Dependabot', () => {
    expect(readRunner({ GITHUB_ACTOR: 'dependabot' }).origin).toBeUndefined();
  });
});

describe('the ids of a run', () => {
  const ENV = {
    GITHUB_REPOSITORY: 'acme/app',
    GITHUB_REPOSITORY_ID: '1296269',
    GITHUB_RUN_ID: '1658821493',
    GITHUB_RUN_ATTEMPT: '3',
  };

  it('readRunner returns the ids that the runner sets', () => {
    expect(readRunner(ENV)).toEqual({
      repository: 'acme/app',
      repository_id: '1296269',
      run: '1658821493.3',
      api: 'https://api.github.com',
      runUrl: '',
      origin: undefined,
      hasBadEvent: false,
    });
  });

  it('readRunner returns default values outside a runner', () => {
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

  it.each<[what: string, env: Record<string, string>, expected: Partial<Runner>]>([
    ['a repository id of 16 digits', { GITHUB_REPOSITORY_ID: '9'.repeat(16) }, { repository_id: '9'.repeat(16) }],
    ['a repository id of 17 digits', { GITHUB_REPOSITORY_ID: '9'.repeat(17) }, { repository_id: undefined }],
    ['a repository id with a letter', { GITHUB_REPOSITORY_ID: '12a' }, { repository_id: undefined }],
    ['a repository id with a line break', { GITHUB_REPOSITORY_ID: '12\n' }, { repository_id: undefined }],
    ['the longest run id', { GITHUB_RUN_ID: '9'.repeat(12), GITHUB_RUN_ATTEMPT: '9999' }, { run: '999999999999.9999' }],
    ['a run id that is too long', { GITHUB_RUN_ID: '9'.repeat(13) }, { run: '0.3' }],
    ['a run id with parts of a marker', { GITHUB_RUN_ID: '] nonce=' }, { run: '0.3' }],
    ['an attempt that is too long', { GITHUB_RUN_ATTEMPT: '10000' }, { run: '1658821493.1' }],
    ['an empty attempt', { GITHUB_RUN_ATTEMPT: '' }, { run: '1658821493.1' }],
  ])('readRunner returns an id only if it fits into an ownership marker: %s', (_what, env, expected) => {
    expect(readRunner({ ...ENV, ...env })).toMatchObject(expected);
  });
});

describe('the event file', () => {
  it.each([
    ['{', true],
    ['', true],
    ['{}', false],
    ['null', false],
  ])('readRunner says whether the event file is not JSON: %j, %s', (text, hasBadEvent) => {
    expect(readRunner({ GITHUB_EVENT_PATH: eventFile(text) }).hasBadEvent).toBe(hasBadEvent);
  });

  it('readRunner calls an event file bad if it cannot be read, but not if it is missing', () => {
    expect(readRunner({ GITHUB_EVENT_PATH: inFolder() }).hasBadEvent).toBe(true);
    expect(readRunner({ GITHUB_EVENT_PATH: inFolder('missing') }).hasBadEvent).toBe(false);
  });
});

describe('the URL of a run', () => {
  const ENV = {
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/app',
    GITHUB_RUN_ID: '1658821493',
    GITHUB_RUN_ATTEMPT: '3',
  };

  it.each<[what: string, env: NodeJS.ProcessEnv, url: string]>([
    ['an attempt on github.com', {}, 'https://github.com/acme/app/actions/runs/1658821493/attempts/3'],
    [
      'an attempt without a number, which is the first',
      { GITHUB_RUN_ATTEMPT: undefined },
      'https://github.com/acme/app/actions/runs/1658821493/attempts/1',
    ],
    [
      'an attempt on GitHub Enterprise Server',
      { GITHUB_SERVER_URL: 'https://ghes.acme.example:8443/' },
      'https://ghes.acme.example:8443/acme/app/actions/runs/1658821493/attempts/3',
    ],
    [
      'an attempt on a server without TLS',
      { GITHUB_SERVER_URL: 'http://localhost:3000' },
      'http://localhost:3000/acme/app/actions/runs/1658821493/attempts/3',
    ],
    [
      'an attempt in a repository whose name has a dot',
      { GITHUB_REPOSITORY: 'acme/.github' },
      'https://github.com/acme/.github/actions/runs/1658821493/attempts/3',
    ],
  ])('readRunner returns the URL of %s', (_what, env, url) => {
    expect(readRunner({ ...ENV, ...env }).runUrl).toBe(url);
  });

  it.each<[fault: string, env: NodeJS.ProcessEnv]>([
    ['the server is not named', { GITHUB_SERVER_URL: undefined }],
    ['the server is a script', { GITHUB_SERVER_URL: 'javascript:alert(1)' }],
    ['the server has credentials', { GITHUB_SERVER_URL: 'https://me@github.com' }],
    ['the server has a quote', { GITHUB_SERVER_URL: 'https://github.com"' }],
    ['the repository is not named', { GITHUB_REPOSITORY: undefined }],
    ['the repository has HTML', { GITHUB_REPOSITORY: 'acme/<b>' }],
    ['the run is not named', { GITHUB_RUN_ID: undefined }],
    ['the run is a path', { GITHUB_RUN_ID: '1/../../settings' }],
    ['the attempt is not a number', { GITHUB_RUN_ATTEMPT: '1?x' }],
    ['the server is Gitea or Forgejo', { GITHUB_API_URL: 'https://forge.acme.example/api/v1' }],
    ['the server is Gitea or Forgejo in a folder', { GITHUB_API_URL: 'https://acme.example/git/api/v1/' }],
  ])('readRunner returns no URL of the run if %s', (_fault, env) => {
    expect(readRunner({ ...ENV, ...env }).runUrl).toBe('');
  });
});

it.each([
  ['https://ghes.acme.example/api/v3', 'https://ghes.acme.example/api/v3'],
  ['', 'https://api.github.com'],
  [undefined, 'https://api.github.com'],
])("readRunner returns the URL of GitHub's API for GITHUB_API_URL=%j: %s", (GITHUB_API_URL, api) => {
  expect(readRunner({ GITHUB_API_URL }).api).toBe(api);
});

it.each<[offered: boolean, url: string | undefined, token: string | undefined]>([
  [true, 'https://token.actions.example/run/1?api-version=2.0', ['fake', 'request', 'token'].join('-')],
  [false, '', ['fake', 'request', 'token'].join('-')],
  [false, 'https://token.example', undefined],
  [false, undefined, undefined],
])('mayHaveIdToken returns %s if the variables for the ID token are %j and %j', (offered, url, token) => {
  const env = { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token };
  expect(mayHaveIdToken(env)).toBe(offered);
});
