import { expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import { type Inputs, markerLine, notices, REPOSITORY_CLAIMS, runAction, seedEarlier } from '../support/action.ts';
import { editClients } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed, expectRefusal } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import { identityHashOf } from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// The input client_id names the client to use, in place of a search.

const emulator = useEmulator();

type Fields = Parameters<Emulator['seed']>[0];
const run = (inputs: Inputs = {}) => runAction(emulator, { inputs });
/** Adds a client like one that a run without inputs created yesterday. */
const seed = (fields: Fields = {}) => seedEarlier(emulator, fields, { ageMs: DAY });
const updates = () => sentTo(emulator, 'updateClient').map(({ body }) => body);

it('searches with a notice if the client that client_id names is in another organization', async () => {
  const { client } = seed();
  const organizationId = emulator.addOrganization().id;
  const { client_id } = emulator.seed({ name: 'x' }, { organizationId }).client;
  const executed = await run({ client_id });
  expect(executed).toMatchObject({
    exitCode: 0,
    outputs: { client_id: client.client_id },
    annotations: [{ kind: 'notice', message: expect.stringContaining(client_id) }],
  });
  expect(operationsOf(emulator)).toEqual(['token', 'getClient', 'listClients', 'addSecret', 'token']);
});

it('creates a client if neither client_id nor the search finds one', async () => {
  const executed = await run({ client_id: 'm2morg_404' });
  expect(executed).toMatchObject({ exitCode: 0, outputs: { result: 'created' } });
  expect(notices(executed)).toEqual([expect.stringContaining('m2morg_404')]);
});

it('uses another client of this repository if client_id names it, and keeps its ownership marker', async () => {
  const marker = markerLine({ name: 'Another' }, { nonce: 'N'.repeat(16) });
  const { client_id } = seed({ description: `Ours.\n${marker}`, scopes: ['a'] }).client;
  const executed = await run({ client_id, scopes: 'b' });
  expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { client_id } });
  expect(updates()).toEqual([{ scopes: ['b'] }]);
  expect(emulator.clients()[0]?.description).toBe(`Ours.\n${marker}`);
});

const OF_ANOTHER_REPOSITORY = [{ key: 'github_repository_id', value: '1' }];
it.each<{ what: string; fields: Fields; inputs: Inputs; message: RegExp }>([
  {
    what: 'has the ownership marker of another repository',
    fields: { description: markerLine({ repository_id: '1' }, { repo: '1', by: '740123456' }) },
    inputs: { on_existing: 'replace' },
    message: /created for another repository/,
  },
  {
    what: 'has a claim of another repository and no ownership marker',
    fields: { description: 'Theirs.', custom_claims: OF_ANOTHER_REPOSITORY },
    inputs: { on_existing: 'replace' },
    message: /claims name another repository/,
  },
  {
    what: 'has a claim of another repository and an ownership marker of this one',
    fields: { description: markerLine({ name: 'x' }), custom_claims: OF_ANOTHER_REPOSITORY },
    inputs: { on_existing: 'rotate' },
    message: /claims name another repository/,
  },
  {
    what: 'is for another environment',
    fields: {
      description: markerLine({ environment: 'staging' }),
      custom_claims: [...REPOSITORY_CLAIMS, { key: 'environment', value: 'staging' }],
    },
    inputs: { on_existing: 'rotate', environment: 'production' },
    message: /for the environment "staging", and this step for "production"/,
  },
  {
    what: 'is the client of one job',
    fields: { description: markerLine({ lifetime: 'job' }) },
    inputs: { on_existing: 'replace' },
    message: /belongs to one job/,
  },
])('fails and changes nothing if the client that client_id names $what', async ({ fields, inputs, message }) => {
  const { client } = seed({ scopes: ['a'], ...fields });
  const executed = await run({ client_id: client.client_id, scopes: 'b', ...inputs });
  expectRefusal(emulator, executed, message, [client]);
  expectFailed(executed, client.client_id);
  expect(operationsOf(emulator)).toEqual(['token', 'getClient']);
});

it.each(['rotate', 'replace'])(
  'fails and changes nothing if the response for client_id shows another client, with on_existing: %s',
  async (on_existing) => {
    const named = emulator.seed({ name: 'Made manually' }).client;
    const { client } = seed();
    editClients(emulator, () => client, ['getClient']);
    const executed = await run({ client_id: named.client_id, on_existing });
    const message = /^Could not read client m2morg_\d+: HTTP 200, but it shows another client\.$/;
    expectRefusal(emulator, executed, message, [named, client]);
  },
);

it.each([
  { what: 'a short one is kept', description: 'Manual.\nReally.', text: 'Manual.\nReally.\n' },
  { what: 'a long one is cut to 340 characters', description: '🔑'.repeat(512), text: `${'🔑'.repeat(340)}\n` },
])(
  'adds an ownership marker to the description of a client that client_id names: $what',
  async ({ description, text }) => {
    const fields = { name: 'Manual', description, scopes: ['a'], custom_claims: REPOSITORY_CLAIMS };
    const { client_id } = emulator.seed(fields).client;
    const executed = await run({ client_id, scopes: 'a' });
    expect(executed).toMatchObject({ exitCode: 0, annotations: [], outputs: { client_id, result: 'rotated' } });
    expect(updates()).toEqual([{ description: expect.any(String) }]);
    const now = emulator.clients()[0]?.description ?? '';
    expect(now.slice(0, text.length)).toBe(text);
    expect(now.slice(text.length)).toMatch(
      new RegExp(
        `^\\[scalekit-organization-client v1 key:${identityHashOf()} repo:740123456 by:740123456 run:17345678901\\.1 lifetime:persistent nonce:[\\w-]{16}\\]$`,
      ),
    );
  },
);

it('adds the ownership marker with the request that corrects the client, and a later search finds the client', async () => {
  const { client_id } = emulator.seed({ name: 'Manual', description: 'Manual.', scopes: ['a'] }).client;
  const taken = await run({ client_id, scopes: 'b', on_existing: 'reuse' });
  expect(taken).toMatchObject({ exitCode: 0, outputs: { result: 'reused' } });
  const description = expect.stringMatching(/^Manual\.\n\[scalekit-/);
  expect(updates()).toEqual([{ scopes: ['b'], custom_claims: REPOSITORY_CLAIMS, description }]);
  const [before] = emulator.clients();
  const next = await run({ scopes: 'b' });
  expect(next.outputs).toMatchObject({ client_id, result: 'rotated' });
  expect(updates()).toHaveLength(1);
  expect(emulator.clients()[0]?.description).toBe(before?.description);
});

it('removes the ownership marker from a client that client_id names if the step fails afterwards', async () => {
  const fields = { name: 'Manual', description: 'Manual.', custom_claims: REPOSITORY_CLAIMS };
  const { client_id } = emulator.seed(fields).client;
  emulator.faults.add({ operation: 'addSecret', fault: { kind: 'status', status: 403 } });
  expectFailed(await run({ client_id }), 'Restored: description of client ');
  expect(emulator.clients()[0]?.description).toBe('Manual.');
});

it('reports that the ownership marker remains if the step fails and the former description was empty', async () => {
  const { client_id } = emulator.seed({ name: 'Manual', custom_claims: REPOSITORY_CLAIMS }).client;
  emulator.faults.add({ operation: 'addSecret', fault: { kind: 'status', status: 403 } });
  expectFailed(await run({ client_id }), 'could not be restored');
  expect(emulator.clients()[0]?.description).toContain(`v1 key:${identityHashOf()} `);
});
