import { writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  readCredentials,
  readGitHubToken,
  readTimeout,
  readUnmaskedCredentials,
  unsafeSetting,
} from '../../../src/inputs/connection.ts';
import { readSweepInputs } from '../../../src/inputs/inputs.ts';
import { useFolder } from '../../support/folders.ts';
import {
  GITHUB_TOKEN,
  ID_TOKEN_VARIABLES,
  mainError,
  NO_INPUTS,
  readMain,
  readWith,
  SAVING,
  SCALEKIT_VARIABLES,
  SECRET,
  setInputs,
  useCleanInputs,
  useForkEvent,
  type Values,
} from '../input-fixtures.ts';

const printed = useCleanInputs();
const fromFork = useForkEvent();
const inFolder = useFolder();

describe('empty credentials', () => {
  const check = "check the name of the secret, and that this repository or the job's environment has it";
  const unknown = `GitHub turns a secret that it does not find into an empty text: ${check}. Runs from a fork and by Dependabot receive no secrets.`;
  const credentials: { input: string; expected: string; changes: Values }[] = [
    {
      input: 'scalekit_client_id',
      expected: "expected the id of the environment's API credentials (skc_…)",
      changes: {},
    },
    {
      input: 'scalekit_client_secret',
      expected: "expected the secret of the environment's API credentials",
      changes: {},
    },
    ...[{ save_to: 'repository' }, { save_to: 'environment', environment: 'a' }].map((changes) => ({
      input: 'github_token',
      expected: 'expected a token that may write secrets and variables (save_to)',
      changes,
    })),
    {
      input: 'github_token',
      expected: 'expected a token that may read a/b (repository)',
      changes: { repository: 'a/b', save_to: 'repository' },
    },
  ];

  it.each<{ name: string; env: () => Values; cause: string }>([
    { name: 'a wrong name, a fork or Dependabot in any other run', env: () => ({}), cause: unknown },
    {
      name: 'the secrets of Dependabot if it started the run',
      env: () => ({ GITHUB_ACTOR: 'dependabot[bot]' }),
      cause: `Dependabot started this run, and such runs receive only Dependabot's own secrets (repository settings, Secrets, Dependabot). Otherwise ${check}.`,
    },
    {
      name: 'the fork if the run comes from one',
      env: () => fromFork('pull_request'),
      cause: `Workflows triggered from a fork do not receive secrets. Otherwise ${check}.`,
    },
    // Such a run receives secrets.
    {
      name: 'not the fork in a run of pull_request_target',
      env: () => fromFork('pull_request_target'),
      cause: unknown,
    },
  ])('the likely cause of an empty credential is $name', ({ env, cause }) => {
    for (const { input, expected, changes } of credentials)
      expect(mainError({ ...changes, [input]: ' ' }, env())).toBe(
        `Bad input: ${input}: is empty; ${expected}. ${cause}`,
      );
  });

  it('an error names no cause of an empty credential if the credentials are given', () => {
    expect(mainError({ organization_id: '' }, { GITHUB_ACTOR: 'dependabot[bot]' })).not.toContain('Dependabot');
  });
});

