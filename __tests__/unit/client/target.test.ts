import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ClaimInputs, deriveClaims } from '../../../src/client/claims.ts';
import {
  CLAIM_NAMES,
  type Target,
  targetFromApi,
  targetFromIdToken,
  targetFromRunner,
} from '../../../src/client/target.ts';
import { readRunner } from '../../../src/github/runner.ts';

const RUNNER = {
  GITHUB_REPOSITORY: 'acme/app',
  GITHUB_REPOSITORY_ID: '1296269',
  GITHUB_RUN_ID: '1658821493',
  GITHUB_SHA: 'ffac537',
};
const TOKEN = { repository: 'acme/app', repository_id: '1296269', run_id: '1658821493', environment: 'production' };

/** Returns the target according to an ID token, and the reported problems. */
function fromToken(payload: Record<string, unknown>, env: NodeJS.ProcessEnv = RUNNER, environment = '') {
  const problems: string[] = [];
  const runnerTarget = targetFromRunner(readRunner(env), env, environment);
  // A payload comes as JSON, so it has no field that is undefined.
  const parsed = JSON.parse(JSON.stringify(payload));
  const target = targetFromIdToken(parsed, runnerTarget, (input) => (problem) => problems.push(`${input}: ${problem}`));
  return { ...target, problems };
}

describe('targetFromIdToken', () => {
  it("takes claims, repository and environment from GitHub's ID token", () => {
    const payload = { ...TOKEN, repository_visibility: 'private', job_workflow_ref: 'acme/ci/.github/x.yml@v1' };
    expect(fromToken(payload)).toMatchObject({
      source: 'token',
      repository: 'acme/app',
      repository_id: '1296269',
      environment: 'production',
      asserted: false,
      claims: {
        github_repository_visibility: 'private',
        github_job_workflow_ref: 'acme/ci/.github/x.yml@v1',
        // The token has no such claim, so the runner supplies it.
        github_sha: 'ffac537',
      },
      problems: [],
    });
  });

  it.each<{ name: string; claim: string; value: string; env: NodeJS.ProcessEnv; input: string }>([
    { name: 'repository', claim: 'github_repository', value: 'ACME/App', env: RUNNER, input: '' },
    { name: 'environment', claim: 'environment', value: 'Production', env: RUNNER, input: 'production' },
  ])('takes the spelling of the $name from the ID token', ({ name, claim, value, env, input }) => {
    const { problems, ...target } = fromToken({ ...TOKEN, [name]: value }, env, input);
    expect(problems).toEqual([]);
    expect(target).toMatchObject({ [name]: value, asserted: false });
    const inputs: ClaimInputs = { repository_claims: undefined, custom_claims: [], lifetime: 'persistent' };
    expect(deriveClaims(inputs, target, () => () => {})).toContainEqual({ key: claim, value });
  });

  it.each<{ name: string; variable: string; tokenValue: string; runnerValue: string }>([
    { name: 'repository', variable: 'GITHUB_REPOSITORY', tokenValue: 'mallory/app', runnerValue: 'acme/app' },
    { name: 'repository_id', variable: 'GITHUB_REPOSITORY_ID', tokenValue: '42', runnerValue: '1296269' },
    { name: 'run_id', variable: 'GITHUB_RUN_ID', tokenValue: '43', runnerValue: '1658821493' },
  ])('reports both values if ID token and runner disagree about $name', (row) => {
    const { name, variable, tokenValue, runnerValue } = row;
    const fault = `${variable}: got "${runnerValue}", but GitHub's ID token says "${tokenValue}"; expected the same`;
    expect(fromToken({ ...TOKEN, [name]: tokenValue }).problems).toEqual([fault]);
    // An id may come as a number.
    if (name !== 'repository') expect(fromToken({ ...TOKEN, [name]: Number(tokenValue) }).problems).toEqual([fault]);
    // If one side does not have the value, there is no contradiction.
    expect(fromToken({ ...TOKEN, [name]: tokenValue }, { ...RUNNER, [variable]: undefined }).problems).toEqual([]);
    if (name !== 'repository') expect(fromToken({ ...TOKEN, [name]: undefined }).problems).toEqual([]);
  });

  it('reports every disagreement between ID token, runner and input', () => {
    const payload = { repository: 'a/b', repository_id: '1', run_id: '2', environment: 'x' };
    expect(fromToken(payload, RUNNER, 'y').problems.map((text) => /^\w+/.exec(text)?.[0])).toEqual([
      'GITHUB_REPOSITORY',
      'GITHUB_REPOSITORY_ID',
      'GITHUB_RUN_ID',
      'environment',
    ]);
  });

  const noRepository = "GitHub's ID token: has no claim repository; expected one";

  it('reports an ID token without a repository, whatever the runner knows', () => {
    for (const repository of [undefined, null])
      for (const env of [RUNNER, {}]) expect(fromToken({ ...TOKEN, repository }, env).problems).toEqual([noRepository]);
  });

  it.each(['repository', 'repository_id', 'run_id', 'environment'])(
    'reports a claim %s of the ID token that is not text',
    (name) => {
      const fault = `GitHub's ID token: has a claim ${name} that is not text; expected text`;
      const missing = name === 'repository' ? [noRepository] : [];
      for (const value of [['a'], { a: 'b' }, []]) {
        expect(fromToken({ ...TOKEN, [name]: value }).problems).toEqual([fault, ...missing]);
        expect(fromToken({ ...TOKEN, [name]: value }, RUNNER, 'staging').problems).toContain(fault);
      }
      // The runner supplies what the token does not have.
      for (const value of [null, undefined]) {
        const { problems, claims, repository_id } = fromToken({ ...TOKEN, [name]: value });
        expect(problems).toEqual(missing);
        expect(claims).toMatchObject({ github_repository: 'acme/app', github_run_id: '1658821493' });
        expect(repository_id).toBe('1296269');
      }
    },
  );

  it('takes other claims that are null or not text in the ID token from the runner', () => {
    const { claims, problems } = fromToken({ ...TOKEN, sha: null, repo_property_tags: ['a', 'b'], actor: {}, ref: [] });
    expect(problems).toEqual([]);
    expect(claims).toMatchObject({ github_sha: 'ffac537', github_actor: undefined, github_ref: undefined });
    expect(claims).not.toHaveProperty('github_repo_property_tags');
    expect(fromToken({ ...TOKEN, sha: 'abc' }).claims).toMatchObject({ github_sha: 'abc' });
  });

  it.each<{ source: string; token: unknown; input: string; expected: Pick<Target, 'environment' | 'asserted'> }>([
    {
      source: 'the ID token if the input is empty',
      token: 'production',
      input: '',
      expected: { environment: 'production', asserted: false },
    },
    {
      source: 'the ID token if the input has another case',
      token: 'production',
      input: 'PRODUCTION',
      expected: { environment: 'production', asserted: false },
    },
    {
      source: 'the input if the ID token has none',
      token: undefined,
      input: 'staging',
      expected: { environment: 'staging', asserted: true },
    },
    {
      source: 'the input if that of the ID token is empty',
      token: '',
      input: 'staging',
      expected: { environment: 'staging', asserted: true },
    },
    {
      source: 'neither if the ID token has null and the input is empty',
      token: null,
      input: '',
      expected: { environment: '', asserted: false },
    },
  ])('takes the environment from $source', ({ token, input, expected }) => {
    const target = fromToken({ ...TOKEN, environment: token }, RUNNER, input);
    expect(target).toMatchObject({ ...expected, problems: [] });
  });

  it('reports both environments if ID token and input disagree', () => {
    expect(fromToken(TOKEN, RUNNER, 'staging')).toMatchObject({
      environment: 'production',
      asserted: false,
      problems: [
        `environment: got "staging", but GitHub's ID token says that the job's environment is "production"; expected the same, or none`,
      ],
    });
  });

  it('takes a valid repository id from the ID token if the runner has none, and otherwise from the runner', () => {
    const env = { ...RUNNER, GITHUB_REPOSITORY_ID: undefined };
    expect(fromToken(TOKEN, env)).toMatchObject({ repository_id: '1296269', problems: [] });
    expect(fromToken({ ...TOKEN, repository_id: '12x' }, env).repository_id).toBeUndefined();
    const { repository_id: _, ...without } = TOKEN;
    expect(fromToken(without).repository_id).toBe('1296269');
  });

  it('takes custom properties, numbers and booleans from the ID token as text', () => {
    const { claims } = fromToken({ ...TOKEN, repo_property_team: 'infra', repo_property_pci: true, run_attempt: 2 });
    expect(claims).toMatchObject({
      github_repo_property_team: 'infra',
      github_repo_property_pci: 'true',
      github_run_attempt: '2',
    });
  });

  it('takes only listed claims from an ID token, and never sub', () => {
    const name = fc.oneof(
      fc.constantFrom('sub', 'aud', 'head_ref', 'environment_node_id', 'repo_property_'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.oneof(fc.string(), fc.jsonValue())), (others) => {
        const { claims, problems } = fromToken({ ...others, ...TOKEN });
        const foreign = Object.keys(claims).filter(
          (key) => !CLAIM_NAMES.includes(key) && !/^github_repo_property_./.test(key),
        );
        expect(foreign).toEqual([]);
        expect(problems).toEqual([]);
      }),
    );
  });
});

