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
}

/** What became of a client that was to go. */
export type Outcome = 'deleted' | 'gone already' | { left: string };

/** Deletes a client after another look: who changed the last line of its description meanwhile has other plans. */
export async function removeClient(scalekit: Scalekit, { client_id, trailer }: OwnClient): Promise<Outcome> {
  try {
    const now = await scalekit.getClient(client_id);
    const is = now && parseTrailer(now.description);
    if (now && (now.client_id !== client_id || !is || formatTrailer(is) !== formatTrailer(trailer)))
      return { left: `Client ${client_id} stays: its description was changed meanwhile.` };
    return (await deleteShownClient(scalekit, client_id)) ? 'deleted' : 'gone already';
  } catch (error) {
    const call = `To remove it by hand: DELETE ${scalekit.clientUrl(client_id).href}`;
    return { left: `Client ${client_id} is left over: ${log.message(error)} ${call}` };
  }
}

/** @throws where there are any reasons, each told once */
export function refuseFailures(failures: string[]): void {
  const told = [...new Set(failures)];
  const more = told.length > MOST_FAILURES ? [`And ${told.length - MOST_FAILURES} more, in the log.`] : [];
  told.slice(MOST_FAILURES).forEach(log.info);
  if (told.length > 0) throw new Error([...told.slice(0, MOST_FAILURES), ...more].join('\n'));
}
