import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { unansweredError } from '../../../src/net/api-error.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import { ProxyError } from '../../../src/net/proxy.ts';
import type { FinalResponse, HttpResponse } from '../../../src/net/transport.ts';
import {
  SecretCapError,
  type Subject,
  scalekitInvalidResponse,
  scalekitRefusal,
} from '../../../src/scalekit/errors.ts';

const INFO = 'type.googleapis.com/scalekit.v1.errdetails.ErrorInfo';
const ORGANIZATION: Subject = { organization: 'org_1' };
const CLIENT: Subject = { organization: 'org_1', client: 'm2morg_1' };
const ADDING: Subject = { organization: 'org_1', client: 'm2morg_1', adding: true };

/** @param body a text, or a value to send as JSON */
function response(status: number, body: unknown = '', headers: HttpResponse['headers'] = {}): FinalResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers, body: text, mayBeDone: false, cancelled: false };
}

/** Returns the message of an error without advice. */
function messageOf(body: unknown, headers: HttpResponse['headers'] = {}): string {
  return scalekitRefusal('create the client', response(400, body, headers), ORGANIZATION).message;
}

describe('a refusal', () => {
  it.each<[string, unknown, string]>([
    [
      'a status with details',
      {
        code: 3,
        message: 'invalid request',
        details: [
          {
            '@type': INFO,
            error_code: 'VALIDATION_ERROR',
            validation_error_info: {
              field_violations: [
                { field: 'name', description: 'must be at most 128 characters', constraint: 'string.max_len' },
                { field: 'expiry', description: 'must be at least 300' },
              ],
            },
          },
        ],
      },
      'VALIDATION_ERROR: invalid request: name must be at most 128 characters: expiry must be at least 300',
    ],
    ['a status without details', { code: 5, message: 'client not found' }, 'client not found'],
    ['a bare ErrorInfo', { error_code: 'INVALID_SCOPE', debug_info: 'internal' }, 'INVALID_SCOPE'],
    [
      'a bare ErrorInfo with violations alone',
      { validation_error_info: { field_violations: [{ field: 'scopes', description: 'unknown scope' }] } },
      'scopes unknown scope',
    ],
    ['an error of OAuth', { error: 'invalid_client', error_description: 'Bad secret.' }, 'invalid_client: Bad secret'],
    ['an error of OAuth without description', { error: 'invalid_client' }, 'invalid_client'],
    [
      'details of several kinds',
      {
        message: 'no',
        details: [null, 'x', 1, [], { '@type': 'other', message: 'hidden' }, { error_code: 'A' }, { error_code: 'B' }],
      },
      'A: B: no',
    ],
    [
      'long messages',
      { message: 'm'.repeat(400), details: ['a', 'b', 'c'].map((letter) => ({ error_code: letter.repeat(400) })) },
      `${['a', 'b', 'c'].map((letter) => `${letter.repeat(299)}…`).join(': ')}: ${'m'.repeat(93)}…`,
    ],
    ['words that repeat', { error_code: 'A', message: 'A', details: [{ error_code: 'A' }] }, 'A'],
    ['a violation without a field', { validation_error_info: { field_violations: [{ description: 'no' }] } }, 'no'],
  ])('says what the server said: %s', (_shape, body, words) => {
    expect(messageOf(body)).toBe(`Could not create the client: HTTP 400: ${words}.`);
  });

  it.each<[string, unknown, HttpResponse['headers'], string]>([
    ['plain text', ' upstream said no. \n', { 'content-type': 'text/plain; charset=utf-8' }, ': upstream said no'],
    ['plain text without a type', 'no healthy upstream', {}, ': no healthy upstream'],
    ['long plain text', 'x'.repeat(5000), { 'content-type': 'text/plain' }, `: ${'x'.repeat(299)}…`],
    ['nothing', '', {}, ''],
    ['HTML', '<html><body>502 Bad Gateway</body></html>', { 'content-type': 'text/html' }, ''],
    ['HTML that calls itself plain', '\n<!doctype html>', { 'content-type': 'text/plain' }, ''],
    ['text of another type', 'a: b', { 'content-type': 'application/yaml' }, ''],
    ['JSON that was cut off', '{"message": "no', { 'content-type': 'application/json' }, ''],
    ['JSON that was cut off, called plain', '{"message": "no', { 'content-type': 'text/plain' }, ''],
    ['JSON that is null', 'null', {}, ''],
    ['JSON that is a number', '42', {}, ''],
    ['JSON that is a text', '"no"', {}, ''],
    ['JSON that is a list', [{ error_code: 'A', message: 'no' }], {}, ''],
    ['an empty object', {}, {}, ''],
    [
      'fields of wrong types',
      { message: 1, error: {}, error_description: [], error_code: null, details: { error_code: 'A' } },
      {},
      '',
    ],
    ['violations of wrong types', { error_code: 'A', validation_error_info: { field_violations: 'x' } }, {}, ': A'],
    [
      'violations that are no objects',
      { error_code: 'A', validation_error_info: { field_violations: [1, null, {}, { field: 2 }] } },
      {},
      ': A',
    ],
    ['blank words', { message: '  ', error_code: '' }, {}, ''],
  ])('says the status if the server said nothing usable: %s', (_shape, body, headers, words) => {
    expect(messageOf(body, headers)).toBe(`Could not create the client: HTTP 400${words}.`);
  });

  it('is bounded, however much the server said', () => {
    const field_violations = Array.from({ length: 500 }, (_, index) => ({
      field: `f${index}`,
      description: 'x'.repeat(5000),
    }));
    const message = messageOf({
      message: 'y'.repeat(5000),
      error_code: 'A',
      validation_error_info: { field_violations },
    });
    expect(message.length).toBeLessThan(3500);
    expect(message).toMatch(/^Could not create the client: HTTP 400: A: y+…: f0 x+…: /);
  });

  const canary = ['internal', 'stack', 'trace'].join('~');
  const words = fc.oneof(fc.constantFrom('A', 'no', ''), fc.jsonValue());
  const debugInfo = fc.oneof(
    fc.constantFrom<unknown>(canary, [canary], { message: canary, error_code: canary, error: canary }),
    fc.jsonValue().map((value) => ({ details: [{ error_code: canary, value }] })),
  );
  const withDebugInfo = (fields: Record<string, fc.Arbitrary<unknown>>) =>
    fc.record({ debug_info: debugInfo, ...fields }, { requiredKeys: ['debug_info'] });
  const violations = fc.record({ field: words, description: words, constraint: words }, { requiredKeys: [] });
  const info = withDebugInfo({
    '@type': fc.constant(INFO),
    error_code: words,
    validation_error_info: fc.oneof(words, fc.record({ field_violations: fc.oneof(words, fc.array(violations)) })),
  });
  const status = withDebugInfo({
    code: words,
    message: words,
    error: words,
    error_description: words,
    error_code: words,
    details: fc.oneof(words, fc.array(fc.oneof(info, words))),
  });

  it('never shows debug_info, whatever else is there, and wherever the body ends', () => {
    const type = fc.constantFrom('application/json', 'text/plain', 'text/html', undefined);
    const space = fc.constantFrom('', ' ', '\n', '\ufeff');
    fc.assert(
      fc.property(fc.oneof(info, status), type, space, fc.option(fc.nat(400)), (value, type, before, end) => {
        const body = before + JSON.stringify(value);
        const { message } = scalekitRefusal(
          'create the client',
          response(500, end === null ? body : body.slice(0, end), type ? { 'content-type': type } : {}),
          ORGANIZATION,
        );
        expect(message).not.toContain(canary);
      }),
      { numRuns: 500 },
    );
  });
});

