import type { DesiredClient, Existing } from '../client/desired.ts';
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
import type { SavedSnapshot } from '../github/saved-credentials.ts';
import { clock } from '../net/clock.ts';
import * as log from '../output/log.ts';
import { listed } from '../output/text.ts';
import type { Scalekit } from '../scalekit/api.ts';
import { CLIENT_ID, type Client } from '../scalekit/types.ts';

/** What exists before the first change, and how much of the organization was searched. */
export interface SearchResult extends Existing {
  /** Ids of the clients with our identity hash that the search returned. Undefined if nothing was searched. */
  seenIds: Set<string> | undefined;
  /** When this step began to look, in milliseconds since the process started. */
  startedAt: number;
  notices: string[];
}

/** Which clients to find: those of an identity. */
export interface ClientQuery {
  identity: Identity;
  marker: Pick<OwnershipMarker, 'key' | 'repo'>;
}

/**
 * Finds the client that the plan starts from: by `client_id`, by the saved id, or else by the identity hash in the
 * ownership marker. With `lifetime: job` it finds none, because such a client is always new.
 * @param saved what is saved from an earlier run
 * @throws {Error} if `client_id` names a client that this step may not manage
 */
export async function findExisting(
  scalekit: Scalekit,
  desired: DesiredClient,
  saved: SavedSnapshot | undefined,
): Promise<SearchResult> {
  const unsearched = { others: [], seenIds: undefined, startedAt: clock(), notices: [], saved };
  if (desired.marker.lifetime === 'job') return unsearched;
  const client = desired.client_id ? await getNamedClient(scalekit, desired) : undefined;
  if (client) return { ...unsearched, client };
  const notices = desired.client_id
    ? [`There is no client ${desired.client_id} (client_id) in this organization; the search decides.`]
    : [];
  const hinted = desired.client_id ? undefined : await getHintedClient(scalekit, desired, saved?.client_id?.trim());
  // Only `replace` searches nevertheless, to name other clients for the same purpose.
  if (hinted && desired.on_existing !== 'replace') return { ...unsearched, client: hinted, notices };
  const found = await search(scalekit, desired, hinted);
  return { ...unsearched, ...found, notices: [...notices, ...found.notices] };
}

/** Searches the organization. @param hinted the client to continue with, if it is known */
async function search(
  scalekit: Scalekit,
  desired: DesiredClient,
  hinted: ManagedClient | undefined,
): Promise<Omit<SearchResult, 'startedAt'>> {
  const { ours, unmarked } = await searchClients(scalekit, desired);
  const [first, ...others] = ours;
  // Every client has a secret. If the list shows none, it leaves secrets out, so read the client itself.
  const reread = first?.secrets.length === 0 ? await scalekit.getClient(first.client_id) : undefined;
  const oldest = reread && reread.client_id === first?.client_id ? withMarker(reread.parse()) : first;
  const ids = (hinted ? ours : others).map(({ client_id }) => client_id).filter((id) => id !== hinted?.client_id);
  logOmitted('Other clients for the same purpose', ids);
  logOmitted("Clients with this repository's claims that this action did not make", unmarked);
  return {
    client: hinted ?? oldest,
    others: ids,
    seenIds: new Set(ours.map(({ client_id }) => client_id)),
    notices: unmarkedNotice(unmarked),
  };
}

/** Reads the client whose id is saved. @returns undefined if it does not exist, or does not have our identity hash */
async function getHintedClient(
  scalekit: Scalekit,
  { marker }: DesiredClient,
  id: string | undefined,
): Promise<ManagedClient | undefined> {
  if (!id || !CLIENT_ID.test(id)) return undefined;
  const hinted = await scalekit.getClient(id);
  if (hinted?.client_id !== id || parseMarker(hinted.description)?.key !== marker.key) return undefined;
  return withMarker(hinted.parse());
}

/**
 * Reads the client that the input `client_id` names.
 * @returns undefined if there is no such client
 * @throws {Error} if this step may not manage it
 */
export async function getNamedClient(
  scalekit: Scalekit,
  { client_id, identity, marker }: Pick<DesiredClient, 'client_id'> & ClientQuery,
): Promise<ManagedClient | undefined> {
  const named = await scalekit.getClient(client_id);
  if (!named) return undefined;
  // The response may show another client than the requested one.
  const client = withMarker(named.parse());
  const why =
    client.client_id === client_id
      ? reasonNotManageable(client, identity, marker)
      : `the answer shows ${client.client_id}`;
  if (why) throw new Error(`Client ${client_id} is not managed by this step: ${why}.`);
  return client;
}

/**
 * Reads the whole list of clients.
 * @returns the clients with our identity hash, oldest first, and the ids of clients without a marker that carry our claims
 */
export async function searchClients(
  scalekit: Scalekit,
  { marker, identity }: ClientQuery,
): Promise<{ ours: ManagedClient[]; unmarked: string[] }> {
  // By id: if the list changes while it is read, two pages may show the same client.
  const ours = new Map<string, ManagedClient>();
  const unmarked = new Set<string>();
  for await (const { client_id, description, parse } of scalekit.listClients()) {
    const found = parseMarker(description);
    if (found?.key === marker.key) ours.set(client_id, withMarker(parse()));
    else if (!found && carriesOurClaims(parse, identity)) unmarked.add(client_id);
  }
  return { ours: [...ours.values()].sort(oldestFirst), unmarked: [...unmarked] };
}

/** Returns whether a client has the claims of an identity. A client that cannot be parsed has none. */
function carriesOurClaims(parse: () => Client, identity: Identity): boolean {
  try {
    return hasMatchingClaims(parse(), identity);
  } catch {
    return false;
  }
}

function unmarkedNotice(ids: string[]): string[] {
  if (ids.length === 0) return [];
  return [
    `Clients with this repository's claims that this action did not make: ${listed(ids)}. They stay untouched; client_id takes one over.`,
  ];
}

/** Logs all ids if a message lists only the first ones. */
function logOmitted(what: string, ids: string[]): void {
  const all = ids.join(', ');
  if (listed(ids) !== all) log.info(`${what}: ${all}.`);
}
