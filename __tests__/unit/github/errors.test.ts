import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { githubRefusal, type Permission, rateLimitWait } from '../../../src/github/errors.ts';
import type { FinalResponse, HttpResponse } from '../../../src/net/transport.ts';

const NEEDS: Permission[] = ['repository', 'secrets', 'variables', 'environment', 'runs'];
const GRANTS: Record<Permission, RegExp> = {
  repository: /A fine-grained token needs access to this repository, a classic one the scope repo\./,
  secrets: /Secrets \(write\), a classic one the scope repo\./,
  variables: /Variables \(write\), a classic one the scope repo\./,
  environment: /Environments \(write\) and Actions \(read\), a classic one the scope repo\./,
  runs: /The job's own token needs permissions with actions: read, a fine-grained one .*Actions \(read\)/,
};

/** @param body a text, or a value to send as JSON */
function response(status: number, body: unknown = '', headers: HttpResponse['headers'] = {}): FinalResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers, body: text, mayBeDone: false, cancelled: false };
}

const subject = (permission: Permission) => ({
  operation: 'do it',
  parameters: { owner: 'acme', repo: 'app' },
  permission,
});

const NOT_ACCESSIBLE = 'Resource not accessible by personal access token';

/** Returns the error message for a response. @param need the permission that the request needs */
const messageOf = (
  status: number,
  need: Permission,
  body: unknown = { message: NOT_ACCESSIBLE },
  headers: HttpResponse['headers'] = {},
) => githubRefusal(subject(need), response(status, body, headers), body).message;

