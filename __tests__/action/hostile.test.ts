import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Operation, startEmulator } from '../../emulator/index.ts';
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

// Tests with behaviour of networks and servers that nobody would build on purpose.

let emulator: Emulator;
let folder: string;
const closing: (() => void)[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'hostile-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await emulator.close();
});

/** Starts a server on a free loopback port. It is closed after the test. */
async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/**
 * Starts a server that forwards connections to another one.
 * @param onConnection can handle a connection itself and return false
 * @returns the port
 */
async function between(
  upstreamUrl: string,
  onConnection: (client: Socket, number: number) => boolean,
): Promise<number> {
  let count = 0;
  const server = net.createServer((client) => {
    count += 1;
    if (!onConnection(client, count)) return;
    const upstream = net.connect(Number(new URL(upstreamUrl).port), '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => {}).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  return await listen(server);
}

const count = (operation: Operation) => sentTo(emulator, operation).length;

describe('a connection that breaks', () => {
  it.each([
    ['garbage', Buffer.from('garbage garbage garbage')],
    ['a TLS alert', Buffer.from([0x15, 3, 3, 0, 2, 2, 40])],
    ['a plain response of a gateway', Buffer.from('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n')],
  ])(
    'after the create was carried out, by %s within TLS, is recovered: one client, and its secret works',
    async (_, bytes) => {
      await emulator.close();
      emulator = await startEmulator({ tls: true });
      const clients: Socket[] = [];
      const port = await between(emulator.tlsUrl ?? '', (client) => clients.push(client) > 0);
      emulator.hold = (when, { operation }) => {
        if (when === 'after' && operation === 'createClient') clients[0]?.write(bytes);
      };
      emulator.faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'delay', ms: 300 } });
      const run = await runAction(emulator, {
        inputs: { scalekit_environment_url: `https://localhost:${port}` },
        env: trust(folder, emulator.ca),
      });
      expect([run.exitCode, count('createClient'), emulator.clients().length]).toEqual([0, 1, 1]);
      expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    },
  );

  it('in its TLS handshake has carried nothing, so the create is sent again', async () => {
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
    const apiPort = await listen(api);
    const port = await between(`https://localhost:${apiPort}`, (client, number) => {
      if (number === 2) client.once('data', () => client.resetAndDestroy());
      return number !== 2;
    });
    const run = await runAction(emulator, {
      inputs: { scalekit_environment_url: `https://localhost:${port}`, lifetime: 'job', verify: 'false' },
      env: trust(folder, ca),
    });
    expect([run.exitCode, created, run.outputs.client_id]).toEqual([0, 1, 'm2morg_1']);
  });
});

describe('a response that is none', () => {
  it('(101 Switching Protocols) never looks like success', async () => {
    const api = http.createServer((request) =>
      request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    );
    const port = await listen(api);
    const run = await runAction(emulator, {
      inputs: { scalekit_environment_url: `http://127.0.0.1:${port}`, timeout: '5' },
    });
    expect([run.exitCode, run.outputs]).toEqual([1, {}]);
    expect(errors(run)).toEqual([expect.stringContaining(': the server switches protocols (HTTP 101)')]);
  });
});

