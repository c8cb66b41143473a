import { describe, expect, it } from '@jest/globals';
import type { DesiredClient } from '../../../src/client/desired.ts';
import { type Target, targetFromApi, targetFromIdToken, targetFromRunner } from '../../../src/client/target.ts';
import { readGitHubToken } from '../../../src/inputs/connection.ts';
import {
  type DeleteInputs,
  type Inputs,
  readDeleteInputs,
  readInputs,
  readSweepInputs,
} from '../../../src/inputs/inputs.ts';
import { resolveInputs, resolveSecretLocation } from '../../../src/inputs/resolve.ts';
import { EXPRESSION, setInputs, inputError, RUNNER, SECRET, type Values, useCleanInputs } from '../input-fixtures.ts';

const printed = useCleanInputs();

const TOKEN = ['fake', 'github', 'token'].join('-');
/** The job may have an ID token. */
const ID_TOKEN: Values = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.example', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'a' };
const SAVE: Values = { save_to: 'repository', github_token: TOKEN };
const OTHER: Values = { repository: 'acme/other', github_token: TOKEN };
const GITHUB = { api: 'https://api.github.com', token: TOKEN };

function readAs<T>(reader: (env: NodeJS.ProcessEnv) => T, changes: Values, env: Values = {}): T {
  setInputs(changes);
  return reader({ ...RUNNER, ...env });
}

const inputs = (changes: Values = {}, env: Values = {}): Inputs => readAs(readInputs, changes, env);
const refusal = (changes: Values, env: Values = {}): string => inputError(() => inputs(changes, env));

function tokenSays(payload: Record<string, unknown>): Target {
  const own = targetFromRunner({ ...inputs().runner, repository_id: undefined }, RUNNER, '');
  return targetFromIdToken({ repository: 'acme/app', ...payload }, own, () => () => {});
}
const API_SAYS = targetFromApi({ id: 42, full_name: 'Acme/Other', owner: { login: 'Acme', id: 7 } }, 'production');

describe('the repository that a client is for', () => {
  it.each<[what: string, Values, Values, Partial<Inputs>]>([
    ["the workflow's own", {}, {}, { repository: '', source: 'runner' }],
    ["the workflow's own, by name", { repository: 'acme/app' }, {}, { repository: '', source: 'runner' }],
    ["the workflow's own, in another case", { repository: 'ACME/App' }, {}, { repository: '', source: 'runner' }],
    ["the workflow's own, with an ID token", {}, ID_TOKEN, { repository: '', source: 'token' }],
    ["the workflow's own, by name, with an ID token", { repository: 'Acme/app' }, ID_TOKEN, { source: 'token' }],
    ['another one', OTHER, {}, { repository: 'acme/other', source: 'api', github: GITHUB }],
    ["another one, about which the job's ID token says nothing", OTHER, ID_TOKEN, { source: 'api' }],
    ['another one, with a dot in its name', { ...OTHER, repository: 'acme/.github' }, {}, { source: 'api' }],
  ])('may be %s', (_what, changes, env, expected) => {
    for (const reader of [readInputs, readDeleteInputs])
      expect(readAs<Inputs | DeleteInputs>(reader, changes, env)).toMatchObject(expected);
  });

  it.each([
    ...['other', 'acme/', '/other', 'acme/other/x', 'acme/..', 'acme/.', '../other', './other', '../..', '..'],
    ...['ac me/other', 'https://github.com/a/b'],
  ])('is not %j', (repository) => {
    expect(refusal({ repository, github_token: TOKEN })).toBe(
      `Bad input: repository: got "${repository}"; expected owner/name`,
    );
    if (!repository.includes(' '))
      expect(refusal({}, { GITHUB_REPOSITORY: repository })).toMatch(/^Bad input: GITHUB_REPOSITORY: /);
  });

  it('needs github_token where it is another', () => {
    const fault =
      'Bad input: github_token: is empty; expected a token that may read acme/other (repository). Likely causes: a misspelt name';
    for (const reader of [readInputs, readDeleteInputs])
      expect(inputError(() => readAs<unknown>(reader, { repository: 'acme/other' }))).toContain(fault);
    expect(() => inputs({ repository: 'acme/app' })).not.toThrow();
  });

  it('shows what a run says about none but its own, before GitHub is asked', () => {
    expect(refusal({ ...OTHER, repository_claims: 'github_sha', lifetime: 'job' })).toBe(
      'Bad input: repository_claims: got github_sha, which says something about a run, not about another repository; expected a claim that is known here',
    );
    expect(inputs({ ...OTHER, repository_claims: 'github_repository_visibility' }).repository_claims).toHaveLength(1);
  });
});

