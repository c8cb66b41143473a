import { createHash } from 'node:crypto';
import { quote } from '../output/text.ts';
import { byCreateTime, type Client, type ClientSummary } from '../scalekit/types.ts';
import { type Lifetime, type OwnershipMarker, parseMarker, parseMarkers, textOf } from './marker.ts';

/** What a client is for. If any of these changes, another client is meant. */
export interface Identity {
  /** `owner/name` */
  repository: string;
  /** Undefined if it is not known. */
  repository_id: string | undefined;
  /** Deployment environment, or empty. */
  environment: string;
  /** Undefined if it was not given as an input. */
  name: string | undefined;
  lifetime: Lifetime;
}

type Claims = Pick<Client, 'custom_claims'>;

/** A client, with its description split into text and ownership marker. */
export interface ManagedClient extends Client {
  /** The description without the ownership marker, cut so that a marker fits in addition. */
  descriptionText: string;
  /** Undefined if the description has none, or several different ones. */
  marker: OwnershipMarker | undefined;
  /** Whether the description has several different markers, so that the client belongs to no step. */
  isDisputed: boolean;
}

/**
 * Returns the hash that two runs share if they mean the same client. The repository's id is hashed if it is known, so
 * the hash survives a rename. Otherwise the name is hashed. Name and environment are compared regardless of case.
 */
export function identityHash({ repository, repository_id, environment, name, lifetime }: Identity): string {
  const target = repository_id ?? repository.toLowerCase();
  return shortHash(JSON.stringify([target, environment.toLowerCase(), name ?? null, lifetime]));
}

/** Returns the repository's id or, if it is not known, a hash of its name regardless of case. */
export function repositoryReference(repository: string, repository_id: string | undefined): string {
  return repository_id ?? shortHash(repository.toLowerCase());
}

/** Returns the client with its description split into text and ownership marker. */
export function withMarker(client: Client): ManagedClient {
  const [marker, ...others] = parseMarkers(client.description);
  const isDisputed = others.length > 0;
  return {
    ...client,
    descriptionText: textOf(client.description),
    marker: isDisputed ? undefined : marker,
    isDisputed,
  };
}

/**
 * Returns why a client that the user named by its id must not be managed with this identity. Returns undefined if it
 * may be.
 */
export function reasonNotManageable(
  client: ManagedClient,
  identity: Identity,
  { key, repo }: Pick<OwnershipMarker, 'key' | 'repo'>,
): string | undefined {
  const { marker } = client;
  if (client.isDisputed) return 'its description has several different ownership markers';
  if (marker?.key === key)
    return namesOtherRepository(client, identity)
      ? 'its claim github_repository_id names another repository'
      : undefined;
  if (marker && marker.repo !== repo) return 'it was created for another repository, by its ownership marker';
  if (claimsNameRepository(client, identity) === false) return 'its claims name another repository';
  if (marker && marker.lifetime !== 'persistent') return 'it belongs to one job, by its ownership marker';
  const isOther = (value: string) => value.toLowerCase() !== identity.environment.toLowerCase();
  const environment = claimValues(client, 'environment').find(isOther);
  if (environment !== undefined) {
    const expected = identity.environment ? quote(identity.environment) : 'no environment';
    return `it is for the environment ${quote(environment)}, and this step for ${expected}`;
  }
  return undefined;
}

/**
 * Returns whether the claim `github_repository_id` of a client names another repository. Such a client is never used,
 * changed or deleted, although it has our identity hash: it is a copy, or its claims or its description were changed.
 */
export function namesOtherRepository(client: Claims, { repository_id }: Pick<Identity, 'repository_id'>): boolean {
  return repository_id !== undefined && claimValues(client, 'github_repository_id').some((id) => id !== repository_id);
}

/** Returns whether the claims of a client name another repository than its marker. A marker may have a hash in place of the id. */
export function contradictsItself(client: Claims, { repo }: OwnershipMarker): boolean {
  return /^\d+$/.test(repo) && namesOtherRepository(client, { repository_id: repo });
}

/** Returns whether the claims of a client name the repository and the environment of this identity. */
export function hasMatchingClaims(client: Claims, identity: Identity): boolean {
  const [environment = ''] = claimValues(client, 'environment');
  return (
    claimsNameRepository(client, identity) === true && environment.toLowerCase() === identity.environment.toLowerCase()
  );
}

