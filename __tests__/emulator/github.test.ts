import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { getOctokit } from '@actions/github';
import { describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import sodium from 'libsodium-wrappers';
import type { Emulator, EmulatorOptions } from '../../emulator/index.ts';
import { RUNNER_VARIABLES } from '../../emulator/runner.ts';
import { EMPTY } from '../support/action.ts';
import { useEmulators } from '../support/emulators.ts';

const startEmulator = useEmulators();

async function start(options: EmulatorOptions = {}) {
  const emulator = await startEmulator(options);
  const { github } = emulator;
  return { emulator, github, repository: github.repository(REPOSITORY), ...caller(emulator) };
}

const REPOSITORY = 'acme/inventory-service';

type Init = { token?: string; authorization?: string; redirect?: 'manual' | 'follow' };

/** Returns functions that call GitHub's API. The paths of `at` are relative to the repository. */
function caller({ github }: Emulator) {
  const call = async (method: string, path: string, body?: unknown, init: Init = {}) => {
    const { token = github.token, authorization = `token ${token}`, redirect = 'manual' } = init;
    const response = await fetch(`${github.apiUrl}${path}`, {
      method,
      redirect,
      headers: { authorization },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, headers: response.headers, json };
  };
  const at = (method: string, path: string, body?: unknown, init?: Init) =>
    call(method, `/repos/${REPOSITORY}${path}`, body, init);
  /** Seals a value for the public key of a location and saves it. */
  const save = async (location: string, name: string, value: string | Uint8Array) => {
    const { key, key_id } = (await at('GET', `${location}/secrets/public-key`)).json;
    return at('PUT', `${location}/secrets/${name}`, { encrypted_value: await seal(value, key), key_id });
  };
  return { call, at, save };
}

async function seal(value: string | Uint8Array, key: string): Promise<string> {
  await sodium.ready;
  return Buffer.from(sodium.crypto_box_seal(value, Buffer.from(key, 'base64'))).toString('base64');
}

const WHOLE_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** The two kinds of location: the beginning of their paths, and the object with their values. */
const LOCATIONS = [
  ['the repository', '/actions', ({ repository }: Awaited<ReturnType<typeof start>>) => repository],
  [
    'an environment',
    '/environments/preview%2Fpr-7',
    ({ repository }: Awaited<ReturnType<typeof start>>) => repository.addEnvironment('Preview/PR-7'),
  ],
] as const;

describe('secrets and variables', () => {
  it.each(LOCATIONS)("GitHub's emulator opens the sealed box of a secret, in %s", async (_, path, locationOf) => {
    const context = await start();
    const location = locationOf(context);
    const { at, save } = context;
    const value = `sk-${'ü'.repeat(20)}`;
    expect(await save(path, 'deploy_secret', value)).toMatchObject({ status: 201, json: EMPTY });
    expect(location.secrets.get('DEPLOY_SECRET')?.value).toBe(value);
    expect(await save(path, 'Deploy_Secret', 'changed')).toMatchObject({ status: 204, json: undefined });
    expect([...location.secrets]).toMatchObject([['DEPLOY_SECRET', { value: 'changed' }]]);

    const { status, json } = await at('GET', `${path}/secrets/deploy_SECRET`);
    expect({ status, json }).toEqual({
      status: 200,
      json: {
        name: 'DEPLOY_SECRET',
        created_at: expect.stringMatching(WHOLE_SECONDS),
        updated_at: expect.stringMatching(WHOLE_SECONDS),
      },
    });
    expect((await at('DELETE', `${path}/secrets/deploy_secret`)).status).toBe(204);
    expect((await at('DELETE', `${path}/secrets/deploy_secret`)).status).toBe(404);
    expect((await at('GET', `${path}/secrets/deploy_secret`)).status).toBe(404);
  });

  it.each(LOCATIONS)(
    "GitHub's emulator creates, shows, changes and deletes a variable, in %s",
    async (_, path, locationOf) => {
      const context = await start();
      const location = locationOf(context);
      const { at } = context;
      const variables = `${path}/variables`;
      const variable = { name: 'client_id', value: 'm2morg_1' };
      expect((await at('PATCH', `${variables}/client_id`, { value: 'v' })).status).toBe(404);
      expect(await at('POST', variables, variable)).toMatchObject({ status: 201, json: EMPTY });
      expect((await at('POST', variables, { ...variable, name: 'Client_Id' })).status).toBe(409);
      expect(await at('GET', `${variables}/Client_id`)).toMatchObject({
        status: 200,
        json: { name: 'CLIENT_ID', value: 'm2morg_1', created_at: expect.stringMatching(WHOLE_SECONDS) },
      });
      expect((await at('PATCH', `${variables}/client_id`, { value: 'm2morg_2' })).status).toBe(204);
      expect(location.variables.get('CLIENT_ID')?.value).toBe('m2morg_2');
      expect((await at('PATCH', `${variables}/client_id`, { name: 'other' })).status).toBe(204);
      expect([...location.variables]).toMatchObject([['OTHER', { value: 'm2morg_2' }]]);
      expect((await at('DELETE', `${variables}/client_id`)).status).toBe(404);
      expect((await at('DELETE', `${variables}/other`)).status).toBe(204);
      expect((await at('GET', `${variables}/other`)).status).toBe(404);
    },
  );

  it('each repository and each environment has its own public key', async () => {
    const { github, repository, at, call } = await start();
    repository.addEnvironment('production');
    github.addRepository('acme/other');
    const keys = [
      await at('GET', '/actions/secrets/public-key'),
      await at('GET', '/environments/production/secrets/public-key'),
      await call('GET', '/repos/acme/other/actions/secrets/public-key'),
    ].map(({ json }) => json);
    expect(new Set(keys.map(({ key }) => key)).size).toBe(3);
    expect(new Set(keys.map(({ key_id }) => key_id)).size).toBe(3);
    expect((await at('GET', '/actions/secrets/public-key')).json).toEqual(keys[0]);
    const encrypted_value = await seal('v', keys[1].key);
    for (const key_id of [keys[0].key_id, keys[1].key_id]) {
      expect((await at('PUT', '/actions/secrets/S', { encrypted_value, key_id })).status).toBe(422);
    }
    expect(repository.secrets.size).toBe(0);
  });

  it.each([
    ['a field that GitHub does not know', { encrypted_value: 'AAAA', key_id: '1', visibility: 'all' }],
    ['no key id', { encrypted_value: 'AAAA' }],
    ['a value that is not base64', { encrypted_value: 'not base64', key_id: '1' }],
    ['a number for a key id', { encrypted_value: 'AAAA', key_id: 1 }],
  ])("GitHub's emulator refuses a secret with %s", async (_, body) => {
    const { at } = await start();
    expect(await at('PUT', '/actions/secrets/S', body)).toMatchObject({ status: 422, json: { status: '422' } });
  });

  it.each([
    ['a field that GitHub does not know', 'POST', 422, { name: 'N', value: 'v', visibility: 'all' }],
    ['no value', 'POST', 422, { name: 'N' }],
    ['a value that is not a string', 'POST', 422, { name: 'N', value: 1 }],
    ['no body', 'POST', 422, undefined],
    ['broken JSON', 'POST', 400, '{"name":'],
    ['a field that GitHub does not know', 'PATCH', 422, { value: 'v', values: [] }],
  ])("GitHub's emulator refuses a variable with %s (%s, %i)", async (_, method, status, body) => {
    const { at, repository } = await start();
    repository.setVariable('N', 'old');
    const path = `/actions/variables${method === 'PATCH' ? '/N' : ''}`;
    expect((await at(method, path, body)).status).toBe(status);
    expect(repository.variables.get('N')?.value).toBe('old');
  });

  it.each(['1ST', 'WITH-DASH', 'GITHUB_TOKEN', 'github_x', 'Ü'])(
    'secrets and variables with the name %s are refused',
    async (name) => {
      const { at, save, repository } = await start();
      expect((await save('/actions', encodeURIComponent(name), 'v')).status).toBe(422);
      expect((await at('POST', '/actions/variables', { name, value: 'v' })).status).toBe(422);
      repository.setVariable('OLD', 'v');
      expect((await at('PATCH', '/actions/variables/OLD', { name })).status).toBe(422);
      expect({ secrets: [...repository.secrets], variables: [...repository.variables.keys()] }).toEqual({
        secrets: [],
        variables: ['OLD'],
      });
    },
  );

  it('values of secrets and variables have at most 48 KB', async () => {
    const { at, save } = await start();
    const longest = 'é'.repeat(24 * 1024);
    expect((await save('/actions', 'S', longest)).status).toBe(201);
    expect((await save('/actions', 'S', `${longest}x`)).status).toBe(422);
    expect((await at('POST', '/actions/variables', { name: 'V', value: longest })).status).toBe(201);
    expect((await at('PATCH', '/actions/variables/V', { value: `${longest}x` })).status).toBe(422);
  });

  it('a secret shows when it was created and updated', async () => {
    const { repository, save, at } = await start();
    repository.setSecret('OLD', 'v', 60_000);
    expect((await save('/actions', 'OLD', 'w')).status).toBe(204);
    const { created_at, updated_at } = (await at('GET', '/actions/secrets/OLD')).json;
    expect(Date.parse(updated_at) - Date.parse(created_at)).toBeGreaterThanOrEqual(59_000);
  });

  it('an environment is found by its name in any case, and a missing one gets a 404', async () => {
    const { repository, at } = await start();
    repository.addEnvironment('Preview/PR-7').setVariable('V', 'v');
    const found = await at('GET', '/environments/preview%2Fpr-7');
    expect(found).toMatchObject({ status: 200, json: { name: 'Preview/PR-7' } });
    expect((await at('GET', '/environments/PREVIEW%2FPR-7/variables/v')).json.value).toBe('v');
    repository.removeEnvironment('preview/pr-7');
    for (const path of ['', '/secrets/public-key', '/secrets/S', '/variables/v']) {
      expect((await at('GET', `/environments/preview%2Fpr-7${path}`)).status).toBe(404);
    }
  });
});

describe('repositories and runs', () => {
  it('a repository is found by its name in any case', async () => {
    const { github, call } = await start();
    const customProperties = { tier: 'one', teams: ['a', 'b'], none: null };
    github.addRepository('Acme/Shop', { id: 7, visibility: 'internal', customProperties });
    const { status, json } = await call('GET', '/repos/ACME/shop');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      id: 7,
      name: 'Shop',
      full_name: 'Acme/Shop',
      owner: { login: 'Acme', id: Number(RUNNER_VARIABLES.GITHUB_REPOSITORY_OWNER_ID) },
      private: true,
      visibility: 'internal',
      custom_properties: customProperties,
    });
    expect((await call('GET', '/repos/acme/nothing')).status).toBe(404);
  });

  it("GitHub's emulator has the repository and the run that the runner's variables name", async () => {
    const { repository, at } = await start();
    expect(repository).toMatchObject({ id: Number(RUNNER_VARIABLES.GITHUB_REPOSITORY_ID), visibility: 'private' });
    const { json } = await at('GET', `/actions/runs/${RUNNER_VARIABLES.GITHUB_RUN_ID}`);
    expect(json).toMatchObject({
      status: 'in_progress',
      conclusion: null,
      run_attempt: 1,
      repository: { id: repository.id },
    });
  });

  it('a run has the status that was last set, and a missing one gets a 404', async () => {
    const { github, at } = await start();
    github.addRun(REPOSITORY, { id: 5, attempt: 2, status: 'queued' });
    expect((await at('GET', '/actions/runs/5')).json).toMatchObject({ id: 5, run_attempt: 2, status: 'queued' });
    github.addRun(REPOSITORY, { id: 5, status: 'completed' });
    expect((await at('GET', '/actions/runs/5')).json).toMatchObject({ run_attempt: 2, conclusion: 'success' });
    github.addRun(REPOSITORY, { id: 5, attempt: 3, conclusion: 'failure' });
    expect((await at('GET', '/actions/runs/5')).json).toMatchObject({ status: 'completed', conclusion: 'failure' });
    github.removeRun(REPOSITORY, 5);
    for (const id of ['5', 'five']) expect((await at('GET', `/actions/runs/${id}`)).status).toBe(404);
  });

  it('the former name of a repository redirects to its number', async () => {
    const { github, repository, call, at } = await start();
    github.rename(REPOSITORY, 'acme/stock');
    repository.setVariable('V', 'v');
    const moved = await at('GET', '/actions/variables/V');
    const url = `${github.apiUrl}/repositories/${repository.id}/actions/variables/V`;
    expect(moved).toMatchObject({ status: 301, json: { message: 'Moved Permanently', url } });
    expect(moved.headers.get('location')).toBe(url);
    expect((await at('GET', '/actions/variables/V', undefined, { redirect: 'follow' })).json.value).toBe('v');
    expect((await at('PATCH', '/actions/variables/V', { value: 'w' })).status).toBe(307);
    expect(repository.variables.get('V')?.value).toBe('v');
    expect((await call('GET', '/repos/acme/stock')).json).toMatchObject({ id: repository.id, full_name: 'acme/stock' });
    expect((await at('GET', '', undefined, { token: github.addToken('none') })).status).toBe(404);
    expect((await at('GET', '', undefined, { token: github.addToken({ repositories: [REPOSITORY] }) })).status).toBe(
      301,
    );
    expect(() => github.repository(REPOSITORY)).toThrow(REPOSITORY);
  });
});

