import type http from 'node:http';
import type { Json } from '../src/net/json.ts';
import { isJsonObject } from '../src/net/json.ts';
import type { FinalResponse } from '../src/net/transport.ts';
import { parseErrorBody } from '../src/scalekit/error-body.ts';
import { scalekitRefusal } from '../src/scalekit/errors.ts';
import { isPageSizeRefused } from '../src/scalekit/meaning.ts';
import { type Client, parseClientSummary } from '../src/scalekit/types.ts';

// What a server answered to one request, as it arrived.

/** The answer to a request. Its status is 0 if none arrived. */
export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** The body, if it is a JSON object. */
  json: Json | undefined;
  /** Why no answer arrived. Empty if one did. */
  failure: string;
  /** Whether the server may have carried out the request although the answer does not say so. */
  mayBeDone: boolean;
  /** When the request was sent, in milliseconds since the epoch by this machine's clock. */
  sentAt: number;
}

/** What a check needs was not seen. The message says why. */
export class Unseen extends Error {}

/** Returns whether a reply is a success: a 2xx status with a JSON object or an empty body. */
export function isSuccess({ status, body }: Reply): boolean {
  return status >= 200 && status <= 299 && (body.trim() === '' || isJsonObject(body));
}

/** Returns whether the API refused a request: a 4xx status other than 408. */
export function isRefusal({ status }: Reply): boolean {
  return status >= 400 && status <= 499 && status !== 408;
}

/** Returns whether a request got no answer in its time. Sending it again would take as long once more. */
export function isTimeout({ failure }: Reply): boolean {
  return failure.startsWith('no answer within');
}

/** Returns whether the API refused the size of a page, as the action decides it. */
export function refusesPageSize(reply: Reply): boolean {
  const response: FinalResponse = { ...reply, mayBeDone: false, cancelled: false };
  return isRefusal(reply) && isPageSizeRefused(scalekitRefusal('list', response, { organization: '' }));
}

/** Returns a reply in a few words: its status, and the server's own words if it is an error. */
export function describe(reply: Reply): string {
  const { status, body, failure } = reply;
  if (failure) return failure;
  if (isSuccess(reply)) return `HTTP ${status}`;
  if (status >= 200 && status <= 299) return `HTTP ${status}, but no JSON object (${body.length} characters)`;
  const { codes, texts, violations } = parseErrorBody(reply);
  const faults = violations.map(({ field, description }) => `${field} ${description}`.trim());
  const words = [...new Set([...codes, ...texts, ...faults])].filter(Boolean);
  return words.length > 0 ? `HTTP ${status}: ${words.join(': ')}` : `HTTP ${status} without a readable error`;
}

/**
 * Returns the client in a reply.
 * @throws {Unseen} if the reply is no success
 * @throws {InvalidResponseError} if the client cannot be parsed
 */
export function clientIn(reply: Reply | undefined): Client {
  return parseClientSummary(jsonIn(reply).client).parse();
}

/** Returns the JSON of a success. @throws {Unseen} if the reply is none */
export function jsonIn(reply: Reply | undefined): Json {
  if (!reply) throw new Unseen('not asked, because an earlier request did not succeed');
  if (!isSuccess(reply)) throw new Unseen(describe(reply));
  return reply.json ?? {};
}

/** Returns a value that an earlier part of the run saw. @throws {Unseen} if it did not */
export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Unseen('not asked, because an earlier request did not succeed');
  return value;
}
