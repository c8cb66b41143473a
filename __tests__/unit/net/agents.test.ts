import { once } from 'node:events';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type CertificateKind, makeCertificate } from '../../../emulator/tls.ts';
import { EagerAgent } from '../../../src/net/agents.ts';

let agent: EagerAgent;
/** Spies on the connections that the agent opens. */
let createConnection: jest.SpiedFunction<https.Agent['createConnection']>;

beforeEach(async () => {
  agent = new EagerAgent();
  agent.options.ca = (await makeCertificate('valid')).ca;
  createConnection = jest.spyOn(https.Agent.prototype, 'createConnection');
});
afterEach(() => {
  agent.destroy();
  createConnection.mockRestore();
});

interface TestServer extends AsyncDisposable {
  url: URL;
  /** The server's side of its connections, in order. */
  sockets: TLSSocket[];
  /** Waits for a connection. @param number from 1 */
  socket(number: number): Promise<TLSSocket>;
}

/** Starts a server that responds to each request with the number of its connection, from 1. */
async function serve(kind: CertificateKind = 'valid', port = 0): Promise<TestServer> {
  const sockets: TLSSocket[] = [];
  const server = https.createServer(await makeCertificate(kind), ({ socket }, response) =>
    response.end(String(sockets.indexOf(socket as TLSSocket) + 1)),
  );
  server.on('secureConnection', (socket) => sockets.push(socket.on('error', () => {})));
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    sockets,
    socket: async (number) => sockets[number - 1] ?? (await once(server, 'secureConnection'))[0],
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Sends a request. @returns the number of the connection that carried it */
async function send(url: URL): Promise<number> {
  const [message] = await once(https.get(url, { agent }), 'response');
  return Number(await text(message));
}

/** Waits until the connection that the agent opened last is closed. */
const waitForClose = () => {
  const socket = createConnection.mock.results.at(-1)?.value as TLSSocket;
  return new Promise((resolve) => socket.once('close', resolve));
};

describe('a preconnected connection', () => {
  it.each([
    ['after', true],
    ['before', false],
  ])(
    'EagerAgent sends the second of two concurrent requests on a preconnected connection, %s its handshake',
    async (_, isReady) => {
      await using server = await serve();
      expect(await send(server.url)).toBe(1);
      agent.preconnect(server.url);
      if (isReady) await server.socket(2);
      expect(await Promise.all([send(server.url), send(server.url)])).toEqual([1, 2]);
      expect(createConnection).toHaveBeenCalledTimes(2);
    },
  );

  it('EagerAgent sends one request at a time on a preconnected connection, and keeps it open', async () => {
    await using server = await serve();
    agent.preconnect(server.url);
    expect(await send(server.url)).toBe(1);
    expect(await send(server.url)).toBe(1);
    expect((await Promise.all([send(server.url), send(server.url)])).sort()).toEqual([1, 2]);
  });

  it('EagerAgent resumes the TLS session of the first connection when it preconnects', async () => {
    await using server = await serve();
    await send(server.url);
    agent.preconnect(server.url);
    await server.socket(2);
    expect(server.sockets.map((socket) => socket.isSessionReused())).toEqual([false, true]);
  });

  it.each([
    ['127.0.0.1', false],
    ['localhost', 'localhost'],
  ])(
    'EagerAgent names the host in TLS when it preconnects, unless that is an IP address: %s',
    async (host, servername) => {
      await using server = await serve();
      server.url.hostname = host;
      await send(server.url);
      agent.preconnect(server.url);
      await Promise.all([send(server.url), send(server.url)]);
      expect(server.sockets.map((socket) => socket.servername)).toEqual([servername, servername]);
    },
  );

  it('EagerAgent does not use a preconnected connection for another host', async () => {
    await using server = await serve();
    agent.preconnect(server.url);
    await server.socket(1);
    server.url.hostname = 'localhost';
    expect(await send(server.url)).toBe(2);
  });

  it('EagerAgent does not use a preconnected connection for another port', async () => {
    await using server = await serve();
    await using other = await serve();
    agent.preconnect(server.url);
    await server.socket(1);
    expect(await send(other.url)).toBe(1);
    expect(other.sockets).toHaveLength(1);
    expect(await send(server.url)).toBe(1);
  });

  it.each<[what: string, end: (socket: TLSSocket) => unknown]>([
    ['closed', (socket) => socket.end()],
    ['cut', (socket) => socket.destroy()],
  ])('EagerAgent does not use a preconnected connection that the server has %s', async (_, end) => {
    await using server = await serve();
    await send(server.url);
    agent.preconnect(server.url);
    const closed = waitForClose();
    end(await server.socket(2));
    await closed;
    expect(await Promise.all([send(server.url), send(server.url)])).toEqual([1, 3]);
  });
});

describe('a failed attempt to preconnect', () => {
  const failures: [what: string, kind: CertificateKind | undefined, code: string][] = [
    ['the server has the certificate of another host', 'wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['the certificate has an unknown authority', 'self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['no server listens', undefined, 'ECONNREFUSED'],
  ];
  it.each(failures)(
    'EagerAgent fails with the same error with and without a preconnected connection if %s',
    async (_, kind, code) => {
      await using server = await serve(kind);
      if (!kind) await server[Symbol.asyncDispose]();
      await expect(send(server.url)).rejects.toMatchObject({ code });
      agent.preconnect(server.url);
      await expect(send(server.url)).rejects.toMatchObject({ code });
      agent.preconnect(server.url);
      await waitForClose();
      await expect(send(server.url)).rejects.toMatchObject({ code });
    },
  );

  it('EagerAgent reaches a server that started after a failed attempt to preconnect', async () => {
    const { url, ...stopped } = await serve();
    await stopped[Symbol.asyncDispose]();
    agent.preconnect(url);
    await waitForClose();
    await using _ = await serve('valid', Number(url.port));
    expect(await send(url)).toBe(1);
  });
});

it('connects to the first of several addresses of a host although the connection takes longer than 250 ms', async () => {
  await using server = await serve();
  // The second address is one of the loopback interface where nothing listens.
  const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  const lookup: net.LookupFunction = (_host, _options, callback) => void setImmediate(callback, null, addresses);
  const socket = net.connect({ host: 'slow.example', port: Number(server.url.port), lookup, autoSelectFamily: true });
  // While this thread sleeps, it notices neither the connection nor the time. Afterwards timers come first.
  const sleep = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  socket.once('connectionAttempt', () => process.nextTick(sleep));
  await once(socket, 'connect');
  expect(socket.remoteAddress).toBe('127.0.0.1');
  socket.destroy();
});