describe('what a token may do', () => {
  it.each(['', 'token nonsense', 'Basic nonsense'])(
    "GitHub's emulator refuses the authorization %j",
    async (authorization) => {
      const { at } = await start();
      const { status, json } = await at('GET', '', undefined, { authorization });
      expect({ status, json }).toMatchObject({ status: 401, json: { message: 'Bad credentials', status: '401' } });
    },
  );

  it("GitHub's emulator accepts a token with the scheme Bearer", async () => {
    const { github, at } = await start();
    expect((await at('GET', '', undefined, { authorization: `Bearer ${github.token}` })).status).toBe(200);
  });

  type Permissions = Exclude<Parameters<Emulator['github']['addToken']>[0], 'none'>;
  const requests: [keyof Permissions, 'read' | 'write', string, string][] = [
    ['actions', 'read', 'GET', '/environments/e'],
    ['actions', 'read', 'GET', '/actions/runs/1'],
    ['secrets', 'read', 'GET', '/actions/secrets/public-key'],
    ['secrets', 'read', 'GET', '/actions/secrets/S'],
    ['secrets', 'write', 'PUT', '/actions/secrets/S'],
    ['secrets', 'write', 'DELETE', '/actions/secrets/S'],
    ['variables', 'read', 'GET', '/actions/variables/V'],
    ['variables', 'write', 'POST', '/actions/variables'],
    ['variables', 'write', 'PATCH', '/actions/variables/V'],
    ['variables', 'write', 'DELETE', '/actions/variables/V'],
    ['environments', 'read', 'GET', '/environments/e/secrets/public-key'],
    ['environments', 'write', 'PUT', '/environments/e/secrets/S'],
    ['environments', 'read', 'GET', '/environments/e/variables/V'],
    ['environments', 'write', 'POST', '/environments/e/variables'],
    ['environments', 'write', 'DELETE', '/environments/e/variables/V'],
  ];
  it.each(requests)('a token needs %s: %s for %s %s', async (permission, level, method, path) => {
    const { github, repository, at } = await start();
    const all = { secrets: 'write', variables: 'write', environments: 'write', actions: 'read' } as const;
    repository.addEnvironment('e');
    const statuses = [];
    for (const permissions of [
      { ...all, [permission]: undefined },
      { [permission]: 'read' },
      { [permission]: level },
    ]) {
      const { status, headers } = await at(method, path, undefined, { token: github.addToken(permissions) });
      statuses.push(status);
      if (status === 403) expect(headers.get('x-accepted-github-permissions')).toBe(`${permission}=${level}`);
    }
    expect(statuses[0]).toBe(403);
    expect(statuses[1] === 403).toBe(level === 'write');
    expect(statuses[2]).not.toBe(403);
    expect(statuses[2]).toBeLessThan(500);
  });

  it('a refusal names the kind of the token', async () => {
    const { github, at } = await start();
    const messages = [];
    for (const integration of [false, true]) {
      const { json } = await at('GET', '/actions/secrets/S', undefined, { token: github.addToken({ integration }) });
      messages.push(json.message);
    }
    expect(messages).toEqual([
      'Resource not accessible by personal access token',
      'Resource not accessible by integration',
    ]);
  });

  it('requests for repositories that a token does not cover get a 404, except for public ones', async () => {
    const { github, call } = await start();
    github.addRepository('acme/private').setVariable('V', 'v');
    github.addRepository('acme/public', { visibility: 'public' }).setVariable('V', 'v');
    const limited = { token: github.addToken({ variables: 'write', repositories: [REPOSITORY.toUpperCase()] }) };
    const none = { token: github.addToken('none') };
    expect((await call('GET', `/repos/${REPOSITORY}`, undefined, limited)).status).toBe(200);
    for (const init of [limited, none]) {
      expect((await call('GET', '/repos/acme/private', undefined, init)).status).toBe(404);
      expect((await call('GET', '/repos/acme/private/actions/variables/V', undefined, init)).status).toBe(404);
      expect((await call('GET', '/repos/acme/public', undefined, init)).status).toBe(200);
      expect((await call('GET', '/repos/acme/public/actions/variables/V', undefined, init)).status).toBe(403);
    }
  });
});

