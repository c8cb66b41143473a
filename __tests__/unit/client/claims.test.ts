import { describe, expect, it } from '@jest/globals';
import { type ClaimInputs, checkClaimNames, deriveClaims } from '../../../src/client/claims.ts';
import type { Lifetime } from '../../../src/client/marker.ts';
import { CLAIM_NAMES, type Source, type Target, targetFromRunner } from '../../../src/client/target.ts';
import { readRunner } from '../../../src/github/runner.ts';

/** Every claim that a variable of the runner contains, with that variable. */
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

/** Returns the claims that the runner's variables result in, and the reported problems. */
function derive(
  repository_claims: string[] | undefined,
  env: NodeJS.ProcessEnv = {},
  environment = '',
  lifetime: Lifetime = 'job',
) {
  const problems: string[] = [];
  const target = targetFromRunner(readRunner(env), env, environment);
  const inputs = { repository_claims, custom_claims: [], lifetime };
  const claims = deriveClaims(inputs, target, () => (problem) => problems.push(problem));
  return { claims, problems };
}

describe('deriveClaims', () => {
  it.each(VARIABLES)('takes the claim %s from the variable %s of the runner', (key, variable) => {
    expect(derive([key], { [variable]: '7' })).toEqual({ claims: [{ key, value: '7' }], problems: [] });
    for (const env of [{}, { [variable]: '' }]) {
      const problems = [`got ${key}, which this runner does not provide. Remove it from repository_claims`];
      expect(derive([key], env, 'production')).toEqual({ claims: [], problems });
    }
  });

  it('takes the claim environment only from the input', () => {
    const env = { environment: 'x', GITHUB_ENVIRONMENT: 'y' };
    const claims = [{ key: 'environment', value: 'production' }];
    expect(derive(['environment'], env, 'production')).toEqual({ claims, problems: [] });
    expect(derive(['environment'], env).problems).toEqual([
      'got environment, which is not known; expected the input environment, or permissions with id-token: write in a job that has an environment',
    ]);
  });

  it.each(['github_repository_visibility', 'github_job_workflow_ref', 'github_repo_property_team'])(
    'reports that only an ID token contains the claim %s, and how it is granted',
    (name) => {
      const problems = [
        `got ${name}, which only GitHub's ID token contains; expected permissions with id-token: write. If the job has that permission, this runner offers no ID token`,
      ];
      expect(derive([name], { [name.toUpperCase()]: 'x', undefined: 'x' })).toEqual({ claims: [], problems });
    },
  );

  it('returns claims in the order in which they were requested', () => {
    const { claims } = derive(['github_ref', 'environment', 'github_sha'], { GITHUB_SHA: 'a', GITHUB_REF: 'b' }, 'c');
    expect(claims.map(({ value }) => value)).toEqual(['b', 'c', 'a']);
  });

  it.each([
    'constructor',
    '__proto__',
    'SCALEKIT_CLIENT_SECRET',
    'sub',
    'github_repo_property_',
    'x_github_repo_property_team',
    '',
  ])('refuses a claim that is not offered: %j', (name) => {
    const { claims, problems } = derive([name], { [name]: 'x' }, 'production');
    expect(claims).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/^got .+; expected environment, github_repository, /)]);
  });

  it.each(PER_RUN)('accepts the claim github_%s, which changes from run to run, only with lifetime: job', (name) => {
    const key = `github_${name}`;
    const env = { [`GITHUB_${name.toUpperCase()}`]: 'x' };
    expect(derive([key], env, '', 'job').problems).toEqual([]);
    expect(derive([key], env, '', 'persistent').problems).toEqual([expect.stringContaining('lifetime: job')]);
  });

  it('returns those default claims that are known if repository_claims is not given', () => {
    const env = Object.fromEntries(VARIABLES.map(([, variable]) => [variable, '7']));
    const keys = ['github_repository', 'github_repository_id', 'environment'];
    expect(derive(undefined, env, 'production', 'persistent')).toEqual({
      claims: keys.map((key) => ({ key, value: key === 'environment' ? 'production' : '7' })),
      problems: [],
    });
    expect(derive(undefined, { GITHUB_REPOSITORY: 'a/b' }, '', 'persistent')).toEqual({
      claims: [{ key: 'github_repository', value: 'a/b' }],
      problems: [],
    });
  });

  it('returns no claims if repository_claims is only "none" or is empty', () => {
    const env = { GITHUB_REPOSITORY: 'a/b' };
    for (const names of [['none'], []]) expect(derive(names, env)).toEqual({ claims: [], problems: [] });
    expect(derive(['none', 'github_repository'], env).problems).toEqual([
      expect.stringContaining('expected "none" alone'),
    ]);
  });

  it.each(['12x', '-1', '9'.repeat(17)])('returns no github_repository_id if the runner says %s', (id) => {
    expect(derive(undefined, { GITHUB_REPOSITORY_ID: id })).toEqual({ claims: [], problems: [] });
  });
});

