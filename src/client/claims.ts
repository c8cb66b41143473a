import { quote } from '../output/text.ts';
import type { Claim } from '../scalekit/types.ts';
import type { Report } from './faults.ts';
import type { Lifetime } from './identity.ts';
import { CLAIM_NAMES, isClaimName, PROPERTY, type Source, type Target, VARIABLES } from './target.ts';

/** They differ from run to run, so a client that outlives its run cannot carry them. */
const PER_RUN = new Set(
  ['sha', 'ref', 'ref_type', 'run_id', 'run_attempt', 'actor', 'actor_id', 'event_name', 'workflow_ref'].map(
    (name) => `github_${name}`,
  ),
);

const DEFAULT_CLAIMS = ['github_repository', 'github_repository_id', 'environment'];

/** What GitHub's API may tell of any repository, properties apart. */
const KNOWN_TO_API = /^(environment|github_repository(_id|_owner|_owner_id|_visibility)?)$/;

/** What the inputs say about claims. */
export interface ClaimInputs {
  /** Keys of the claims to derive; nothing where nothing was said. */
  repository_claims: string[] | undefined;
  custom_claims: Claim[];
  lifetime: Lifetime;
}

/** The derived claims first, then those of `custom_claims` that they do not say already. */
export function resolveClaims(
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

function isNeverKnown(name: string, source: Source): boolean {
  return source === 'api' && !KNOWN_TO_API.test(name) && !PROPERTY.test(name);
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
