import { checkBypass } from '@actions/http-client/lib/proxy';

/** Whether a secret may be sent there: over TLS, or within this machine. */
export function isSafe({ protocol, hostname }: URL): boolean {
  const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && loopback);
}

/** A forward proxy, and the variable that names it. */
export interface ForwardProxy {
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
export const PROXY_URL_FORMAT =
  'the address of an http or https proxy, such as http://proxy.corp:3128, with special characters in user and password percent-encoded';

/**
 * The proxy that requests to an address go through, by the usual variables; the lower-case one wins. Loopback is never
 * asked through one, whatever they say.
 * @throws {ProxyError} where the variable holds something else: going past a proxy in silence would be worse
 */
export function proxyFor(target: URL, env: NodeJS.ProcessEnv): ForwardProxy | undefined {
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