const REPOSITORY = {
  id: 1_296_269,
  full_name: 'Acme/App',
  owner: { login: 'Acme', id: 7 },
  visibility: 'internal',
  custom_properties: { team: 'infra', tags: ['a', 'b'], none: null },
  default_branch: 'main',
};

describe('targetFromApi', () => {
  it("takes the claims of another repository from GitHub's API, and the environment from the input", () => {
    expect(targetFromApi(REPOSITORY, 'production')).toEqual({
      source: 'api',
      repository: 'Acme/App',
      repository_id: '1296269',
      environment: 'production',
      asserted: true,
      claims: {
        github_repository: 'Acme/App',
        github_repository_id: '1296269',
        github_repository_owner: 'Acme',
        github_repository_owner_id: '7',
        github_repository_visibility: 'internal',
        github_repo_property_team: 'infra',
        github_repo_property_tags: undefined,
        github_repo_property_none: undefined,
      },
    });
  });

  it('accepts a repository without visibility, custom properties and environment', () => {
    const { visibility: _, custom_properties: __, ...least } = REPOSITORY;
    const target = targetFromApi(least, '');
    expect(target).toMatchObject({ environment: '', asserted: false });
    expect(Object.values(target.claims).filter(Boolean)).toEqual(['Acme/App', '1296269', 'Acme', '7']);
    expect(targetFromApi({ ...least, custom_properties: null }, '').claims).toEqual(target.claims);
  });

  it.each([null, undefined, 'Acme'])('returns no claims of the owner if the API returns %j', (owner) => {
    const { claims } = targetFromApi({ ...REPOSITORY, owner }, '');
    expect(claims).toMatchObject({
      github_repository: 'Acme/App',
      github_repository_owner: undefined,
      github_repository_owner_id: undefined,
    });
  });
});
