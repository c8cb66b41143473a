import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromAnswer, isRateLimit, type Need } from '../../src/github/errors.ts';
import type { Answer } from '../../src/http.ts';

const NEEDS: Need[] = ['repository', 'secrets', 'variables', 'environment', 'runs'];
const GRANTS: Record<Need, RegExp> = {
  repository: /It needs a fine-grained token access to this repository, a classic one the scope repo\./,
  secrets: /Secrets \(write\), a classic one the scope repo\./,
  variables: /Variables \(write\), a classic one the scope repo\./,
  environment: /Environments \(write\) and Actions \(read\), a classic one the scope repo\./,
  runs: /the job's own token permissions with actions: read, a fine-grained one .*Actions \(read\)/,
};

/** @param body a text as it is, anything else as JSON */
function answer(status: number, body: unknown = '', headers: Answer['headers'] = {}): Answer {
  return { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
}

const say = (status: number, need: Need, body: unknown = { message: 'No.' }, headers: Answer['headers'] = {}) =>
  fromAnswer('do it', answer(status, body, headers), need).message;

describe('the advice on a refusal of GitHub', () => {
  it.each(NEEDS)('says which permission is needed: %s', (need) => {
    expect(say(403, need)).toMatch(/^Could not do it: HTTP 403: No\. github_token may not do that\. It needs /);
    expect(say(404, need)).toMatch(
      /^Could not do it: HTTP 404: No\. There is none, or github_token may not see it\. It needs /,
    );
    for (const status of [403, 404]) expect(say(status, need)).toMatch(GRANTS[need]);
    // Workflow runs are what the job's own token may read.
    expect(say(403, need).endsWith(' GITHUB_TOKEN cannot be given it.')).toBe(need !== 'runs');
  });

  it.each<[status: number, todo: string]>([
    [401, ' github_token is not valid (any more).'],
    [500, " That is on GitHub's side: try again later."],
    [503, " That is on GitHub's side: try again later."],
    [409, ''],
    [422, ''],
  ])('on %i is the same whatever was to be done', (status, todo) => {
    for (const need of NEEDS) expect(say(status, need)).toBe(`Could not do it: HTTP ${status}: No.${todo}`);
  });

  it.each([301, 302, 307, 308])('on %i says that the repository has another name', (status) => {
    const headers = { location: 'https://api.github.com/repositories/42' };
    expect(say(status, 'repository', '', headers)).toBe(
      `Could not do it: HTTP ${status}. GitHub redirects this name: the repository was renamed or moved, so give its name of today.`,
    );
    for (const need of NEEDS.slice(1)) {
      expect(say(status, need, '', headers)).toBe(
        `Could not do it: HTTP ${status}. Redirects are not followed (it points to https://api.github.com/repositories/42): give the name that the repository has today.`,
      );
    }
  });
});

describe('a rate limit of GitHub', () => {
  const reset = { 'x-ratelimit-reset': `${Date.parse('2026-11-24T08:00:00Z') / 1000}` };

  it.each<[what: string, status: number, Answer['headers'], boolean]>([
    ['nothing left', 403, { 'x-ratelimit-remaining': '0', ...reset }, true],
    ['nothing left, without a time', 403, { 'x-ratelimit-remaining': '0' }, true],
    ['a secondary limit', 403, { 'retry-after': '60', 'x-ratelimit-remaining': '4000' }, true],
    ['a permission', 403, { 'x-ratelimit-remaining': '4000', ...reset }, false],
    ['no headers', 403, {}, false],
    ['another status', 404, { 'x-ratelimit-remaining': '0' }, false],
    ['success with nothing left', 200, { 'x-ratelimit-remaining': '0' }, false],
  ])('is told from a missing permission by the headers: %s', (_what, status, headers, limited) => {
    expect(isRateLimit(answer(status, '', headers))).toBe(limited);
    expect(say(status, 'secrets', '', headers).includes('The rate limit of github_token is reached')).toBe(limited);
  });

  it('says when it ends, where GitHub says it', () => {
    const limit = 'The rate limit of github_token is reached for longer than this step may wait';
    const rest = ': run fewer jobs at once, or raise timeout.';
    for (const [status, headers] of [
      [429, {}],
      [403, { 'x-ratelimit-remaining': '0' }],
    ] as const) {
      expect(say(status, 'runs', '', { ...headers, ...reset })).toBe(
        `Could not do it: HTTP ${status}. ${limit} (it ends at 2026-11-24T08:00:00Z)${rest}`,
      );
      for (const unusable of [undefined, 'soon', '1e999', '99999999999999999'])
        expect(say(status, 'runs', '', { ...headers, 'x-ratelimit-reset': unusable })).toBe(
          `Could not do it: HTTP ${status}. ${limit}${rest}`,
        );
    }
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
  ])('are shown where they are: %s', (_shape, body, words) => {
    expect(say(422, 'secrets', body)).toBe(`Could not do it: HTTP 422${words}.`);
  });

  it('are bounded', () => {
    const errors = Array.from({ length: 500 }, () => ({ message: 'y'.repeat(5000) }));
    expect(say(422, 'secrets', { message: 'x', errors }).length).toBeLessThan(3000);
  });

  it('never hold what stands in a page that is not the API', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(403, 404, 422, 502), (text, status) => {
        const marker = ['page', 'of', 'a', 'proxy'].join('~');
        expect(say(status, 'secrets', `<html>${text}${marker}</html>`)).not.toContain(marker);
      }),
    );
  });
});

it('a refusal leaves open whether it was done where an earlier sending was lost, or the server failed', () => {
  const uncertain = (changes: Partial<Answer>) =>
    fromAnswer('do it', { ...answer(403), ...changes }, 'secrets').uncertain;
  expect(uncertain({})).toBe(false);
  expect(uncertain({ afterLoss: false })).toBe(false);
  expect(uncertain({ afterLoss: true })).toBe(true);
  expect(uncertain({ status: 422, afterLoss: true })).toBe(true);
  expect(uncertain({ status: 500 })).toBe(true);
});