describe('advice', () => {
  it.each<[string, number, Subject, string]>([
    [
      'a sign-in with the wrong credentials',
      401,
      'sign-in',
      'Check scalekit_client_id and scalekit_client_secret: they must be valid API credentials (skc_…) of this environment. If the environment has an IP allowlist, it must contain the address of this runner.',
    ],
    [
      'a sign-in that is forbidden',
      403,
      'sign-in',
      'Check scalekit_client_id and scalekit_client_secret: they must be valid API credentials (skc_…) of this environment. If the environment has an IP allowlist, it must contain the address of this runner.',
    ],
    [
      'a sign-in that is no good',
      400,
      'sign-in',
      'Check scalekit_client_id and scalekit_client_secret: they must be valid API credentials (skc_…) of this environment.',
    ],
    [
      'a sign-in at the wrong address',
      404,
      'sign-in',
      'scalekit_environment_url does not lead to a Scalekit environment.',
    ],
    [
      'a token that is not accepted',
      401,
      ORGANIZATION,
      'The API refused the access token that Scalekit issued for scalekit_client_id. Check that these API credentials are still valid.',
    ],
    [
      'missing rights',
      403,
      ORGANIZATION,
      'The API credentials in scalekit_client_id may not manage the clients of this organization, or the IP allowlist of the environment does not contain the address of this runner.',
    ],
    [
      'an organization that does not exist',
      404,
      ORGANIZATION,
      'Check that organization org_1 exists in this environment. An id from another environment is not known here.',
    ],
    [
      'a rate limit',
      429,
      ORGANIZATION,
      'The rate limit of the environment is reached, and this step has no time to wait for it. Run fewer jobs at the same time, or raise timeout.',
    ],
    [
      'a rate limit at the sign-in',
      429,
      'sign-in',
      'The rate limit of the environment is reached, and this step has no time to wait for it. Run fewer jobs at the same time, or raise timeout.',
    ],
    ['a client that does not exist', 404, CLIENT, 'Client m2morg_1 does not exist.'],
    [
      'missing rights on a client',
      403,
      CLIENT,
      'The API credentials in scalekit_client_id may not manage the clients of this organization, or the IP allowlist of the environment does not contain the address of this runner.',
    ],
    [
      'a missing permission to delete',
      403,
      { organization: 'org_1', client: 'm2morg_1', deleting: true },
      'The API credentials in scalekit_client_id may not delete clients and secrets. They need the permission api_credentials:rotate.',
    ],
    ['one more secret for a client that does not exist', 404, ADDING, 'Client m2morg_1 does not exist.'],
    ...[400, 401, 403, 404].map((status): [string, number, Subject, string] => [
      `new client credentials that get no token (${status})`,
      status,
      'client-sign-in',
      'Scalekit refuses the new client credentials. A scope must exist in the environment, and an interceptor or the IP allowlist of the environment may deny the token.',
    ]),
    [
      'a rate limit at the token of new client credentials',
      429,
      'client-sign-in',
      'The rate limit of the environment is reached, and this step has no time to wait for it. Run fewer jobs at the same time, or raise timeout.',
    ],
    ['a failure of the server at that token', 502, 'client-sign-in', 'That is a failure of Scalekit. Try again later.'],
    ['a failure of the server', 500, ORGANIZATION, 'That is a failure of Scalekit. Try again later.'],
    ['a failure of the server at the sign-in', 503, 'sign-in', 'That is a failure of Scalekit. Try again later.'],
  ])('is given on %s', (_what, status, subject, todo) => {
    const error = scalekitRefusal('do it', response(status, { message: 'Because.' }), subject);
    expect(error.message).toBe(`Could not do it: HTTP ${status}: Because. ${todo}`);
  });

  const PAGE = '<html><h1>Forbidden</h1></html>';
  const INTERCEPTED =
    "That is not the API's JSON: a firewall, a proxy or an IP allow list in front of scalekit_environment_url probably refused it. Allow this runner's address there.";
  const CREDENTIALS =
    ' Check scalekit_client_id and scalekit_client_secret: they must be valid API credentials (skc_…) of this environment. If the environment has an IP allowlist, it must contain the address of this runner.';

  it.each<[string, unknown, string]>([
    ['a page', PAGE, ''],
    ['plain text', 'RBAC: access denied', ': RBAC: access denied'],
    ['nothing', '', ''],
    ['a list', ['no'], ''],
    ['a JSON text', '"no"', ''],
    ['JSON that was cut off', '{"message": "no', ''],
  ])('says on 401 and 403 that a server in between answered with %s', (_what, body, words) => {
    for (const status of [401, 403])
      for (const [subject, more] of [
        ['sign-in', CREDENTIALS],
        [
          'client-sign-in',
          ' If Scalekit did: A scope must exist in the environment, and an interceptor or the IP allowlist of the environment may deny the token.',
        ],
        [ORGANIZATION, ''],
        [CLIENT, ''],
        [{ ...CLIENT, deleting: true }, ''],
        [{ ...CLIENT, adding: true }, ''],
      ] as const)
        expect(scalekitRefusal('do it', response(status, body), subject).message).toBe(
          `Could not do it: HTTP ${status}${words}. ${INTERCEPTED}${more}`,
        );
  });

  it('does not say so if the status is another one', () => {
    for (const status of [400, 404, 409, 422, 429, 500, 502])
      for (const subject of ['sign-in', 'client-sign-in', ORGANIZATION, CLIENT] as const)
        expect(scalekitRefusal('do it', response(status, PAGE), subject).message).not.toContain('firewall');
  });

  it.each([
    [{ location: 'https://login.example/' }, 'https://login.example/'],
    [{}, 'nowhere'],
    [{ location: `https://login.example/${'x'.repeat(500)}` }, `https://login.example/${'x'.repeat(177)}…`],
  ])('is given on a redirect, which is not followed', (headers, location) => {
    expect(scalekitRefusal('do it', response(302, '', headers), ORGANIZATION).message).toBe(
      `Could not do it: HTTP 302. Redirects are not followed (it points to ${location}): scalekit_environment_url must be the environment's own address.`,
    );
  });

  it('on a rate limit says when the server wants to be asked again', () => {
    const { message } = scalekitRefusal('do it', response(429, '', { 'retry-after': '3600' }), ORGANIZATION);
    expect(message).toMatch(
      / The server asks to wait for 3600 seconds\. Run fewer jobs at the same time, or raise timeout\.$/,
    );
  });

  it('does not say to raise timeout if the run was cancelled', () => {
    for (const subject of [ORGANIZATION, 'sign-in', 'client-sign-in'] as const) {
      const cancelled = { ...response(429, { message: 'Slow down.' }, { 'retry-after': '3600' }), cancelled: true };
      expect(scalekitRefusal('do it', cancelled, subject).message).toBe('Could not do it: HTTP 429: Slow down.');
    }
  });

  it.each<[number, Subject]>([
    [409, ORGANIZATION],
    [400, CLIENT],
    [405, 'sign-in'],
    [400, ADDING],
    [409, ADDING],
  ])('is not invented if there is none: %i', (status, subject) => {
    expect(scalekitRefusal('do it', response(status), subject).message).toBe(`Could not do it: HTTP ${status}.`);
  });

  it.each<[string, string, string, boolean, string]>([
    [
      'an unknown authority',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'self-signed certificate',
      false,
      'set NODE_EXTRA_CA_CERTS to a file with its certificate; never switch the check off.',
    ],
    [
      "another host's certificate",
      'ERR_TLS_CERT_ALTNAME_INVALID',
      "Host: acme. is not in the cert's altnames",
      false,
      'not valid for this host at this time: check scalekit_environment_url',
    ],
    ['an expired certificate', 'CERT_HAS_EXPIRED', 'certificate has expired', false, 'never switch the check off.'],
    ['a step whose time is over', 'DEADLINE', "the step's time was over before it was sent", false, 'Raise timeout.'],
    [
      'a certificate that cannot be verified',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'unable to verify',
      false,
      'set NODE_EXTRA_CA_CERTS',
    ],
    [
      'an unknown host',
      'ENOTFOUND',
      'getaddrinfo ENOTFOUND acme',
      false,
      'Check the host in scalekit_environment_url.',
    ],
    [
      'a name server that does not answer',
      'EAI_AGAIN',
      'getaddrinfo EAI_AGAIN acme',
      false,
      'Check the host in scalekit_environment_url.',
    ],
    [
      'a server without TLS',
      'EPROTO',
      'wrong version number',
      false,
      'Check the port in scalekit_environment_url, and whether the server asks for a client certificate',
    ],
    [
      'a server with another TLS',
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'wrong version number',
      false,
      'Check the port in scalekit_environment_url',
    ],
    [
      'a port at which no server listens',
      'ECONNREFUSED',
      'connect ECONNREFUSED 127.0.0.1:1',
      false,
      'Check scalekit_environment_url and the way to it (https_proxy, no_proxy, firewall).',
    ],
    ['a response that never came', 'TIMEOUT', 'no answer within 15 seconds', true, 'no answer within 15 seconds.'],
    ['a connection that broke', 'ECONNRESET', 'socket hang up', true, 'socket hang up.'],
  ])('is given on %s', (_what, code, text, reached, todo) => {
    const failure = new NetworkError(text, code, reached);
    const error = unansweredError('do it', failure, 'scalekit_environment_url');
    expect(error.message).toMatch(/^Could not do it: /);
    expect(error.message).toContain(`${text}.`);
    expect(error.message).toContain(todo);
    expect(error).toMatchObject({ cause: failure });
  });

  it.each<[string, string, number | undefined, string]>([
    ['asks for a password', 'PROXY_REFUSED', 407, 'Set https_proxy to http://USER:PASSWORD@HOST:PORT'],
    ['refuses the host', 'PROXY_REFUSED', 403, 'The proxy does not allow this host'],
    ['does not reach the host', 'PROXY_FAILED', 502, 'Check scalekit_environment_url, and whether the proxy reaches'],
    ['does not run', 'ECONNREFUSED', undefined, 'Check the address in https_proxy and the way to it'],
    ['is not trusted', 'CERT_HAS_EXPIRED', undefined, "The proxy's own certificate is not accepted"],
    ['has no address', 'PROXY_ADDRESS', undefined, 'Expected the address of an http or https proxy'],
  ])('is given if a proxy %s', (_, code, status, todo) => {
    const cause = new ProxyError('https_proxy', 'what happened', code, status);
    const error = unansweredError(
      'do it',
      new NetworkError(cause.message, code, false, cause),
      'scalekit_environment_url',
    );
    expect(error.message).toMatch(/^Could not do it: what happened\. /);
    expect(error.message).toContain(todo);
  });

  it.each<[string, Subject, string]>([
    ['the sign-in', 'sign-in', ' Is scalekit_environment_url the address of a Scalekit environment?'],
    ['the token of new client credentials, when the address is known to be right', 'client-sign-in', ''],
    ['a later request', ORGANIZATION, ''],
  ])('is given on a response that is not what the API documents, to %s', (_what, subject, todo) => {
    const { message } = scalekitInvalidResponse(
      'do it',
      response(200),
      'the answer is not JSON (6 characters)',
      subject,
    );
    expect(message).toBe(`Could not do it: HTTP 200, but the answer is not JSON (6 characters).${todo}`);
  });

  it('is not invented if a run is cancelled', () => {
    const failure = new NetworkError('the run was cancelled before it was sent', 'CANCELLED', false);
    expect(unansweredError('do it', failure, 'scalekit_environment_url').message).toBe(
      'Could not do it: the run was cancelled before it was sent.',
    );
  });
});