describe('what a step requires', () => {
  it.each<{ name: string; changes?: Values; env?: Values; error: string }>([
    {
      name: 'the address',
      changes: { scalekit_environment_url: undefined },
      error:
        'scalekit_environment_url: is empty; expected the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL',
    },
    {
      name: 'the organization',
      changes: { organization_id: '' },
      error:
        'organization_id: is empty; expected the id of an organization: "org_" and up to 28 letters, digits, - or _, as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id',
    },
    ...['SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_ENV_URL'].map((variable) => ({
      name: `the address as an input instead of ${variable} if the secret is an input`,
      changes: { scalekit_environment_url: undefined },
      env: { [variable]: 'acme.scalekit.com' },
      error: `scalekit_environment_url: is empty while scalekit_client_secret is given; expected both as inputs, because an earlier step could set ${variable} through GITHUB_ENV and so receive the secret`,
    })),
    {
      name: 'certificate checks',
      env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      error:
        'NODE_TLS_REJECT_UNAUTHORIZED: got "0", which switches certificate checks off; expected it to be unset (for a private certificate authority set NODE_EXTRA_CA_CERTS)',
    },
    {
      name: 'the file for outputs',
      env: { GITHUB_OUTPUT: undefined },
      error: 'GITHUB_OUTPUT: is not set; expected the file for outputs, as the runner of a workflow sets it',
    },
    ...[undefined, 'app', 'acme/..'].map((repository) => ({
      name: `a valid GITHUB_REPOSITORY instead of ${repository}`,
      env: { GITHUB_REPOSITORY: repository },
      error: `GITHUB_REPOSITORY: got "${repository ?? ''}"; expected owner/name, as the runner of a workflow sets it`,
    })),
    {
      name: 'the address of a proxy if HTTPS_PROXY is set',
      env: { HTTPS_PROXY: `ftp://me:${SECRET}@proxy` },
      error:
        'HTTPS_PROXY: does not hold the address of a proxy; expected the address of an http or https proxy, such as http://proxy.corp:3128, with special characters in user and password percent-encoded',
    },
  ])('inputs are refused without $name', ({ changes = {}, env, error }) => {
    expect(mainError(changes, env)).toBe(`Bad input: ${error}`);
  });

  // A loopback address of the environment is reached without a proxy.
  it.each<{ server: string; changes?: Values; env?: Values }>([
    { server: "GitHub's API", changes: SAVING },
    { server: "GitHub's endpoint for ID tokens", env: ID_TOKEN_VARIABLES },
  ])('inputs are refused if only $server is reached through a proxy, and its address is none', ({ changes, env }) => {
    const url = { scalekit_environment_url: 'http://127.0.0.1:3000' };
    expect(mainError({ ...url, ...changes }, { ...env, HTTPS_PROXY: 'ftp://proxy' })).toMatch(
      /^Bad input: HTTPS_PROXY: does not hold the address of a proxy; /,
    );
  });

  it('an event file that is not JSON is refused, but only if the step calls the API of GitHub', () => {
    const env = { GITHUB_EVENT_PATH: inFolder('event.json') };
    writeFileSync(env.GITHUB_EVENT_PATH, '{');
    expect(mainError(SAVING, env)).toBe(
      'Bad input: GITHUB_EVENT_PATH: names a file that is not JSON; expected the event, as the runner writes it',
    );
    expect(() => readMain({}, env)).not.toThrow();
  });

  it('a step accepts the address from a variable if the secret comes from a variable', () => {
    const changes = { ...NO_INPUTS, scalekit_client_id: 'skc_1', organization_id: 'org_1' };
    expect(readMain(changes, SCALEKIT_VARIABLES).origin).toBe('https://acme.scalekit.com');
  });

  it('a step accepts NODE_TLS_REJECT_UNAUTHORIZED if it does not switch certificate checks off', () => {
    expect(() => readMain({}, { NODE_TLS_REJECT_UNAUTHORIZED: '1' })).not.toThrow();
    expect(unsafeSetting({ NODE_TLS_REJECT_UNAUTHORIZED: '1' })).toBeUndefined();
    expect(unsafeSetting({})).toBeUndefined();
  });
});

it('a warning names the danger if code from outside triggered a run that has secrets', () => {
  expect(readMain({}, fromFork('pull_request_target')).warnings).toEqual([
    'Code from outside triggered this run, and the run has secrets. Do not check out, build or run that code in this job: it could take the credentials.',
  ]);
  expect(readMain({}, fromFork('pull_request')).warnings).toEqual([]);
});

describe('the API secret', () => {
  const { SCALEKIT_CLIENT_SECRET: _, ...VARIABLES } = SCALEKIT_VARIABLES;

  it.each<{ source: string; changes: (secret: string) => Values; env: (secret: string) => Values }>([
    { source: 'an input', changes: (scalekit_client_secret) => ({ scalekit_client_secret }), env: () => ({}) },
    {
      source: 'a variable',
      changes: () => NO_INPUTS,
      env: (SCALEKIT_CLIENT_SECRET) => ({ ...VARIABLES, SCALEKIT_CLIENT_SECRET }),
    },
  ])('the API secret from $source is masked before anything is checked', ({ source, changes, env }) => {
    const secret = `${SECRET}/${source.replace(' ', '-')}`;
    mainError({ ...changes(secret), organization_id: 'wrong' }, env(secret));
    const lines = printed().split('\n').filter(Boolean);
    expect(lines).toContain(`::add-mask::${secret}`);
    for (const text of [secret, `skc_1:${secret}`])
      expect(lines).toContain(`::add-mask::${Buffer.from(text).toString('base64')}`);
    expect(lines.filter((line) => !line.startsWith('::add-mask::'))).toEqual([]);
  });

  it('readCredentials returns the inputs or else the variables, without white space around them', () => {
    setInputs({ scalekit_client_secret: ` ${SECRET}\n` });
    expect(readCredentials({ SCALEKIT_CLIENT_SECRET: 'another' })).toEqual({
      client_id: 'skc_1',
      client_secret: SECRET,
    });
    setInputs(NO_INPUTS);
    expect(readCredentials({ SCALEKIT_CLIENT_ID: ' skc_2 ', SCALEKIT_CLIENT_SECRET: `${SECRET}\n` })).toEqual({
      client_id: 'skc_2',
      client_secret: SECRET,
    });
    expect(readCredentials({})).toEqual({ client_id: '', client_secret: '' });
  });

  it('readUnmaskedCredentials prints no mask command, and readCredentials prints it later', () => {
    const client_secret = `${SECRET}/unmasked`;
    setInputs({ scalekit_client_secret: client_secret });
    expect(readUnmaskedCredentials({})).toEqual({ client_id: 'skc_1', client_secret });
    expect(printed()).toBe('');
    expect(readCredentials({})).toEqual({ client_id: 'skc_1', client_secret });
    expect(printed()).toContain(`::add-mask::${client_secret}\n`);
  });

  it.each([' ', '\r\n', '\ufeff', '\u00a0'])('white space around API credentials is removed: %j', (space) => {
    const around = (text: string) => space + text + space;
    const changes = { scalekit_client_id: around('skc_1'), scalekit_client_secret: around(SECRET) };
    const expected = { credentials: { client_id: 'skc_1', client_secret: SECRET } };
    expect(readMain(changes)).toMatchObject(expected);
    const variables = Object.entries(SCALEKIT_VARIABLES).map(([name, text = '']) => [name, around(text)]);
    expect(readMain(NO_INPUTS, Object.fromEntries(variables))).toMatchObject(expected);
  });

  it('no error shows an API secret that was swapped with its id or pasted with other text', () => {
    const secret = ['test', 'Zq7wXv9k'].join('_');
    for (const changes of [
      { scalekit_client_id: secret, scalekit_client_secret: 'skc_1' },
      { scalekit_client_id: secret, scalekit_client_secret: '' },
      { scalekit_client_secret: `"${secret}"` },
      { scalekit_client_secret: `SCALEKIT_CLIENT_SECRET=${secret}` },
      { scalekit_client_secret: `${secret}\u200b` },
      { scalekit_client_id: `"${secret}"` },
      { scalekit_client_id: `SCALEKIT_CLIENT_SECRET=${secret}` },
      { github_token: `${secret}_token=x` },
    ])
      expect(mainError(changes)).not.toContain('Zq7w');
  });
});

