import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ClaimInputs, deriveClaims } from '../../../src/client/claims.ts';
import { CLAIM_NAMES, targetFromApi, targetFromIdToken, targetFromRunner } from '../../../src/client/target.ts';
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

describe("GitHub's ID token", () => {
  it('is what the claims, the repository and the environment come from', () => {
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

  it.each([
    ['repository', 'ACME/App', 'acme/app'],
    ['environment', 'Production', 'production'],
  ])('spells the %s, whatever the case elsewhere', (name, tokenValue, otherValue) => {
    const env = { ...RUNNER, ...(name === 'repository' && { GITHUB_REPOSITORY: otherValue }) };
    const input = name === 'environment' ? otherValue : '';
    const { problems, ...target } = fromToken({ ...TOKEN, [name]: tokenValue }, env, input);
    expect(problems).toEqual([]);
    expect(target).toMatchObject({ [name]: tokenValue, asserted: false });
    const inputs: ClaimInputs = { repository_claims: undefined, custom_claims: [], lifetime: 'persistent' };
    expect(deriveClaims(inputs, target, () => () => {})).toContainEqual({
      key: name === 'repository' ? 'github_repository' : 'environment',
      value: tokenValue,
    });
  });

  it.each([
    ['repository', 'GITHUB_REPOSITORY', 'mallory/app', 'acme/app'],
    ['repository_id', 'GITHUB_REPOSITORY_ID', '42', '1296269'],
    ['run_id', 'GITHUB_RUN_ID', '43', '1658821493'],
  ])('agrees with the runner about %s, or the error names both', (name, variable, tokenValue, runnerValue) => {
    const fault = `${variable}: got "${runnerValue}", but GitHub's ID token says "${tokenValue}"; expected the same`;
    expect(fromToken({ ...TOKEN, [name]: tokenValue }).problems).toEqual([fault]);
    // An id may come as a number.
    if (name !== 'repository') expect(fromToken({ ...TOKEN, [name]: Number(tokenValue) }).problems).toEqual([fault]);
    // If one side does not have the value, there is no contradiction.
    expect(fromToken({ ...TOKEN, [name]: tokenValue }, { ...RUNNER, [variable]: undefined }).problems).toEqual([]);
    if (name !== 'repository') expect(fromToken({ ...TOKEN, [name]: undefined }).problems).toEqual([]);
  });

  it('names every disagreement, not the first alone', () => {
    const payload = { repository: 'a/b', repository_id: '1', run_id: '2', environment: 'x' };
    expect(fromToken(payload, RUNNER, 'y').problems.map((text) => /^\w+/.exec(text)?.[0])).toEqual([
      'GITHUB_REPOSITORY',
      'GITHUB_REPOSITORY_ID',
      'GITHUB_RUN_ID',
      'environment',
    ]);
  });

  const noRepository = "GitHub's ID token: has no claim repository; expected one";

  it('has to name a repository, whatever the runner knows', () => {
    for (const repository of [undefined, null])
      for (const env of [RUNNER, {}]) expect(fromToken({ ...TOKEN, repository }, env).problems).toEqual([noRepository]);
  });

  it.each(['repository', 'repository_id', 'run_id', 'environment'])('has to say in text what it says of %s', (name) => {
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
  });

  it('lacks what it says in no text, elsewhere, and what is null: the runner fills that in', () => {
    const { claims, problems } = fromToken({ ...TOKEN, sha: null, repo_property_tags: ['a', 'b'], actor: {}, ref: [] });
    expect(problems).toEqual([]);
    expect(claims).toMatchObject({ github_sha: 'ffac537', github_actor: undefined, github_ref: undefined });
    expect(claims).not.toHaveProperty('github_repo_property_tags');
    expect(fromToken({ ...TOKEN, sha: 'abc' }).claims).toMatchObject({ github_sha: 'abc' });
  });

  it.each<[token: unknown, input: string, environment: string, asserted: boolean, fault: boolean]>([
    ['production', '', 'production', false, false],
    ['production', 'PRODUCTION', 'production', false, false],
    ['production', 'staging', 'production', false, true],
    [undefined, 'staging', 'staging', true, false],
    ['', 'staging', 'staging', true, false],
    [null, '', '', false, false],
  ])('with environment %j and the input %j: %j, asserted %s, disagreement %s', (token, input, ...expected) => {
    const { environment, asserted, problems } = fromToken({ ...TOKEN, environment: token }, RUNNER, input);
    expect([environment, asserted, problems.length > 0]).toEqual(expected);
    for (const problem of problems) {
      expect(problem).toBe(
        `environment: got "${input}", but GitHub's ID token says that the job's environment is "${token}"; expected the same, or none`,
      );
    }
  });

  it('supplies the id of a repository if the runner does not, if it is one', () => {
    const env = { ...RUNNER, GITHUB_REPOSITORY_ID: undefined };
    expect(fromToken(TOKEN, env)).toMatchObject({ repository_id: '1296269', problems: [] });
    expect(fromToken({ ...TOKEN, repository_id: '12x' }, env).repository_id).toBeUndefined();
    const { repository_id: _, ...without } = TOKEN;
    expect(fromToken(without).repository_id).toBe('1296269');
  });

  it('supplies custom properties of the repository, and numbers and booleans as text', () => {
    const { claims } = fromToken({ ...TOKEN, repo_property_team: 'infra', repo_property_pci: true, run_attempt: 2 });
    expect(claims).toMatchObject({
      github_repo_property_team: 'infra',
      github_repo_property_pci: 'true',
      github_run_attempt: '2',
    });
  });

  it('offers no claim but those that are listed, sub least of all', () => {
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

describe("GitHub's API", () => {
  it("supplies another repository's claims, in GitHub's own spelling, and the input the environment", () => {
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

  it('may leave visibility and custom properties out, and no environment is asserted if none is given', () => {
    const { visibility: _, custom_properties: __, ...least } = REPOSITORY;
    const target = targetFromApi(least, '');
    expect(target).toMatchObject({ environment: '', asserted: false });
    expect(Object.values(target.claims).filter(Boolean)).toEqual(['Acme/App', '1296269', 'Acme', '7']);
    expect(targetFromApi({ ...least, custom_properties: null }, '').claims).toEqual(target.claims);
  });

  it.each([null, undefined, 'Acme'])('says nothing of an owner that is %j', (owner) => {
    const { claims } = targetFromApi({ ...REPOSITORY, owner }, '');
    expect([claims.github_repository_owner, claims.github_repository_owner_id]).toEqual([undefined, undefined]);
    expect(claims.github_repository).toBe('Acme/App');
  });
});
