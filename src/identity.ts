import { createHash, randomBytes } from 'node:crypto';
import { LONGEST_OWN_DESCRIPTION } from './formats.ts';
import type { Client } from './scalekit/types.ts';

export type Lifetime = 'persistent' | 'job';

/** The last line of a client's description: who made it, when, and for whom. */
export interface Trailer {
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
export function identityKey({ repository, repository_id, environment, name, lifetime }: Identity): string {
  const target = repository_id ?? repository.toLowerCase();
  return hash(JSON.stringify([target, environment.toLowerCase(), name ?? null, lifetime]));
}

/** The repository's id or, where none is known, a hash of its lower-cased name. */
export function repositoryMark(repository: string, repository_id: string | undefined): string {
  return repository_id ?? hash(repository.toLowerCase());
}

export function drawNonce(): string {
  return randomBytes(12).toString('base64url');
}

export function formatTrailer({ key, repo, by, run, lifetime, nonce }: Trailer): string {
  return `[scalekit-organization-client/1 key=${key} repo=${repo} by=${by} run=${run} lifetime=${lifetime} nonce=${nonce}]`;
}

/** A description as it is sent: the trailer is its last line. */
export function withTrailer(own_description: string, trailer: Trailer): string {
  return [own_description, formatTrailer(trailer)].filter(Boolean).join('\n');
}

const TRAILER =
  /^\[scalekit-organization-client\/1 key=(?<key>[\w-]{16}) repo=(?<repo>[\w-]{1,16}) by=(?<by>[\w-]{1,16}) run=(?<run>\d{1,12}\.\d{1,4}) lifetime=(?<lifetime>persistent|job) nonce=(?<nonce>[\w-]{16})\]$/;

/** Reads the trailer from a description's last line. @returns nothing where it has none */
export function parseTrailer(description: string): Trailer | undefined {
  return TRAILER.exec(splitDescription(description)[1])?.groups as Trailer | undefined;
}

/** @returns what comes before the last line, and the last line */
function splitDescription(description: string): [own: string, last: string] {
  const text = description.trimEnd();
  const at = text.lastIndexOf('\n');
  return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
}

/** A client whose description is taken apart. */
export interface KnownClient extends Client {
  /** The description without the trailer, and cut to what leaves room for one. */
  own_description: string;
  trailer: Trailer | undefined;
}

export function recognize(client: Client): KnownClient {
  const trailer = parseTrailer(client.description);
  const own = trailer ? splitDescription(client.description)[0] : client.description;
  const own_description = [...own].slice(0, LONGEST_OWN_DESCRIPTION).join('');
  return { ...client, own_description, trailer };
}

/**
 * Whether a client that was named by its id may be managed as this identity's.
 * @returns why not, or nothing
 */
export function objection(
  client: KnownClient,
  identity: Identity,
  { key, repo }: Pick<Trailer, 'key' | 'repo'>,
): string | undefined {
  const { trailer } = client;
  if (trailer?.key === key) return undefined;
  if (trailer && trailer.repo !== repo)
    return 'it was made for another repository, by the last line of its description';
  if (isRepository(client, identity) === false) return 'its claims name another repository';
  if (trailer && trailer.lifetime !== 'persistent') return 'it belongs to one job, by the last line of its description';
  const [environment] = claimsOf(client, 'environment');
  if (environment !== undefined && environment.toLowerCase() !== identity.environment.toLowerCase()) {
    const own = identity.environment ? JSON.stringify(identity.environment) : 'no environment';
    return `it is for the environment ${JSON.stringify(environment)}, and this step for ${own}`;
  }
  return undefined;
}

/** Whether a client without a trailer carries the claims of this repository and this environment. */
export function resembles(client: Client, identity: Identity): boolean {
  const [environment = ''] = claimsOf(client, 'environment');
  return isRepository(client, identity) === true && environment.toLowerCase() === identity.environment.toLowerCase();
}

/** By the id or, where one side does not know it, the name. @returns nothing where the claims do not say */
function isRepository(client: Client, { repository, repository_id }: Identity): boolean | undefined {
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
export function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
