import type { ManagedClient } from '../client/identity.ts';
import { ApiError } from '../net/api-error.ts';
import { done, type Outcome, unwrap } from '../net/outcome.ts';
import * as log from '../output/log.ts';
import type { Scalekit } from '../scalekit/api.ts';
import { SecretCapError } from '../scalekit/errors.ts';
import type { Client, Secret } from '../scalekit/types.ts';
import { possibleLeftover, waysToMakeRoom } from '../undo/by-hand.ts';
import type { PendingSecret } from '../undo/pending.ts';
import { newSecretIds } from '../undo/remove.ts';
import { type Context, MAX_SENDS, type NewSecret } from './context.ts';

const CAP = 'The number of secrets of a client is limited, usually to five.';

/** A secret that was added to a client. */
export interface AddedSecret extends NewSecret {
  /** Id of the secret that was deleted to make room. Undefined if none was. */
  deletedId?: string;
}

/**
 * Adds a secret. If Scalekit refuses it because the client has as many as it may have, deletes an old one and asks once
 * more.
 * @param toMakeRoom the secret to delete in that case. Undefined if none may be deleted
 * @throws {ApiError} if no secret was added, or if the outcome stays unknown
 */
export async function addSecret(context: Context, client: ManagedClient, toMakeRoom?: Secret): Promise<AddedSecret> {
  const first = await requestSecret(context, client);
  if (first.kind === 'done' || !(first.error instanceof SecretCapError)) return unwrap(first);
  // If the outcome is unknown, the secret that fills the client may be this step's own.
  const mayMakeRoom = first.kind === 'refused' && !context.scalekit.transport.cancelled;
  if (!mayMakeRoom || !toMakeRoom) throw capError(context, client, first.error);
  await deleteToMakeRoom(context, client, toMakeRoom, first.error);
  const second = await requestSecret(context, client);
  if (second.kind !== 'done' && second.error instanceof SecretCapError)
    throw capError(context, client, second.error, toMakeRoom.id);
  return { ...unwrap(second), deletedId: toMakeRoom.id };
}

/**
 * Returns the error that the client can have no other secret, with what the user can do.
 * @param deletedId id of the secret that was deleted to make room, in vain
 */
function capError(
  { scalekit, journal }: Context,
  { client_id, secrets }: ManagedClient,
  { message }: SecretCapError,
  deletedId?: string,
): ApiError {
  const ids = secrets.map(({ id }) => id).filter((id) => id !== deletedId);
  // A step that has created a client adds a secret to that one, or to the client of the run that was first.
  const { client: created } = journal.state;
  const mayBeRace = deletedId !== undefined || (created && created.id !== client_id);
  const ways = [
    CAP,
    created ? 'Run this step again.' : waysToMakeRoom(scalekit, client_id, ids),
    ...(mayBeRace ? ['Let one run at a time use the client, with concurrency in the workflow.'] : []),
  ];
  return new ApiError([message, ...ways].join(' '));
}

/** Deletes a secret to make room for a new one. The journal records that this cannot be undone. */
async function deleteToMakeRoom(
  context: Context,
  client: ManagedClient,
  { id }: Secret,
  refusal: SecretCapError,
): Promise<void> {
  const { scalekit, journal } = context;
  const { client_id } = client;
  log.info(refusal.message);
  log.warning(
    `Client ${client_id} has as many secrets as Scalekit allows. Secret ${id} is deleted to make room for the new one, even if it is recent.`,
  );
  try {
    // If another run deleted it first, that run reports it.
    if (await scalekit.deleteSecret(client_id, id))
      journal.irreversible.push(`Secret ${id} of client ${client_id}, deleted to make room, cannot be brought back.`);
  } catch (error) {
    throw new Error([capError(context, client, refusal).message, log.message(error)].join('\n'), { cause: error });
  }
}

/**
 * Requests a secret. A request whose outcome is unknown may have added one that cannot be distinguished from another
 * run's secret. Such a secret is named in a warning, and the request is sent again.
 */
async function requestSecret(context: Context, client: ManagedClient): Promise<Outcome<NewSecret>> {
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
      return done({ plain_secret: outcome.value.plain_secret, shown: outcome.value.secret });
    }
    if (outcome.kind === 'refused') journal.forget('secret');
    const isFinal = outcome.kind === 'refused' || outcome.error instanceof SecretCapError || sends === MAX_SENDS;
    if (isFinal || scalekit.transport.cancelled) return outcome;
    log.info(`${outcome.error.message} Requesting another one.`);
    // A secret whose id is known is deleted. Another one may turn up at any time.
    if (journal.state.secret?.id === undefined) pending = { ...pending, outcome_unknown: true };
    const now = await deleteUnusable(scalekit, client_id, journal.state.secret?.id);
    if (!now) return outcome;
    possibleIds = newSecretIds(now, [...known_ids, journal.state.secret?.id]);
  }
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
