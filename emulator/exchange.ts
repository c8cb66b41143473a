import type { IncomingHttpHeaders } from 'node:http';
import type { ApiOperation } from './scalekit/descriptors.ts';

// The words that the rooms of the emulator share: a request, its answer, and the work between them.

/** The calls of GitHub's API that are served; those of secrets and variables in a repository or in an environment. */
export type GitHubOperation =
  | 'getRepository'
  | 'getEnvironment'
  | 'getPublicKey'
  | 'getActionsSecret'
  | 'putActionsSecret'
  | 'deleteActionsSecret'
  | 'createVariable'
  | 'getVariable'
  | 'updateVariable'
  | 'deleteVariable'
  | 'getRun';

/** What a request asks for; `unknown` is a path that is not served. */
export type Operation =
  | ApiOperation
  | GitHubOperation
  | 'token'
  | 'keys'
  | 'discovery'
  | 'idToken'
  | 'idTokenKeys'
  | 'unknown';

export type RecordedRequest = {
  /** Milliseconds since 1970, when the request was complete. */
  at: number;
  operation: Operation;
  method: string;
  /** Path and query, as sent. */
  path: string;
  headers: IncomingHttpHeaders;
  /** The body as it came, and as text. */
  bytes: Buffer;
  text: string;
  /** The body's JSON, or a form's fields; undefined for anything else. */
  body: unknown;
  /** Scheme, host and port that the caller used. */
  origin: string;
  /** Number of the connection, from 1; the same for requests that shared it. */
  connection: number;
  /** The status that was answered; undefined where no answer was begun. */
  status: number | undefined;
};

/** An answer: a string goes out as text, a Buffer as it is, undefined as no body, anything else as JSON. */
export type Answer = {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  trailers?: Record<string, string>;
};

/** What a request asks for, and the work that answers it. */
export type Route = { operation: Operation; work: (request: RecordedRequest) => Promise<Answer> };

/** Called, and awaited, right before and right after the work of a request: the place for barriers in race tests. */
export type Hold = (when: 'before' | 'after', request: RecordedRequest) => void | Promise<void>;
