import type { Claim, ClientFields } from '../scalekit/types.ts';
import type { DesiredClient } from './desired.ts';
import type { ManagedClient } from './identity.ts';

export const NONE = 'none';

/** One field that is not what was asked for. */
export interface Difference {
  field: string;
  wanted: string;
  got: string;
}

/**
 * Compares a client with what was asked for: scopes, audience and claims as sets, where a list that was not given
 * means none; name, description without trailer, and expiry only where they were given.
 */
export function differences({ fields, given }: DesiredClient, client: ManagedClient): Difference[] {
  const compared: (keyof ClientFields)[] = ['scopes', 'audience', 'custom_claims'];
  if (fields.expiry) compared.push('expiry');
  if (given.name) compared.push('name');
  if (given.description) compared.push('description');
  return compareFields(compared, fields, { ...client, description: client.descriptionText });
}

/** As `differences`, of the answer to a request that asked for all of it. */
export function shortfalls(desired: DesiredClient, client: ManagedClient): Difference[] {
  const { organization_id } = client;
  return [
    // An answer may leave out the expiry and the organization, which says nothing about them.
    ...differences(desired, client).filter(({ field, got }) => field !== 'expiry' || got !== NONE),
    ...compareSets([['organization_id', [desired.organization_id], [organization_id || desired.organization_id]]]),
  ];
}

export function formatDifferences(differences: Difference[]): string {
  return differences.map(({ field, wanted, got }) => `${field}: wanted ${wanted}; got ${got}`).join('\n');
}

export function compareFields(names: (keyof ClientFields)[], wanted: SomeFields, got: SomeFields): Difference[] {
  const [one, other] = [fieldTexts(wanted), fieldTexts(got)];
  return compareSets(names.map((field) => [field, one[field], other[field]]));
}

type SomeFields = { [Field in keyof ClientFields]?: ClientFields[Field] | undefined };

/** Compares sets. @returns those that are not the same */
export function compareSets(pairs: (readonly [field: string, wanted: string[], got: string[]])[]): Difference[] {
  return pairs
    .map(([field, wanted, got]) => ({ field, wanted: setText(wanted), got: setText(got) }))
    .filter(({ wanted, got }) => wanted !== got);
}

function fieldTexts(fields: SomeFields): Record<keyof ClientFields, string[]> {
  const { name, description, scopes = [], audience = [], custom_claims, expiry } = fields;
  return {
    name: textOf(name),
    description: textOf(description),
    scopes,
    audience,
    custom_claims: claimTexts(custom_claims),
    expiry: textOf(expiry),
  };
}

export function claimTexts(claims: Claim[] = []): string[] {
  // No two claims have the same text, whatever stands in a key.
  return claims.map(({ key, value }) => `${key.replace(/[\\=]/g, '\\$&')}=${value}`);
}

function textOf(value: string | number | undefined): string[] {
  return value === undefined || value === '' ? [] : [String(value)];
}

function setText(entries: string[]): string {
  return (
    [...new Set(entries)]
      .sort()
      .map((entry) => JSON.stringify(entry))
      .join(', ') || NONE
  );
}
