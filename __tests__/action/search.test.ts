import { expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Step } from '../../emulator/runner.ts';
import { type Inputs, markerLine, REPOSITORY_CLAIMS, runAction, seedEarlier, warnings } from '../support/action.ts';
import { clientIds, editClients } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import { DAY } from '../support/times.ts';

// How the action finds the client of an earlier run in the list of an organization's clients.

const emulator = useEmulator();

const MARKER = markerLine();

const run = (inputs: Inputs = {}, step: Step = {}) => runAction(emulator, { ...step, inputs });
/** Adds a client like one that a run without inputs created yesterday. */
const seed = (options: Parameters<Emulator['seed']>[1] = {}) =>
  seedEarlier(emulator, { description: `Ours.\n${MARKER}` }, { ageMs: DAY, ...options }).client;

it('finds the client on any page of the list', async () => {
  for (let count = 0; count < 120; count++) emulator.seed({ name: `client ${count}` });
  const { client_id } = seed({ ageMs: 0 });
  for (let count = 0; count < 120; count++) emulator.seed({ name: `client ${count}` });
  const executed = await run();
  expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { client_id } });
  const lists = sentTo(emulator, 'listClients').map(({ path }) => new URL(path, 'x://').searchParams.get('page_size'));
  expect(lists).toEqual(['100', '100', '100']);
  expect(operationsOf(emulator)).toEqual(['token', ...lists.map(() => 'listClients'), 'addSecret', 'token']);
});

it('fails before it changes anything if the page tokens of the list repeat', async () => {
  seed();
  const next = (token: string) => (body: object) => ({ ...body, next_page_token: token });
  const page = (token: string) => ({ kind: 'status', status: 200, body: next(token)({ clients: [] }) }) as const;
  emulator.faults.add(
    { operation: 'listClients', call: 1, fault: { kind: 'edit', edit: next('one') } },
    { operation: 'listClients', call: 2, fault: page('two') },
    { operation: 'listClients', call: 3, times: 1000, fault: page('one') },
  );
  const message = /^Could not list the organization's clients: a page leads back to one that was read before\.$/;
  expectFailed(await run(), message);
  expect(operationsOf(emulator)).toEqual(['token', 'listClients', 'listClients', 'listClients']);
});

it('uses the oldest of several clients with its identity hash, names the others in a warning and does not change them', async () => {
  emulator.behaviour.listOrder = 'newest';
  const [second, first, third] = [2, 3, 1].map((days) => seed({ ageMs: days * DAY, secrets: 5 }));
  const executed = await run();
  expect(executed).toMatchObject({ exitCode: 0, outputs: { client_id: first?.client_id } });
  expect(warnings(executed).filter((text) => text.startsWith('Several clients'))).toEqual([
    expect.stringMatching(`oldest, ${first?.client_id}.*: ${second?.client_id}, ${third?.client_id}\\.`),
  ]);
  expect(emulator.clients().filter(({ client_id }) => client_id !== first?.client_id)).toEqual([second, third]);
});

it('decides by the nanoseconds of the creation times which client is the oldest', async () => {
  const [first, second] = [seed(), seed()].map(({ client_id }) => client_id).sort();
  const create_time = (id: string) => `2026-01-01T00:00:00.00000000${id === first ? 2 : 1}Z`;
  editClients(emulator, (client) => ({ ...client, create_time: create_time(client.client_id) }), ['listClients']);
  const executed = await run({ on_existing: 'reuse' });
  expect(executed.outputs.client_id).toBe(second);
});

it('never uses a client without an ownership marker, and warns if such a client has the claims of this repository', async () => {
  const seedWith = (...custom_claims: { key: string; value: string }[]) =>
    emulator.seed({ name: 'x', custom_claims }).client.client_id;
  const alike = Array.from({ length: 12 }, () => seedWith(...REPOSITORY_CLAIMS));
  seedWith(...REPOSITORY_CLAIMS, { key: 'environment', value: 'staging' });
  seedWith({ key: 'github_repository_id', value: '1' });
  emulator.seed({ name: 'x', description: markerLine({ name: 'x' }), custom_claims: REPOSITORY_CLAIMS });
  const executed = await run();
  expect(executed).toMatchObject({ exitCode: 0, outputs: { result: 'created' } });
  expect(executed.annotations).toEqual([
    {
      kind: 'warning',
      message: expect.stringContaining(
        `${alike.slice(0, 10).join(', ')} and 2 more. They are neither changed nor deleted. They were created by hand`,
      ),
    },
  ]);
  expect(clientIds(emulator)).toEqual(expect.arrayContaining(alike));
});

