import { formatMarker, type OwnershipMarker, parseMarker } from '../client/identity.ts';
import { clock } from '../net/clock.ts';
import * as log from '../output/log.ts';
import { message } from '../output/log.ts';
import { CREATION_LAG, type Scalekit } from '../scalekit/api.ts';
import { byCreateTime, type Client, type ClientSummary } from '../scalekit/types.ts';
import { ForeignClientError, manualClientCall, manualSecretCall, possibleLeftover, uncertaintyOf } from './by-hand.ts';
import type { JournalState, PendingClient, PendingSecret } from './journal.ts';

/** Milliseconds after a create request was sent in which the server may finish it, though its caller has gone. */
const LATE_CREATE_WINDOW = 15_000;

/** Milliseconds between two looks for a client that may still appear. */
const POLL_INTERVAL = 1_000;

/** What became of the things that a state names. */
export interface CleanupResult {
  /** What was removed, such as `client m2morg_1`. */
  removed: string[];
  /** Whether the client does not show up. */
  notFound: boolean;
  /** Sentences about what is, or may be, left, each with the call that removes it. */
  remaining: string[];
}

/**
 * Removes what a step made that was cut off or failed, or whose job is over, last first.
 * @param patient whether main was cut off, so that the server may still finish what it was asked for: then the client of
 *   a lost create is looked for as long as that may take
 */
export async function cleanUp(scalekit: Scalekit, state: JournalState, patient: boolean): Promise<CleanupResult> {
  const traces: CleanupResult = { removed: [], notFound: false, remaining: [] };
  const { client, secret } = state;
  // A secret on the client that is to go goes with it.
  if (secret && secret.client_id !== client?.id) {
    await removePendingSecret(scalekit, secret, patient, traces).catch((error) => {
      const what = `A secret of this step on client ${secret.client_id} may be left over`;
      traces.remaining.push(`${what}: ${message(error)} ${manualSecretCall(scalekit, secret, uncertaintyOf(error))}`);
    });
  }
  if (client) {
    await removePendingClient(scalekit, state, client, patient, traces).catch((error) => {
      const what = 'A client of this step may be left over';
      traces.remaining.push(`${what}: ${message(error)} ${manualClientCall(scalekit, state, uncertaintyOf(error))}`);
    });
  }
  return traces;
}

/** The clients that this step made: by the id or, where it is not known or not alone, by the nonce. */
export async function findOwnClients(scalekit: Scalekit, state: JournalState): Promise<ClientSummary[]> {
  const { id, sent_again: again } = state.client ?? {};
  const named = id ? await scalekit.getClient(id) : undefined;
  // The answer to a read may show another client than the one that was asked for.
  const own = named && named.client_id === id && isFromThisStep(named, state) ? [named] : [];
  if (id && !again && (own.length > 0 || !named)) return own;
  for await (const client of scalekit.listClients()) {
    if (isFromThisStep(client, state) && !own.some(({ client_id }) => client_id === client.client_id)) own.push(client);
  }
  if (own.length === 0 && named)
    throw new ForeignClientError(`client ${id} is not this step's, by the last line of its description.`);
  return own;
}

/**
 * Deletes a client of this step, unless other runs have secrets on it: then this step's secrets alone.
 * @returns what was removed, and whether the client stays
 */
export async function removeClientOrOwnSecrets(
  scalekit: Scalekit,
  state: JournalState,
  client: ClientSummary,
): Promise<{ what: string; stays: boolean }> {
  const { client_id } = client;
  if (state.lifetime === 'persistent') {
    const { secrets } = client.parse();
    const known = state.client?.id === client_id ? state.client.secret_ids : undefined;
    // A client's oldest secret is its maker's.
    const mine = known ?? [[...secrets].sort(byCreateTime)[0]?.id, state.secret?.id];
    const own = secrets.filter(({ id }) => mine.includes(id));
    if (own.length < secrets.length) {
      for (const { id } of own) await deleteSecretUntilGone(scalekit, client_id, id);
      const ids = own.map(({ id }) => id).join(' and ') || 'none';
      const why = "the client stays, since it has secrets that are not known to be this step's";
      return { what: `secret ${ids} of client ${client_id} (${why})`, stays: true };
    }
  }
  await deleteClientUntilGone(scalekit, client_id);
  return { what: `client ${client_id}`, stays: false };
}

/** @returns whether there was such a secret (still) */
async function deleteSecretUntilGone(scalekit: Scalekit, client_id: string, id: string): Promise<boolean> {
  const isShown = async () => {
    const client = await scalekit.getClient(client_id);
    return client?.parse().secrets.some((secret) => secret.id === id) ?? false;
  };
  return await deleteUntilGone(scalekit, () => scalekit.deleteSecret(client_id, id), isShown);
}

/** Deletes a client, whatever secrets it has. @returns whether there was such a client (still) */
export async function deleteClientUntilGone(scalekit: Scalekit, client_id: string): Promise<boolean> {
  const isShown = async () => (await scalekit.getClient(client_id)) !== undefined;
  return await deleteUntilGone(scalekit, () => scalekit.deleteClient(client_id), isShown);
}

