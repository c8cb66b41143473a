import { createHmac, timingSafeEqual } from 'node:crypto';
import { getState, saveState } from '@actions/core';
import type { DesiredClient } from '../client/desired.ts';
import type { Lifetime, ManagedClient } from '../client/identity.ts';
import type { SecretLocation } from '../github/saved-credentials.ts';
import { asObject } from '../net/json.ts';
import { message } from '../output/log.ts';
import type { ClientFields } from '../scalekit/types.ts';

const STATE_NAME = 'client';

/**
 * What this step made and nobody may use yet, or, with `lifetime: job`, after the job. The post step removes it.
 * One JSON value, written before anything is sent.
 */
export interface JournalState {
  origin: string;
  organization_id: string;
  nonce: string;
  run: string;
  lifetime: Lifetime;
  /** The client that was, or may have been, created. */
  client?: PendingClient | undefined;
  /** The secret that was, or may have been, added to a client. */
  secret?: PendingSecret | undefined;
  /** The variable in GitHub Actions that was, or may have been, written although the pair is not saved yet. */
  variable?: PendingVariable | undefined;
}

/** What a journal writes down; what it does not name stays. */
type StateChange = Pick<JournalState, 'client' | 'secret' | 'variable'>;

export interface PendingClient {
  /** Milliseconds since the epoch: when the create request was sent last. */
  sent_at: number;
  /** Whether it was sent more than once, so that there may be more than one client with this nonce. */
  sent_again: boolean;
  /** Absent until the create request was answered. */
  id?: string;
  /** Whether a request for a secret of it was lost, so that one more may be this step's. */
  secret_outcome_unknown?: boolean | undefined;
  /** This step's secrets on it; absent where the answer was lost. */
  secret_ids?: string[];
}

export interface PendingSecret {
  client_id: string;
  /** The key in the client's trailer. */
  key: string;
  /** Ids of the secrets that were there before. */
  known_ids: string[];
  /** Whether an answer was lost, so that one more secret may be this step's. */
  outcome_unknown: boolean;
  /** Absent until the request was answered. */
  id?: string;
}

export interface PendingVariable {
  /** Address of GitHub's API. */
  api: string;
  location: SecretLocation;
  /** What was written. */
  value: string;
  /** What was there before; absent where there was no such variable. */
  old?: string | undefined;
  /** When the secret beside it had been written last: it changes when somebody else saves a pair. */
  secret_time?: string | undefined;
  /** Milliseconds since the epoch: when it was sent last. */
  sent_at: number;
  /** How many sendings of it GitHub may still finish. */
  unconfirmed_writes: number;
}

/**
 * Main's side of the state. What it writes is sealed with the administrator's secret: a `STATE_*` variable can also
 * come from another step through `GITHUB_ENV`, and must not send the credentials elsewhere or name another's client.
 */
export class Journal {
  readonly state: JournalState;
  /** What only main can undo: the client as it was, and the fields that were, or may have been, changed. */
  pendingUpdate: { before: ManagedClient; fields: Partial<ClientFields> } | undefined;
  /** What nobody can undo, in sentences. */
  readonly irreversible: string[] = [];
  readonly #secret: string;

  constructor(state: JournalState, secret: string) {
    this.state = state;
    this.#secret = secret;
  }

  /**
   * Writes a change down, and then takes it for a fact.
   * @throws where the runner's file cannot be written
   */
  recordIntent(change: StateChange): void {
    const state = { ...this.state, ...change };
    const done = isEmpty(state);
    try {
      saveState(STATE_NAME, done ? '' : JSON.stringify({ ...state, seal: seal(state, this.#secret) }));
    } catch (error) {
      throw new Error(`Could not write the state for the post step: ${message(error)}.`);
    }
    Object.assign(this.state, change);
  }

  /** As `note`, for what is a fact whether or not it can be written: the roll-back has to know it. */
  recordResult(change: StateChange): void {
    Object.assign(this.state, change);
    this.recordIntent(change);
  }

  /**
   * Marks a pair as its user's: nobody takes it back any more.
   * @param client_id the client that is handed out; another one that this step made is still to be removed
   * @throws where the runner's file cannot be written
   */
  markPublished(client_id: string): void {
    const { client, secret, variable, lifetime } = this.state;
    const stays = lifetime === 'job' || client?.id !== client_id;
    if (client || secret || variable)
      this.recordIntent({ client: stays ? client : undefined, secret: undefined, variable: undefined });
  }

  /** Leaves the post step nothing of this to do. Where that cannot be written, it finds out for itself. */
  forget(change: StateChange = { client: undefined, secret: undefined, variable: undefined }): void {
    if (isEmpty(this.state)) return;
    try {
      this.recordIntent(change);
    } catch {}
  }
}

/** Whether there is nothing (left) to undo. */
function isEmpty({ client, secret, variable }: JournalState): boolean {
  return !client && !secret && !variable;
}

/** A state as it stands in the variable: not to be trusted before `isSealed`. */
export type SealedJournalState = JournalState & { seal: string };

/** @returns nothing where main left nothing to do. @throws where the text is not a state */
export function readState(): SealedJournalState | undefined {
  const text = getState(STATE_NAME);
  return text ? (asObject(JSON.parse(text), 'it') as unknown as SealedJournalState) : undefined;
}

/** Whether this state was written by a step with the same secret. */
export function isSealed({ seal: given, ...state }: SealedJournalState, secret: string): boolean {
  const expected = Buffer.from(seal(state, secret));
  const actual = Buffer.from(typeof given === 'string' ? given : '');
  return secret !== '' && actual.length === expected.length && timingSafeEqual(actual, expected);
}

function seal(state: JournalState, secret: string): string {
  return createHmac('sha256', secret).update(JSON.stringify(state)).digest('base64url');
}

/** The journal of a step that is about to change something, still empty. */
export function createJournal({ origin, organization_id, marker, credentials }: DesiredClient): Journal {
  const { nonce, run, lifetime } = marker;
  return new Journal({ origin, organization_id, nonce, run, lifetime }, credentials.client_secret);
}
