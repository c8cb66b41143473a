import type { DesiredClient } from '../client/desired.ts';
import { differencesInResponse, formatDifferences } from '../client/drift.ts';
import { appendMarker, isFromThisStep, type ManagedClient, withMarker } from '../client/identity.ts';
import type { Step } from '../client/plan.ts';
import { ApiError } from '../net/api-error.ts';
import * as log from '../output/log.ts';
import { byCreateTime, type ClientSummary } from '../scalekit/types.ts';
import { findOwnClients } from '../undo/remove.ts';
import { addSecret, identifySecret } from './add-secret.ts';
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
 */
export async function createClient(context: Context): Promise<CreatedClient> {
  const { scalekit, journal } = context;
  for (let sending = 1; ; sending++) {
    try {
      return await createOnce(context, sending > 1);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // If the first request is refused, nothing was created. If a repeated one is, earlier ones may have succeeded.
      if (!error.outcomeUnknown && sending === 1) journal.forget();
      if (!error.outcomeUnknown || scalekit.transport.cancelled) throw error;
      log.info(`${error.message} Looking for the client that this may have made.`);
      const found = await searchForOwnClient(context).catch(() => Promise.reject(error));
      if (found) return await recoverClient(context, found);
      // A server that redirects would redirect again.
      const redirected = error.status !== undefined && error.status < 400;
      if (sending === MAX_SENDS || redirected) throw error;
    }
  }
}

/** @param sent_again whether an earlier create request of this step may have arrived */
async function createOnce({ scalekit, desired, journal }: Context, sent_again: boolean): Promise<CreatedClient> {
  let sent_at = 0;
  const description = appendMarker(desired.fields.description, desired.marker);
  const { client: created, plain_secret } = await scalekit.createClient(
    { ...desired.fields, description },
    {
      onSend: () => {
        sent_at = Date.now();
        journal.recordIntent({ client: { sent_at, sent_again } });
      },
      onId: (id) => journal.recordResult({ client: { sent_at, sent_again, id } }),
    },
  );
  const client = withMarker(created);
  if (!isFromThisStep(client, journal.state)) {
    throw new Error(
      "Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.",
    );
  }
  const [only, ...others] = client.secrets;
  const secret =
    only && others.length === 0 ? only : await identifySecret(scalekit, client.client_id, plain_secret, []);
  if (secret.id)
    journal.recordResult({ client: { sent_at, sent_again, id: client.client_id, secret_ids: [secret.id] } });
  requireAsRequested(desired, client);
  return { client, secret: { secret, plain_secret }, remainingSteps: [] };
}

/** @throws {Error} if the client is not as requested */
function requireAsRequested(desired: DesiredClient, client: ManagedClient): void {
  const wrong = differencesInResponse(desired, client);
  if (wrong.length === 0) return;
  const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
  throw new Error(`Scalekit did not make the client that was asked for.${hint}\n${formatDifferences(wrong)}`);
}

/** Returns the client that this step created, or undefined if no search shows it within 4 seconds. */
async function searchForOwnClient({ scalekit, journal }: Context): Promise<ClientSummary | undefined> {
  for (const delay of SEARCH_DELAYS) {
    await scalekit.transport.pause(delay);
    const [client] = await findOwnClients(scalekit, journal.state);
    if (client) return client;
  }
  return undefined;
}

/**
 * Recovers a client whose create request got no usable response. The value of its first secret is unknown, so a second
 * one is added, and the first is deleted after publishing.
 */
async function recoverClient(context: Context, found: ClientSummary): Promise<CreatedClient> {
  const { scalekit, desired, journal } = context;
  const client = withMarker(found.parse());
  const { sent_at = 0, sent_again = false } = journal.state.client ?? {};
  const pending = { sent_at, sent_again, id: client.client_id };
  journal.recordResult({ client: pending });
  requireAsRequested(desired, client);
  log.info(`Client ${client.client_id} was made. The value of its secret is lost, so it gets another one.`);
  const secret = await scalekit.expectLag(client.client_id, () => addSecret(context, client, []));
  // A list may not show the secrets of a new client yet. Without the new secret's id, the first one cannot be identified.
  const reread =
    client.secrets.length === 0 && secret.secret.id ? await scalekit.getClient(client.client_id) : undefined;
  const shown = reread?.parse() ?? client;
  const [first] = shown.secrets.filter(({ id }) => id !== secret.secret.id).sort(byCreateTime);
  const secret_ids = [...(first ? [first.id] : []), secret.secret.id];
  // From here on the added secret is part of this step's client: one record covers both.
  const secret_outcome_unknown = journal.state.secret?.outcome_unknown;
  journal.recordResult({ client: { ...pending, secret_ids, secret_outcome_unknown }, secret: undefined });
  return {
    client,
    secret,
    remainingSteps: first ? [{ kind: 'delete-secret', secret: first, spareRecent: false }] : [],
  };
}
