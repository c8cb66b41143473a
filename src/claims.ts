import type { Claim } from './scalekit/types.ts';

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

export const DEFAULT_CLAIMS = ['github_repository', 'github_repository_id', 'environment'];
export const CLAIM_NAMES = ['environment', ...Object.keys(VARIABLES)];

/** @returns whether there is such a claim, from whatever source */
export function isClaimName(name: string): boolean {
  return CLAIM_NAMES.includes(name) || /^github_repo_property_./.test(name);
}

export function changesPerRun(name: string): boolean {
  return PER_RUN.has(name);
}

/** @returns the claims among `names` that can be derived, in that order; what nobody knows is left out */
export function deriveClaims(names: string[], environment: string, env: NodeJS.ProcessEnv): Claim[] {
  return names.flatMap((key) => {
    const variable = VARIABLES[key];
    const value = key === 'environment' ? environment : variable && env[variable];
    return value ? [{ key, value }] : [];
  });
}
