import { randomBytes } from 'node:crypto';
import { shortHash } from '../src/client/identity.ts';
import { appendMarker, formatMarker, type OwnershipMarker } from '../src/client/marker.ts';
import { type ClientFields, MAX_DESCRIPTION, MAX_NAME } from '../src/scalekit/types.ts';
import { accessTokenIn, type Caller, plainSecretIn } from './caller.ts';
import { type Ledger, NAME_LENGTH } from './ledger.ts';
import { idsIn, isUnchanged, pagingFault, readList, readPages } from './listing.ts';
import { clientIn, isRefusal, isSuccess, type Reply, refusesPageSize } from './reply.ts';
import type { Made, Role, Seen, Settled, Updated } from './seen.ts';

/** Secrets that are added at most to meet the cap on secrets. */
const MAX_MORE_SECRETS = 5;

/** Milliseconds before a request is repeated because its answer may still change. Each later pause is twice as long. */
const FIRST_PAUSE = 150;
const MAX_PAUSE = 1_500;

/** The smallest `page_size` that Scalekit's documentation names. */
const SMALLEST_PAGE = 10;

/** A scope that no environment has registered. */
const UNREGISTERED_SCOPE = 'contract:unregistered';

const TEXT = 'Made by "npm run contract", which deletes it before it ends.';

/** The claims of the client `full`. */
const CLAIMS = [
  { key: 'contract_team', value: 'platform' },
  { key: 'contract_note', value: 'a=b, "c" & ü' },
];

type Extra = Partial<Omit<ClientFields, 'name' | 'description'>>;

/** Sends the requests whose answers the assumptions are about, and records the answers. */
export class Walk {
  readonly #caller: Caller;
  readonly #ledger: Ledger;
  readonly #seen: Seen;
  /** Milliseconds in which an answer may still change. */
  readonly #patience: number;
  /** Questions whose answer did not change in that time. The next such request is sent once. */
  readonly #hopeless = new Set<string>();
  readonly #name: string;

  /** @param patience milliseconds in which the server may not know what was just made */
  constructor(caller: Caller, ledger: Ledger, seen: Seen, patience: number) {
    this.#caller = caller;
    this.#ledger = ledger;
    this.#seen = seen;
    this.#patience = patience;
    this.#name = `Contract ${randomBytes(4).toString('hex')}`.slice(0, NAME_LENGTH);
  }

  /** @throws {Stopped} if the run was interrupted, or may send no more requests */
  async run(): Promise<void> {
    const seen = this.#seen;
    seen.signIn = await this.#caller.signIn();
    if (!accessTokenIn(seen.signIn)) return;
    await this.#lookAtList();
    const full = await this.#makeFullClient();
    if (!full) return;
    seen.keys = await this.#caller.keys();
    await this.#makeOthers();
    await this.#readLists();
    await this.#update(full.id);
    await this.#changeSecrets(full);
    await this.#deleteLast();
  }

