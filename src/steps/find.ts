import type { DesiredClient, Existing } from '../client/desired.ts';
import { nameWithNonce } from '../client/drift.ts';
import {
  claimsNameRepository,
  type Identity,
  type ManagedClient,
  namesOtherRepository,
  oldestFirst,
  parseOrUndefined,
  type Relation,
  reasonNotManageable,
  relationOf,
  withMarker,
} from '../client/identity.ts';
import { type OwnershipMarker, parseMarker, parseMarkers } from '../client/marker.ts';
import type { SavedSnapshot } from '../github/saved-credentials.ts';
import { clock } from '../net/clock.ts';
import type { Scalekit } from '../scalekit/api.ts';
import { CLIENT_ID, type Client, type ClientFields, type ClientSummary } from '../scalekit/types.ts';
import { KeptClients, keptText, logOmitted } from './kept-clients.ts';

/** What exists before the first change, and how much of the organization was searched. */
export interface SearchResult extends Existing {
  /** Ids of all clients that the search returned. Undefined if nothing was searched. */
  seenIds: Set<string> | undefined;
  /** When this step began to look, in milliseconds since the process started. */
  startedAt: number;
  notices: string[];
  warnings: string[];
}

/** Which clients to find: those of an identity. */
export interface ClientQuery {
  identity: Identity;
  marker: Pick<OwnershipMarker, 'key' | 'repo'>;
  /** The name that this action gives to such a client. */
  fields: Pick<ClientFields, 'name'>;
}

/**
 * Finds the client that the plan starts from: by `client_id`, by the saved id, or else by the identity hash in the
 * ownership marker. With `lifetime: job` it finds none, because such a client is always new.
 * @param saved what is saved from an earlier run
 * @throws {Error} if `client_id` names a client that this step may not manage, or if a client with this step's identity
 *   hash has a claim that names another repository, or claims that cannot be read
 */
export async function findExisting(
  scalekit: Scalekit,
  desired: DesiredClient,
  saved: SavedSnapshot | undefined,
): Promise<SearchResult> {
  const unsearched = { others: [], seenIds: undefined, startedAt: clock(), notices: [], warnings: [], saved };
  if (desired.marker.lifetime === 'job') return unsearched;
  const client = desired.client_id ? await getNamedClient(scalekit, desired) : undefined;
  if (client) return { ...unsearched, client };
  const notices = desired.client_id
    ? [`There is no client ${desired.client_id} (client_id) in this organization; the search decides.`]
    : [];
  const hinted = desired.client_id ? undefined : await getHintedClient(scalekit, desired, saved?.client_id?.trim());
  // Only `replace` searches nevertheless, to name other clients for the same purpose.
  if (hinted && desired.on_existing !== 'replace') return { ...unsearched, client: hinted, notices };
  return { ...unsearched, ...(await search(scalekit, desired, hinted)), notices };
}

/** Searches the organization. @param hinted the client to continue with, if it is known */
async function search(
  scalekit: Scalekit,
  desired: DesiredClient,
  hinted: ManagedClient | undefined,
): Promise<Pick<SearchResult, 'client' | 'others' | 'seenIds' | 'warnings'>> {
  const { ours, kept, seenIds } = await searchClients(scalekit, desired);
  const [contradictory, warnings] = [kept.ids('contradictory'), kept.warnings()];
  if (contradictory.length > 0) throw new Error(keptText('contradictory', contradictory));
  const [first, ...others] = ours;
  // Every client has a secret. If the list shows none, it leaves secrets out, so read the client itself.
  const reread = first?.secrets.length === 0 ? await scalekit.getClient(first.client_id) : undefined;
  const oldest = reread ? withMarker(reread.parse()) : first;
  const ids = (hinted ? ours : others).map(({ client_id }) => client_id).filter((id) => id !== hinted?.client_id);
  logOmitted('Other clients for the same purpose', ids);
  return { client: hinted ?? oldest, others: ids, seenIds, warnings };
}

/**
 * Reads the client whose id is saved.
 * @returns undefined if it does not exist, or does not have our identity hash
 * @throws {Error} if one of its claims names another repository
 */
