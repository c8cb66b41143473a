import { quote, type Report } from './formats.ts';
import type { Lifetime } from './identity.ts';
import type { Claim } from './scalekit/types.ts';

/** Claims about the repository and its run, by the key that the token shows, each with the runner's variable for it. */
const VARIABLES: Record<string, string | undefined> = {
  github_repository: 'GITHUB_REPOSITORY',
  // Read by the runner's room, which refuses what is no id.
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

/** What is known about the run besides its variables. */
export interface Known {
  /** Deployment environment, or empty. */
  environment: string;
  repository_id: string | undefined;
  env: NodeJS.ProcessEnv;
}

/**
 * Derives the claims that were asked for by key, or else the default ones as far as they are known.
 * @param asked keys, or `none`; nothing where nothing was said
 */
export function chooseClaims(asked: string[] | undefined, known: Known, lifetime: Lifetime, report: Report): Claim[] {
  if (!asked) return deriveClaims(DEFAULT_CLAIMS, known);
  const names = asked.filter((name) => name !== 'none');
  if (asked.length > 1 && names.length < asked.length)
    report('got "none" beside others; expected "none" alone, or claims');
  const claims = deriveClaims(names, known);
  for (const name of names) {
    if (!isClaimName(name))
      report(`got ${quote(name)}; expected ${CLAIM_NAMES.join(', ')}, github_repo_property_NAME, or none`);
    else if (PER_RUN.has(name) && lifetime !== 'job') {
      report(
        `got ${name}, which changes from run to run; expected lifetime: job with it, since a lasting client cannot follow`,
      );
    } else if (!claims.some(({ key }) => key === name)) {
      report(`got ${name}, which ${whyUnknown(name)}; expected a claim that is known here`);
    }
  }
  return claims;
}

/** @returns the claims among `names` that are known, in that order */
function deriveClaims(names: string[], { environment, repository_id, env }: Known): Claim[] {
  return names.flatMap((key) => {
    const variable = VARIABLES[key];
    if (key === 'environment') return claim(key, environment);
    if (key === 'github_repository_id') return claim(key, repository_id);
    return claim(key, variable && env[variable]);
  });
}

function claim(key: string, value: string | undefined): Claim[] {
  return value ? [{ key, value }] : [];
}

function isClaimName(name: string): boolean {
  return CLAIM_NAMES.includes(name) || /^github_repo_property_./.test(name);
}

function whyUnknown(name: string): string {
  if (name === 'environment') return 'the input environment does not say';
  return VARIABLES[name] ? 'this runner does not know' : 'a runner has no variable for';
}
