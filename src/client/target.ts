import { numericId, type Runner } from '../github/runner.ts';
import { quote } from '../output/text.ts';
import type { Report } from './faults.ts';

/** Claims about the repository and its run, by their key in the client's token, and the runner's variable for each. */
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

/** All claims that `repository_claims` may name, apart from custom properties. */
export const CLAIM_NAMES = ['environment', ...Object.keys(VARIABLES)];

/** Claims for custom properties of the repository. An organization can add them to its ID tokens. */
export const PROPERTY = /^github_repo_property_[\w$#-]{1,100}$/;

/** Claims of an ID token that identify the client. */
const IDENTIFYING = ['repository', 'repository_id', 'run_id', 'environment'];

/**
 * The source of the claims. `token`: GitHub's ID token, if the job may have one. `runner`: the runner's variables, if
 * it may not. `api`: GitHub's API, for a repository other than the workflow's own.
 */
export type Source = 'token' | 'runner' | 'api';

/** The repository that the client is for, and what is known about it. */
export interface Target {
  source: Source;
  /** `owner/name` */
  repository: string;
  /** Undefined if it is not known. */
  repository_id: string | undefined;
  /** Deployment environment, or empty. */
  environment: string;
  /** Whether only the input names the environment. */
  asserted: boolean;
  /** Values by their key in the client's token. The environment may be missing here. */
  claims: Record<string, string | undefined>;
}

/** Returns the target according to the runner's variables and the input `environment`. */
export function targetFromRunner(runner: Runner, env: NodeJS.ProcessEnv, environment: string): Target {
  const claims = Object.entries(VARIABLES).map(([key, variable]) => [key, variable && env[variable]]);
  const { repository, repository_id } = runner;
  return {
    source: 'runner',
    repository,
    repository_id,
    environment,
    asserted: environment !== '',
    // readRunner() has validated the id.
    claims: { ...Object.fromEntries(claims), github_repository_id: repository_id },
  };
}

/**
 * Returns the target according to GitHub's ID token. The runner's target supplies what is missing in the token.
 * @param payload claims of the ID token
 * @param runner target from the runner's variables and the input `environment`
 * @param report receives unusable claims, and disagreements between the token, the runner and the input `environment`
 */
export function targetFromIdToken(
  payload: Record<string, unknown>,
  runner: Target,
  report: (input: string) => Report,
): Target {
  const claims = { ...runner.claims, ...claimsFromPayload(payload, report("GitHub's ID token")) };
  reportDisagreements(claims, runner, report);
  const environment = claims.environment ?? '';
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
 * Returns the target according to GitHub's API, for a repository other than the workflow's own. The job's ID token
 * contains nothing about that repository.
 * @param response GitHub's description of the repository. The caller has checked that it is the requested one
 */
export function targetFromApi(response: Record<string, unknown>, environment: string): Target {
  const owner = Object(response.owner);
  const properties = Object.entries(Object(response.custom_properties));
  const repository = claimText(response.full_name) ?? '';
  const repository_id = claimText(response.id);
  return {
    source: 'api',
    repository,
    repository_id,
    environment,
    asserted: environment !== '',
    claims: {
      github_repository: repository,
      github_repository_id: repository_id,
      github_repository_owner: claimText(owner.login),
      github_repository_owner_id: claimText(owner.id),
      github_repository_visibility: claimText(response.visibility),
      ...Object.fromEntries(properties.map(([name, value]) => [`github_repo_property_${name}`, claimText(value)])),
    },
  };
}

/** Returns whether `repository_claims` may name this claim. */
export function isClaimName(name: string): boolean {
  return CLAIM_NAMES.includes(name) || PROPERTY.test(name);
}

/**
 * Returns the claims of an ID token by their key in the client's token. Reports claims that identify the client and are
 * not text, and a missing repository.
 */
function claimsFromPayload(payload: Record<string, unknown>, report: Report): Target['claims'] {
  const claims: Target['claims'] = {};
  for (const [name, value] of Object.entries(payload)) {
    const key = name === 'environment' ? name : `github_${name}`;
    if (!isClaimName(key) || value === null || value === '') continue;
    const text = claimText(value);
    if (text !== undefined) claims[key] = text;
    else if (IDENTIFYING.includes(name)) report(`has a claim ${name} that is not text; expected text`);
  }
  if (claims.github_repository === undefined) report('has no claim repository; expected one');
  return claims;
}

/** Reports every value of the ID token that differs, regardless of case, from the runner's or from the input. */
function reportDisagreements(claims: Target['claims'], runner: Target, report: (input: string) => Report): void {
  for (const name of ['repository', 'repository_id', 'run_id']) {
    const [tokenValue, runnerValue] = [claims[`github_${name}`], runner.claims[`github_${name}`]];
    if (tokenValue && runnerValue && tokenValue.toLowerCase() !== runnerValue.toLowerCase())
      report(`GITHUB_${name.toUpperCase()}`)(
        `got ${quote(runnerValue)}, but GitHub's ID token says ${quote(tokenValue)}; expected the same`,
      );
  }
  const { environment } = claims;
  if (environment && runner.environment && environment.toLowerCase() !== runner.environment.toLowerCase()) {
    report('environment')(
      `got ${quote(runner.environment)}, but GitHub's ID token says that the job's environment is ${quote(environment)}; expected the same, or none`,
    );
  }
}

/** Returns a string, number or boolean as well-formed text. Returns undefined for any other value. */
function claimText(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? `${value}`.toWellFormed() : undefined;
}
