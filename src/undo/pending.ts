import type { ManagedClient } from '../client/identity.ts';
import type { Lifetime } from '../client/marker.ts';
import type { SavedSnapshot, SecretLocation } from '../github/saved-credentials.ts';
import type { ClientFields } from '../scalekit/types.ts';
import type { MainProcess } from './main-process.ts';

// What main has created or changed and not published yet, as the journal records it.

/**
 * What the post step has to undo if the step fails or is cut off, or, with `lifetime: job`, when the job ends. One JSON
 * value in the runner's state file and in the journal file.
 */
export interface PendingState {
  origin: string;
  /** Empty until it is resolved, if only the external id is given. */
  organization_id: string;
  nonce: string;
  /** `ID.ATTEMPT` of the workflow run. */
  run: string;
  lifetime: Lifetime;
  /** Main's process. Undefined if the system has no `/proc`. */
  process?: MainProcess | undefined;
  /** Path of the journal file. Undefined if there is none. */
  journal_file?: string | undefined;
  /** The client that this step created, or may have created. */
  client?: PendingClient | undefined;
  /** The secret that this step added, or may have added, to a client that existed. */
  secret?: PendingSecret | undefined;
  /** The variables in GitHub Actions that this step wrote, or may have written, before the secret is saved. */
  variables?: PendingVariables | undefined;
}

/** A client that this step created, or may have created. */
export interface PendingClient {
  /** Milliseconds since the epoch: when the create request was sent last. */
  sent_at: number;
  /** Whether the request was sent more than once, so that several clients may have this nonce. */
  sent_again: boolean;
  /** Undefined until the create request is answered. */
  id?: string;
  /** Whether the response proved that this client is this step's, so that it is deleted even without an ownership marker. */
  is_proven?: boolean;
  /** Whether the outcome of a request for a second secret is unknown, so that one more secret may be this step's. */
  secret_outcome_unknown?: boolean | undefined;
  /** Ids of this step's secrets on the client. Undefined if the create request got no usable response. */
  secret_ids?: string[];
}

/** A secret that this step added, or may have added, to a client that existed. */
export interface PendingSecret {
  client_id: string;
  /** The nonce in the client's ownership marker, as main last read or wrote it. */
  nonce: string;
  /** Ids of the secrets that existed before. */
  known_ids: string[];
  /** Whether the outcome of an earlier request is unknown, so that one more secret may be this step's. */
  outcome_unknown: boolean;
  /** Undefined until the request is answered. */
  id?: string;
}

/** Variables that this step wrote, or may have written. */
export interface PendingVariables {
  /** URL of GitHub's API. */
  api: string;
  location: SecretLocation;
  /** What was there before the first of them was written. */
  before: SavedSnapshot;
  /** What was written. */
  written: { client_id: string; state: string };
}

/** An update that only main can undo: the client before it, and the fields that were, or may have been, changed. */
export interface PendingUpdate {
  before: ManagedClient;
  fields: Partial<ClientFields>;
}

/** Returns whether nothing is left to undo. */
export function isNothingPending({ client, secret, variables }: PendingState): boolean {
  return !client && !secret && !variables;
}
