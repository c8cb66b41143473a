import { expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import {
  credentialsWork,
  type Inputs,
  markerLine,
  REPOSITORY_CLAIMS,
  readable,
  runAction,
  secretsOf,
  seedEarlier,
} from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed, expectRefusal, expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import { DAY } from '../support/times.ts';

// What happens with a client that an earlier run created, by on_existing. replace.test.ts and retire.test.ts have more.

const emulator = useEmulator();

type Fields = Parameters<Emulator['seed']>[0];
const NAME = 'GitHub Actions: acme/inventory-service';
const MARKER = markerLine();

const run = (inputs: Inputs = {}) => runAction(emulator, { inputs });
/** Adds a client like one that a run without inputs created yesterday. */
const seed = (fields: Fields = {}, secrets = 1) =>
  seedEarlier(emulator, { description: `Ours.\n${MARKER}`, ...fields }, { ageMs: DAY, secrets });
const updates = () => sentTo(emulator, 'updateClient').map(({ body }) => body);

it('adds a secret to the client of an earlier run, and the old and the new secret work', async () => {
  const first = await run();
  const before = emulator.requests.length;
  const second = await run();
  expectSucceeded(second);
  expect(emulator.clients()).toHaveLength(1);
  expect(second.outputs).toEqual({
    client_id: first.outputs.client_id,
    secret: emulator.secrets().at(-1),
    secret_id: emulator.clients()[0]?.secrets?.at(-1)?.id,
    organization_id: emulator.organization.id,
    result: 'rotated',
  });
  expect(operationsOf(emulator, before)).toEqual(['token', 'listClients', 'addSecret', 'token']);
  expect(second.outputs.secret).not.toBe(first.outputs.secret);
  expect(second.masks).toContain(second.outputs.secret);
  for (const secret of secretsOf(emulator)) expect(readable(second)).not.toContain(secret);
  const post = await second.post();
  expect(post.stdout).toBe('');
  for (const { outputs } of [first, second]) expect(await credentialsWork(emulator, outputs)).toBe(true);
});

const NAMED = markerLine({ name: 'Deployer' });
it.each<{ what: string; fields: Fields; inputs: Inputs; body: Fields }>([
  {
    what: 'scopes',
    fields: { scopes: ['a', 'c'] },
    inputs: { scopes: 'a b' },
    body: { scopes: ['a', 'b'] },
  },
  {
    what: 'the description, whose ownership marker is kept',
    fields: {},
    inputs: { description: 'New.\nYes.' },
    body: { description: `New.\nYes.\n${MARKER}` },
  },
  {
    what: 'all fields at once',
    fields: {
      name: 'Old',
      description: `Old.\n${NAMED}`,
      scopes: ['b'],
      audience: ['y'],
      custom_claims: [],
      expiry: 900,
    },
    inputs: { name: 'Deployer', description: 'New.', scopes: 'a', audience: 'x', expiry: '600' },
    body: {
      name: 'Deployer',
      description: `New.\n${NAMED}`,
      scopes: ['a'],
      audience: ['x'],
      custom_claims: REPOSITORY_CLAIMS,
      expiry: 600,
    },
  },
])('corrects with one update request only what drifted: $what', async ({ fields, inputs, body }) => {
  const { client } = seed(fields);
  const executed = await run(inputs);
  expectSucceeded(executed);
  expect(updates()).toEqual([body]);
  expect(operationsOf(emulator)).toEqual(['token', 'listClients', 'updateClient', 'addSecret', 'token']);
  expect(emulator.clients()).toEqual([
    expect.objectContaining({ ...body, ...(body.expiry && { expiry: String(body.expiry) }) }),
  ]);
  expect(executed.outputs).toMatchObject({ client_id: client.client_id, result: 'rotated' });
  expect(executed.log).toContain(`Updated client ${client.client_id}: `);
});

it.each<{ what: string; fields: Fields; inputs: Inputs }>([
  {
    what: 'name, description and expiry differ but are not given',
    fields: { name: 'Other', description: `Other.\n${MARKER}`, expiry: 7 },
    inputs: {},
  },
  {
    what: 'the entries of lists have another order and the rest is equal',
    fields: {
      description: `Same.\n\n[x]\n${MARKER}`,
      scopes: ['b', 'a', 'b'],
      audience: ['y', 'x'],
      custom_claims: REPOSITORY_CLAIMS.toReversed(),
      expiry: 600,
    },
    inputs: { description: 'Same.\n\n[x]', scopes: 'a b', audience: 'x y', expiry: '600' },
  },
])('sends no update request if $what', async ({ fields, inputs }) => {
  const { client } = seed(fields);
  const executed = await run(inputs);
  expectSucceeded(executed);
  expect(operationsOf(emulator)).toEqual(['token', 'listClients', 'addSecret', 'token']);
  expect(executed.outputs.client_id).toBe(client.client_id);
});

it('outputs an empty secret with on_existing: reuse, logs the reason and adds no secret', async () => {
  const { client, plainSecrets } = seed();
  const executed = await run({ on_existing: 'reuse' });
  expect(executed).toMatchObject({ exitCode: 0, annotations: [], state: { client: '' } });
  expect(executed.outputs).toEqual({
    client_id: client.client_id,
    secret: '',
    secret_id: '',
    organization_id: emulator.organization.id,
    result: 'reused',
  });
  expect(operationsOf(emulator)).toEqual(['token', 'listClients']);
  expect(executed.log).toMatch(/^Reused client .* the output secret is empty\. /m);
  expect(emulator.secrets()).toEqual(plainSecrets);
});

it('corrects drift with on_existing: reuse, and changes no secret', async () => {
  const { client } = seed({ scopes: ['a', 'c'] }, 5);
  const executed = await run({ on_existing: 'reuse', scopes: 'a b' });
  expect(executed).toMatchObject({ exitCode: 0, outputs: { result: 'reused', secret: '' } });
  expect(operationsOf(emulator)).toEqual(['token', 'listClients', 'updateClient']);
  expect(updates()).toEqual([{ scopes: ['a', 'b'] }]);
  expect(emulator.clients()[0]?.secrets).toEqual(client.secrets);
});

it('fails with on_existing: fail if the client exists, names it and changes nothing', async () => {
  const { client } = seed({ scopes: ['a'] });
  const executed = await run({ on_existing: 'fail', scopes: 'b' });
  expectRefusal(emulator, executed, new RegExp(`^Client ${client.client_id} "${NAME}" exists already`), [client]);
});

it.each(['reuse', 'fail'])(
  'creates a client with on_existing: %s if the only existing client has another name',
  async (on_existing) => {
    emulator.seed({
      name: NAME,
      description: `Other.\n${markerLine({ name: 'another' })}`,
      custom_claims: REPOSITORY_CLAIMS,
    });
    const executed = await run({ on_existing });
    expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'created' } });
    expect(emulator.clients()).toHaveLength(2);
    expect(await credentialsWork(emulator, executed.outputs)).toBe(true);
  },
);