describe('a created client whose response cannot be used', () => {
  const change = (edit: (client: Record<string, unknown>) => void) => (answer: { client: Record<string, unknown> }) => {
    edit(answer.client);
    return answer;
  };
  it.each([
    ['an expiry that is none', change((client) => Object.assign(client, { expiry: 'soon' }))],
    ['claims that are no list', change((client) => Object.assign(client, { custom_claims: { a: 'b' } }))],
    ['secrets that are none', change((client) => Object.assign(client, { secrets: [{ secret_suffix: 5 }] }))],
  ])('because it has %s is found by its id, though lists lag', async (_, edit) => {
    emulator.behaviour.listLag = 60_000;
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
    const run = await runAction(emulator);
    expect([run.exitCode, emulator.clients().length, await credentialsWork(emulator, run.outputs)]).toEqual([
      0,
      1,
      true,
    ]);
  });

  const withoutDescription = change((client) => delete client.description);

  it.each([
    ['has no description', withoutDescription],
    ['has null for a description', change((client) => Object.assign(client, { description: null }))],
  ])('because it does not say whose it is, is read by its id: it %s', async (_, edit) => {
    emulator.behaviour.listLag = 60_000;
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit } });
    const run = await runAction(emulator);
    expect(run).toMatchObject({ exitCode: 0, annotations: [] });
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
  });

  describe('because neither the answer nor a read shows whose it is', () => {
    beforeEach(() => {
      Object.assign(emulator.behaviour, { listLag: 60_000, descriptions: 'rewritten' });
      emulator.faults.add({ operation: 'createClient', fault: { kind: 'edit', edit: withoutDescription } });
    });

    it('is removed by its id if the read fails', async () => {
      const body = { code: 7, message: 'permission denied' };
      emulator.faults.add({ operation: 'getClient', call: 1, fault: { kind: 'status', status: 403, body } });
      const run = await runAction(emulator);
      expect({ exitCode: run.exitCode, clients: emulator.clients() }).toEqual({ exitCode: 1, clients: [] });
      expect(errors(run)).toEqual([
        expect.stringMatching(/^Could not .* HTTP 403: permission denied\..*\nRemoved again: client m2morg_\d+\.$/),
      ]);
    });

    it('is removed by its id, by post, if main is cancelled during the read and gets no answer', async () => {
      emulator.faults.add({ operation: 'getClient', call: 1, when: 'after', fault: { kind: 'reset' } });
      const run = await runAction(emulator, interruptedAt(emulator, 'getClient'));
      expect({ exitCode: run.exitCode, clients: emulator.clients().length }).toEqual({ exitCode: 1, clients: 1 });
      const post = await run.post();
      expect(post).toMatchObject({ exitCode: 0, annotations: [] });
      expect(emulator.clients()).toEqual([]);
    });
  });

  it('because the server changed its description is removed by its id', async () => {
    const cut = ({ client }: { client: Record<string, unknown> }) => ({ client: { ...client, description: 'cut' } });
    emulator.faults.add({
      operation: 'createClient',
      fault: { kind: 'edit', edit: (answer) => ({ ...answer, ...cut(answer) }) },
    });
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit: cut } });
    emulator.behaviour.listLag = 60_000;
    const run = await runAction(emulator);
    expect({ exitCode: run.exitCode, clients: emulator.clients() }).toEqual({ exitCode: 1, clients: [] });
    expect(errors(run)[0]).toMatch(/has no ownership marker\..*\nRemoved again: client m2morg_\d+\.$/);
  });

  it('is removed as soon as the API shows it, by main or else by post', async () => {
    Object.assign(emulator.behaviour, { listLag: 60_000, dropScopes: ['a'] });
    for (const [readLag, remaining] of [
      [1500, 0],
      [9000, 1],
    ] as const) {
      emulator.behaviour.readLag = readLag;
      const run = await runAction(emulator, { inputs: { scopes: 'a', timeout: '8' } });
      expect([run.exitCode, emulator.clients().length]).toEqual([1, remaining]);
      expect(errors(run)[0]).toMatch(
        remaining ? /^A client of this step may be left over: .* DELETE /m : /^Removed again: client m2morg_\d+\.$/m,
      );
      const post = await run.post();
      expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
    }
  });
});

it.each(['m2morg_9b2f1c7e-6a54-4f0e-9d7b-0c3b1a2d4e5f', `m2morg_${'1'.repeat(100)}`])(
  'takes whatever id the API gives a client: %s',
  async (client_id) => {
    emulator.faults.add({
      operation: 'createClient',
      fault: { kind: 'edit', edit: (answer) => ({ ...answer, client: { ...answer.client, client_id } }) },
    });
    const run = await runAction(emulator, { inputs: { lifetime: 'job', verify: 'false' } });
    expect([run.exitCode, run.outputs.client_id]).toEqual([0, client_id]);
  },
);

describe('a deletion that the API answers with 404, though it shows the client', () => {
  const lagging = (operation: Operation) =>
    emulator.faults.add({
      operation,
      times: 1,
      fault: { kind: 'status', status: 404, body: { code: 5, message: 'client not found' } },
    });
  const denied = () => {
    emulator.behaviour.tokenChanges = (payload) => (payload.oid ? undefined : payload);
  };

  it('is asked for again, by main', async () => {
    denied();
    lagging('deleteClient');
    const run = await runAction(emulator);
    expect([run.exitCode, emulator.clients(), count('deleteClient')]).toEqual([1, [], 2]);
  });

  it('is asked for again, by main, for an added secret', async () => {
    const { outputs } = await runAction(emulator);
    denied();
    lagging('deleteSecret');
    const run = await runAction(emulator);
    const ids = emulator.clients()[0]?.secrets?.map(({ id }) => id);
    expect([run.exitCode, ids, count('deleteSecret')]).toEqual([1, [outputs.secret_id], 2]);
  });

  it('is asked for again, by post', async () => {
    const run = await runAction(emulator, { inputs: { lifetime: 'job' } });
    lagging('deleteClient');
    const post = await run.post();
    expect([post.annotations, emulator.clients(), count('deleteClient')]).toEqual([[], [], 2]);
  });
});

