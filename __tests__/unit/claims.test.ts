import { describe, expect, it } from '@jest/globals';
import { CLAIM_NAMES, chooseClaims, runnerTarget } from '../../src/claims.ts';
import { readRunner } from '../../src/github/runner.ts';
import type { Lifetime } from '../../src/identity.ts';

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
  const target = runnerTarget(readRunner(env), env, environment);
  const claims = chooseClaims(asked, 'runner', target, lifetime, (problem) => problems.push(problem));
  return { claims, problems };
}

describe('a derived claim', () => {
  it.each(VARIABLES)('%s is what the runner says in %s', (key, variable) => {
    expect(choose([key], { [variable]: 'value' })).toEqual({ claims: [{ key, value: 'value' }], problems: [] });
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
    const env = Object.fromEntries(VARIABLES.map(([, variable]) => [variable, 'x']));
    const keys = ['github_repository', 'github_repository_id', 'environment'];
    expect(choose(undefined, env, 'production', 'persistent')).toEqual({
      claims: keys.map((key) => ({ key, value: key === 'environment' ? 'production' : 'x' })),
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

  it('from the runner do not depend on whether an id is one', () => {
    expect(choose(undefined, { GITHUB_REPOSITORY_ID: '12x' })).toEqual({ claims: [], problems: [] });
  });
});
