import {
  copiesAmong,
  identityHash,
  parseOrUndefined,
  type Relation,
  relationOf,
  repositoryReference,
} from '../client/identity.ts';
import { type OwnershipMarker, parseMarker } from '../client/marker.ts';
import { isOtherOwners, type SavedOwner, savedSecretId } from '../client/saved-state.ts';
import type { Target } from '../client/target.ts';
import { GitHub } from '../github/api.ts';
import { entryNames, SavedCredentials, type SavedSnapshot, type SecretLocation } from '../github/saved-credentials.ts';
import { clientName, identityFor, resolveSecretLocation } from '../inputs/desired-client.ts';
import type { DeleteInputs } from '../inputs/inputs.ts';
import { ApiError } from '../net/api-error.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { setOutputs } from '../output/outputs.ts';
import { cell, writeSummary } from '../output/summary.ts';
import { quote } from '../output/text.ts';
import { Scalekit } from '../scalekit/api.ts';
import { CLIENT_ID, type ClientSummary } from '../scalekit/types.ts';
import { type ClientQuery, findRelated, getNamedClient, mayBeOurs } from '../steps/find.ts';
import { KeptClients } from '../steps/kept-clients.ts';
import { resolveTarget } from '../steps/resolve-target.ts';
import { type DeletableClient, deleteMarkedClient, throwFailures } from '../undo/remove.ts';
import { runWithTransport } from './session.ts';

/** The saved credentials that are deleted, as they were read. */
interface DeletableCredentials {
  credentials: SavedCredentials;
  saved: SavedSnapshot;
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
  const [{ deletable: listed, kept }, found] = await Promise.all([
    findDeletableClients(scalekit, inputs.client_id, query),
    openSavedCredentials(inputs, location, transport),
  ]);
  const owner = { key: query.marker.key, organization_id: scalekit.organization_id };
  const deletable = found && isDeletable(found.saved, owner, inputs.client_id) ? found : undefined;
  if (found && !deletable && !isNothingSaved(found.saved)) log.warning(notDeletedWarning(found, owner));
  const isListed = (id: string) => kept.has(id) || listed.some(({ client_id }) => client_id === id);
  const unlisted = deletable && (await findUnlistedClient(scalekit, deletable.saved, isListed, query, kept));
  kept.warnings().forEach(log.warning);
  const clients = [...listed, ...(unlisted ? [unlisted] : [])];
  const nothing = nothingText(scalekit, inputs.client_id, query);
  if (inputs.dry_run) showPlan(clients, deletable, nothing);
  else await deleteAll(scalekit, clients, deletable, nothing);
}

function queryFor(inputs: DeleteInputs, target: Target): ClientQuery {
  const identity = identityFor(inputs, target, 'persistent');
  const repo = repositoryReference(target.repository, target.repository_id);
  return { identity, marker: { key: identityHash(identity), repo }, fields: { name: clientName(inputs, target) } };
}

/**
 * Finds the client that `client_id` names, or all with our identity hash. The clients need not be readable as a whole.
 * @returns in addition `kept`: the clients that may be ours and are not deleted
 */
async function findDeletableClients(
  scalekit: Scalekit,
  client_id: string,
  query: ClientQuery,
): Promise<{ deletable: DeletableClient[]; kept: KeptClients }> {
  if (client_id) {
    const kept = new KeptClients();
    const client = await getNamedClient(scalekit, { client_id, ...query });
    if (!client) return { deletable: [], kept };
    if (client.marker) return { deletable: [{ client_id, marker: client.marker, justRead: true }], kept };
    throw new Error(`Client ${client_id} is not deleted: its description has no ownership marker.`);
  }
  const found = await findRelated(scalekit, mayBeOurs(query), (client) => relationToQuery(client, query));
  for (const { client_id } of copiesAmong(found.ours)) found.kept.add('copy', client_id);
  return { deletable: found.ours.filter(({ client_id }) => !found.kept.has(client_id)), kept: found.kept };
}

/** Returns a client if it is ours, even if it is not readable as a whole, and otherwise what it is to this step. */
function relationToQuery(
  client: ClientSummary,
  query: ClientQuery,
): (DeletableClient & { create_time: bigint | undefined }) | Exclude<Relation, 'ours'> {
  const relation = relationOf(client, query);
  if (relation !== 'ours') return relation;
  // A client that is ours has exactly one marker.
  const marker = parseMarker(client.description) as OwnershipMarker;
  return { client_id: client.client_id, marker, create_time: parseOrUndefined(client.parse)?.create_time };
}

/**
 * Reads the saved credentials, and checks as far as reading can that the token may delete them.
 * @returns undefined if there is nothing to delete: no location was given, or the environment does not exist
 */
