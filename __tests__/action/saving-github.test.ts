import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Fault, type Operation, startEmulator } from '../../emulator/index.ts';
import type { Outcome, Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, readable, runAction, savingIn, secretsOf } from '../support/action.ts';
import {
  changesOf,
  contents,
  credentialsOf,
  cutOff,
  expectNoSecrets,
  FINE_AND_CLASSIC,
  type Inputs,
  keptIn,
  MINUTE,
  NAMES,
  REPOSITORY,
  repositoryOf,
  saveWith,
  seedSaved,
} from '../support/saved.ts';
import { another, useConcurrentTests } from '../support/setup.ts';

// Tests of `save_to` and GitHub's API: permissions, rate limits, the token, and the address.

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const itWaits = useConcurrentTests();
const save = (inputs: Inputs = {}, step: Step = {}) => saveWith(emulator, inputs, step);
const repository = () => repositoryOf(emulator);

describe('GitHub is asked again for a few seconds before anything is changed', () => {
  const BAD_CREDENTIALS: Fault = { kind: 'status', status: 401, body: { message: 'Bad credentials' } };
  const NOT_FOUND: Fault = { kind: 'status', status: 404, body: { message: 'Not Found' } };
  const IN_ENVIRONMENT = { save_to: 'environment', environment: 'production' };
  const asked = (on: Emulator, operation: Operation) =>
    on.requests.filter((request) => request.operation === operation).length;

  it.each<[what: string, Operation, Fault, Inputs]>([
    ['the token', 'getPublicKey', BAD_CREDENTIALS, {}],
    ['the token when it reads variables', 'getVariable', BAD_CREDENTIALS, {}],
    ['the repository', 'getPublicKey', NOT_FOUND, {}],
    ['the environment', 'getEnvironment', NOT_FOUND, IN_ENVIRONMENT],
    ["the environment's public key", 'getPublicKey', NOT_FOUND, IN_ENVIRONMENT],
    ['another repository', 'getRepository', NOT_FOUND, { repository: 'acme/other' }],
    ['the token when it reads another repository', 'getRepository', BAD_CREDENTIALS, { repository: 'acme/other' }],
  ])('if it does not know %s yet', async (_, operation, fault, inputs) => {
    repository().addEnvironment('production');
    emulator.github.addRepository('acme/other');
    emulator.faults.add({ operation, call: 1, times: 2, fault });
    const run = await save(inputs);
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'created' } });
    expect(asked(emulator, operation)).toBeGreaterThanOrEqual(2);
  });

  it('and not because variables or the secret are missing', async () => {
    repository().addEnvironment('production');
    for (const inputs of [{}, IN_ENVIRONMENT]) {
      const before = emulator.requests.length;
      expect(await save({ ...inputs, dry_run: 'true' })).toMatchObject({ exitCode: 0 });
      const operations = emulator.requests.slice(before).map(({ operation }) => operation);
      expect(operations.filter((operation) => operation === 'getVariable')).toHaveLength(2);
      expect(operations.filter((operation) => operation === 'getActionsSecret')).toHaveLength(1);
    }
  });

  it('and not once something was changed', async () => {
    emulator.faults.add({ operation: 'putActionsSecret', fault: BAD_CREDENTIALS });
    const run = await save();
    expect([run.exitCode, asked(emulator, 'putActionsSecret'), emulator.clients()]).toEqual([1, 1, []]);
  });
});