describe('github_token', () => {
  it('is masked before anything is judged, and is in no error', () => {
    const token = `${TOKEN} with blanks`;
    const message = refusal({ save_to: 'secrets', repository: 'other', github_token: token, timeout: 'x' });
    expect(printed()).toContain(`::add-mask::${token}\n`);
    expect(message).not.toContain(TOKEN);
    expect(refusal({ save_to: 'repository', github_token: token })).toBe(
      'Bad input: github_token: holds characters that no token has; expected a token of GitHub',
    );
    setInputs({ github_token: `${TOKEN}-of-the-post-step` });
    expect(readGitHubToken()).toBe(`${TOKEN}-of-the-post-step`);
    expect(printed()).toContain(`::add-mask::${TOKEN}-of-the-post-step\n`);
  });

  it('is masked also as git sends it, in base64 of several lines', () => {
    const github_token = `${TOKEN}-${'x'.repeat(50)}`;
    inputs({ github_token });
    const header = Buffer.from(`x-access-token:${github_token}`).toString('base64');
    for (const width of [76, 64]) expect(printed()).toContain(`::add-mask::${header.slice(0, width)}\n`);
  });

  it('is masked also where nothing needs it, and goes nowhere then', () => {
    const github_token = `${TOKEN}-for-nothing`;
    expect(inputs({ github_token }).github).toBeUndefined();
    expect(printed()).toContain(`::add-mask::${github_token}\n`);
  });

  it.each<[string, Values, string]>([
    ['save_to', { save_to: 'repository' }, 'a token that may write secrets and variables (save_to)'],
    ['save_to', { save_to: 'environment', environment: 'a' }, 'a token that may write secrets and variables (save_to)'],
    ['repository', { repository: 'a/b', save_to: 'repository' }, 'a token that may read a/b (repository)'],
  ])('is needed for %s', (_input, changes, need) => {
    expect(refusal(changes)).toContain(`github_token: is empty; expected ${need}. Likely causes: `);
    expect(refusal(changes, { GITHUB_ACTOR: 'dependabot[bot]' })).toContain('This run was started by Dependabot');
  });

  it.each<[string, Values]>([
    ['save_to is none', { save_to: 'none' }],
    ['save_as alone is given', { save_as: 'DEPLOYER' }],
  ])('is not needed where %s', (_what, changes) => {
    expect(inputs(changes)).toMatchObject({ saving: undefined, github: undefined });
  });
});

