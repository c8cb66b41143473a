import { identityHash, parseMarker, repositoryReference } from '../client/identity.ts';
import type { Target } from '../client/target.ts';
import { GitHub } from '../github/api.ts';
import { entryNames, SavedCredentials, type SavedSnapshot, type SecretLocation } from '../github/saved-credentials.ts';
import { identityFor, resolveSecretLocation } from '../inputs/desired-client.ts';
import type { DeleteInputs } from '../inputs/inputs.ts';
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

/** Whether the saved credentials are deleted. */
interface SavedDecision {
  isDeleted: boolean;
  /** A client with our identity hash that only the saved variable names, because the list may lag. */
  client?: DeletableClient;
  /** A sentence for the log. */
  note?: string;
  /** Why the saved credentials stay, if the user should know. */
  warning?: string;
}

/** Runs `delete/`: deletes the persistent clients of a repository and environment, and their saved credentials. */
export async function deleteManagedClients(inputs: DeleteInputs): Promise<void> {
  await runWithTransport(inputs, run);
}

async function run(inputs: DeleteInputs, transport: Transport): Promise<void> {
  inputs.notices.forEach(log.notice);
  // This command has no roll-back to keep time for.
  transport.releaseCleanupTime();
  const [target, scalekit] = await Promise.all([
    resolveTarget(inputs, transport, process.env),
    Scalekit.open(transport, inputs),
  ]);
  const location = resolveSecretLocation(inputs, target);
  const query = queryFor(inputs, target);
  const [listed, savedCredentials] = await Promise.all([
    findDeletableClients(scalekit, inputs.client_id, query),
    openSavedCredentials(inputs, location, transport),
  ]);
  const saved =
    savedCredentials &&
    (await decideSavedCredentials(scalekit, savedCredentials, listed, inputs.client_id ? '' : query.marker.key));
  if (saved?.note) log.info(saved.note);
  if (saved?.warning) log.warning(saved.warning);
  const clients = [...listed, ...(saved?.client ? [saved.client] : [])];
  const deletable = saved?.isDeleted ? savedCredentials : undefined;
  if (inputs.dry_run) showPlan(clients, deletable?.location);
  else await deleteAll(scalekit, clients, deletable);
}

function queryFor(inputs: DeleteInputs, target: Target): ClientQuery {
  const identity = identityFor(inputs, target, 'persistent');
  const repo = repositoryReference(target.repository, target.repository_id);
  return { identity, marker: { key: identityHash(identity), repo } };
}

/** Finds the client that `client_id` names, or all with our identity hash. The clients need not be readable as a whole. */
async function findDeletableClients(
  scalekit: Scalekit,
  client_id: string,
  query: ClientQuery,
): Promise<DeletableClient[]> {
  if (client_id) {
    const client = await getNamedClient(scalekit, { client_id, ...query });
    if (!client) return [];
    if (client.marker) return [{ client_id, marker: client.marker, justRead: true }];
    throw new Error(
      `Client ${client_id} is not deleted: by the last line of its description, this action did not make it.`,
    );
  }
  const found = new Map<string, DeletableClient>();
  for await (const { client_id, description } of scalekit.listClients()) {
    const marker = parseMarker(description);
    if (marker?.key === query.marker.key) found.set(client_id, { client_id, marker });
  }
  return [...found.values()];
}

/**
 * Reads the saved credentials, and checks as far as reading can that the token may delete them.
 * @returns undefined if there is nothing to delete: no location was given, or the environment does not exist
 */
async function openSavedCredentials(
  { github }: DeleteInputs,
  location: SecretLocation | undefined,
  transport: Transport,
): Promise<SavedCredentials | undefined> {
  if (!github || !location) return undefined;
  const savedCredentials = new SavedCredentials(new GitHub(transport, github), location);
  try {
    await savedCredentials.open();
    return savedCredentials;
  } catch (error) {
    // GitHub also answers 404 to a token without permission, so check that the token can see the repository.
    const isMissing = error instanceof ApiError && error.status === 404 && location.environment !== '';
    if (
      isMissing &&
      (await savedCredentials.requireVisibleRepository()) &&
      !(await savedCredentials.environmentExists())
    )
      return undefined;
    throw error;
  }
}