describe('the refusal of another secret', () => {
  const body = { code: 3, message: 'only 2 secrets are allowed' };

  it.each([400, 409, 422, 429])('is a SecretCapError without advice if it is because of the cap: %i', (status) => {
    const error = scalekitRefusal('add a secret', response(status, body), ADDING);
    expect(error).toBeInstanceOf(SecretCapError);
    expect(error).toMatchObject({
      status,
      message: `Could not add a secret: HTTP ${status}: only 2 secrets are allowed.`,
    });
  });

  it('is no SecretCapError for another reason, nor is the refusal of another request', () => {
    for (const [text, subject] of [
      ['the client is locked', ADDING],
      [body.message, CLIENT],
    ] as const)
      expect(scalekitRefusal('do it', response(400, { message: text }), subject)).not.toBeInstanceOf(SecretCapError);
  });
});

describe('the status of a failure', () => {
  it('is that of a refusal, and none if there was no response or it says success', () => {
    expect(scalekitRefusal('do it', response(401), 'client-sign-in').status).toBe(401);
    expect(unansweredError('do it', new NetworkError('a', 'TIMEOUT', true), 'x').status).toBeUndefined();
    expect(scalekitInvalidResponse('do it', response(200), 'it is empty', ORGANIZATION).status).toBeUndefined();
  });
});
