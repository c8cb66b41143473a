import type { Relation } from '../client/identity.ts';
import * as log from '../output/log.ts';
import { listed } from '../output/text.ts';

/** Why a client that may be ours is neither changed nor deleted. */
type Reason = Exclude<Relation, 'ours' | 'unrelated'> | 'copy';

/** The clients in a list that may be ours, and that are neither changed nor deleted. */
export class KeptClients {
  // By id: if the list changes while it is read, two pages may show the same client.
  readonly #ids: Record<Reason, Set<string>> = {
    contradictory: new Set(),
    copy: new Set(),
    disputed: new Set(),
    'look-alike': new Set(),
  };

  add(reason: Reason, client_id: string): void {
    this.#ids[reason].add(client_id);
  }

  has(client_id: string): boolean {
    return Object.values(this.#ids).some((ids) => ids.has(client_id));
  }

  /** Ids of the clients with our identity hash whose claims name another repository, or cannot be read. */
  get contradictory(): string[] {
    return [...this.#ids.contradictory];
  }

  /** Returns a sentence for each kind, and logs all ids if a sentence leaves some out. */
  warnings(): string[] {
    const { contradictory } = this;
    const [lookAlikes, disputed] = [[...this.#ids['look-alike']], [...this.#ids.disputed]];
    const unmarked = "Clients with this repository's claims and no ownership marker";
    const several = 'Clients with several different ownership markers';
    logOmitted(unmarked, lookAlikes);
    logOmitted(several, disputed);
    return [
      ...(contradictory.length > 0 ? [contradictionText(contradictory)] : []),
      ...[...this.#ids.copy].map(copyText),
      ...(lookAlikes.length > 0
        ? [
            `${unmarked}: ${listed(lookAlikes)}. Somebody made them by hand or changed their description. They are neither changed nor deleted. The main action takes one over if client_id names it.`,
          ]
        : []),
      ...(disputed.length > 0
        ? [
            `${several}: ${listed(disputed)}. They are neither changed nor deleted. Remove the wrong markers from their descriptions.`,
          ]
        : []),
    ];
  }
}

/** Returns the sentence about clients whose marker and claims contradict each other, or whose claims cannot be read. */
export function contradictionText(ids: string[]): string {
  return `Clients whose claim github_repository_id contradicts their ownership marker, or whose claims cannot be read: ${listed(ids)}. They may be copies. They are neither changed nor deleted. Delete them by hand, or remove the marker from their descriptions.`;
}

/** Returns the sentence about a client that has the ownership marker of another one. */
export function copyText(client_id: string): string {
  return `Client ${client_id} is not deleted: it was created more than an hour after another client with the same ownership marker, or after its run ended, so somebody copied it. Delete it by hand, or remove the marker from its description.`;
}

/** Logs all ids if a message lists only the first ones. */
export function logOmitted(what: string, ids: string[]): void {
  const all = ids.join(', ');
  if (listed(ids) !== all) log.info(`${what}: ${all}.`);
}
