import { setTimeout as sleep } from 'node:timers/promises';
import { parseTrailer } from './identity.ts';
import type { Request } from './inputs.ts';
import { message } from './log.ts';
import { differences } from './plan.ts';
import type { Scalekit } from './scalekit/api.ts';
import { ApiError } from './scalekit/errors.ts';
import type { CreatedClient, MarkedClient } from './scalekit/types.ts';
import { Journal, type State } from './state.ts';

/** Milliseconds after a create request was sent in which the server may finish it, though its caller has gone. */
const LATE_CREATE = 15_000;
/** Milliseconds after a create in which the API may not show the client yet. */
const READ_LAG = 10_000;
/** Milliseconds between two looks for a client that may still appear. */
const LOOK_AGAIN = 1_000;

/** The journal of a step that is about to create a client, still empty. */
export function openJournal({ origin, organization_id, trailer, credentials }: Request): Journal {
  const { nonce, run, lifetime } = trailer;
  return new Journal({ origin, organization_id, nonce, run, lifetime }, credentials.client_secret);
}

/**
 * Creates the client and makes sure that it is what was asked for. The intent is written down before each sending of
 * the request and the id as soon as it is known, so that the post step can clean up wherever this one is cut off.
 */
export async function create(scalekit: Scalekit, request: Request, journal: Journal): Promise<CreatedClient> {
  const created = await scalekit.createClient(request.fields, {
    send: () => journal.note({ sent_at: Date.now() }),
    id: (client_id) => {
      // Known to the roll-back even where it cannot be written.
      journal.state.client_id = client_id;
      journal.note({ client_id });
    },
  });
  if (!isOwn(created.client, journal.state)) {
    throw new Error(
      "Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.",
    );
  }
  journal.proven = true;
  const wrong = differences(request, created.client);
  if (wrong.length > 0) {
    const list = wrong.map(({ field, wanted, got }) => `${field}: wanted ${wanted}; got ${got}`).join('\n');
    const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
    throw new Error(`Scalekit did not make the client that was asked for.${hint}\n${list}`);
  }
  return created;
}

/**
 * Removes what a failed step may have made.
 * @returns the error to show: the failure, and what became of the client
 */
export async function undo(scalekit: Scalekit, journal: Journal, failure: unknown): Promise<unknown> {
  const { sent_at, client_id } = journal.state;
  if (!sent_at) return failure;
  if (!client_id && failure instanceof ApiError && !failure.uncertain) {
    journal.clear();
    return failure;
  }
  return new Error(`${message(failure)}\n${await removeAgain(scalekit, journal)}`, { cause: failure });
}

async function removeAgain(scalekit: Scalekit, journal: Journal): Promise<string> {
  const { client_id } = journal.state;
  try {
    // What the answer proved to be this step's need not be read first.
    const removed =
      client_id && journal.proven
        ? (await scalekit.deleteClient(client_id)) && client_id
        : await removeOwn(scalekit, journal.state);
    if (removed) {
      journal.clear();
      return `The client ${removed} was removed again.`;
    }
    // From here the post step counts the time in which the client may still appear.
    journal.note({ sent_at: Date.now() });
    const unsure = client_id
      ? `The client ${client_id} was made, but the API does not show it.`
      : 'Whether a client was made is not known: none shows up.';
    return `${unsure} The post step looks again. ${leftover(scalekit, journal.state)}`;
  } catch (error) {
    return `The client could not be removed again: ${message(error)} ${leftover(scalekit, journal.state, doubt(error))}`;
  }
}

/**
 * Removes the client of a step that was cut off, or whose job is over, and looks for it as long as it may still appear.
 * @returns the id, or nothing where there is no such client (any more)
 * @throws where a request fails, or the client with that id is not this step's
 */
export async function cleanUp(scalekit: Scalekit, state: State): Promise<string | undefined> {
  const until = (state.sent_at ?? 0) + (state.client_id ? READ_LAG : LATE_CREATE);
  for (;;) {
    const removed = await removeOwn(scalekit, state);
    if (removed || Date.now() > until) return removed;
    await sleep(LOOK_AGAIN);
  }
}

/** What is not sure about a state: that main wrote it, or that the client in it is this step's. */
type Doubt = 'state' | 'owner' | undefined;

/** The client that the state names is another's. */
class ForeignClientError extends Error {
  override name = 'ForeignClientError';
}

export function doubt(error: unknown): Doubt {
  return error instanceof ForeignClientError ? 'owner' : undefined;
}

/** The call that removes by hand what may be left, for a message. Somebody will send a token to an origin it names. */
export function leftover(scalekit: Scalekit, { client_id, organization_id, nonce }: State, unsure?: Doubt): string {
  const url = scalekit.clientUrl(client_id);
  const address = unsure === 'state' ? url.pathname : url.href;
  const whose = unsure ? ', if it is yours,' : '';
  if (client_id)
    return `To remove client ${client_id} of organization ${organization_id}${whose} by hand: DELETE ${address}`;
  return `To look for it by hand: GET ${address} shows it with "nonce=${nonce}" in its description; then DELETE ${address}/ID`;
}

async function removeOwn(scalekit: Scalekit, state: State): Promise<string | undefined> {
  const named = state.client_id ? await scalekit.getClient(state.client_id) : undefined;
  if (state.client_id && !named) return undefined;
  // The answer to a read may show another client than the one that was asked for.
  const asked = named?.client_id === state.client_id ? named : undefined;
  const own = asked && isOwn(asked, state) ? asked : await findOwn(scalekit, state);
  if (own) await scalekit.deleteClient(own.client_id);
  else if (named)
    throw new ForeignClientError(`client ${state.client_id} is not this step's, by the last line of its description.`);
  return own?.client_id;
}

async function findOwn(scalekit: Scalekit, state: State): Promise<MarkedClient | undefined> {
  for await (const client of scalekit.listClients()) if (isOwn(client, state)) return client;
  return undefined;
}

function isOwn({ description }: MarkedClient, { nonce, run }: State): boolean {
  const trailer = parseTrailer(description);
  return trailer?.nonce === nonce && trailer.run === run;
}