describe('the rate limit', () => {
  it("each response of GitHub's emulator reports the rate limit", async () => {
    const { at, call } = await start();
    const remaining = [];
    for (const { headers } of [await at('GET', ''), await at('GET', '/environments/e'), await call('GET', '/x')]) {
      expect(headers.get('x-ratelimit-limit')).toBe('5000');
      expect(headers.get('x-ratelimit-resource')).toBe('core');
      expect(Number(headers.get('x-ratelimit-reset')) * 1000).toBeGreaterThan(Date.now());
      expect(headers.has('date')).toBe(true);
      remaining.push(headers.get('x-ratelimit-remaining'));
    }
    expect(remaining).toEqual(['4999', '4998', '4998']);
  });

  it('the primary rate limit refuses with the time of its reset', async () => {
    const { github, at } = await start();
    github.rateLimit = { requests: 1, windowMs: 60_000, kind: 'primary' };
    expect((await at('GET', '')).headers.get('x-ratelimit-remaining')).toBe('0');
    const { status, headers, json } = await at('GET', '');
    expect({ status, remaining: headers.get('x-ratelimit-remaining') }).toEqual({ status: 403, remaining: '0' });
    expect(json.message).toMatch(/^API rate limit exceeded/);
    const wait = Number(headers.get('x-ratelimit-reset')) * 1000 - Date.now();
    expect(wait).toBeGreaterThan(55_000);
    expect(wait).toBeLessThanOrEqual(61_000);
    github.rateLimit = undefined;
    expect((await at('GET', '')).status).toBe(200);
  });

  it.each([403, 429] as const)('the secondary rate limit refuses with the seconds to wait, as %i', async (status) => {
    const { github, at } = await start();
    github.rateLimit = { requests: 1, windowMs: 60_000, kind: 'secondary', status };
    expect((await at('GET', '')).status).toBe(200);
    const refused = await at('GET', '');
    expect(refused.status).toBe(status);
    expect(refused.json.message).toMatch(/secondary rate limit/);
    expect(refused.headers.get('retry-after')).toMatch(/^(59|60)$/);
    expect(refused.headers.get('x-ratelimit-remaining')).not.toBe('0');
  });

  it('the rate limits of GitHub and Scalekit count apart', async () => {
    const { emulator, github, at } = await start({ behaviour: { rateLimit: { requests: 1, windowMs: 60_000 } } });
    github.rateLimit = { requests: 2, windowMs: 60_000, kind: 'primary' };
    const scalekit = async () => (await fetch(`${emulator.url}/oauth/token`, { method: 'POST' })).status;
    const hub = async () => (await at('GET', '')).status;
    const statuses = { github: [await hub()], scalekit: [await scalekit()] };
    statuses.github.push(await hub());
    statuses.scalekit.push(await scalekit());
    statuses.github.push(await hub());
    expect(statuses).toEqual({ github: [200, 200, 403], scalekit: [400, 429] });
  });
});