/** Deletes, again where the API says that there is nothing, but still shows it: one part of it may lag behind another. */
async function deleteUntilGone(
  scalekit: Scalekit,
  remove: () => Promise<boolean>,
  isShown: () => Promise<boolean>,
): Promise<boolean> {
  for (const until = clock() + CREATION_LAG; !(await remove()); ) {
    if (!(await isShown())) return false;
    if (clock() > until) throw new Error('the API shows it, and yet says that there is nothing to delete.');
    await scalekit.transport.pause(POLL_INTERVAL);
  }
  return true;
}

async function removePendingClient(
  scalekit: Scalekit,
  state: JournalState,
  { id, sent_at, secret_outcome_unknown: secretLost }: PendingClient,
  patient: boolean,
  traces: CleanupResult,
): Promise<void> {
  // A clock that was set back meanwhile must not make the wait longer.
  const sent = Math.min(sent_at, Date.now());
  const until = id ? sent + CREATION_LAG : patient ? sent + LATE_CREATE_WINDOW : 0;
  for (;;) {
    const own = await findOwnClients(scalekit, state);
    for (const client of own) {
      const { what, stays } = await removeClientOrOwnSecrets(scalekit, state, client);
      traces.removed.push(what);
      const { client_id } = client;
      const { secret } = state;
      // It is in use, which leaves nothing to do, unless the secrets on it may be this step's after all.
      if (stays && (secretLost || (secret?.client_id === client_id && (secret.outcome_unknown || !secret.id))))
        traces.remaining.push(`Client ${client_id} may be left over. ${manualClientCall(scalekit, state, 'owner')}`);
    }
    if (own.length > 0) return;
    if (Date.now() > until) break;
    await scalekit.transport.pause(POLL_INTERVAL);
  }
  traces.notFound = true;
}

/** Takes the secret that was added, and names those that may be this step's but may also be a neighbour's. */
async function removePendingSecret(
  scalekit: Scalekit,
  pending: PendingSecret,
  patient: boolean,
  traces: CleanupResult,
): Promise<void> {
  const { client_id, key, id, known_ids: seen, outcome_unknown: lost } = pending;
  const client = await scalekit.getClient(client_id);
  if (!client) return;
  if (client.client_id !== client_id || parseMarker(client.description)?.key !== key)
    throw new ForeignClientError(
      `client ${client_id} is not the one that main read, by the last line of its description.`,
    );
  const appeared = id && !lost ? [] : newSecretIds(client.parse(), [...seen, id]);
  if (id) {
    const there = await deleteSecretUntilGone(scalekit, client_id, id);
    if (there) traces.removed.push(`secret ${id} of client ${client_id}`);
  }
  for (const unsure of appeared) traces.remaining.push(possibleLeftover(scalekit, pending, unsure));
  // Unlike a client, it could not be told from another run's, so a longer look would help nobody.
  if (patient && !id && appeared.length === 0)
    traces.remaining.push(
      `Whether a secret was added to client ${client_id} is not known: none shows up yet, and the server may finish late. A later rotation retires it. ${manualSecretCall(scalekit, pending, 'owner')}`,
    );
}

/** Ids of the secrets of a client that are not among `known`. */
export function newSecretIds({ secrets }: Pick<Client, 'secrets'>, known: (string | undefined)[]): string[] {
  return secrets.map(({ id }) => id).filter((id) => !known.includes(id));
}

/** Whether the trailer says that this step made the client. */
export function isFromThisStep({ description }: Pick<Client, 'description'>, { nonce, run }: JournalState): boolean {
  const marker = parseMarker(description);
  return marker?.nonce === nonce && marker.run === run;
}

/** Reasons that an error tells: more would not fit into an annotation. */
const MAX_FAILURES = 10;

/** A client that this action made. */
export interface DeletableClient {
  client_id: string;
  marker: OwnershipMarker;
  /** Whether it was read by itself just now, so that another look would tell nothing new. */
  justRead?: boolean;
}

/** What became of a client that was to go. */
export type DeletionOutcome = 'deleted' | 'gone already' | { remaining: string };

/** Deletes a client after another look: who changed the last line of its description meanwhile has other plans. */
export async function deleteMarkedClient(scalekit: Scalekit, client: DeletableClient): Promise<DeletionOutcome> {
  const { client_id } = client;
  try {
    if (!client.justRead && (await isChanged(scalekit, client)))
      return { remaining: `Client ${client_id} stays: its description was changed meanwhile.` };
    return (await deleteClientUntilGone(scalekit, client_id)) ? 'deleted' : 'gone already';
  } catch (error) {
    const call = `To remove it by hand: DELETE ${scalekit.clientUrl(client_id).href}`;
    return { remaining: `Client ${client_id} is left over: ${log.message(error)} ${call}` };
  }
}

async function isChanged(scalekit: Scalekit, { client_id, marker }: DeletableClient): Promise<boolean> {
  const now = await scalekit.getClient(client_id);
  if (!now) return false;
  const is = parseMarker(now.description);
  return now.client_id !== client_id || !is || formatMarker(is) !== formatMarker(marker);
}

/** @throws where there are any reasons, each told once */
export function throwFailures(failures: string[]): void {
  const told = [...new Set(failures)];
  const more = told.length > MAX_FAILURES ? [`And ${told.length - MAX_FAILURES} more, in the log.`] : [];
  told.slice(MAX_FAILURES).forEach(log.info);
  if (told.length > 0) throw new Error([...told.slice(0, MAX_FAILURES), ...more].join('\n'));
}
