import { setTimeout as sleep } from 'node:timers/promises';
import { parseOrUndefined } from '../src/client/identity.ts';
import { formatMarker, type OwnershipMarker, parseMarkers } from '../src/client/marker.ts';
import { proofOf } from '../src/client/proof.ts';
import { isApiResponse } from '../src/net/api-error.ts';
import { isNotFound } from '../src/scalekit/meaning.ts';
import type { Client, ClientFields, ClientSummary } from '../src/scalekit/types.ts';
import { parseListedClient } from '../src/scalekit/types.ts';
import { type Caller, plainSecretIn, Stopped } from './caller.ts';
import { readList } from './listing.ts';
import { clientIn, describe, isRefusal, isSuccess, isTimeout, type Reply } from './reply.ts';

// What a run made and has to remove. Every client is noted before it is asked for.

/** Milliseconds before each look at the list for a client whose create request got no answer. */
const LOOKS = [0, 1_000, 2_000, 4_000];

/** Characters of a name that all names of a run have in common. */
export const NAME_LENGTH = 17;

/** Milliseconds after its creation in which a client may not be readable yet, and between two attempts to read it. */
const READ_LAG = 10_000;
const READ_PAUSE = 2_500;

/** How often a deletion whose outcome is unknown is sent at most, and milliseconds before it is sent again. */
const MAX_DELETIONS = 3;
const DELETION_PAUSE = 500;

/** A client that may be left over: why, and the call that removes it by hand. */
export interface Leftover {
  reason: string;
  call: string;
}

/** A client that was asked for. */
interface Entry {
  marker: OwnershipMarker;
  name: string;
  sentAt: number;
  /** Whether the create request was provably not carried out. */
  isRefused: boolean;
  /** Whether the answer to the create request proves that the client with this id was made by it. */
  isProven: boolean;
  /** Ids of the clients that were made: one, unless the server made several. Empty if none is known. */
  ids: Set<string>;
  /** Those of them that a request to delete them has deleted, or may have. */
  mayBeGone: Set<string>;
}

/** The clients that a run made. */
export class Ledger {
  readonly #caller: Caller;
  readonly #entries: Entry[] = [];
  /** Ids of the clients that existed before. */
  seenIds: Set<string> | undefined;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Sends a request that creates a client, and notes before and after it what there is to remove.
   * @returns the answer, and the client's id if the answer proves that this request made it
   */
  async create(fields: ClientFields, marker: OwnershipMarker): Promise<{ reply: Reply; id: string }> {
    const entry: Entry = {
      marker,
      name: fields.name,
      sentAt: Date.now(),
      isProven: false,
      isRefused: false,
      ids: new Set(),
      mayBeGone: new Set(),
    };
    this.#entries.push(entry);
    let reply: Reply;
    try {
      reply = await this.#caller.create(fields);
    } catch (error) {
      // It was not sent.
      entry.isRefused = true;
      throw error;
    }
    // A page of a firewall or a portal says nothing about what the API did.
    const isApis = reply.status === 0 || isApiResponse(reply);
    entry.isRefused = (isRefusal(reply) || reply.status === 0) && isApis && !reply.mayBeDone;
    const id = String(Object(reply.json?.client).client_id ?? '');
    entry.isProven = isSuccess(reply) && plainSecretIn(reply) !== '' && this.#isProven(reply, entry);
    if (!entry.isProven) return { reply, id: '' };
    entry.ids.add(id);
    return { reply, id };
  }

