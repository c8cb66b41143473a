import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ClaimInputs, checkClaimNames, deriveClaims } from '../../../src/client/claims.ts';
import type { Lifetime } from '../../../src/client/identity.ts';
import {
  CLAIM_NAMES,
  type Source,
  type Target,
  targetFromApi,
  targetFromIdToken,
  targetFromRunner,
} from '../../../src/client/target.ts';
import { readRunner } from '../../../src/github/runner.ts';

/** Every claim that a runner's variables can tell, with its variable. */
const VARIABLES: [claim: string, variable: string][] = [
  ['github_repository', 'GITHUB_REPOSITORY'],
  ['github_repository_id', 'GITHUB_REPOSITORY_ID'],
  ['github_repository_owner', 'GITHUB_REPOSITORY_OWNER'],
  ['github_repository_owner_id', 'GITHUB_REPOSITORY_OWNER_ID'],
  ['github_ref', 'GITHUB_REF'],
  ['github_ref_type', 'GITHUB_REF_TYPE'],
  ['github_sha', 'GITHUB_SHA'],
  ['github_workflow_ref', 'GITHUB_WORKFLOW_REF'],
  ['github_run_id', 'GITHUB_RUN_ID'],
  ['github_run_attempt', 'GITHUB_RUN_ATTEMPT'],
  ['github_actor', 'GITHUB_ACTOR'],
  ['github_actor_id', 'GITHUB_ACTOR_ID'],
  ['github_event_name', 'GITHUB_EVENT_NAME'],
  ['github_runner_environment', 'RUNNER_ENVIRONMENT'],
];

const PER_RUN = ['ref', 'ref_type', 'sha', 'workflow_ref', 'run_id', 'run_attempt', 'actor', 'actor_id', 'event_name'];

/** What comes of the keys that are asked for, and what is wrong with them. */
function choose(
  asked: string[] | undefined,
  env: NodeJS.ProcessEnv = {},
  environment = '',
  lifetime: Lifetime = 'job',
) {
  const problems: string[] = [];
  const target = targetFromRunner(readRunner(env), env, environment);
  const inputs = { repository_claims: asked, custom_claims: [], lifetime };
  const claims = deriveClaims(inputs, target, () => (problem) => problems.push(problem));
  return { claims, problems };
}

describe('a derived claim', () => {
  it.each(VARIABLES)('%s is what the runner says in %s', (key, variable) => {
    expect(choose([key], { [variable]: '7' })).toEqual({ claims: [{ key, value: '7' }], problems: [] });
    for (const env of [{}, { [variable]: '' }]) {
      const problems = [`got ${key}, which this runner does not know; expected a claim that is known here`];
      expect(choose([key], env, 'production')).toEqual({ claims: [], problems });
    }
  });

  it('environment is what the input says', () => {
    const env = { environment: 'x', GITHUB_ENVIRONMENT: 'y' };
    const claims = [{ key: 'environment', value: 'production' }];
    expect(choose(['environment'], env, 'production')).toEqual({ claims, problems: [] });
    expect(choose(['environment'], env).problems).toEqual([
      "got environment, which the input environment does not say; expected that input, or permissions with id-token: write in a job that has an environment: then GitHub's ID token says it",
    ]);
  });

  it.each(['github_repository_visibility', 'github_job_workflow_ref', 'github_repo_property_team'])(
    '%s has a name, but no variable of the runner tells it',
    (name) => {
      const problems = [
        `got ${name}, which GitHub's ID token alone says; expected permissions with id-token: write, so that the job may have one`,
      ];
      expect(choose([name], { [name.toUpperCase()]: 'x', undefined: 'x' })).toEqual({ claims: [], problems });
    },
  );

  it('comes in the order that was asked for', () => {
    const { claims } = choose(['github_ref', 'environment', 'github_sha'], { GITHUB_SHA: 'a', GITHUB_REF: 'b' }, 'c');
    expect(claims.map(({ value }) => value)).toEqual(['b', 'c', 'a']);
  });

  it.each([
    'constructor',
    '__proto__',
    'toString',
    'SCALEKIT_CLIENT_SECRET',
    'GITHUB_SHA',
    'sub',
    'github_head_ref',
    'github_repo_property_',
    'x_github_repo_property_team',
    '',
  ])('has a name that is offered, so nothing comes of %j', (name) => {
    const { claims, problems } = choose([name], { [name]: 'x' }, 'production');
    expect(claims).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/^got .+; expected environment, github_repository, /)]);
  });

  it.each(PER_RUN)('github_%s changes from run to run, so it needs a client that lives as long as the job', (name) => {
    const key = `github_${name}`;
    const env = { [`GITHUB_${name.toUpperCase()}`]: 'x' };
    expect(choose([key], env, '', 'job').problems).toEqual([]);
    expect(choose([key], env, '', 'persistent').problems).toEqual([expect.stringContaining('lifetime: job')]);
  });
});

