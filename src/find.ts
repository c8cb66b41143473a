import {
  type Identity,
  type KnownClient,
  objection,
  parseTrailer,
  recognize,
  resembles,
  type Trailer,
} from './identity.ts';
import { clock } from './node.ts';
import { type Existing, firstMade } from './plan.ts';
import type { Request } from './request.ts';
import type { Scalekit } from './scalekit/api.ts';
import type { Client } from './scalekit/types.ts';

/** Ids that a message names before it only counts. */
const MOST_IDS = 10;

/** What exists before anything is changed, and how much of it was looked at. */
export interface Found extends Existing {
  /** Ids of the clients with our key that the search showed; nothing where there was no search. */
  seen: Set<string> | undefined;
  /** When the look began, by the process's own clock in milliseconds. */
  at: number;
  notices: string[];
}

/** Whose clients are looked for. */
export interface Aimed {
  identity: Identity;
  trailer: Pick<Trailer, 'key' | 'repo'>;
}

/**
 * Finds the client to go on with: by its id, or else by the key in the trailer. One of a job is always new.
 * @throws where the id is that of somebody else's client
 */
export async function find(scalekit: Scalekit, request: Request): Promise<Found> {
  const at = clock();
  if (request.trailer.lifetime === 'job') return { others: [], seen: undefined, at, notices: [] };
  const client = request.client_id ? await getNamed(scalekit, request) : undefined;
  if (client) return { client, others: [], seen: undefined, at, notices: [] };
  const stale = request.client_id
    ? [`There is no client ${request.client_id} (client_id) in this organization; the search decides.`]
    : [];
  const { ours, unmarked } = await search(scalekit, request);
  const [first, ...others] = ours;
  // Every client has a secret, so a list that shows none leaves them out.
  const whole = first?.secrets.length === 0 ? await scalekit.getClient(first.client_id) : undefined;
  const oldest = whole && whole.client_id === first?.client_id ? recognize(whole.whole()) : first;
  return {
    client: oldest,
    others: others.map(({ client_id }) => client_id),
    seen: new Set(ours.map(({ client_id }) => client_id)),
    at,
    notices: [...stale, ...unmarkedNotice(unmarked)],
  };
}

/**
 * Reads the client that `client_id` names.
 * @returns nothing where there is no such client
 * @throws where it is somebody else's
 */
export async function getNamed(
  scalekit: Scalekit,
  { client_id, identity, trailer }: Pick<Request, 'client_id'> & Aimed,
): Promise<KnownClient | undefined> {
  const named = await scalekit.getClient(client_id);
  if (!named) return undefined;
  // An answer may show another client than the one that was asked for.
  const client = recognize(named.whole());
  const why =
    client.client_id === client_id ? objection(client, identity, trailer) : `the answer shows ${client.client_id}`;
  if (why) throw new Error(`Client ${client_id} is not managed by this step: ${why}.`);
  return client;
}

/** Goes through the whole list. @returns the clients with our key, the oldest first, and the ids of those that only look like it */
export async function search(
  scalekit: Scalekit,
  { trailer, identity }: Aimed,
): Promise<{ ours: KnownClient[]; unmarked: string[] }> {
  // By id: a page that moves while the list is read shows a client twice.
  const ours = new Map<string, KnownClient>();
  const unmarked = new Set<string>();
  for await (const { client_id, description, whole } of scalekit.listClients()) {
    const found = parseTrailer(description);
    if (found?.key === trailer.key) ours.set(client_id, recognize(whole()));
    else if (!found && isLike(whole, identity)) unmarked.add(client_id);
  }
  return { ours: [...ours.values()].sort(firstMade), unmarked: [...unmarked] };
}

/** One that nobody can read is like nobody's. */
function isLike(whole: () => Client, identity: Identity): boolean {
  try {
    return resembles(whole(), identity);
  } catch {
    return false;
  }
}

function unmarkedNotice(ids: string[]): string[] {
  if (ids.length === 0) return [];
  const more = ids.length > MOST_IDS ? ` and ${ids.length - MOST_IDS} more` : '';
  return [
    `Clients with this repository's claims that this action did not make: ${ids.slice(0, MOST_IDS).join(', ')}${more}. They stay untouched; client_id takes one over.`,
  ];
}
