import { describe, expect, it } from '@jest/globals';
import { readCredentials, readGitHubToken, readTimeout } from '../../../src/inputs/connection.ts';
import { readSweepInputs } from '../../../src/inputs/inputs.ts';
import {
  GITHUB_TOKEN,
  mainError,
  NO_INPUTS,
  readMain,
  readWith,
  resolve,
  resolveError,
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
  const dependabot = { GITHUB_ACTOR: 'dependabot[bot]' };

  it.each<[string, Values, string]>([
    [
      'a misspelt name, a fork or Dependabot',
      {},
      "Likely causes: a misspelt name, or a secret that this repository or the job's environment does not have; a run from a fork or by Dependabot, which get no secrets.",
    ],
    [
      'Dependabot, if that started the run',
      dependabot,
      "This run was started by Dependabot, which gets Dependabot's own secrets alone (repository settings, Secrets, Dependabot); else: a misspelt name",
    ],
  ])('has a likely cause: %s', (_what, env, cause) => {
    for (const input of ['scalekit_client_id', 'scalekit_client_secret'])
      expect(resolveError({ [input]: '' }, env)).toContain(cause);
  });

  it('has a likely cause: a fork, if the run comes from one', () => {
    expect(resolveError({ scalekit_client_secret: '' }, fromFork('pull_request'))).toContain(
      'This run comes from a fork, and GitHub hands no secrets to those; else: a misspelt name',
    );
    // A run of this event gets secrets.
    expect(resolveError({ scalekit_client_secret: '' }, fromFork('pull_request_target'))).toContain('Likely causes: ');
  });

  it('is not explained if it is given', () => {
    expect(resolveError({ organization_id: '' }, dependabot)).not.toContain('Dependabot');
  });
});

describe('the secret', () => {
  it.each<[string, Values, Values]>([
    ['an input', {}, {}],
    ['a variable', NO_INPUTS, SCALEKIT_VARIABLES],
  ])('is masked before anything is judged, from %s', (source, changes, env) => {
    const secret = `${SECRET}/${source}`;
    const inputs = source === 'an input' ? { scalekit_client_secret: secret } : {};
    const variables = source === 'an input' ? {} : { SCALEKIT_CLIENT_SECRET: secret };
    resolveError({ ...changes, ...inputs, organization_id: 'wrong' }, { ...env, ...variables });
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
});

describe('github_token', () => {
  it('is masked before anything is judged, and is in no error', () => {
    const token = `${GITHUB_TOKEN} with blanks`;
    const message = mainError({ save_to: 'secrets', repository: 'other', github_token: token, timeout: 'x' });
    expect(printed()).toContain(`::add-mask::${token}\n`);
    expect(message).not.toContain(GITHUB_TOKEN);
    expect(mainError({ save_to: 'repository', github_token: token })).toBe(
      'Bad input: github_token: holds characters that no token has; expected a token of GitHub',
    );
    setInputs({ github_token: `${GITHUB_TOKEN}-of-the-post-step` });
    expect(readGitHubToken()).toBe(`${GITHUB_TOKEN}-of-the-post-step`);
    expect(printed()).toContain(`::add-mask::${GITHUB_TOKEN}-of-the-post-step\n`);
  });

  it('is masked in the form in which git sends it, in base64 of several lines', () => {
    const github_token = `${GITHUB_TOKEN}-${'x'.repeat(50)}`;
    readMain({ github_token });
    const header = Buffer.from(`x-access-token:${github_token}`).toString('base64');
    for (const width of [76, 64]) expect(printed()).toContain(`::add-mask::${header.slice(0, width)}\n`);
  });

  it('is masked even if nothing needs it, and is not sent then', () => {
    const github_token = `${GITHUB_TOKEN}-for-nothing`;
    expect(readMain({ github_token }).github).toBeUndefined();
    expect(printed()).toContain(`::add-mask::${github_token}\n`);
  });

  it.each<[string, Values, string]>([
    ['save_to', { save_to: 'repository' }, 'a token that may write secrets and variables (save_to)'],
    ['save_to', { save_to: 'environment', environment: 'a' }, 'a token that may write secrets and variables (save_to)'],
    ['repository', { repository: 'a/b', save_to: 'repository' }, 'a token that may read a/b (repository)'],
  ])('is needed for %s', (_input, changes, need) => {
    expect(mainError(changes)).toContain(`github_token: is empty; expected ${need}. Likely causes: `);
    expect(mainError(changes, { GITHUB_ACTOR: 'dependabot[bot]' })).toContain('This run was started by Dependabot');
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

  it.each([
    'http://ghes.acme.example/api/v3',
    'ghes.acme.example',
    `https://me:${SECRET}@ghes.acme.example`,
    `https://ghes.acme.example/?key=${SECRET}`,
    `https://ghes.acme.example/#${SECRET}`,
    'https://ghes.acme.example/api/v3?',
    'https://ghes.acme.example/api/v3#',
    'ftp://ghes.acme.example',
    'https:/ghes.acme.example',
    'https://ghes.acme.example/a b',
  ])('is refused if the token would not be safe there: %s', (GITHUB_API_URL) => {
    const message = mainError(SAVING, { GITHUB_API_URL });
    expect(message).toMatch(
      /^Bad input: GITHUB_API_URL: got ".*"; expected the https address of an API of GitHub \(http on loopback alone\), such as https:\/\/api\.github\.com$/,
    );
    expect(message).not.toContain(SECRET);
    // Without requests to GitHub, the address does not matter.
    expect(() => readMain({}, { GITHUB_API_URL })).not.toThrow();
  });
});

describe('the time limit', () => {
  it.each(['5', '120', '3600'])('may be %s seconds', (timeout) => {
    expect(resolve({ timeout }).timeout).toBe(Number(timeout));
  });

  it('is what the post step uses, which takes the minimum if it is bad', () => {
    setInputs({ timeout: '60' });
    expect(readTimeout()).toBe(60);
    setInputs({ timeout: 'bad' });
    expect(readTimeout()).toBe(5);
    setInputs({});
    expect(readTimeout()).toBe(120);
  });
});
