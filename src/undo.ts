import type { Vault } from './github/vault.ts';
import { parseTrailer } from './identity.ts';
import { message } from './log.ts';
import { clock } from './node.ts';
import { byAge, compareFields, differenceLines } from './plan.ts';
import { LAG, type Scalekit } from './scalekit/api.ts';
import type { Client, ClientFields, MarkedClient } from './scalekit/types.ts';
import type { CreatedTrace, Journal, SecretTrace, State } from './state.ts';
import { putBack } from './unsave.ts';

/** Milliseconds after a create request was sent in which the server may finish it, though its caller has gone. */
const LATE_CREATE = 15_000;
/** Milliseconds between two looks for a client that may still appear. */
const LOOK_AGAIN = 1_000;

/** What became of the things that a state names. */
export interface Traces {
  /** What was removed, such as `client m2morg_1`. */
  removed: string[];
  /** Whether the client does not show up. */
  absent: boolean;
  /** Sentences about what is, or may be, left, each with the call that removes it. */
  left: string[];
}

/**
 * Undoes what a failed step did, last first.
 * @returns the error to show: the failure, and what became of what the step had made or changed
 */
export async function undo(
  scalekit: Scalekit,
  vault: Vault | undefined,
  journal: Journal,
  failure: unknown,
): Promise<unknown> {
  const { state, updated } = journal;
  const own_secret = state.secret?.id;
  const put = state.variable && vault && (await putBack(vault, state.variable, false));
  const { removed, absent, left: stays } = await cleanUp(scalekit, state, false);
  const left = [...(put?.left ?? []), ...stays];
  const lines = [...(put?.done ?? []), ...removed.map((what) => `Removed again: ${what}.`), ...left];
  const unsure = absent && !state.client?.id;
  if (unsure)
    lines.push(
      `Whether a client was made is not known: none shows up. The post step looks again. ${clientCall(scalekit, state)}`,
    );
  // What is left is the post step's to try again.
  journal.clear({
    ...(!unsure && stays.length === 0 && { client: undefined, secret: undefined }),
    ...(!put?.pending && !put?.left.length && { variable: undefined }),
  });
  if (updated) lines.push(...(await restore(scalekit, updated, own_secret)));
  lines.push(...journal.lost);
  return lines.length > 0 ? new Error([message(failure), ...lines].join('\n'), { cause: failure }) : failure;
}

/** The error of a step that is cancelled: the runner does not wait until anything is undone. */
export function leave({ state, updated, lost }: Journal, failure: unknown): Error {
  const rest = state.client || state.secret || state.variable ? ['The post step removes what this step made.'] : [];
  const lines = [message(failure), ...rest, ...(updated ? [staysUpdated(updated)] : []), ...lost];
  return new Error(lines.join('\n'), { cause: failure });
}

export function staysUpdated({ before, fields }: NonNullable<Journal['updated']>): string {
  return `Client ${before.client_id} may stay updated: ${Object.keys(fields).join(', ')}.`;
}

/**
 * Removes what a step made that was cut off or failed, or whose job is over, last first.
 * @param patient whether main was cut off, so that the server may still finish what it was asked for: then the client of
 *   a lost create is looked for as long as that may take
 */
export async function cleanUp(scalekit: Scalekit, state: State, patient: boolean): Promise<Traces> {
  const traces: Traces = { removed: [], absent: false, left: [] };
  const { client, secret } = state;
  // A secret on the client that is to go goes with it.
  if (secret && secret.client_id !== client?.id) {
    await removeSecret(scalekit, secret, patient, traces).catch((error) => {
      const what = `A secret of this step on client ${secret.client_id} may be left over`;
      traces.left.push(`${what}: ${message(error)} ${secretCall(scalekit, secret, doubtOf(error))}`);
    });
  }
  if (client) {
    await removeClient(scalekit, state, client, patient, traces).catch((error) => {
      const what = 'A client of this step may be left over';
      traces.left.push(`${what}: ${message(error)} ${clientCall(scalekit, state, doubtOf(error))}`);
    });
  }
  return traces;
}

/** The clients that this step made: by the id or, where it is not known or not alone, by the nonce. */
export async function ownClients(scalekit: Scalekit, state: State): Promise<MarkedClient[]> {
  const { id, again } = state.client ?? {};
  const named = id ? await scalekit.getClient(id) : undefined;
  // The answer to a read may show another client than the one that was asked for.
  const own = named && named.client_id === id && isOwn(named, state) ? [named] : [];
  if (id && !again && (own.length > 0 || !named)) return own;
  for await (const client of scalekit.listClients()) {
    if (isOwn(client, state) && !own.some(({ client_id }) => client_id === client.client_id)) own.push(client);
  }
  if (own.length === 0 && named)
    throw new ForeignClientError(`client ${id} is not this step's, by the last line of its description.`);
  return own;
}

