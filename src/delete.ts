import { cancellable, start } from './entry.ts';
import { type Aimed, getNamed, search } from './find.ts';
import { GitHub } from './github/api.ts';
import { Vault } from './github/vault.ts';
import { Transport } from './http.ts';
import { identityKey, type KnownClient, repositoryMark } from './identity.ts';
import { type DeletionInputs, readDeletion } from './inputs.ts';
import * as log from './log.ts';
import { setOutputs } from './publish.ts';
import { deleteClients, type Removed } from './removal.ts';
import { identityOf, settlePlace } from './request.ts';
import { Scalekit } from './scalekit/api.ts';
import { cell, writeSummary } from './summary.ts';
import { findTarget } from './target.ts';

start(run, log.fail, 1);

async function run(): Promise<void> {
  const inputs = readDeletion(process.env);
  inputs.warnings.forEach(log.warning);
  const transport = new Transport(inputs.runner.run, inputs.timeout);
  await cancellable(transport, () => work(inputs, transport));
}

/** Deletes the lasting clients of a repository and environment, and what is kept of them in GitHub Actions. */
async function work(inputs: DeletionInputs, transport: Transport): Promise<void> {
  const { github: access } = inputs;
  const target = await findTarget(inputs, transport, process.env);
  const place = settlePlace(inputs, target);
  const github = access && new GitHub(transport, access);
  const vault = github && place && new Vault(github, place);
  // What GitHub does not show to this token looks like what is not there.
  if (vault) await github.getRepository(target.repository);

  const scalekit = await Scalekit.open(transport, inputs);
  const identity = identityOf(inputs, target, 'persistent');
  const trailer = { key: identityKey(identity), repo: repositoryMark(target.repository, target.repository_id) };
  const clients = await findClients(scalekit, inputs, { identity, trailer });
  if (inputs.dry_run) return await show(clients, vault);

  const { deleted, left } = await deleteClients(scalekit, clients);
  const pair = vault ? await forget(vault) : { deleted: [], left: [] };
  setOutputs({ deleted: deleted.join(' ') });
  const all = [...deleted.map((id) => `client ${id}`), ...pair.deleted];
  for (const what of all) log.info(`Deleted ${what}.`);
  if (all.length === 0) log.info('There was nothing to delete.');
  await writeSummary('Scalekit organization client: deleted', [[cell(all)]]);
  const failures = [...left, ...pair.left];
  if (failures.length > 0) throw new Error(failures.join('\n'));
}

async function findClients(scalekit: Scalekit, { client_id }: DeletionInputs, aimed: Aimed): Promise<KnownClient[]> {
  if (!client_id) return (await search(scalekit, aimed)).ours;
  const client = await getNamed(scalekit, { client_id, ...aimed });
  if (!client) return [];
  if (client.trailer) return [client];
  throw new Error(
    `Client ${client_id} is not deleted: by the last line of its description, this action did not make it.`,
  );
}

async function show(clients: KnownClient[], vault: Vault | undefined): Promise<void> {
  const all = clients.map(({ client_id, name }) => `client ${client_id} ${JSON.stringify(name)}`);
  const kept = await vault?.look();
  if (vault && (kept?.client_id ?? kept?.secret_time) !== undefined) all.push(vault.names);
  log.info(`Dry run: nothing was changed. A run without dry_run would delete${all.length > 0 ? '' : ' nothing.'}`);
  for (const what of all) log.info(`- ${what}`);
  setOutputs({ deleted: '' });
  await writeSummary('Scalekit organization client: what would be deleted', [[cell(all)]]);
}

/** Deletes a pair from GitHub Actions. What is not there is fine. */
async function forget(vault: Vault): Promise<Removed> {
  const { variable, secret } = vault.place;
  const removed: Removed = { deleted: [], left: [] };
  const attempt = async (what: string, work: () => Promise<boolean>) => {
    try {
      if (await work()) removed.deleted.push(what);
    } catch (error) {
      removed.left.push(`The ${what} is left over: ${log.message(error)}`);
    }
  };
  // Last written, first removed: a secret without its variable is found by nobody.
  await attempt(`secret ${secret} of ${vault.name}`, () => vault.deleteSecret());
  await attempt(`variable ${variable} of ${vault.name}`, () => vault.deleteVariable());
  return removed;
}
