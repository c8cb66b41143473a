import { identityHash, parseMarker, repositoryReference } from '../client/identity.ts';
import { GitHub } from '../github/api.ts';
import { SavedCredentials } from '../github/saved-credentials.ts';
import type { DeleteInputs } from '../inputs/inputs.ts';
import { identityFor, resolveSecretLocation } from '../inputs/resolve.ts';
import { ApiError } from '../net/api-error.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { setOutputs } from '../output/outputs.ts';
import { cell, writeSummary } from '../output/summary.ts';
import { Scalekit } from '../scalekit/api.ts';
import { CLIENT_ID } from '../scalekit/types.ts';
import { type ClientQuery, getNamedClient } from '../steps/find.ts';
import { resolveTarget } from '../steps/resolve-target.ts';
import { type DeletableClient, deleteMarkedClient, throwFailures } from '../undo/remove.ts';
import { runWithTransport } from './session.ts';

/** Runs `delete/`. */
export async function deleteManagedClients(inputs: DeleteInputs): Promise<void> {
  await runWithTransport(inputs, work);
}

/** Deletes the lasting clients of a repository and environment, and what is kept of them in GitHub Actions. */
async function work(inputs: DeleteInputs, transport: Transport): Promise<void> {
  // Nothing is ever rolled back here.
  transport.releaseCleanupTime();
  const { github: access, dry_run } = inputs;
  const [target, scalekit] = await Promise.all([
    resolveTarget(inputs, transport, process.env),
    Scalekit.open(transport, inputs),
  ]);
  const location = resolveSecretLocation(inputs, target);
  const identity = identityFor(inputs, target, 'persistent');
  const marker = { key: identityHash(identity), repo: repositoryReference(target.repository, target.repository_id) };
  const [clients, savedCredentials] = await Promise.all([
    findDeletableClients(scalekit, inputs.client_id, { identity, marker }),
    access && location && openSavedCredentials(new SavedCredentials(new GitHub(transport, access), location)),
  ]);
  const savedDecision =
    savedCredentials && (await judgePair(scalekit, savedCredentials, clients, inputs.client_id ? '' : marker.key));
  if (savedDecision?.note) log.info(savedDecision.note);
  if (savedDecision?.warning) log.warning(savedDecision.warning);
  if (dry_run) return show(clients, savedDecision?.goes ? savedCredentials : undefined);

  const { deleted, remaining: left } = await deleteClients(scalekit, clients);
  // The pair of a client that could not be deleted is still good.
  const stays = left.has(savedCredentials?.snapshot.client_id?.trim() ?? '');
  const forgotten =
    savedCredentials && savedDecision?.goes && !stays
      ? await deleteSavedCredentials(savedCredentials)
      : { deleted: [], failures: [] };
  const all = [...deleted.map((id) => `client ${id}`), ...forgotten.deleted];
  const failures = [...forgotten.failures, ...left.values()];
  if (all.length + failures.length === 0) log.info('There is nothing to delete.');
  setOutputs({ deleted: deleted.join(' ') });
  writeSummary('Scalekit organization client: deleted', [[cell(all)]]);
  throwFailures(failures);
}

function show(clients: DeletableClient[], savedCredentials: SavedCredentials | undefined): void {
  const all = [
    ...clients.map(({ client_id }) => `client ${client_id}`),
    ...(savedCredentials ? [savedCredentials.names] : []),
  ];
  log.info(
    all.length > 0 ? 'Dry run: nothing was changed. A run without dry_run would' : 'There is nothing to delete.',
  );
  for (const what of all) log.info(`- delete ${what}`);
  setOutputs({ deleted: '' });
  writeSummary('Scalekit organization client: what would be deleted', [[cell(all)]]);
}

// What `delete/` finds, decides and takes away.

/**
 * Makes sure that the pair can be deleted, as far as reading tells: to a token that may not, GitHub can show nothing.
 * @returns nothing where the environment is not there, and so no pair
 */
export async function openSavedCredentials(savedCredentials: SavedCredentials): Promise<SavedCredentials | undefined> {
  try {
    await savedCredentials.open();
    return savedCredentials;
  } catch (error) {
    const missing = error instanceof ApiError && error.status === 404 && savedCredentials.location.environment !== '';
    if (missing && (await savedCredentials.isVisible()) && !(await savedCredentials.exists())) return undefined;
    throw error;
  }
}

/** The client that `client_id` names, or all with the key, also those that nobody could read whole. */
export async function findDeletableClients(
  scalekit: Scalekit,
  client_id: string,
  aimed: ClientQuery,
): Promise<DeletableClient[]> {
  if (client_id) {
    const client = await getNamedClient(scalekit, { client_id, ...aimed });
    if (!client) return [];
    if (client.marker) return [{ client_id, marker: client.marker, justRead: true }];
    throw new Error(
      `Client ${client_id} is not deleted: by the last line of its description, this action did not make it.`,
    );
  }
  const found = new Map<string, DeletableClient>();
  for await (const { client_id, description } of scalekit.listClients()) {
    const marker = parseMarker(description);
    if (marker?.key === aimed.marker.key) found.set(client_id, { client_id, marker });
  }
  return [...found.values()];
}

/**
 * Decides whether the pair goes: not where it is that of a client that stays. A client with the key that only the saved
 * variable shows, since a list may lag, joins the `clients`.
 * @param key empty where `client_id` says which client goes
 */
export async function judgePair(
  scalekit: Scalekit,
  { snapshot: saved, names }: SavedCredentials,
  clients: DeletableClient[],
  key: string,
): Promise<{ goes: boolean; warning?: string; note?: string }> {
  const id = saved.client_id?.trim();
  if (id === undefined && saved.secretTime === undefined) return { goes: false };
  if (id === undefined || clients.some(({ client_id }) => client_id === id)) return { goes: true };
  if (!CLIENT_ID.test(id))
    return { goes: false, warning: `The ${names} stay: the variable holds no id of an organization client.` };
  const named = await scalekit.getClient(id);
  if (named?.client_id !== id)
    return { goes: true, note: `The saved pair is that of client ${id}, which is not in this organization.` };
  const marker = parseMarker(named.description);
  if (marker?.key !== key)
    return { goes: false, warning: `The ${names} stay: they are those of client ${id}, which stays.` };
  clients.push({ client_id: id, marker });
  return { goes: true };
}

/** @returns the ids that were deleted, and why others are left, by their ids */
export async function deleteClients(
  scalekit: Scalekit,
  clients: DeletableClient[],
): Promise<{ deleted: string[]; remaining: Map<string, string> }> {
  const deleted: string[] = [];
  const left = new Map<string, string>();
  for (const client of clients) {
    const outcome = await deleteMarkedClient(scalekit, client);
    if (typeof outcome !== 'string') left.set(client.client_id, outcome.remaining);
    if (outcome !== 'deleted') continue;
    deleted.push(client.client_id);
    log.info(`Deleted client ${client.client_id}.`);
  }
  return { deleted, remaining: left };
}

/** Deletes a pair from GitHub Actions. What is not there is fine. */
export async function deleteSavedCredentials(
  savedCredentials: SavedCredentials,
): Promise<{ deleted: string[]; failures: string[] }> {
  const { variable, secret } = savedCredentials.location;
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
  await attempt(`secret ${secret} of ${savedCredentials.name}`, () => savedCredentials.deleteSecret());
  await attempt(`variable ${variable} of ${savedCredentials.name}`, () => savedCredentials.deleteVariable());
  return { deleted, failures };
}
