import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { getIdToken } from '../../../src/github/id-token.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { HttpResponse } from '../../../src/net/transport.ts';
import { FakeTransport, json } from '../fixtures.ts';

const URL_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_URL';
const TOKEN_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
const REQUEST_TOKEN = ['fake', 'request', 'token'].join('-');
const ENV = {
  [URL_VARIABLE]: 'https://token.actions.example/run/1?api-version=2.0',
  [TOKEN_VARIABLE]: REQUEST_TOKEN,
};
const REMEDY =
  'The job needs permissions with id-token: write, and GitHub has to answer. Without that permission the claims come from the runner.';

/** Returns an ID token. Its signature is not valid, because nothing checks it. */
function idToken(payload: unknown): string {
  const [head, body] = [{ alg: 'none' }, payload].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return [head, body, 'signature'].join('.');
}

let printed = '';
beforeEach(() => {
  printed = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

it("getIdToken fetches the ID token with the runner's URL and token, masks both tokens, and returns the claims", async () => {
  const token = idToken({ repository: 'acme/app', sub: 'whatever' });
  const transport = new FakeTransport(() => json({ value: token }));
  expect(await getIdToken(transport, ENV)).toEqual({ repository: 'acme/app', sub: 'whatever' });
  expect(transport.requests).toMatchObject([
    { method: 'GET', repeatable: true, headers: { authorization: `Bearer ${REQUEST_TOKEN}` } },
  ]);
  expect(transport.requests[0]?.url.href).toBe(ENV[URL_VARIABLE]);
  expect(printed).toContain(`::add-mask::${token}\n`);
  expect(printed).toContain(`::add-mask::${REQUEST_TOKEN}\n`);
});

it("getIdToken removes white space around the runner's token", async () => {
  const transport = new FakeTransport(() => json({ value: idToken({}) }));
  await getIdToken(transport, { ...ENV, [TOKEN_VARIABLE]: ` ${REQUEST_TOKEN}\r\n` });
  expect(transport.requests[0]?.headers.authorization).toBe(`Bearer ${REQUEST_TOKEN}`);
});

it.each<[variable: string, fault: string, values: (string | undefined)[]]>([
  [URL_VARIABLE, 'is no https address', ['http://token.example', 'token.example', '', undefined]],
  [TOKEN_VARIABLE, 'holds no token', [' \n', undefined, 'fake two', 'fake\nlines', 'fäke']],
])('getIdToken fails before any request if %s %s', (variable, fault, values) => {
  const transport = new FakeTransport(() => json({ value: idToken({}) }));
  for (const value of values)
    expect(() => getIdToken(transport, { ...ENV, [variable]: value })).toThrow(
      `Could not get GitHub's ID token: ${variable} ${fault}. ${REMEDY}`,
    );
  expect(transport.requests).toEqual([]);
});

it.each<[what: string, response: Partial<HttpResponse> | Error, message: string]>([
  ['a refusal', { status: 403, ...json({ message: 'No.' }) }, `HTTP 403. ${REMEDY}`],
  [
    'a refusal of a firewall',
    { status: 403, body: '<html>no</html>' },
    `HTTP 403. That is not the API's JSON: a firewall, a proxy or an IP allow list in front of ${URL_VARIABLE} probably refused it. Allow this runner's address there. ${REMEDY}`,
  ],
  ['a failure of the server', { status: 503 }, `HTTP 503. ${REMEDY}`],
  [
    'a redirect',
    { status: 302, headers: { location: 'https://a.example' } },
    'it points to "https://a.example"): The job',
  ],
  [
    'a connection that was refused',
    new NetworkError('connect ECONNREFUSED', 'ECONNREFUSED', false),
    `Check ${URL_VARIABLE} and the way to it (https_proxy, no_proxy, firewall).`,
  ],
  ['the deadline of the step', new NetworkError('no time', 'DEADLINE', false), `no time. Raise timeout. ${REMEDY}`],
  ['a cancel', new NetworkError('cancelled', 'CANCELLED', false), `cancelled. ${REMEDY}`],
  ['a response that is not JSON', { body: 'a.b.c' }, `HTTP 200, but the answer is not JSON (5 characters). ${REMEDY}`],
  ['a response without a token', json({}), 'HTTP 200, but it holds no ID token.'],
  ['a token of two parts', json({ value: 'header.payload' }), 'it holds no ID token.'],
  ['a token whose payload is not an object', json({ value: idToken('a') }), 'it holds no ID token.'],
  ['a token that is a number', json({ value: 1 }), 'value is not a string.'],
])('getIdToken fails after %s, and the error explains the permission', async (_what, response, message) => {
  const failure = getIdToken(new FakeTransport(() => response), ENV);
  await expect(failure).rejects.toThrow(/^Could not get GitHub's ID token: /);
  await expect(failure).rejects.toThrow(message);
  await expect(failure).rejects.toThrow(REMEDY);
});
