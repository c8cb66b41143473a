import { createHash, randomBytes } from 'node:crypto';
import { byCreateTime, type Client, MAX_DESCRIPTION } from '../scalekit/types.ts';

const MAX_MARKER = 160;

/** Characters that a description may have besides the line break and the trailer. */
export const MAX_DESCRIPTION_TEXT = MAX_DESCRIPTION - MAX_MARKER - 1;

/** Orders clients: by time to the nanosecond, then by id, so that all runs agree on the first. */
export function oldestFirst(one: ManagedClient, other: ManagedClient): number {
  return byCreateTime(one, other) || (one.client_id < other.client_id ? -1 : 1);
}

export type Lifetime = 'persistent' | 'job';

/** The last line of a client's description: who made it, when, and for whom. */
export interface OwnershipMarker {
  /** What makes two runs mean the same client. */
  key: string;
  /** The repository that the client is for: its id, or a hash of its name. */
  repo: string;
  /** The repository whose workflow made it, likewise. */
  by: string;
  /** `ID.ATTEMPT` */
  run: string;
  lifetime: Lifetime;
  /** Drawn anew by each execution of the step. */
  nonce: string;
}

/** What a client is for. A change of any of these means another client. */
export interface Identity {
  repository: string;
  repository_id: string | undefined;
  environment: string;
  /** Only where one was given as an input. */
  name: string | undefined;
  lifetime: Lifetime;
}

/** A hash of the identity: by the repository's id where it is known, so that a rename changes nothing. */
export function identityHash({ repository, repository_id, environment, name, lifetime }: Identity): string {
  const target = repository_id ?? repository.toLowerCase();
  return shortHash(JSON.stringify([target, environment.toLowerCase(), name ?? null, lifetime]));
}

/** The repository's id or, where none is known, a hash of its lower-cased name. */
export function repositoryReference(repository: string, repository_id: string | undefined): string {
  return repository_id ?? shortHash(repository.toLowerCase());
}

export function createNonce(): string {
  return randomBytes(12).toString('base64url');
}

export function formatMarker({ key, repo, by, run, lifetime, nonce }: OwnershipMarker): string {
  return `[scalekit-organization-client/1 key=${key} repo=${repo} by=${by} run=${run} lifetime=${lifetime} nonce=${nonce}]`;
}

/** A description as it is sent: the trailer is its last line. */
export function appendMarker(descriptionText: string, marker: OwnershipMarker): string {
  return [descriptionText, formatMarker(marker)].filter(Boolean).join('\n');
}

const MARKER =
  /^\[scalekit-organization-client\/1 key=(?<key>[\w-]{16}) repo=(?<repo>[\w-]{1,16}) by=(?<by>[\w-]{1,16}) run=(?<run>\d{1,12}\.\d{1,4}) lifetime=(?<lifetime>persistent|job) nonce=(?<nonce>[\w-]{16})\]$/;

/** Reads the trailer from a description's last line. @returns nothing where it has none */
export function parseMarker(description: string): OwnershipMarker | undefined {
  return MARKER.exec(splitDescription(description)[1])?.groups as OwnershipMarker | undefined;
}

/** @returns what comes before the last line, and the last line */
function splitDescription(description: string): [own: string, last: string] {
  const text = description.trimEnd();
  const at = text.lastIndexOf('\n');
  return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
}

/** A client whose description is taken apart. */
export interface ManagedClient extends Client {
  /** The description without the trailer, and cut to what leaves room for one. */
  descriptionText: string;
  marker: OwnershipMarker | undefined;
}

export function withMarker(client: Client): ManagedClient {
  const marker = parseMarker(client.description);
  const own = marker ? splitDescription(client.description)[0] : client.description;
  const descriptionText = [...own].slice(0, MAX_DESCRIPTION_TEXT).join('');
  return { ...client, descriptionText, marker };
}

/**
 * Whether a client that was named by its id may be managed as this identity's.
 * @returns why not, or nothing
 */
export function reasonNotManageable(
  client: ManagedClient,
  identity: Identity,
  { key, repo }: Pick<OwnershipMarker, 'key' | 'repo'>,
): string | undefined {
  const { marker } = client;
  if (marker?.key === key) return undefined;
  if (marker && marker.repo !== repo) return 'it was made for another repository, by the last line of its description';
  if (claimsNameRepository(client, identity) === false) return 'its claims name another repository';
  if (marker && marker.lifetime !== 'persistent') return 'it belongs to one job, by the last line of its description';
  const [environment] = claimsOf(client, 'environment');
  if (environment !== undefined && environment.toLowerCase() !== identity.environment.toLowerCase()) {
    const own = identity.environment ? JSON.stringify(identity.environment) : 'no environment';
    return `it is for the environment ${JSON.stringify(environment)}, and this step for ${own}`;
  }
  return undefined;
}

/** Whether a client without a trailer carries the claims of this repository and this environment. */
export function hasMatchingClaims(client: Client, identity: Identity): boolean {
  const [environment = ''] = claimsOf(client, 'environment');
  return (
    claimsNameRepository(client, identity) === true && environment.toLowerCase() === identity.environment.toLowerCase()
  );
}

/** By the id or, where one side does not know it, the name. @returns nothing where the claims do not say */
function claimsNameRepository(client: Client, { repository, repository_id }: Identity): boolean | undefined {
  const ids = claimsOf(client, 'github_repository_id');
  if (ids.length > 0 && repository_id !== undefined) return ids.every((id) => id === repository_id);
  const names = claimsOf(client, 'github_repository');
  return names.length > 0 ? names.every((name) => name.toLowerCase() === repository.toLowerCase()) : undefined;
}

/** All that stand there: nothing keeps a client from having one twice. */
function claimsOf({ custom_claims }: Client, key: string): string[] {
  return custom_claims.filter((claim) => claim.key === key).map(({ value }) => value);
}

/** 16 characters (96 bits) of a SHA-256, in base64url. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
