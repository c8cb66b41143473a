import type { DesiredClient } from '../client/desired.ts';
import {
  hasMatchingClaims,
  type Identity,
  type ManagedClient,
  type OwnershipMarker,
  oldestFirst,
  parseMarker,
  reasonNotManageable,
  withMarker,
} from '../client/identity.ts';
import type { Existing } from '../client/plan.ts';
import { clock } from '../net/clock.ts';
import type { Scalekit } from '../scalekit/api.ts';
import type { Client } from '../scalekit/types.ts';

/** Ids that a message names before it only counts. */
const MAX_IDS = 10;

/** What exists before anything is changed, and how much of it was looked at. */
export interface SearchResult extends Existing {
  /** Ids of the clients with our key that the search showed; nothing where there was no search. */
  seenIds: Set<string> | undefined;
  /** When the look began, by the process's own clock in milliseconds. */
  startedAt: number;
  notices: string[];
}

/** Whose clients are looked for. */
export interface ClientQuery {
  identity: Identity;
  marker: Pick<OwnershipMarker, 'key' | 'repo'>;
}

/**
 * Finds the client to go on with: by its id, or else by the key in the trailer. One of a job is always new.
 * @throws where the id is that of somebody else's client
 */
export async function findExisting(scalekit: Scalekit, desired: DesiredClient): Promise<SearchResult> {
  const at = clock();
  if (desired.marker.lifetime === 'job') return { others: [], seenIds: undefined, startedAt: at, notices: [] };
  const client = desired.client_id ? await getNamedClient(scalekit, desired) : undefined;
  if (client) return { client, others: [], seenIds: undefined, startedAt: at, notices: [] };
  const stale = desired.client_id
    ? [`There is no client ${desired.client_id} (client_id) in this organization; the search decides.`]
    : [];
  const { ours, unmarked } = await searchClients(scalekit, desired);
  const [first, ...others] = ours;
  // Every client has a secret, so a list that shows none leaves them out.
  const whole = first?.secrets.length === 0 ? await scalekit.getClient(first.client_id) : undefined;
  const oldest = whole && whole.client_id === first?.client_id ? withMarker(whole.parse()) : first;
  return {
    client: oldest,
    others: others.map(({ client_id }) => client_id),
    seenIds: new Set(ours.map(({ client_id }) => client_id)),
    startedAt: at,
    notices: [...stale, ...unmarkedNotice(unmarked)],
  };
}

/**
 * Reads the client that `client_id` names.
 * @returns nothing where there is no such client
 * @throws where it is somebody else's
 */
export async function getNamedClient(
  scalekit: Scalekit,
  { client_id, identity, marker }: Pick<DesiredClient, 'client_id'> & ClientQuery,
): Promise<ManagedClient | undefined> {
  const named = await scalekit.getClient(client_id);
  if (!named) return undefined;
  // An answer may show another client than the one that was asked for.
  const client = withMarker(named.parse());
  const why =
    client.client_id === client_id
      ? reasonNotManageable(client, identity, marker)
      : `the answer shows ${client.client_id}`;
  if (why) throw new Error(`Client ${client_id} is not managed by this step: ${why}.`);
  return client;
}

/** Goes through the whole list. @returns the clients with our key, the oldest first, and the ids of those that only look like it */
export async function searchClients(
  scalekit: Scalekit,
  { marker, identity }: ClientQuery,
): Promise<{ ours: ManagedClient[]; unmarked: string[] }> {
  // By id: a page that moves while the list is read shows a client twice.
  const ours = new Map<string, ManagedClient>();
  const unmarked = new Set<string>();
  for await (const { client_id, description, parse: whole } of scalekit.listClients()) {
    const found = parseMarker(description);
    if (found?.key === marker.key) ours.set(client_id, withMarker(whole()));
    else if (!found && hasMatchingClaimsIfReadable(whole, identity)) unmarked.add(client_id);
  }
  return { ours: [...ours.values()].sort(oldestFirst), unmarked: [...unmarked] };
}

/** One that nobody can read is like nobody's. */
function hasMatchingClaimsIfReadable(whole: () => Client, identity: Identity): boolean {
  try {
    return hasMatchingClaims(whole(), identity);
  } catch {
    return false;
  }
}

function unmarkedNotice(ids: string[]): string[] {
  if (ids.length === 0) return [];
  const more = ids.length > MAX_IDS ? ` and ${ids.length - MAX_IDS} more` : '';
  return [
    `Clients with this repository's claims that this action did not make: ${ids.slice(0, MAX_IDS).join(', ')}${more}. They stay untouched; client_id takes one over.`,
  ];
}
