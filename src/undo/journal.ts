import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { getState, saveState } from '@actions/core';
import { parseJsonObject } from '../net/json.ts';
import type { Outcome } from '../net/outcome.ts';
import { message } from '../output/log.ts';
import { thisProcess } from './main-process.ts';
import {
  isNothingPending,
  type PendingClient,
  type PendingSecret,
  type PendingState,
  type PendingUpdate,
  type PendingVariables,
} from './pending.ts';

// What this step has created or changed and not published yet. docs/design.md has a table of its states.

/** Name of the value in the runner's state file. */
const STATE_NAME = 'client';

/** A record as it is written. `counter` numbers the records of a step. Do not trust it before `isSealed` returned true. */
export type SealedRecord = PendingState & { counter: number; seal: string };

/** The parts of a state that can be pending. */
type Changes = Partial<Pick<PendingState, 'client' | 'secret' | 'variables' | 'organization_id'>>;

/**
 * Main's side of the journal. Every record goes to the runner's state file and to a journal file: the runner reads the
 * state file once, when it believes that main has ended, and main may still run then. Each record is sealed with the
 * environment's API secret, because another step can set a `STATE_*` variable through `GITHUB_ENV`, and it must neither
 * redirect the credentials nor name a process or a client of another run.
 */
export class Journal {
  #state: PendingState;
  #counter = 0;
  readonly #secret: string;
  pendingUpdate: PendingUpdate | undefined;
  /** Sentences about what cannot be undone. */
  readonly irreversible: string[] = [];

  /**
   * Writes the first record: main's process and the path of the journal file. Must be called before any request is sent.
   * @param secret the environment's API secret, which seals the records
   * @param folder the folder of the journal file. If it is not writable, the state file has the only records
   * @throws {Error} if the runner's state file cannot be written
   */
  constructor(state: Omit<PendingState, 'process' | 'journal_file'>, secret: string, folder: string | undefined) {
    this.#secret = secret;
    const journal_file = createJournalFile(folder);
    this.#state = { ...state, process: thisProcess(), journal_file };
    try {
      this.#write(this.#state);
    } catch {
      // The folder may be full.
      this.#state = { ...this.#state, journal_file: undefined };
      this.#write(this.#state);
    }
  }

  get state(): Readonly<PendingState> {
    return this.#state;
  }

