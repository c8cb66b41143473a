import { formatDifferences, shortfalls } from '../client/drift.ts';
import { appendMarker, type ManagedClient, withMarker } from '../client/identity.ts';
import { evictions } from '../client/retirement.ts';
import { ApiError } from '../net/api-error.ts';
import * as log from '../output/log.ts';
import type { CreationHooks, Scalekit } from '../scalekit/api.ts';
import { type Client, type ClientFields, MAX_SECRETS, type Secret } from '../scalekit/types.ts';
import { possibleLeftover } from '../undo/by-hand.ts';
import type { Journal, PendingSecret } from '../undo/journal.ts';
import { newSecretIds } from '../undo/remove.ts';
import { type Context, MAX_SENDS, type NewSecret } from './context.ts';

/** A secret that cannot be identified works all the same. */
const UNKNOWN_SECRET: Secret = { id: '', create_time: undefined, suffix: '', active: true };

/** Reads a secret that the answer with its value did not show. It is known by its last characters. */
export async function identifySecret(
  scalekit: Scalekit,
  client_id: string,
  plain_secret: string,
  seen: string[],
): Promise<Secret> {
  const client = await scalekit.getClient(client_id).catch(() => undefined);
  const isIt = ({ id, suffix }: Secret) => !seen.includes(id) && suffix !== '' && plain_secret.endsWith(suffix);
  return client?.parse().secrets.find(isIt) ?? UNKNOWN_SECRET;
}

/**
 * Changes fields of a client, and makes sure that they came out as asked for. A lost answer is read back. The trailer
 * stays as it is; a client without one gets this run's.
 * @param young whether the client was made just now, so that the API may not show it yet everywhere
 */
export async function updateClient(
  { scalekit, desired, journal }: Context,
  client: ManagedClient,
  fields: Partial<ClientFields>,
  young: boolean,
): Promise<ManagedClient> {
  const { client_id } = client;
  journal.pendingUpdate = { before: client, fields };
  const marker = client.marker ?? desired.marker;
  const sent =
    fields.description === undefined ? fields : { ...fields, description: appendMarker(fields.description, marker) };
  const response = await scalekit.updateClient(client_id, sent, young).catch(async (error) => {
    if (!(error instanceof ApiError && error.outcomeUnknown)) throw error;
    const now = await scalekit.getClient(client_id).catch(() => undefined);
    if (now?.client_id !== client_id || shortfalls(desired, withMarker(now.parse())).length > 0) throw error;
    return now;
  });
  log.info(`Updated client ${client_id}: ${Object.keys(fields).join(', ')}.`);
  const now = withMarker(response.parse());
  const wrong = shortfalls(desired, now);
  if (wrong.length > 0 || !now.marker) {
    throw new Error(
      `Client ${client_id} was not updated to what was asked for. Where the API only adds to a list, on_existing: replace makes a new client.\n${formatDifferences(wrong)}`,
    );
  }
  return { ...now, secrets: client.secrets };
}

/** Makes room for a secret. Nothing brings back the one that is deleted. */
export async function deleteToMakeRoom(
  scalekit: Scalekit,
  journal: Journal,
  { client_id }: ManagedClient,
  { id }: Secret,
): Promise<void> {
  // Where a neighbour was quicker, it is not this run that has to say so.
  if (await scalekit.deleteSecret(client_id, id))
    journal.irreversible.push(`Secret ${id} of client ${client_id}, deleted to make room, cannot be brought back.`);
}

/**
 * Adds a secret. A lost answer leaves one that cannot be told from another run's: it is named, and another is asked for.
 * @param how.evict whether secrets that were there before may go where the client has five by then
 */
export async function addSecret(
  context: Context,
  client: ManagedClient,
  { young, evict: mayEvict }: { young: boolean; evict: boolean },
): Promise<NewSecret> {
  const { scalekit, journal } = context;
  const { client_id } = client;
  const pending: PendingSecret = {
    client_id,
    key: client.marker?.key ?? '',
    known_ids: client.secrets.map(({ id }) => id),
    outcome_unknown: false,
  };
  let unsure: string[] = [];
  const on: CreationHooks = {
    onSend: () => journal.recordIntent({ secret: { ...pending } }),
    onId: (id: string) => journal.recordResult({ secret: { ...pending, id } }),
  };
  for (let sending = 1; ; sending++) {
    try {
      const added = await scalekit.addSecret(client_id, on, young);
      for (const id of unsure) log.warning(possibleLeftover(scalekit, pending, id));
      const { plain_secret } = added;
      const secret = added.secret ?? (await identifySecret(scalekit, client_id, plain_secret, pending.known_ids));
      if (!added.secret && secret.id) on.onId(secret.id);
      return { secret, plain_secret };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!error.outcomeUnknown && sending === 1) journal.forget({ secret: undefined });
      if (!error.outcomeUnknown || sending === MAX_SENDS || scalekit.transport.cancelled) throw error;
      log.info(`${error.message} Asking for another one.`);
      const now = await lookAgain(context, pending).catch(() => Promise.reject(error));
      unsure = newSecretIds(now, pending.known_ids);
      if (now.secrets.length >= MAX_SECRETS) {
        const [victim] = mayEvict ? evictions(now.secrets).filter(({ id }) => pending.known_ids.includes(id)) : [];
        if (!victim) throw error;
        log.warning(
          `Client ${client_id} has ${now.secrets.length} secrets by now: ${victim.id}, the oldest, is deleted to make room.`,
        );
        await deleteToMakeRoom(scalekit, journal, client, victim);
      }
    }
  }
}

/** Reads a client after a request for a secret whose value is lost. The secret itself goes where its id is known. */
async function lookAgain({ scalekit, journal }: Context, pending: PendingSecret): Promise<Client> {
  const id = journal.state.secret?.id;
  if (id) await scalekit.deleteSecret(pending.client_id, id);
  else pending.outcome_unknown = true;
  const client = await scalekit.getClient(pending.client_id);
  if (!client) throw new Error(`client ${pending.client_id} is not there any more`);
  return client.parse();
}