/**
 * Deletes a client of this step, unless other runs have secrets on it: then this step's secrets alone.
 * @returns what was removed, and whether the client stays
 */
export async function takeClient(
  scalekit: Scalekit,
  state: State,
  client: MarkedClient,
): Promise<{ what: string; stays: boolean }> {
  const { client_id } = client;
  if (state.lifetime === 'persistent') {
    const { secrets } = client.whole();
    const known = state.client?.id === client_id ? state.client.secret_ids : undefined;
    // A client's oldest secret is its maker's.
    const mine = known ?? [[...secrets].sort(byAge)[0]?.id, state.secret?.id];
    const own = secrets.filter(({ id }) => mine.includes(id));
    if (own.length < secrets.length) {
      for (const { id } of own) await deleteShownSecret(scalekit, client_id, id);
      const ids = own.map(({ id }) => id).join(' and ') || 'none';
      const why = "the client stays, since it has secrets that are not known to be this step's";
      return { what: `secret ${ids} of client ${client_id} (${why})`, stays: true };
    }
  }
  await deleteShownClient(scalekit, client_id);
  return { what: `client ${client_id}`, stays: false };
}

/** @returns whether there was such a secret (still) */
async function deleteShownSecret(scalekit: Scalekit, client_id: string, id: string): Promise<boolean> {
  const isShown = async () => {
    const client = await scalekit.getClient(client_id);
    return client?.whole().secrets.some((secret) => secret.id === id) ?? false;
  };
  return await deleteShown(scalekit, () => scalekit.deleteSecret(client_id, id), isShown);
}

/** Deletes a client, whatever secrets it has. @returns whether there was such a client (still) */
export async function deleteShownClient(scalekit: Scalekit, client_id: string): Promise<boolean> {
  const isShown = async () => (await scalekit.getClient(client_id)) !== undefined;
  return await deleteShown(scalekit, () => scalekit.deleteClient(client_id), isShown);
}

/** Deletes, again where the API says that there is nothing, but still shows it: one part of it may lag behind another. */
async function deleteShown(
  scalekit: Scalekit,
  remove: () => Promise<boolean>,
  isShown: () => Promise<boolean>,
): Promise<boolean> {
  for (const until = clock() + LAG; !(await remove()); ) {
    if (!(await isShown())) return false;
    if (clock() > until) throw new Error('the API shows it, and yet says that there is nothing to delete.');
    await scalekit.transport.pause(LOOK_AGAIN);
  }
  return true;
}

/** What is not sure about a state: that main wrote it, or that the client in it is this step's. */
export type Doubt = 'state' | 'owner' | undefined;

/** The calls that remove by hand what a state names, for a message. */
export function calls(scalekit: Scalekit, state: State, doubt: Doubt): string {
  const { client, secret } = state;
  const lines = [
    ...(secret ? [secretCall(scalekit, secret, doubt)] : []),
    ...(client || !secret ? [clientCall(scalekit, state, doubt)] : []),
  ];
  return lines.join(' ');
}

/** The client that the state names is another's. */
class ForeignClientError extends Error {
  override name = 'ForeignClientError';
}

async function removeClient(
  scalekit: Scalekit,
  state: State,
  { id, sent_at, lost: secretLost }: CreatedTrace,
  patient: boolean,
  traces: Traces,
): Promise<void> {
  // A clock that was set back meanwhile must not make the wait longer.
  const sent = Math.min(sent_at, Date.now());
  const until = id ? sent + LAG : patient ? sent + LATE_CREATE : 0;
  for (;;) {
    const own = await ownClients(scalekit, state);
    for (const client of own) {
      const { what, stays } = await takeClient(scalekit, state, client);
      traces.removed.push(what);
      const { client_id } = client;
      const { secret } = state;
      // It is in use, which leaves nothing to do, unless the secrets on it may be this step's after all.
      if (stays && (secretLost || (secret?.client_id === client_id && (secret.lost || !secret.id))))
        traces.left.push(`Client ${client_id} may be left over. ${clientCall(scalekit, state, 'owner')}`);
    }
    if (own.length > 0) return;
    if (Date.now() > until) break;
    await scalekit.transport.pause(LOOK_AGAIN);
  }
  traces.absent = true;
}

