import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { hostOf } from './agent.ts';
import { plainHttp } from './node.ts';
import { type ForwardProxy, ProxyError } from './proxy.ts';

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
