// The types that all modules of the emulator share: a request, its response, and the route that connects them.

import type { IncomingHttpHeaders } from 'node:http';
import type { ApiOperation } from './scalekit/descriptors.ts';

/**
 * The calls of GitHub's API that the emulator serves. Calls for secrets and variables work in a repository and in an
 * environment.
 */
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

/** The operation that a request calls. `unknown` stands for a path that the emulator does not serve. */
export type Operation =
  | ApiOperation
  | GitHubOperation
  | 'token'
  | 'keys'
  | 'discovery'
  | 'idToken'
  | 'idTokenKeys'
  | 'unknown';

/** A request that the emulator received completely. */
export type RecordedRequest = {
  /** Time at which the request was complete, in milliseconds since 1970. */
  at: number;
  operation: Operation;
  method: string;
  /** Path and query, as the caller sent them. */
  path: string;
  headers: IncomingHttpHeaders;
  /** The body as received, and as text. */
  bytes: Buffer;
  text: string;
  /** The parsed JSON of the body, or the fields of a form. Undefined for other bodies. */
  body: unknown;
  /** Scheme, host and port that the caller used. */
  origin: string;
  /** Number of the connection, counted from 1. Requests on the same connection have the same number. */
  connection: number;
  /** Status of the response. Undefined if the emulator did not start a response. */
  status: number | undefined;
};

export type HttpResponse = {
  status: number;
  headers?: Record<string, string>;
  /** A string is sent as text, a Buffer unchanged, undefined as no body, and any other value as JSON. */
  body?: unknown;
  trailers?: Record<string, string>;
};

/** The operation that a method and a path name, and the handler that executes it. */
export type Route = { operation: Operation; handler: (request: RecordedRequest) => Promise<HttpResponse> };

/** A callback that the emulator awaits directly before and after each handler. Race tests use it as a barrier. */
export type Hold = (when: 'before' | 'after', request: RecordedRequest) => void | Promise<void>;
