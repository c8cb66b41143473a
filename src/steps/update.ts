import {
  checkUpdated,
  type Difference,
  findDrift,
  formatDifferences,
  formatExtras,
  hasExtra,
  WAYS_OUT,
} from '../client/drift.ts';
import { type ManagedClient, withMarker } from '../client/identity.ts';
import { appendMarker } from '../client/marker.ts';
import { createNonce } from '../inputs/desired-client.ts';
import { ApiError } from '../net/api-error.ts';
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
  // A response without a description says nothing about the marker.
  const isDescribed = response.description !== undefined || fields.description === undefined;
  const described = isDescribed ? response : ((await scalekit.getClient(client_id)) ?? response);
  const updated = withMarker(described.parse());
  const { wrong, warnings } = checkUpdated(desired, updated);
  const isMarked = described.description === undefined || updated.marker?.key === expected.key;
  if (wrong.length > 0 || !isMarked) throw notUpdatedError(client_id, wrong, isMarked);
  if (warnings.length > 0)
    log.warning(`Client ${client_id} still has more than was requested after its update: ${formatExtras(warnings)}.`);
  return { ...updated, secrets: client.secrets };
}

function notUpdatedError(client_id: string, wrong: Difference[], isMarked: boolean): Error {
  const sentences = [
    `Client ${client_id} still differs from what was requested after its update.`,
    isMarked
      ? ''
      : 'Its description does not have the ownership marker that was sent. A shorter description may help, if Scalekit cuts it.',
    wrong.some(({ field }) => field === 'scopes') ? 'A scope must exist in the environment.' : '',
    wrong.some(hasExtra) ? WAYS_OUT : '',
  ];
  return new Error([sentences.filter(Boolean).join(' '), formatDifferences(wrong)].filter(Boolean).join('\n'));
}

/** Reads a client after an update whose outcome is unknown. @throws {ApiError} the update's if it was not carried out */
async function readBack(
  { scalekit, desired }: Context,
  client_id: string,
  key: string,
  { kind, error }: Failure,
): Promise<ClientSummary> {
  if (kind === 'refused' && error.status === 400)
    throw new ApiError(`${error.message} on_existing: replace creates a new client instead.`, {
      status: 400,
      cause: error,
    });
  const now = kind === 'unknown' ? await scalekit.getClient(client_id).catch(() => undefined) : undefined;
  const client = now && withMarker(now.parse());
  if (!now || client?.marker?.key !== key || findDrift(desired, client).length > 0) throw error;
  return now;
}