describe('github_token', () => {
  it('github_token is masked before anything is checked, and is in no error', () => {
    const token = `${GITHUB_TOKEN} with blanks`;
    const message = mainError({ save_to: 'secrets', repository: 'other', github_token: token, timeout: 'x' });
    expect(printed()).toContain(`::add-mask::${token}\n`);
    expect(message).not.toContain(GITHUB_TOKEN);
    expect(mainError({ save_to: 'repository', github_token: token })).toBe(
      'Bad input: github_token: is not 8 characters to 48 KiB of printable ASCII without spaces; expected a GitHub token',
    );
    setInputs({ github_token: `${GITHUB_TOKEN}-of-the-post-step` });
    expect(readGitHubToken()).toBe(`${GITHUB_TOKEN}-of-the-post-step`);
    expect(printed()).toContain(`::add-mask::${GITHUB_TOKEN}-of-the-post-step\n`);
  });

  it('github_token is masked in the form in which git sends it, in each line of base64', () => {
    const github_token = `${GITHUB_TOKEN}-${'x'.repeat(50)}`;
    readMain({ github_token });
    for (const user of ['x-access-token', '']) {
      const header = Buffer.from(`${user}:${github_token}`).toString('base64');
      expect(printed()).toContain(`::add-mask::${header.slice(0, 76)}\n`);
    }
  });

  it('github_token is masked even if the step does not need it, and is not sent then', () => {
    const github_token = `${GITHUB_TOKEN}-for-nothing`;
    expect(readMain({ github_token }).github).toBeUndefined();
    expect(printed()).toContain(`::add-mask::${github_token}\n`);
  });

  it.each<[string, Values]>([
    ['with save_to: none', { save_to: 'none' }],
    ['with save_as and without save_to', { save_as: 'DEPLOYER' }],
  ])('github_token is not required %s', (_what, changes) => {
    expect(readMain(changes)).toMatchObject({ saving: undefined, github: undefined });
  });
});

describe("the address of GitHub's API", () => {
  it.each([
    [undefined, 'https://api.github.com'],
    ['https://ghes.acme.example/api/v3/', 'https://ghes.acme.example/api/v3'],
  ])("if GITHUB_API_URL is %s, the address of GitHub's API is %s", (GITHUB_API_URL, api) => {
    expect(readMain(SAVING, { GITHUB_API_URL }).github).toEqual({ api, token: GITHUB_TOKEN });
    expect(readWith(readSweepInputs, { github_token: GITHUB_TOKEN }, { GITHUB_API_URL }).github.api).toBe(api);
  });

  it('GITHUB_API_URL is refused if the token would not be safe there, but only if the step needs the token', () => {
    const env = { GITHUB_API_URL: `http://ghes.acme.example/?${SECRET}` };
    expect(mainError(SAVING, env)).toBe(
      'Bad input: GITHUB_API_URL: got "http://ghes.acme.example/?***"; expected the https address of GitHub\'s API, such as https://api.github.com (http only for a loopback address)',
    );
    expect(() => readMain({}, env)).not.toThrow();
  });
});

it('readTimeout returns the timeout, or the default if it is bad or missing', () => {
  setInputs({ timeout: '60' });
  expect(readTimeout()).toBe(60);
  setInputs({ timeout: 'bad' });
  expect(readTimeout()).toBe(120);
  setInputs({});
  expect(readTimeout()).toBe(120);
});
