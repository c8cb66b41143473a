import { describe, expect, it } from '@jest/globals';
import { CLAIM_NAMES, changesPerRun, DEFAULT_CLAIMS, deriveClaims, isClaimName } from '../../src/claims.ts';

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

describe('a derived claim', () => {
  it.each(VARIABLES)('%s is what the runner says in %s', (key, variable) => {
    expect(deriveClaims([key], '', { [variable]: 'value' })).toEqual([{ key, value: 'value' }]);
    expect(deriveClaims([key], 'production', {})).toEqual([]);
    expect(deriveClaims([key], 'production', { [variable]: '' })).toEqual([]);
  });

  it('environment is what the input says', () => {
    expect(deriveClaims(['environment'], 'production', { environment: 'x', GITHUB_ENVIRONMENT: 'y' })).toEqual([
      { key: 'environment', value: 'production' },
    ]);
    expect(deriveClaims(['environment'], '', { environment: 'x', GITHUB_ENVIRONMENT: 'y' })).toEqual([]);
  });

  it.each(['github_repository_visibility', 'github_job_workflow_ref', 'github_repo_property_team'])(
    '%s has a name, but no variable of the runner tells it',
    (name) => {
      expect(isClaimName(name)).toBe(true);
      expect(deriveClaims([name], 'production', { [name.toUpperCase()]: 'x', undefined: 'x' })).toEqual([]);
    },
  );

  it('comes in the order that was asked for', () => {
    const env = { GITHUB_SHA: 'a', GITHUB_REF: 'b' };
    expect(deriveClaims(['github_ref', 'environment', 'github_sha'], 'c', env).map(({ value }) => value)).toEqual([
      'b',
      'c',
      'a',
    ]);
  });

  it.each([
    'constructor',
    '__proto__',
    'toString',
    'SCALEKIT_CLIENT_SECRET',
    'GITHUB_SHA',
    'sub',
    'github_head_ref',
    '',
  ])('has a name that is offered, so nothing comes of %j', (name) => {
    expect(isClaimName(name)).toBe(false);
    expect(deriveClaims([name], 'production', { [name]: 'x' })).toEqual([]);
  });
});

describe('the names of claims', () => {
  it('are those that the design lists', () => {
    expect([...CLAIM_NAMES].sort()).toEqual(
      [
        'environment',
        'github_repository_visibility',
        'github_job_workflow_ref',
        ...VARIABLES.map(([claim]) => claim),
      ].sort(),
    );
    expect(CLAIM_NAMES.every(isClaimName)).toBe(true);
  });

  it('include custom properties of the repository, whose own name is not empty', () => {
    expect(isClaimName('github_repo_property_team')).toBe(true);
    expect(isClaimName('github_repo_property_')).toBe(false);
    expect(isClaimName('x_github_repo_property_team')).toBe(false);
  });

  it('of the default list stay the same from run to run', () => {
    expect(DEFAULT_CLAIMS).toEqual(['github_repository', 'github_repository_id', 'environment']);
    expect(DEFAULT_CLAIMS.some(changesPerRun)).toBe(false);
  });

  it('that change from run to run are known as such', () => {
    expect(CLAIM_NAMES.filter(changesPerRun).sort()).toEqual([
      'github_actor',
      'github_actor_id',
      'github_event_name',
      'github_ref',
      'github_ref_type',
      'github_run_attempt',
      'github_run_id',
      'github_sha',
      'github_workflow_ref',
    ]);
  });
});
