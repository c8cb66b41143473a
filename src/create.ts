import { ApiError } from './answers.ts';
import { addSecret, type Context, identify, MOST_SENDINGS, type NewSecret } from './change.ts';
import { type Found, search } from './find.ts';
import { type KnownClient, recognize, withTrailer } from './identity.ts';
import * as log from './log.ts';
import { clock } from './node.ts';
import { byAge, differenceLines, firstMade, type Step, shortfalls } from './plan.ts';
import type { Request } from './request.ts';
import type { MarkedClient } from './scalekit/types.ts';
import { isOwn, ownClients, takeClient } from './undo.ts';

/** Milliseconds before each look for the client of a lost create: at once, and after 1, 2 and 4 seconds. */
const LOOKS = [0, 1_000, 1_000, 2_000];

/** A client that this step made, with the secret whose value it knows. */
export interface Created {
  client: KnownClient;
  secret: NewSecret;
  after: Step[];
}

/** Makes a client. Where the answer is lost, the client is looked for by its nonce before the request is sent again. */
export async function create(context: Context): Promise<Created> {
  const { scalekit, journal } = context;
  for (let sending = 1; ; sending++) {
    try {
      return await createOnce(context, sending > 1);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // A refusal of the first says that there is nothing; one of a repeat says nothing about those before.
      if (!error.uncertain && sending === 1) journal.clear();
      if (!error.uncertain || scalekit.transport.cancelled) throw error;
      log.info(`${error.message} Looking for the client that this may have made.`);
      const lost = await lookForOwn(context).catch(() => Promise.reject(error));
      if (lost) return await recover(context, lost);
      // What sends elsewhere would do so again.
      const redirect = error.status !== undefined && error.status < 400;
      if (sending === MOST_SENDINGS || redirect) throw error;
    }
  }
}

async function createOnce({ scalekit, request, journal }: Context, again: boolean): Promise<Created> {
  const trace = { sent_at: 0, again };
  const description = withTrailer(request.fields.description, request.trailer);
  const { client: answered, plain_secret } = await scalekit.createClient(
    { ...request.fields, description },
    {
      send: () => {
        trace.sent_at = Date.now();
        journal.note({ client: trace });
      },
      id: (id) => journal.learn({ client: { ...trace, id } }),
    },
  );
  const client = recognize(answered);
  if (!isOwn(client, journal.state)) {
    throw new Error(
      "Could not create the client: the answer shows a client without the last line of this step's description, so it may be another one.",
    );
  }
  const [only, ...others] = client.secrets;
  const secret = only && others.length === 0 ? only : await identify(scalekit, client.client_id, plain_secret, []);
  if (secret.id) journal.learn({ client: { ...trace, id: client.client_id, secret_ids: [secret.id] } });
  refuseShortfalls(request, client);
  return { client, secret: { secret, plain_secret }, after: [] };
}

function refuseShortfalls(request: Request, client: KnownClient): void {
  const wrong = shortfalls(request, client);
  if (wrong.length === 0) return;
  const hint = wrong.some(({ field }) => field === 'scopes') ? ' A scope must exist in the environment first.' : '';
  throw new Error(`Scalekit did not make the client that was asked for.${hint}\n${differenceLines(wrong)}`);
}

async function lookForOwn({ scalekit, journal }: Context): Promise<MarkedClient | undefined> {
  for (const pause of LOOKS) {
    await scalekit.transport.pause(pause);
    const [own] = await ownClients(scalekit, journal.state);
    if (own) return own;
  }
  return undefined;
}

/** Gives a client whose create was answered by nobody another secret: the value of its first one is lost. */
async function recover(context: Context, lost: MarkedClient): Promise<Created> {
  const { scalekit, request, journal } = context;
  const client = recognize(lost.whole());
  const { sent_at = 0, again = false } = journal.state.client ?? {};
  const trace = { sent_at, again, id: client.client_id };
  journal.learn({ client: trace });
  refuseShortfalls(request, client);
  log.info(`Client ${client.client_id} was made. The value of its secret is lost, so it gets another one.`);
  const secret = await addSecret(context, client, { young: true, evict: false });
  // A list may lag behind with what is within a client, too. A secret without an id could not be told from the first.
  const reread =
    client.secrets.length === 0 && secret.secret.id ? await scalekit.getClient(client.client_id) : undefined;
  const shown = reread?.whole() ?? client;
  const [first] = shown.secrets.filter(({ id }) => id !== secret.secret.id).sort(byAge);
  const secret_ids = [...(first ? [first.id] : []), secret.secret.id];
  journal.learn({ client: { ...trace, secret_ids, lost: journal.state.secret?.lost }, secret: undefined });
  return { client, secret, after: first ? [{ kind: 'delete-secret', secret: first, spare_young: false }] : [] };
}

/**
 * Looks once more after a create: for further clients of this very step, which are removed, and for those that other
 * runs made for the same purpose at the same time.
 * @returns the rival's client that was there first
 */
export async function lookForRival(
  { scalekit, request, journal }: Context,
  created: KnownClient,
  found: Found,
): Promise<KnownClient | undefined> {
  const lasting = request.trailer.lifetime === 'persistent';
  if (!lasting && !journal.state.client?.again) return undefined;
  // Without a search, what was there at the first look can only be told by the time that has passed since.
  const passed = BigInt(Math.ceil(clock() - found.at)) * 1_000_000n;
  const { ours } = await search(scalekit, request);
  const isTwin = (client: KnownClient) => isOwn(client, journal.state);
  for (const twin of ours.filter(isTwin)) {
    if (twin.client_id === created.client_id) continue;
    const { what } = await takeClient(scalekit, journal.state, { ...twin, whole: () => twin });
    log.info(`Removed a second client of the same request: ${what}.`);
  }
  if (!lasting) return undefined;
  // Times from one source: those of an answer and of a list may differ in their digits.
  const own = ours.find(({ client_id }) => client_id === created.client_id) ?? created;
  const isNew = ({ client_id, create_time: time }: KnownClient) =>
    found.seen
      ? !found.seen.has(client_id)
      : client_id !== found.client?.client_id && time !== undefined && time >= (own.create_time ?? time) - passed;
  const [first] = [...ours.filter((client) => !isTwin(client) && isNew(client)), own].sort(firstMade);
  return first === own ? undefined : first;
}
