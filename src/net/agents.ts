import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { type ForwardProxy, ProxyError } from './proxy.ts';

// The agents that open TLS connections: directly (EagerAgent), or through a proxy (TunnelAgent). Both keep connections
// alive.

/**
 * Milliseconds for the attempt to connect to one of several addresses of a host. Node.js's default, 250, is too short for a
 * distant server, and the next address may not be reachable (github.com/nodejs/node/issues/54359).
 */
const ADDRESS_TIMEOUT = 1_000;

net.setDefaultAutoSelectFamilyAttemptTimeout(Math.max(ADDRESS_TIMEOUT, net.getDefaultAutoSelectFamilyAttemptTimeout()));

type OnConnection = (error: Error | null, socket: Duplex) => void;

/** Opens TLS connections directly to servers. `preconnect` opens one before the request that uses it exists. */
export class EagerAgent extends https.Agent {
  /** Connections that no request uses yet, by host and port. */
  readonly #spare = new Map<string, Duplex>();
  /** TLS sessions of earlier connections, for resumption (RFC 8446, section 2.2), by host and port. */
  readonly #sessions = new Map<string, Buffer>();

  constructor() {
    super({ keepAlive: true });
  }

  /** Opens a connection. The next request to this host and port that finds no free connection uses it. */
  preconnect(url: URL): void {
    const options = { ...this.options, ...hostOf(url), port: Number(url.port || 443) };
    const hostPort = hostAndPort(options);
    const session = this.#sessions.get(hostPort);
    const socket = super.createConnection({ ...options, ...(session && { session }) });
    // The request that uses the socket handles its errors. If no request uses it, an error does not matter.
    socket?.on('error', () => {});
    if (socket) this.#spare.set(hostPort, socket);
  }

  /** Returns the connection that `preconnect` opened for this host and port, or a new one if that is not usable. */
  override createConnection(options: https.RequestOptions, callback?: OnConnection): Duplex | null | undefined {
    const hostPort = hostAndPort(options);
    const spare = this.#spare.get(hostPort);
    this.#spare.delete(hostPort);
    // Data that arrived before any request was sent cannot be a response, so do not use such a connection.
    if (spare?.writable && spare.readableLength === 0) return spare;
    const socket = super.createConnection(options, callback);
    socket?.on('session', (session: Buffer) => this.#sessions.set(hostPort, session));
    return socket;
  }
}

/** Opens a tunnel through a proxy (CONNECT; RFC 9110, section 9.3.6), and a TLS connection to the server inside it. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: ForwardProxy;

  constructor(proxy: ForwardProxy) {
    super({ keepAlive: true });
    this.#proxy = proxy;
  }

  /** Passes the connection, or a ProxyError, to the callback. */
  override createConnection(options: https.RequestOptions, callback: OnConnection): undefined {
    const { variable, url, login } = this.#proxy;
    const host = options.host ?? '';
    const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${options.port ?? 443}`;
    // After an error, Node.js ignores the callback's second argument.
    const fail = (message: string, code: string, status?: number) =>
      (callback as (error: Error) => void)(new ProxyError(variable, message, code, status));
    (url.protocol === 'https:' ? https : http)
      .request({
        method: 'CONNECT',
        // `servername` is the proxy's name. Without it, Node.js would compare the proxy's certificate with the host
        // header, which names the server.
        ...hostOf(url),
        port: url.port,
        path: authority,
        headers: {
          host: authority,
          ...(login && { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
        },
        agent: false,
      })
      .on('connect', ({ statusCode = 0 }, socket, head) => {
        if (statusCode >= 200 && statusCode < 300 && head.length === 0) {
          callback(null, super.createConnection({ ...options, socket } as https.RequestOptions) as Duplex);
          return;
        }
        socket.destroy();
        const code = statusCode >= 400 && statusCode < 500 ? 'PROXY_REFUSED' : 'PROXY_FAILED';
        fail(`the proxy in ${variable} answered HTTP ${statusCode} to CONNECT ${authority}`, code, statusCode);
      })
      .on('error', ({ message, code = 'UNKNOWN' }: NodeJS.ErrnoException) => {
        // The message of an EPROTO error is a trace through OpenSSL's source files.
        const reason = code === 'EPROTO' ? `TLS failed (${code})` : message;
        fail(`the proxy in ${variable} could not be used: ${reason}`, code);
      })
      .end();
  }
}

/**
 * Returns a URL's host in the form in which Node.js opens a connection to it: `host` without the brackets of an IPv6
 * address, and `servername`, the name that the server's certificate must contain. `servername` is empty for an IP
 * address.
 */
function hostOf({ hostname }: URL): { host: string; servername: string } {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, servername: net.isIP(host) ? '' : host };
}

function hostAndPort({ host, port }: https.RequestOptions): string {
  return `${host}:${port}`;
}
