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
const ORGANIZATION = { organization: 'org_1' };
const CLIENT = { organization: 'org_1', client: 'm2morg_1' };
const ADDING = { ...CLIENT, adding: true };
const DELETING = { ...CLIENT, deleting: true };

/** @param body a text, or a value to send as JSON */
function response(status: number, body: unknown = '', headers: HttpResponse['headers'] = {}): FinalResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers, body: text, mayBeDone: false, cancelled: false };
}

describe("the server's own messages", () => {
  /** Returns the message of an error without advice. */
  function messageOf(body: unknown, type?: string): string {
    const headers = type === undefined ? {} : { 'content-type': type };
    return scalekitRefusal('create the client', response(400, body, headers), ORGANIZATION).message;
  }

  it.each<[what: string, body: unknown, words: string]>([
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
    ['an ErrorInfo', { error_code: 'INVALID_SCOPE', debug_info: 'internal' }, 'INVALID_SCOPE'],
    [
      'an ErrorInfo with violations alone',
      { validation_error_info: { field_violations: [{ field: 'scopes', description: 'unknown scope' }] } },
      'scopes unknown scope',
    ],
    ['an error of OAuth', { error: 'invalid_client', error_description: 'Bad secret.' }, 'invalid_client: Bad secret'],
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
    ['messages that repeat', { error_code: 'A', message: 'A', details: [{ error_code: 'A' }] }, 'A'],
    ['a violation without a field', { validation_error_info: { field_violations: [{ description: 'no' }] } }, 'no'],
    ['violations that are not a list', { error_code: 'A', validation_error_info: { field_violations: 'x' } }, 'A'],
    [
      'violations that are not objects',
      { error_code: 'A', validation_error_info: { field_violations: [1, null, {}, { field: 2 }] } },
      'A',
    ],
  ])('scalekitRefusal shows the messages in %s', (_what, body, words) => {
    expect(messageOf(body)).toBe(`Could not create the client: HTTP 400: ${words}.`);
  });

  it.each<[type: string | undefined, body: string, words: string]>([
    ['text/plain; charset=utf-8', ' upstream said no. \n', 'upstream said no'],
    [undefined, 'no healthy upstream', 'no healthy upstream'],
    ['text/plain', 'x'.repeat(5000), `${'x'.repeat(299)}…`],
  ])('scalekitRefusal shows the beginning of a plain text with the content type %j', (type, body, words) => {
    expect(messageOf(body, type)).toBe(`Could not create the client: HTTP 400: ${words}.`);
  });

  it.each<{ what: string; body: unknown; type?: string }>([
    { what: 'an empty body', body: '' },
    { what: 'HTML', body: '<html><body>502 Bad Gateway</body></html>', type: 'text/html' },
    { what: 'HTML with the type of plain text', body: '\n<!doctype html>', type: 'text/plain' },
    { what: 'HTML without a tag', body: 'Bad Gateway', type: 'text/html' },
    { what: 'a text of another type', body: 'a: b', type: 'application/yaml' },
    { what: 'a plain text with debug_info', body: 'no, debug_info: internals', type: 'text/plain' },
    { what: 'JSON that was cut off', body: '{"message": "no', type: 'application/json' },
    { what: 'JSON that was cut off, with the type of plain text', body: '{"message": "no', type: 'text/plain' },
    { what: 'null', body: 'null' },
    { what: 'a list', body: [{ error_code: 'A', message: 'no' }] },
    {
      what: 'fields of wrong types',
      body: { message: 1, error: {}, error_description: [], error_code: null, details: { error_code: 'A' } },
    },
    { what: 'blank messages', body: { message: '  ', error_code: '' } },
  ])('scalekitRefusal shows the status alone if the body is $what', ({ body, type }) => {
    expect(messageOf(body, type)).toBe('Could not create the client: HTTP 400.');
  });

  it('scalekitRefusal limits the length of all messages of the server together', () => {
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

  it('scalekitRefusal never shows debug_info, for any other fields, and wherever the body ends', () => {
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
    const type = fc.constantFrom('application/json', 'text/plain', 'text/html', undefined);
    const space = fc.constantFrom('', ' ', '\n', '\ufeff');
    fc.assert(
      fc.property(fc.oneof(info, status), type, space, fc.option(fc.nat(400)), (value, type, before, end) => {
        const body = before + JSON.stringify(value);
        expect(messageOf(end === null ? body : body.slice(0, end), type)).not.toContain(canary);
      }),
      { numRuns: 100 },
    );
  });
});

describe('advice on a refusal', () => {
  const CREDENTIALS =
    'Check scalekit_client_id and scalekit_client_secret: they must be valid API credentials (skc_…) of this environment.';
  const CREDENTIALS_AND_ADDRESS = `${CREDENTIALS} If the environment has an IP allowlist, it must contain the address of this runner.`;
  const RIGHTS =
    'The API credentials in scalekit_client_id may not manage the clients of this organization, or the IP allowlist of the environment does not contain the address of this runner.';
  const RATE_LIMIT =
    'The rate limit of the environment is reached, and this step has no time to wait for it. Run fewer jobs at the same time, or raise timeout.';
  const NEW_CREDENTIALS =
    'Scalekit refuses the new client credentials. A scope must exist in the environment, and an interceptor or the IP allowlist of the environment may deny the token.';

  it.each<{ what: string; status: number; subject: Subject; advice: string }>([
    { what: 'wrong credentials at the sign-in', status: 401, subject: 'sign-in', advice: CREDENTIALS_AND_ADDRESS },
    { what: 'forbidden credentials at the sign-in', status: 403, subject: 'sign-in', advice: CREDENTIALS_AND_ADDRESS },
    { what: 'a bad request at the sign-in', status: 400, subject: 'sign-in', advice: CREDENTIALS },
    {
      what: 'a sign-in at the wrong URL',
      status: 404,
      subject: 'sign-in',
      advice: 'scalekit_environment_url does not lead to a Scalekit environment.',
    },
    {
      what: 'an access token that the API refuses',
      status: 401,
      subject: ORGANIZATION,
      advice:
        'The API refused the access token that Scalekit issued for scalekit_client_id. Check that these API credentials are still valid.',
    },
    { what: 'missing rights on an organization', status: 403, subject: ORGANIZATION, advice: RIGHTS },
    { what: 'missing rights on a client', status: 403, subject: CLIENT, advice: RIGHTS },
    {
      what: 'a missing permission to delete',
      status: 403,
      subject: DELETING,
      advice:
        'The API credentials in scalekit_client_id may not delete clients and secrets. They need the permission api_credentials:rotate.',
    },
    {
      what: 'an organization that does not exist',
      status: 404,
      subject: ORGANIZATION,
      advice:
        'Check that organization org_1 exists in this environment. An id from another environment is not known here.',
    },
    {
      what: 'a client that does not exist',
      status: 404,
      subject: CLIENT,
      advice: 'Client m2morg_1 does not exist.',
    },
    {
      what: 'another secret for a client that does not exist',
      status: 404,
      subject: ADDING,
      advice: 'Client m2morg_1 does not exist.',
    },
    { what: 'a rate limit', status: 429, subject: ORGANIZATION, advice: RATE_LIMIT },
    { what: 'a rate limit for new credentials', status: 429, subject: 'client-sign-in', advice: RATE_LIMIT },
    { what: 'new credentials that get a 401', status: 401, subject: 'client-sign-in', advice: NEW_CREDENTIALS },
    { what: 'new credentials that get a 404', status: 404, subject: 'client-sign-in', advice: NEW_CREDENTIALS },
    {
      what: 'a failure of the server',
      status: 500,
      subject: ORGANIZATION,
      advice: 'That is a failure of Scalekit. Try again later.',
    },
    {
      what: 'a failure of the server for new credentials',
      status: 502,
      subject: 'client-sign-in',
      advice: 'That is a failure of Scalekit. Try again later.',
    },
  ])('scalekitRefusal says what to do after $what', ({ status, subject, advice }) => {
    const error = scalekitRefusal('do it', response(status, { message: 'Because.' }), subject);
    expect(error.message).toBe(`Could not do it: HTTP ${status}: Because. ${advice}`);
  });

  const PAGE = '<html><h1>Forbidden</h1></html>';

  it.each<[what: string, body: string, words: string]>([
    ['a page', PAGE, ''],
    ['plain text', 'RBAC: access denied', ': RBAC: access denied'],
    ['an empty body', '', ''],
  ])('scalekitRefusal says on 401 and 403 that a server in between responded with %s', (_what, body, words) => {
    const intercepted =
      "That is not the API's JSON: a firewall, a proxy or an IP allow list in front of scalekit_environment_url probably refused it. Allow this runner's address there.";
    for (const status of [401, 403])
      for (const [subject, more] of [
        ['sign-in', ` ${CREDENTIALS_AND_ADDRESS}`],
        [
          'client-sign-in',
          ' If Scalekit did: A scope must exist in the environment, and an interceptor or the IP allowlist of the environment may deny the token.',
        ],
        [ORGANIZATION, ''],
        [CLIENT, ''],
        [DELETING, ''],
        [ADDING, ''],
      ] as const)
        expect(scalekitRefusal('do it', response(status, body), subject).message).toBe(
          `Could not do it: HTTP ${status}${words}. ${intercepted}${more}`,
        );
  });

  it('scalekitRefusal mentions a firewall on no other status than 401 and 403', () => {
    for (const status of [400, 404, 429, 500])
      for (const subject of ['sign-in', 'client-sign-in', ORGANIZATION, CLIENT] as const)
        expect(scalekitRefusal('do it', response(status, PAGE), subject).message).not.toContain('firewall');
  });

  it.each([
    [{ location: 'https://login.example/' }, '"https://login.example/"'],
    [{}, 'nowhere'],
    [{ location: 'https://me:word@login.example/a?ticket=b#c' }, '"https://***@login.example/a?***"'],
    [{ location: `https://login.example/${'x'.repeat(500)}` }, `"https://login.example/${'x'.repeat(57)}…"`],
  ])('scalekitRefusal says where a redirect leads, because it is not followed: %j', (headers, location) => {
    expect(scalekitRefusal('do it', response(302, '', headers), ORGANIZATION).message).toBe(
      `Could not do it: HTTP 302. Redirects are not followed (it points to ${location}): scalekit_environment_url must be the environment's own address.`,
    );
  });

  it.each(['test', 'ghs'])('a refusal hides the beginning of a secret that the server quotes: %s_…', (prefix) => {
    const message = `bad secret ${prefix}_${'Zq7wXv9kYj8f'.repeat(2)}...`;
    const { message: shown } = scalekitRefusal('do it', response(400, { message }), ORGANIZATION);
    expect(shown).toBe('Could not do it: HTTP 400: bad secret ***.');
  });

  it('scalekitRefusal says how long Scalekit asks to wait after a rate limit', () => {
    const { message } = scalekitRefusal('do it', response(429, '', { 'retry-after': '3600' }), ORGANIZATION);
    expect(message).toMatch(
      / The server asks to wait for 3600 seconds\. Run fewer jobs at the same time, or raise timeout\.$/,
    );
  });

  it('scalekitRefusal does not advise to raise timeout if the run was cancelled', () => {
    for (const subject of [ORGANIZATION, 'sign-in', 'client-sign-in'] as const) {
      const cancelled = { ...response(429, { message: 'Slow down.' }, { 'retry-after': '3600' }), cancelled: true };
      expect(scalekitRefusal('do it', cancelled, subject).message).toBe('Could not do it: HTTP 429: Slow down.');
    }
  });

  it.each<{ what: string; status: number; subject: Subject }>([
    { what: 'a conflict', status: 409, subject: ORGANIZATION },
    { what: 'a bad request', status: 400, subject: ADDING },
    { what: 'a wrong method at the sign-in', status: 405, subject: 'sign-in' },
  ])('scalekitRefusal gives no advice on $what, because none is known', ({ status, subject }) => {
    expect(scalekitRefusal('do it', response(status), subject).message).toBe(`Could not do it: HTTP ${status}.`);
  });

  it.each<[what: string, subject: Subject, advice: string]>([
    ['the sign-in', 'sign-in', ' Is scalekit_environment_url the address of a Scalekit environment?'],
    ['the token of new credentials', 'client-sign-in', ''],
    ['a later request', ORGANIZATION, ''],
  ])('scalekitInvalidResponse questions the URL at the sign-in alone: %s', (_what, subject, advice) => {
    const reason = 'the answer is not JSON (6 characters)';
    const { message } = scalekitInvalidResponse('do it', response(200), reason, subject);
    expect(message).toBe(`Could not do it: HTTP 200, but the answer is not JSON (6 characters).${advice}`);
  });
});

describe('advice on a request without a response', () => {
  const SETTING = 'scalekit_environment_url';

  it.each<{ what: string; code: string; text: string; reached?: boolean; advice: string }>([
    {
      what: 'an unknown authority',
      code: 'SELF_SIGNED_CERT_IN_CHAIN',
      text: 'self-signed certificate',
      advice: 'set NODE_EXTRA_CA_CERTS to a file with its certificate; never switch the check off.',
    },
    {
      what: "another host's certificate",
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      text: "Host: acme. is not in the cert's altnames",
      advice: 'not valid for this host at this time: check scalekit_environment_url',
    },
    {
      what: 'an expired certificate',
      code: 'CERT_HAS_EXPIRED',
      text: 'certificate has expired',
      advice: 'not valid for this host at this time: check scalekit_environment_url',
    },
    {
      what: 'a step whose time is over',
      code: 'DEADLINE',
      text: "the step's time was over before it was sent",
      advice: 'Raise timeout.',
    },
    {
      what: 'an unknown host',
      code: 'ENOTFOUND',
      text: 'getaddrinfo ENOTFOUND acme',
      advice: 'Check the host in scalekit_environment_url.',
    },
    {
      what: 'a server without TLS',
      code: 'EPROTO',
      text: 'wrong version number',
      advice: 'Check the port in scalekit_environment_url, and whether the server asks for a client certificate',
    },
    {
      what: 'a port at which no server listens',
      code: 'ECONNREFUSED',
      text: 'connect ECONNREFUSED 127.0.0.1:1',
      advice: 'Check scalekit_environment_url and the way to it (https_proxy, no_proxy, firewall).',
    },
    {
      what: 'a response that never came',
      code: 'TIMEOUT',
      text: 'no answer within 15 seconds',
      reached: true,
      advice: 'If it happens again, raise timeout, and check who answers at scalekit_environment_url.',
    },
  ])('unansweredError says what to do after $what', ({ code, text, reached = false, advice }) => {
    const failure = new NetworkError(text, code, reached);
    const error = unansweredError('do it', failure, SETTING);
    expect(error.message).toMatch(/^Could not do it: /);
    expect(error.message).toContain(`${text}.`);
    expect(error.message).toContain(advice);
    expect(error).toMatchObject({ cause: failure });
  });

  it.each<{ what: string; code: string; status?: number; advice: string }>([
    {
      what: 'asks for a password',
      code: 'PROXY_REFUSED',
      status: 407,
      advice: 'Set https_proxy to http://USER:PASSWORD@HOST:PORT',
    },
    { what: 'refuses the host', code: 'PROXY_REFUSED', status: 403, advice: 'The proxy does not allow this host' },
    {
      what: 'does not reach the host',
      code: 'PROXY_FAILED',
      status: 502,
      advice: 'Check scalekit_environment_url, and whether the proxy reaches',
    },
    { what: 'does not run', code: 'ECONNREFUSED', advice: 'Check the address in https_proxy and the way to it' },
    { what: 'is not trusted', code: 'CERT_HAS_EXPIRED', advice: "The proxy's own certificate is not accepted" },
    {
      what: 'has no valid address',
      code: 'PROXY_ADDRESS',
      advice: 'Expected the address of an http or https proxy',
    },
  ])('unansweredError says what to do if a proxy $what', ({ code, status, advice }) => {
    const cause = new ProxyError('https_proxy', 'what happened', code, status);
    const error = unansweredError('do it', new NetworkError(cause.message, code, false, cause), SETTING);
    expect(error.message).toMatch(/^Could not do it: what happened\. /);
    expect(error.message).toContain(advice);
  });

  it('unansweredError gives no advice if the run was cancelled', () => {
    const failure = new NetworkError('the run was cancelled before it was sent', 'CANCELLED', false);
    expect(unansweredError('do it', failure, SETTING).message).toBe(
      'Could not do it: the run was cancelled before it was sent.',
    );
  });
});

describe('the refusal of another secret', () => {
  const body = { code: 3, message: 'only 2 secrets are allowed' };

  it.each([400, 429])('scalekitRefusal returns a SecretCapError without advice if HTTP %i names the cap', (status) => {
    const error = scalekitRefusal('add a secret', response(status, body), ADDING);
    expect(error).toBeInstanceOf(SecretCapError);
    expect(error).toMatchObject({
      status,
      message: `Could not add a secret: HTTP ${status}: only 2 secrets are allowed.`,
    });
  });

  it('scalekitRefusal returns no SecretCapError for another reason, or for another request', () => {
    for (const [text, subject] of [
      ['the client is locked', ADDING],
      [body.message, CLIENT],
    ] as const)
      expect(scalekitRefusal('do it', response(400, { message: text }), subject)).not.toBeInstanceOf(SecretCapError);
  });
});

it('an ApiError has the status of a refusal, and none without a response or after a success', () => {
  expect(scalekitRefusal('do it', response(401), 'client-sign-in').status).toBe(401);
  expect(unansweredError('do it', new NetworkError('a', 'TIMEOUT', true), 'x').status).toBeUndefined();
  expect(scalekitInvalidResponse('do it', response(200), 'it is empty', ORGANIZATION).status).toBeUndefined();
});
