import { setTimeout as sleep } from 'node:timers/promises';
import { formatMarker, type OwnershipMarker, parseMarkers } from '../src/client/marker.ts';
import { proofOf } from '../src/client/proof.ts';
import { isApiResponse } from '../src/net/api-error.ts';
import { isNotFound } from '../src/scalekit/meaning.ts';
import type { Client, ClientFields, ClientSummary } from '../src/scalekit/types.ts';
import { parseListedClient } from '../src/scalekit/types.ts';
import { type Caller, plainSecretIn, Stopped } from './caller.ts';
import { readList } from './listing.ts';
import { clientIn, describe, isRefusal, isSuccess, type Reply } from './reply.ts';

// What a run made and has to remove. Every client is noted before it is asked for.

/** Milliseconds before each look at the list for a client whose create request got no answer. */
const LOOKS = [0, 1_000, 2_000, 4_000];

/** Clients that are read at most because the list does not show their descriptions. */
const MAX_HIDDEN = 5;

/** Milliseconds after its creation in which a client may not be readable yet. */
const READ_LAG = 10_000;

/** A client that was asked for. */
interface Entry {
  marker: OwnershipMarker;
  sentAt: number;
  /** Whether the create request was provably not carried out. */
  isRefused: boolean;
  /** Whether the answer to the create request proves that the client with this id was made by it. */
  isProven: boolean;
  /** Ids of the clients that were made: one, unless the server made several. Empty if none is known. */
  ids: Set<string>;
  /** Those of them that a request to delete them may have deleted. */
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
   * @returns what could not be removed: a sentence each, with the call that does it
   */
  async removeAll(): Promise<string[]> {
    const open = this.#entries.filter(({ isRefused }) => !isRefused);
    if (open.length === 0) return [];
    const problem = await this.#findLost(open);
    const left = new Map<string, string>();
    const removeThose = async (found: [Entry, string][]) => {
      for (const [id, sentence] of await Promise.all(found.map(async ([entry, id]) => this.#remove(entry, id)))) {
        if (sentence) left.set(id, sentence);
        else left.delete(id);
      }
    };
    await removeThose(open.flatMap((entry) => [...entry.ids].map((id): [Entry, string] => [entry, id])));
    await removeThose(await this.#stillListed(open));
    const lost = open.filter(({ ids }) => ids.size === 0).map((entry) => this.#lost(entry, problem));
    return [...left.values(), ...lost];
  }

  /** Returns the clients of this run that the list shows. Without a list, the answers to the deletions count. */
  async #stillListed(entries: Entry[]): Promise<[Entry, string][]> {
    try {
      const listed = await readList(this.#caller, '100');
      return listed.entries.flatMap(parseListedClient).flatMap(({ client_id, description }): [Entry, string][] => {
        const marker = onlyMarker(description);
        const entry = entries.find((one) => one.ids.has(client_id) || marker === formatMarker(one.marker));
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
        for (const [client_id, marker] of await this.#withMarkers(entries.flatMap(parseListedClient)))
          open.find((entry) => marker === formatMarker(entry.marker))?.ids.add(client_id);
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        return error.message;
      }
    }
    return problem;
  }

  /**
   * Returns the ids of listed clients with their markers. Reads a few new clients by their ids, if the list does not show
   * their descriptions.
   */
  async #withMarkers(listed: ClientSummary[]): Promise<[id: string, marker: string | undefined][]> {
    const known = new Set([...(this.seenIds ?? []), ...this.#entries.flatMap(({ ids }) => [...ids])]);
    const isHidden = ({ client_id, description }: ClientSummary) => description === undefined && !known.has(client_id);
    const hidden = listed.filter(isHidden).slice(-MAX_HIDDEN);
    const shown = await Promise.all(hidden.map(async ({ client_id }) => await this.#caller.get(client_id)));
    const read = shown.flatMap(({ json }) => parseListedClient(json?.client));
    return [...listed, ...read].map(({ client_id, description }) => [client_id, onlyMarker(description)]);
  }

  /** Returns the sentence about a client whose create request got no answer, and that the list does not show. */
  #lost({ marker }: Entry, problem: string | undefined): string {
    const url = this.#caller.url();
    const reason = problem ? `the list could not be read (${problem})` : 'the list does not show it';
    return `A request that creates a client may have been carried out, but ${reason}. If GET ${url} shows a client with "nonce:${marker.nonce}" in its description: DELETE ${url}/ID`;
  }

  /** Removes a client. Returns its id, and the sentence that says why it remains. */
  async #remove(entry: Entry, id: string): Promise<[id: string, sentence: string]> {
    const remains = (reason: string): [string, string] => [
      id,
      `Client ${id} was not removed: ${reason}. To remove it by hand: DELETE ${this.#caller.url(id)}`,
    ];
    try {
      const answer = await this.#delete(entry, id);
      if (typeof answer === 'string') return remains(answer);
      return isSuccess(answer) || isNotFound(answer) ? [id, ''] : remains(describe(answer));
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      return remains(error.message);
    }
  }

  /**
   * Reads a client, and deletes it if this run made it.
   * @returns the answer. The answer to the reading if the client does not exist. A clause if the client is not this run's
   */
  async #delete(entry: Entry, id: string): Promise<Reply | string> {
    const shown = await this.#read(entry, id);
    if (isNotFound(shown)) return shown;
    const reason = reasonNotOurs(shown, entry);
    if (reason) return reason;
    entry.mayBeGone.add(id);
    return await this.#caller.delete(id);
  }

  /** Reads a client. Repeats that while it is so new that the API may not know it. */
  async #read({ sentAt, mayBeGone }: Entry, id: string): Promise<Reply> {
    for (;;) {
      const reply = await this.#caller.get(id);
      if (!isNotFound(reply) || mayBeGone.has(id) || Date.now() > sentAt + READ_LAG) return reply;
      await this.#caller.pause(500);
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
function reasonNotOurs(reply: Reply, { marker, isProven }: Entry): string {
  let client: Client;
  try {
    client = clientIn(reply);
  } catch (error) {
    return `it could not be read (${error instanceof Error ? error.message : error})`;
  }
  const markers = parseMarkers(client.description).map(formatMarker);
  if (markers.some((one) => one !== formatMarker(marker))) return 'it has the ownership marker of another run';
  // A server may rewrite descriptions. Then the answer to the create request proves whose client it is.
  return markers.length > 0 || isProven ? '' : 'it does not show the ownership marker of this run';
}

function onlyMarker(description: string | undefined): string | undefined {
  const [marker, ...others] = parseMarkers(description);
  return marker && others.length === 0 ? formatMarker(marker) : undefined;
}