it('finds its client among clients that cannot be parsed', async () => {
  const { client_id } = seed();
  const unreadable = [
    null,
    {},
    { client_id: '../x', description: MARKER },
    { client_id: 'm2morg_1', description: 'x', custom_claims: { github_repository_id: '740123456' } },
  ];
  const edit = ({ clients, ...body }: { clients: object[] }) => ({ ...body, clients: [...unreadable, ...clients] });
  emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit } });
  const executed = await run();
  expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { client_id } });
});

it.each<{ what: string; inputs: Inputs; env?: Step['env'] }>([
  { what: 'environment', inputs: { environment: 'staging' } },
  { what: 'repository', inputs: {}, env: { GITHUB_REPOSITORY_ID: '1' } },
])('creates another client for another $what, and does not change the first one', async ({ inputs, env = {} }) => {
  const client = seed();
  const executed = await run(inputs, { env });
  expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'created' } });
  expect(emulator.clients()).toEqual([client, expect.objectContaining({ client_id: executed.outputs.client_id })]);
});

it('finds a client by its name if lists have no descriptions, and its name got a suffix because it was taken', async () => {
  const name = `${'n'.repeat(126)}😀`;
  const nonce = 'nonce_789-123456';
  emulator.seed({ name });
  // Without claims, only its name makes a client of the list a candidate.
  const suffixed = { name: `${'n'.repeat(120)} #nonce_`, description: `Ours.\n${markerLine({ name }, { nonce })}` };
  const { client_id } = emulator.seed(suffixed).client;
  emulator.behaviour.descriptionsInLists = false;
  const executed = await run({ name, repository_claims: 'none' });
  expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'rotated', client_id } });
  // The other client with that name is read as well. The suffix is no drift.
  expect(operationsOf(emulator)).toEqual(['token', 'listClients', 'getClient', 'getClient', 'addSecret', 'token']);
});

it('finds the client if the list shows null in place of its description', async () => {
  const { client_id } = seed();
  editClients(emulator, (client) => ({ ...client, description: null }), ['listClients']);
  const executed = await run();
  expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'rotated', client_id } });
});

it('finds the client of an environment whose name is written with other capitals, and corrects the claim', async () => {
  const first = await run({ environment: 'Production' });
  const second = await run({ environment: 'production' });
  expect(second.outputs).toMatchObject({ client_id: first.outputs.client_id, result: 'rotated' });
  expect(emulator.clients()[0]?.custom_claims).toContainEqual({ key: 'environment', value: 'production' });
});

it('finds the client after the repository was renamed, and corrects the claim', async () => {
  const { client_id } = seed();
  const executed = await run({}, { env: { GITHUB_REPOSITORY: 'acme/stock' } });
  expect(executed).toMatchObject({ exitCode: 0, outputs: { client_id, result: 'rotated' } });
  expect(sentTo(emulator, 'updateClient').map(({ body }) => body)).toEqual([
    { custom_claims: [{ key: 'github_repository', value: 'acme/stock' }, REPOSITORY_CLAIMS[1]] },
  ]);
});

it("finds the client by the repository's name, in any capitals, if the runner does not know the repository's id", async () => {
  const env = { GITHUB_REPOSITORY_ID: undefined };
  const first = await run({}, { env });
  const second = await run({}, { env: { ...env, GITHUB_REPOSITORY: 'Acme/Inventory-Service' } });
  const { client_id } = first.outputs;
  expect(second).toMatchObject({ exitCode: 0, outputs: { client_id, result: 'rotated' } });
});
