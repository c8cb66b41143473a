import type { SavedSnapshot, SecretLocation } from '../github/saved-credentials.ts';
import type { ClientFields } from '../scalekit/types.ts';
import type { Identity, ManagedClient } from './identity.ts';
import type { OwnershipMarker } from './marker.ts';

/** The values of the input `on_existing`. The first one is the default. */
export const ON_EXISTING = ['rotate', 'reuse', 'replace', 'fail'] as const;

/** What to do with a client that exists already. */
export type OnExisting = (typeof ON_EXISTING)[number];

/**
 * The client that a run asks for, and how to reach that state. It holds no credentials: neither the environment's API
 * secret nor `github_token`.
 */
export interface DesiredClient {
  /** Empty if the organization was given by its external id and is not resolved yet. */
  organization_id: string;
  /** The fields of the client. The description does not have its ownership marker yet. */
  fields: ClientFields;
  /** Whether name and description were given as inputs. They are compared only if they were. */
  given: { name: boolean; description: boolean };
  marker: OwnershipMarker;
  identity: Identity;
  /** Id of the client to manage, as the input says. Empty if it was not given. */
  client_id: string;
  on_existing: OnExisting;
  /** Days after which `reuse` rotates. Undefined if it does not go by age. */
  rotate_after: number | undefined;
  /** How many secrets a rotation keeps, the new one included: 1 to 5. */
  keep_secrets: number;
  /** Whether the credentials are verified before they are published. `exact`: more than requested is wrong as well. */
  verify: boolean | 'exact';
  /** Whether an access token is an output. */
  access_token: boolean;
  /** Where the credentials are saved for later workflows. Undefined if they are not saved. */
  location: SecretLocation | undefined;
  /** Whether the plan is only shown, and nothing is changed. */
  dry_run: boolean;
  /** Address of the workflow run. Empty outside a runner. */
  run_url: string;
  /** Facts that the user should know. They are not errors. */
  notices: string[];
}

/** What exists before anything is changed. */
export interface Existing {
  /** The client to continue with. Undefined if there is none. */
  client?: ManagedClient | undefined;
  /** Ids of further clients with the same identity. They are named in a warning and never changed. */
  others: string[];
  /** The credentials that GitHub Actions has from an earlier run. Undefined if credentials are not saved. */
  saved?: SavedSnapshot | undefined;
  /** Scalekit's time, in nanoseconds since the epoch. Undefined if it is not known. */
  now?: bigint | undefined;
}
