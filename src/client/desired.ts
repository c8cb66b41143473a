import type { GitHubAccess } from '../github/api.ts';
import type { SecretLocation } from '../github/saved-credentials.ts';
import type { ConnectionInputs } from '../inputs/connection.ts';
import type { ClientFields } from '../scalekit/types.ts';
import type { Identity, OwnershipMarker } from './identity.ts';

export const ON_EXISTING = ['rotate', 'reuse', 'replace', 'fail'] as const;

export type OnExisting = (typeof ON_EXISTING)[number];

/** All that a run of the action needs to know, checked. */
export interface DesiredClient extends ConnectionInputs {
  /** What the client shall be; the description still without its trailer. */
  fields: ClientFields;
  /** Name and description are compared only where they were given. */
  given: { name: boolean; description: boolean };
  marker: OwnershipMarker;
  identity: Identity;
  /** The client to manage, or empty. */
  client_id: string;
  on_existing: OnExisting;
  /** 1 to 5. */
  keep_secrets: number;
  verify: boolean;
  access_token: boolean;
  github: GitHubAccess | undefined;
  /** Where the pair is kept for later workflows; nothing where it is not. */
  location: SecretLocation | undefined;
  dry_run: boolean;
  /** What the user should know although nothing is wrong. */
  notices: string[];
}
