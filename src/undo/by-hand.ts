import type { Scalekit } from '../scalekit/api.ts';
import type { PendingSecret, PendingState, PendingUpdate } from './journal.ts';

// Sentences for the user about what could not be undone, each with the API call that undoes it by hand.

/**
 * What is uncertain about a journal entry: `state` if main may not have written it (the seal is broken), `owner` if the
 * client in it may belong to another run.
 */
export type Uncertainty = 'state' | 'owner' | undefined;

/** A client that the journal names was not created by this step. */
export class ForeignClientError extends Error {
  override name = 'ForeignClientError';
}

export function uncertaintyOf(error: unknown): Uncertainty {
  return error instanceof ForeignClientError ? 'owner' : undefined;
}

/** Returns the calls that remove the pending client and secret. */
export function manualCalls(scalekit: Scalekit, state: PendingState, uncertainty: Uncertainty): string {
  const { client, secret } = state;
  const calls = [
    ...(secret ? [manualSecretCall(scalekit, secret, uncertainty)] : []),
    ...(client || !secret ? [manualClientCall(scalekit, state, uncertainty)] : []),
  ];
  return calls.join(' ');
}

/** Returns the call that removes the pending client. */
export function manualClientCall(
  scalekit: Scalekit,
  { client, nonce }: PendingState,
  uncertainty?: Uncertainty,
): string {
  const search = `the one that GET shows with "nonce=${nonce}" in its description`;
  return manualCall(scalekit, [client?.id], search, uncertainty);
}

/** Returns the call that removes the pending secret. */
export function manualSecretCall(
  scalekit: Scalekit,
  { client_id, id }: PendingSecret,
  uncertainty?: Uncertainty,
): string {
  const search = 'it by its time among the secrets of the client';
  return manualCall(scalekit, [client_id, 'secrets', id], search, uncertainty);
}

/**
 * Returns the call that removes a client or a secret. Users send a token to the address in it, so the origin of a state
 * with a broken seal is left out.
 * @param path below the organization's clients. Undefined parts are not known
 * @param search how to find the last part of the path if it is not known
 */
function manualCall(
  scalekit: Scalekit,
  path: (string | undefined)[],
  search: string,
  uncertainty: Uncertainty,
): string {
  const known = path.filter((part) => part !== undefined);
  const url = scalekit.clientUrl(...known);
  const address = uncertainty === 'state' ? url.pathname : url.href;
  if (known.length < path.length) return `To remove it by hand, find ${search}; then DELETE ${address}/ID`;
  return `To remove it${uncertainty ? ', if it is yours,' : ''} by hand: DELETE ${address}`;
}

/** Returns the sentence about a secret that a request with an unknown outcome, or another run, may have added. */
export function possibleLeftover(scalekit: Scalekit, pending: PendingSecret, id: string): string {
  return `Secret ${id} of client ${pending.client_id} may be left over of a request whose answer was lost, or another run's; a later rotation retires it. ${manualSecretCall(scalekit, { ...pending, id }, 'owner')}`;
}

/** Returns the sentence about an update that was not, or not provably, undone. */
export function mayStayUpdated({ before, fields }: PendingUpdate): string {
  return `Client ${before.client_id} may stay updated: ${Object.keys(fields).join(', ')}.`;
}
