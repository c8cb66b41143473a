import type { Scalekit } from '../scalekit/api.ts';
import type { Journal, JournalState, PendingSecret } from './journal.ts';

export function mayStayUpdated({ before, fields }: NonNullable<Journal['pendingUpdate']>): string {
  return `Client ${before.client_id} may stay updated: ${Object.keys(fields).join(', ')}.`;
}

/** What is not sure about a state: that main wrote it, or that the client in it is this step's. */
export type Uncertainty = 'state' | 'owner' | undefined;

/** The calls that remove by hand what a state names, for a message. */
export function manualCalls(scalekit: Scalekit, state: JournalState, doubt: Uncertainty): string {
  const { client, secret } = state;
  const lines = [
    ...(secret ? [manualSecretCall(scalekit, secret, doubt)] : []),
    ...(client || !secret ? [manualClientCall(scalekit, state, doubt)] : []),
  ];
  return lines.join(' ');
}

/** The client that the state names is another's. */
export class ForeignClientError extends Error {
  override name = 'ForeignClientError';
}

/** The sentence about a secret that appeared while an answer was lost: it may also be a neighbour's. */
export function possibleLeftover(scalekit: Scalekit, pending: PendingSecret, id: string): string {
  return `Secret ${id} of client ${pending.client_id} may be left over of a request whose answer was lost, or another run's; a later rotation retires it. ${manualSecretCall(scalekit, { ...pending, id }, 'owner')}`;
}

export function manualClientCall(scalekit: Scalekit, { client, nonce }: JournalState, doubt?: Uncertainty): string {
  return manualCall(scalekit, [client?.id], `the one that GET shows with "nonce=${nonce}" in its description`, doubt);
}

export function manualSecretCall(scalekit: Scalekit, { client_id, id }: PendingSecret, doubt?: Uncertainty): string {
  return manualCall(scalekit, [client_id, 'secrets', id], 'it by its time among the secrets of the client', doubt);
}

/**
 * The call that removes something by hand. Somebody will send a token to an origin that this names, so an unsealed
 * state's own is left out.
 * @param search how to find the last part of the path where it is not known
 */
function manualCall(scalekit: Scalekit, path: (string | undefined)[], search: string, doubt: Uncertainty): string {
  const known = path.filter((part) => part !== undefined);
  const url = scalekit.clientUrl(...known);
  const address = doubt === 'state' ? url.pathname : url.href;
  if (known.length < path.length) return `To remove it by hand, find ${search}; then DELETE ${address}/ID`;
  return `To remove it${doubt ? ', if it is yours,' : ''} by hand: DELETE ${address}`;
}

export function uncertaintyOf(error: unknown): Uncertainty {
  return error instanceof ForeignClientError ? 'owner' : undefined;
}
