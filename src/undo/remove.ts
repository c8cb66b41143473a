import { contradictsItself, isFromThisStep, parseOrUndefined } from '../client/identity.ts';
import { formatMarker, type OwnershipMarker, parseMarker, parseMarkers } from '../client/marker.ts';
import { clock } from '../net/clock.ts';
import * as log from '../output/log.ts';
import { CREATION_LAG, type Scalekit } from '../scalekit/api.ts';
import { byCreateTime, type Client, type ClientSummary } from '../scalekit/types.ts';
import { manualCall, manualClientCall, manualSecretCall, possibleLeftover } from './by-hand.ts';
import type { PendingClient, PendingSecret, PendingState } from './pending.ts';

/** Milliseconds after a create request was sent in which the server may still carry it out, although main has ended. */
export const LATE_CREATE_WINDOW = 15_000;

/** Milliseconds between two searches for a client that may still appear. */
const POLL_INTERVAL = 1_000;

/** What was done about the client and the secret that a state names. */
export interface CleanupResult {
  /** What was removed, such as `client m2morg_1`. */
  removed: string[];
  /** Whether no client of this step exists. */
  notFound: boolean;
  /** Sentences about what remains, or may remain, each with the call that removes it. */
  remaining: string[];
}

/** The result if there is nothing to remove. */
const NOTHING: CleanupResult = { removed: [], notFound: false, remaining: [] };

/**
 * Removes what a step created that failed, was cut off, or whose job has ended. Last created, first removed.
 * @param createWindow milliseconds after the create request in which a client of that request is searched for if its id is
 *   unknown. 0 searches once
 */
export async function cleanUp(scalekit: Scalekit, state: PendingState, createWindow = 0): Promise<CleanupResult> {
  const { client, secret } = state;
  // Deleting the client deletes its secrets.
  const isOnOwnClient = secret?.client_id === client?.id;
  const secretResult = secret && !isOnOwnClient ? await removePendingSecret(scalekit, secret) : NOTHING;
  const clientResult = client ? await removePendingClient(scalekit, state, client, createWindow) : NOTHING;
  return {
    removed: [...secretResult.removed, ...clientResult.removed],
    notFound: clientResult.notFound,
    remaining: [...secretResult.remaining, ...clientResult.remaining],
  };
}

/**
 * Removes the client that this step created, and its duplicates. Waits for a client that may still appear. Never throws:
 * a failure is a sentence in `remaining`.
 */
async function removePendingClient(
  scalekit: Scalekit,
  state: PendingState,
  { id, sent_at, secret_outcome_unknown }: PendingClient,
  createWindow: number,
): Promise<CleanupResult> {
  // If the clock was set back since, that must not prolong the wait.
  const until = Math.min(sent_at, Date.now()) + (id ? CREATION_LAG : createWindow);
  const [removed, remaining]: [string[], string[]] = [[], []];
  try {
    const own = await waitForOwnClients(scalekit, state, until);
    for (const client of own) {
      const { what, isKept } = await removeClientOrOwnSecrets(scalekit, state, client);
      if (what) removed.push(what);
      // Other runs use the client, so it is not left over. But if an outcome is unknown, its secrets may be this step's.
      if (isKept && (secret_outcome_unknown || mayHaveUnknownSecret(state, client.client_id)))
        remaining.push(
          `Client ${client.client_id} may be left over. Remove it only if no other run uses it. ${manualClientCall(scalekit, state)}`,
        );
    }
    return { removed, notFound: own.length === 0, remaining };
  } catch (error) {
    const what = `A client of this step may be left over: ${log.message(error)}`;
    remaining.push(`${what} ${manualClientCall(scalekit, state)}`);
    return { removed, notFound: false, remaining };
  }
}

/** Finds the clients that this step created. Searches until one appears, or until a time in milliseconds since the epoch. */
async function waitForOwnClients(scalekit: Scalekit, state: PendingState, until: number): Promise<ClientSummary[]> {
  for (;;) {
    const own = await findOwnClients(scalekit, state);
    if (own.length > 0 || Date.now() > until) return own;
    await scalekit.transport.pause(POLL_INTERVAL);
  }
}

