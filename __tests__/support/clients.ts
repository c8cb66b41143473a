import type { Emulator, Fault } from '../../emulator/index.ts';

// The clients of an emulator, and what its responses show of them.

/** Scalekit's response if the API credentials may do everything except delete. */
export const MAY_NOT_DELETE: Fault = { kind: 'status', status: 403, body: { code: 7, message: 'permission denied' } };

/** The part of a warning that explains MAY_NOT_DELETE. */
export const MISSING_PERMISSION =
  'HTTP 403: permission denied. The API credentials in scalekit_client_id may not delete clients and secrets. They need the permission api_credentials:rotate.';

export const clientIds = (emulator: Emulator): string[] => emulator.clients().map(({ client_id }) => client_id);

/** Returns the ids of the secrets of all clients, client by client, and the oldest secret of each first. */
export const secretIds = (emulator: Emulator): string[] =>
  emulator.clients().flatMap(({ secrets = [] }) => secrets.map(({ id }) => id));

/** Returns the address of a client, or with more ids, of what belongs to it. */
export const clientUrl = ({ url, organization }: Emulator, ...ids: string[]): string =>
  [`${url}/api/v1/organizations/${organization.id}/clients`, ...ids].join('/');

type Shown = Parameters<Extract<Fault, { kind: 'edit' }>['edit']>[0];
type Read = 'listClients' | 'getClient';

/** Changes each client in the emulator's responses to these operations: lists, reads, or by default both. */
export function editClients(
  emulator: Emulator,
  change: (client: Shown) => unknown,
  operations: Read[] = ['listClients', 'getClient'],
): void {
  const edit = (body: Shown) => ({
    ...body,
    ...(body.client && { client: change(body.client) }),
    ...(body.clients && { clients: body.clients.map(change) }),
  });
  for (const operation of operations) emulator.faults.add({ operation, fault: { kind: 'edit', edit } });
}
