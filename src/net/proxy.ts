import { checkBypass } from '@actions/http-client/lib/proxy';
import { SCHEME } from '../output/text.ts';
import { parseUrl } from './url.ts';

/** The format of a proxy variable, in words. */
export const PROXY_URL_FORMAT =
  'the address of an http or https proxy, such as http://proxy.corp:3128, with special characters in user and password percent-encoded';

/** A forward proxy and the environment variable that configures it. */
export interface ForwardProxy {
  /** Name of the environment variable. */
  variable: string;
  url: URL;
  /** `user:password`, decoded; empty if the URL has neither. */
  login: string;
}

/**
 * A proxy's URL is invalid, or the proxy opened no tunnel. Nothing of a request can have reached its server. The
 * message never quotes the proxy's URL or password.
 */
export class ProxyError extends Error {
  override name = 'ProxyError';
  /** PROXY_ADDRESS, PROXY_REFUSED (4xx), PROXY_FAILED (another status), or the code of Node.js. */
  readonly code: string;
  /** Name of the environment variable that configures the proxy. */
  readonly variable: string;
  /** The proxy's response to CONNECT; undefined if there was none. */
  readonly status: number | undefined;

  /** @param variable name of the environment variable that configures the proxy */
  constructor(variable: string, message: string, code: string, status?: number) {
    super(message);
    this.variable = variable;
    this.code = code;
    this.status = status;
  }
}

/**
 * Returns the proxy for requests to a URL, or undefined if they are sent directly. Reads https_proxy and no_proxy, or
 * the upper-case names if the lower-case ones are not set. Loopback addresses are never reached through a proxy,
 * whatever the variables say.
 * @throws {ProxyError} if the variable holds no proxy URL. Otherwise requests would bypass the proxy silently.
 */
export function proxyFor(target: URL, env: NodeJS.ProcessEnv): ForwardProxy | undefined {
  const variable = ['https_proxy', 'HTTPS_PROXY'].find((name) => env[name]?.trim());
  if (!variable || isBypassed(target, env)) return undefined;
  const text = env[variable]?.trim() ?? '';
  // Without a scheme, `proxy.corp:3128` would be parsed as a scheme and a path.
  const url = parseUrl(SCHEME.test(text) ? text : `http://${text}`);
  try {
    if (url && /^https?:$/.test(url.protocol)) {
      const login = [url.username, url.password].map(decodeURIComponent).join(':');
      return { variable, url, login: login === ':' ? '' : login };
    }
  } catch {
    // decodeURIComponent() throws for a percent sign that encodes nothing.
  }
  throw new ProxyError(variable, `${variable} does not hold the address of a proxy`, 'PROXY_ADDRESS');
}

/**
 * Returns whether no_proxy names the host of a URL. checkBypass() of @actions/http-client reads the variable from the
 * process, and knows neither white space between entries nor `*.corp.example`, so the variable is rewritten first.
 */
function isBypassed(target: URL, env: NodeJS.ProcessEnv): boolean {
  for (const name of ['no_proxy', 'NO_PROXY']) {
    const entries = env[name]?.split(/[\s,]+/).filter(Boolean);
    if (entries) env[name] = entries.map((entry) => entry.replace(/^\*(?=\.)/, '')).join(',');
  }
  return checkBypass(target);
}