/** Returns whether the client may have a secret of this step whose id is unknown. */
function mayHaveUnknownSecret({ secret }: PendingState, client_id: string): boolean {
  return secret?.client_id === client_id && (!secret.id || secret.outcome_unknown);
}

/**
 * Removes the secret that this step added. Names secrets that may be this step's but may also be a concurrent run's.
 * Never throws: a failure is a sentence in `remaining`.
 */
async function removePendingSecret(scalekit: Scalekit, pending: PendingSecret): Promise<CleanupResult> {
  const { client_id, nonce, id, known_ids, outcome_unknown } = pending;
  try {
    const client = await scalekit.getClient(client_id);
    if (!client) return NOTHING;
    if (parseMarker(client.description)?.nonce !== nonce)
      throw new Error(`client ${client_id} is not the one that main read, by its description.`);
    const possibleIds = id && !outcome_unknown ? [] : newSecretIds(client.parse(), [...known_ids, id]);
    const wasDeleted = id !== undefined && (await deleteSecretUntilGone(scalekit, client_id, id));
    const remaining = possibleIds.map((possible) => possibleLeftover(scalekit, pending, possible));
    // Waiting longer would not help: unlike a client, a late secret cannot be distinguished from another run's.
    if (!id && possibleIds.length === 0)
      remaining.push(
        `Could not determine whether a secret was added to client ${client_id}: it shows none, and the server may finish late. A later rotation retires it. ${manualSecretCall(scalekit, pending)}`,
      );
    return { removed: wasDeleted ? [`secret ${id} of client ${client_id}`] : [], notFound: false, remaining };
  } catch (error) {
    const what = `A secret of this step on client ${client_id} may be left over: ${log.message(error)}`;
    return { ...NOTHING, remaining: [`${what} ${manualSecretCall(scalekit, pending)}`] };
  }
}

/**
 * Finds the clients that this step created: by id or, if the id is unknown or the request was sent several times, by nonce.
 * @throws {Error} if the client with that id is another run's
 */
export async function findOwnClients(scalekit: Scalekit, state: PendingState): Promise<ClientSummary[]> {
  const { id, sent_again } = state.client ?? {};
  const named = id ? await scalekit.getClient(id) : undefined;
  const own = named && isOwnClient(named, state) ? [named] : [];
  if (id && !sent_again && (own.length > 0 || !named)) return own;
  for await (const client of scalekit.listClients()) {
    if (isFromThisStep(client, state) && !own.some(({ client_id }) => client_id === client.client_id)) own.push(client);
  }
  if (own.length === 0 && named)
    throw new Error(`client ${id} is not this step's, by its description. Remove it only if it is yours.`);
  return own;
}

/** Returns whether this step created a client, by its ownership marker or, if it shows none, by the response to the create. */
function isOwnClient(client: ClientSummary, state: PendingState): boolean {
  const isUnmarked = parseMarkers(client.description).length === 0;
  return isFromThisStep(client, state) || (isUnmarked && state.client?.is_proven === true);
}

/**
 * Deletes a client that this step created. If it has secrets of other runs, deletes only this step's secrets.
 * @returns what was removed, empty if nothing was, and whether the client is kept
 */
export async function removeClientOrOwnSecrets(
  scalekit: Scalekit,
  state: PendingState,
  client: ClientSummary,
): Promise<{ what: string; isKept: boolean }> {
  const { client_id } = client;
  if (state.lifetime === 'persistent') {
    // Other runs add no secret to a client that they cannot read.
    const secrets = parseOrUndefined(client.parse)?.secrets ?? [];
    const recorded = state.client?.id === client_id ? state.client.secret_ids : undefined;
    // The oldest secret of a client was created with it.
    const ownIds = recorded ?? [[...secrets].sort(byCreateTime)[0]?.id, state.secret?.id];
    const own = secrets.filter(({ id }) => ownIds.includes(id));
    if (own.length < secrets.length) {
      for (const { id } of own) await deleteSecretUntilGone(scalekit, client_id, id);
      const ids = own.map(({ id }) => id).join(' and ');
      const why = "the client is not deleted, since it has secrets that are not known to be this step's";
      return { what: ids && `secret ${ids} of client ${client_id} (${why})`, isKept: true };
    }
  }
  await deleteClientUntilGone(scalekit, client_id);
  return { what: `client ${client_id}`, isKept: false };
}