  async #lookAtList(): Promise<void> {
    const seen = this.#seen;
    const listing = await readPages(this.#caller, '100');
    seen.firstPage = listing.last;
    seen.before = isSuccess(listing.last) ? listing : await readList(this.#caller, '30');
    if (seen.before.incomplete === '') this.#ledger.seenIds = new Set(idsIn(seen.before.entries));
  }

  async #makeFullClient(): Promise<Made | undefined> {
    const seen = this.#seen;
    const extra = { audience: ['contract.example'], custom_claims: CLAIMS, expiry: 3600 };
    let full = await this.#make('full', this.#name, TEXT, extra);
    // If the answer was lost, the client is removed in the end. Everything else needs one whose secret is known.
    if (!full.id && full.created.mayBeDone) full = await this.#make('full', this.#name, TEXT, extra);
    if (!full.id) return undefined;
    const { id } = full;
    // All at once, since each asks whether the server knows the client yet.
    const listed = this.#waitForList([id]).then((settled) => {
      seen.listed = settled;
    });
    await allSettled([this.#read(full), this.#token(full), listed]);
    const client_secret = randomBytes(24).toString('base64url');
    seen.wrongSecret = await this.#caller.token({ client_id: id, client_secret });
    return full;
  }

  /** Creates the other clients, each for one question. */
  async #makeOthers(): Promise<void> {
    const seen = this.#seen;
    const second = await this.#make('bare', this.#name, TEXT);
    seen.sameName = second.created;
    if (!second.id && isRefusal(second.created)) await this.#make('bare', `${this.#name} bare`, TEXT);
    await this.#make('odd', `${this.#name} odd`, '  First line\n<b>"second"</b> & \'third\'');
    await this.#make('long', this.#name.padEnd(MAX_NAME, '.'), '');
    await this.#make('brief', `${this.#name} brief`, TEXT, { expiry: 300 });
    if (seen.scopes.length > 0) await this.#make('scoped', `${this.#name} scoped`, TEXT, { scopes: seen.scopes });
    await this.#make('unregistered', `${this.#name} unregistered`, TEXT, { scopes: [UNREGISTERED_SCOPE] });
    await this.#make('invalid', this.#name.padEnd(MAX_NAME + 72, '.'), TEXT);
    const { bare, odd, long, brief, scoped, unregistered } = seen.clients;
    for (const made of [bare, odd, long]) if (made?.id) await this.#read(made);
    for (const made of [bare, brief, scoped, unregistered]) if (made?.id) await this.#token(made);
  }

  /** Creates a client with a marker of its own, and records it under its role. */
  async #make(role: Role, name: string, text: string, extra: Extra = {}): Promise<Made> {
    const marker = newMarker();
    const fields = { name, description: role === 'long' ? longest(marker) : appendMarker(text, marker), ...extra };
    const { reply: created, id } = await this.#ledger.create(fields, marker);
    const made: Made = { fields, marker, created, id, secret: plainSecretIn(created) };
    this.#seen.clients[role] = made;
    return made;
  }

  async #read(made: Made): Promise<void> {
    made.read = await this.#settle('read', () => this.#caller.get(made.id), isSuccess);
  }

  async #token(made: Made): Promise<void> {
    made.token = await this.#settleToken({ client_id: made.id, client_secret: made.secret });
  }

  async #settleToken(credentials: { client_id: string; client_secret: string }): Promise<Settled> {
    return await this.#settle(
      'token',
      () => this.#caller.token(credentials),
      (reply) => accessTokenIn(reply) !== '',
    );
  }

  /** Reads the list until it shows these clients. */
  async #waitForList(wanted: string[]): Promise<Settled> {
    let ids: string[] = [];
    const send = async () => {
      const { entries, last } = await readList(this.#caller, '100');
      ids = idsIn(entries);
      return last;
    };
    // A list that was too long to be read to its end does not become shorter.
    if (this.#seen.before?.incomplete) this.#hopeless.add('list');
    return await this.#settle('list', send, () => wanted.every((id) => ids.includes(id)));
  }

  /** Reads the list after all clients were made, in large pages, and in pages so small that there are several. */
  async #readLists(): Promise<void> {
    const seen = this.#seen;
    if (seen.listed?.lag !== 0) await this.#waitForList(this.#madeIds());
    seen.after = await readList(this.#caller, '100');
    if (seen.after.incomplete) return;
    // In pages of a size that the API accepts.
    const largest = Number(seen.after.page_size || SMALLEST_PAGE);
    const size = Math.min(largest, Math.max(2, Math.ceil(seen.after.entries.length / 8)));
    await this.#readPaged(`${size}`);
    const isOnePage = seen.paged?.pages === 1 && (!seen.paged.incomplete || refusesPageSize(seen.paged.last));
    if (!isOnePage || seen.listed?.lag === undefined) return;
    for (let count = seen.after.entries.length; count <= SMALLEST_PAGE; count++)
      await this.#make(`filler-${count}`, `${this.#name} ${count}`, TEXT);
    if (seen.listed.lag > 0) await this.#waitForList(this.#madeIds());
    seen.after = await readList(this.#caller, '100');
    await this.#readPaged(`${SMALLEST_PAGE}`);
  }

  /** Reads the list in pages of this size. If clients are missing there, reads it again: another run may have changed it. */
  async #readPaged(size: string): Promise<void> {
    const seen = this.#seen;
    for (const isLast of [false, true]) {
      delete seen.afterPaging;
      seen.paged = await readPages(this.#caller, size);
      if (seen.paged.incomplete || pagingFault(seen) === '') return;
      seen.afterPaging = await readList(this.#caller, '100');
      if (isLast || seen.afterPaging.incomplete || isUnchanged(seen)) return;
      seen.after = seen.afterPaging;
    }
  }

  #madeIds(): string[] {
    return Object.values(this.#seen.clients).flatMap((made) => (made?.id ? [made.id] : []));
  }

  async #update(id: string): Promise<void> {
    const seen = this.#seen;
    const { description } = this.#seen.clients.full?.fields ?? {};
    seen.renamed = await this.#patch(id, { name: `${this.#name} renamed` });
    seen.reclaimed = await this.#patch(id, { custom_claims: CLAIMS.slice(1) });
    seen.readdressed = await this.#patch(id, { audience: ['other.example'] });
    seen.redescribed = await this.#patch(id, { description: `Updated.\n${description}` });
  }

  async #patch(id: string, fields: Partial<ClientFields>): Promise<Updated> {
    const answer = await this.#caller.update(id, fields);
    return { fields, answer, after: await this.#caller.get(id) };
  }

  /** Adds secrets until the cap is met, and deletes one. */
  async #changeSecrets({ id, secret }: Made): Promise<void> {
    const seen = this.#seen;
    const added = await this.#caller.addSecret(id);
    seen.second = { added };
    const plain = plainSecretIn(added);
    if (!isSuccess(added) || !plain) return;
    const credentials = { client_id: id, client_secret: plain };
    seen.second.after = await this.#caller.get(id);
    const first = await this.#caller.token({ client_id: id, client_secret: secret });
    seen.second.tokens = [first, await this.#settleToken(credentials)];
    seen.more = [];
    for (let left = MAX_MORE_SECRETS; left > 0; left--) {
      const reply = await this.#caller.addSecret(id);
      seen.more.push(reply);
      if (!isSuccess(reply)) break;
    }
    const secret_id = Object(added.json?.secret).id;
    if (typeof secret_id !== 'string' || !/^[\w-]{1,128}$/.test(secret_id)) return;
    seen.secretDeleted = { answer: await this.#caller.delete(id, secret_id) };
    if (!isSuccess(seen.secretDeleted.answer)) return;
    seen.secretDeleted.after = await this.#caller.get(id);
    seen.secretDeleted.token = await this.#settle('deleted', () => this.#caller.token(credentials), isRefusal);
  }

  /** Deletes the only secret of a client, and a client. */
  async #deleteLast(): Promise<void> {
    const seen = this.#seen;
    const { bare, odd } = seen.clients;
    const [only, ...others] = bare?.read && isSuccess(bare.read.last) ? secretIdsIn(bare.read.last) : [];
    if (bare && only && others.length === 0) seen.lastSecret = await this.#caller.delete(bare.id, only);
    const answer = odd?.id ? await this.#ledger.delete(odd.id) : undefined;
    if (!odd || !answer) return;
    seen.clientDeleted = { answer };
    if (!isSuccess(answer)) return;
    seen.clientDeleted.read = await this.#caller.get(odd.id);
    seen.clientDeleted.again = await this.#caller.delete(odd.id);
  }

  /** Repeats a request until its answer is good, or until the answer may no longer change. */
  async #settle(question: string, send: () => Promise<Reply>, isGood: (reply: Reply) => boolean): Promise<Settled> {
    const first = await send();
    if (isGood(first)) return { last: first, lag: 0 };
    const until = first.sentAt + (this.#hopeless.has(question) ? 0 : this.#patience);
    let last = first;
    for (let pause = FIRST_PAUSE; Date.now() + pause < until; pause = Math.min(2 * pause, MAX_PAUSE)) {
      await this.#caller.pause(pause);
      last = await send();
      if (isGood(last)) return { last, lag: last.sentAt - first.sentAt };
    }
    this.#hopeless.add(question);
    return { last, lag: undefined };
  }
}

/** Waits for all, then throws the first error: no request may be in flight when the clients are removed. */
async function allSettled(promises: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  const failed = results.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

function secretIdsIn(reply: Reply): string[] {
  try {
    return clientIn(reply).secrets.map(({ id }) => id);
  } catch {
    return [];
  }
}

/** Returns a new ownership marker. No run of the action has its identity hash or its repository. */
function newMarker(): OwnershipMarker {
  const contract = shortHash('npm run contract');
  const run = `${process.env.GITHUB_RUN_ID ?? '0'}.${process.env.GITHUB_RUN_ATTEMPT ?? '0'}`;
  const nonce = randomBytes(12).toString('base64url');
  const isRun = /^\d{1,12}\.\d{1,4}$/.test(run);
  return { key: contract, repo: contract, by: contract, run: isRun ? run : '0.0', lifetime: 'job', nonce };
}

/** Returns the longest description, which ends with the marker. */
function longest(marker: OwnershipMarker): string {
  const length = MAX_DESCRIPTION - formatMarker(marker).length - 1;
  return appendMarker(TEXT.padEnd(length, '.'), marker);
}
