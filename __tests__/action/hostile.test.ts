import { rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import type { Emulator, Operation } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import { makeCertificate } from '../../emulator/tls.ts';
import {
  credentialsWork,
  errors,
  interruptedAt,
  readable,
  runAction,
  runBare,
  sentTo,
  trust,
  warnings,
} from '../support/action.ts';
import { anotherEmulator, useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailed } from '../support/failed.ts';
import { useFolder } from '../support/folders.ts';
import { IMPATIENT, type Listening, listen, SHORT } from '../support/network.ts';

// Behaviour of servers and networks that nobody would build on purpose: connections that break at the worst moment, and
// responses that say something other than what the server did.

const emulator = useEmulator();
const inFolder = useFolder();
const itWaits = useConcurrentTests();

const count = (operation: Operation, at: Emulator = emulator) => sentTo(at, operation).length;

/** Makes the emulator issue tokens of another organization for the new credentials, so that the step is rolled back. */
function issueWrongTokens({ behaviour }: Emulator): void {
  behaviour.tokenChanges = (payload) => (payload.oid ? { ...payload, oid: 'org_another' } : payload);
}

/** Checks that a step succeeded, and that the one client that exists is the one in its outputs. */
async function expectOneClient(run: Executed): Promise<void> {
  expect(run.exitCode).toBe(0);
  expect(emulator.clients()).toHaveLength(1);
  expect(await credentialsWork(emulator, run.outputs)).toBe(true);
}

/** Checks that a step failed with one error that matches, and that no client is left. */
function expectRemoved(run: Executed, said: RegExp, from: Emulator = emulator): void {
  expectFailed(run);
  expect(from.clients()).toEqual([]);
  expect(errors(run)).toEqual([expect.stringMatching(said)]);
}

/**
 * Starts a server that forwards connections to another one.
 * @param onConnection can handle a connection itself and return false
 */
function between(upstreamPort: number, onConnection: (client: Socket, number: number) => boolean): Promise<Listening> {
  let connections = 0;
  return listen(
    net.createServer((client) => {
      connections += 1;
      if (!onConnection(client, connections)) return;
      const upstream = net.connect(upstreamPort, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.on('error', () => {}).on('close', () => to.destroy());
        from.pipe(to);
      }
    }),
  );
}

it.each<[what: string, bytes: Buffer]>([
  ['garbage', Buffer.from('garbage garbage garbage')],
  ['a TLS alert', Buffer.from([0x15, 3, 3, 0, 2, 2, 40])],
])('creates one client if %s breaks the connection after the create was carried out', async (_, bytes) => {
  await using secure = await anotherEmulator({ tls: true });
  const connected: Socket[] = [];
  const port = Number(new URL(secure.tlsUrl ?? '').port);
  await using proxy = await between(port, (client) => connected.push(client) > 0);
  secure.hold = (when, { operation }) => {
    if (when === 'after' && operation === 'createClient') connected[0]?.write(bytes);
  };
  secure.faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'delay', ms: 300 } });
  const run = await runAction(secure, {
    inputs: { scalekit_environment_url: `https://localhost:${proxy.port}` },
    env: trust(inFolder(), secure.ca),
  });
  expect(run.exitCode).toBe(0);
  expect(count('createClient', secure)).toBe(1);
  expect(secure.clients()).toHaveLength(1);
  expect(await credentialsWork(secure, run.outputs)).toBe(true);
});

it('sends the create again if its connection broke during the TLS handshake', async () => {
  const { key, cert, ca } = await makeCertificate('valid');
  let created = 0;
  const api = https.createServer({ key, cert }, async (request, response) => {
    const body = await text(request);
    response.setHeader('connection', 'close');
    if (request.url === '/oauth/token') return response.end('{"access_token":"opaque-access-token"}');
    created += 1;
    const client = { ...JSON.parse(body), client_id: 'm2morg_1', secrets: [{ id: 'sks_1' }] };
    return response.end(JSON.stringify({ client, plain_secret: ['plain', 'secret', 'value'].join('-') }));
  });
  await using upstream = await listen(api);
  await using proxy = await between(upstream.port, (client, number) => {
    if (number === 2) client.once('data', () => client.resetAndDestroy());
    return number !== 2;
  });
  const run = await runAction(emulator, {
    inputs: { scalekit_environment_url: `https://localhost:${proxy.port}`, ...SHORT },
    env: trust(inFolder(), ca),
  });
  expect(run).toMatchObject({ exitCode: 0, outputs: { client_id: 'm2morg_1' } });
  expect(created).toBe(1);
});

it('fails if the server switches protocols (HTTP 101)', async () => {
  const switching = http.createServer((request) =>
    request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
  );
  await using server = await listen(switching);
  const inputs = { scalekit_environment_url: `http://127.0.0.1:${server.port}`, timeout: '5' };
  const run = await runAction(emulator, { ...IMPATIENT, inputs });
  expectFailed(run);
  expect(errors(run)).toEqual([expect.stringContaining(': the server switches protocols (HTTP 101)')]);
});

describe('response to the create request', () => {
  const change = (edit: (client: Record<string, unknown>) => void) => (answer: { client: Record<string, unknown> }) => {
    edit(answer.client);
    return answer;
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
      fault: { kind: 'edit', edit: (answer) => ({ ...answer, ...cut(answer) }) },
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
    const edit = (answer: { client: object }) => ({ ...answer, client: { ...answer.client, client_id } });
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
    expect(await runAction(emulator, { inputs: SHORT })).toMatchObject({ exitCode: 0, outputs: { client_id } });
  });
});