/** Takes the secret that was added, and names those that may be this step's but may also be a neighbour's. */
async function removeSecret(scalekit: Scalekit, trace: SecretTrace, patient: boolean, traces: Traces): Promise<void> {
  const { client_id, key, id, seen, lost } = trace;
  const client = await scalekit.getClient(client_id);
  if (!client) return;
  if (client.client_id !== client_id || parseTrailer(client.description)?.key !== key)
    throw new ForeignClientError(
      `client ${client_id} is not the one that main read, by the last line of its description.`,
    );
  const appeared = id && !lost ? [] : unseen(client.whole(), [...seen, id]);
  if (id) {
    const there = await deleteShownSecret(scalekit, client_id, id);
    if (there) traces.removed.push(`secret ${id} of client ${client_id}`);
  }
  for (const unsure of appeared) traces.left.push(unsureSecret(scalekit, trace, unsure));
  // Unlike a client, it could not be told from another run's, so a longer look would help nobody.
  if (patient && !id && appeared.length === 0)
    traces.left.push(
      `Whether a secret was added to client ${client_id} is not known: none shows up yet, and the server may finish late. A later rotation retires it. ${secretCall(scalekit, trace, 'owner')}`,
    );
}

/** The sentence about a secret that appeared while an answer was lost: it may also be a neighbour's. */
export function unsureSecret(scalekit: Scalekit, trace: SecretTrace, id: string): string {
  return `Secret ${id} of client ${trace.client_id} may be left over of a request whose answer was lost, or another run's; a later rotation retires it. ${secretCall(scalekit, { ...trace, id }, 'owner')}`;
}

/** Ids of the secrets of a client that are not among `known`. */
export function unseen({ secrets }: Pick<Client, 'secrets'>, known: (string | undefined)[]): string[] {
  return secrets.map(({ id }) => id).filter((id) => !known.includes(id));
}

/**
 * Gives a client its former values back.
 * @returns sentences about what could not be restored
 */
async function restore(
  scalekit: Scalekit,
  updated: NonNullable<Journal['updated']>,
  own_secret: string | undefined,
): Promise<string[]> {
  const { before, fields } = updated;
  const { client_id } = before;
  const names = Object.keys(fields) as (keyof ClientFields)[];
  try {
    const now = (await scalekit.getClient(client_id))?.whole();
    if (!now || compareFields(names, before, now).length === 0) return [];
    if (unseen(now, [...before.secrets.map(({ id }) => id), own_secret]).length > 0)
      return [`${staysUpdated(updated)} It has a secret that may be another run's.`];
    const former = Object.fromEntries(
      names.map((name) => [name, before[name]]).filter(([, value]) => value !== undefined && `${value}` !== ''),
    );
    const then = Object.keys(former).length > 0 ? (await scalekit.updateClient(client_id, former)).whole() : now;
    const lost = compareFields(names, before, then);
    if (lost.length === 0) return [`Restored: ${names.join(', ')} of client ${client_id}.`];
    return [
      `Client ${client_id} could not be given back what it was, since the API cannot empty or shorten it:\n${differenceLines(lost)}`,
    ];
  } catch (error) {
    return [`${staysUpdated(updated)} ${message(error)}`];
  }
}

function clientCall(scalekit: Scalekit, { client, nonce }: State, doubt?: Doubt): string {
  return byHand(scalekit, [client?.id], `the one that GET shows with "nonce=${nonce}" in its description`, doubt);
}

function secretCall(scalekit: Scalekit, { client_id, id }: SecretTrace, doubt?: Doubt): string {
  return byHand(scalekit, [client_id, 'secrets', id], 'it by its time among the secrets of the client', doubt);
}

/**
 * The call that removes something by hand. Somebody will send a token to an origin that this names, so an unsealed
 * state's own is left out.
 * @param search how to find the last part of the path where it is not known
 */
function byHand(scalekit: Scalekit, path: (string | undefined)[], search: string, doubt: Doubt): string {
  const known = path.filter((part) => part !== undefined);
  const url = scalekit.clientUrl(...known);
  const address = doubt === 'state' ? url.pathname : url.href;
  if (known.length < path.length) return `To remove it by hand, find ${search}; then DELETE ${address}/ID`;
  return `To remove it${doubt ? ', if it is yours,' : ''} by hand: DELETE ${address}`;
}

function doubtOf(error: unknown): Doubt {
  return error instanceof ForeignClientError ? 'owner' : undefined;
}

/** Whether the trailer says that this step made the client. */
export function isOwn({ description }: Pick<Client, 'description'>, { nonce, run }: State): boolean {
  const trailer = parseTrailer(description);
  return trailer?.nonce === nonce && trailer.run === run;
}
