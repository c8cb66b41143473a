import { entryUrl, type SavedSnapshot, type SecretLocation } from '../github/saved-credentials.ts';
import { listed } from '../output/text.ts';
import type { Scalekit } from '../scalekit/api.ts';
import type { PendingSecret, PendingState, PendingUpdate, PendingVariables } from './pending.ts';

// Sentences for the user about what could not be undone, each with the API call that undoes it by hand.

/** Returns the sentence with the calls that remove the pending client and secret, and restore the pending variables. */
export function manualCalls(scalekit: Scalekit, state: PendingState): string {
  const { client, secret, variables } = state;
  const isOnlyVariables = variables && !client && !secret;
  return [
    ...(secret ? [manualSecretCall(scalekit, secret)] : []),
    ...(client || !(secret || isOnlyVariables) ? [manualClientCall(scalekit, state)] : []),
    ...(variables ? [manualVariableCalls(variables)] : []),
  ].join(' ');
}

/** Returns the sentence with the call that removes something. */
export function manualCall(url: URL): string {
  return `To remove it by hand: DELETE ${url}`;
}

/** Returns the sentence with the call that removes the pending client. */
export function manualClientCall(scalekit: Scalekit, { client, nonce }: PendingState): string {
  if (client?.id) return manualCall(scalekit.clientUrl(client.id));
  const list = scalekit.clientUrl();
  return `To remove it by hand, find the client that GET ${list} shows with "nonce:${nonce}" in its description; then DELETE ${list}/ID`;
}

/** Returns the sentence with the call that removes the pending secret. */
export function manualSecretCall(scalekit: Scalekit, { client_id, id }: PendingSecret): string {
  if (id) return manualCall(scalekit.clientUrl(client_id, 'secrets', id));
  const list = scalekit.clientUrl(client_id, 'secrets');
  return `To remove it by hand, find it by its time among the secrets of client ${client_id}; then DELETE ${list}/ID`;
}

/** Returns the sentence with the calls that restore the pending variables, in the order in which to make them. */
export function manualVariableCalls({ api, location, before, written }: PendingVariables): string {
  const calls = [
    ...(before.client_id === written.client_id
      ? []
      : [restoringCall(api, location, location.id_variable, before.client_id)]),
    restoringCall(api, location, location.state_variable, before.state),
  ];
  return `To restore them by hand: ${calls.join('; ')}`;
}

function restoringCall(api: string, location: SecretLocation, name: string, value: string | undefined): string {
  const url = entryUrl(api, location, `variables/${name}`);
  return value === undefined ? `DELETE ${url}` : `PATCH ${url} with the value ${JSON.stringify(value)}`;
}

/** Returns the calls that delete saved credentials, in the order in which to make them. */
export function manualSavedCalls(api: string, location: SecretLocation, saved: SavedSnapshot): string {
  const { id_variable, state_variable, secret } = location;
  const paths = [
    ...(saved.secretTime === undefined ? [] : [`secrets/${secret}`]),
    ...(saved.client_id === undefined ? [] : [`variables/${id_variable}`]),
    ...(saved.state === undefined ? [] : [`variables/${state_variable}`]),
  ];
  return paths.map((path) => `DELETE ${entryUrl(api, location, path)}`).join('; ');
}

/**
 * Returns the sentence about what a state names that cannot be trusted: the call that removes it, or where to look for it.
 * It names no host, because users send a token to the address in a call.
 */
export function whereToLook({ organization_id, nonce, client, secret, variables }: PendingState): string {
  const list = ['/api/v1/organizations', organization_id, 'clients'].filter(Boolean).join('/');
  const known = [
    ...(secret?.id ? [`DELETE ${list}/${secret.client_id}/secrets/${secret.id}`] : []),
    ...(client?.id ? [`DELETE ${list}/${client.id}`] : []),
  ];
  const search = secret
    ? `look for it by its time under ${list}/${secret.client_id}/secrets`
    : `look under ${list} for "nonce:${nonce}"`;
  const how = known.join('; ') || search;
  const { id_variable, state_variable } = variables?.location ?? {};
  const more = variables ? ` Check the variables ${id_variable} and ${state_variable}.` : '';
  return `To remove it by hand, if it is yours: ${how}.${more}`;
}

/** Returns the sentence about a secret that a request with an unknown outcome, or another run, may have added. */
export function possibleLeftover(scalekit: Scalekit, pending: PendingSecret, id: string): string {
  return `Secret ${id} of client ${pending.client_id} may be left over from a request whose answer was lost, or it may be another run's. A later rotation retires it. ${manualSecretCall(scalekit, { ...pending, id })}`;
}

/** Returns the sentence about what makes room for another secret. @param ids ids of the client's secrets */
export function waysToMakeRoom(scalekit: Scalekit, client_id: string, ids: string[]): string {
  const replace = 'Use on_existing: replace, which creates a new client and then deletes this one';
  // The API refuses to delete the only secret of a client.
  if (ids.length < 2) return `${replace}.`;
  const url = scalekit.clientUrl(client_id, 'secrets');
  return `${replace}, or delete an unused secret by hand: DELETE ${url}/ID, where ID is one of ${listed(ids)}.`;
}

/** Returns the sentence about an update that was not, or not provably, undone. */
export function mayStayUpdated({ before, fields }: PendingUpdate): string {
  return `Client ${before.client_id} may still have updated fields: ${Object.keys(fields).join(', ')}.`;
}