describe('client that reads do not show yet', () => {
  /** Runs a step that must be rolled back, while a new client can be read only after some milliseconds. */
  function runWithReadLag(emulator: Emulator, readLag: number): Promise<Executed> {
    Object.assign(emulator.behaviour, { listLag: 60_000, dropScopes: ['a'], readLag });
    return runAction(emulator, { inputs: { scopes: 'a', timeout: '5' } });
  }

  itWaits('waits until reads show the client, and then deletes it', async (emulator) => {
    const run = await runWithReadLag(emulator, 1000);
    expect(run.exitCode).toBe(1);
    expect(emulator.clients()).toEqual([]);
    expect(errors(run)[0]).toMatch(/^Removed again: client m2morg_\d+\.$/m);
    expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
  });

  itWaits('deletes the client in the post step if reads do not show it before main ends', async (emulator) => {
    const run = await runWithReadLag(emulator, 6500);
    expect(run.exitCode).toBe(1);
    expect(emulator.clients()).toHaveLength(1);
    expect(errors(run)[0]).toMatch(/^A client of this step may be left over: .* DELETE /m);
    expect(await run.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(emulator.clients()).toEqual([]);
  });
});

describe('deletion with a 404 although the client exists', () => {
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
      expect(emulator.clients()[0]?.secrets?.map(({ id }) => id)).toEqual([outputs.secret_id]);
      expect(count('deleteSecret', emulator)).toBe(2);
    },
  );

  itWaits(
    'deletes the client again in the post step if a deletion got a 404 and reads still show the client',
    async (emulator) => {
      const run = await runAction(emulator, { inputs: SHORT });
      notFoundOnce(emulator, 'deleteClient');
      const post = await run.post();
      expect(post.annotations).toEqual([]);
      expect(emulator.clients()).toEqual([]);
      expect(count('deleteClient', emulator)).toBe(2);
    },
  );
});

it('warns in the post step, and does not take a 404 that is not from the API for a deleted client', async () => {
  const run = await runAction(emulator, { inputs: SHORT });
  const body = 'no healthy upstream';
  emulator.faults.add({ operation: 'getClient', fault: { kind: 'status', status: 404, body } });
  const post = await run.post();
  expect(post.exitCode).toBe(0);
  expect(warnings(post)).toEqual([
    expect.stringMatching(
      /HTTP 404.* Check which server answers at scalekit_environment_url: it is not the API\. .* DELETE .*\/clients\/m2morg_\d+$/,
    ),
  ]);
});

it('refuses in the post step the state of another run, although the same API secret sealed it', async () => {
  const run = await runAction(emulator, { inputs: SHORT });
  const before = emulator.requests.length;
  for (const env of [{ GITHUB_RUN_ID: '99' }, { GITHUB_RUN_ATTEMPT: '2' }]) {
    const post = await run.post({ env });
    expect(post).toMatchObject({ exitCode: 0, annotations: [{ kind: 'warning' }] });
    expect(emulator.requests).toHaveLength(before);
  }
});

it('names its client with the manual DELETE call if the client has a secret that got no response', async () => {
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

itWaits('reports the rate limit if waiting for it took the time of the step', async (emulator) => {
  emulator.faults.add({ operation: '*', fault: { kind: 'delay', ms: 150 } });
  const body = { code: 8, message: 'slow down', details: [{ error_code: 'RATE_LIMITED' }] };
  emulator.faults.add({ operation: 'createClient', fault: { kind: 'status', status: 429, body } });
  const run = await runAction(emulator, { inputs: { timeout: '5' } });
  expect(errors(run)).toEqual([
    expect.stringMatching(/^Could not create the client: HTTP 429: RATE_LIMITED: slow down\./),
  ]);
  expect((await run.post()).stdout).toBe('');
});

describe('state file that disappears during the create request', () => {
  /** Runs a step whose state file is deleted when the server receives the create request. */
  function runWithoutState(): Promise<Executed> {
    const state = inFolder('state');
    writeFileSync(state, '');
    emulator.hold = (_, { operation }) => {
      if (operation === 'createClient') rmSync(state, { force: true });
    };
    return runAction(emulator, { env: { GITHUB_STATE: state } });
  }

  it('reports why the create failed although its state file is gone', async () => {
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'status', status: 403 } });
    expectRemoved(await runWithoutState(), /HTTP 403/);
  });

  it('deletes the new client if its state file is gone', async () => {
    expectRemoved(await runWithoutState(), /Removed again: client m2morg_\d+\.$/);
  });
});

/** An expression of a workflow. */
const EXPRESSION = ['$', '{ x }}'].join('{');

it.each([`${EXPRESSION}#`, `@${EXPRESSION}?`, '#', '?a=', '@'])(
  'shows no part of a secret that has %j inside and is given as several inputs',
  async (delimiters) => {
    const parts = ['s3cr3t', 'v4lue', 't41l'];
    const secret = parts.join(delimiters);
    const names = ['scalekit_client_secret', 'scalekit_environment_url', 'organization_id', 'scopes'];
    const run = await runBare({ inputs: Object.fromEntries(names.map((name) => [name, secret])) });
    expect(run.exitCode).toBe(1);
    for (const part of parts) expect(readable(run)).not.toContain(part);
  },
);

itWaits('writes into the state when the create request was sent last', async (emulator) => {
  const fault = { kind: 'status', status: 429, headers: { 'retry-after': '1' } } as const;
  emulator.faults.add({ operation: 'createClient', times: 1, fault });
  const run = await runAction(emulator, { inputs: SHORT });
  const [first = 0, ...later] = sentTo(emulator, 'createClient').map(({ at }) => at);
  expect(later).toHaveLength(1);
  expect(JSON.parse(run.state.client ?? '').client.sent_at).toBeGreaterThan(first + 900);
});