describe('the ID token', () => {
  async function ask({ github }: Emulator, query = '') {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = github.idTokenVariables;
    const response = await fetch(url + query, { headers: { authorization: `Bearer ${token}` } });
    return (await response.json()) as { count: number; value: string };
  }

  it("the ID token is signed with a key of GitHub's issuer, which Scalekit does not publish", async () => {
    const { emulator, github } = await start();
    const { count, value } = await ask(emulator, '&audience=https%3A%2F%2Fapi.example');
    expect(github.idTokens).toEqual([value]);
    expect(count).toBe(value.length);
    const issuer = `${emulator.url}/_services/token`;
    const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks`));
    const { payload, protectedHeader } = await jwtVerify(value, keys, { issuer, audience: 'https://api.example' });
    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) });
    expect(payload.exp).toBe(Number(payload.iat) + 300);
    const others = createRemoteJWKSet(new URL(`${emulator.url}/keys`));
    await expect(jwtVerify(value, others)).rejects.toThrow('no applicable key');
  });

  it("the ID token has the claims of the runner's variables, with ids as text", async () => {
    const { emulator, repository } = await start();
    repository.customProperties = { tier: 'one', none: null };
    const claims = decodeJwt((await ask(emulator)).value);
    const { GITHUB_SHA: sha, GITHUB_WORKFLOW_REF: workflow_ref } = RUNNER_VARIABLES;
    expect(claims).toEqual({
      jti: expect.any(String),
      sub: 'repo:acme@9919/inventory-service@740123456:ref:refs/heads/main',
      aud: 'https://github.com/acme',
      ref: RUNNER_VARIABLES.GITHUB_REF,
      ref_type: 'branch',
      ref_protected: 'true',
      sha,
      repository: REPOSITORY,
      repository_id: '740123456',
      repository_owner: 'acme',
      repository_owner_id: '9919',
      repository_visibility: 'private',
      run_id: RUNNER_VARIABLES.GITHUB_RUN_ID,
      run_number: expect.stringMatching(/^\d+$/),
      run_attempt: '1',
      check_run_id: expect.stringMatching(/^\d+$/),
      actor: 'octocat',
      actor_id: '583231',
      workflow: 'Deploy',
      workflow_ref,
      workflow_sha: sha,
      job_workflow_ref: workflow_ref,
      job_workflow_sha: sha,
      head_ref: '',
      base_ref: '',
      event_name: 'push',
      runner_environment: 'github-hosted',
      repo_property_tier: 'one',
      iss: `${emulator.url}/_services/token`,
      nbf: expect.any(Number),
      exp: expect.any(Number),
      iat: expect.any(Number),
    });
  });

  it.each([
    [{ environment: 'production' }, 'environment:production'],
    [{ event_name: 'pull_request' }, 'pull_request'],
  ])('the ID token has the configured claims: %j', async (changes, context) => {
    const { emulator, github } = await start();
    github.idTokenClaims = { ...changes, actor: undefined };
    const claims = decodeJwt((await ask(emulator)).value);
    expect(claims).toMatchObject({ ...changes, sub: `repo:acme@9919/inventory-service@740123456:${context}` });
    expect(claims).not.toHaveProperty('actor');
  });

  it("the ID token is issued only for the job's request token", async () => {
    const { github } = await start();
    const response = await fetch(String(github.idTokenVariables.ACTIONS_ID_TOKEN_REQUEST_URL), {
      headers: { authorization: `Bearer ${github.token}` },
    });
    expect(response.status).toBe(401);
    expect(github.idTokens).toEqual([]);
  });
});

describe('the emulator itself', () => {
  it("Octokit saves secrets and variables in GitHub's emulator", async () => {
    const { github, repository } = await start();
    const environment = repository.addEnvironment('preview/pr 7');
    const octokit = getOctokit(github.token, { baseUrl: github.apiUrl }).rest;
    const at = { owner: 'acme', repo: 'inventory-service', environment_name: environment.name };
    const { data } = await octokit.actions.getEnvironmentPublicKey(at);
    const secret = { encrypted_value: await seal('v', data.key), key_id: data.key_id, secret_name: 'S' };
    await octokit.actions.createOrUpdateEnvironmentSecret({ ...at, ...secret });
    await octokit.actions.createEnvironmentVariable({ ...at, name: 'V', value: 'v' });
    await octokit.actions.updateEnvironmentVariable({ ...at, name: 'V', value: 'w' });
    expect(environment.secrets.get('S')?.value).toBe('v');
    expect(environment.variables.get('V')?.value).toBe('w');
    await expect(octokit.actions.deleteRepoVariable({ ...at, name: 'V' })).rejects.toMatchObject({ status: 404 });
  });

  it("GitHub's emulator responds with 500 in place of a response that contradicts GitHub's OpenAPI description", async () => {
    const { github, repository } = await start();
    repository.variables.set('V', { value: 1 as never, createdAt: 'yesterday', updatedAt: '2026-01-01T00:00:00Z' });
    const response = await fetch(`${github.apiUrl}/repos/${REPOSITORY}/actions/variables/V`, {
      headers: { authorization: `Bearer ${github.token}` },
    });
    expect(response.status).toBe(500);
    expect(await response.text()).toMatch(
      /answer 200 to getVariable is wrong: .*value must be string.*created_at must match/,
    );
  });

  it("requests to GitHub's emulator are recorded, held and meet faults", async () => {
    const held: string[] = [];
    const { emulator, repository, at } = await start({
      hold: (when, { operation }) => void held.push(`${when} ${operation}`),
    });
    emulator.faults.add({ operation: 'createVariable', when: 'after', fault: { kind: 'reset' } });
    await expect(at('POST', '/actions/variables', { name: 'V', value: 'v' })).rejects.toThrow('fetch failed');
    expect(repository.variables.get('V')?.value).toBe('v');
    await at('GET', '/actions/variables/V?x=1');
    expect(emulator.requests).toMatchObject([
      { operation: 'createVariable', body: { name: 'V', value: 'v' }, status: undefined },
      { operation: 'getVariable', path: `/api/v3/repos/${REPOSITORY}/actions/variables/V?x=1`, status: 200 },
    ]);
    expect(held).toEqual(['before createVariable', 'after createVariable', 'before getVariable', 'after getVariable']);
  });

  it("GitHub's emulator is served over TLS with the option tls", async () => {
    const { emulator, github } = await start({ tls: true });
    expect(github.variables).toEqual({ GITHUB_API_URL: `${emulator.tlsUrl}/api/v3` });
    expect(github.idTokenVariables.ACTIONS_ID_TOKEN_REQUEST_URL).toBe(`${emulator.tlsUrl}/id-token?api-version=2.0`);
  });

  it('the emulator prints the variables of GitHub when it runs as a program', async () => {
    const program = spawn(process.execPath, ['emulator/cli.ts', '--github'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const variables = new Map<string, string>();
    for await (const line of createInterface(program.stdout)) {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
      variables.set(name, value);
      if (name === 'ENDED_RUN_ID') break;
    }
    const { status } = await fetch(`${variables.get('GITHUB_API_URL')}/repos/${REPOSITORY}`, {
      headers: { authorization: `token ${variables.get('SECRETS_TOKEN')}` },
    });
    expect(status).toBe(200);
    const idToken = await fetch(String(variables.get('ACTIONS_ID_TOKEN_REQUEST_URL')), {
      headers: { authorization: `Bearer ${variables.get('ACTIONS_ID_TOKEN_REQUEST_TOKEN')}` },
    });
    expect(idToken.status).toBe(200);
    program.kill('SIGTERM');
    expect(await once(program, 'exit')).toEqual([0, null]);
  });
});
