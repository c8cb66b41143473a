import { ApiError } from './answers.ts';
import type { Vault } from './github/vault.ts';
import { type KnownClient, recognize, withTrailer } from './identity.ts';

import * as log from './log.ts';
import { differenceLines, evictions, MOST_SECRETS, shortfalls } from './plan.ts';
import type { Request } from './request.ts';
import type { Scalekit } from './scalekit/api.ts';
import type { Client, ClientFields, Secret } from './scalekit/types.ts';
import type { Journal, SecretTrace } from './state.ts';
import { unseen, unsureSecret } from './undo.ts';

/** How often a request is sent that makes something and whose answers are lost. */
export const MOST_SENDINGS = 3;

/** What the steps of a plan work with. */
export interface Context {
  scalekit: Scalekit;
  request: Request;
  journal: Journal;
  /** Absent where the pair is not saved. */
  vault?: Vault | undefined;
}

/** A new secret, with its value. */
export interface NewSecret {
  secret: Secret;
  plain_secret: string;
}

/** A secret that cannot be identified works all the same. */
const UNKNOWN_SECRET: Secret = { id: '', create_time: undefined, suffix: '', active: true };

/** Reads a secret that the answer with its value did not show. It is known by its last characters. */
export async function identify(
  scalekit: Scalekit,
  client_id: string,
  plain_secret: string,
  seen: string[],
): Promise<Secret> {
  const client = await scalekit.getClient(client_id).catch(() => undefined);
  const isIt = ({ id, suffix }: Secret) => !seen.includes(id) && suffix !== '' && plain_secret.endsWith(suffix);
  return client?.whole().secrets.find(isIt) ?? UNKNOWN_SECRET;
}

/**
 * Changes fields of a client, and makes sure that they came out as asked for. A lost answer is read back. The trailer
 * stays as it is; a client without one gets this run's.
 * @param young whether the client was made just now, so that the API may not show it yet everywhere
 */
export async function update(
  { scalekit, request, journal }: Context,
  client: KnownClient,
  fields: Partial<ClientFields>,
  young: boolean,
): Promise<KnownClient> {
  const { client_id } = client;
  journal.updated = { before: client, fields };
  const trailer = client.trailer ?? request.trailer;
  const sent =
    fields.description === undefined ? fields : { ...fields, description: withTrailer(fields.description, trailer) };
  const answer = await scalekit.updateClient(client_id, sent, young).catch(async (error) => {
    if (!(error instanceof ApiError && error.uncertain)) throw error;
    const now = await scalekit.getClient(client_id).catch(() => undefined);
    if (now?.client_id !== client_id || shortfalls(request, recognize(now.whole())).length > 0) throw error;
    return now;
  });
  log.info(`Updated client ${client_id}: ${Object.keys(fields).join(', ')}.`);
  const now = recognize(answer.whole());
  const wrong = shortfalls(request, now);
  if (wrong.length > 0 || !now.trailer) {
    throw new Error(
      `Client ${client_id} was not updated to what was asked for. Where the API only adds to a list, on_existing: replace makes a new client.\n${differenceLines(wrong)}`,
    );
  }
  return { ...now, secrets: client.secrets };
}

/** Makes room for a secret. Nothing brings back the one that is deleted. */
export async function evict(
  scalekit: Scalekit,
  journal: Journal,
  { client_id }: KnownClient,
  { id }: Secret,
): Promise<void> {
  // Where a neighbour was quicker, it is not this run that has to say so.
  if (await scalekit.deleteSecret(client_id, id))
    journal.lost.push(`Secret ${id} of client ${client_id}, deleted to make room, cannot be brought back.`);
}

/**
 * Adds a secret. A lost answer leaves one that cannot be told from another run's: it is named, and another is asked for.
 * @param how.evict whether secrets that were there before may go where the client has five by then
 */
export async function addSecret(
  context: Context,
  client: KnownClient,
  { young, evict: mayEvict }: { young: boolean; evict: boolean },
): Promise<NewSecret> {
  const { scalekit, journal } = context;
  const { client_id } = client;
  const trace: SecretTrace = {
    client_id,
    key: client.trailer?.key ?? '',
    seen: client.secrets.map(({ id }) => id),
    lost: false,
  };
  let unsure: string[] = [];
  const on = {
    send: () => journal.note({ secret: { ...trace } }),
    id: (id: string) => journal.learn({ secret: { ...trace, id } }),
  };
  for (let sending = 1; ; sending++) {
    try {
      const added = await scalekit.addSecret(client_id, on, young);
      for (const id of unsure) log.warning(unsureSecret(scalekit, trace, id));
      const { plain_secret } = added;
      const secret = added.secret ?? (await identify(scalekit, client_id, plain_secret, trace.seen));
      if (!added.secret && secret.id) on.id(secret.id);
      return { secret, plain_secret };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!error.uncertain && sending === 1) journal.clear({ secret: undefined });
      if (!error.uncertain || sending === MOST_SENDINGS || scalekit.transport.cancelled) throw error;
      log.info(`${error.message} Asking for another one.`);
      const now = await lookAgain(context, trace).catch(() => Promise.reject(error));
      unsure = unseen(now, trace.seen);
      if (now.secrets.length >= MOST_SECRETS) {
        const [victim] = mayEvict ? evictions(now.secrets).filter(({ id }) => trace.seen.includes(id)) : [];
        if (!victim) throw error;
        log.warning(
          `Client ${client_id} has ${now.secrets.length} secrets by now: ${victim.id}, the oldest, is deleted to make room.`,
        );
        await evict(scalekit, journal, client, victim);
      }
    }
  }
}

/** Reads a client after a request for a secret whose value is lost. The secret itself goes where its id is known. */
async function lookAgain({ scalekit, journal }: Context, trace: SecretTrace): Promise<Client> {
  const id = journal.state.secret?.id;
  if (id) await scalekit.deleteSecret(trace.client_id, id);
  else trace.lost = true;
  const client = await scalekit.getClient(trace.client_id);
  if (!client) throw new Error(`client ${trace.client_id} is not there any more`);
  return client.whole();
}
