import { formatTrailer, parseTrailer, type Trailer } from './identity.ts';
import * as log from './log.ts';
import type { Scalekit } from './scalekit/api.ts';
import { deleteShownClient } from './undo.ts';

/** Reasons that an error tells: more would not fit into an annotation. */
const MOST_FAILURES = 10;

/** A client that this action made. */
export interface OwnClient {
  client_id: string;
  trailer: Trailer;
  /** Whether it was read by itself just now, so that another look would tell nothing new. */
  fresh?: boolean;
}

/** What became of a client that was to go. */
export type Outcome = 'deleted' | 'gone already' | { left: string };

/** Deletes a client after another look: who changed the last line of its description meanwhile has other plans. */
export async function removeClient(scalekit: Scalekit, client: OwnClient): Promise<Outcome> {
  const { client_id } = client;
  try {
    if (!client.fresh && (await isChanged(scalekit, client)))
      return { left: `Client ${client_id} stays: its description was changed meanwhile.` };
    return (await deleteShownClient(scalekit, client_id)) ? 'deleted' : 'gone already';
  } catch (error) {
    const call = `To remove it by hand: DELETE ${scalekit.clientUrl(client_id).href}`;
    return { left: `Client ${client_id} is left over: ${log.message(error)} ${call}` };
  }
}

async function isChanged(scalekit: Scalekit, { client_id, trailer }: OwnClient): Promise<boolean> {
  const now = await scalekit.getClient(client_id);
  if (!now) return false;
  const is = parseTrailer(now.description);
  return now.client_id !== client_id || !is || formatTrailer(is) !== formatTrailer(trailer);
}

/** @throws where there are any reasons, each told once */
export function refuseFailures(failures: string[]): void {
  const told = [...new Set(failures)];
  const more = told.length > MOST_FAILURES ? [`And ${told.length - MOST_FAILURES} more, in the log.`] : [];
  told.slice(MOST_FAILURES).forEach(log.info);
  if (told.length > 0) throw new Error([...told.slice(0, MOST_FAILURES), ...more].join('\n'));
}
