import type { KnownClient } from './identity.ts';
import { formatTrailer, parseTrailer } from './identity.ts';
import { message } from './log.ts';
import type { Scalekit } from './scalekit/api.ts';
import { deleteShownClient } from './undo.ts';

/** What became of what was to go. */
export interface Removed {
  /** Ids of the clients that were deleted, or what else was. */
  deleted: string[];
  /** Sentences about what is left, each with the call that removes it. */
  left: string[];
}

/** Deletes clients, each after another look: who changed the last line of its description meanwhile has other plans. */
export async function deleteClients(scalekit: Scalekit, clients: KnownClient[]): Promise<Removed> {
  const removed: Removed = { deleted: [], left: [] };
  for (const { client_id, trailer } of clients) {
    try {
      const now = await scalekit.getClient(client_id);
      const [was, is] = [trailer, parseTrailer(now?.description ?? '')].map((one) => one && formatTrailer(one));
      if (now && (now.client_id !== client_id || is !== was))
        removed.left.push(`Client ${client_id} stays: its description was changed meanwhile.`);
      else if (await deleteShownClient(scalekit, client_id)) removed.deleted.push(client_id);
    } catch (error) {
      const call = `To remove it by hand: DELETE ${scalekit.clientUrl(client_id).href}`;
      removed.left.push(`Client ${client_id} is left over: ${message(error)} ${call}`);
    }
  }
  return removed;
}
