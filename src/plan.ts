import type { Request } from './inputs.ts';
import type { Client } from './scalekit/types.ts';

/** One field that is not what was asked for. */
export interface Difference {
  field: string;
  wanted: string;
  got: string;
}

/**
 * Compares a client with what was asked for: scopes, audience and claims as sets, where a list that was not given
 * means none; name, description and expiry only where they were given.
 */
export function differences({ fields, given, organization_id }: Request, client: Client): Difference[] {
  const pairs: [field: string, wanted: string[], got: string[]][] = [
    ['scopes', fields.scopes ?? [], client.scopes],
    ['audience', fields.audience ?? [], client.audience],
    ['custom_claims', claimTexts(fields.custom_claims), claimTexts(client.custom_claims)],
  ];
  // An answer may leave out the organization and the expiry, which says nothing about them.
  if (client.organization_id) pairs.push(['organization_id', [organization_id], [client.organization_id]]);
  if (fields.expiry && client.expiry !== undefined) pairs.push(['expiry', [`${fields.expiry}`], [`${client.expiry}`]]);
  if (given.name) pairs.push(['name', [fields.name], [client.name]]);
  if (given.description) pairs.push(['description', [fields.description], [client.description]]);
  return pairs
    .map(([field, wanted, got]) => ({ field, wanted: setText(wanted), got: setText(got) }))
    .filter(({ wanted, got }) => wanted !== got);
}

function claimTexts(claims: Client['custom_claims'] = []): string[] {
  return claims.map(({ key, value }) => `${key}=${value}`);
}

function setText(entries: string[]): string {
  return (
    [...new Set(entries)]
      .sort()
      .map((entry) => JSON.stringify(entry))
      .join(', ') || 'none'
  );
}
