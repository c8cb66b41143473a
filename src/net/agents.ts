import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { type ForwardProxy, ProxyError } from './proxy.ts';

type OnConnection = (error: Error | null, socket: Duplex) => void;

/** Connections that are kept alive. One can be opened before there is a request for it. */
export class EagerAgent extends https.Agent {
  /** By host and port. */
  readonly #spare = new Map<string, Duplex>();
  /** Of the connections that there were (RFC 8446, section 2.2), by host and port. */
  readonly #sessions = new Map<string, Buffer>();

  constructor() {
    super({ keepAlive: true });
  }

  /** Opens a connection for the next request to this host that finds none free. */
  preconnect(url: URL): void {
    const options = { ...this.options, ...hostOf(url), port: Number(url.port || 443) };
    const hostPort = hostAndPort(options);
    const session = this.#sessions.get(hostPort);
    const socket = super.createConnection({ ...options, ...(session && { session }) });
    // The request that takes it hears of it; where none does, it does not matter.
    socket?.on('error', () => {});
    if (socket) this.#spare.set(hostPort, socket);
  }

  override createConnection(options: https.RequestOptions, callback?: OnConnection): Duplex | null | undefined {
    const hostPort = hostAndPort(options);
    const spare = this.#spare.get(hostPort);
    this.#spare.delete(hostPort);
    // What comes unasked answers nothing.
    if (spare?.writable && spare.readableLength === 0) return spare;
    const socket = super.createConnection(options, callback);
    socket?.on('session', (session: Buffer) => this.#sessions.set(hostPort, session));
    return socket;
  }
}

/** A URL's host as a connection is opened to it, and as the server's certificate has to name it. */
export function hostOf({ hostname }: URL): { host: string; servername: string } {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, servername: net.isIP(host) ? '' : host };
}

function hostAndPort({ host, port }: https.RequestOptions): string {
  return `${host}:${port}`;
}

/** Connections through a proxy's tunnel (RFC 9110, section 9.3.6), with TLS to the server within, kept alive. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: ForwardProxy;

  constructor(proxy: ForwardProxy) {
    super({ keepAlive: true });
    this.#proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions,
    callback: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const { variable, url, login } = this.#proxy;
    const host = options.host ?? '';
    const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${options.port ?? 443}`;
    // Only the callback's first argument counts where something failed.
    const fail = (message: string, code: string, status?: number) =>
      (callback as (error: Error) => void)(new ProxyError(variable, message, code, status));
    (url.protocol === 'https:' ? https : plainHttp())
      .request({
        method: 'CONNECT',
        // With its name: otherwise the proxy's certificate would be compared with the host header, which names the server.
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
        // OpenSSL's own line is a trace through its sources.
        const said = code === 'EPROTO' ? `TLS failed (${code})` : message;
        fail(`the proxy in ${variable} could not be used: ${said}`, code);
      })
      .end();
  }
}

/** HTTP without TLS, for loopback and proxies alone: it brings a server with it, so others do not load it. */
export function plainHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http');
}
