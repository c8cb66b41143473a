import { numericId, type Runner } from '../github/runner.ts';
import { quote } from '../output/text.ts';
import type { Report } from './faults.ts';

/**
 * Who says what the claims are: GitHub's ID token where the job may have one, else the runner's variables; of another
 * repository, GitHub's API.
 */
export type Source = 'token' | 'runner' | 'api';

/** The repository that the client is for, and what is known about it. */
export interface Target {
  source: Source;
  /** `owner/name` */
  repository: string;
  /** Absent where nobody tells it. */
  repository_id: string | undefined;
  /** Deployment environment, or empty. */
  environment: string;
  /** Whether only the input says so. */
  asserted: boolean;
  /** By the key that the client's token will show. */
  claims: Record<string, string | undefined>;
}

/** Claims about the repository and its run, by the key that the token shows, each with the runner's variable for it. */
export const VARIABLES: Record<string, string | undefined> = {
  github_repository: 'GITHUB_REPOSITORY',
  github_repository_id: 'GITHUB_REPOSITORY_ID',
  github_repository_owner: 'GITHUB_REPOSITORY_OWNER',
  github_repository_owner_id: 'GITHUB_REPOSITORY_OWNER_ID',
  github_repository_visibility: undefined,
  github_ref: 'GITHUB_REF',
  github_ref_type: 'GITHUB_REF_TYPE',
  github_sha: 'GITHUB_SHA',
  github_workflow_ref: 'GITHUB_WORKFLOW_REF',
  github_job_workflow_ref: undefined,
  github_run_id: 'GITHUB_RUN_ID',
  github_run_attempt: 'GITHUB_RUN_ATTEMPT',
  github_actor: 'GITHUB_ACTOR',
  github_actor_id: 'GITHUB_ACTOR_ID',
  github_event_name: 'GITHUB_EVENT_NAME',
  github_runner_environment: 'RUNNER_ENVIRONMENT',
};

export const CLAIM_NAMES = ['environment', ...Object.keys(VARIABLES)];

/** A custom property of the repository, which an organization adds to its ID tokens. */
export const PROPERTY = /^github_repo_property_[\w$#-]{1,100}$/;

/** Claims of an ID token that tell whose client it is. */
const IDENTIFYING = ['repository', 'repository_id', 'run_id', 'environment'];

/** What the runner's variables say. */
export function targetFromRunner(runner: Runner, env: NodeJS.ProcessEnv, environment: string): Target {
  const claims = Object.entries(VARIABLES).map(([key, variable]) => [key, variable && env[variable]]);
  const { repository, repository_id } = runner;
  return {
    source: 'runner',
    repository,
    repository_id,
    environment,
    asserted: environment !== '',
    // Its own room has judged the id.
    claims: { ...Object.fromEntries(claims), github_repository_id: repository_id },
  };
}

/**
 * What GitHub's ID token says, and the runner where the token does not.
 * @param report takes what token, runner and the input `environment` do not agree about
 */
export function targetFromIdToken(
  payload: Record<string, unknown>,
  runner: Target,
  report: (input: string) => Report,
): Target {
  const tokenClaims = Object.entries(payload).flatMap(([name, value]): [string, string][] => {
    const key = name === 'environment' ? name : `github_${name}`;
    if (!isClaimName(key) || value === null || value === '') return [];
    const claim = text(value);
    if (claim === undefined && IDENTIFYING.includes(name))
      report("GitHub's ID token")(`has a claim ${name} that is no text; expected one`);
    return claim === undefined ? [] : [[key, claim]];
  });
  const claims: Target['claims'] = { ...runner.claims, ...Object.fromEntries(tokenClaims) };
  if (!tokenClaims.some(([key]) => key === 'github_repository'))
    report("GitHub's ID token")('has no claim repository; expected one');
  for (const name of ['repository', 'repository_id', 'run_id']) {
    const [theirs, own] = [claims[`github_${name}`], runner.claims[`github_${name}`]];
    if (theirs && own && theirs.toLowerCase() !== own.toLowerCase())
      report(`GITHUB_${name.toUpperCase()}`)(
        `got ${quote(own)}, but GitHub's ID token says ${quote(theirs)}; expected the same`,
      );
  }
  const environment = claims.environment ?? '';
  if (environment && runner.environment && environment.toLowerCase() !== runner.environment.toLowerCase()) {
    report('environment')(
      `got ${quote(runner.environment)}, but GitHub's ID token says that the job's environment is ${quote(environment)}; expected the same, or none`,
    );
  }
  return {
    source: 'token',
    repository: claims.github_repository ?? '',
    repository_id: numericId(claims.github_repository_id),
    environment: environment || runner.environment,
    asserted: environment === '' && runner.environment !== '',
    claims,
  };
}

/**
 * What GitHub's API says about another repository. The job's own token says nothing about it.
 * @param answer that was found to be about the repository which was asked for
 */
export function targetFromApi(response: Record<string, unknown>, environment: string): Target {
  const owner = Object(response.owner);
  const properties = Object.entries(Object(response.custom_properties));
  const repository = text(response.full_name) ?? '';
  const repository_id = text(response.id);
  return {
    source: 'api',
    repository,
    repository_id,
    environment,
    asserted: environment !== '',
    claims: {
      github_repository: repository,
      github_repository_id: repository_id,
      github_repository_owner: text(owner.login),
      github_repository_owner_id: text(owner.id),
      github_repository_visibility: text(response.visibility),
      ...Object.fromEntries(properties.map(([name, value]) => [`github_repo_property_${name}`, text(value)])),
    },
  };
}

/** @returns nothing for what is no single text */
function text(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? `${value}`.toWellFormed() : undefined;
}

export function isClaimName(name: string): boolean {
  return CLAIM_NAMES.includes(name) || PROPERTY.test(name);
}
