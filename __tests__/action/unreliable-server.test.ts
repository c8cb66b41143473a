import { describe, expect, it } from '@jest/globals';
import type { Emulator, Operation } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import { credentialsWork, errors, runAction, warnings } from '../support/action.ts';
import { secretIds } from '../support/clients.ts';
import { useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { FEWEST_REQUESTS } from '../support/network.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { interruptedAt, sentTo } from '../support/requests.ts';

// A server whose responses do not say what it did: they omit or change what they show of a client, or show it late.

const emulator = useEmulator();
const itWaits = useConcurrentTests();

const count = (operation: Operation, at: Emulator = emulator) => sentTo(at, operation).length;

/** Makes the emulator issue tokens of another organization for the new credentials, so that the step is rolled back. */
function issueWrongTokens({ behaviour }: Emulator): void {
  behaviour.tokenChanges = (payload) => (payload.oid ? { ...payload, oid: 'org_another' } : payload);
}

/** Checks that a step succeeded, and that the one client that exists is the one in its outputs. */
async function expectOneClient(run: Executed): Promise<void> {
  expectSucceeded(run);
  expect(emulator.clients()).toHaveLength(1);
  expect(await credentialsWork(emulator, run.outputs)).toBe(true);
}

/** Checks that a step failed with one error that matches, and that no client is left. */
function expectRemoved(run: Executed, said: RegExp, from: Emulator = emulator): void {
  expectFailed(run);
  expect(from.clients()).toEqual([]);
  expect(errors(run)).toEqual([expect.stringMatching(said)]);
}

describe('a response to the create request that omits or changes something', () => {
  const change = (edit: (client: Record<string, unknown>) => void) => (body: { client: Record<string, unknown> }) => {
    edit(body.client);
    return body;
  };
  const withoutDescription = change((client) => delete client.description);

  it.each([
    ['an expiry that is not a number', change((client) => Object.assign(client, { expiry: 'soon' }))],
    ['secrets without ids', change((client) => Object.assign(client, { secrets: [{ secret_suffix: 5 }] }))],
    ['no description', withoutDescription],
  ])('reads the new client by its id if the response to the create has %s', async (_, edit) => {
    emulator.behaviour.listLag = 60_000;
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
    const run = await runAction(emulator);
    expect(run.annotations).toEqual([]);
    await expectOneClient(run);
  });

  /** Makes neither the response to the create request nor a read show whose the client is. */
  function hideMarker(): void {
    Object.assign(emulator.behaviour, { listLag: 60_000, descriptions: 'rewritten' });
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit: withoutDescription } });
  }

  it('deletes the new client by its id if no response shows its marker and reading it fails', async () => {
    hideMarker();
    const body = { code: 7, message: 'permission denied' };
    emulator.faults.add({ operation: 'getClient', call: 1, fault: { kind: 'status', status: 403, body } });
    expectRemoved(
      await runAction(emulator),
      /^Could not .* HTTP 403: permission denied\..*\nRemoved again: client m2morg_\d+\.$/,
    );
  });

  it('deletes the new client in the post step if main is cancelled before a read shows its marker', async () => {
    hideMarker();
    emulator.faults.add({ operation: 'getClient', call: 1, when: 'after', fault: { kind: 'reset' } });
    const run = await runAction(emulator, interruptedAt(emulator, 'getClient'));
    expect(run.exitCode).toBe(1);
    expect(emulator.clients()).toHaveLength(1);
    expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
  });

  it('deletes the new client by its id if the server changed its description', async () => {
    const cut = ({ client }: { client: Record<string, unknown> }) => ({ client: { ...client, description: 'cut' } });
    emulator.faults.add({
      operation: 'createClient',
      fault: { kind: 'edit', edit: (body) => ({ ...body, ...cut(body) }) },
    });
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit: cut } });
    emulator.behaviour.listLag = 60_000;
    expectRemoved(await runAction(emulator), /has no ownership marker\..*\nRemoved again: client m2morg_\d+\.$/);
  });

  it('deletes the new client if only the list of clients shows it without its marker', async () => {
    const edit = ({ clients, ...page }: { clients: object[] }) => ({
      ...page,
      clients: clients.map((client) => ({ ...client, description: 'cut' })),
    });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit } });
    expectRemoved(await runAction(emulator), /has no ownership marker\..*\nRemoved again: client m2morg_\d+\.$/);
  });

  it('accepts a client id with other characters than digits', async () => {
    const client_id = 'm2morg_9b2f1c7e-6a54-4f0e-9d7b-0c3b1a2d4e5f';
    const edit = (body: { client: object }) => ({ ...body, client: { ...body.client, client_id } });
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
    expect(await runAction(emulator, { inputs: FEWEST_REQUESTS })).toMatchObject({
      exitCode: 0,
      outputs: { client_id },
    });
  });
});

