import { createHmac, timingSafeEqual } from 'node:crypto';
import { getState, saveState } from '@actions/core';
import type { Lifetime, ManagedClient } from '../client/identity.ts';
import type { SecretLocation } from '../github/saved-credentials.ts';
import { asObject } from '../net/json.ts';
import { message } from '../output/log.ts';
import type { ClientFields } from '../scalekit/types.ts';

// What this step has created or changed and not published yet. docs/design.md has a table of its states.

/** Name of the value in the runner's state file. */
const STATE_NAME = 'client';

/**
 * What the post step has to undo if the step fails or is cut off, or, with `lifetime: job`, when the job ends. The state
 * file holds it as one JSON value, written before anything is sent.
 */
export interface PendingState {
  origin: string;
  organization_id: string;
  nonce: string;
  /** `ID.ATTEMPT` of the workflow run. */
  run: string;
  lifetime: Lifetime;
  /** The client that this step created, or may have created. */
  client?: PendingClient | undefined;
  /** The secret that this step added, or may have added, to a client that existed. */
  secret?: PendingSecret | undefined;
  /** The variable in GitHub Actions that this step wrote, or may have written, before the credentials are saved. */
  variable?: PendingVariable | undefined;
}

/** A change of the state. Parts that it does not name keep their value. */
type StateChange = Pick<PendingState, 'client' | 'secret' | 'variable'>;

/** A client that this step created, or may have created. */
export interface PendingClient {
  /** Milliseconds since the epoch: when the create request was sent last. */
  sent_at: number;
  /** Whether the request was sent more than once, so that several clients may have this nonce. */
  sent_again: boolean;
  /** Undefined until the create request is answered. */
  id?: string;
  /** Whether the outcome of a request for a second secret is unknown, so that one more secret may be this step's. */
  secret_outcome_unknown?: boolean | undefined;
  /** Ids of this step's secrets on the client. Undefined if the create request got no usable response. */
  secret_ids?: string[];
}

/** A secret that this step added, or may have added, to a client that existed. */
export interface PendingSecret {
  client_id: string;
  /** The identity hash in the client's ownership marker. */
  key: string;
  /** Ids of the secrets that existed before. */
  known_ids: string[];
  /** Whether the outcome of an earlier request is unknown, so that one more secret may be this step's. */
  outcome_unknown: boolean;
  /** Undefined until the request is answered. */
  id?: string;
}

/** A variable that this step wrote, or may have written. */
export interface PendingVariable {
  /** URL of GitHub's API. */
  api: string;
  location: SecretLocation;
  /** The value that was written. */
  value: string;
  /** The former value. Undefined if there was no such variable. */
  old?: string | undefined;
  /** When the secret beside it was last written. It changes when another run saves its credentials. */
  secret_time?: string | undefined;
  /** Milliseconds since the epoch: when the variable was sent last. */
  sent_at: number;
  /** How many requests GitHub may still carry out. */
  unconfirmed_writes: number;
}

/** An update that only main can undo: the client before it, and the fields that were, or may have been, changed. */
export interface PendingUpdate {
  before: ManagedClient;
  fields: Partial<ClientFields>;
}

/**
 * Main's side of the state. Each state is sealed with the environment's API secret: another step can also set a `STATE_*`
 * variable through `GITHUB_ENV`, and it must not redirect the credentials or name a client of another run.
 */
export class Journal {
  readonly state: PendingState;
  pendingUpdate: PendingUpdate | undefined;
  /** Sentences about what nobody can undo. */
  readonly irreversible: string[] = [];
  readonly #secret: string;

  /** @param secret the environment's API secret, which seals the state */
  constructor(state: PendingState, secret: string) {
    this.state = state;
    this.#secret = secret;
  }

  /**
   * Persists the change, then applies it.
   * @throws {Error} if the runner's file cannot be written
   */
  recordIntent(change: StateChange): void {
    const state = { ...this.state, ...change };
    const text = isEmpty(state) ? '' : JSON.stringify({ ...state, seal: seal(state, this.#secret) });
    try {
      saveState(STATE_NAME, text);
    } catch (error) {
      throw new Error(`Could not write the state for the post step: ${message(error)}.`);
    }
    Object.assign(this.state, change);
  }

  /**
   * Applies the change, then persists it. Roll-back needs the change even if it cannot be persisted.
   * @throws {Error} if the runner's file cannot be written
   */
  recordResult(change: StateChange): void {
    Object.assign(this.state, change);
    this.recordIntent(change);
  }

  /**
   * Marks the credentials as published: neither roll-back nor the post step deletes them any more, except for the client
   * of a job.
   * @param client_id the published client. Another one that this step created is still deleted
   * @throws {Error} if the runner's file cannot be written
   */
  markPublished(client_id: string): void {
    const { client, secret, variable, lifetime } = this.state;
    const isStillPending = lifetime === 'job' || client?.id !== client_id;
    if (client || secret || variable)
      this.recordIntent({ client: isStillPending ? client : undefined, secret: undefined, variable: undefined });
  }

  /**
   * Removes entries that need no clean-up: those that `change` sets to undefined, or all. Never throws: if it cannot be
   * persisted, the post step finds nothing to remove.
   */
  forget(change: StateChange = { client: undefined, secret: undefined, variable: undefined }): void {
    if (isEmpty(this.state)) return;
    try {
      this.recordIntent(change);
    } catch {}
  }
}

/** Returns whether nothing is left to undo. */
function isEmpty({ client, secret, variable }: PendingState): boolean {
  return !client && !secret && !variable;
}

/** A state as the post step reads it. Do not trust it before `isSealed` returned true. */
export type SealedState = PendingState & { seal: string };

/**
 * Reads the state that main wrote.
 * @returns undefined if main left nothing to undo
 * @throws {Error} if the text is not a state
 */
export function readState(): SealedState | undefined {
  const text = getState(STATE_NAME);
  return text ? (asObject(JSON.parse(text), 'it') as unknown as SealedState) : undefined;
}

/** Returns whether a step with the same API secret wrote this state. */
export function isSealed({ seal: given, ...state }: SealedState, secret: string): boolean {
  const expected = Buffer.from(seal(state, secret));
  const actual = Buffer.from(typeof given === 'string' ? given : '');
  return secret !== '' && actual.length === expected.length && timingSafeEqual(actual, expected);
}

/** Returns the HMAC-SHA-256 of a state, in base64url. */
function seal(state: PendingState, secret: string): string {
  return createHmac('sha256', secret).update(JSON.stringify(state)).digest('base64url');
}
