import type { Saved } from './github/vault.ts';
import type { KnownClient } from './identity.ts';
import type { Request } from './request.ts';
import type { Claim, ClientFields, Secret } from './scalekit/types.ts';

/** Secrets of one client at a time, by the API. */
export const MOST_SECRETS = 5;
const NONE = 'none';
/** Milliseconds, and ample: between the two requests of a save. */
const SAVE_TIME = 60_000;

/** What is there before anything is changed. */
export interface Existing {
  /** The client to go on with. */
  client?: KnownClient | undefined;
  /** Ids of further clients of the same identity: named, never touched. */
  others: string[];
  /** What GitHub Actions keeps of an earlier pair; absent where the pair is not saved. */
  saved?: Saved | undefined;
}

/** One change. Those of one plan are about the same client, the existing one, or make a client. */
export type Step =
  | { kind: 'create' }
  /** @param fields complete lists, the description without its trailer */
  | { kind: 'update'; fields: Partial<ClientFields>; differences: Difference[] }
  | { kind: 'add-secret' }
  | { kind: 'save' }
  /** @param spare_young whether it stays while it is younger than an hour */
  | { kind: 'delete-secret'; secret: Secret; spare_young: boolean }
  | { kind: 'delete-client' };

export type Result = 'created' | 'rotated' | 'reused' | 'replaced';

export interface Plan {
  result: Result;
  /** The client that was found. */
  client?: KnownClient;
  /** What leads to the pair, in order. */
  before: Step[];
  /** What is done once the pair is handed out, in order. */
  after: Step[];
  warnings: string[];
}

/** One field that is not what was asked for. */
export interface Difference {
  field: string;
  wanted: string;
  got: string;
}

/**
 * From what is wanted and what exists to the steps between the two.
 * @throws where there is no way: `on_existing: fail`, or a list that only a new client can be without
 */
export function plan(request: Request, { client, others, saved }: Existing): Plan {
  const save: Step[] = request.place ? [{ kind: 'save' }] : [];
  if (!client) return { result: 'created', before: [{ kind: 'create' }, ...save], after: [], warnings: [] };
  const several = others.length > 0 ? [severalClients(client.client_id, others)] : [];
  const warnings = [...several];
  // A secret that was not saved is lost, so another one is due.
  const heals = request.on_existing === 'reuse' && request.place && !isSaved(saved, client.client_id);
  switch (heals ? 'rotate' : request.on_existing) {
    case 'fail':
      throw refusal(
        `Client ${client.client_id} ${JSON.stringify(client.name)} exists already, and on_existing is fail.`,
        several,
      );
    case 'replace': {
      const before: Step[] = [{ kind: 'create' }, ...save];
      return { result: 'replaced', client, before, after: [{ kind: 'delete-client' }], warnings };
    }
    case 'reuse':
      return { result: 'reused', client, before: updates(request, client, several), after: [], warnings };
    case 'rotate': {
      const evicted = evictions(client.secrets);
      const kept = client.secrets.filter((secret) => !evicted.includes(secret));
      for (const { id } of evicted)
        warnings.push(
          `Client ${client.client_id} has ${client.secrets.length} secrets, and ${MOST_SECRETS} is the most: ${id} has to go before a new one is made, however young it is.`,
        );
      return {
        result: 'rotated',
        client,
        before: [
          ...updates(request, client, several),
          ...evicted.map((secret) => deletion(secret, false)),
          { kind: 'add-secret' },
          ...save,
        ],
        after: retirements(kept, request.keep_secrets),
        warnings,
      };
    }
  }
}

/**
 * Whether GitHub Actions holds a pair of this client. A save writes the secret last, so a variable that is much younger
 * than the secret is one whose secret never came.
 */
function isSaved(saved: Saved | undefined, client_id: string): boolean {
  if (saved?.client_id !== client_id || saved.secret_time === undefined) return false;
  return !(Date.parse(saved.variable_time ?? '') - Date.parse(saved.secret_time) > SAVE_TIME);
}

/**
 * The way of a run that lost a race, as if it had found the winner's client, on which other runs' secrets are as new as
 * its own: nothing on it is deleted.
 * @throws as `plan`
 */
export function planAdoption(request: Request, client: KnownClient, saved: Saved | undefined): Plan {
  const on_existing = request.on_existing === 'replace' ? 'rotate' : request.on_existing;
  const adoption = plan({ ...request, on_existing }, { client, others: [], saved });
  return {
    ...adoption,
    before: adoption.before.filter(({ kind }) => kind !== 'delete-secret'),
    after: [],
    warnings: [],
  };
}