describe('the place of a pair', () => {
  it.each<[prefix: string | undefined, variable: string, secret: string]>([
    [undefined, 'SCALEKIT_M2M_CLIENT_ID', 'SCALEKIT_M2M_CLIENT_SECRET'],
    ['DEPLOYER', 'DEPLOYER_CLIENT_ID', 'DEPLOYER_CLIENT_SECRET'],
    ['_a1', '_a1_CLIENT_ID', '_a1_CLIENT_SECRET'],
    ['MY_GITHUB_', 'MY_GITHUB__CLIENT_ID', 'MY_GITHUB__CLIENT_SECRET'],
    ['GITHUBBER', 'GITHUBBER_CLIENT_ID', 'GITHUBBER_CLIENT_SECRET'],
  ])('has names that begin with %j', (save_as, variable, secret) => {
    expect(inputs({ ...SAVE, save_as }).saving).toEqual({ to: 'repository', variable, secret });
    expect(readAs(readDeleteInputs, { ...SAVE, save_as }).saving).toEqual({ to: 'repository', variable, secret });
  });

  // The prefix alone would make GITHUB_CLIENT_ID of itself.
  it.each([
    ...['1A', 'GITHUB', 'github', 'GITHUB_', 'GITHUB_APP', 'github_app', 'GitHub_App'],
    ...['A-B', 'A B', 'Ä', 'A.B', 'A/B', 'A%'],
  ])('has no names that GitHub refuses: %j', (save_as) => {
    const fault = `Bad input: save_as: got "${save_as}"; expected letters, digits and _, not beginning with a digit or GITHUB_`;
    expect(refusal({ ...SAVE, save_as })).toBe(fault);
    expect(refusal({ save_as })).toBe(fault);
  });

  it('is the repository, the environment, or none', () => {
    const fault = 'Bad input: save_to: got "secrets"; expected "none", "repository" or "environment"';
    // Nobody knows what a token or an environment would be needed for.
    for (const changes of [{}, { github_token: TOKEN }, { lifetime: 'job' }])
      expect(refusal({ save_to: 'secrets', ...changes })).toBe(fault);
    expect(inputError(() => readAs(readDeleteInputs, { save_to: 'secrets' }))).toBe(fault);
  });

  const noEnvironment =
    'Bad input: save_to: got "environment" without an environment; expected the input environment, or "repository"';

  it('is no environment where there is none', () => {
    const changes = { ...SAVE, save_to: 'environment' };
    expect(refusal(changes)).toBe(noEnvironment);
    expect(inputError(() => readAs(readDeleteInputs, changes))).toBe(noEnvironment);
    // Of another repository, nobody else says one.
    for (const reader of [readInputs, readDeleteInputs])
      expect(inputError(() => readAs<unknown>(reader, { ...changes, ...OTHER }, ID_TOKEN))).toBe(noEnvironment);
    expect(() => inputs({ ...changes, environment: 'production' })).not.toThrow();
  });

  it('is judged once it is known which environment the ID token names', () => {
    const given = inputs({ ...SAVE, save_to: 'environment' }, ID_TOKEN);
    const deletion = readAs(readDeleteInputs, { ...SAVE, save_to: 'environment' }, ID_TOKEN);
    const none = noEnvironment.replace(' environment;', ' environment (this job has none);');
    const location = {
      repository: 'acme/app',
      environment: 'production',
      variable: 'SCALEKIT_M2M_CLIENT_ID',
      secret: 'SCALEKIT_M2M_CLIENT_SECRET',
    };
    expect(inputError(() => resolveInputs(given, tokenSays({})))).toBe(none);
    expect(inputError(() => resolveSecretLocation(deletion, tokenSays({})))).toBe(none);
    expect(resolveInputs(given, tokenSays({ environment: 'production' })).location).toEqual(location);
    expect(resolveSecretLocation(deletion, tokenSays({ environment: 'production' }))).toEqual(location);
  });

  it('is in the repository that the client is for, with the environment only where that was asked for', () => {
    const location = (changes: Values, target: Target) => resolveInputs(inputs(changes, ID_TOKEN), target).location;
    const token = tokenSays({ environment: 'production' });
    expect(location(SAVE, token)).toMatchObject({ repository: 'acme/app', environment: '' });
    expect(location({ ...SAVE, ...OTHER }, API_SAYS)).toMatchObject({ repository: 'Acme/Other', environment: '' });
    const both = { ...OTHER, save_to: 'environment', environment: 'production' };
    expect(location(both, API_SAYS)).toMatchObject({ repository: 'Acme/Other', environment: 'production' });
    expect(location({}, token)).toBeUndefined();
  });

  it('makes no sense for a client that is deleted when the job ends', () => {
    for (const save_to of ['repository', 'environment']) {
      expect(refusal({ ...SAVE, save_to, environment: 'a', lifetime: 'job' })).toBe(
        `Bad input: save_to: got "${save_to}" with lifetime: job; expected it to be left out: the client is deleted when the job ends`,
      );
    }
  });
});

describe('an environment', () => {
  const KEEP: Values = { ...SAVE, save_to: 'environment' };

  it.each(['.', '..'])('that keeps a pair is not called %j, which a URL takes for another path', (environment) => {
    const fault = `Bad input: save_to: got "environment" with the environment "${environment}"; expected the name of one`;
    for (const reader of [readInputs, readDeleteInputs])
      for (const changes of [{}, { repository: 'acme/other' }])
        expect(inputError(() => readAs<unknown>(reader, { ...KEEP, environment, ...changes }))).toBe(fault);
    // Nor where the ID token says it.
    const given = inputs(KEEP, ID_TOKEN);
    for (const target of [tokenSays({ environment }), { ...API_SAYS, environment }]) {
      expect(inputError(() => resolveInputs(given, target))).toBe(fault);
      expect(inputError(() => resolveSecretLocation(given, target))).toBe(fault);
    }
    // Elsewhere it is no part of a path.
    for (const changes of [{ environment }, { ...SAVE, environment }])
      expect(resolveInputs(inputs(changes), { ...API_SAYS, environment }).identity.environment).toBe(environment);
  });

  it('may be called nearly anything else', () => {
    for (const environment of ['preview/pr-7', '...', '.x', 'a b', 'ü'])
      expect(inputs({ ...KEEP, environment }).environment).toBe(environment);
  });
});

