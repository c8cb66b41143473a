import type { DesiredClient } from '../client/desired.ts';
import { formatDifferences, shortfalls } from '../client/drift.ts';
import { appendMarker, type ManagedClient, withMarker } from '../client/identity.ts';
import type { Step } from '../client/plan.ts';
import { ApiError } from '../net/api-error.ts';
import * as log from '../output/log.ts';
import { byCreateTime, type ClientSummary } from '../scalekit/types.ts';
import type { PendingClient } from '../undo/journal.ts';
import { findOwnClients, isFromThisStep } from '../undo/remove.ts';
import { type Context, MAX_SENDS, type NewSecret } from './context.ts';
import { addSecret, identifySecret } from './rotate.ts';

/** Milliseconds before each look for the client of a lost create: at once, and after 1, 2 and 4 seconds. */
const SEARCH_DELAYS = [0, 1_000, 1_000, 2_000];

/** A client that this step made, with the secret whose value it knows. */
export interface CreatedClient {
  client: ManagedClient;
  secret: NewSecret;
  remainingSteps: Step[];
}

/** Makes a client. Where the answer is lost, the client is looked for by its nonce before the request is sent again. */
export async function createClient(context: Context): Promise<CreatedClient> {
  const { scalekit, journal } = context;
  for (let sending = 1; ; sending++) {
    try {
      return await createOnce(context, sending > 1);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // A refusal of the first says that there is nothing; one of a repeat says nothing about those before.
      if (!error.outcomeUnknown && sending === 1) journal.forget();
      if (!error.outcomeUnknown || scalekit.transport.cancelled) throw error;
      log.info(`${error.message} Looking for the client that this may have made.`);
      const lost = await findOwnClient(context).catch(() => Promise.reject(error));
      if (lost) return await recoverClient(context, lost);
      // What sends elsewhere would do so again.
      const redirect = error.status !== undefined && error.status < 400;
      if (sending === MAX_SENDS || redirect) throw error;
    }
  }
}

async function createOnce({ scalekit, desired, journal }: Context, again: boolean): Promise<CreatedClient> {
  const pending: PendingClient = { sent_at: 0, sent_again: again };
  const description = appendMarker(desired.fields.description, desired.marker);
  const { client: made, plain_secret } = await scalekit.createClient(
    { ...desired.fields, description },
    {
      onSend: () => {
        pending.sent_at = Date.now();
        journal.recordIntent({ client: pending });
      },
      onId: (id) => journal.recordResult({ client: { ...pending, id } }),
    },
  );
  const client = withMarker(made);
  if (!isFromThisStep(client, journal.state)) {
    throw new Error(
      "Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.",
    );
  }
  const [only, ...others] = client.secrets;
  const secret =
    only && others.length === 0 ? only : await identifySecret(scalekit, client.client_id, plain_secret, []);
  if (secret.id) journal.recordResult({ client: { ...pending, id: client.client_id, secret_ids: [secret.id] } });
  requireAsRequested(desired, client);
  return { client, secret: { secret, plain_secret }, remainingSteps: [] };
}

function requireAsRequested(desired: DesiredClient, client: ManagedClient): void {
  const wrong = shortfalls(desired, client);
  if (wrong.length === 0) return;
  const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
  throw new Error(`Scalekit did not make the client that was asked for.${hint}\n${formatDifferences(wrong)}`);
}

async function findOwnClient({ scalekit, journal }: Context): Promise<ClientSummary | undefined> {
  for (const pause of SEARCH_DELAYS) {
    await scalekit.transport.pause(pause);
    const [own] = await findOwnClients(scalekit, journal.state);
    if (own) return own;
  }
  return undefined;
}

/** Gives a client whose create was answered by nobody another secret: the value of its first one is lost. */
async function recoverClient(context: Context, lost: ClientSummary): Promise<CreatedClient> {
  const { scalekit, desired, journal } = context;
  const client = withMarker(lost.parse());
  const { sent_at = 0, sent_again: again = false } = journal.state.client ?? {};
  const pending: PendingClient = { sent_at, sent_again: again, id: client.client_id };
  journal.recordResult({ client: pending });
  requireAsRequested(desired, client);
  log.info(`Client ${client.client_id} was made. The value of its secret is lost, so it gets another one.`);
  const secret = await addSecret(context, client, { young: true, evict: false });
  // A list may lag behind with what is within a client, too. A secret without an id could not be told from the first.
  const reread =
    client.secrets.length === 0 && secret.secret.id ? await scalekit.getClient(client.client_id) : undefined;
  const shown = reread?.parse() ?? client;
  const [first] = shown.secrets.filter(({ id }) => id !== secret.secret.id).sort(byCreateTime);
  const secret_ids = [...(first ? [first.id] : []), secret.secret.id];
  journal.recordResult({
    client: { ...pending, secret_ids, secret_outcome_unknown: journal.state.secret?.outcome_unknown },
    secret: undefined,
  });
  return {
    client,
    secret,
    remainingSteps: first ? [{ kind: 'delete-secret', secret: first, spareRecent: false }] : [],
  };
}
