import type { Relation } from '../client/identity.ts';
import * as log from '../output/log.ts';
import { listed } from '../output/text.ts';

/** Why a client that may be ours is neither changed nor deleted. */
type Reason = Exclude<Relation, 'ours' | 'unrelated'> | 'copy';

/** What such clients are, and what the user can do about them, in the order of the warnings. */
const TEXTS: Record<Reason, { what: string; advice: string }> = {
  contradictory: {
    what: 'Clients whose claim github_repository_id contradicts their ownership marker, or whose claims cannot be read',
    advice: 'They may be copies. Delete them by hand, or remove the marker from their descriptions.',
  },
  copy: {
    what: 'Clients that were created more than an hour after another client with the same ownership marker',
    advice: 'They are copies. Delete them by hand, or remove the marker from their descriptions.',
  },
  'look-alike': {
    what: "Clients with this repository's claims and no ownership marker",
    advice:
      'They were created by hand, or their description was changed. The main action takes one over if client_id names it.',
  },
  disputed: {
    what: 'Clients with several different ownership markers',
    advice: 'Remove the wrong markers from their descriptions.',
  },
};

/** The clients in a list that may be ours, and that are neither changed nor deleted. */
export class KeptClients {
  // By id: if the list changes while it is read, two pages may show the same client.
  readonly #reasons = new Map<string, Reason>();

  add(reason: Reason, client_id: string): void {
    this.#reasons.set(client_id, reason);
  }

  has(client_id: string): boolean {
    return this.#reasons.has(client_id);
  }

  /** Returns the ids of the clients that are kept for this reason. */
  ids(reason: Reason): string[] {
    return [...this.#reasons].flatMap(([id, ofClient]) => (ofClient === reason ? [id] : []));
  }

  /** Returns a text for each reason, and logs all ids if a text leaves some out. */
  warnings(): string[] {
    return (Object.keys(TEXTS) as Reason[]).flatMap((reason) => {
      const ids = this.ids(reason);
      logOmitted(TEXTS[reason].what, ids);
      return ids.length > 0 ? [keptText(reason, ids)] : [];
    });
  }
}

/** Returns the text about clients that are kept for a reason. */
export function keptText(reason: Reason, ids: string[]): string {
  const { what, advice } = TEXTS[reason];
  return `${what}: ${listed(ids)}. They are neither changed nor deleted. ${advice}`;
}

/** Logs all ids if a message lists only the first ones. */
export function logOmitted(what: string, ids: string[]): void {
  const all = ids.join(', ');
  if (listed(ids) !== all) log.info(`${what}: ${all}.`);
}