/** What a client is to a step, by its ownership marker and its claims. */
export type Relation =
  /** It has the step's identity hash. */
  | 'ours'
  /** It has the step's identity hash, and a claim that names another repository, or claims that cannot be read. */
  | 'contradictory'
  /** It has several different ownership markers, and may be the step's by one of them or by its claims. */
  | 'disputed'
  /** It has no ownership marker, and the step's claims. */
  | 'look-alike'
  | 'unrelated';

/** Returns what a client is to a step, even if its other fields cannot be parsed. */
export function relationOf(
  { description, custom_claims }: Pick<ClientSummary, 'description' | 'custom_claims'>,
  { identity, marker: { key } }: { identity: Identity; marker: Pick<OwnershipMarker, 'key'> },
): Relation {
  const markers = parseMarkers(description);
  const hasOurKey = markers.some((marker) => marker.key === key);
  if (markers.length === 1 && !hasOurKey) return 'unrelated';
  if (markers.length === 1)
    return !custom_claims || namesOtherRepository({ custom_claims }, identity) ? 'contradictory' : 'ours';
  const isAlike = custom_claims !== undefined && hasMatchingClaims({ custom_claims }, identity);
  if (markers.length > 1) return hasOurKey || isAlike ? 'disputed' : 'unrelated';
  return isAlike ? 'look-alike' : 'unrelated';
}

/** Nanoseconds after which a second client with the same nonce is no duplicate of a request that was sent again. */
export const COPY_AGE_NS = 3_600_000_000_000n;

/**
 * Returns the clients that are copies made by hand: those that were created more than an hour after the oldest client with
 * the same nonce.
 */
export function copiesAmong<T extends { marker: OwnershipMarker; create_time: bigint | undefined }>(clients: T[]): T[] {
  const oldest = new Map<string, bigint>();
  for (const { marker, create_time } of clients) {
    const known = oldest.get(marker.nonce);
    if (create_time !== undefined && (known === undefined || create_time < known))
      oldest.set(marker.nonce, create_time);
  }
  return clients.filter(({ marker, create_time }) => {
    const first = oldest.get(marker.nonce);
    return create_time !== undefined && first !== undefined && create_time - first > COPY_AGE_NS;
  });
}

/** Parses a client. Returns undefined if it cannot be parsed. */
export function parseOrUndefined(parse: () => Client): Client | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

/** Orders clients, the oldest first: by time in nanoseconds and then by id, so that all runs agree on the first. */
export function oldestFirst(one: ManagedClient, other: ManagedClient): number {
  return byCreateTime(one, other) || (one.client_id < other.client_id ? -1 : 1);
}

/** Returns 16 characters (96 bits) of the SHA-256 of a text, in base64url. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/**
 * Returns whether the claims of a client name this repository. Ids are compared if both sides have one, otherwise
 * names. Returns undefined if the claims name no repository.
 */
export function claimsNameRepository(client: Claims, { repository, repository_id }: Identity): boolean | undefined {
  const ids = claimValues(client, 'github_repository_id');
  if (ids.length > 0 && repository_id !== undefined) return ids.every((id) => id === repository_id);
  const names = claimValues(client, 'github_repository');
  return names.length > 0 ? names.every((name) => name.toLowerCase() === repository.toLowerCase()) : undefined;
}

/** Returns all values of a claim: the API allows the same key more than once. */
export function claimValues({ custom_claims }: Claims, key: string): string[] {
  return custom_claims.filter((claim) => claim.key === key).map(({ value }) => value);
}

/**
 * Returns whether the step with this nonce and run created the client. It did not create a client whose claims name another
 * repository than its marker: the marker is a copy.
 * @param run `ID.ATTEMPT` of the workflow run
 */
export function isFromThisStep(
  { description, custom_claims }: Pick<ClientSummary, 'description' | 'custom_claims'>,
  { nonce, run }: Pick<OwnershipMarker, 'nonce' | 'run'>,
): boolean {
  const marker = parseMarker(description);
  if (marker?.nonce !== nonce || marker.run !== run) return false;
  return !custom_claims || !contradictsItself({ custom_claims }, marker);
}
