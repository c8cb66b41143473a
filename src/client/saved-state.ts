import type { SavedSnapshot } from '../github/saved-credentials.ts';
import type { DesiredClient } from './desired.ts';
import type { ManagedClient } from './identity.ts';

const SAVED_STATE =
  /^v1 key:(?<key>[\w-]{16}) organization:(?<organization>org_[\w-]{1,124}) secret:(?<secret>[\w-]{1,128})$/;

/** Characters of a value that this action wrote, at most. A longer one is another owner's. */
const MAX_STATE = 400;

/** Stands for the id of a new secret that no response showed. Credentials saved with it never count as usable. */
const UNKNOWN = 'unknown';

/** The owner of saved credentials: what the identity hash and the organization of a run have to be. */
export interface SavedOwner {
  /** The identity hash. */
  key: string;
  organization_id: string;
}

/** Returns the owner of the credentials that a run saves. */
export function ownerOf({ marker, organization_id }: DesiredClient): SavedOwner {
  return { key: marker.key, organization_id };
}

/** Returns the value of the variable `…_STATE`: the owner of the saved credentials, and the secret that is saved. */
export function formatSavedState({ key, organization_id }: SavedOwner, secretId = UNKNOWN): string {
  return `v1 key:${key} organization:${organization_id} secret:${secretId}`;
}

/** Returns the id of the secret that `…_STATE` names, or undefined if `…_STATE` does not belong to this owner. */
export function savedSecretId(saved: SavedSnapshot | undefined, owner: SavedOwner): string | undefined {
  const state = saved?.state ?? '';
  const { key, organization, secret } = (state.length <= MAX_STATE && SAVED_STATE.exec(state.trim())?.groups) || {};
  return key === owner.key && organization === owner.organization_id ? secret : undefined;
}

/**
 * Returns why the saved credentials do not work for a client, as a clause. Returns undefined if they do: they belong to
 * this owner and client, their secret is active, and GitHub's secret was not written before `…_STATE`, by GitHub's own
 * clock.
 */
export function reasonNotUsable(
  saved: SavedSnapshot | undefined,
  owner: SavedOwner,
  { client_id, secrets }: ManagedClient,
): string | undefined {
  if (saved?.secretTime === undefined || saved.state === undefined || saved.client_id === undefined)
    return 'no credentials of it are saved';
  const id = savedSecretId(saved, owner);
  if (id === undefined || saved.client_id.trim() !== client_id) return "the saved credentials are another client's";
  if (id === UNKNOWN) return 'it is not known which secret is saved';
  if (!secrets.some((secret) => secret.id === id && secret.active)) return `the saved secret ${id} is not active`;
  // An unknown time counts as a save that was cut off.
  if (seconds(saved.secretTime) >= seconds(saved.stateTime)) return undefined;
  return 'saving was cut off before the secret was written';
}

/** Returns a time in whole seconds, GitHub's precision. NaN if it is not known. */
function seconds(time = ''): number {
  return Math.floor(Date.parse(time) / 1000);
}

/**
 * Returns whether what is saved belongs to another owner: `…_STATE` names another owner, or there is an id or a secret
 * without `…_STATE`.
 */
export function isOtherOwners(saved: SavedSnapshot, owner: SavedOwner): boolean {
  if ((saved.client_id?.length ?? 0) > MAX_STATE) return true;
  if (saved.state !== undefined) return savedSecretId(saved, owner) === undefined;
  return saved.client_id !== undefined || saved.secretTime !== undefined;
}