describe("the address of GitHub's API", () => {
  it.each([
    [undefined, 'https://api.github.com'],
    ['https://ghes.acme.example/api/v3/', 'https://ghes.acme.example/api/v3'],
    ['http://127.0.0.1:3000/api', 'http://127.0.0.1:3000/api'],
    ['http://localhost:3000', 'http://localhost:3000'],
  ])('with GITHUB_API_URL=%j is %s', (GITHUB_API_URL, api) => {
    expect(inputs(SAVE, { GITHUB_API_URL }).github).toEqual({ api, token: TOKEN });
    expect(readAs(readSweepInputs, { github_token: TOKEN }, { GITHUB_API_URL }).github.api).toBe(api);
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
  ])('is refused where the token would not be safe there: %s', (GITHUB_API_URL) => {
    const message = refusal(SAVE, { GITHUB_API_URL });
    expect(message).toMatch(
      /^Bad input: GITHUB_API_URL: got ".*"; expected the https address of an API of GitHub \(http on loopback alone\), such as https:\/\/api\.github\.com$/,
    );
    expect(message).not.toContain(SECRET);
    // Where nothing goes there, it is nobody's business.
    expect(() => inputs({}, { GITHUB_API_URL })).not.toThrow();
  });
});

describe('the trailer', () => {
  const marks = ({ marker: { by, repo } }: DesiredClient) => ({ by, repo });

  it.each<[string, Values, Values, () => Target, ReturnType<typeof marks>]>([
    ['own, from the runner', {}, {}, () => own({}), { by: '1296269', repo: '1296269' }],
    ['own, from the ID token', {}, ID_TOKEN, () => tokenSays({ repository_id: '5' }), { by: '1296269', repo: '5' }],
    ['other', OTHER, {}, () => API_SAYS, { by: '1296269', repo: '42' }],
    ['other, with an ID token', OTHER, ID_TOKEN, () => API_SAYS, { by: '1296269', repo: '42' }],
  ])(
    'of a client for the %s repository says whom it is for and who made it',
    (_what, changes, env, target, expected) => {
      expect(marks(resolveInputs(inputs(changes, env), target()))).toEqual(expected);
    },
  );

  const own = (env: Values) => targetFromRunner(inputs({}, env).runner, { ...RUNNER, ...env }, '');

  it('marks a repository without a known id by its name, whatever its case', () => {
    const none = { GITHUB_REPOSITORY_ID: undefined };
    const made = marks(resolveInputs(inputs({}, none), own(none)));
    const upper = { ...none, GITHUB_REPOSITORY: 'ACME/APP' };
    expect(marks(resolveInputs(inputs({}, upper), own(upper)))).toEqual(made);
    expect(made.by).toMatch(/^[\w-]{16}$/);
    expect(made.repo).toBe(made.by);
  });

  it('says who made it in the way that sweep/ knows, which asks for no ID token', () => {
    const none = { GITHUB_REPOSITORY_ID: undefined };
    const token = resolveInputs(inputs({}, { ...none, ...ID_TOKEN }), tokenSays({ repository_id: '5' }));
    expect(marks(token)).toEqual({ by: marks(resolveInputs(inputs({}, none), own(none))).by, repo: '5' });
  });

  it('has the same key wherever id and environment come from, whatever their case', () => {
    const key = (changes: Values, target: Target) => resolveInputs(inputs(changes), target).marker.key;
    const { runner } = inputs();
    const fromRunner = key({ environment: 'production' }, targetFromRunner(runner, RUNNER, 'production'));
    expect(key({}, tokenSays({ repository_id: '1296269', environment: 'Production' }))).toBe(fromRunner);
    const api = targetFromApi({ id: 1_296_269, full_name: 'ACME/renamed', owner: {} }, 'production');
    expect(key({}, api)).toBe(fromRunner);
    expect(key({}, tokenSays({ repository_id: '1296269' }))).not.toBe(fromRunner);
  });
});