async function openSavedCredentials(
  { github }: DeleteInputs,
  location: SecretLocation | undefined,
  transport: Transport,
): Promise<DeletableCredentials | undefined> {
  if (!github || !location) return undefined;
  const savedCredentials = new SavedCredentials(new GitHub(transport, github), location);
  try {
    return { credentials: savedCredentials, saved: await savedCredentials.open({ mayBeGone: true }) };
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
  // GitHub also answers 404 to a token without permission, and to one that it does not know yet. So check first that the
  // token can see the repository.
  await savedCredentials.requireVisibleRepository();
  if (!(await savedCredentials.environmentExists())) return undefined;
  return { credentials: savedCredentials, saved: await savedCredentials.open() };
}

/**
 * Returns whether saved credentials are deleted: `…_STATE` names this owner, or `client_id` names the client that they
 * belong to. That client is deleted by this step, or it does not exist.
 */
export function isDeletable(saved: SavedSnapshot, owner: SavedOwner, client_id: string): boolean {
  const isNamed = client_id !== '' && saved.client_id?.trim() === client_id;
  const isOwners = savedSecretId(saved, owner) !== undefined && (client_id === '' || saved.client_id === undefined);
  return isNamed || isOwners;
}

function isNothingSaved({ client_id, state, secretTime }: SavedSnapshot): boolean {
  return client_id === undefined && state === undefined && secretTime === undefined;
}

/** Returns why saved credentials are not deleted. */
function notDeletedWarning({ credentials: { location }, saved }: DeletableCredentials, owner: SavedOwner): string {
  const { id_variable, state_variable } = location;
  const why = !isOtherOwners(saved, owner)
    ? `${id_variable} does not hold the client_id that is deleted`
    : saved.state === undefined
      ? `there is no ${state_variable}, so this action did not save them`
      : `by ${state_variable}, they do not belong to this repository, environment, name and organization`;
  return `Not deleting ${entryNames(location)}: ${why}.`;
}

/**
 * Returns the client with our identity hash that only the saved id names, because the list may lag.
 * @param isListed whether the list showed a client, so that it is deleted anyway or must not be
 */
async function findUnlistedClient(
  scalekit: Scalekit,
  saved: SavedSnapshot,
  isListed: (id: string) => boolean,
  query: ClientQuery,
  kept: KeptClients,
): Promise<DeletableClient | undefined> {
  const id = saved.client_id?.trim() ?? '';
  if (!CLIENT_ID.test(id) || isListed(id)) return undefined;
  const named = await scalekit.getClient(id);
  if (!named) return undefined;
  const relation = relationToQuery(named, query);
  if (typeof relation === 'object') return relation;
  if (relation !== 'unrelated') kept.add(relation, id);
  return undefined;
}

/** Returns the sentence that there is nothing to delete, and what was looked for. */
function nothingText({ organization_id }: Scalekit, client_id: string, { identity }: ClientQuery): string {
  const { repository, environment, name } = identity;
  const wanted = client_id
    ? `client ${client_id}`
    : [`a client of ${repository}`, environment && `environment ${quote(environment)}`, name && `name ${quote(name)}`]
        .filter(Boolean)
        .join(', ');
  return `There is nothing to delete. Looked for ${wanted} in organization ${organization_id}.`;
}

/** Shows what a run without `dry_run` would delete. */
function showPlan(clients: DeletableClient[], deletable: DeletableCredentials | undefined, nothing: string): void {
  const all = [
    ...clients.map(({ client_id }) => `client ${client_id}`),
    ...(deletable ? [entryNames(deletable.credentials.location)] : []),
  ];
  log.info(all.length > 0 ? 'Dry run: nothing was changed. A run without dry_run would' : nothing);
  for (const what of all) log.info(`- delete ${what}`);
  setOutputs({ deleted: '' });
  writeSummary('Scalekit organization client: what would be deleted', [[cell(all.length > 0 ? all : [nothing])]]);
}

/**
 * Deletes everything and reports it: the saved secret, the clients, and then the variables. So a run that was cut off can
 * be repeated: `…_STATE` still names the owner of the rest.
 * @throws {Error} that names what could not be deleted
 */
async function deleteAll(
  scalekit: Scalekit,
  clients: DeletableClient[],
  deletable: DeletableCredentials | undefined,
  nothing: string,
): Promise<void> {
  const deletions: Deletion[] = deletable ? [await deleteEntry(deletable, 'secret')] : [];
  for (const client of clients) deletions.push(await deleteClient(scalekit, client));
  for (const variable of ['id_variable', 'state_variable'] as const) {
    // If something could not be deleted, the variables are needed to repeat this run.
    if (deletable && failuresOf(deletions).length === 0) deletions.push(await deleteEntry(deletable, variable));
  }
  const deleted = deletions.flatMap(({ what }) => what ?? []);
  const isNothing = deleted.length + failuresOf(deletions).length === 0;
  if (isNothing) log.info(nothing);
  setOutputs({ deleted: deletions.flatMap(({ id }) => id ?? []).join(' ') });
  writeSummary('Scalekit organization client: deleted', [[cell(isNothing ? [nothing] : deleted)]]);
  throwFailures(failuresOf(deletions));
}

/** The result of deleting one thing. Empty if it did not exist. */
interface Deletion {
  /** What was deleted. */
  what?: string;
  /** The id of the client that was deleted. */
  id?: string;
  /** The sentence about what could not be deleted. */
  failure?: string;
}

function failuresOf(deletions: Deletion[]): string[] {
  return deletions.flatMap(({ failure }) => failure ?? []);
}

async function deleteClient(scalekit: Scalekit, client: DeletableClient): Promise<Deletion> {
  const outcome = await deleteMarkedClient(scalekit, client);
  if (typeof outcome !== 'string') return { failure: outcome.remaining };
  if (outcome !== 'deleted') return {};
  log.info(`Deleted client ${client.client_id}.`);
  return { what: `client ${client.client_id}`, id: client.client_id };
}

/** Deletes a saved variable or the secret. */
async function deleteEntry(
  { credentials }: DeletableCredentials,
  entry: 'secret' | 'id_variable' | 'state_variable',
): Promise<Deletion> {
  const name = credentials.location[entry];
  const what = `${entry === 'secret' ? 'secret' : 'variable'} ${name} of ${credentials.name}`;
  try {
    const isDeleted = entry === 'secret' ? await credentials.deleteSecret() : await credentials.deleteVariable(name);
    if (!isDeleted) return {};
    log.info(`Deleted ${what}.`);
    return { what };
  } catch (error) {
    return { failure: `The ${what} is left over: ${log.message(error)}` };
  }
}