  /** Records the organization's id after it was looked up. */
  organizationFound(organization_id: string): void {
    if (organization_id !== this.#state.organization_id) this.#recordResult({ organization_id });
  }

  /** Records that the create request is about to be sent. */
  clientSent(sent_again: boolean): void {
    this.#recordIntent({ client: { sent_at: Date.now(), sent_again } });
  }

  /** Records what the response to the create request shows. */
  clientAnswered(shown: Pick<PendingClient, 'id' | 'is_proven' | 'secret_ids'>): void {
    const { sent_at = Date.now(), sent_again = false } = this.#state.client ?? {};
    this.#recordResult({ client: { sent_at, sent_again, ...shown } });
  }

  /** Records that the response shows another client: this step's may exist, and only its nonce shows which it is. */
  clientUnknown(): void {
    const { sent_at = Date.now() } = this.#state.client ?? {};
    this.#recordResult({ client: { sent_at, sent_again: true } });
  }

  /**
   * Records that the secret which was added to this step's own client belongs to that client's entry from now on.
   * @param secret_ids ids of this step's secrets on the client
   */
  secretJoinsClient(secret_ids: string[]): void {
    const { client, secret } = this.#state;
    const joined = client && {
      ...client,
      secret_ids,
      secret_outcome_unknown: secret && (secret.outcome_unknown || !secret.id),
    };
    this.#recordResult({ client: joined, secret: undefined });
  }

  /** Records that the request for another secret is about to be sent. */
  secretSent(pending: PendingSecret): void {
    this.#recordIntent({ secret: pending });
  }

  /** Records the id of the added secret. */
  secretAnswered(id: string): void {
    if (this.#state.secret) this.#recordResult({ secret: { ...this.#state.secret, id } });
  }

  /** Records that the variables are about to be written. */
  variablesSent(pending: PendingVariables): void {
    this.#recordIntent({ variables: pending });
  }

  /**
   * Marks the credentials as published: neither roll-back nor the post step deletes them any more, except for the client
   * of a job.
   * @param client_id the published client. Another one that this step created is still deleted
   * @throws {Error} if a record cannot be written
   */
  markPublished(client_id: string): void {
    const { client, lifetime } = this.#state;
    if (isNothingPending(this.#state)) return;
    const isStillPending = lifetime === 'job' || client?.id !== client_id;
    this.#recordIntent({ client: isStillPending ? client : undefined, secret: undefined, variables: undefined });
  }

  /**
   * Sends a request from which there is no way back. The credentials count as published before it is sent. If it is
   * refused, that is taken back.
   */
  async passPointOfNoReturn<T>(client_id: string, send: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const { client, secret, variables } = this.#state;
    const { pendingUpdate } = this;
    this.markPublished(client_id);
    this.pendingUpdate = undefined;
    const outcome = await send();
    if (outcome.kind === 'refused') {
      this.pendingUpdate = pendingUpdate;
      this.#recordResult({ client, secret, variables });
    }
    return outcome;
  }

  /**
   * Removes entries that need no clean-up: the request was refused, or it was undone. Never throws: if it cannot be
   * recorded, the post step finds nothing to remove.
   */
  forget(...entries: ('client' | 'secret' | 'variables')[]): void {
    const isThere = entries.some((entry) => this.#state[entry]);
    try {
      if (isThere) this.#recordResult(Object.fromEntries(entries.map((entry) => [entry, undefined])));
    } catch {}
  }

  /** Ends the journal. If nothing is left to undo, empties the state, so that the post step has nothing to do. */
  end(): void {
    if (!isNothingPending(this.#state)) return;
    try {
      saveState(STATE_NAME, '');
    } catch {}
  }

  /** Records a change before it is sent. @throws {Error} if the record cannot be written. Nothing must be sent then */
  #recordIntent(change: Changes): void {
    const state = { ...this.#state, ...change };
    try {
      this.#write(state);
    } catch (error) {
      // One of the two files may have the record already, and post must not use it.
      this.#writeAgain();
      throw error;
    }
    this.#state = state;
  }

  /** Applies a change, then records it. Roll-back needs the change even if it cannot be recorded. */
  #recordResult(change: Changes): void {
    this.#state = { ...this.#state, ...change };
    this.#write(this.#state);
  }

  #writeAgain(): void {
    try {
      this.#write(this.#state);
    } catch {}
  }

  #write(state: PendingState): void {
    const record = { ...state, counter: ++this.#counter };
    const text = JSON.stringify({ ...record, seal: seal(record, this.#secret) });
    try {
      if (state.journal_file) replaceFile(state.journal_file, text);
      saveState(STATE_NAME, text);
    } catch (error) {
      throw new Error(`Could not write the state for the post step: ${message(error)}.`);
    }
  }
}

/** Creates an empty journal file. Returns its path, or undefined if the folder cannot be used. */
function createJournalFile(folder: string | undefined): string | undefined {
  if (!folder || !path.isAbsolute(folder)) return undefined;
  const file = path.join(folder, `scalekit-organization-client-${randomBytes(12).toString('hex')}`);
  try {
    writeNewFile(file, '');
    return file;
  } catch {
    return undefined;
  }
}

/** Replaces a file as a whole, so that a reader never sees a part of it. */
function replaceFile(file: string, text: string): void {
  // Left over if an earlier record could not be written.
  fs.rmSync(`${file}.new`, { force: true });
  writeNewFile(`${file}.new`, text);
  fs.renameSync(`${file}.new`, file);
}

/** Writes a file that must not exist, not even as a link, and that only this user can read. */
function writeNewFile(file: string, text: string): void {
  fs.writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}

/**
 * Reads the state that main wrote.
 * @returns undefined if main left nothing to undo
 * @throws {Error} if the text is not a state
 */
export function readState(): SealedRecord | undefined {
  const text = getState(STATE_NAME);
  return text ? parseRecord(text) : undefined;
}

/**
 * Reads the last record of the step that wrote a state: the one in the journal file, or the state itself if that is newer.
 * @returns undefined if there is no journal file, or if it holds no sealed record of that step
 */
export function readLastRecord(state: SealedRecord, secret: string): SealedRecord | undefined {
  let file: number | undefined;
  try {
    // A link is not followed, and a pipe does not block.
    const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
    file = fs.openSync(state.journal_file ?? '', O_NOFOLLOW | O_NONBLOCK);
    const record = parseRecord(fs.readFileSync(file, 'utf8'));
    if (record.nonce !== state.nonce || !isSealed(record, secret)) return undefined;
    return record.counter < state.counter ? state : record;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

/** Deletes the journal file of a step. Never throws: the runner deletes its folder in any case. */
export function deleteJournalFile({ journal_file }: PendingState): void {
  for (const file of journal_file ? [journal_file, `${journal_file}.new`] : []) {
    try {
      fs.rmSync(file, { force: true });
    } catch {}
  }
}

/** Returns whether a step with the same API secret wrote this record. */
export function isSealed({ seal: given, ...record }: SealedRecord, secret: string): boolean {
  const expected = Buffer.from(seal(record, secret));
  const actual = Buffer.from(typeof given === 'string' ? given : '');
  return secret !== '' && actual.length === expected.length && timingSafeEqual(actual, expected);
}

function parseRecord(text: string): SealedRecord {
  // The message of JSON.parse would quote the text, and post has masked nothing yet.
  return parseJsonObject(text) as unknown as SealedRecord;
}

/** Returns the HMAC-SHA-256 of a record, in base64url. */
function seal(record: PendingState, secret: string): string {
  return createHmac('sha256', secret).update(JSON.stringify(record)).digest('base64url');
}
