import type { DesiredClient } from '../client/desired.ts';
import type { SavedCredentials } from '../github/saved-credentials.ts';
import type { Scalekit } from '../scalekit/api.ts';
import type { Secret } from '../scalekit/types.ts';
import type { Journal } from '../undo/journal.ts';

/** How often a request is sent that makes something and whose answers are lost. */
export const MAX_SENDS = 3;

/** What the steps of a plan work with. */
export interface Context {
  scalekit: Scalekit;
  desired: DesiredClient;
  journal: Journal;
  /** Absent where the pair is not saved. */
  savedCredentials?: SavedCredentials | undefined;
}

/** A new secret, with its value. */
export interface NewSecret {
  secret: Secret;
  plain_secret: string;
}