it.each<{ on_existing: string; field: string; fields: Fields; inputs: Inputs; got: string }>([
  { on_existing: 'rotate', field: 'scopes', fields: { scopes: ['a', 'b'] }, inputs: {}, got: '"a", "b"' },
  {
    on_existing: 'reuse',
    field: 'custom_claims',
    fields: {},
    inputs: { repository_claims: 'none' },
    got: '"github_repository=acme/inventory-service", "github_repository_id=740123456"',
  },
])(
  'fails before it changes anything if $field would have to be emptied, with on_existing: $on_existing',
  async ({ on_existing, field, fields, inputs, got }) => {
    const { client } = seed(fields);
    // The expiry differs as well. It must not be updated either.
    const executed = await run({ on_existing, expiry: '600', ...inputs });
    const message = `^Client ${client.client_id} .*on_existing: replace.*\n${field}: wanted none; got ${got}$`;
    expectRefusal(emulator, executed, new RegExp(message), [client]);
  },
);

it('fails and restores the client if an update does not remove a scope', async () => {
  const { client } = seed({ scopes: ['a', 'b'] });
  emulator.behaviour.patch = 'merge';
  const executed = await run({ scopes: 'a' });
  expectFailed(executed, 'scopes: wanted "a"; got "a", "b"', 'on_existing: replace');
  expect(operationsOf(emulator)).not.toContain('addSecret');
  expect(emulator.clients()).toEqual([{ ...client, update_time: expect.anything() }]);
});

it('names the scope that roll-back could not remove from a client', async () => {
  const { client } = seed({ scopes: ['a', 'b'] });
  emulator.behaviour.patch = 'merge';
  const executed = await run({ scopes: 'a c' });
  const restored = `^Client ${client.client_id} could not be restored, .*\nscopes: wanted "a", "b"; got "a", "b", "c"$`;
  expectFailed(executed, new RegExp(restored, 'm'));
});

it('restores the former fields of a client if the step fails after their correction', async () => {
  const fields = { name: 'Old', description: `Old.\n${markerLine({ name: 'New' })}`, scopes: ['a'], audience: ['x'] };
  const { client } = seed({ ...fields, expiry: 900 });
  emulator.faults.add({ operation: 'addSecret', fault: { kind: 'status', status: 403 } });
  const executed = await run({ name: 'New', description: 'New.', scopes: 'b', audience: 'y', expiry: '600' });
  expectFailed(executed, new RegExp(`\nRestored: .* of client ${client.client_id}\\.$`));
  expect(updates()).toHaveLength(2);
  expect(emulator.clients()).toEqual([{ ...client, update_time: expect.anything() }]);
});