describe('the claims', () => {
  it('that are offered are those that the design lists', () => {
    const names = ['environment', 'github_repository_visibility', 'github_job_workflow_ref'];
    expect([...CLAIM_NAMES].sort()).toEqual([...names, ...VARIABLES.map(([claim]) => claim)].sort());
  });

  it('that nobody asked for are those of the default list that are known', () => {
    const env = Object.fromEntries(VARIABLES.map(([, variable]) => [variable, '7']));
    const keys = ['github_repository', 'github_repository_id', 'environment'];
    expect(choose(undefined, env, 'production', 'persistent')).toEqual({
      claims: keys.map((key) => ({ key, value: key === 'environment' ? 'production' : '7' })),
      problems: [],
    });
    expect(choose(undefined, { GITHUB_REPOSITORY: 'a/b' }, '', 'persistent')).toEqual({
      claims: [{ key: 'github_repository', value: 'a/b' }],
      problems: [],
    });
  });

  it('are none where none is asked for, alone', () => {
    const env = { GITHUB_REPOSITORY: 'a/b' };
    for (const asked of [['none'], []]) expect(choose(asked, env)).toEqual({ claims: [], problems: [] });
    expect(choose(['none', 'github_repository'], env).problems).toEqual([
      expect.stringContaining('expected "none" alone'),
    ]);
  });

  it('from the runner hold no id that is none', () => {
    for (const id of ['12x', '-1', '9'.repeat(17)])
      expect(choose(undefined, { GITHUB_REPOSITORY_ID: id })).toEqual({ claims: [], problems: [] });
  });
});

const RUNNER = {
  GITHUB_REPOSITORY: 'acme/app',
  GITHUB_REPOSITORY_ID: '1296269',
  GITHUB_RUN_ID: '1658821493',
  GITHUB_SHA: 'ffac537',
};
const TOKEN = { repository: 'acme/app', repository_id: '1296269', run_id: '1658821493', environment: 'production' };

