import { describe, expect, it } from '@jest/globals';
import {
  readCredentials,
  readGitHubToken,
  readTimeout,
  readUnmaskedCredentials,
  unsafeSetting,
} from '../../../src/inputs/connection.ts';
import { readSweepInputs } from '../../../src/inputs/inputs.ts';
import {
  GITHUB_TOKEN,
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

describe('an empty credential', () => {
  const check = "check the name of the secret, and that this repository or the job's environment has it";
  const unknown = `GitHub turns a secret that it does not find into an empty text: ${check}. Runs from a fork and by Dependabot receive no secrets.`;
  const credentials: [input: string, expected: string, Values][] = [
    ['scalekit_client_id', "expected the id of the environment's API credentials (skc_…)", {}],
    ['scalekit_client_secret', "expected the secret of the environment's API credentials", {}],
    ['github_token', 'expected a token that may write secrets and variables (save_to)', { save_to: 'repository' }],
    [
      'github_token',
      'expected a token that may write secrets and variables (save_to)',
      { save_to: 'environment', environment: 'a' },
    ],
    ['github_token', 'expected a token that may read a/b (repository)', { repository: 'a/b', save_to: 'repository' }],
  ];

  it.each<[string, () => Values, string]>([
    ['a misspelt name, a fork or Dependabot', () => ({}), unknown],
    [
      'Dependabot, if that started the run',
      () => ({ GITHUB_ACTOR: 'dependabot[bot]' }),
      `Dependabot started this run, and such runs receive only Dependabot's own secrets (repository settings, Secrets, Dependabot). Otherwise ${check}.`,
    ],
    [
      'a fork, if the run comes from one',
      () => fromFork('pull_request'),
      `Workflows triggered from a fork do not receive secrets. Otherwise ${check}.`,
    ],
    // A run of this event gets secrets.
    ['unknown if the run of a fork gets secrets', () => fromFork('pull_request_target'), unknown],
  ])('has a likely cause: %s', (_what, env, cause) => {
    for (const [input, expected, changes] of credentials)
      expect(mainError({ ...changes, [input]: ' ' }, env())).toBe(
        `Bad input: ${input}: is empty; ${expected}. ${cause}`,
      );
  });

  it('is not explained if it is given', () => {
    expect(mainError({ organization_id: '' }, { GITHUB_ACTOR: 'dependabot[bot]' })).not.toContain('Dependabot');
  });
});

describe('what a step needs', () => {
  it.each<[what: string, changes: Values, env: Values, source: string, problem: string]>([
    [
      'the address',
      { scalekit_environment_url: undefined },
      {},
      'scalekit_environment_url',
      'is empty; expected the address of the environment, such as https://acme.scalekit.com, as an input or in SCALEKIT_ENVIRONMENT_URL',
    ],
    [
      'the organization',
      { organization_id: '' },
      {},
      'organization_id',
      'is empty; expected the id of an organization: "org_" and up to 28 letters, digits, - or _, as an input or in SCALEKIT_ORGANIZATION_ID, or else organization_external_id',
    ],
    ...['SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_ENV_URL'].map((variable): [string, Values, Values, string, string] => [
      'the address as an input if the secret is one',
      { scalekit_environment_url: undefined },
      { [variable]: 'acme.scalekit.com' },
      'scalekit_environment_url',
      `is empty while scalekit_client_secret is given; expected both as inputs, because an earlier step could set ${variable} through GITHUB_ENV and so receive the secret`,
    ]),
    [
      'certificate checks',
      {},
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      'NODE_TLS_REJECT_UNAUTHORIZED',
      'got "0", which switches certificate checks off; expected it to be unset (for a private certificate authority set NODE_EXTRA_CA_CERTS)',
    ],
    [
      'the file for outputs',
      {},
      { GITHUB_OUTPUT: undefined },
      'GITHUB_OUTPUT',
      'is not set; expected the file for outputs, as the runner of a workflow sets it',
    ],
    ...[undefined, 'app', 'acme/..'].map((name): [string, Values, Values, string, string] => [
      'the repository',
      {},
      { GITHUB_REPOSITORY: name },
      'GITHUB_REPOSITORY',
      `got "${name ?? ''}"; expected owner/name, as the runner of a workflow sets it`,
    ]),
    [
      'the address of a proxy, if a variable has one',
      {},
      { HTTPS_PROXY: `ftp://me:${SECRET}@proxy` },
      'HTTPS_PROXY',
      'does not hold the address of a proxy; expected the address of an http or https proxy, such as http://proxy.corp:3128, with special characters in user and password percent-encoded',
    ],
  ])('is %s, and the error says where that comes from', (_what, changes, env, source, problem) => {
    expect(mainError(changes, env)).toBe(`Bad input: ${source}: ${problem}`);
  });

  it('is an address from a variable if the secret comes from one', () => {
    const changes = { ...NO_INPUTS, scalekit_client_id: 'skc_1', organization_id: 'org_1' };
    expect(readMain(changes, SCALEKIT_VARIABLES).origin).toBe('https://acme.scalekit.com');
  });

  it('is certificate checks that are not switched off', () => {
    expect(() => readMain({}, { NODE_TLS_REJECT_UNAUTHORIZED: '1' })).not.toThrow();
    expect(unsafeSetting({ NODE_TLS_REJECT_UNAUTHORIZED: '1' })).toBeUndefined();
    expect(unsafeSetting({})).toBeUndefined();
  });
});

it('a run that code from outside triggered is warned of what must not run in its job', () => {
  expect(readMain({}, fromFork('pull_request_target')).warnings).toEqual([
    'Code from outside triggered this run, and the run has secrets. Do not check out, build or run that code in this job: it could take the credentials.',
  ]);
  expect(readMain({}, fromFork('pull_request')).warnings).toEqual([]);
});

describe('the secret', () => {
  it.each<[string, Values, Values]>([
    ['an input', {}, {}],
    ['a variable', NO_INPUTS, SCALEKIT_VARIABLES],
  ])('is masked before anything is judged, from %s', (source, changes, env) => {
    const secret = `${SECRET}/${source.replace(' ', '-')}`;
    const inputs = source === 'an input' ? { scalekit_client_secret: secret } : {};
    const variables = source === 'an input' ? {} : { SCALEKIT_CLIENT_SECRET: secret };
    mainError({ ...changes, ...inputs, organization_id: 'wrong' }, { ...env, ...variables });
    expect(printed()).toContain(`::add-mask::${secret}\n`);
    for (const text of [secret, `skc_1:${secret}`])
      expect(printed()).toContain(`::add-mask::${Buffer.from(text).toString('base64')}\n`);
    expect(
      printed()
        .split('\n')
        .every((line) => line === '' || line.startsWith('::add-mask::')),
    ).toBe(true);
  });

  it('is read without the white space around it, from an input or else the variable', () => {
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

  it('is read without a mask command if nothing is printed', () => {
    const client_secret = `${SECRET}/unmasked`;
    setInputs({ scalekit_client_secret: client_secret });
    expect(readUnmaskedCredentials({})).toEqual({ client_id: 'skc_1', client_secret });
    expect(printed()).toBe('');
    expect(readCredentials({})).toEqual({ client_id: 'skc_1', client_secret });
    expect(printed()).toContain(`::add-mask::${client_secret}\n`);
  });

  it.each([' ', '\n', '\r\n', '\t', '\ufeff', '\u00a0'])(
    'may have white space around it, which is cut: %j',
    (space) => {
      const around = (text: string) => space + text + space;
      const changes = { scalekit_client_id: around('skc_1'), scalekit_client_secret: around(SECRET) };
      const expected = { credentials: { client_id: 'skc_1', client_secret: SECRET } };
      expect(readMain(changes)).toMatchObject(expected);
      const variables = Object.entries(SCALEKIT_VARIABLES).map(([name, text = '']) => [name, around(text)]);
      expect(readMain(NO_INPUTS, Object.fromEntries(variables))).toMatchObject(expected);
    },
  );

  it('is in no error if it was swapped with its id, or pasted with something', () => {
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
  it('is masked before anything is judged, and is in no error', () => {
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

  it('is masked in the form in which git sends it, in base64 of several lines', () => {
    const github_token = `${GITHUB_TOKEN}-${'x'.repeat(50)}`;
    readMain({ github_token });
    const header = Buffer.from(`x-access-token:${github_token}`).toString('base64');
    expect(printed()).toContain(`::add-mask::${header.slice(0, 76)}\n`);
  });

  it('is masked even if nothing needs it, and is not sent then', () => {
    const github_token = `${GITHUB_TOKEN}-for-nothing`;
    expect(readMain({ github_token }).github).toBeUndefined();
    expect(printed()).toContain(`::add-mask::${github_token}\n`);
  });

  it.each<[string, Values]>([
    ['save_to is none', { save_to: 'none' }],
    ['save_as alone is given', { save_as: 'DEPLOYER' }],
  ])('is not needed if %s', (_what, changes) => {
    expect(readMain(changes)).toMatchObject({ saving: undefined, github: undefined });
  });
});

describe("the address of GitHub's API", () => {
  it.each([
    [undefined, 'https://api.github.com'],
    ['https://ghes.acme.example/api/v3/', 'https://ghes.acme.example/api/v3'],
    ['http://127.0.0.1:3000/api', 'http://127.0.0.1:3000/api'],
    ['http://localhost:3000', 'http://localhost:3000'],
  ])('with GITHUB_API_URL=%j is %s', (GITHUB_API_URL, api) => {
    expect(readMain(SAVING, { GITHUB_API_URL }).github).toEqual({ api, token: GITHUB_TOKEN });
    expect(readWith(readSweepInputs, { github_token: GITHUB_TOKEN }, { GITHUB_API_URL }).github.api).toBe(api);
  });

  it('is refused if the token would not be safe there, but only if it is needed', () => {
    const env = { GITHUB_API_URL: `http://ghes.acme.example/?${SECRET}` };
    expect(mainError(SAVING, env)).toBe(
      'Bad input: GITHUB_API_URL: got "http://ghes.acme.example/?***"; expected the https address of GitHub\'s API, such as https://api.github.com (http only for a loopback address)',
    );
    expect(() => readMain({}, env)).not.toThrow();
  });
});

describe('the time limit', () => {
  it.each(['5', '120', '3600'])('may be %s seconds', (timeout) => {
    expect(readMain({ timeout }).timeout).toBe(Number(timeout));
  });

  it('is what the post step uses, which takes the default if it is bad', () => {
    setInputs({ timeout: '60' });
    expect(readTimeout()).toBe(60);
    setInputs({ timeout: 'bad' });
    expect(readTimeout()).toBe(120);
    setInputs({});
    expect(readTimeout()).toBe(120);
  });
});
