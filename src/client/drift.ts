import { listed } from '../output/text.ts';
import type { Claim, ClientFields } from '../scalekit/types.ts';
import type { DesiredClient } from './desired.ts';
import type { ManagedClient } from './identity.ts';

/** How an empty field is shown. */
const NONE = 'none';

/** A field whose value is not the wanted one. */
export interface Difference {
  field: string;
  /** The wanted values, sorted, as JSON strings. */
  wanted: string[];
  /** The actual values, in the same form. */
  got: string[];
}

type PartialFields = { [Field in keyof ClientFields]?: ClientFields[Field] | undefined };

/**
 * Compares a client with the desired one. Scopes, audience and claims are compared as sets, and a list that was not
 * given is expected to be empty. The name, the description without its ownership marker, and the expiry are compared
 * only if they were given.
 */
export function findDrift({ fields, given }: DesiredClient, client: ManagedClient): Difference[] {
  const compared: (keyof ClientFields)[] = ['scopes', 'audience', 'custom_claims'];
  if (fields.expiry) compared.push('expiry');
  if (given.name) compared.push('name');
  if (given.description) compared.push('description');
  return compareFields(compared, fields, { ...client, description: client.descriptionText });
}

/**
 * Compares the desired client with the response to the request that created or updated it, organization included. An
 * expiry or organization that the response omits is not a difference.
 */
export function differencesInResponse(desired: DesiredClient, client: ManagedClient): Difference[] {
  const { organization_id } = client;
  return [
    ...findDrift(desired, client).filter(({ field, got }) => field !== 'expiry' || got.length > 0),
    ...compareSets([['organization_id', [desired.organization_id], [organization_id || desired.organization_id]]]),
  ];
}

/** Returns one line of text for each difference. Of many values it shows those that differ, and counts the others. */
export function formatDifferences(found: Difference[]): string {
  return found
    .map(({ field, wanted, got }) => `${field}: wanted ${excerpt(wanted, got)}; got ${excerpt(got, wanted)}`)
    .join('\n');
}

/** Returns all values as one text. */
export function formatValues(values: string[]): string {
  return values.join(', ') || NONE;
}

/** Returns the named fields whose values differ. Lists are compared as sets. */
export function compareFields(names: (keyof ClientFields)[], wanted: PartialFields, got: PartialFields): Difference[] {
  const [wantedTexts, gotTexts] = [fieldTexts(wanted), fieldTexts(got)];
  return compareSets(names.map((field) => [field, wantedTexts[field], gotTexts[field]]));
}

/** Returns the fields whose two sets of values differ. */
export function compareSets(fields: (readonly [field: string, wanted: string[], got: string[]])[]): Difference[] {
  return fields
    .map(([field, wanted, got]) => ({ field, wanted: sortedSet(wanted), got: sortedSet(got) }))
    .filter(({ wanted, got }) => wanted.join() !== got.join());
}

/**
 * Returns each claim as `key=value`. A backslash or `=` in a key is escaped, so that different claims have different
 * texts.
 */
export function claimTexts(claims: Claim[] = []): string[] {
  return claims.map(({ key, value }) => `${key.replace(/[\\=]/g, '\\$&')}=${value}`);
}

function fieldTexts(fields: PartialFields): Record<keyof ClientFields, string[]> {
  const { name, description, scopes = [], audience = [], custom_claims, expiry } = fields;
  return {
    name: valueTexts(name),
    description: valueTexts(description),
    scopes,
    audience,
    custom_claims: claimTexts(custom_claims),
    expiry: valueTexts(expiry),
  };
}

function valueTexts(value: string | number | undefined): string[] {
  return value === undefined || value === '' ? [] : [String(value)];
}

/** Returns different values as sorted JSON strings. */
function sortedSet(values: string[]): string[] {
  return [...new Set(values)].sort().map((value) => JSON.stringify(value));
}

/** Returns values as an error lists them. If there are too many, those that the other side lacks come first. */
function excerpt(values: string[], others: string[]): string {
  const text = listed(values);
  if (text === values.join(', ')) return text || NONE;
  const common = new Set(others);
  return listed([...values.filter((value) => !common.has(value)), ...values.filter((value) => common.has(value))]);
}
