import { expect, it } from '@jest/globals';
import { MAX_REQUESTS } from '../../contract/caller.ts';
import type { Emulator } from '../../emulator/index.ts';
import {
  cannotTell,
  doesNotHold,
  edit,
  loseResponse,
  notHolding,
  type Rule,
  runContract,
} from '../support/contract.ts';
import { anotherEmulator } from '../support/emulators.ts';

// Which clients the contract creates, deletes and names.

it.concurrent('does not read, change or delete a client that it did not create', async () => {
  await using emulator = await anotherEmulator();
  const others = Array.from({ length: 3 }, (_, index) => emulator.seed({ name: `other ${index}` }).client);
  const before = emulator.clients();
  await runContract(emulator);
  expect(emulator.clients()).toEqual(before);
  const paths = emulator.requests.map((request) => request.path).join('\n');
  expect(others.filter(({ client_id }) => paths.includes(client_id))).toEqual([]);
});

it.concurrent('finds and deletes clients by their nonce if the responses to their create requests are lost', async () => {
  await using emulator = await anotherEmulator({ faults: [1, 3].map(loseResponse) });
  const result = await runContract(emulator);
  expect({ remaining: result.remaining, clients: emulator.clients() }).toEqual({ remaining: [], clients: [] });
  expect(emulator.requests.filter(({ operation }) => operation === 'createClient').length).toBeGreaterThan(7);
});

it.concurrent.each([403, 404, 409, 503])(
  'deletes a client that was created although the response is a %d',
  async (status) => {
    const fault = { kind: 'status', status, body: {} } as const;
    await using emulator = await anotherEmulator({
      faults: [{ operation: 'createClient', call: 4, when: 'after', fault }],
    });
    const result = await runContract(emulator);
    expect({ remaining: result.remaining, clients: emulator.clients() }).toEqual({ remaining: [], clients: [] });
  },
);

it.concurrent('finds a client by its nonce if lists do not show descriptions', async () => {
  await using emulator = await anotherEmulator({
    behaviour: { descriptionsInLists: false },
    faults: [loseResponse(2)],
  });
  const result = await runContract(emulator);
  expect({ remaining: result.remaining, clients: emulator.clients() }).toEqual({ remaining: [], clients: [] });
});

it.concurrent('names each client, with the DELETE call, that cannot be read before its deletion', async () => {
  await using emulator = await anotherEmulator({ behaviour: { readLag: 60_000 } });
  const { output } = await runContract(emulator);
  expect(emulator.clients()).toHaveLength(7);
  for (const { client_id } of emulator.clients()) expect(output).toContain(`/clients/${client_id}\n`);
});

it.concurrent('sends at most 150 requests in an organization with 1,200 clients', async () => {
  await using emulator = await anotherEmulator();
  for (let index = 0; index < 1_200; index++) emulator.seed({ name: `other ${index}` });
  const result = await runContract(emulator);
  expect({ remaining: result.remaining, clients: emulator.clients().length }).toEqual({
    remaining: [],
    clients: 1_200,
  });
  expect(result.ended).toBe('');
  expect(emulator.requests.length).toBeLessThanOrEqual(MAX_REQUESTS);
  expect(notHolding(result)).toEqual(cannotTell('listed-at-once', 'listed-descriptions', 'listed-fields', 'paging'));
});

it.concurrent('names the nonce and the calls if a client cannot be found', async () => {
  await using emulator = await anotherEmulator({ behaviour: { listLag: 60_000 }, faults: [loseResponse(1)] });
  const { remaining, output } = await runContract(emulator);
  const nonce = /nonce:([\w-]{16})/.exec(emulator.clients()[0]?.description ?? '')?.[1];
  expect(remaining).toEqual([expect.objectContaining({ call: expect.stringContaining(`"nonce:${nonce}"`) })]);
  expect(output).toContain(`DELETE ${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients/ID`);
});

it.concurrent('names each client, with the DELETE call, that cannot be deleted', async () => {
  await using emulator = await anotherEmulator({ behaviour: { forbidden: ['deleteClient'] } });
  const { output } = await runContract(emulator);
  for (const { client_id } of emulator.clients())
    expect(output).toContain(
      `DELETE ${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients/${client_id}`,
    );
  expect(emulator.clients()).toHaveLength(7);
});

it.concurrent.each(['before', 'after'] as const)(
  'deletes all clients if the connection fails twice %s a deletion',
  async (when) => {
    await using emulator = await anotherEmulator();
    const where: Rule['where'] = ({ path }) => path.includes(emulator.clients()[0]?.client_id ?? 'none');
    emulator.faults.add({ operation: 'deleteClient', where, call: 1, times: 2, when, fault: { kind: 'reset' } });
    const { remaining } = await runContract(emulator);
    expect({ remaining, clients: emulator.clients() }).toEqual({ remaining: [], clients: [] });
  },
);

it.concurrent('names each client, with the DELETE call, that still exists after its deletion', async () => {
  await using emulator = await anotherEmulator({
    faults: [{ operation: 'deleteClient', fault: { kind: 'status', status: 200, body: {} } }],
  });
  const { output } = await runContract(emulator);
  expect(emulator.clients()).toHaveLength(7);
  for (const { client_id } of emulator.clients()) expect(output).toContain(`/clients/${client_id}\n`);
});

it.concurrent.each([
  [100, 900],
  [30, 270],
])('finds its clients among many others if a page has at most %d', async (largest, others) => {
  await using emulator = await anotherEmulator({ behaviour: { pageSizeRange: [1, largest] } });
  for (let index = 0; index < others; index++) emulator.seed({ name: `other ${index}` });
  const result = await runContract(emulator);
  expect({ notHolding: notHolding(result), ended: result.ended }).toEqual({
    notHolding: largest < 100 ? doesNotHold('page-size-100') : {},
    ended: '',
  });
});

it.concurrent('says that paging holds if another run deletes clients between two pages', async () => {
  await using emulator = await anotherEmulator();
  const others = Array.from({ length: 20 }, (_, index) => emulator.seed({ name: `other ${index}` }).client);
  emulator.hold = async (when, { operation, path: url }) => {
    if (when === 'after' && operation === 'listClients' && /page_token/.test(url))
      for (const { client_id } of others.splice(0)) await removeAsOther(emulator, client_id);
  };
  expect(notHolding(await runContract(emulator))).toEqual({});
});

it.concurrent('does not delete a client that a wrong response shows in place of its own', async () => {
  await using emulator = await anotherEmulator();
  const { client } = emulator.seed({ name: 'other', description: 'theirs' });
  emulator.faults.add(edit('createClient', (body) => Object.assign(body, { client: { ...body.client, ...client } })));
  const { remaining } = await runContract(emulator);
  expect(emulator.clients()).toEqual([client]);
  expect(remaining).toEqual([]);
});

/** Deletes a client through the API, as another program does. */
async function removeAsOther({ url, credentials, organization }: Emulator, client_id: string): Promise<void> {
  const { clientId, clientSecret } = credentials;
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  const response = await fetch(`${url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
  const { access_token } = (await response.json()) as { access_token: string };
  const headers = { authorization: `Bearer ${access_token}` };
  await fetch(`${url}/api/v1/organizations/${organization.id}/clients/${client_id}`, { method: 'DELETE', headers });
}
