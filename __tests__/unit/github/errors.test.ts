import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { githubRefusal, type Permission, rateLimitWait } from '../../../src/github/errors.ts';
import type { FinalResponse, HttpResponse } from '../../../src/net/transport.ts';

type Headers = HttpResponse['headers'];

const PERMISSIONS: Permission[] = ['repository', 'secrets', 'variables', 'environment', 'runs'];
const GRANTS: Record<Permission, RegExp> = {
  repository: /A fine-grained token needs access to this repository, a classic one the scope repo\./,
  secrets: /Secrets \(write\), a classic one the scope repo\./,
  variables: /Variables \(write\), a classic one the scope repo\./,
  environment: /Environments \(write\) and Actions \(read\), a classic one the scope repo\./,
  runs: /The job's own token needs permissions with actions: read, a fine-grained one .*Actions \(read\)/,
};

/** @param body a text, or a value to send as JSON */
function response(status: number, body: unknown = '', headers: Headers = {}): FinalResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers, body: text, mayBeDone: false, cancelled: false };
}

const subject = (permission: Permission) => ({
  operation: 'do it',
  parameters: { owner: 'acme', repo: 'app' },
  permission,
});

const NOT_ACCESSIBLE = 'Resource not accessible by personal access token';

/** Returns the error message for a response. @param permission the one that the request needs */
const messageOf = (
  status: number,
  permission: Permission,
  body: unknown = { message: NOT_ACCESSIBLE },
  headers: Headers = {},
) => githubRefusal(subject(permission), response(status, body, headers), body).message;

