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

  const { deleted, failures } = dry_run ? { deleted: [], failures: [] } : await deleteClients(scalekit, clients);
  const forgotten = vault && pair?.goes && !dry_run ? await forget(vault, failures) : [];
  const all = dry_run
    ? [...clients.map(({ client_id }) => `client ${client_id}`), ...(vault && pair?.goes ? [vault.names] : [])]
    : [...deleted.map((id) => `client ${id}`), ...forgotten];
  if (all.length === 0 && failures.length === 0) log.info('There is nothing to delete.');
  if (all.length > 0 && dry_run) log.info('Dry run: nothing was changed. A run without dry_run would');
  for (const what of all) log.info(dry_run ? `- delete ${what}` : `Deleted ${what}.`);
  if (pair?.why) log.warning(pair.why);
  setOutputs({ deleted: deleted.join(' ') });
  await writeSummary(`Scalekit organization client: ${dry_run ? 'what would be deleted' : 'deleted'}`, [[cell(all)]]);
  refuseFailures(failures);
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
  const id = saved.client_id;
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

async function deleteClients(
  scalekit: Scalekit,
  clients: OwnClient[],
): Promise<{ deleted: string[]; failures: string[] }> {
  const deleted: string[] = [];
  const failures: string[] = [];
  for (const client of clients) {
    const outcome = await removeClient(scalekit, client);
    if (outcome === 'deleted') deleted.push(client.client_id);
    else if (outcome !== 'gone already') failures.push(outcome.left);
  }
  return { deleted, failures };
}

/** Deletes a pair from GitHub Actions. What is not there is fine. @returns what was deleted */
async function forget(vault: Vault, failures: string[]): Promise<string[]> {
  const { variable, secret } = vault.place;
  const deleted: string[] = [];
  const attempt = async (what: string, work: () => Promise<boolean>) => {
    try {
      if (await work()) deleted.push(what);
    } catch (error) {
      failures.push(`The ${what} is left over: ${log.message(error)}`);
    }
  };
  // Last written, first removed: a secret without its variable is found by nobody.
  await attempt(`secret ${secret} of ${vault.name}`, () => vault.deleteSecret());
  await attempt(`variable ${variable} of ${vault.name}`, () => vault.deleteVariable());
  return deleted;
}
