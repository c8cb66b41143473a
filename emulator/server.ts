// The HTTP server of the emulator: listens on loopback, records each request, and passes it to its route.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { perform } from './answer.ts';
import type { Hold, RecordedRequest, Route } from './exchange.ts';
import type { FaultPlan } from './faults.ts';

export type ServerParts = {
  find: (method: string, path: string) => Route;
  faults: FaultPlan;
  hold: () => Hold | undefined;
  /** Returns the milliseconds that the next connection waits before the server reads from it. */
  connectionDelay: () => number;
  requests: RecordedRequest[];
};

/** A listening server. `close` ends all its connections immediately. */
export type Listener = { port: number; close: () => Promise<void> };

type ListenOptions = { port: number; certificate?: { key: string; cert: string } | undefined; http2?: boolean };

/**
 * Listens on a port of 127.0.0.1 (0 for any free port). Uses TLS if a certificate is given.
 * @param counters counts the connections of all listeners
 */
export async function listen(
  parts: ServerParts,
  options: ListenOptions,
  counters: { connections: number },
): Promise<Listener> {
  const closing = new AbortController();
  const sockets = new Map<number | undefined, { socket: Socket; number: number }>();
  const scheme = options.certificate ? 'https' : 'http';

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    // With TLS, `socket` is the raw TCP socket: only the raw socket can be reset.
    const { socket, number } = sockets.get(incoming.socket.remotePort) ?? { socket: incoming.socket, number: 0 };
    const path = incoming.url ?? '/';
    const method = incoming.method ?? 'GET';
    const route = parts.find(method, new URL(path, 'http://localhost').pathname);
    const bytes = await buffer(incoming);
    const text = bytes.toString();
    const request: RecordedRequest = {
      at: Date.now(),
      operation: route.operation,
      method,
      path,
      headers: incoming.headers,
      bytes,
      text,
      body: parseBody(text, incoming.headers['content-type']),
      origin: `${scheme}://${incoming.headers.host ?? incoming.headers[':authority']}`,
      connection: number,
      status: undefined,
    };
    parts.requests.push(request);
    await perform(parts, route, request, response, socket, closing.signal);
  };

  const onRequest = (incoming: IncomingMessage, response: ServerResponse) => {
    handle(incoming, response).catch((error: unknown) => {
      // The caller disconnected, or the emulator is closing: no error response can be delivered.
      if (incoming.socket.destroyed || closing.signal.aborted) return;
      if (!response.headersSent) response.writeHead(500);
      response.end(error instanceof Error ? error.stack : String(error));
    });
  };
  const server = makeServer(options, onRequest);
  delayConnections(server, parts.connectionDelay);
  // Longer than any test, so that no idle connection is closed between two requests.
  Object.assign(server, { keepAliveTimeout: 60_000 });
  server.on('connection', (socket: Socket) => {
    counters.connections += 1;
    const port = socket.remotePort;
    sockets.set(port, { socket, number: counters.connections });
    // Node's HTTP/1.1 server does this itself. Its HTTP/2 server would wait 40 ms for the client's acknowledgement.
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(port));
  });
  server.on('tlsClientError', () => {});
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      for (const { socket } of sockets.values()) socket.destroy();
      await closed;
    },
  };
}

function makeServer({ certificate, http2 }: ListenOptions, onRequest: RequestListener) {
  if (!certificate) return createServer(onRequest);
  if (!http2) return createTlsServer(certificate, onRequest);
  // The HTTP/2 request and response objects have all HTTP/1.1 members that are used here.
  const listener = onRequest as unknown as Parameters<typeof createSecureServer>[1];
  return createSecureServer({ ...certificate, allowHTTP1: true }, listener);
}

/** Makes a server start to read from each connection only after a delay. Without a delay, it starts immediately. */
function delayConnections(server: Server, delay: () => number): void {
  const accept = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    const start = () => {
      if (!socket.destroyed) for (const listener of accept) listener.call(server, socket);
    };
    const milliseconds = delay();
    if (milliseconds > 0) setTimeout(start, milliseconds);
    else start();
  });
}

function parseBody(text: string, type = ''): unknown {
  if (type.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text));
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
