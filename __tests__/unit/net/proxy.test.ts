import { afterEach, expect, it } from '@jest/globals';
import { ProxyError, proxyFor } from '../../../src/net/proxy.ts';

type Variables = Record<string, string>;

const SCALEKIT = 'https://acme.scalekit.example';
const PROXY = 'http://proxy.corp.example:3128';
const PASSWORD = ['p@ss', 'w/rd'].join(':');

const NAMES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]);
const original = { ...process.env };

function clearVariables(): void {
  for (const name of NAMES) delete process.env[name];
}

afterEach(() => {
  clearVariables();
  for (const name of NAMES) if (original[name] !== undefined) process.env[name] = original[name];
});

/**
 * Returns the proxy for requests to a server. The variables are set in this process, because a part of proxyFor() reads
 * them there.
 */
function proxyWith(variables: Variables, server = SCALEKIT) {
  clearVariables();
  Object.assign(process.env, variables);
  return proxyFor(new URL(server), process.env);
}

it.each<[what: string, variables: Variables, variable: string]>([
  ['https_proxy', { https_proxy: PROXY }, 'https_proxy'],
  ['HTTPS_PROXY', { HTTPS_PROXY: PROXY }, 'HTTPS_PROXY'],
  ['https_proxy if both are set', { https_proxy: PROXY, HTTPS_PROXY: 'http://127.0.0.1:1' }, 'https_proxy'],
  ['HTTPS_PROXY if https_proxy is empty', { https_proxy: '', HTTPS_PROXY: PROXY }, 'HTTPS_PROXY'],
])('proxyFor returns the proxy of %s', (_what, variables, variable) => {
  expect(proxyWith(variables)).toEqual({ variable, url: new URL(PROXY), login: '' });
});

it.each<[what: string, address: string, url: string, login: string]>([
  ['with a slash at its end', `${PROXY}/`, PROXY, ''],
  ['with white space around it', ` ${PROXY}\n`, PROXY, ''],
  ['without a scheme', 'proxy.corp.example:3128', PROXY, ''],
  ['of numbers without a scheme', '192.0.2.1:3128', 'http://192.0.2.1:3128', ''],
  ['with https', 'https://proxy.corp.example', 'https://proxy.corp.example', ''],
  [
    'without a scheme, with user and password',
    `me:${encodeURIComponent(PASSWORD)}@proxy.corp.example:3128`,
    `http://me:${encodeURIComponent(PASSWORD)}@proxy.corp.example:3128`,
    `me:${PASSWORD}`,
  ],
])("proxyFor reads a proxy's address %s", (_what, https_proxy, url, login) => {
  expect(proxyWith({ https_proxy })).toEqual({ variable: 'https_proxy', url: new URL(url), login });
});

it('proxyFor returns no proxy because of http_proxy or all_proxy', () => {
  const names = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
  expect(proxyWith(Object.fromEntries(names.map((name) => [name, PROXY])))).toBeUndefined();
});

it.each(['http://localhost:3000', 'https://127.0.0.1:3000', 'https://[::1]:3000'])(
  'proxyFor returns no proxy for the loopback address %s',
  (server) => {
    expect(proxyWith({ https_proxy: PROXY, HTTPS_PROXY: PROXY, http_proxy: PROXY }, server)).toBeUndefined();
  },
);

it.each<{ what: string; no_proxy: string; server?: string }>([
  { what: 'the host', no_proxy: 'acme.scalekit.example' },
  { what: 'the host in other letters', no_proxy: 'ACME.Scalekit.Example' },
  { what: 'the host with its port', no_proxy: 'acme.scalekit.example:443' },
  { what: 'a domain with a dot before it', no_proxy: '.scalekit.example' },
  { what: 'a domain', no_proxy: 'scalekit.example' },
  { what: 'all hosts of a domain', no_proxy: '*.scalekit.example' },
  { what: 'every host', no_proxy: '*' },
  { what: 'several hosts with commas and spaces', no_proxy: 'localhost, 10.0.0.1 ,.scalekit.example' },
  { what: 'several hosts with white space', no_proxy: ' localhost\t10.0.0.1\n*.scalekit.example ' },
  { what: 'the address of a server', no_proxy: '192.0.2.1', server: 'https://192.0.2.1' },
])('proxyFor returns no proxy if no_proxy names $what', ({ no_proxy, server }) => {
  expect(proxyWith({ https_proxy: PROXY, no_proxy }, server)).toBeUndefined();
});

it.each<{ what: string; no_proxy: string; server?: string }>([
  { what: 'nothing', no_proxy: '' },
  { what: 'the host with another port', no_proxy: 'acme.scalekit.example:8443' },
  { what: 'the end of a word', no_proxy: 'kit.example' },
  { what: 'all hosts of another domain', no_proxy: '*.kit.example' },
  { what: 'the beginning of the host', no_proxy: 'acme.scalekit' },
  { what: 'a pattern that is not a domain', no_proxy: '*scalekit.example' },
  { what: 'another address', no_proxy: '192.0.2.2', server: 'https://192.0.2.1' },
])('proxyFor returns the proxy if no_proxy names $what', ({ no_proxy, server }) => {
  expect(proxyWith({ https_proxy: PROXY, no_proxy }, server)?.url.href).toBe(`${PROXY}/`);
});

it('proxyFor reads NO_PROXY only if no_proxy is not set', () => {
  const [named, other] = ['.scalekit.example', 'elsewhere.example'];
  expect(proxyWith({ HTTPS_PROXY: PROXY, NO_PROXY: named })).toBeUndefined();
  expect(proxyWith({ HTTPS_PROXY: PROXY, NO_PROXY: named, no_proxy: other })).toBeDefined();
  expect(proxyWith({ HTTPS_PROXY: PROXY, NO_PROXY: other, no_proxy: named })).toBeUndefined();
});

it.each<[what: string, address: string]>([
  ['not an address', '::::'],
  ['an address with a port that does not exist', `http://me:${encodeURIComponent(PASSWORD)}@127.0.0.1:99999`],
  [
    'an address with a half-encoded password',
    `http://me:${PASSWORD.replace(/[@/]/g, encodeURIComponent)}%@127.0.0.1:1`,
  ],
  ['an address with another scheme', `socks5://me:${encodeURIComponent(PASSWORD)}@127.0.0.1:1`],
])('proxyFor throws an error that does not show the value if https_proxy is %s', (_what, https_proxy) => {
  const message = 'https_proxy does not hold the address of a proxy';
  expect(() => proxyWith({ https_proxy })).toThrow(new ProxyError('https_proxy', message, 'PROXY_ADDRESS'));
});
