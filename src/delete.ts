import { start } from './entry.ts';
import { GitHub } from './github/api.ts';
import { Vault } from './github/vault.ts';
import type { Transport } from './http.ts';
import { identityKey, repositoryMark } from './identity.ts';
import { type DeletionInputs, readDeletion } from './inputs.ts';
import * as log from './log.ts';
import { setOutputs } from './publish.ts';
import { type OwnClient, refuseFailures } from './removal.ts';
import { identityOf, settlePlace } from './request.ts';
import { Scalekit } from './scalekit/api.ts';
import { carryOut } from './step.ts';
import { cell, writeSummary } from './summary.ts';
import { findTarget } from './target.ts';
import { deleteClients, findOwn, forget, judgePair, openVault } from './teardown.ts';

start(async () => carryOut(readDeletion(process.env), work), log.fail, 1);

/** Deletes the lasting clients of a repository and environment, and what is kept of them in GitHub Actions. */
async function work(inputs: DeletionInputs, transport: Transport): Promise<void> {
  // Nothing is ever rolled back here.
  transport.openReserve();
  const { github: access, dry_run } = inputs;
  const [target, scalekit] = await Promise.all([
    findTarget(inputs, transport, process.env),
    Scalekit.open(transport, inputs),
  ]);
  const place = settlePlace(inputs, target);
  const identity = identityOf(inputs, target, 'persistent');
  const trailer = { key: identityKey(identity), repo: repositoryMark(target.repository, target.repository_id) };
  const [clients, vault] = await Promise.all([
    findOwn(scalekit, inputs.client_id, { identity, trailer }),
    access && place && openVault(new Vault(new GitHub(transport, access), place)),
  ]);
  const pair = vault && (await judgePair(scalekit, vault, clients, inputs.client_id ? '' : trailer.key));
  if (pair?.note) log.info(pair.note);
  if (pair?.warning) log.warning(pair.warning);
  if (dry_run) return show(clients, pair?.goes ? vault : undefined);

  const { deleted, left } = await deleteClients(scalekit, clients);
  // The pair of a client that could not be deleted is still good.
  const stays = left.has(vault?.saved.client_id?.trim() ?? '');
  const forgotten = vault && pair?.goes && !stays ? await forget(vault) : { deleted: [], failures: [] };
  const all = [...deleted.map((id) => `client ${id}`), ...forgotten.deleted];
  const failures = [...forgotten.failures, ...left.values()];
  if (all.length + failures.length === 0) log.info('There is nothing to delete.');
  setOutputs({ deleted: deleted.join(' ') });
  writeSummary('Scalekit organization client: deleted', [[cell(all)]]);
  refuseFailures(failures);
}

function show(clients: OwnClient[], vault: Vault | undefined): void {
  const all = [...clients.map(({ client_id }) => `client ${client_id}`), ...(vault ? [vault.names] : [])];
  log.info(
    all.length > 0 ? 'Dry run: nothing was changed. A run without dry_run would' : 'There is nothing to delete.',
  );
  for (const what of all) log.info(`- delete ${what}`);
  setOutputs({ deleted: '' });
  writeSummary('Scalekit organization client: what would be deleted', [[cell(all)]]);
}
