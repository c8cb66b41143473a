import type { Emulator, Fault, Operation } from '../../emulator/index.ts';
import { sentTo } from './action.ts';

// What the tests of clients that exist before the step runs share.

/** Scalekit's response if the API credentials may do everything except delete. */
export const MAY_NOT_DELETE: Fault = { kind: 'status', status: 403, body: { code: 7, message: 'permission denied' } };

/** The part of a warning that explains MAY_NOT_DELETE. */
export const MISSING_PERMISSION =
  'HTTP 403: permission denied. The API credentials in scalekit_client_id may not delete clients and secrets. They need the permission api_credentials:rotate.';

export const clientIds = (emulator: Emulator): string[] => emulator.clients().map(({ client_id }) => client_id);

/** Returns the ids of the secrets of the first client, oldest first. */
export const secretIds = (emulator: Emulator): string[] =>
  emulator.clients()[0]?.secrets?.map(({ id = '' }) => id) ?? [];

/** Returns the last part of the path of each request for an operation: the id that the request is about. */
export const requestedIds = (emulator: Emulator, operation: Operation): string[] =>
  sentTo(emulator, operation).map(({ path }) => path.split('/').at(-1) ?? '');

/** Returns the address of a client, or with more ids, of what belongs to it. */
export const clientUrl = ({ url, organization }: Emulator, ...ids: string[]): string =>
  [`${url}/api/v1/organizations/${organization.id}/clients`, ...ids].join('/');

type Shown = Parameters<Extract<Fault, { kind: 'edit' }>['edit']>[0];

/** Changes the clients in the emulator's responses to lists or reads. */
export function editClients(
  emulator: Emulator,
  operation: 'listClients' | 'getClient',
  change: (client: Shown) => unknown,
): void {
  const edit = (body: Shown) => ({
    ...body,
    ...(body.client && { client: change(body.client) }),
    ...(body.clients && { clients: body.clients.map(change) }),
  });
  emulator.faults.add({ operation, fault: { kind: 'edit', edit } });
}
