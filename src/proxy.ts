import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { checkBypass } from '@actions/http-client/lib/proxy';

/** A forward proxy, and the variable that names it. */
export interface Proxy {
  variable: string;
  url: URL;
  /** `user:password`, decoded; empty where the address has none. */
  login: string;
}

/** No tunnel came about: nothing of a request can have reached its server. Neither address nor password is ever quoted. */
export class ProxyError extends Error {
  override name = 'ProxyError';
  readonly code: string;
  readonly variable: string;
  /** What the proxy answered; absent where it did not. */
  readonly status: number | undefined;

  constructor(variable: string, message: string, code: string, status?: number) {
    super(message);
    this.variable = variable;
    this.code = code;
    this.status = status;
  }
}

/** What a proxy's variable may hold. */
export const PROXY_ADDRESS =
  'the address of an http or https proxy, such as http://proxy.corp:3128, with special characters in user and password percent-encoded';

/**
 * The proxy that requests to an address go through, by the usual variables; the lower-case one wins. Loopback is never
 * asked through one, whatever they say.
 * @throws {ProxyError} where the variable holds something else: going past a proxy in silence would be worse
 */
export function proxyFor(target: URL, env: NodeJS.ProcessEnv): Proxy | undefined {
  const variable = ['https_proxy', 'HTTPS_PROXY'].find((name) => env[name]?.trim());
  if (!variable || checkBypass(target)) return undefined;
  const text = env[variable]?.trim() ?? '';
  // Without a scheme, `proxy.corp:3128` would be read as a scheme and a path.
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  try {
    if (url && /^https?:$/.test(url.protocol)) {
      const login = [url.username, url.password].map(decodeURIComponent).join(':');
      return { variable, url, login: login === ':' ? '' : login };
    }
  } catch {
    // A percent sign that encodes nothing.
  }
  throw new ProxyError(variable, `${variable} does not hold the address of a proxy`, 'PROXY_ADDRESS');
}

/** Connections through a proxy's tunnel (RFC 9110, section 9.3.6), with TLS to the server within, kept alive. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: Proxy;

  constructor(proxy: Proxy) {
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
    const proxyHost = url.hostname.replace(/^\[|\]$/g, '');
    // Only the callback's first argument counts where something failed.
    const fail = (message: string, code: string, status?: number) =>
      (callback as (error: Error) => void)(new ProxyError(variable, message, code, status));
    (url.protocol === 'https:' ? https : http)
      .request({
        method: 'CONNECT',
        host: proxyHost,
        port: url.port,
        path: authority,
        headers: {
          host: authority,
          ...(login && { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
        },
        agent: false,
        // Otherwise the proxy's certificate would be compared with the host header, which names the server.
        servername: net.isIP(proxyHost) ? '' : proxyHost,
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
