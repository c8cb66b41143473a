import type { TokenPayload } from '../scalekit/token.ts';
import type { Claim } from '../scalekit/types.ts';
import type { DesiredClient } from './desired.ts';
import {
  claimTexts,
  compareSets,
  type Difference,
  type Findings,
  hasExtra,
  hasMissing,
  withoutOidcScopes,
} from './drift.ts';

/**
 * Compares an access token with the desired client: does it say what was requested? With `verify: exact`, what it says in
 * addition is wrong as well.
 */
export function checkToken(
  desired: Pick<DesiredClient, 'fields' | 'organization_id' | 'verify'>,
  client_id: string,
  payload: TokenPayload,
): Findings {
  const { fields, organization_id } = desired;
  const isExact = desired.verify === 'exact';
  const scopes = compareSets([['scopes', fields.scopes ?? [], withoutOidcScopes(payload.scopes, fields.scopes)]]);
  const audience =
    fields.audience || isExact ? compareSets([['audience', fields.audience ?? [], payload.audience]]) : [];
  const { claims, isContradictory } = compareClaims(fields.custom_claims ?? [], payload);
  const life = longerLife(desired, payload);
  const [identity, absent] = compareIdentity({ oid: organization_id, sub: client_id }, payload);
  const all = [...scopes, ...audience, ...claims];
  return {
    wrong: [
      ...identity,
      ...all.filter((one) => hasMissing(one) || (isContradictory && one.field === 'custom_claims') || isExact),
      ...(isExact ? life : []),
    ],
    warnings: isExact ? [] : scopes.filter(hasExtra),
    notices: [...absent, ...(isExact ? [] : [...[...audience, ...claims].filter(hasExtra), ...life])],
  };
}

/**
 * Compares the claims. A claim at the top level counts only if `custom_claims` lacks its key. Claims that were not
 * requested are only looked for in `custom_claims`. `isContradictory`: whether a claim has another value in addition to the
 * wanted one.
 */
function compareClaims(
  wanted: Claim[],
  { custom_claims, topLevel }: TokenPayload,
): { claims: Difference[]; isContradictory: boolean } {
  const keys = new Set(custom_claims.map(({ key }) => key));
  const others = wanted.flatMap(({ key }) => {
    const value = keys.has(key) ? undefined : topLevel(key);
    return value === undefined ? [] : [{ key, value }];
  });
  const got = [...custom_claims, ...others];
  const isContradictory = got.some(({ key, value }) => {
    const same = wanted.filter((claim) => claim.key === key);
    return same.length > 0 && !same.some((claim) => claim.value === value);
  });
  return { claims: compareSets([['custom_claims', claimTexts(wanted), claimTexts(got)]]), isContradictory };
}

/** Returns the differences of organization and client, and those that the token does not name. */
function compareIdentity(
  wanted: Record<'oid' | 'sub', string>,
  payload: TokenPayload,
): [different: Difference[], absent: Difference[]] {
  const found = compareSets(
    (['oid', 'sub'] as const).map((field) => [field, [wanted[field]], [payload[field] ?? []].flat()]),
  );
  return [found.filter(({ got }) => got.length > 0), found.filter(({ got }) => got.length === 0)];
}

/** Returns the life of a token in seconds if it is longer than requested. */
function longerLife({ fields: { expiry } }: Pick<DesiredClient, 'fields'>, { exp, iat }: TokenPayload): Difference[] {
  if (!expiry || exp === undefined || iat === undefined || exp - iat <= expiry) return [];
  return compareSets([['expiry', [`${expiry}`], [`${exp - iat}`]]]);
}
