import type { DesiredClient } from '../client/desired.ts';
import { checkCreated, type Findings, formatDifferences, formatExtras, nameWithNonce } from '../client/drift.ts';
import { type ManagedClient, withMarker } from '../client/identity.ts';
import { appendMarker } from '../client/marker.ts';
import type { Step } from '../client/plan.ts';
import { proofOf } from '../client/proof.ts';
import { ApiError } from '../net/api-error.ts';
import { toNanoseconds } from '../net/clock.ts';
import { done, type Failure, failure, type Outcome } from '../net/outcome.ts';
import * as log from '../output/log.ts';
import { byCreateTime, type Client, type ClientSummary, type Secret } from '../scalekit/types.ts';
import { findOwnClients } from '../undo/remove.ts';
import { addSecret } from './add-secret.ts';
import { type Context, MAX_SENDS, type NewSecret } from './context.ts';
import type { SearchResult } from './find.ts';

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
 * Creates a client. If the outcome of the request is unknown, or if the name is taken, searches for the client by its nonce
 * before it sends the request again.
 * @throws {Error} if no client was created, if it is not as requested, or if the outcome stays unknown
 */
export async function createClient(context: Context, found: Pick<SearchResult, 'seenIds'>): Promise<CreatedClient> {
  const { desired } = context;
  let { name } = desired.fields;
  for (let [sends, mayBeDone] = [1, false]; ; sends++) {
    const outcome = await sendCreate(context, found, name, mayBeDone);
    if (outcome.kind === 'done') return outcome.value;
    const { kind, error } = outcome;
    const isNameTaken = error.status === 409 && name === desired.fields.name;
    const search = await searchAfter(context, outcome, isNameTaken);
    if (search.kind === 'found') return await recoverClient(context, search.client);
    // A server that redirects or shows another client would do so again.
    const isHopeless = error.status !== undefined && error.status < 400;
    if (search.kind === 'failed' || sends === MAX_SENDS || isHopeless) throw error;
    if (isNameTaken) name = nameWithNonce(name, desired.marker.nonce);
    mayBeDone ||= kind === 'unknown';
  }
}

/** Sends the create request and judges the response. */
async function sendCreate(
  context: Context,
  found: Pick<SearchResult, 'seenIds'>,
  name: string,
  mayBeDone: boolean,
): Promise<Outcome<CreatedClient>> {
  const { scalekit, desired, journal } = context;
  const description = appendMarker(desired.fields.description, desired.marker);
  const outcome = await scalekit.createClient(
    { ...desired.fields, name, description },
    {
      mayBeDone,
      onSend: () => journal.clientSent(mayBeDone),
      onId: (id) => journal.clientAnswered({ id }),
    },
  );
  return outcome.kind === 'done' ? await acceptClient(context, found, outcome.value) : outcome;
}

/**
 * Searches for the client that a create request may have created.
 * @param isNameTaken whether the request was refused because of its name, so that the client may exist already
 * @throws {ApiError} the request's if there cannot be such a client, or if the run was cancelled
 */
async function searchAfter(context: Context, { kind, error }: Failure, isNameTaken: boolean): Promise<Search> {
  const { scalekit, journal } = context;
  const isRefused = kind === 'refused' && !isNameTaken;
  if (isRefused) journal.forget('client');
  if (isRefused || scalekit.transport.cancelled) throw error;
  log.info(`${error.message} Looking for the client that this may have created.`);
  return await searchForOwnClient(context);
}

/**
 * Records the created client, and checks that it is this step's and as requested.
 * @returns an unknown outcome if the response shows a client that is not, or not provably, this step's
 * @throws {Error} if the client is not as requested, or if the next run could not find it
 */
async function acceptClient(
  { scalekit, desired, journal }: Context,
  { seenIds }: Pick<SearchResult, 'seenIds'>,
  { client: summary, plain_secret }: { client: ClientSummary; plain_secret: string },
): Promise<Outcome<CreatedClient>> {
  const { client_id } = summary;
  const sinceSent = Date.now() - (journal.state.client?.sent_at ?? Date.now());
  const sentAt = toNanoseconds(scalekit.time && scalekit.time - sinceSent);
  const proofFrom = (client: Client) => proofOf(client, { ...desired, sentAt, seenIds });
  let created = summary.parse();
  let proof = proofFrom(created);
  // A response without a description says nothing about its marker.
  if (summary.description === undefined && proof.isOwn) {
    journal.clientAnswered({ id: client_id, is_proven: proof.isProven });
    created = (await scalekit.getClient(client_id))?.parse() ?? created;
    proof = proofFrom(created);
  }
  if (!proof.isOwn) {
    journal.clientUnknown();
    const text = `Could not create the client: the answer shows client ${client_id}, and ${proof.reason}.`;
    return failure(true, new ApiError(text, { status: 200 }));
  }
  const known = { id: client_id, is_proven: proof.isProven };
  journal.clientAnswered(known);
  const shown = await findFirstSecret(scalekit, created);
  if (shown) journal.clientAnswered({ ...known, secret_ids: [shown.id] });
  const client = withMarker(created);
  if (!proof.isMarked) reportUnmarked(desired, client_id);
  reportFindings(client_id, checkCreated(desired, client));
  return done({ client, secret: { plain_secret, shown }, remainingSteps: [] });
}

/** @throws {Error} unless the client is one job's. The post step deletes that by its id */
export function reportUnmarked({ marker: { lifetime } }: DesiredClient, client_id: string): void {
  const what = `Scalekit changed the description of client ${client_id}: it has no ownership marker.`;
  if (lifetime === 'persistent')
    throw new Error(
      `${what} The next run could not find the client. A shorter description may help, if Scalekit cuts it. lifetime: job works without the marker.`,
    );
  log.warning(`${what} The post step deletes the client by its id. If post is cut off, sweep/ does not find it.`);
}

/** Reports what is there in addition to what was requested. @throws {Error} if something that was requested is missing */
function reportFindings(client_id: string, { wrong, warnings, notices }: Findings): void {
  if (wrong.length > 0) {
    const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
    throw new Error(
      `The client that Scalekit created differs from the requested one.${hint}\n${formatDifferences(wrong)}`,
    );
  }
  const text = (found: Findings['notices']) =>
    `Scalekit gave client ${client_id} more than was requested: ${formatExtras(found)}.`;
  if (warnings.length > 0) log.warning(text(warnings));
  if (notices.length > 0) log.notice(text(notices));
}

/** Returns the secret that was created with a client: the oldest. Reads the client again if it was shown without one. */
async function findFirstSecret(scalekit: Context['scalekit'], created: Client): Promise<Secret | undefined> {
  const read = async () => (await scalekit.getClient(created.client_id))?.parse();
  const { secrets } = created.secrets.length > 0 ? created : ((await read().catch(() => undefined)) ?? created);
  return [...secrets].sort(byCreateTime)[0];
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
  journal.clientAnswered({ id: client_id });
  scalekit.expectLag(client_id);
  reportFindings(client_id, checkCreated(desired, client));
  log.info(`Client ${client_id} was created. The value of its secret is lost, so it gets another one.`);
  const secret = await addSecret(context, client);
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