/**
 * Decides whether the saved credentials are deleted: not if they belong to a client that is not deleted.
 * @param clients the clients that are deleted
 * @param key our identity hash, or empty if `client_id` names the client to delete
 */
export async function decideSavedCredentials(
  scalekit: Scalekit,
  { snapshot, location }: { snapshot: SavedSnapshot; location: SecretLocation },
  clients: DeletableClient[],
  key: string,
): Promise<SavedDecision> {
  const names = entryNames(location);
  const id = snapshot.client_id?.trim();
  if (id === undefined && snapshot.secretTime === undefined) return { isDeleted: false };
  if (id === undefined || clients.some(({ client_id }) => client_id === id)) return { isDeleted: true };
  if (!CLIENT_ID.test(id))
    return { isDeleted: false, warning: `The ${names} stay: the variable holds no id of an organization client.` };
  const named = await scalekit.getClient(id);
  if (named?.client_id !== id)
    return { isDeleted: true, note: `The saved pair is that of client ${id}, which is not in this organization.` };
  const marker = parseMarker(named.description);
  if (marker?.key !== key)
    return { isDeleted: false, warning: `The ${names} stay: they are those of client ${id}, which stays.` };
  return { isDeleted: true, client: { client_id: id, marker } };
}

/** Shows what a run without `dry_run` would delete. */
function showPlan(clients: DeletableClient[], location: SecretLocation | undefined): void {
  const all = [...clients.map(({ client_id }) => `client ${client_id}`), ...(location ? [entryNames(location)] : [])];
  log.info(
    all.length > 0 ? 'Dry run: nothing was changed. A run without dry_run would' : 'There is nothing to delete.',
  );
  for (const what of all) log.info(`- delete ${what}`);
  setOutputs({ deleted: '' });
  writeSummary('Scalekit organization client: what would be deleted', [[cell(all)]]);
}

/** Deletes everything and reports it. @throws {Error} that names what could not be deleted */
async function deleteAll(
  scalekit: Scalekit,
  clients: DeletableClient[],
  savedCredentials: SavedCredentials | undefined,
): Promise<void> {
  const { deleted, remaining } = await deleteClients(scalekit, clients);
  // Credentials of a client that could not be deleted still work, so keep them.
  const isStillValid = remaining.has(savedCredentials?.snapshot.client_id?.trim() ?? '');
  const entries =
    savedCredentials && !isStillValid ? await deleteSavedCredentials(savedCredentials) : { deleted: [], failures: [] };
  const all = [...deleted.map((id) => `client ${id}`), ...entries.deleted];
  const failures = [...entries.failures, ...remaining.values()];
  if (all.length + failures.length === 0) log.info('There is nothing to delete.');
  setOutputs({ deleted: deleted.join(' ') });
  writeSummary('Scalekit organization client: deleted', [[cell(all)]]);
  throwFailures(failures);
}

/** Deletes clients. @returns the ids of those that were deleted, and by id why others were not */
async function deleteClients(
  scalekit: Scalekit,
  clients: DeletableClient[],
): Promise<{ deleted: string[]; remaining: Map<string, string> }> {
  const deleted: string[] = [];
  const remaining = new Map<string, string>();
  for (const client of clients) {
    const outcome = await deleteMarkedClient(scalekit, client);
    if (typeof outcome !== 'string') remaining.set(client.client_id, outcome.remaining);
    if (outcome !== 'deleted') continue;
    deleted.push(client.client_id);
    log.info(`Deleted client ${client.client_id}.`);
  }
  return { deleted, remaining };
}

/** Deletes the saved secret and variable. An entry that does not exist is no failure. */
async function deleteSavedCredentials(
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
  // The secret first: without its variable, a repeated run would not find it.
  await attempt(`secret ${secret} of ${savedCredentials.name}`, () => savedCredentials.deleteSecret());
  await attempt(`variable ${variable} of ${savedCredentials.name}`, () => savedCredentials.deleteVariable());
  return { deleted, failures };
}