it('post does not take the 404 of something in between for the API’s', async () => {
  for (const body of ['no healthy upstream', '<html>404</html>']) {
    emulator.faults.clear();
    const run = await runAction(emulator, { inputs: { lifetime: 'job' } });
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'status', status: 404, body } });
    const post = await run.post();
    expect([post.exitCode, warnings(post)]).toEqual([
      0,
      [
        expect.stringMatching(
          /HTTP 404.* Check which server answers at scalekit_environment_url: it is not the API\. .* DELETE .*\/clients\/m2morg_\d+$/,
        ),
      ],
    ]);
  }
});

it('post takes no state of another run, though these credentials sealed it', async () => {
  const run = await runAction(emulator, { inputs: { lifetime: 'job' } });
  const before = emulator.requests.length;
  for (const env of [{ GITHUB_RUN_ID: '99' }, { GITHUB_RUN_ATTEMPT: '2' }]) {
    const post = await run.post({ env });
    expect([post.exitCode, warnings(post).length, emulator.requests.length]).toEqual([0, 1, before]);
  }
});

it('a client that is all this step’s, but has a secret whose creation got no response, is named with the call that removes it', async () => {
  emulator.faults.add({ operation: 'createClient', when: 'after', fault: { kind: 'status', status: 503 } });
  emulator.faults.add({ operation: 'addSecret', times: 1, when: 'after', fault: { kind: 'reset' } });
  emulator.behaviour.tokenChanges = (payload) => (payload.oid ? undefined : payload);
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

describe('what a failed step reports', () => {
  it('is the rate limit, not the time that it cost', async () => {
    emulator.faults.add({ operation: '*', fault: { kind: 'delay', ms: 150 } });
    const body = { code: 8, message: 'slow down', details: [{ error_code: 'RATE_LIMITED' }] };
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'status', status: 429, body } });
    const run = await runAction(emulator, { inputs: { timeout: '5' } });
    expect(errors(run)).toEqual([
      expect.stringMatching(/^Could not create the client: HTTP 429: RATE_LIMITED: slow down\./),
    ]);
    expect((await run.post()).stdout).toBe('');
  });

  it('is the failure itself, also if the state file is gone', async () => {
    const state = path.join(folder, 'state');
    emulator.hold = (_, { operation }) => {
      if (operation === 'createClient') rmSync(state, { force: true });
    };
    for (const [status, expected] of [
      [403, 'HTTP 403'],
      [201, 'Removed again: client m2morg_\\d+\\.$'],
    ] as const) {
      writeFileSync(state, '');
      emulator.faults.clear();
      if (status === 403) emulator.faults.add({ operation: 'createClient', fault: { kind: 'status', status } });
      const run = await runAction(emulator, { env: { GITHUB_STATE: state } });
      expect(run.exitCode).toBe(1);
      expect(errors(run)).toEqual([expect.stringMatching(new RegExp(expected))]);
    }
  });

  it('never holds a part of the secret, even if that holds an expression or the delimiters of a URL', async () => {
    const open = ['$', '{{'].join('');
    const parts = ['s3cr3t', 'v4lue', 't41l'];
    for (const delimiters of [`${open} x }}#`, `@${open} x }}?`, '#', '?a=', '@']) {
      const secret = parts.join(delimiters);
      for (const input of ['scalekit_client_secret', 'scalekit_environment_url', 'organization_id', 'scopes']) {
        const inputs = { scalekit_environment_url: 'http://x', scalekit_client_secret: secret, [input]: secret };
        const run = await runBare({ inputs });
        expect(run.exitCode).toBe(1);
        for (const part of parts) expect(readable(run)).not.toContain(part);
      }
    }
  });
});

it('looks for a client from the last sending of its request, not from the first', async () => {
  emulator.faults.add({
    operation: 'createClient',
    times: 1,
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '3' } },
  });
  const run = await runAction(emulator, { inputs: { lifetime: 'job' } });
  const sent = sentTo(emulator, 'createClient').map(({ at }) => at);
  expect(sent).toHaveLength(2);
  expect(JSON.parse(run.state.client ?? '').client.sent_at).toBeGreaterThan((sent[0] ?? 0) + 2900);
});