  /** Deletes a client that this run made, after it was read. Returns the answer, or undefined if it was not asked for. */
  async delete(client_id: string): Promise<Reply | undefined> {
    const entry = this.#entries.find(({ ids }) => ids.has(client_id));
    const answer = entry && (await this.#delete(entry, client_id));
    return typeof answer === 'string' ? undefined : answer;
  }

  /**
   * Removes every client that this run made. Looks for those whose create request got no answer, and looks at the list
   * once more when all is done.
   * @returns what could not be removed
   */
  async removeAll(): Promise<Leftover[]> {
    if (this.#entries.length === 0) return [];
    const open = this.#entries.filter(({ isRefused }) => !isRefused);
    const problem = await this.#findLost(open);
    const left = new Map<string, Leftover>();
    const removeThose = async (found: [Entry, string][]) => {
      const reasons = await Promise.all(found.map(async ([entry, id]) => await this.#remove(entry, id)));
      for (const [index, [, id]] of found.entries()) {
        const reason = reasons[index];
        const call = `To remove it by hand: DELETE ${this.#caller.url(id)}`;
        if (reason) left.set(id, { reason: `Client ${id} was not removed: ${reason}.`, call });
        else left.delete(id);
      }
    };
    await removeThose(open.flatMap((entry) => [...entry.ids].map((id): [Entry, string] => [entry, id])));
    await removeThose(await this.#stillListed());
    const lost = open.filter(({ ids }) => ids.size === 0).map((entry) => this.#lost(entry, problem));
    return [...left.values(), ...lost];
  }

  /**
   * Returns the clients of this run that the list shows, even those whose create request was refused. Without a list, the
   * answers to the deletions count.
   */
  async #stillListed(): Promise<[Entry, string][]> {
    try {
      const listed = await readList(this.#caller, '100');
      return listed.entries.flatMap(parseListedClient).flatMap(({ client_id, description }): [Entry, string][] => {
        const marker = onlyMarker(description);
        const entry = this.#entries.find((one) => one.ids.has(client_id) || marker === formatMarker(one.marker));
        return entry ? [[entry, client_id]] : [];
      });
    } catch (error) {
      if (error instanceof Stopped) return [];
      throw error;
    }
  }

  /** Looks for clients by the nonce in their ownership marker. Returns why the list could not be read, or undefined. */
  async #findLost(lost: Entry[]): Promise<string | undefined> {
    let problem: string | undefined;
    for (const pause of LOOKS) {
      const open = lost.filter(({ ids }) => ids.size === 0);
      if (open.length === 0) return undefined;
      await sleep(pause);
      try {
        const { entries, incomplete } = await readList(this.#caller, '100');
        problem = incomplete || undefined;
        for (const [client_id, marker] of await this.#withMarkers(entries.flatMap(parseListedClient), open))
          open.find((entry) => marker === formatMarker(entry.marker))?.ids.add(client_id);
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        return error.message;
      }
    }
    return problem;
  }

  /**
   * Returns the ids of listed clients with their markers. If the list does not show the description of a client that has
   * the name of a lost one, reads it by its id.
   */
  async #withMarkers(listed: ClientSummary[], lost: Entry[]): Promise<[id: string, marker: string | undefined][]> {
    const names = lost.map(({ name }) => name);
    const hidden = listed.filter(
      ({ description, parse }) => !description && names.includes(parseOrUndefined(parse)?.name ?? ''),
    );
    const shown = await Promise.all(hidden.map(async ({ client_id }) => await this.#caller.get(client_id)));
    const read = shown.flatMap(({ json }) => parseListedClient(json?.client));
    return [...listed, ...read].map(({ client_id, description }) => [client_id, onlyMarker(description)]);
  }

  /** Returns what may be left over of a create request that got no answer, if the list does not show its client. */
  #lost({ marker }: Entry, problem: string | undefined): Leftover {
    const url = this.#caller.url();
    const reason = problem ? `the list could not be read (${problem})` : 'the list does not show it';
    return {
      reason: `A request that creates a client may have been carried out, but ${reason}.`,
      call: `If GET ${url} shows a client with "nonce:${marker.nonce}" in its description: DELETE ${url}/ID`,
    };
  }

  /** Removes a client. Returns why it remains, as a clause, or an empty text. */
  async #remove(entry: Entry, id: string): Promise<string> {
    const wasDeleted = entry.mayBeGone.has(id);
    try {
      const answer = await this.#deleteForSure(entry, id);
      if (typeof answer === 'string') return answer;
      if (!isSuccess(answer)) return isNotFound(answer) ? '' : describe(answer);
      // A server may answer with a success and delete nothing. A client that is shown after its deletion is read again.
      return wasDeleted && isSuccess(await this.#caller.get(id)) ? 'it can still be read after its deletion' : '';
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      return error.message;
    }
  }

  /** Does what #delete() does, and again while the server or the connection fails. */
  async #deleteForSure(entry: Entry, id: string): Promise<Reply | string> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#delete(entry, id);
      if (typeof answer === 'string' || isSuccess(answer) || isRefusal(answer)) return answer;
      if (attempt === MAX_DELETIONS || isTimeout(answer)) return answer;
      await this.#caller.pause(DELETION_PAUSE);
    }
  }

  /**
   * Reads a client, and deletes it if this run made it.
   * @returns the answer: to the reading if the client was deleted before. A clause if the client must not be deleted, or
   *   if it cannot be read
   */
  async #delete(entry: Entry, id: string): Promise<Reply | string> {
    const shown = await this.#read(entry, id);
    if (isNotFound(shown)) return entry.mayBeGone.has(id) ? shown : `it cannot be read (${describe(shown)})`;
    const reason = reasonNotOurs(shown, id, entry);
    if (reason) return reason;
    const answer = await this.#caller.delete(id);
    if (!isRefusal(answer) || isNotFound(answer)) entry.mayBeGone.add(id);
    return answer;
  }

  /** Reads a client. Repeats that while it is so new that the API may not know it. */
  async #read({ sentAt, mayBeGone }: Entry, id: string): Promise<Reply> {
    for (;;) {
      const reply = await this.#caller.get(id);
      if (!isNotFound(reply) || mayBeGone.has(id) || Date.now() > sentAt + READ_LAG) return reply;
      await this.#caller.pause(READ_PAUSE);
    }
  }

  /** Returns whether the answer to a create request proves that the client is this run's, as the action decides it. */
  #isProven(reply: Reply, { marker }: Entry): boolean {
    const { organization_id } = this.#caller.target;
    const sentAt = BigInt(Date.parse(reply.headers.date ?? '') || 0) * 1_000_000n || undefined;
    try {
      return proofOf(clientIn(reply), { organization_id, marker, sentAt, seenIds: this.seenIds }).isOwn;
    } catch {
      return false;
    }
  }
}

/** Returns why a client must not be deleted, as a clause. Returns an empty text if this run made it. */
function reasonNotOurs(reply: Reply, id: string, { marker, name, isProven }: Entry): string {
  let client: Client;
  try {
    client = clientIn(reply);
  } catch (error) {
    return `it could not be read (${error instanceof Error ? error.message : error})`;
  }
  if (client.client_id !== id) return 'the answer shows another client';
  const markers = parseMarkers(client.description).map(formatMarker);
  if (markers.length > 0)
    return markers.every((one) => one === formatMarker(marker)) ? '' : 'it has the ownership marker of another run';
  // A server may rewrite descriptions. Then the answer to the create request proves whose client it is.
  const isNamed = client.name.startsWith(name.slice(0, NAME_LENGTH));
  return isProven && isNamed ? '' : 'it does not show the ownership marker of this run';
}

function onlyMarker(description: string | undefined): string | undefined {
  const [marker, ...others] = parseMarkers(description);
  return marker && others.length === 0 ? formatMarker(marker) : undefined;
}
