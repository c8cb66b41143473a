import type { ManagedClient } from '../client/identity.ts';
import { evictions } from '../client/retirement.ts';
import * as log from '../output/log.ts';
import type { Scalekit } from '../scalekit/api.ts';
import { type Client, MAX_SECRETS, type Secret } from '../scalekit/types.ts';
import { possibleLeftover } from '../undo/by-hand.ts';
import type { PendingSecret } from '../undo/pending.ts';
import { newSecretIds } from '../undo/remove.ts';
import { type Context, MAX_SENDS, type NewSecret } from './context.ts';

/** Deletes a secret to make room for a new one. The journal records that this cannot be undone. */
export async function deleteToMakeRoom(
  { scalekit, journal }: Context,
  { client_id }: ManagedClient,
  { id }: Secret,
): Promise<void> {
  // If another run deleted it first, that run reports it.
  if (await scalekit.deleteSecret(client_id, id))
    journal.irreversible.push(`Secret ${id} of client ${client_id}, deleted to make room, cannot be brought back.`);
}

/**
 * Adds a secret. A request whose outcome is unknown may have added one that cannot be distinguished from another run's secret.
 * Such a secret is named in a warning, and the request is sent again.
 * @param evictable ids of the secrets that may be deleted if the client has no room for a new one
 * @throws {ApiError} if no secret was added, or if the outcome stays unknown
 */
export async function addSecret(context: Context, client: ManagedClient, evictable: string[]): Promise<NewSecret> {
  const { scalekit, journal } = context;
  const { client_id } = client;
  const known_ids = client.secrets.map(({ id }) => id);
  let pending: PendingSecret = { client_id, nonce: client.marker?.nonce ?? '', known_ids, outcome_unknown: false };
  let possibleIds: string[] = [];
  for (let sends = 1; ; sends++) {
    const outcome = await scalekit.addSecret(client_id, known_ids, {
      mayBeDone: sends > 1,
      onSend: () => journal.secretSent(pending),
      onId: (id) => journal.secretAnswered(id),
    });
    if (outcome.kind === 'done') {
      possibleIds.map((id) => possibleLeftover(scalekit, pending, id)).forEach(log.warning);
      return { plain_secret: outcome.value.plain_secret, shown: outcome.value.secret };
    }
    if (outcome.kind === 'refused') journal.forget('secret');
    if (outcome.kind === 'refused' || sends === MAX_SENDS || scalekit.transport.cancelled) throw outcome.error;
    log.info(`${outcome.error.message} Asking for another one.`);
    // A secret whose id is known is deleted. Another one may turn up at any time.
    if (journal.state.secret?.id === undefined) pending = { ...pending, outcome_unknown: true };
    const ids = await prepareRepeat(context, client, evictable);
    if (!ids) throw outcome.error;
    possibleIds = ids;
  }
}

/**
 * Prepares another request for a secret: deletes the secret of the last one if its id is known, since its value is not, and
 * makes room.
 * @returns ids of secrets that earlier requests may have added; undefined if another request cannot succeed
 */
async function prepareRepeat(
  context: Context,
  client: ManagedClient,
  evictable: string[],
): Promise<string[] | undefined> {
  const { scalekit, journal } = context;
  const deleted = journal.state.secret?.id;
  const now = await deleteUnusable(scalekit, client.client_id, deleted);
  if (!now) return undefined;
  const possibleIds = newSecretIds(now, [...client.secrets.map(({ id }) => id), deleted]);
  if (now.secrets.length < MAX_SECRETS) return possibleIds;
  const [oldest] = evictions(now.secrets).filter(({ id }) => evictable.includes(id));
  if (!oldest) return undefined;
  log.warning(
    `Client ${client.client_id} has ${now.secrets.length} secrets by now. The oldest, ${oldest.id}, is deleted to make room.`,
  );
  await deleteToMakeRoom(context, client, oldest);
  return possibleIds;
}

/** Deletes a secret of this step whose value is unknown. @returns the client then; undefined if that fails */
async function deleteUnusable(
  scalekit: Scalekit,
  client_id: string,
  id: string | undefined,
): Promise<Client | undefined> {
  try {
    if (id) await scalekit.deleteSecret(client_id, id);
    return (await scalekit.getClient(client_id))?.parse();
  } catch (error) {
    log.debug(log.message(error));
    return undefined;
  }
}
