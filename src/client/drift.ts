import { listed } from '../output/text.ts';
import { type Claim, type ClientFields, MAX_NAME } from '../scalekit/types.ts';
import type { DesiredClient } from './desired.ts';
import type { ManagedClient } from './identity.ts';
import { foldText } from './marker.ts';

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

/** What the user can do about scopes and claims that a client has and that were not requested. */
export const WAYS_OUT =
  'on_existing: replace creates a new client. If an entry is a default of the environment, list it among the inputs.';

/** What a comparison found. Each difference names what is missing or different, or what there is in addition. */
export interface Findings {
  /** What makes the step fail. */
  wrong: Difference[];
  warnings: Difference[];
  notices: Difference[];
}

type PartialFields = { [Field in keyof ClientFields]?: ClientFields[Field] | undefined };

/** Scopes of OpenID Connect (Core 1.0, sections 5.4 and 11). Servers add them, so they are no difference if they were not requested. */
const OIDC_SCOPES = new Set(['openid', 'profile', 'email', 'offline_access', 'address', 'phone']);

/**
 * Returns the fields in which an existing client has drifted from the desired one. Scopes and claims that were not given
 * are expected to be empty. Audience, expiry, name and description are compared only if they were given.
 */
export function findDrift({ fields, given, marker }: DesiredClient, client: ManagedClient): Difference[] {
  const names: (keyof ClientFields)[] = ['scopes', 'custom_claims'];
  if (fields.audience) names.push('audience');
  if (fields.expiry && client.expiry) names.push('expiry');
  // If the name was taken, this action has added characters of the nonce.
  if (given.name && client.name !== nameWithNonce(fields.name, (client.marker ?? marker).nonce)) names.push('name');
  if (given.description && foldText(fields.description) !== foldText(client.descriptionText)) names.push('description');
  return compareFields(names, fields, comparable(fields, client));
}

/** Returns the audience that an existing client has although none was requested. The API cannot remove it. */
export function unrequestedAudience({ fields }: DesiredClient, client: ManagedClient): Difference[] {
  return fields.audience ? [] : compareFields(['audience'], fields, client);
}

/** Compares the response to the request that created a client with the desired client: was the request carried out? */
export function checkCreated(desired: DesiredClient, client: ManagedClient): Findings {
  const found = compareFields(
    ['scopes', 'custom_claims', 'audience'],
    desired.fields,
    comparable(desired.fields, client),
  );
  return {
    wrong: [
      ...found.filter(hasMissing),
      ...differentExpiry(desired, client),
      ...differentOrganization(desired, client),
    ],
    warnings: found.filter((one) => one.field !== 'audience' && hasExtra(one)),
    notices: found.filter((one) => one.field === 'audience' && hasExtra(one)),
  };
}

/** Returns what still differs after a client was updated. */
export function checkUpdated(desired: DesiredClient, client: ManagedClient): Findings {
  const found = findDrift(desired, client).filter(({ field }) => field !== 'name' && field !== 'description');
  const isExtraAudience = (one: Difference) => one.field === 'audience' && !hasMissing(one);
  return {
    wrong: [...found.filter((one) => !isExtraAudience(one)), ...differentOrganization(desired, client)],
    warnings: found.filter(isExtraAudience),
    notices: [],
  };
}

/** Returns whether something that is wanted is missing. */
export function hasMissing({ wanted, got }: Difference): boolean {
  return wanted.some((value) => !got.includes(value));
}

/** Returns whether there is something in addition. */
export function hasExtra({ wanted, got }: Difference): boolean {
  return got.some((value) => !wanted.includes(value));
}

/** Returns scopes without those of OpenID Connect that were not requested. */
export function withoutOidcScopes(scopes: string[], requested: string[] = []): string[] {
  return scopes.filter((scope) => !OIDC_SCOPES.has(scope) || requested.includes(scope));
}

/** Returns one line of text for each difference, with the values that are there in addition. */
export function formatExtras(found: Difference[]): string {
  return found
    .map(({ field, wanted, got }) => `${field}: ${listed(got.filter((value) => !wanted.includes(value)))}`)
    .join('; ');
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

/** Returns the fields of a client without the scopes that do not count. */
function comparable(fields: PartialFields, client: ManagedClient): PartialFields {
  const scopes = withoutOidcScopes(client.scopes, fields.scopes);
  return { ...client, scopes, description: client.descriptionText };
}

/** Returns the difference in expiry. Ignores an expiry that is absent or 0. */
function differentExpiry({ fields }: DesiredClient, client: ManagedClient): Difference[] {
  return fields.expiry && client.expiry ? compareFields(['expiry'], fields, client) : [];
}

function differentOrganization({ organization_id }: DesiredClient, client: ManagedClient): Difference[] {
  return compareSets([['organization_id', [organization_id], [client.organization_id || organization_id]]]);
}

/** Returns a name that no other client has: with the first characters of the nonce, cut to the longest name. */
export function nameWithNonce(name: string, nonce: string): string {
  const suffix = ` #${nonce.slice(0, 6)}`;
  return [...name].slice(0, MAX_NAME - suffix.length).join('') + suffix;
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