it('CLAIM_NAMES are the claims of the variables and three others', () => {
  const names = ['environment', 'github_repository_visibility', 'github_job_workflow_ref'];
  expect([...CLAIM_NAMES].sort()).toEqual([...names, ...VARIABLES.map(([claim]) => claim)].sort());
});

describe('a requested claim that is not known', () => {
  const EMPTY = { repository: 'acme/app', repository_id: undefined, environment: '', asserted: false, claims: {} };
  const known = 'expected a claim that is known here';

  /** Returns the problems of a requested claim. @param target undefined before any request was sent */
  function problemsOf(name: string, source: Source, target: Omit<Target, 'source'> | undefined): string[] {
    const problems: string[] = [];
    const report = (problem: string) => problems.push(problem);
    const inputs: ClaimInputs = { repository_claims: [name], custom_claims: [], lifetime: 'job' };
    if (target) deriveClaims(inputs, { source, ...target }, () => report);
    else checkClaimNames(inputs.repository_claims, { source, environment: '' }, inputs.lifetime, report);
    return problems;
  }

  it.each<[string, Source, why: string]>([
    ['github_repository_visibility', 'token', "which this job's ID token does not contain"],
    ['github_repo_property_team', 'token', "which this job's ID token does not contain"],
    ['github_repo_property_team', 'api', "which GitHub's API does not return for that repository"],
    ['github_repository_visibility', 'api', "which GitHub's API does not return for that repository"],
  ])('reports the claim %s if the source "%s" does not have it, and not before that is known', (name, source, why) => {
    expect(problemsOf(name, source, EMPTY)).toEqual([`got ${name}, ${why}; ${known}`]);
    expect(problemsOf(name, source, undefined)).toEqual([]);
  });

  it.each(['sha', 'ref', 'run_id', 'actor', 'workflow_ref', 'job_workflow_ref', 'event_name', 'runner_environment'])(
    'reports the claim github_%s for another repository before any request, because it describes a run',
    (name) => {
      const problem = `got github_${name}, which describes a run and not another repository; ${known}`;
      for (const target of [EMPTY, undefined]) expect(problemsOf(`github_${name}`, 'api', target)).toEqual([problem]);
    },
  );

  it.each<[Source, more: string]>([
    ['token', ', or a job that has an environment'],
    ['runner', ', or permissions with id-token: write in a job that has an environment'],
  ])('reports an unknown environment with the source "%s" only when it is known', (source, more) => {
    const problem = `got environment, which is not known; expected the input environment${more}`;
    expect(problemsOf('environment', source, EMPTY)).toEqual([problem]);
    expect(problemsOf('environment', source, undefined)).toEqual([]);
  });

  it('reports an unknown environment of another repository before any request', () => {
    const problem = 'got environment, which is not known; expected the input environment';
    for (const target of [EMPTY, undefined]) expect(problemsOf('environment', 'api', target)).toEqual([problem]);
  });

  it('lists the known claim names once, and suggests names that lack only github_', () => {
    const problems: string[] = [];
    const names = ['sha', 'nonsense', 'ref'];
    checkClaimNames(names, { source: 'token', environment: '' }, 'job', (problem) => problems.push(problem));
    expect(problems).toEqual([
      `got "sha", "nonsense", "ref"; expected ${CLAIM_NAMES.join(', ')}, github_repo_property_NAME, or none. Did you mean github_sha, github_ref?`,
    ]);
  });

  it.each<Source>(['token', 'api'])('reports wrong claim names before any request if the source is "%s"', (source) => {
    const problems: string[] = [];
    const names = ['none', 'github_team', 'github_repository'];
    checkClaimNames(names, { source, environment: '' }, 'persistent', (problem) => problems.push(problem));
    expect(problems).toEqual([expect.stringMatching(/^got "none"/), expect.stringMatching(/^got "github_team"/)]);

    const perRun: string[] = [];
    checkClaimNames(['github_sha'], { source, environment: '' }, 'persistent', (problem) => perRun.push(problem));
    expect(perRun).toEqual([expect.stringContaining('lifetime: job')]);
  });

  it('reports no unknown claim if repository_claims is not given', () => {
    for (const source of ['token', 'runner', 'api'] as const) {
      const problems: string[] = [];
      const inputs: ClaimInputs = { repository_claims: undefined, custom_claims: [], lifetime: 'persistent' };
      const claims = deriveClaims(inputs, { source, ...EMPTY }, () => (problem) => problems.push(problem));
      expect({ claims, problems }).toEqual({ claims: [], problems: [] });
    }
  });
});
