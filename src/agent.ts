import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';

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
  prepare(url: URL): void {
    const options = { ...this.options, ...hostOf(url), port: Number(url.port || 443) };
    const key = keyOf(options);
    const session = this.#sessions.get(key);
    const socket = super.createConnection({ ...options, ...(session && { session }) });
    // The request that takes it hears of it; where none does, it does not matter.
    socket?.on('error', () => {});
    if (socket) this.#spare.set(key, socket);
  }

  override createConnection(options: https.RequestOptions, callback?: OnConnection): Duplex | null | undefined {
    const key = keyOf(options);
    const spare = this.#spare.get(key);
    this.#spare.delete(key);
    // What comes unasked answers nothing.
    if (spare?.writable && spare.readableLength === 0) return spare;
    const socket = super.createConnection(options, callback);
    socket?.on('session', (session: Buffer) => this.#sessions.set(key, session));
    return socket;
  }
}

/** A URL's host as a connection is opened to it, and as the server's certificate has to name it. */
export function hostOf({ hostname }: URL): { host: string; servername: string } {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, servername: net.isIP(host) ? '' : host };
}

function keyOf({ host, port }: https.RequestOptions): string {
  return `${host}:${port}`;
}