/** The secrets that must go before the client can have one more: never the newest active one, and none of unknown age. */
export function evictions(secrets: Secret[]): Secret[] {
  const dated = inRetirementOrder(secrets.filter(({ create_time }) => create_time !== undefined));
  const newest = dated
    .filter(({ active }) => active)
    .sort(byAge)
    .at(-1);
  return dated.filter((secret) => secret !== newest).slice(0, Math.max(0, secrets.length + 1 - MOST_SECRETS));
}

/** @param keep how many secrets stay, the new one, which is not among `secrets`, included */
function retirements(secrets: Secret[], keep: number): Step[] {
  const count = Math.max(0, secrets.length + 1 - keep);
  return inRetirementOrder(secrets)
    .slice(0, count)
    .map((secret) => deletion(secret, keep > 1));
}

function deletion(secret: Secret, spare_young: boolean): Step {
  return { kind: 'delete-secret', secret, spare_young };
}

/** Those that nobody can use any more first, then the oldest. */
function inRetirementOrder(secrets: Secret[]): Secret[] {
  return [...secrets].sort((one, other) => Number(one.active) - Number(other.active) || byAge(one, other));
}

/** Orders what has a `create_time`, the oldest first; what does not say comes last, since it may be the newest. */
export function byAge(one: Dated, other: Dated): number {
  if (one.create_time === other.create_time) return 0;
  if (one.create_time === undefined) return 1;
  return other.create_time === undefined || one.create_time < other.create_time ? -1 : 1;
}

type Dated = { create_time: bigint | undefined };

/** Orders clients: by time to the nanosecond, then by id, so that all runs agree on the first. */
export function firstMade(one: KnownClient, other: KnownClient): number {
  return byAge(one, other) || (one.client_id < other.client_id ? -1 : 1);
}

function severalClients(client_id: string, others: string[]): string {
  return `Several clients are this repository's for the same purpose. This run uses the oldest, ${client_id}, and touches none of the others: ${others.join(', ')}. Delete those that nobody uses.`;
}

function refusal(text: string, warnings: string[]): Error {
  return new Error([text, ...warnings].join('\n'));
}

/**
 * Corrects what drifted, and gives a client that was made by hand its trailer.
 * @param several what else the user should know where there is no way
 */
function updates(request: Request, client: KnownClient, several: string[]): Step[] {
  const drifted = differences(request, client);
  const emptied = drifted.filter(({ wanted }) => wanted === NONE);
  if (emptied.length > 0) {
    throw refusal(
      `Client ${client.client_id} has what was not asked for, and the API cannot empty a list: use on_existing: replace, which makes a new client and then deletes this one.\n${differenceLines(emptied)}`,
      several,
    );
  }
  if (!client.trailer && !drifted.some(({ field }) => field === 'description'))
    drifted.push({
      field: 'description',
      wanted: 'a last line by which this action knows the client again',
      got: NONE,
    });
  const own = request.given.description ? request.fields.description : client.own_description;
  const fields: Record<string, unknown> = { ...request.fields, description: own };
  const changes = Object.fromEntries(drifted.map(({ field }) => [field, fields[field]]));
  return drifted.length > 0 ? [{ kind: 'update', fields: changes, differences: drifted }] : [];
}

/**
 * Compares a client with what was asked for: scopes, audience and claims as sets, where a list that was not given
 * means none; name, description without trailer, and expiry only where they were given.
 */
export function differences({ fields, given }: Request, client: KnownClient): Difference[] {
  const compared: (keyof ClientFields)[] = ['scopes', 'audience', 'custom_claims'];
  if (fields.expiry) compared.push('expiry');
  if (given.name) compared.push('name');
  if (given.description) compared.push('description');
  return compareFields(compared, fields, { ...client, description: client.own_description });
}

/** As `differences`, of the answer to a request that asked for all of it. */
export function shortfalls(request: Request, client: KnownClient): Difference[] {
  const { organization_id } = client;
  return [
    // An answer may leave out the expiry and the organization, which says nothing about them.
    ...differences(request, client).filter(({ field, got }) => field !== 'expiry' || got !== NONE),
    ...compare([['organization_id', [request.organization_id], [organization_id || request.organization_id]]]),
  ];
}

export function differenceLines(differences: Difference[]): string {
  return differences.map(({ field, wanted, got }) => `${field}: wanted ${wanted}; got ${got}`).join('\n');
}

export function compareFields(names: (keyof ClientFields)[], wanted: SomeFields, got: SomeFields): Difference[] {
  const [one, other] = [fieldTexts(wanted), fieldTexts(got)];
  return compare(names.map((field) => [field, one[field], other[field]]));
}

type SomeFields = { [Field in keyof ClientFields]?: ClientFields[Field] | undefined };

/** Compares sets. @returns those that are not the same */
export function compare(pairs: (readonly [field: string, wanted: string[], got: string[]])[]): Difference[] {
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
