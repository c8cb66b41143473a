import { describe, expect, it } from '@jest/globals';
import type { Emulator, Fault, Operation } from '../../emulator/index.ts';
import type { Outcome, Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, type Inputs, readable, runAction, savingIn, secretsOf } from '../support/action.ts';
import { anotherEmulator, useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailedCleanly, expectSucceeded } from '../support/outcomes.ts';
import { sentTo } from '../support/requests.ts';
import {
  changesOf,
  contents,
  credentialsIn,
  credentialsOf,
  cutOff,
  expectNoSecrets,
  FINE_AND_CLASSIC,
  NAMES,
  REPOSITORY,
  repositoryOf,
  saveWith,
  seedSaved,
} from '../support/saved.ts';
import { MINUTE } from '../support/times.ts';

// Tests of `save_to` and GitHub's API: permissions, rate limits, the token, and the address.

const emulator = useEmulator();
const itWaits = useConcurrentTests();
const save = (inputs: Inputs = {}, step: Step = {}) => saveWith(emulator, inputs, step);

const BAD_CREDENTIALS: Fault = { kind: 'status', status: 401, body: { message: 'Bad credentials' } };
const NOT_FOUND: Fault = { kind: 'status', status: 404, body: { message: 'Not Found' } };
const IN_ENVIRONMENT: Inputs = { save_to: 'environment', environment: 'production' };

describe('what GitHub does not know yet', () => {
  const NEW: { name: string; operation: Operation; fault: Fault; inputs: Inputs }[] = [
    { name: 'the token', operation: 'getPublicKey', fault: BAD_CREDENTIALS, inputs: {} },
    { name: 'the environment', operation: 'getEnvironment', fault: NOT_FOUND, inputs: IN_ENVIRONMENT },
    { name: 'another repository', operation: 'getRepository', fault: NOT_FOUND, inputs: { repository: 'acme/other' } },
  ];
  for (const { name, operation, fault, inputs } of NEW)
    itWaits(`reads again before it changes anything if GitHub does not know ${name} yet`, async (isolated) => {
      repositoryOf(isolated).addEnvironment('production');
      isolated.github.addRepository('acme/other');
      isolated.faults.add({ operation, call: 1, fault });
      const run = await saveWith(isolated, inputs);
      expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'created' } });
      expect(sentTo(isolated, operation).length).toBeGreaterThanOrEqual(2);
    });

  it('does not send the secret again if GitHub refuses the token after something was changed', async () => {
    emulator.faults.add({ operation: 'putActionsSecret', fault: BAD_CREDENTIALS });
    const run = await save();
    expect(run.exitCode).toBe(1);
    expect(sentTo(emulator, 'putActionsSecret')).toHaveLength(1);
    expect(emulator.clients()).toEqual([]);
  });
});

