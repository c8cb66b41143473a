import type { DesiredClient } from '../client/desired.ts';
import { differencesInResponse, formatDifferences } from '../client/drift.ts';
import { appendMarker, isFromThisStep, type ManagedClient, withMarker } from '../client/identity.ts';
import type { Step } from '../client/plan.ts';
import * as log from '../output/log.ts';
import { byCreateTime, type Client, type ClientSummary, type Secret } from '../scalekit/types.ts';
import { findOwnClients } from '../undo/remove.ts';
import { addSecret } from './add-secret.ts';
import { type Context, MAX_SENDS, type NewSecret } from './context.ts';

/**
 * Milliseconds before each search for the client of a create request whose outcome is unknown: at once, and after 1, 2
 * and 4 seconds.
 */
const SEARCH_DELAYS = [0, 1_000, 1_000, 2_000];

/** A client that this step created, and a secret whose value it knows. */
export interface CreatedClient {
  client: ManagedClient;
  secret: NewSecret;
  remainingSteps: Step[];
}

/**
 * Creates a client. If the outcome of the request is unknown, searches for the client by its nonce before it sends the
 * request again.
 * @throws {Error} if no client was created, if it is not as requested, or if the outcome stays unknown
 */
export async function createClient(context: Context): Promise<CreatedClient> {
  const { scalekit, desired, journal } = context;
  const description = appendMarker(desired.fields.description, desired.marker);
  for (let sends = 1; ; sends++) {
    const outcome = await scalekit.createClient(
      { ...desired.fields, description },
      {
        mayBeDone: sends > 1,
        onSend: () => journal.clientSent(sends > 1),
        onId: (id) => journal.clientAnswered(id),
      },
    );
    if (outcome.kind === 'done') return await acceptClient(context, outcome.value);
    const { kind, error } = outcome;
    if (kind === 'refused') journal.forget('client');
    if (kind === 'refused' || scalekit.transport.cancelled) throw error;
    log.info(`${error.message} Looking for the client that this may have created.`);
    const search = await searchForOwnClient(context);
    if (search.kind === 'found') return await recoverClient(context, search.client);
    // A server that redirects would redirect again.
    const isRedirect = error.status !== undefined && error.status < 400;
    if (search.kind === 'failed' || sends === MAX_SENDS || isRedirect) throw error;
  }
}

/** Records the created client, and checks that it is this step's and as requested. */
async function acceptClient(
  { scalekit, desired, journal }: Context,
  { client: created, plain_secret }: { client: Client; plain_secret: string },
): Promise<CreatedClient> {
  const client = withMarker(created);
  if (!isFromThisStep(client, journal.state)) {
    throw new Error(
      "Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.",
    );
  }
  const shown = await findFirstSecret(scalekit, created);
  if (shown) journal.clientAnswered(client.client_id, [shown.id]);
  requireAsRequested(desired, client);
  return { client, secret: { plain_secret, shown }, remainingSteps: [] };
}

/** Returns the secret that was created with a client: the oldest. Reads the client again if it was shown without one. */
async function findFirstSecret(scalekit: Context['scalekit'], created: Client): Promise<Secret | undefined> {
  const read = () => scalekit.getClient(created.client_id).catch(() => undefined);
  const { secrets } = created.secrets.length > 0 ? created : ((await read())?.parse() ?? created);
  return [...secrets].sort(byCreateTime)[0];
}

/** @throws {Error} if the client is not as requested */
function requireAsRequested(desired: DesiredClient, client: ManagedClient): void {
  const wrong = differencesInResponse(desired, client);
  if (wrong.length === 0) return;
  const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
  throw new Error(
    `The client that Scalekit created differs from the requested one.${hint}\n${formatDifferences(wrong)}`,
  );
}

/** What a search for the client of this step returned. */
type Search = { kind: 'found'; client: ClientSummary } | { kind: 'not found' | 'failed' };

/** Searches for the client that this step created, for 4 seconds. */
async function searchForOwnClient({ scalekit, journal }: Context): Promise<Search> {
  try {
    for (const delay of SEARCH_DELAYS) {
      await scalekit.transport.pause(delay);
      const [client] = await findOwnClients(scalekit, journal.state);
      if (client) return { kind: 'found', client };
    }
    return { kind: 'not found' };
  } catch (error) {
    log.debug(log.message(error));
    return { kind: 'failed' };
  }
}

/**
 * Recovers a client whose create request got no usable response. The value of its first secret is unknown, so a second
 * one is added, and the first is deleted after publishing.
 */
async function recoverClient(context: Context, found: ClientSummary): Promise<CreatedClient> {
  const { scalekit, desired, journal } = context;
  const client = withMarker(found.parse());
  const { client_id } = client;
  journal.clientAnswered(client_id);
  requireAsRequested(desired, client);
  log.info(`Client ${client_id} was created. The value of its secret is lost, so it gets another one.`);
  const secret = await scalekit.expectLag(client_id, () => addSecret(context, client));
  const added = secret.shown?.id;
  // A list may not show the secrets of a new client yet. Without the new secret's id, the first one cannot be identified.
  const reread = client.secrets.length === 0 && added ? await scalekit.getClient(client_id) : undefined;
  const [first] = (reread?.parse() ?? client).secrets.filter(({ id }) => id !== added).sort(byCreateTime);
  // From here on the added secret is part of this step's client: one entry covers both.
  journal.secretJoinsClient([first?.id, added].filter((id) => id !== undefined));
  return {
    client,
    secret,
    remainingSteps: first ? [{ kind: 'delete-secret', secret: first, spareRecent: false }] : [],
  };
}
