import { quote, type Report } from './formats.ts';
import { digits, type Runner } from './github/runner.ts';
import type { Lifetime } from './identity.ts';
import type { Claim } from './scalekit/types.ts';

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
const VARIABLES: Record<string, string | undefined> = {
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

/** They differ from run to run, so a client that outlives its run cannot carry them. */
const PER_RUN = new Set(
  ['sha', 'ref', 'ref_type', 'run_id', 'run_attempt', 'actor', 'actor_id', 'event_name', 'workflow_ref'].map(
    (name) => `github_${name}`,
  ),
);

const DEFAULT_CLAIMS = ['github_repository', 'github_repository_id', 'environment'];
export const CLAIM_NAMES = ['environment', ...Object.keys(VARIABLES)];
/** A custom property of the repository, which an organization adds to its ID tokens. */
const PROPERTY = /^github_repo_property_[\w$#-]{1,100}$/;
/** Claims of an ID token that tell whose client it is. */
const IDENTIFYING = ['repository', 'repository_id', 'run_id', 'environment'];
/** What GitHub's API may tell of any repository, properties apart. */
const OF_ANY_REPOSITORY = /^(environment|github_repository(_id|_owner|_owner_id|_visibility)?)$/;

/** What the runner's variables say. */
export function runnerTarget(runner: Runner, env: NodeJS.ProcessEnv, environment: string): Target {
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
export function tokenTarget(
  payload: Record<string, unknown>,
  runner: Target,
  report: (input: string) => Report,
): Target {
  const told = Object.entries(payload).flatMap(([name, value]): [string, string][] => {
    const key = name === 'environment' ? name : `github_${name}`;
    if (!isClaimName(key) || value === null || value === '') return [];
    const claim = text(value);
    if (claim === undefined && IDENTIFYING.includes(name))
      report("GitHub's ID token")(`has a claim ${name} that is no text; expected one`);
    return claim === undefined ? [] : [[key, claim]];
  });
  const claims: Target['claims'] = { ...runner.claims, ...Object.fromEntries(told) };
  if (!told.some(([key]) => key === 'github_repository'))
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
    repository_id: digits(claims.github_repository_id),
    environment: environment || runner.environment,
    asserted: environment === '' && runner.environment !== '',
    claims,
  };
}

/**
 * What GitHub's API says about another repository. The job's own token says nothing about it.
 * @param answer that was found to be about the repository which was asked for
 */
export function repositoryTarget(answer: Record<string, unknown>, environment: string): Target {
  const owner = Object(answer.owner);
  const properties = Object.entries(Object(answer.custom_properties));
  const repository = text(answer.full_name) ?? '';
  const repository_id = text(answer.id);
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
      github_repository_visibility: text(answer.visibility),
      ...Object.fromEntries(properties.map(([name, value]) => [`github_repo_property_${name}`, text(value)])),
    },
  };
}

/** @returns nothing for what is no single text */
function text(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? `${value}`.toWellFormed() : undefined;
}

/** What the inputs say about claims. */
export interface ClaimInputs {
  /** Keys of the claims to derive; nothing where nothing was said. */
  repository_claims: string[] | undefined;
  custom_claims: Claim[];
  lifetime: Lifetime;
}

/** The derived claims first, then those of `custom_claims` that they do not say already. */
export function checkClaims(
  { repository_claims, custom_claims, lifetime }: ClaimInputs,
  target: Target,
  report: (input: string) => Report,
): Claim[] {
  const derived = chooseClaims(repository_claims, target.source, target, lifetime, report('repository_claims'));
  const values = new Map(derived.map(({ key, value }) => [key, value]));
  for (const { key, value } of custom_claims) {
    const own = values.get(key);
    if (own !== undefined && own !== value) {
      report('custom_claims')(
        `got ${key}=${quote(value)}, but repository_claims derives ${key}=${quote(own)}; expected the same value, or a repository_claims without ${key}`,
      );
    }
  }
  return [...derived, ...custom_claims.filter(({ key }) => !values.has(key))];
}

/**
 * Derives the claims that were asked for by key, or else the default ones as far as they are known.
 * @param asked keys, or `none`; nothing where nothing was said
 * @param target nothing where it is not known yet: what is wrong in any case is reported all the same
 */
export function chooseClaims(
  asked: string[] | undefined,
  source: Source,
  target: Target | undefined,
  lifetime: Lifetime,
  report: Report,
): Claim[] {
  if (!asked) return deriveClaims(DEFAULT_CLAIMS, target);
  const names = asked.filter((name) => name !== 'none');
  if (asked.length > 1 && names.length < asked.length)
    report('got "none" beside others; expected "none" alone, or claims');
  const claims = deriveClaims(names, target);
  for (const name of names) {
    if (!isClaimName(name))
      report(`got ${quote(name)}; expected ${CLAIM_NAMES.join(', ')}, github_repo_property_NAME, or none`);
    else if (PER_RUN.has(name) && lifetime !== 'job') {
      report(
        `got ${name}, which changes from run to run; expected lifetime: job with it, since a lasting client cannot follow`,
      );
    } else if (target ? !claims.some(({ key }) => key === name) : isNeverKnown(name, source)) {
      report(`got ${name}, ${whyUnknown(name, source)}`);
    }
  }
  return claims;
}

/** @returns the claims among `names` that are known, in that order */
function deriveClaims(names: string[], target: Target | undefined): Claim[] {
  return names.flatMap((key) => {
    const value = key === 'environment' ? target?.environment : isClaimName(key) && target?.claims[key];
    return value ? [{ key, value }] : [];
  });
}

function isClaimName(name: string): boolean {
  return CLAIM_NAMES.includes(name) || PROPERTY.test(name);
}

function isNeverKnown(name: string, source: Source): boolean {
  return source === 'api' && !OF_ANY_REPOSITORY.test(name) && !PROPERTY.test(name);
}

function whyUnknown(name: string, source: Source): string {
  const known = 'expected a claim that is known here';
  if (source === 'api') {
    return isNeverKnown(name, source)
      ? `which says something about a run, not about another repository; ${known}`
      : `which GitHub's API does not tell of that repository; ${known}`;
  }
  if (source === 'token') return `which GitHub's ID token of this job does not say; ${known}`;
  if (name === 'environment')
    return "which the input environment does not say; expected that input, or permissions with id-token: write in a job that has an environment: then GitHub's ID token says it";
  if (VARIABLES[name]) return `which this runner does not know; ${known}`;
  return "which GitHub's ID token alone says; expected permissions with id-token: write, so that the job may have one";
}