describe('reasons to change nothing', () => {
  const ALL = { secrets: 'write', variables: 'write', environments: 'write', actions: 'read' } as const;
  const without = (permission: keyof typeof ALL) => (on: Emulator) => {
    const { [permission]: _, ...rest } = ALL;
    return { github_token: on.github.addToken(rest) };
  };
  const cases: { name: string; arrange: (on: Emulator) => Inputs; messages: RegExp[] }[] = [
    {
      name: 'the environment does not exist in GitHub',
      arrange: () => ({ ...IN_ENVIRONMENT, environment: 'nowhere' }),
      messages: [/environment "nowhere" of acme\/inventory-service: HTTP 404/, FINE_AND_CLASSIC.environment],
    },
    {
      name: 'the token may not read secrets',
      arrange: without('secrets'),
      messages: [/HTTP 403/, FINE_AND_CLASSIC.secrets],
    },
    {
      name: 'the token may not read secrets, in a dry run',
      arrange: (on) => ({ ...without('secrets')(on), dry_run: 'true' }),
      messages: [/HTTP 403/, FINE_AND_CLASSIC.secrets],
    },
    {
      name: 'the token may not read variables',
      arrange: without('variables'),
      messages: [/HTTP 403/, FINE_AND_CLASSIC.variables],
    },
    {
      name: 'the token has no permission for environments',
      arrange: (on) => ({ ...IN_ENVIRONMENT, ...without('environments')(on) }),
      messages: [/HTTP 403/, FINE_AND_CLASSIC.environment],
    },
    {
      name: 'the token is GITHUB_TOKEN',
      arrange: (on) => ({ github_token: on.github.addToken({ integration: true }) }),
      messages: [
        /HTTP 403: Resource not accessible by integration/,
        FINE_AND_CLASSIC.secrets,
        /GITHUB_TOKEN cannot have that permission/,
      ],
    },
    {
      name: 'the rate limit of the token ends in an hour',
      arrange: (on) => {
        on.github.rateLimit = { requests: 0, windowMs: 60 * MINUTE, kind: 'primary' };
        return {};
      },
      messages: [/HTTP 403.* rate limit .* no time to wait for it\. The server asks to wait/],
    },
  ];
  for (const { name, arrange, messages } of cases)
    itWaits(`fails before it changes anything and says what it needs if ${name}`, async (isolated) => {
      const location = repositoryOf(isolated);
      location.addEnvironment('production');
      const { credentials } = seedSaved(isolated, { fields: { scopes: ['b'] } });
      const before = contents(isolated, location);
      const run = await saveWith(isolated, { scopes: 'a', ...arrange(isolated) });
      expectFailedCleanly(run);
      expect(changesOf(isolated)).toEqual([]);
      expect(errors(run)).toHaveLength(1);
      for (const message of messages) expect(errors(run)[0]).toMatch(message);
      expect(contents(isolated, location)).toEqual(before);
      expect(await credentialsWork(isolated, credentials)).toBe(true);
      // A wait for the rate limit or for retries would last until the time limit of the step, two minutes.
      expect(run.milliseconds).toBeLessThan(30_000);
      expectNoSecrets(isolated, run);
    });

  itWaits('fails within the time of the step if GitHub does not respond', async (isolated) => {
    isolated.faults.add({ operation: 'getPublicKey', fault: { kind: 'hang' } });
    const run = await saveWith(isolated, { timeout: '6' });
    expect(run.exitCode).toBe(1);
    expect(changesOf(isolated)).toEqual([]);
    expect(errors(run)[0]).toMatch(/no answer within \d.*GITHUB_API_URL/);
    expect(run.milliseconds).toBeLessThan(9_000);
  });

  it('names each bad input of save_to in one error, and sends nothing', async () => {
    const run = await save({ save_to: 'organization', save_as: 'GitHub_M2M', github_token: 'two words' });
    expect(run.exitCode).toBe(1);
    expect(emulator.requests).toEqual([]);
    const [message = ''] = errors(run);
    expect(message.match(/^- \w+/gm)).toEqual(['- save_to', '- save_as', '- github_token']);
  });

  it('shows in a dry run where it would save the credentials, and changes nothing', async () => {
    const { client } = seedSaved(emulator);
    const before = emulator.clients();
    const run = await save({ dry_run: 'true' });
    expectSucceeded(run);
    expect(changesOf(emulator)).toEqual([]);
    expect(emulator.clients()).toEqual(before);
    expect(run.outputs).toEqual({
      client_id: client.client_id,
      organization_id: emulator.organization.id,
      result: 'planned',
    });
    const text = `save the credentials as ${NAMES} of ${REPOSITORY}`;
    expect(run.log).toContain(`- ${text}`);
    expect(run.summary).toContain(text);
  });
});

const LIMITS = [
  { kind: 'secondary', status: 429 },
  { kind: 'primary', status: 403 },
] as const;
for (const { kind, status } of LIMITS)
  itWaits(`waits for a ${kind} rate limit of GitHub (${status}) that ends in time`, async (isolated) => {
    isolated.github.rateLimit = { requests: 3, windowMs: 1500, kind, status };
    const run = await saveWith(isolated);
    expectSucceeded(run);
    expect(credentialsIn(repositoryOf(isolated))).toEqual(credentialsOf(run));
    expect(isolated.requests.filter((request) => request.status === status).length).toBeGreaterThan(0);
  });