async function getHintedClient(
  scalekit: Scalekit,
  { marker, identity }: DesiredClient,
  id: string | undefined,
): Promise<ManagedClient | undefined> {
  if (!id || !CLIENT_ID.test(id)) return undefined;
  const hinted = await scalekit.getClient(id);
  if (!hinted || parseMarker(hinted.description)?.key !== marker.key) return undefined;
  const client = withMarker(hinted.parse());
  if (namesOtherRepository(client, identity)) throw new Error(keptText('contradictory', [id]));
  return client;
}

/**
 * Reads the client that the input `client_id` names.
 * @returns undefined if there is no such client
 * @throws {Error} if this step may not manage it
 */
export async function getNamedClient(
  scalekit: Scalekit,
  { client_id, identity, marker }: Pick<DesiredClient, 'client_id'> & Pick<ClientQuery, 'identity' | 'marker'>,
): Promise<ManagedClient | undefined> {
  const named = await scalekit.getClient(client_id);
  if (!named) return undefined;
  const client = withMarker(named.parse());
  const why = reasonNotManageable(client, identity, marker);
  if (why) throw new Error(`Client ${client_id} is not managed by this step: ${why}.`);
  return client;
}

/** What the list of clients has for a query. */
interface FoundClients {
  /** The clients with our identity hash, oldest first. */
  ours: ManagedClient[];
  /** The clients that may be ours, and that are neither changed nor deleted. */
  kept: KeptClients;
  /** Ids of all clients. */
  seenIds: Set<string>;
  /** Ids of the clients whose description is known to have no marker. */
  unmarkedIds: Set<string>;
}

/** Reads the whole list of clients. */
export async function searchClients(scalekit: Scalekit, query: ClientQuery): Promise<FoundClients> {
  const [seenIds, unmarkedIds] = [new Set<string>(), new Set<string>()];
  const { ours, kept } = await findRelated(scalekit, mayBeOurs(query), (client) => {
    const { client_id, description, parse } = client;
    seenIds.add(client_id);
    if (description !== undefined && parseMarkers(description).length === 0) unmarkedIds.add(client_id);
    const relation = relationOf(client, query);
    return relation === 'ours' ? withMarker(parse()) : relation;
  });
  return { ours: ours.sort(oldestFirst), kept, seenIds, unmarkedIds };
}

/**
 * Reads the whole list of clients.
 * @param isCandidate as for listDescribed()
 * @param judge returns what is needed of a client that is ours, and what any other client is
 */
export async function findRelated<T extends object>(
  scalekit: Scalekit,
  isCandidate: (client: Client) => boolean,
  judge: (client: ClientSummary) => T | Exclude<Relation, 'ours'>,
): Promise<{ ours: T[]; kept: KeptClients }> {
  // By id: if the list changes while it is read, two pages may show the same client.
  const ours = new Map<string, T>();
  const kept = new KeptClients();
  for await (const client of listDescribed(scalekit, isCandidate)) {
    const judged = judge(client);
    if (typeof judged === 'object') ours.set(client.client_id, judged);
    else if (judged !== 'unrelated') kept.add(judged, client.client_id);
  }
  return { ours: [...ours.values()], kept };
}

/**
 * Yields every client of the organization. An entry of the list without a description says nothing about its owner, so
 * such a client is read by its id if it is a candidate by its other fields.
 */
async function* listDescribed(
  scalekit: Scalekit,
  isCandidate: (client: Client) => boolean,
): AsyncGenerator<ClientSummary> {
  for await (const client of scalekit.listClients()) {
    const parsed = client.description ? undefined : parseOrUndefined(client.parse);
    const read = parsed && isCandidate(parsed) ? await scalekit.getClient(client.client_id) : undefined;
    yield read ?? client;
  }
}

/** Returns the test whether a client may be the one that a query is for, by its name or its claims. */
export function mayBeOurs({ identity, fields }: Pick<ClientQuery, 'identity' | 'fields'>): (client: Client) => boolean {
  return (client) => isNameOf(client.name, fields.name) || claimsNameRepository(client, identity) === true;
}

/** Returns whether this action may have given this name, with what it adds if a name is taken. */
function isNameOf(name: string, wanted: string): boolean {
  const nonce = / #([\w-]{6})$/.exec(name)?.[1];
  return name === wanted || (nonce !== undefined && name === nameWithNonce(wanted, nonce));
}
