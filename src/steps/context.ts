import type { DesiredClient } from '../client/desired.ts';
import type { SavedCredentials } from '../github/saved-credentials.ts';
import type { Scalekit } from '../scalekit/api.ts';
import type { Secret } from '../scalekit/types.ts';
import type { Journal } from '../undo/journal.ts';

/** How often a request that creates something is sent if the outcome stays unknown. */
export const MAX_SENDS = 3;

/** What the steps of a plan work with. */
export interface Context {
  scalekit: Scalekit;
  desired: DesiredClient;
  journal: Journal;
  /** Undefined if the credentials are not saved. */
  savedCredentials?: SavedCredentials | undefined;
}

/** A new secret and its value. */
export interface NewSecret {
  plain_secret: string;
  /** Undefined if no response shows which secret has this value. */
  shown: Secret | undefined;
}