describe('github_token', () => {
  const forms = (token: string) => [
    token,
    encodeURIComponent(token),
    JSON.stringify(token).slice(1, -1),
    ...['', 'x', 'xx'].map((before) =>
      Buffer.from(before + token)
        .toString('base64')
        .slice(4, -4),
    ),
  ];

  it('masks github_token in all its forms, and shows none of them if GitHub sends them back, nor in post', async () => {
    const token = ['ghp', 'p/+"&x'.repeat(5)].join('_');
    const body = { message: `No: ${token}`, errors: [{ message: `token ${token}` }, encodeURIComponent(token)] };
    emulator.faults.add({ operation: 'getPublicKey', fault: { kind: 'status', status: 403, body } });
    const main = await save({ github_token: token });
    const post = await main.post();
    expect(main.exitCode).toBe(1);
    expect(errors(main)[0]).toContain('HTTP 403: No: ***');
    for (const run of [main, post])
      for (const form of forms(token)) {
        expect(readable(run)).not.toContain(form);
        expect(run.log).not.toContain(form);
      }
    expect(forms(token).filter((form) => !main.masks.some((mask) => mask.includes(form)))).toEqual([]);
  });

  it('masks github_token before it prints anything else, even if the token is not needed', async () => {
    const { github_token = '' } = savingIn(emulator);
    const run = await runAction(emulator, { inputs: { github_token } });
    expectSucceeded(run);
    expect(emulator.requests.filter(({ path }) => path.startsWith('/api/v3'))).toEqual([]);
    expect(run.masks).toContain(github_token);
    expect(run.stdout.indexOf('::debug::')).toBeGreaterThan(run.stdout.indexOf(`::add-mask::${github_token}`));
  });

  it('masks github_token in the post step, which sends it again', async () => {
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', 'createVariable CLIENT_ID'], (step) => save({}, step));
    const post = await main.post();
    expect(post.masks).toContain(emulator.github.token);
    expectNoSecrets(emulator, main, post);
  });
});

describe('GITHUB_API_URL', () => {
  it('sends to GITHUB_API_URL nothing that belongs to Scalekit, and to Scalekit nothing that belongs to GitHub', async () => {
    await using github = await anotherEmulator();
    const step: Step = { env: github.github.variables };
    const inputs = { ...savingIn(github), access_token: 'true' };
    const runs = [await save(inputs, step), await save(inputs, step)];
    expect(runs.map((run) => errors(run))).toEqual([[], []]);
    expect(credentialsIn(repositoryOf(github))).toEqual(credentialsOf(runs[1] as Outcome));
    expect(contents(emulator).variables).toEqual({});
    expect(github.clients()).toEqual([]);
    const pathsOf = (on: Emulator) => on.requests.map(({ path }) => path);
    expect(pathsOf(github).filter((path) => !path.startsWith(`/api/v3/repos/${REPOSITORY}/`))).toEqual([]);
    expect(pathsOf(emulator).filter((path) => path.startsWith('/api/v3'))).toEqual([]);
    const whole = (on: Emulator) => JSON.stringify(on.requests.map(({ path, headers, text }) => [path, headers, text]));
    for (const secret of secretsOf(emulator)) expect(whole(github)).not.toContain(secret);
    expect(whole(github)).not.toContain(emulator.credentials.clientId);
    expect(whole(emulator)).not.toContain(github.github.token);
  });

  it('sends nothing if GITHUB_API_URL is not an https address', async () => {
    const run = await save({}, { env: { GITHUB_API_URL: 'http://github.example' } });
    expect(run.exitCode).toBe(1);
    expect(emulator.requests).toEqual([]);
    expect(errors(run)).toEqual([expect.stringMatching(/^Bad input: GITHUB_API_URL: /)]);
  });

  it.each<{ operation: Operation; status: number }>([
    { operation: 'getPublicKey', status: 301 },
    { operation: 'createVariable', status: 307 },
  ])(
    'does not follow a redirect of GitHub ($status to $operation) to another server',
    async ({ operation, status }) => {
      await using other = await anotherEmulator();
      const location = `${other.github.apiUrl}/repos/${REPOSITORY}/actions`;
      emulator.faults.add({ operation, fault: { kind: 'redirect', status, location } });
      const run = await save();
      expectFailedCleanly(run);
      expect(errors(run)[0]).toContain(`HTTP ${status}. Redirects are not followed`);
      expect(emulator.clients()).toEqual([]);
      expect(repositoryOf(emulator).secrets.size).toBe(0);
      expect(other.requests).toEqual([]);
    },
  );

  it('does not follow a redirect with the secret, and fails with an unknown outcome', async () => {
    await using other = await anotherEmulator();
    const location = `${other.github.apiUrl}/repos/${REPOSITORY}/actions`;
    emulator.faults.add({ operation: 'putActionsSecret', fault: { kind: 'redirect', status: 307, location } });
    const run = await save();
    expectFailedCleanly(run);
    expect(errors(run)[0]).toContain('HTTP 307. Redirects are not followed');
    expect(errors(run)[0]).toContain('may not belong together');
    expect(emulator.clients()).toHaveLength(1);
    expect(repositoryOf(emulator).secrets.size).toBe(0);
    expect(other.requests).toEqual([]);
  });
});