/** Returns the ids of a client's secrets that are not among `known`. */
export function newSecretIds({ secrets }: Pick<Client, 'secrets'>, known: (string | undefined)[]): string[] {
  return secrets.map(({ id }) => id).filter((id) => !known.includes(id));
}

/** A client with an ownership marker that `delete/` or `sweep/` deletes. */
export interface DeletableClient {
  client_id: string;
  marker: OwnershipMarker;
  /** Whether it was just read by its id, so that it need not be read again. */
  justRead?: boolean;
}

/** The result of deleting a client. `remaining` is the sentence about a client that was not deleted. */
export type DeletionOutcome = 'deleted' | 'already deleted' | { remaining: string };

/** Re-reads a client and deletes it. Does not delete it if its ownership marker has changed, or if its claims contradict that. */
export async function deleteMarkedClient(scalekit: Scalekit, client: DeletableClient): Promise<DeletionOutcome> {
  const { client_id } = client;
  try {
    if (!client.justRead && (await isChanged(scalekit, client)))
      return { remaining: `Client ${client_id} is not deleted: its description or its claims have changed.` };
    return (await deleteClientUntilGone(scalekit, client_id)) ? 'deleted' : 'already deleted';
  } catch (error) {
    const call = manualCall(scalekit.clientUrl(client_id));
    return { remaining: `Client ${client_id} is left over: ${log.message(error)} ${call}` };
  }
}

/**
 * Returns whether the ownership marker of a client has changed, or whether its claims contradict it. A list may leave claims
 * out. A client that does not exist has not changed.
 */
async function isChanged(scalekit: Scalekit, { client_id, marker }: DeletableClient): Promise<boolean> {
  const now = await scalekit.getClient(client_id);
  if (!now) return false;
  const current = parseMarker(now.description);
  const isSame = current && formatMarker(current) === formatMarker(marker);
  return !isSame || !now.custom_claims || contradictsItself({ custom_claims: now.custom_claims }, current);
}

/** @throws {Error} that names all failures, each once, unless there are none */
export function throwFailures(failures: string[]): void {
  if (failures.length > 0) throw new Error([...new Set(failures)].join('\n'));
}

/** Deletes a client, whatever secrets it has. @returns whether it still existed */
async function deleteClientUntilGone(scalekit: Scalekit, client_id: string): Promise<boolean> {
  const isShown = async () => (await scalekit.getClient(client_id)) !== undefined;
  return await deleteUntilGone(scalekit, () => scalekit.deleteClient(client_id), isShown);
}

/** Deletes a secret. @returns whether it still existed */
async function deleteSecretUntilGone(scalekit: Scalekit, client_id: string, id: string): Promise<boolean> {
  const isShown = async () => {
    const client = await scalekit.getClient(client_id);
    return client?.parse().secrets.some((secret) => secret.id === id) ?? false;
  };
  return await deleteUntilGone(scalekit, () => scalekit.deleteSecret(client_id, id), isShown);
}

/**
 * Deletes until the API stops showing the thing. Right after a create, one part of the API may show it while another
 * answers 404 to the delete.
 * @param remove returns false if the API has nothing to delete
 */
async function deleteUntilGone(
  scalekit: Scalekit,
  remove: () => Promise<boolean>,
  isShown: () => Promise<boolean>,
): Promise<boolean> {
  for (const until = clock() + CREATION_LAG; !(await remove()); ) {
    if (!(await isShown())) return false;
    if (clock() > until) throw new Error('the API shows it, but answers that it does not exist.');
    await scalekit.transport.pause(POLL_INTERVAL);
  }
  return true;
}