describe('advice', () => {
  it.each(PERMISSIONS)('githubRefusal says what github_token needs for the permission %s', (permission) => {
    expect(messageOf(403, permission)).toMatch(
      /^Could not do it: HTTP 403: Resource not accessible by personal access token\. github_token lacks a permission\. (A fine|The job's own)/,
    );
    expect(messageOf(404, permission)).toMatch(
      /^Could not do it: HTTP 404: .+ token\. There is no repository acme\/app, or github_token may not see it\. (A fine|The job's own)/,
    );
    for (const status of [403, 404]) expect(messageOf(status, permission)).toMatch(GRANTS[permission]);
    // The job's token (GITHUB_TOKEN) can only get permission to read workflow runs.
    const hasAdviceOnJobToken = messageOf(403, permission).endsWith(' GITHUB_TOKEN cannot have that permission.');
    expect(hasAdviceOnJobToken).toBe(permission !== 'runs');
  });

  it.each<[permission: Permission, isForSaving: boolean]>([
    ['repository', false],
    ['runs', false],
    ['secrets', true],
    ['variables', true],
    ['environment', true],
  ])(
    'githubRefusal advises on 405 to check the server, and says for saved credentials that save_to cannot work there: %s',
    (permission, isForSaving) => {
      const message = messageOf(405, permission, '');
      expect(message).toMatch(/^Could not do it: HTTP 405\. Check which server answers at GITHUB_API_URL\./);
      expect(message.includes('save_to cannot work there, neither in the main action nor in delete/.')).toBe(
        isForSaving,
      );
    },
  );

  it.each([
    ['production', '"production"'],
    ['prod\u200b', '"prod\\u200b"'],
  ])(
    'githubRefusal names on 404 the environment that may be missing, with invisible characters escaped: %j',
    (environment_name, shown) => {
      const { parameters, ...rest } = subject('environment');
      const about = { ...rest, parameters: { ...parameters, environment_name } };
      expect(githubRefusal(about, response(404), undefined).message).toMatch(
        `There is no environment ${shown}, or github_token may not see it. Create it in Settings → Environments. A fine-grained token needs`,
      );
    },
  );

  it.each<[status: number, advice: string]>([
    [401, ' github_token is wrong, has expired or was revoked.'],
    [500, ' That is a failure of GitHub. Try again later.'],
    [422, ''],
  ])('githubRefusal gives the same advice on HTTP %i for each permission', (status, advice) => {
    for (const permission of PERMISSIONS)
      expect(messageOf(status, permission, { message: 'No.' })).toBe(`Could not do it: HTTP ${status}: No.${advice}`);
  });

  const SIGN_ON =
    'https://github.com/orgs/acme/sso?authorization_request=AZSCKtL4U8yX1H3sCQIVnVgmjmon5fWxks5YrqhJgah0b2tlbl9pZM4EuMz4';
  const SIGN_ON_MESSAGE =
    'Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.';

  it.each<{ what: string; message: string; headers?: Headers; advice?: string }>([
    {
      what: 'single sign-on',
      message: SIGN_ON_MESSAGE,
      headers: { 'x-github-sso': `required; url=${SIGN_ON}` },
      advice: ` To allow github_token, open ${SIGN_ON}`,
    },
    {
      what: 'single sign-on without a URL',
      message: SIGN_ON_MESSAGE,
      headers: { 'x-github-sso': 'required' },
    },
    {
      what: 'single sign-on with a URL that is a script',
      message: SIGN_ON_MESSAGE,
      headers: { 'x-github-sso': 'required; url=javascript:x' },
    },
    {
      what: 'an IP allow list',
      message:
        'Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.',
    },
    { what: 'an archived repository', message: 'Repository was archived so is read-only.' },
  ])('githubRefusal does not mention permissions on a 403 about $what', ({ message, headers, advice = '' }) => {
    const words = message.replace(/\.$/, '');
    for (const permission of PERMISSIONS)
      expect(messageOf(403, permission, { message }, headers)).toBe(`Could not do it: HTTP 403: ${words}.${advice}`);
  });

  it('githubRefusal names both the permission and the URL of single sign-on if both are missing', () => {
    const headers = { 'x-github-sso': `required; url=${SIGN_ON}` };
    expect(messageOf(403, 'secrets', undefined, headers)).toMatch(
      /HTTP 403: Resource not accessible .* cannot have that permission\. To allow github_token, open https:\S+$/,
    );
  });

  it.each<[what: string, body: unknown]>([
    ['a page', '<html><h1>Forbidden</h1></html>'],
    ['plain text', 'Forbidden: not accessible by policy'],
    ['an empty body', ''],
  ])('githubRefusal says on 401 and 403 that a server in between responded with %s', (_what, body) => {
    for (const status of [401, 403])
      for (const permission of PERMISSIONS)
        expect(messageOf(status, permission, body)).toBe(
          `Could not do it: HTTP ${status}. That is not the API's JSON: a firewall, a proxy or an IP allow list in front of GITHUB_API_URL probably refused it. Allow this runner's address there.`,
        );
  });

  it.each([301, 307])('githubRefusal says on HTTP %i that the repository has another name', (status) => {
    const headers = { location: 'https://api.github.com/repositories/42' };
    expect(messageOf(status, 'repository', '', headers)).toBe(
      `Could not do it: HTTP ${status}. GitHub redirects this name: the repository was renamed or transferred. Use its current name.`,
    );
    expect(messageOf(status, 'secrets', '', headers)).toBe(
      `Could not do it: HTTP ${status}. Redirects are not followed (it points to "https://api.github.com/repositories/42"): use the current name of the repository.`,
    );
  });
});

describe('a rate limit of GitHub', () => {
  const NOW = Date.parse('2026-11-24T08:00:00Z');
  const date = new Date(NOW).toUTCString();
  /** Returns the headers of an exhausted rate limit. @param seconds until it is reset */
  const exhausted = (seconds: number) => ({
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': `${NOW / 1000 + seconds}`,
  });
  const available = { ...exhausted(30), 'x-ratelimit-remaining': '4000' };
  const SECONDARY = { message: 'You have exceeded a secondary rate limit. Please wait a few minutes.' };

  /** Expects that a response counts as a rate limit with this wait, or as a missing permission if it is undefined. */
  function expectWait(wait: number | undefined, headers: Headers, body: unknown = ''): void {
    for (const status of [403, 429]) expect(rateLimitWait(response(status, body, { date, ...headers }))).toBe(wait);
    for (const status of [200, 401, 404, 422, 503])
      expect(rateLimitWait(response(status, body, { date, ...headers }))).toBeUndefined();
    const advice = messageOf(403, 'secrets', body, { date, ...headers });
    expect(advice.includes('The rate limit of github_token is reached')).toBe(wait !== undefined);
  }

  it.each<{ what: string; wait: number; headers: Headers; body?: unknown }>([
    { what: 'no request remaining', wait: 30_000, headers: exhausted(30) },
    { what: 'no request remaining until a time in the past', wait: 0, headers: exhausted(-5) },
    { what: 'no request remaining until an unknown time', wait: 0, headers: { 'x-ratelimit-remaining': '0' } },
    { what: 'a Retry-After in seconds', wait: 7_000, headers: { ...available, 'retry-after': '7' } },
    { what: 'a Retry-After with a date', wait: 60_000, headers: { 'retry-after': 'Tue, 24 Nov 2026 08:01:00 GMT' } },
    { what: 'a Retry-After and no request remaining', wait: 7_000, headers: { ...exhausted(30), 'retry-after': '7' } },
    { what: 'a Retry-After of 0 and no request left', wait: 30_000, headers: { ...exhausted(30), 'retry-after': '0' } },
    { what: 'a message about a secondary rate limit', wait: 60_000, headers: available, body: SECONDARY },
    { what: 'a page about a secondary rate limit', wait: 60_000, headers: {}, body: '<p>SECONDARY Rate Limit</p>' },
  ])('rateLimitWait recognizes a rate limit of GitHub by $what', ({ wait, headers, body }) => {
    expectWait(wait, headers, body);
  });

  it.each<{ what: string; headers: Headers; body?: unknown }>([
    { what: 'requests remaining', headers: available },
    {
      what: 'requests remaining and other words',
      headers: available,
      body: { message: 'Resource not accessible. See rate limits.' },
    },
    { what: 'no headers about rate limits', headers: {} },
  ])('rateLimitWait takes a response with $what for a missing permission', ({ headers, body }) => {
    expectWait(undefined, headers, body);
  });

  it("rateLimitWait uses this machine's clock if the response has no Date header", () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${Math.ceil(Date.now() / 1000) + 30}` };
    const wait = rateLimitWait(response(403, '', headers)) ?? 0;
    expect(wait).toBeGreaterThan(25_000);
    expect(wait).toBeLessThanOrEqual(31_000);
  });

  it('githubRefusal says how long GitHub asks to wait after a rate limit, if GitHub says it', () => {
    const limit = 'The rate limit of github_token is reached, and this step has no time to wait for it.';
    const rest = ' Run fewer jobs at the same time, or raise timeout.';
    for (const status of [403, 429]) {
      for (const [headers, wait] of [
        [exhausted(90), ' The server asks to wait for 90 seconds.'],
        [{ 'retry-after': '7' }, ' The server asks to wait for 7 seconds.'],
        [{ ...exhausted(0), 'x-ratelimit-reset': `${NOW / 1000 + 0.2}` }, ' The server asks to wait for 1 seconds.'],
        [exhausted(-5), ''],
      ] as const)
        expect(messageOf(status, 'runs', '', { date, ...headers })).toBe(
          `Could not do it: HTTP ${status}. ${limit}${wait}${rest}`,
        );
    }
    // A 429 needs none of these headers to count as a rate limit.
    expect(messageOf(429, 'runs', '')).toBe(`Could not do it: HTTP 429. ${limit}${rest}`);
  });

  it('githubRefusal does not advise to raise timeout if the run was cancelled', () => {
    for (const [status, headers] of [
      [429, {}],
      [403, { 'retry-after': '7' }],
      [403, exhausted(90)],
    ] as const) {
      const cancelled = { ...response(status, { message: 'No.' }, { date, ...headers }), cancelled: true };
      expect(githubRefusal(subject('secrets'), cancelled, { message: 'No.' }).message).toBe(
        `Could not do it: HTTP ${status}: No.`,
      );
    }
  });

  it('rateLimitWait never returns a negative time, for any headers', () => {
    const text = fc.option(fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String)), {
      nil: undefined,
    });
    fc.assert(
      fc.property(text, text, text, (after, remaining, reset) => {
        const headers = { 'retry-after': after, 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': reset };
        expect(rateLimitWait(response(403, '', headers)) ?? 0).toBeGreaterThanOrEqual(0);
        const exhausted = { ...headers, 'x-ratelimit-remaining': '0' };
        expect(rateLimitWait(response(403, '', exhausted))).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe("GitHub's own messages", () => {
  it.each<[what: string, body: unknown, words: string]>([
    ['a message', { message: 'Bad credentials', documentation_url: 'https://docs' }, ': Bad credentials'],
    [
      'a message and a list of errors',
      { message: 'Validation Failed', errors: [{ resource: 'Secret', message: 'too large' }, 'and more'] },
      ': Validation Failed: too large: and more',
    ],
    ['errors of other forms', { message: 'No', errors: [null, 1, [], { code: 'x' }, { message: 2 }] }, ': No'],
    ['errors and no message', { errors: ['too large'] }, ': too large'],
    ['a message that is not a text', { message: { a: 1 } }, ''],
    ['a message of 5,000 characters', { message: 'x'.repeat(5000) }, `: ${'x'.repeat(299)}…`],
    ['a page', '<html><title>Unicorn!</title><p>No server is available.</p></html>', ''],
    ['an empty body', '', ''],
  ])("githubRefusal shows GitHub's own messages alone, given %s", (_what, body, words) => {
    expect(messageOf(422, 'secrets', body)).toBe(`Could not do it: HTTP 422${words}.`);
  });

  it("githubRefusal limits the length of all of GitHub's messages together", () => {
    const errors = Array.from({ length: 500 }, () => ({ message: 'y'.repeat(5000) }));
    expect(messageOf(422, 'secrets', { message: 'x', errors }).length).toBeLessThan(3000);
  });

  it("githubRefusal never shows the text of a page that is not the API's", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(403, 404, 422, 502), (text, status) => {
        const canary = ['page', 'of', 'a', 'proxy'].join('~');
        expect(messageOf(status, 'secrets', `<html>${text}${canary}</html>`)).not.toContain(canary);
      }),
      { numRuns: 50 },
    );
  });
});
