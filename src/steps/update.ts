import { differencesInResponse, formatDifferences } from '../client/drift.ts';
import { appendMarker, type ManagedClient, withMarker } from '../client/identity.ts';
import { ApiError } from '../net/api-error.ts';
import * as log from '../output/log.ts';
import type { ClientFields } from '../scalekit/types.ts';
import type { Context } from './context.ts';

/**
 * Updates fields of a client and checks the result. If the outcome is unknown, reads the client back. The ownership
 * marker does not change; a client without one gets this run's.
 * @throws {Error} if the updated client is not as requested
 */
export async function updateClient(
  { scalekit, desired, journal }: Context,
  client: ManagedClient,
  fields: Partial<ClientFields>,
): Promise<ManagedClient> {
  const { client_id } = client;
  journal.pendingUpdate = { before: client, fields };
  const marker = client.marker ?? desired.marker;
  const changes =
    fields.description === undefined ? fields : { ...fields, description: appendMarker(fields.description, marker) };
  const response = await scalekit.updateClient(client_id, changes).catch(async (error) => {
    if (!(error instanceof ApiError && error.outcomeUnknown)) throw error;
    const now = await scalekit.getClient(client_id).catch(() => undefined);
    if (now?.client_id !== client_id || differencesInResponse(desired, withMarker(now.parse())).length > 0) throw error;
    return now;
  });
  log.info(`Updated client ${client_id}: ${Object.keys(fields).join(', ')}.`);
  const updated = withMarker(response.parse());
  const wrong = differencesInResponse(desired, updated);
  if (wrong.length > 0 || !updated.marker) {
    throw new Error(
      `Client ${client_id} was not updated to what was asked for. Where the API only adds to a list, on_existing: replace makes a new client.\n${formatDifferences(wrong)}`,
    );
  }
  return { ...updated, secrets: client.secrets };
}