describe('nothing at all is changed', () => {
  const ALL = { secrets: 'write', variables: 'write', environments: 'write', actions: 'read' } as const;
  const without = (permission: keyof typeof ALL) => (on: Emulator) => {
    const { [permission]: _, ...rest } = ALL;
    return { github_token: on.github.addToken(rest) };
  };
  const IN_ENVIRONMENT = { save_to: 'environment', environment: 'production' };
  const fault = (operation: Operation, fault: Fault) => (on: Emulator) => {
    on.faults.add({ operation, fault });
    return {};
  };
  const cases: [string, (on: Emulator) => Inputs, RegExp[]][] = [
    [
      'there is no such environment',
      () => ({ ...IN_ENVIRONMENT, environment: 'nowhere' }),
      [/environment "nowhere" of acme\/inventory-service: HTTP 404/, FINE_AND_CLASSIC.environment],
    ],
    [
      'the token is not valid',
      () => ({ github_token: 'ghp_expired' }),
      [/HTTP 401: Bad credentials\. github_token is wrong, has expired or was revoked\./],
    ],
    ['the token may not read secrets', without('secrets'), [/HTTP 403/, FINE_AND_CLASSIC.secrets]],
    ['the token may not read variables', without('variables'), [/HTTP 403/, FINE_AND_CLASSIC.variables]],
    [
      'the token is for no environments',
      (on) => ({ ...IN_ENVIRONMENT, ...without('environments')(on) }),
      [/HTTP 403/, FINE_AND_CLASSIC.environment],
    ],
    [
      'the token is GITHUB_TOKEN',
      (on) => ({ github_token: on.github.addToken({ integration: true }) }),
      [
        /HTTP 403: Resource not accessible by integration/,
        FINE_AND_CLASSIC.secrets,
        /GITHUB_TOKEN cannot have that permission/,
      ],
    ],
    [
      'the token cannot see the repository',
      (on) => ({ github_token: on.github.addToken({ ...ALL, repositories: ['acme/other'] }) }),
      [/HTTP 404/, FINE_AND_CLASSIC.secrets],
    ],
    [
      'the token is not allowed for single sign-on',
      fault('getPublicKey', {
        kind: 'status',
        status: 403,
        headers: { 'x-github-sso': 'required; url=https://github.com/orgs/acme/sso?authorization_request=AZ' },
        body: { message: 'Resource protected by organization SAML enforcement.' },
      }),
      [
        /HTTP 403: Resource .* enforcement\. To allow github_token, open https:\/\/github\.com\/orgs\/acme\/sso\?authorization_request=AZ$/,
      ],
    ],
    [
      'the organization has a policy on tokens, in its own words alone',
      fault('getPublicKey', {
        kind: 'status',
        status: 403,
        body: { message: "The 'acme' organization forbids access if the token's lifetime is greater than 366 days." },
      }),
      [/HTTP 403: The 'acme' organization .* greater than 366 days\.$/],
    ],
    [
      'a firewall answers instead of GitHub',
      fault('getPublicKey', { kind: 'status', status: 403, body: '<html>Blocked</html>' }),
      [/HTTP 403\. That is not the API's JSON: a firewall, .* in front of GITHUB_API_URL probably refused it\./],
    ],
    [
      'the rate limit ends in an hour',
      (on) => {
        on.github.rateLimit = { requests: 0, windowMs: 60 * MINUTE, kind: 'primary' };
        return {};
      },
      [/HTTP 403.* rate limit .* no time to wait for it\. The server asks to wait/],
    ],
    [
      'the rate limit asks for an hour',
      fault('getPublicKey', {
        kind: 'status',
        status: 429,
        headers: { 'retry-after': '3600' },
        body: { message: 'You have exceeded a secondary rate limit.' },
      }),
      [/HTTP 429.* rate limit /],
    ],
    [
      'the repository has moved',
      (on) => {
        on.github.rename(REPOSITORY, 'acme/moved');
        return {};
      },
      [/HTTP 301.*Redirects are not followed.*current name of the repository/],
    ],
    ['the key is none', fault('getPublicKey', { kind: 'body', body: 'rubbish' }), [/read the public key .*not JSON/]],
    [
      'there is no key',
      fault('getPublicKey', { kind: 'body', body: '{"key":""}' }),
      [/public key .*holds no public key/],
    ],
    [
      'a variable cannot be read',
      fault('getVariable', { kind: 'status', status: 410, body: { message: 'gone' } }),
      [/read variable SCALEKIT_M2M_(STATE|CLIENT_ID) .*HTTP 410: gone/],
    ],
    [
      'the secret cannot be read',
      fault('getActionsSecret', { kind: 'body', body: '[]' }),
      [/read secret SCALEKIT_M2M_CLIENT_SECRET .*not an object/],
    ],
  ];

  it.each(cases)('if %s, and the error says what is needed', async (_, arrange, messages) => {
    const location = repository();
    location.addEnvironment('production');
    const { credentials } = seedSaved(emulator, { fields: { scopes: ['b'] } });
    const before = [emulator.clients(), contents(emulator, location)];
    const run = await save({ scopes: 'a', ...arrange(emulator) });
    expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
    expect(changesOf(emulator)).toEqual([]);
    expect(errors(run)).toHaveLength(1);
    for (const message of messages) expect(errors(run)[0]).toMatch(message);
    expect([emulator.clients(), contents(emulator, location)]).toEqual(before);
    expect(await credentialsWork(emulator, credentials)).toBe(true);
    // A wait for the rate limit or for retries would last until the time limit of the step, two minutes.
    expect(run.milliseconds).toBeLessThan(15_000);
    expectNoSecrets(emulator, run);
  });

  it.each<[string, Inputs]>([
    ['github_token', { github_token: '' }],
    ['github_token', { github_token: 'two words' }],
    ['save_to', { save_to: 'environment' }],
    ['save_to', { lifetime: 'job' }],
    ['save_to', { save_to: 'organization' }],
    ['save_as', { save_as: '1ST' }],
    ['save_as', { save_as: 'GitHub_M2M' }],
    ['save_as', { save_as: 'A-B' }],
  ])('if the input %s is bad: %j', async (input, inputs) => {
    const run = await save(inputs);
    expect([run.exitCode, emulator.requests]).toEqual([1, []]);
    expect(errors(run)).toEqual([expect.stringMatching(`^Bad input: ${input}: `)]);
  });

  it('in a dry run, which shows what would be saved', async () => {
    const { client } = seedSaved(emulator);
    const before = emulator.clients();
    const run = await save({ dry_run: 'true' });
    expect([errors(run), changesOf(emulator), emulator.clients()]).toEqual([[], [], before]);
    expect(run.outputs).toEqual({
      client_id: client.client_id,
      organization_id: emulator.organization.id,
      result: 'planned',
    });
    const text = `save the credentials as ${NAMES} of ${REPOSITORY}`;
    expect([run.log, run.summary]).toEqual([expect.stringContaining(`- ${text}`), expect.stringContaining(text)]);
  });

  it('in a dry run of a token that may not read', async () => {
    const github_token = emulator.github.addToken({});
    const run = await save({ dry_run: 'true', github_token });
    expect([run.exitCode, changesOf(emulator)]).toEqual([1, []]);
    expect(errors(run)[0]).toMatch(FINE_AND_CLASSIC.secrets);
  });
});

describe('a rate limit', () => {
  const limits = [
    { kind: 'secondary', status: 403 },
    { kind: 'secondary', status: 429 },
    { kind: 'primary', status: 403 },
  ] as const;
  for (const { kind, status } of limits)
    itWaits(`(${kind}, ${status}) that ends within the time of the step is waited for`, async (isolated) => {
      isolated.github.rateLimit = { requests: 3, windowMs: 1500, kind, status };
      const run = await saveWith(isolated);
      expect(errors(run)).toEqual([]);
      expect(keptIn(repositoryOf(isolated))).toEqual(credentialsOf(run));
      expect(isolated.requests.filter((request) => request.status === status).length).toBeGreaterThan(0);
    });
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

  it('is masked in all its forms, and nowhere to be read, also if it fails and in post', async () => {
    const token = ['ghp', 'p/+"&x'.repeat(5)].join('_');
    const body = { message: `No: ${token}`, errors: [{ message: `token ${token}` }, encodeURIComponent(token)] };
    emulator.faults.add({ operation: 'getPublicKey', fault: { kind: 'status', status: 403, body } });
    const main = await save({ github_token: token });
    const post = await main.post();
    expect([main.exitCode, errors(main)[0]]).toEqual([1, expect.stringContaining('HTTP 403: No: ***')]);
    for (const run of [main, post])
      for (const form of forms(token)) {
        expect(readable(run)).not.toContain(form);
        expect(run.log).not.toContain(form);
      }
    for (const form of forms(token)) expect(main.masks.some((mask) => mask.includes(form))).toBe(true);
  });

  it('is masked before anything else is printed, also if it is not needed', async () => {
    const { github_token = '' } = savingIn(emulator);
    const run = await runAction(emulator, { inputs: { github_token } });
    expect([errors(run), emulator.requests.filter(({ path }) => path.startsWith('/api/v3'))]).toEqual([[], []]);
    expect(run.masks).toContain(github_token);
    expect(run.stdout.indexOf('::debug::')).toBeGreaterThan(run.stdout.indexOf(`::add-mask::${github_token}`));
  });

  it('is masked by post, which sends it once more', async () => {
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', 'createVariable CLIENT_ID'], (step) => save({}, step));
    const post = await main.post();
    expect(post.masks).toContain(emulator.github.token);
    expectNoSecrets(emulator, main, post);
  });
});

describe('GitHub’s API', () => {
  it('is where GITHUB_API_URL says, and neither side ever sees what belongs to the other', async () => {
    await using github = await another();
    const step: Step = { env: github.github.variables };
    const inputs = { ...savingIn(github), access_token: 'true' };
    const runs = [await save(inputs, step), await save(inputs, step)];
    expect(runs.map((run) => errors(run))).toEqual([[], []]);
    expect(keptIn(repositoryOf(github))).toEqual(credentialsOf(runs[1] as Outcome));
    expect([contents(emulator).variables, github.clients()]).toEqual([{}, []]);
    expect(github.requests.every(({ path }) => path.startsWith(`/api/v3/repos/${REPOSITORY}/`))).toBe(true);
    expect(emulator.requests.some(({ path }) => path.startsWith('/api/v3'))).toBe(false);
    const whole = (on: Emulator) => JSON.stringify(on.requests.map(({ path, headers, text }) => [path, headers, text]));
    for (const secret of secretsOf(emulator)) expect(whole(github)).not.toContain(secret);
    expect(whole(github)).not.toContain(emulator.credentials.clientId);
    expect(whole(emulator)).not.toContain(github.github.token);
  });

  it.each(['http://github.example', 'ftp://github.example', 'not a url', 'https://user:word@github.example'])(
    'is never asked if the address is bad: %s',
    async (GITHUB_API_URL) => {
      const run = await save({}, { env: { GITHUB_API_URL } });
      expect([run.exitCode, emulator.requests]).toEqual([1, []]);
      expect(errors(run)).toEqual([expect.stringMatching(/^Bad input: GITHUB_API_URL: /)]);
    },
  );

  it.each<Operation>(['getPublicKey', 'getVariable', 'createVariable'])(
    'is never followed elsewhere: %s',
    async (operation) => {
      await using other = await another();
      for (const status of [301, 307]) {
        emulator.faults.clear();
        const location = `${other.github.apiUrl}/repos/${REPOSITORY}/actions`;
        emulator.faults.add({ operation, fault: { kind: 'redirect', status, location } });
        const run = await save();
        expect([run.exitCode, run.outputs]).toEqual([1, {}]);
        expect(errors(run)[0]).toContain(`HTTP ${status}. Redirects are not followed`);
        expect([contents(emulator).clients, contents(emulator).secrets]).toEqual([[], {}]);
      }
      expect(other.requests).toEqual([]);
    },
  );

  it.each([301, 307])(
    'is never followed elsewhere with the secret, whose outcome is unknown then: %d',
    async (status) => {
      await using other = await another();
      const location = `${other.github.apiUrl}/repos/${REPOSITORY}/actions`;
      emulator.faults.add({ operation: 'putActionsSecret', fault: { kind: 'redirect', status, location } });
      const run = await save();
      expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
      expect(errors(run)[0]).toContain(`HTTP ${status}. Redirects are not followed`);
      expect(errors(run)[0]).toContain('may not belong together');
      expect([contents(emulator).clients.length, contents(emulator).secrets, other.requests]).toEqual([1, {}, []]);
    },
  );

  itWaits('is not waited for beyond the time of the step', async (isolated) => {
    isolated.faults.add({ operation: 'getPublicKey', fault: { kind: 'hang' } });
    const run = await saveWith(isolated, { timeout: '10' });
    expect([run.exitCode, changesOf(isolated)]).toEqual([1, []]);
    expect(errors(run)[0]).toMatch(/no answer within \d.*GITHUB_API_URL/);
    expect(run.milliseconds).toBeLessThan(10_500);
  });
});
