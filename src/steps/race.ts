import { isFromThisStep, type ManagedClient, oldestFirst } from '../client/identity.ts';
import { ApiError } from '../net/api-error.ts';
import { clock } from '../net/clock.ts';
import * as log from '../output/log.ts';
import { manualCall } from '../undo/by-hand.ts';
import { removeClientOrOwnSecrets } from '../undo/remove.ts';
import type { Context } from './context.ts';
import { reportUnmarked } from './create.ts';
import { type SearchResult, searchClients } from './find.ts';

/**
 * Settles a race after a create: removes duplicates that this step created, then determines which run was first.
 * With `lifetime: job` every step has a client of its own, so only duplicates are possible.
 * @param created the client that this step created and uses
 * @param found what the search before the create returned
 * @returns the client of a concurrent run that was created earlier, or undefined if this step's client wins
 * @throws {Error} if the list shows this step's client without its ownership marker
 */
export async function settleRace(
  context: Context,
  created: ManagedClient,
  found: SearchResult,
): Promise<ManagedClient | undefined> {
  const { scalekit, desired, journal } = context;
  const isPersistent = desired.marker.lifetime === 'persistent';
  if (!isPersistent && !journal.state.client?.sent_again) return undefined;
  const elapsed = BigInt(Math.ceil(clock() - found.startedAt)) * 1_000_000n;
  const { ours, unmarkedIds } = await searchClients(scalekit, desired);
  if (isPersistent && unmarkedIds.has(created.client_id)) reportUnmarked(desired, created.client_id);
  const isOwn = (client: ManagedClient) => isFromThisStep(client, journal.state);
  await removeDuplicates(
    context,
    ours.filter((client) => isOwn(client) && client.client_id !== created.client_id),
  );
  if (!isPersistent) return undefined;
  // Compare times of one response: a list and a single read may round differently.
  const own = ours.find(({ client_id }) => client_id === created.client_id) ?? created;
  const concurrent = ours.filter((client) => !isOwn(client));
  return findEarlierClient(concurrent, own, found, elapsed);
}

/**
 * Removes clients that an earlier, unanswered create request of this step created. A missing permission to delete is a
 * warning: a roll-back would need the same permission, so a failed step would leave the created client as well.
 */
async function removeDuplicates({ scalekit, journal }: Context, duplicates: ManagedClient[]): Promise<void> {
  for (const duplicate of duplicates) {
    try {
      const client = { ...duplicate, parse: () => duplicate };
      const { what } = await removeClientOrOwnSecrets(scalekit, journal.state, client);
      if (what) log.info(`Removed a second client of the same request: ${what}.`);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 403)) throw error;
      const call = manualCall(scalekit.clientUrl(duplicate.client_id));
      log.warning(`A second client of the same request is left over: ${error.message} ${call}`);
    }
  }
}

/**
 * Returns the oldest client that a concurrent run created before this step created its own. All runs order clients by
 * creation time and then by id, so all agree on the winner.
 * @param concurrent clients with the same identity hash that other runs created
 * @param elapsed nanoseconds since the first search began
 */
function findEarlierClient(
  concurrent: ManagedClient[],
  own: ManagedClient,
  { seenIds, client: named }: SearchResult,
  elapsed: bigint,
): ManagedClient | undefined {
  // Without a first search (`client_id` or the saved id named the client), compare creation times.
  const isNew = ({ client_id, create_time: time }: ManagedClient) =>
    seenIds
      ? !seenIds.has(client_id)
      : client_id !== named?.client_id && time !== undefined && time >= (own.create_time ?? time) - elapsed;
  const [first] = [...concurrent.filter(isNew), own].sort(oldestFirst);
  return first === own ? undefined : first;
}