/** What comes of an ID token, and what is wrong with it. */
function fromToken(payload: Record<string, unknown>, env: NodeJS.ProcessEnv = RUNNER, environment = '') {
  const problems: string[] = [];
  const own = targetFromRunner(readRunner(env), env, environment);
  // As it comes over the wire, without undefined.
  const told = JSON.parse(JSON.stringify(payload));
  const target = targetFromIdToken(told, own, (input) => (problem) => problems.push(`${input}: ${problem}`));
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
        // What it does not say, the runner does.
        github_sha: 'ffac537',
      },
      problems: [],
    });
  });

  it.each([
    ['repository', 'ACME/App', 'acme/app'],
    ['environment', 'Production', 'production'],
  ])('spells the %s, whatever the case elsewhere', (name, told, own) => {
    const env = { ...RUNNER, ...(name === 'repository' && { GITHUB_REPOSITORY: own }) };
    const { problems, ...target } = fromToken({ ...TOKEN, [name]: told }, env, name === 'environment' ? own : '');
    expect(problems).toEqual([]);
    expect(target).toMatchObject({ [name]: told, asserted: false });
    const inputs: ClaimInputs = { repository_claims: undefined, custom_claims: [], lifetime: 'persistent' };
    expect(deriveClaims(inputs, target, () => () => {})).toContainEqual({
      key: name === 'repository' ? 'github_repository' : 'environment',
      value: told,
    });
  });

  it.each([
    ['repository', 'GITHUB_REPOSITORY', 'mallory/app', 'acme/app'],
    ['repository_id', 'GITHUB_REPOSITORY_ID', '42', '1296269'],
    ['run_id', 'GITHUB_RUN_ID', '43', '1658821493'],
  ])('agrees with the runner about %s, or the error names both', (name, variable, told, own) => {
    const fault = `${variable}: got "${own}", but GitHub's ID token says "${told}"; expected the same`;
    expect(fromToken({ ...TOKEN, [name]: told }).problems).toEqual([fault]);
    // An id may come as a number.
    if (name !== 'repository') expect(fromToken({ ...TOKEN, [name]: Number(told) }).problems).toEqual([fault]);
    // One side that does not know it contradicts nobody.
    expect(fromToken({ ...TOKEN, [name]: told }, { ...RUNNER, [variable]: undefined }).problems).toEqual([]);
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
    const fault = `GitHub's ID token: has a claim ${name} that is no text; expected one`;
    const missing = name === 'repository' ? [noRepository] : [];
    for (const value of [['a'], { a: 'b' }, []]) {
      expect(fromToken({ ...TOKEN, [name]: value }).problems).toEqual([fault, ...missing]);
      expect(fromToken({ ...TOKEN, [name]: value }, RUNNER, 'staging').problems).toContain(fault);
    }
    // What it does not say is said by the runner.
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

  it('tells the id of a repository where the runner does not, if it is one', () => {
    const env = { ...RUNNER, GITHUB_REPOSITORY_ID: undefined };
    expect(fromToken(TOKEN, env)).toMatchObject({ repository_id: '1296269', problems: [] });
    expect(fromToken({ ...TOKEN, repository_id: '12x' }, env).repository_id).toBeUndefined();
    const { repository_id: _, ...without } = TOKEN;
    expect(fromToken(without).repository_id).toBe('1296269');
  });

  it('tells custom properties of the repository, and numbers and truths as text', () => {
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
      fc.property(fc.dictionary(name, fc.oneof(fc.string(), fc.jsonValue())), (more) => {
        const { claims, problems } = fromToken({ ...more, ...TOKEN });
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
  it("tells another repository's claims, in GitHub's own spelling, and the input the environment", () => {
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

  it('may leave visibility and custom properties out, and no environment is asserted where none is given', () => {
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

describe('a claim that was asked for and is not known', () => {
  const EMPTY = { repository: 'acme/app', repository_id: undefined, environment: '', asserted: false, claims: {} };
  const known = 'expected a claim that is known here';
  const grant = 'expected permissions with id-token: write, so that the job may have one';

  function problems(name: string, source: Source, target: Omit<Target, 'source'> | undefined): string[] {
    const told: string[] = [];
    const report = (problem: string) => told.push(problem);
    const inputs: ClaimInputs = { repository_claims: [name], custom_claims: [], lifetime: 'job' };
    if (target) deriveClaims(inputs, { source, ...target }, () => report);
    else checkClaimNames(inputs.repository_claims, source, inputs.lifetime, report);
    return told;
  }

  /** What is said once the target is known, and whether it can be said before. */
  it.each<[Source, string, why: string, before: boolean]>([
    ['token', 'github_repository_visibility', "which GitHub's ID token of this job does not say", false],
    ['token', 'github_repo_property_team', "which GitHub's ID token of this job does not say", false],
    ['token', 'environment', "which GitHub's ID token of this job does not say", false],
    ['api', 'github_repo_property_team', "which GitHub's API does not tell of that repository", false],
    ['api', 'github_repository_visibility', "which GitHub's API does not tell of that repository", false],
    ['api', 'environment', "which GitHub's API does not tell of that repository", false],
    ...['sha', 'ref', 'run_id', 'actor', 'workflow_ref', 'job_workflow_ref', 'event_name', 'runner_environment'].map(
      (name): [Source, string, string, boolean] => [
        'api',
        `github_${name}`,
        'which says something about a run, not about another repository',
        true,
      ],
    ),
    ['runner', 'github_sha', 'which this runner does not know', false],
  ])('from %s: %s, %s; known before anything is asked: %s', (source, name, why, before) => {
    const problem = `got ${name}, ${why}; ${known}`;
    expect(problems(name, source, EMPTY)).toEqual([problem]);
    expect(problems(name, source, undefined)).toEqual(before ? [problem] : []);
  });

  it.each(['github_repository_visibility', 'github_job_workflow_ref', 'github_repo_property_team'])(
    'from runner: %s, where the error says how the token is granted',
    (name) => {
      expect(problems(name, 'runner', EMPTY)).toEqual([`got ${name}, which GitHub's ID token alone says; ${grant}`]);
    },
  );

  it.each<Source>(['token', 'api'])(
    'is no reason to wait with the faults that are there in any case, from %s',
    (source) => {
      const told: string[] = [];
      const asked = ['none', 'github_team', 'github_repository'];
      checkClaimNames(asked, source, 'persistent', (problem) => told.push(problem));
      expect(told).toEqual([expect.stringMatching(/^got "none"/), expect.stringMatching(/^got "github_team"/)]);
      const perRun: string[] = [];
      checkClaimNames(['github_sha'], source, 'persistent', (problem) => perRun.push(problem));
      expect(perRun).toEqual([expect.stringContaining('lifetime: job')]);
    },
  );

  it('is fine, from any source, where it was not asked for', () => {
    for (const source of ['token', 'runner', 'api'] as const) {
      const told: string[] = [];
      const inputs: ClaimInputs = { repository_claims: undefined, custom_claims: [], lifetime: 'persistent' };
      const claims = deriveClaims(inputs, { source, ...EMPTY }, () => (text) => told.push(text));
      expect([claims, told]).toEqual([[], []]);
    }
  });
});
