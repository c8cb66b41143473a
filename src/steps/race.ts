import { type ManagedClient, oldestFirst } from '../client/identity.ts';
import { clock } from '../net/clock.ts';
import * as log from '../output/log.ts';
import { isFromThisStep, removeClientOrOwnSecrets } from '../undo/remove.ts';
import type { Context } from './context.ts';
import { type SearchResult, searchClients } from './find.ts';

/**
 * Looks once more after a create: for further clients of this very step, which are removed, and for those that other
 * runs made for the same purpose at the same time.
 * @returns the rival's client that was there first
 */
export async function lookForRival(
  { scalekit, desired, journal }: Context,
  created: ManagedClient,
  found: SearchResult,
): Promise<ManagedClient | undefined> {
  const lasting = desired.marker.lifetime === 'persistent';
  if (!lasting && !journal.state.client?.sent_again) return undefined;
  // Without a search, what was there at the first look can only be told by the time that has passed since.
  const passed = BigInt(Math.ceil(clock() - found.startedAt)) * 1_000_000n;
  const { ours } = await searchClients(scalekit, desired);
  const isDuplicate = (client: ManagedClient) => isFromThisStep(client, journal.state);
  for (const duplicate of ours.filter(isDuplicate)) {
    if (duplicate.client_id === created.client_id) continue;
    const { what } = await removeClientOrOwnSecrets(scalekit, journal.state, { ...duplicate, parse: () => duplicate });
    log.info(`Removed a second client of the same request: ${what}.`);
  }
  if (!lasting) return undefined;
  // Times from one source: those of an answer and of a list may differ in their digits.
  const own = ours.find(({ client_id }) => client_id === created.client_id) ?? created;
  const isNew = ({ client_id, create_time: time }: ManagedClient) =>
    found.seenIds
      ? !found.seenIds.has(client_id)
      : client_id !== found.client?.client_id && time !== undefined && time >= (own.create_time ?? time) - passed;
  const [first] = [...ours.filter((client) => !isDuplicate(client) && isNew(client)), own].sort(oldestFirst);
  return first === own ? undefined : first;
}
