import { createHash, randomBytes } from 'node:crypto';

/** The longest description of a client (Scalekit's descriptor), in characters. */
const LONGEST_DESCRIPTION = 512;
const LONGEST_TRAILER = 160;

/** Characters that a description may have besides the line break and the trailer. */
export const LONGEST_OWN_DESCRIPTION = LONGEST_DESCRIPTION - LONGEST_TRAILER - 1;

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

const TRAILER =
  /^\[scalekit-organization-client\/1 key=(?<key>[\w-]{16}) repo=(?<repo>[\w-]{1,16}) by=(?<by>[\w-]{1,16}) run=(?<run>\d+\.\d+) lifetime=(?<lifetime>persistent|job) nonce=(?<nonce>[\w-]{16})\]$/;

/** Reads the trailer from a description's last line. @returns nothing where it has none */
export function parseTrailer(description: string): Trailer | undefined {
  const text = description.trimEnd();
  return TRAILER.exec(text.slice(text.lastIndexOf('\n') + 1))?.groups as Trailer | undefined;
}

/** 16 characters (96 bits) of a SHA-256, in base64url. */
export function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