describe('a request for another repository', () => {
  it('takes name, claims and identity from GitHub, and the environment from the input', () => {
    const request = resolveInputs(inputs({ ...OTHER, environment: 'production' }), API_SAYS);
    expect(request).toMatchObject({
      fields: {
        name: 'GitHub Actions: Acme/Other (production)',
        description: 'Made by GitHub Actions for Acme/Other, environment production.',
        custom_claims: [
          { key: 'github_repository', value: 'Acme/Other' },
          { key: 'github_repository_id', value: '42' },
          { key: 'environment', value: 'production' },
        ],
      },
      identity: { repository: 'Acme/Other', repository_id: '42', environment: 'production' },
      notices: [],
    });
  });

  it('names everything that does not go together in one error', () => {
    const given = inputs({
      ...OTHER,
      save_to: 'environment',
      environment: 'production',
      repository_claims: 'github_repository, github_repository_visibility',
      custom_claims: 'github_repository=acme/app',
    });
    const message = inputError(() => resolveInputs(given, { ...API_SAYS, environment: '' }));
    expect(message.match(/^- \w+/gm)).toEqual(['- repository_claims', '- custom_claims', '- save_to']);
  });
});

describe('the inputs of delete/', () => {
  it('are those of the client and of its place', () => {
    expect(
      readAs(readDeleteInputs, { ...SAVE, name: 'Deployer', client_id: 'm2morg_1', environment: 'a' }),
    ).toMatchObject({
      name: 'Deployer',
      client_id: 'm2morg_1',
      environment: 'a',
      saving: { to: 'repository' },
      github: GITHUB,
      dry_run: false,
      timeout: 120,
    });
    expect(readAs(readDeleteInputs, {})).toMatchObject({
      name: '',
      client_id: '',
      saving: undefined,
      github: undefined,
    });
  });

  it('are all named where they are wrong', () => {
    const changes = {
      scalekit_client_secret: '',
      repository: 'other',
      environment: '..',
      name: 'n'.repeat(129),
      client_id: 'skc_1',
      save_to: 'environment',
      save_as: '1',
      dry_run: 'x',
    };
    expect(inputError(() => readAs(readDeleteInputs, changes)).match(/^- \w+/gm)).toEqual([
      '- scalekit_client_secret',
      '- repository',
      '- save_as',
      '- github_token',
      '- name',
      '- client_id',
      '- dry_run',
      '- save_to',
    ]);
  });
});

describe('the inputs of sweep/', () => {
  const sweep = (changes: Values = {}) => readAs(readSweepInputs, { github_token: TOKEN, ...changes });

  it('change nothing unless that is asked for, and then not much', () => {
    expect(sweep()).toMatchObject({ dry_run: true, max_deletions: 20, github: GITHUB, timeout: 120 });
    expect(sweep({ dry_run: 'false' }).dry_run).toBe(false);
  });

  it.each(['1', '9', '10', '999', '1000'])('may allow %s deletions', (max_deletions) => {
    expect(sweep({ max_deletions }).max_deletions).toBe(Number(max_deletions));
  });

  it.each(['0', '-1', '1001', '01', '1e2', '1.0', 'all', '9999'])('may not allow %s deletions', (max_deletions) => {
    expect(inputError(() => sweep({ max_deletions }))).toBe(
      `Bad input: max_deletions: got "${max_deletions}"; expected a whole number from 1 to 1000`,
    );
  });

  it('need a token that may read runs, and are all named where they are wrong', () => {
    expect(inputError(() => sweep({ github_token: '' }))).toContain(
      'github_token: is empty; expected a token that may read workflow runs (permissions with actions: read).',
    );
    const changes = { github_token: '', max_deletions: '0', dry_run: 'no', organization_id: 'acme' };
    expect(inputError(() => sweep(changes)).match(/^- \w+/gm)).toEqual([
      '- organization_id',
      '- github_token',
      '- max_deletions',
      '- dry_run',
    ]);
  });
});

describe('an expression that was not evaluated', () => {
  it.each([
    ['repository', {}],
    ['save_as', {}],
    ['save_to', {}],
    ['environment', SAVE],
    ['github_token', { save_to: 'repository' }],
  ])('is the one fault of %s', (input, changes) => {
    expect(refusal({ ...changes, [input]: EXPRESSION })).toMatch(
      new RegExp(
        `^Bad input: ${input}: got ".*", which holds an expression that was not evaluated; expected its value$`,
      ),
    );
  });
});