describe('a client that reads do not show yet', () => {
  const FOR_LONG = 3_600_000;

  /** Runs a step that must be rolled back, while reads do not show a new client. */
  function runWithReadLag(emulator: Emulator, timeout: string): Promise<Executed> {
    Object.assign(emulator.behaviour, { listLag: FOR_LONG, readLag: FOR_LONG, dropScopes: ['a'] });
    return runAction(emulator, { inputs: { scopes: 'a', timeout } });
  }

  itWaits('waits until reads show the client, and then deletes it', async (emulator) => {
    // The second read shows it.
    emulator.hold = (when, { operation }) => {
      if (when === 'after' && operation === 'getClient') emulator.behaviour.readLag = 0;
    };
    const run = await runWithReadLag(emulator, '20');
    expect(run.exitCode).toBe(1);
    expect(emulator.clients()).toEqual([]);
    expect(errors(run)[0]).toMatch(/^Removed again: client m2morg_\d+\.$/m);
    expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
  });

  itWaits('deletes the client in the post step if reads do not show it before main ends', async (emulator) => {
    const run = await runWithReadLag(emulator, '8');
    expect(run.exitCode).toBe(1);
    expect(emulator.clients()).toHaveLength(1);
    expect(errors(run)[0]).toMatch(/^A client of this step may be left over: .* DELETE /m);
    emulator.behaviour.readLag = 0;
    expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
  });
});

describe('a deletion that gets a 404 although the client exists', () => {
  const notFoundOnce = ({ faults }: Emulator, operation: Operation) =>
    faults.add({
      operation,
      times: 1,
      fault: { kind: 'status', status: 404, body: { code: 5, message: 'client not found' } },
    });

  itWaits(
    'deletes the new client again in main if a deletion got a 404 and reads still show the client',
    async (emulator) => {
      issueWrongTokens(emulator);
      notFoundOnce(emulator, 'deleteClient');
      expectRemoved(await runAction(emulator), /^Removed again: client m2morg_\d+\.$/m, emulator);
      expect(count('deleteClient', emulator)).toBe(2);
    },
  );

  itWaits(
    'deletes an added secret again if its deletion got a 404 and reads still show the secret',
    async (emulator) => {
      const { outputs } = await runAction(emulator);
      issueWrongTokens(emulator);
      notFoundOnce(emulator, 'deleteSecret');
      const run = await runAction(emulator);
      expect(run.exitCode).toBe(1);
      expect(secretIds(emulator)).toEqual([outputs.secret_id]);
      expect(count('deleteSecret', emulator)).toBe(2);
    },
  );

  itWaits(
    'deletes the client again in the post step if a deletion got a 404 and reads still show the client',
    async (emulator) => {
      const run = await runAction(emulator, { inputs: FEWEST_REQUESTS });
      notFoundOnce(emulator, 'deleteClient');
      const post = await run.post();
      expect(post.annotations).toEqual([]);
      expect(emulator.clients()).toEqual([]);
      expect(count('deleteClient', emulator)).toBe(2);
    },
  );
});

it('warns in the post step, and does not take a 404 that is not from the API for a deleted client', async () => {
  const run = await runAction(emulator, { inputs: FEWEST_REQUESTS });
  const body = 'no healthy upstream';
  emulator.faults.add({ operation: 'getClient', fault: { kind: 'status', status: 404, body } });
  const post = await run.post();
  expectSucceeded(post);
  expect(warnings(post)).toEqual([
    expect.stringMatching(
      /HTTP 404.* Check which server answers at scalekit_environment_url: it is not the API\. .* DELETE .*\/clients\/m2morg_\d+$/,
    ),
  ]);
});

it('names its client with the manual DELETE call if a request for a secret of the client got no response', async () => {
  emulator.faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'status', status: 503 } });
  emulator.faults.add({ operation: 'addSecret', times: 1, when: 'after', fault: { kind: 'reset' } });
  issueWrongTokens(emulator);
  const run = await runAction(emulator);
  const [client] = emulator.clients();
  expect(run.exitCode).toBe(1);
  expect(errors(run)[0]).toMatch(
    new RegExp(
      `^Client ${client?.client_id} may be left over\\. Remove it only if no other run uses it\\. .*DELETE .*/clients/${client?.client_id}$`,
      'm',
    ),
  );
});
