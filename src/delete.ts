import { ApiError } from './answers.ts';
import { cancellable, start } from './entry.ts';
import { type Aimed, getNamed } from './find.ts';
import { GitHub } from './github/api.ts';
import { Vault } from './github/vault.ts';
import { Transport } from './http.ts';
import { identityKey, parseTrailer, repositoryMark } from './identity.ts';
import { type DeletionInputs, readDeletion } from './inputs.ts';
import * as log from './log.ts';
import { setOutputs } from './publish.ts';
import { type OwnClient, refuseFailures, removeClient } from './removal.ts';
import { identityOf, settlePlace } from './request.ts';
import { Scalekit } from './scalekit/api.ts';
import { CLIENT_ID } from './scalekit/types.ts';
import { cell, writeSummary } from './summary.ts';
import { findTarget } from './target.ts';

start(run, log.fail, 1);

async function run(): Promise<void> {
  const inputs = readDeletion(process.env);
  inputs.warnings.forEach(log.warning);
  const transport = new Transport(inputs.runner.run, inputs.timeout);
  // Nothing is ever rolled back here.
  transport.openReserve();
  await cancellable(transport, () => work(inputs, transport));
}

/** Deletes the lasting clients of a repository and environment, and what is kept of them in GitHub Actions. */
async function work(inputs: DeletionInputs, transport: Transport): Promise<void> {
  const { github: access, dry_run } = inputs;
  const target = await findTarget(inputs, transport, process.env);
  const place = settlePlace(inputs, target);
  const vault = access && place && (await openVault(new Vault(new GitHub(transport, access), place)));

  const scalekit = await Scalekit.open(transport, inputs);
  const identity = identityOf(inputs, target, 'persistent');
  const trailer = { key: identityKey(identity), repo: repositoryMark(target.repository, target.repository_id) };
  const clients = await findClients(scalekit, inputs, { identity, trailer });
  const pair = vault && (await judgePair(scalekit, vault, clients, inputs.client_id ? '' : trailer.key));

  if (dry_run) return await show(clients, pair?.goes ? vault : undefined, pair?.why);

  const { deleted, left } = await deleteClients(scalekit, clients);
  // The pair of a client that could not be deleted is still good.
  const stays = left.has(vault?.saved.client_id?.trim() ?? '');
  const forgotten = vault && pair?.goes && !stays ? await forget(vault) : { deleted: [], failures: [] };
  if (pair?.why) log.warning(pair.why);
  const all = [...deleted.map((id) => `client ${id}`), ...forgotten.deleted];
  const failures = [...forgotten.failures, ...left.values()];
  if (all.length + failures.length === 0) log.info('There is nothing to delete.');
  setOutputs({ deleted: deleted.join(' ') });
  await writeSummary('Scalekit organization client: deleted', [[cell(all)]]);
  refuseFailures(failures);
}

async function show(clients: OwnClient[], vault: Vault | undefined, why: string | undefined): Promise<void> {
  const all = [...clients.map(({ client_id }) => `client ${client_id}`), ...(vault ? [vault.names] : [])];
  log.info(
    all.length > 0 ? 'Dry run: nothing was changed. A run without dry_run would' : 'There is nothing to delete.',
  );
  for (const what of all) log.info(`- delete ${what}`);
  if (why) log.warning(why);
  setOutputs({ deleted: '' });
  await writeSummary('Scalekit organization client: what would be deleted', [[cell(all)]]);
}

/**
 * Makes sure that the pair can be deleted, as far as reading tells: to a token that may not, GitHub can show nothing.
 * @returns nothing where the environment is not there, and so no pair
 */
async function openVault(vault: Vault): Promise<Vault | undefined> {
  try {
    await vault.open();
    return vault;
  } catch (error) {
    const missing = error instanceof ApiError && error.status === 404 && vault.place.environment !== '';
    if (missing && (await vault.isVisible()) && !(await vault.exists())) return undefined;
    throw error;
  }
}

/** The client that `client_id` names, or all with the key, also those that nobody could read whole. */
async function findClients(scalekit: Scalekit, { client_id }: DeletionInputs, aimed: Aimed): Promise<OwnClient[]> {
  if (client_id) {
    const client = await getNamed(scalekit, { client_id, ...aimed });
    if (!client) return [];
    if (client.trailer) return [{ client_id, trailer: client.trailer }];
    throw new Error(
      `Client ${client_id} is not deleted: by the last line of its description, this action did not make it.`,
    );
  }
  const found = new Map<string, OwnClient>();
  for await (const { client_id, description } of scalekit.listClients()) {
    const trailer = parseTrailer(description);
    if (trailer?.key === aimed.trailer.key) found.set(client_id, { client_id, trailer });
  }
  return [...found.values()];
}

/**
 * Decides whether the pair goes: not where it is that of a client that stays. A client with the key that only the saved
 * variable shows, since a list may lag, joins the `clients`.
 * @param key empty where `client_id` says which client goes
 */
async function judgePair(
  scalekit: Scalekit,
  { saved, names }: Vault,
  clients: OwnClient[],
  key: string,
): Promise<{ goes: boolean; why?: string }> {
  const id = saved.client_id?.trim();
  if (id === undefined && saved.secret_time === undefined) return { goes: false };
  if (id === undefined || clients.some(({ client_id }) => client_id === id)) return { goes: true };
  const named = CLIENT_ID.test(id) ? await scalekit.getClient(id) : undefined;
  if (named?.client_id !== id) return { goes: true };
  const trailer = parseTrailer(named.description);
  if (trailer?.key !== key)
    return { goes: false, why: `The ${names} stay: they are those of client ${id}, which stays.` };
  clients.push({ client_id: id, trailer });
  return { goes: true };
}

/** @returns the ids that were deleted, and why others are left, by their ids */
async function deleteClients(
  scalekit: Scalekit,
  clients: OwnClient[],
): Promise<{ deleted: string[]; left: Map<string, string> }> {
  const deleted: string[] = [];
  const left = new Map<string, string>();
  for (const client of clients) {
    const outcome = await removeClient(scalekit, client);
    if (typeof outcome !== 'string') left.set(client.client_id, outcome.left);
    if (outcome !== 'deleted') continue;
    deleted.push(client.client_id);
    log.info(`Deleted client ${client.client_id}.`);
  }
  return { deleted, left };
}

/** Deletes a pair from GitHub Actions. What is not there is fine. */
async function forget(vault: Vault): Promise<{ deleted: string[]; failures: string[] }> {
  const { variable, secret } = vault.place;
  const [deleted, failures]: [string[], string[]] = [[], []];
  const attempt = async (what: string, work: () => Promise<boolean>) => {
    try {
      if (!(await work())) return;
      deleted.push(what);
      log.info(`Deleted ${what}.`);
    } catch (error) {
      failures.push(`The ${what} is left over: ${log.message(error)}`);
    }
  };
  // Last written, first removed: a secret without its variable is found by nobody.
  await attempt(`secret ${secret} of ${vault.name}`, () => vault.deleteSecret());
  await attempt(`variable ${variable} of ${vault.name}`, () => vault.deleteVariable());
  return { deleted, failures };
}