describe('the advice on a refusal of GitHub', () => {
  it.each(NEEDS)('says which permission is needed: %s', (need) => {
    expect(messageOf(403, need)).toMatch(
      /^Could not do it: HTTP 403: Resource not accessible by personal access token\. github_token lacks a permission\. (A fine|The job's own)/,
    );
    expect(messageOf(404, need)).toMatch(
      /^Could not do it: HTTP 404: .+ token\. There is no repository acme\/app, or github_token may not see it\. (A fine|The job's own)/,
    );
    for (const status of [403, 404]) expect(messageOf(status, need)).toMatch(GRANTS[need]);
    // The job's token (GITHUB_TOKEN) can only get permission to read workflow runs.
    expect(messageOf(403, need).endsWith(' GITHUB_TOKEN cannot have that permission.')).toBe(need !== 'runs');
  });

  it.each(NEEDS)(
    'says on 405 that the server has no such API, and for secrets what works on Gitea and Forgejo: %s',
    (need) => {
      const isForSaving = need !== 'repository' && need !== 'runs';
      const message = messageOf(405, need, '');
      expect(message.startsWith('Could not do it: HTTP 405. Check which server answers at GITHUB_API_URL.')).toBe(true);
      expect(message.includes('save_to cannot work there, neither in the main action nor in delete/.')).toBe(
        isForSaving,
      );
    },
  );

  it.each([
    ['production', '"production"'],
    ['prod\u200b', '"prod\\u200b"'],
  ])(
    'on 404 says which environment may be missing, with invisible characters escaped: %j',
    (environment_name, shown) => {
      const { parameters, ...rest } = subject('environment');
      const about = { ...rest, parameters: { ...parameters, environment_name } };
      expect(githubRefusal(about, response(404), undefined).message).toMatch(
        `There is no environment ${shown}, or github_token may not see it. Create it in Settings → Environments. A fine-grained token needs`,
      );
    },
  );

  it.each<[status: number, todo: string]>([
    [401, ' github_token is wrong, has expired or was revoked.'],
    [500, ' That is a failure of GitHub. Try again later.'],
    [503, ' That is a failure of GitHub. Try again later.'],
    [409, ''],
    [422, ''],
  ])('on %i is the same whatever was to be done', (status, todo) => {
    for (const need of NEEDS)
      expect(messageOf(status, need, { message: 'No.' })).toBe(`Could not do it: HTTP ${status}: No.${todo}`);
  });

  const SIGN_ON =
    'https://github.com/orgs/acme/sso?authorization_request=AZSCKtL4U8yX1H3sCQIVnVgmjmon5fWxks5YrqhJgah0b2tlbl9pZM4EuMz4';
  const SIGN_ON_MESSAGE =
    'Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.';

  it.each<[what: string, message: string, HttpResponse['headers'], todo: string]>([
    [
      'single sign-on',
      SIGN_ON_MESSAGE,
      { 'x-github-sso': `required; url=${SIGN_ON}` },
      ` To allow github_token, open ${SIGN_ON}`,
    ],
    ['single sign-on without an address', SIGN_ON_MESSAGE, { 'x-github-sso': 'required' }, ''],
    ['single sign-on with another address', SIGN_ON_MESSAGE, { 'x-github-sso': 'required; url=javascript:x' }, ''],
    [
      'single sign-on of other organizations',
      SIGN_ON_MESSAGE,
      { 'x-github-sso': 'partial-results; organizations=1' },
      '',
    ],
    [
      'an IP allow list',
      'Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.',
      {},
      '',
    ],
    [
      'a policy on tokens',
      "The 'acme' organization forbids access via a fine-grained personal access token if the token's lifetime is greater than 366 days.",
      {},
      '',
    ],
    ['an archived repository', 'Repository was archived so is read-only.', {}, ''],
    ['a missing role', 'Must have admin rights to Repository.', {}, ''],
  ])('leaves a 403 to the words of GitHub if it is about %s', (_what, message, headers, todo) => {
    const words = message.replace(/\.$/, '');
    for (const need of NEEDS)
      expect(messageOf(403, need, { message }, headers)).toBe(`Could not do it: HTTP 403: ${words}.${todo}`);
  });

  it('names both the permission and the address of single sign-on if both are missing', () => {
    const headers = { 'x-github-sso': `required; url=${SIGN_ON}` };
    expect(messageOf(403, 'secrets', undefined, headers)).toMatch(
      /HTTP 403: Resource not accessible .* cannot have that permission\. To allow github_token, open https:\S+$/,
    );
  });

  it.each<[string, unknown]>([
    ['a page', '<html><h1>Forbidden</h1></html>'],
    ['plain text', 'Forbidden: not accessible by policy'],
    ['nothing', ''],
    ['a list', '[]'],
  ])('says on 401 and 403 that a server in between answered with %s', (_what, body) => {
    for (const status of [401, 403])
      for (const need of NEEDS)
        expect(messageOf(status, need, body)).toBe(
          `Could not do it: HTTP ${status}. That is not the API's JSON: a firewall, a proxy or an IP allow list in front of GITHUB_API_URL probably refused it. Allow this runner's address there.`,
        );
  });

  it.each([301, 302, 307, 308])('on %i says that the repository has another name', (status) => {
    const headers = { location: 'https://api.github.com/repositories/42' };
    expect(messageOf(status, 'repository', '', headers)).toBe(
      `Could not do it: HTTP ${status}. GitHub redirects this name: the repository was renamed or transferred. Use its current name.`,
    );
    for (const need of NEEDS.slice(1)) {
      expect(messageOf(status, need, '', headers)).toBe(
        `Could not do it: HTTP ${status}. Redirects are not followed (it points to https://api.github.com/repositories/42): use the current name of the repository.`,
      );
    }
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

  it.each<[what: string, wait: number | undefined, HttpResponse['headers'], body?: unknown]>([
    ['no request remaining', 30_000, exhausted(30)],
    ['no request remaining until now', 0, exhausted(0)],
    ['no request remaining, and the time is over', 0, exhausted(-5)],
    ['no request remaining, without a time', 0, { 'x-ratelimit-remaining': '0' }],
    ['no request remaining, with a time that is none', 0, { ...exhausted(0), 'x-ratelimit-reset': 'soon' }],
    ['a secondary limit', 7_000, { ...available, 'retry-after': '7' }],
    ['a secondary limit with a date', 60_000, { 'retry-after': 'Tue, 24 Nov 2026 08:01:00 GMT' }],
    ['a secondary limit, before the primary one', 7_000, { ...exhausted(30), 'retry-after': '7' }],
    [
      'a secondary limit whose time is over, with no request remaining',
      30_000,
      { ...exhausted(30), 'retry-after': '0' },
    ],
    ['a secondary limit by its words alone', 60_000, available, SECONDARY],
    ['a secondary limit by its words, in any case and form', 60_000, {}, '<p>SECONDARY Rate Limit</p>'],
    ['a secondary limit by its words, and a time', 7_000, { 'retry-after': '7' }, SECONDARY],
    ['a permission', undefined, available],
    ['a permission, in other words', undefined, available, { message: 'Resource not accessible. See rate limits.' }],
    ['no headers', undefined, {}],
    ['a time that says nothing', undefined, { 'retry-after': 'soon' }],
  ])('is distinguished from a missing permission by headers and words: %s', (_what, wait, headers, body = '') => {
    for (const status of [403, 429]) expect(rateLimitWait(response(status, body, { date, ...headers }))).toBe(wait);
    for (const status of [200, 401, 404, 422, 503])
      expect(rateLimitWait(response(status, body, { date, ...headers }))).toBeUndefined();
    const advice = messageOf(403, 'secrets', body, { date, ...headers });
    expect(advice.includes('The rate limit of github_token is reached')).toBe(wait !== undefined);
  });

  it("uses this machine's clock if the response has no date", () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${Math.ceil(Date.now() / 1000) + 30}` };
    const wait = rateLimitWait(response(403, '', headers)) ?? 0;
    expect(wait).toBeGreaterThan(25_000);
    expect(wait).toBeLessThanOrEqual(31_000);
  });

  it('says when to come back, if GitHub says it', () => {
    const limit = 'The rate limit of github_token is reached, and this step has no time to wait for it.';
    const rest = ' Run fewer jobs at the same time, or raise timeout.';
    for (const status of [403, 429]) {
      for (const [headers, wait] of [
        [exhausted(90), ' The server asks to wait for 90 seconds.'],
        [{ 'retry-after': '7' }, ' The server asks to wait for 7 seconds.'],
        [{ ...exhausted(0), 'x-ratelimit-reset': `${NOW / 1000 + 0.2}` }, ' The server asks to wait for 1 seconds.'],
        [exhausted(-5), ''],
        [{ ...exhausted(0), 'x-ratelimit-reset': undefined }, ''],
      ] as const)
        expect(messageOf(status, 'runs', '', { date, ...headers })).toBe(
          `Could not do it: HTTP ${status}. ${limit}${wait}${rest}`,
        );
    }
    // A 429 needs none of these headers to count as a rate limit.
    expect(messageOf(429, 'runs', '')).toBe(`Could not do it: HTTP 429. ${limit}${rest}`);
  });

  it('does not advise to raise timeout in a cancelled run', () => {
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

  it('never asks to wait for less than no time, whatever the headers', () => {
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
    );
  });
});

describe("GitHub's own words", () => {
  it.each<[string, unknown, string]>([
    ['a message', { message: 'Bad credentials', documentation_url: 'https://docs' }, ': Bad credentials'],
    [
      'a list of faults',
      { message: 'Validation Failed', errors: [{ resource: 'Secret', message: 'too large' }, 'and more'] },
      ': Validation Failed: too large: and more',
    ],
    ['faults of other shapes', { message: 'No', errors: [null, 1, [], { code: 'x' }, { message: 2 }] }, ': No'],
    ['no list of faults', { message: 'No', errors: 'all of it' }, ': No'],
    ['no message', { errors: ['too large'] }, ': too large'],
    ['a message of another kind', { message: { a: 1 } }, ''],
    ['a long message', { message: 'x'.repeat(5000) }, `: ${'x'.repeat(299)}…`],
    ['HTML', '<html><title>Unicorn!</title><p>No server is available.</p></html>', ''],
    ['plain text', 'upstream connect error', ''],
    ['nothing', '', ''],
    ['a list', ['No'], ''],
    ['half of an object', '{"message": "No', ''],
  ])('are shown if there are any: %s', (_shape, body, words) => {
    expect(messageOf(422, 'secrets', body)).toBe(`Could not do it: HTTP 422${words}.`);
  });

  it('are bounded', () => {
    const errors = Array.from({ length: 500 }, () => ({ message: 'y'.repeat(5000) }));
    expect(messageOf(422, 'secrets', { message: 'x', errors }).length).toBeLessThan(3000);
  });

  it('never hold what stands in a page that is not the API', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(403, 404, 422, 502), (text, status) => {
        const canary = ['page', 'of', 'a', 'proxy'].join('~');
        expect(messageOf(status, 'secrets', `<html>${text}${canary}</html>`)).not.toContain(canary);
      }),
    );
  });
});
