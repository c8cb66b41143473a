import { setTimeout as sleep } from 'node:timers/promises';
import { parseTrailer } from './identity.ts';
import type { Request } from './inputs.ts';
import { message } from './log.ts';
import { differences } from './plan.ts';
import type { Scalekit } from './scalekit/api.ts';
import { ApiError } from './scalekit/errors.ts';
import type { Client, CreatedClient } from './scalekit/types.ts';
import { clearState, type State, writeState } from './state.ts';

/** Milliseconds after a create request was sent in which the server may finish it, though its caller has gone. */
const LATE_CREATE = 15_000;
/** Milliseconds between two looks for a client that may still appear. */
const LOOK_AGAIN = 1_000;

/** Writes down that a client is about to be created, so that the post step can clean up wherever main is cut off. */
export function announce({ origin, organization_id, trailer: { nonce, run, lifetime }, credentials }: Request): State {
  const state: State = { origin, organization_id, nonce, run, lifetime, sent_at: Date.now() };
  writeState(state, credentials.client_secret);
  return state;
}

/**
 * Creates the client, writes its id down as soon as it is known, and makes sure that it is what was asked for.
 */
export async function create(scalekit: Scalekit, request: Request, state: State): Promise<CreatedClient> {
  const created = await scalekit.createClient(request.fields);
  if (!isOwn(created.client, state)) {
    throw new Error(
      "Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.",
    );
  }
  state.client_id = created.client.client_id;
  writeState(state, request.credentials.client_secret);
  const wrong = differences(request, created.client);
  if (wrong.length > 0) {
    const list = wrong.map(({ field, wanted, got }) => `${field}: wanted ${wanted}; got ${got}`).join('\n');
    throw new Error(
      `Scalekit did not make the client that was asked for. A scope must exist in the environment before a client can have it.\n${list}`,
    );
  }
  return created;
}

/**
 * Removes what a failed step may have made.
 * @returns the error to show: the failure, and what became of the client
 */
export async function undo(scalekit: Scalekit, state: State, failure: unknown): Promise<unknown> {
  if (!state.client_id && failure instanceof ApiError && !failure.uncertain) {
    clearState();
    return failure;
  }
  return new Error(`${message(failure)}\n${await removeAgain(scalekit, state)}`, { cause: failure });
}

async function removeAgain(scalekit: Scalekit, state: State): Promise<string> {
  try {
    // An id in the state came with this run's own nonce, so there is no need to read the client first.
    if (state.client_id) await scalekit.deleteClient(state.client_id);
    const removed = state.client_id ?? (await removeOwn(scalekit, state));
    if (!removed)
      return `Whether a client was made is not known: none shows up. The post step looks again. ${leftover(scalekit, state)}`;
    clearState();
    return `The client ${removed} was removed again.`;
  } catch (error) {
    return `The client could not be removed again: ${message(error)} ${leftover(scalekit, state)}`;
  }
}

/**
 * Removes the client of a step that was cut off, or whose job is over. Where its id never became known, looks for its
 * nonce as long as the server may still finish the request.
 * @returns the id, or nothing where there is no such client (any more)
 * @throws where a request fails, or the client with that id is not this step's
 */
export async function cleanUp(scalekit: Scalekit, state: State): Promise<string | undefined> {
  for (;;) {
    const removed = await removeOwn(scalekit, state);
    if (removed || state.client_id || Date.now() > state.sent_at + LATE_CREATE) return removed;
    await sleep(LOOK_AGAIN);
  }
}

/**
 * The call that removes by hand what may be left, for a message.
 * @param trusted whether the origin may be named: somebody will send a token there
 */
export function leftover(scalekit: Scalekit, { client_id, organization_id, nonce }: State, trusted = true): string {
  const url = scalekit.clientUrl(client_id);
  const address = trusted ? url.href : url.pathname;
  if (client_id) return `To remove client ${client_id} of organization ${organization_id} by hand: DELETE ${address}`;
  return `To look for it by hand: GET ${address} shows it with "nonce=${nonce}" in its description; then DELETE ${address}/ID`;
}

async function removeOwn(scalekit: Scalekit, state: State): Promise<string | undefined> {
  const client = state.client_id ? await scalekit.getClient(state.client_id) : await findOwn(scalekit, state);
  if (!client) return undefined;
  if (!isOwn(client, state))
    throw new Error(
      `client ${client.client_id} is not the one that this step made, by the last line of its description.`,
    );
  await scalekit.deleteClient(client.client_id);
  return client.client_id;
}

async function findOwn(scalekit: Scalekit, state: State): Promise<Client | undefined> {
  for await (const client of scalekit.listClients()) if (isOwn(client, state)) return client;
  return undefined;
}

function isOwn({ description }: Client, { nonce, run }: State): boolean {
  const trailer = parseTrailer(description);
  return trailer?.nonce === nonce && trailer.run === run;
}
