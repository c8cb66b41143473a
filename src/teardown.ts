import { ApiError } from './answers.ts';
import { type Aimed, getNamed } from './find.ts';
import { CLIENT_ID } from './formats.ts';
import type { Vault } from './github/vault.ts';
import { parseTrailer } from './identity.ts';
import * as log from './log.ts';
import { type OwnClient, removeClient } from './removal.ts';
import type { Scalekit } from './scalekit/api.ts';

// What `delete/` finds, decides and takes away.

/**
 * Makes sure that the pair can be deleted, as far as reading tells: to a token that may not, GitHub can show nothing.
 * @returns nothing where the environment is not there, and so no pair
 */
export async function openVault(vault: Vault): Promise<Vault | undefined> {
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
export async function findOwn(scalekit: Scalekit, client_id: string, aimed: Aimed): Promise<OwnClient[]> {
  if (client_id) {
    const client = await getNamed(scalekit, { client_id, ...aimed });
    if (!client) return [];
    if (client.trailer) return [{ client_id, trailer: client.trailer, fresh: true }];
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
export async function judgePair(
  scalekit: Scalekit,
  { saved, names }: Vault,
  clients: OwnClient[],
  key: string,
): Promise<{ goes: boolean; warning?: string; note?: string }> {
  const id = saved.client_id?.trim();
  if (id === undefined && saved.secret_time === undefined) return { goes: false };
  if (id === undefined || clients.some(({ client_id }) => client_id === id)) return { goes: true };
  if (!CLIENT_ID.test(id))
    return { goes: false, warning: `The ${names} stay: the variable holds no id of an organization client.` };
  const named = await scalekit.getClient(id);
  if (named?.client_id !== id)
    return { goes: true, note: `The saved pair is that of client ${id}, which is not in this organization.` };
  const trailer = parseTrailer(named.description);
  if (trailer?.key !== key)
    return { goes: false, warning: `The ${names} stay: they are those of client ${id}, which stays.` };
  clients.push({ client_id: id, trailer });
  return { goes: true };
}

/** @returns the ids that were deleted, and why others are left, by their ids */
export async function deleteClients(
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
export async function forget(vault: Vault): Promise<{ deleted: string[]; failures: string[] }> {
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
