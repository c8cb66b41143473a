import { quote } from '../output/text.ts';
import type { Claim } from '../scalekit/types.ts';
import type { Report } from './faults.ts';
import type { Lifetime } from './marker.ts';
import { CLAIM_NAMES, isClaimName, PROPERTY, type Source, type Target, VARIABLES } from './target.ts';

// Which claims the client has. client/target.ts determines their values.

/** Claims that differ from run to run. A client that outlives its run cannot have them. */
const PER_RUN = new Set(
  ['sha', 'ref', 'ref_type', 'run_id', 'run_attempt', 'actor', 'actor_id', 'event_name', 'workflow_ref'].map(
    (name) => `github_${name}`,
  ),
);

/** The claims to derive if `repository_claims` is not given. Those without a value are omitted. */
const DEFAULT_CLAIMS = ['github_repository', 'github_repository_id', 'environment'];

/** The claims that GitHub's API may return for any repository, apart from custom properties. */
const KNOWN_TO_API = /^(environment|github_repository(_id|_owner|_owner_id|_visibility)?)$/;

/** Where else the environment may come from. */
const OTHER_SOURCE: Record<Source, string> = {
  runner: ', or permissions with id-token: write in a job that has an environment',
  token: ', or a job that has an environment',
  api: '',
};

const EXPECTED_KNOWN = 'expected a claim that is known here';

/** The inputs about claims. */
export interface ClaimInputs {
  /** Names of the claims to derive, or `none`. Undefined if the input was not given. */
  repository_claims: string[] | undefined;
  custom_claims: Claim[];
  lifetime: Lifetime;
}

/**
 * Reports every problem of `repository_claims` that does not depend on the target: `none` beside other names, unknown
 * names, claims of one run for a persistent client, and claims that this source never knows. It can run before any
 * request is sent. `deriveClaims` reports the same problems.
 * @param requested claim names, or `none`. Undefined if the input was not given
 */
export function checkClaimNames(
  requested: string[] | undefined,
  { source, environment }: Pick<Target, 'source' | 'environment'>,
  lifetime: Lifetime,
  report: Report,
): void {
  // Only the input names the environment of another repository.
  const isMissing = (name: string) => name === 'environment' && source === 'api' && !environment;
  const problemOf = (name: string) =>
    nameProblem(name, source, lifetime) ?? (isMissing(name) ? missingProblem(name, source) : undefined);
  reportEach(requested, problemOf, report);
}

/**
 * Derives the claims of the client from the inputs and the target. Reports every problem of `repository_claims`, among
 * them requested claims without a value, in the order of the names. Then it reports every custom claim that contradicts
 * a derived one.
 * @returns the derived claims, in the order of the names, then the custom claims with other keys
 */
export function deriveClaims(
  { repository_claims, custom_claims, lifetime }: ClaimInputs,
  target: Target,
  report: (input: string) => Report,
): Claim[] {
  const derived = claimsOf(target, repository_claims ?? DEFAULT_CLAIMS);
  const values = new Map(derived.map(({ key, value }) => [key, value]));
  const problemOf = (name: string) =>
    nameProblem(name, target.source, lifetime) ?? (values.has(name) ? undefined : missingProblem(name, target.source));
  reportEach(repository_claims, problemOf, report('repository_claims'));
  reportContradictions(custom_claims, values, report('custom_claims'));
  return [...derived, ...custom_claims.filter(({ key }) => !values.has(key))];
}

/** Reports `none` beside other names, all unknown names, and then the problem of each other name, if it has one. */
function reportEach(requested: string[] = [], problemOf: (name: string) => string | undefined, report: Report): void {
  const names = requested.filter((name) => name !== 'none');
  if (requested.length > 1 && names.length < requested.length)
    report('got "none" beside others; expected "none" alone, or claims');
  reportUnknown(
    names.filter((name) => !isClaimName(name)),
    report,
  );
  for (const name of names.filter(isClaimName)) {
    const problem = problemOf(name);
    if (problem) report(problem);
  }
}

/** Reports names that are no claims. */
function reportUnknown(names: string[], report: Report): void {
  if (names.length === 0) return;
  const meant = names.map((name) => `github_${name}`).filter(isClaimName);
  const hint = meant.length > 0 ? `. Did you mean ${meant.join(', ')}?` : '';
  report(
    `got ${names.map(quote).join(', ')}; expected ${CLAIM_NAMES.join(', ')}, github_repo_property_NAME, or none${hint}`,
  );
}

/** Returns why this claim cannot be derived from any target of this source. Returns undefined if it might be. */
function nameProblem(name: string, source: Source, lifetime: Lifetime): string | undefined {
  if (PER_RUN.has(name) && lifetime !== 'job')
    return `got ${name}, which changes from run to run; expected lifetime: job, because a persistent client cannot follow`;
  if (source === 'api' && !KNOWN_TO_API.test(name) && !PROPERTY.test(name))
    return `got ${name}, which describes a run and not another repository; ${EXPECTED_KNOWN}`;
  return undefined;
}

/** Returns the claims with these names that have a value, in the order of the names. */
function claimsOf(target: Target, names: string[]): Claim[] {
  return names.flatMap((key) => {
    const value = key === 'environment' ? target.environment : isClaimName(key) && target.claims[key];
    return value ? [{ key, value }] : [];
  });
}

/** Returns the problem of a requested claim without a value: why it has none, and what to do about it. */
function missingProblem(name: string, source: Source): string {
  const got = `got ${name}, which`;
  if (name === 'environment') return `${got} is not known; expected the input environment${OTHER_SOURCE[source]}`;
  if (source === 'api') return `${got} GitHub's API does not return for that repository; ${EXPECTED_KNOWN}`;
  if (source === 'token') return `${got} this job's ID token does not contain; ${EXPECTED_KNOWN}`;
  if (VARIABLES[name]) return `${got} this runner does not provide. Remove it from repository_claims`;
  return `${got} only GitHub's ID token contains; expected permissions with id-token: write. If the job has that permission, this runner offers no ID token`;
}

/** Reports each custom claim that has the key of a derived claim and another value. */
function reportContradictions(custom_claims: Claim[], derived: Map<string, string>, report: Report): void {
  for (const { key, value } of custom_claims) {
    const derivedValue = derived.get(key);
    if (derivedValue !== undefined && derivedValue !== value) {
      report(
        `got ${key}=${quote(value)}, but repository_claims derives ${key}=${quote(derivedValue)}; expected the same value, or a repository_claims without ${key}`,
      );
    }
  }
}
