import { differencesInResponse, formatDifferences } from '../client/drift.ts';
import { type ManagedClient, withMarker } from '../client/identity.ts';
import { appendMarker } from '../client/marker.ts';
import { createNonce } from '../inputs/desired-client.ts';
import type { Failure } from '../net/outcome.ts';
import * as log from '../output/log.ts';
import type { ClientFields, ClientSummary } from '../scalekit/types.ts';
import type { Context } from './context.ts';

/**
 * Updates fields of a client and checks the result. If the outcome is unknown, reads the client back. A client without an
 * ownership marker gets this run's. A client that is taken over for saving gets this run's identity hash.
 * @throws {Error} if the updated client is not as requested
 */
export async function updateClient(
  context: Context,
  client: ManagedClient,
  fields: Partial<ClientFields>,
): Promise<ManagedClient> {
  const { scalekit, desired, journal } = context;
  const { client_id } = client;
  journal.pendingUpdate = { before: client, fields };
  const marker = desired.location && client.marker ? { ...client.marker, key: desired.marker.key } : client.marker;
  // A nonce of its own: the client was not created by this step.
  const expected = marker ?? { ...desired.marker, nonce: createNonce() };
  const changes =
    fields.description === undefined ? fields : { ...fields, description: appendMarker(fields.description, expected) };
  const outcome = await scalekit.updateClient(client_id, changes);
  const response = outcome.kind === 'done' ? outcome.value : await readBack(context, client_id, expected.key, outcome);
  log.info(`Updated client ${client_id}: ${Object.keys(fields).join(', ')}.`);
  const updated = withMarker(response.parse());
  const wrong = differencesInResponse(desired, updated);
  if (wrong.length > 0 || updated.marker?.key !== expected.key) {
    throw new Error(
      `Client ${client_id} was not updated to what was asked for. If the API only adds to a list, on_existing: replace creates a new client.\n${formatDifferences(wrong)}`,
    );
  }
  return { ...updated, secrets: client.secrets };
}

/** Reads a client after an update whose outcome is unknown. @throws {ApiError} the update's if it was not carried out */
async function readBack(
  { scalekit, desired }: Context,
  client_id: string,
  key: string,
  { kind, error }: Failure,
): Promise<ClientSummary> {
  const now = kind === 'unknown' ? await scalekit.getClient(client_id).catch(() => undefined) : undefined;
  const client = now?.client_id === client_id ? withMarker(now.parse()) : undefined;
  if (!now || client?.marker?.key !== key || differencesInResponse(desired, client).length > 0) throw error;
  return now;
}
