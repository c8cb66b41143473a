import { createHash } from 'node:crypto';
import { quote } from '../output/text.ts';
import { byCreateTime, type Client } from '../scalekit/types.ts';
import { MAX_DESCRIPTION_TEXT } from './description.ts';

const MARKER =
  /^\[scalekit-organization-client\/1 key=(?<key>[\w-]{16}) repo=(?<repo>[\w-]{1,16}) by=(?<by>[\w-]{1,16}) run=(?<run>\d{1,12}\.\d{1,4}) lifetime=(?<lifetime>persistent|job) nonce=(?<nonce>[\w-]{16})\]$/;

/** How long a client exists: until it is deleted explicitly, or until its job ends. */
export type Lifetime = 'persistent' | 'job';

/**
 * The ownership marker: the last line of a client's description. It records which run created the client, and for whom.
 */
export interface OwnershipMarker {
  /** The identity hash. Two runs with the same hash mean the same client. */
  key: string;
  /** The repository that the client is for: its id, or a hash of its name. */
  repo: string;
  /** The repository whose workflow created the client: its id, or a hash of its name. */
  by: string;
  /** `ID.ATTEMPT` of the workflow run. */
  run: string;
  lifetime: Lifetime;
  /** Random. Each execution of the step has a new one. */
  nonce: string;
}

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

/** A client, with its description split into text and ownership marker. */
export interface ManagedClient extends Client {
  /** The description without the ownership marker, cut so that a marker fits in addition. */
  descriptionText: string;
  /** Undefined if the description does not end with one. */
  marker: OwnershipMarker | undefined;
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

/** Returns the ownership marker as one line of text. */
export function formatMarker({ key, repo, by, run, lifetime, nonce }: OwnershipMarker): string {
  return `[scalekit-organization-client/1 key=${key} repo=${repo} by=${by} run=${run} lifetime=${lifetime} nonce=${nonce}]`;
}

/** Returns the description to send: the text, and the ownership marker as its last line. */
export function appendMarker(descriptionText: string, marker: OwnershipMarker): string {
  return [descriptionText, formatMarker(marker)].filter(Boolean).join('\n');
}

/** Returns the ownership marker in the last line of a description, or undefined if there is none. */
export function parseMarker(description: string): OwnershipMarker | undefined {
  return MARKER.exec(splitDescription(description)[1])?.groups as OwnershipMarker | undefined;
}

/** Returns the client with its description split into text and ownership marker. */
export function withMarker(client: Client): ManagedClient {
  const marker = parseMarker(client.description);
  const text = marker ? splitDescription(client.description)[0] : client.description;
  const descriptionText = [...text].slice(0, MAX_DESCRIPTION_TEXT).join('');
  return { ...client, descriptionText, marker };
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
  if (marker?.key === key) return undefined;
  if (marker && marker.repo !== repo) return 'it was created for another repository, by its ownership marker';
  if (claimsNameRepository(client, identity) === false) return 'its claims name another repository';
  if (marker && marker.lifetime !== 'persistent') return 'it belongs to one job, by its ownership marker';
  const [environment] = claimValues(client, 'environment');
  if (environment !== undefined && environment.toLowerCase() !== identity.environment.toLowerCase()) {
    const expected = identity.environment ? quote(identity.environment) : 'no environment';
    return `it is for the environment ${quote(environment)}, and this step for ${expected}`;
  }
  return undefined;
}

/** Returns whether the claims of a client name the repository and the environment of this identity. */
export function hasMatchingClaims(client: Client, identity: Identity): boolean {
  const [environment = ''] = claimValues(client, 'environment');
  return (
    claimsNameRepository(client, identity) === true && environment.toLowerCase() === identity.environment.toLowerCase()
  );
}

/** Orders clients, the oldest first: by time in nanoseconds and then by id, so that all runs agree on the first. */
export function oldestFirst(one: ManagedClient, other: ManagedClient): number {
  return byCreateTime(one, other) || (one.client_id < other.client_id ? -1 : 1);
}

/** Returns 16 characters (96 bits) of the SHA-256 of a text, in base64url. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/** Splits a description into the text before its last line, and the last line. */
function splitDescription(description: string): [text: string, lastLine: string] {
  const trimmed = description.trimEnd();
  const at = trimmed.lastIndexOf('\n');
  return [trimmed.slice(0, Math.max(at, 0)), trimmed.slice(at + 1)];
}

/**
 * Returns whether the claims of a client name this repository. Ids are compared if both sides have one, otherwise
 * names. Returns undefined if the claims name no repository.
 */
function claimsNameRepository(client: Client, { repository, repository_id }: Identity): boolean | undefined {
  const ids = claimValues(client, 'github_repository_id');
  if (ids.length > 0 && repository_id !== undefined) return ids.every((id) => id === repository_id);
  const names = claimValues(client, 'github_repository');
  return names.length > 0 ? names.every((name) => name.toLowerCase() === repository.toLowerCase()) : undefined;
}

/** Returns all values of a claim: the API allows the same key more than once. */
function claimValues({ custom_claims }: Client, key: string): string[] {
  return custom_claims.filter((claim) => claim.key === key).map(({ value }) => value);
}

/**
 * Returns whether the step with this nonce and run created the client.
 * @param run `ID.ATTEMPT` of the workflow run
 */
export function isFromThisStep(
  { description }: Pick<Client, 'description'>,
  { nonce, run }: Pick<OwnershipMarker, 'nonce' | 'run'>,
): boolean {
  const marker = parseMarker(description);
  return marker?.nonce === nonce && marker.run === run;
}
