import type { ManagedClient } from '../client/identity.ts';
import { evictions } from '../client/retirement.ts';
import { ApiError } from '../net/api-error.ts';
import * as log from '../output/log.ts';
import type { CreationHooks, Scalekit } from '../scalekit/api.ts';
import { type Client, MAX_SECRETS, type Secret } from '../scalekit/types.ts';
import { possibleLeftover } from '../undo/by-hand.ts';
import type { PendingSecret } from '../undo/journal.ts';
import { newSecretIds } from '../undo/remove.ts';
import { type Context, MAX_SENDS, type NewSecret } from './context.ts';

/** Stands for a new secret that no response identifies. Its value can be used all the same. */
const UNKNOWN_SECRET: Secret = { id: '', create_time: undefined, suffix: '', active: true };

/**
 * Identifies a new secret by its last characters if the response with its value did not show it.
 * @param knownIds ids of the secrets that existed before
 * @returns the secret, or one with an empty id if it cannot be identified
 */
export async function identifySecret(
  scalekit: Scalekit,
  client_id: string,
  plain_secret: string,
  knownIds: string[],
): Promise<Secret> {
  const client = await scalekit.getClient(client_id).catch(() => undefined);
  const isNew = ({ id, suffix }: Secret) => !knownIds.includes(id) && suffix !== '' && plain_secret.endsWith(suffix);
  return client?.parse().secrets.find(isNew) ?? UNKNOWN_SECRET;
}

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
 */
export async function addSecret(context: Context, client: ManagedClient, evictable: string[]): Promise<NewSecret> {
  const { scalekit, journal } = context;
  const { client_id } = client;
  const known_ids = client.secrets.map(({ id }) => id);
  let pending: PendingSecret = { client_id, key: client.marker?.key ?? '', known_ids, outcome_unknown: false };
  let possibleIds: string[] = [];
  const hooks: CreationHooks = {
    onSend: () => journal.recordIntent({ secret: pending }),
    onId: (id: string) => journal.recordResult({ secret: { ...pending, id } }),
  };
  for (let sending = 1; ; sending++) {
    try {
      const added = await scalekit.addSecret(client_id, hooks);
      for (const id of possibleIds) log.warning(possibleLeftover(scalekit, pending, id));
      const { plain_secret } = added;
      const secret = added.secret ?? (await identifySecret(scalekit, client_id, plain_secret, known_ids));
      if (!added.secret && secret.id) hooks.onId(secret.id);
      return { secret, plain_secret };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!error.outcomeUnknown && sending === 1) journal.forget({ secret: undefined });
      if (!error.outcomeUnknown || sending === MAX_SENDS || scalekit.transport.cancelled) throw error;
      log.info(`${error.message} Asking for another one.`);
      const id = journal.state.secret?.id;
      if (!id) pending = { ...pending, outcome_unknown: true };
      const now = await deleteUnusable(scalekit, client_id, id).catch(() => Promise.reject(error));
      possibleIds = newSecretIds(now, known_ids);
      if (now.secrets.length >= MAX_SECRETS) await evictOldest(context, client, now.secrets, evictable, error);
    }
  }
}

/**
 * Deletes a secret of this step whose value is unknown, if its id is known.
 * @returns the client as it is then
 */
async function deleteUnusable(scalekit: Scalekit, client_id: string, id: string | undefined): Promise<Client> {
  if (id) await scalekit.deleteSecret(client_id, id);
  const client = await scalekit.getClient(client_id);
  if (!client) throw new Error(`client ${client_id} is not there any more`);
  return client.parse();
}

/** Deletes the oldest of the secrets that may be deleted. @throws `error` if there is none */
async function evictOldest(
  context: Context,
  client: ManagedClient,
  secrets: Secret[],
  evictable: string[],
  error: ApiError,
): Promise<void> {
  const [oldest] = evictions(secrets).filter(({ id }) => evictable.includes(id));
  if (!oldest) throw error;
  log.warning(
    `Client ${client.client_id} has ${secrets.length} secrets by now: ${oldest.id}, the oldest, is deleted to make room.`,
  );
  await deleteToMakeRoom(context, client, oldest);
}
