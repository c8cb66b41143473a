import type { ApiError } from './api-error.ts';

/**
 * How a request that creates or changes something ended. `done`: a usable response says that it was carried out.
 * `refused`: the server provably did nothing. `unknown`: the server may have carried it out.
 */
export type Outcome<T> = { kind: 'done'; value: T } | Failure;

/** A request that was not, or not provably, carried out. */
export type Failure = { kind: 'refused' | 'unknown'; error: ApiError };

export function done<T>(value: T): Outcome<T> {
  return { kind: 'done', value };
}

/** @param mayBeDone whether the server may have carried the request out */
export function failure(mayBeDone: boolean, error: ApiError): Failure {
  return { kind: mayBeDone ? 'unknown' : 'refused', error };
}

/** Returns the value of a request that was carried out. @throws {ApiError} if it was not, or not provably */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'done') return outcome.value;
  throw outcome.error;
}
