import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials } from '../../../src/github/saved-credentials.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { HttpResponse } from '../../../src/net/transport.ts';
import type { PendingVariable } from '../../../src/undo/journal.ts';
import { restoreVariable, variableNotRestored } from '../../../src/undo/restore-variable.ts';
import { FakeTransport, json } from '../fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TIME = '2026-11-24T08:00:00Z';
const LATER = '2026-11-24T08:00:07Z';
/** Milliseconds since the epoch: the time at which each test begins. */
const NOW = Date.parse('2026-11-24T08:00:10Z');
/** A variable that replaced a former value. The secret beside it existed before. */
const CHANGED: PendingVariable = {
  api: API,
  location: { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' },
  value: 'm2morg_2',
  old: 'm2morg_1',
  secret_time: TIME,
  sent_at: NOW,
  unconfirmed_writes: 0,
};
/** A variable that was created. There was no secret before. */
const CREATED: PendingVariable = { ...CHANGED, old: undefined, secret_time: undefined };
const IN_ENVIRONMENT: PendingVariable = { ...CHANGED, location: { ...CHANGED.location, environment: 'preview/pr-7' } };
const PATH = '/api/v3/repos/acme/app/actions/variables/A_ID';
const NO_RESPONSE = new NetworkError('socket hang up', 'ECONNRESET', true);
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };

/** Milliseconds since the epoch: the time that `Date.now()` returns. Each pause advances it. */
let clock = NOW;
beforeEach(() => {
  clock = NOW;
  jest.spyOn(Date, 'now').mockImplementation(() => clock);
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** What GitHub Actions contains, and what it contains from `later.at` on. */
interface Content {
  value?: string | undefined;
  secret_time?: string | undefined;
  later?: { at: number; value?: string | undefined; secret_time?: string | undefined };
}

/**
 * Returns saved credentials in a GitHub that contains a variable and a secret.
 * @param responses by method. They replace those of GitHub
 */
function fakeGitHub(content: Content, responses: Record<string, Partial<HttpResponse> | Error> = {}) {
  let { value, secret_time, later } = content;
  const transport = new FakeTransport(({ method, url, body }) => {
    if (later && clock >= later.at) ({ value, secret_time, later } = { secret_time, later: undefined, ...later });
    const response = responses[method];
    if (response) return response;
    if (url.pathname.endsWith('/secrets/A_SECRET')) return secret_time ? json({ updated_at: secret_time }) : MISSING;
    if (value === undefined) return MISSING;
    if (method === 'GET') return json({ value, updated_at: TIME });
    value = method === 'DELETE' ? undefined : JSON.parse(body ?? '').value;
    return { status: 204 };
  });
  const pause = jest.spyOn(transport, 'pause').mockImplementation(async (milliseconds) => {
    clock += milliseconds;
  });
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: API, token: 'a' }), CHANGED.location);
  const changes = () => transport.sent.filter((sent) => !sent.startsWith('GET '));
  return { savedCredentials, pause, value: () => value, changes };
}

describe('the sentence about a variable that was not restored', () => {
  it.each<[string, PendingVariable, isTrusted: boolean, string]>([
    ['changed', CHANGED, true, `PATCH https://ghes.acme.example${PATH} with the value "m2morg_1"`],
    ['created', CREATED, true, `DELETE https://ghes.acme.example${PATH}`],
    ['emptied before', { ...CHANGED, old: '' }, true, `PATCH https://ghes.acme.example${PATH} with the value ""`],
    // Users send a token to the address, so a state without a valid seal must not name one.
    ['changed, by a state that is not trusted', CHANGED, false, `PATCH ${PATH} with the value "m2morg_1"`],
    ['created, by a state that is not trusted', CREATED, false, `DELETE ${PATH}`],
  ])('has the call that does it: %s', (_what, pending, isTrusted, call) => {
    expect(variableNotRestored(pending, 'github_token is not there any more', isTrusted)).toBe(
      `Variable A_ID of acme/app may not be what it was: github_token is not there any more. To put it back by hand: ${call}`,
    );
    if (isTrusted) expect(variableNotRestored(pending, 'Because')).toContain(`To put it back by hand: ${call}`);
  });

  it('names an environment, encoded in the address, and ends no sentence twice', () => {
    expect(variableNotRestored(IN_ENVIRONMENT, 'Could not read it: HTTP 403.')).toBe(
      'Variable A_ID of environment "preview/pr-7" of acme/app may not be what it was: Could not read it: HTTP 403. To put it back by hand: PATCH https://ghes.acme.example/api/v3/repos/acme/app/environments/preview%2Fpr-7/variables/A_ID with the value "m2morg_1"',
    );
  });
});

describe('restoring a variable', () => {
  const restored = 'Put back variable A_ID of acme/app.';
  const savedByOther = 'The variable A_ID of acme/app stays: another run has saved its pair there.';
  const notShown =
    `Variable A_ID of acme/app may not be what it was: GitHub does not show it, so it may have to be made anew. ` +
    `To put it back by hand: PATCH https://ghes.acme.example${PATH} with the value "m2morg_1"`;

  it.each<
    [
      what: string,
      PendingVariable,
      Content,
      valueAfter: string | undefined,
      reported: { done?: string; remaining?: string },
      changes: number,
    ]
  >([
    ['gives it its former value', CHANGED, { value: 'm2morg_2', secret_time: TIME }, 'm2morg_1', { done: restored }, 1],
    [
      'gives it its former value, empty as that was',
      { ...CHANGED, old: '' },
      { value: 'm2morg_2', secret_time: TIME },
      '',
      { done: restored },
      1,
    ],
    [
      'gives it its former value if there never was a secret',
      { ...CHANGED, secret_time: undefined },
      { value: 'm2morg_2' },
      'm2morg_1',
      { done: restored },
      1,
    ],
    ['deletes it if there was none', CREATED, { value: 'm2morg_2' }, undefined, { done: restored }, 1],
    [
      'leaves it if another run saved since',
      CHANGED,
      { value: 'm2morg_2', secret_time: LATER },
      'm2morg_2',
      { done: savedByOther },
      0,
    ],
    [
      'leaves it if another run saved since for the first time',
      CREATED,
      { value: 'm2morg_2', secret_time: TIME },
      'm2morg_2',
      { done: savedByOther },
      0,
    ],
    [
      'gives it its former value if somebody deleted the secret since',
      CHANGED,
      { value: 'm2morg_2' },
      'm2morg_1',
      { done: restored },
      1,
    ],
    ['leaves what somebody wrote since', CHANGED, { value: 'm2morg_3', secret_time: TIME }, 'm2morg_3', {}, 0],
    ['leaves what another run saved since', CHANGED, { value: 'm2morg_3', secret_time: LATER }, 'm2morg_3', {}, 0],
    ['leaves what is as it was', CHANGED, { value: 'm2morg_1', secret_time: TIME }, 'm2morg_1', {}, 0],
    ['leaves what somebody created since', CREATED, { value: 'm2morg_3' }, 'm2morg_3', {}, 0],
    ['leaves nothing if there was nothing', CREATED, {}, undefined, {}, 0],
    [
      'creates none if GitHub shows none, and says so',
      CHANGED,
      { secret_time: TIME },
      undefined,
      { remaining: notShown },
      0,
    ],
  ])('%s', async (_what, pending, content, valueAfter, { done, remaining }, changes) => {
    const listed = (text: string | undefined) => (text === undefined ? [] : [text]);
    for (const waitForLateWrites of [true, false]) {
      const github = fakeGitHub(content);
      expect(await restoreVariable(github.savedCredentials, pending, waitForLateWrites)).toEqual({
        done: listed(done),
        remaining: listed(remaining),
      });
      expect(github.value()).toBe(valueAfter);
      expect(github.changes()).toHaveLength(changes);
      expect(github.pause).not.toHaveBeenCalled();
    }
  });

  it.each<[string, PendingVariable, Record<string, Partial<HttpResponse> | Error>]>([
    ['it cannot be read', CHANGED, { GET: { status: 403 } }],
    ['it cannot be changed', CHANGED, { PATCH: NO_RESPONSE }],
    ['it cannot be deleted', CREATED, { DELETE: { status: 403 } }],
  ])('says what remains, and what to do, if %s', async (_what, pending, responses) => {
    const { savedCredentials } = fakeGitHub({ value: 'm2morg_2', secret_time: pending.secret_time }, responses);
    const { done, remaining } = await restoreVariable(savedCredentials, pending, false);
    expect(done).toEqual([]);
    expect(remaining).toEqual([
      expect.stringMatching(
        /^Variable A_ID of acme\/app may not be what it was: Could not \w+ variable A_ID .*[^.]\. To put it back by hand: (PATCH|DELETE) https:/,
      ),
    ]);
  });
});

describe('a variable that GitHub may still write', () => {
  /** @param age milliseconds since the variable was sent */
  const sent = (age: number, pending = CHANGED): PendingVariable => ({
    ...pending,
    sent_at: NOW - age,
    unconfirmed_writes: 1,
  });
  const mayBeWritten = 'GitHub may still write variable A_ID of acme/app. The post step looks again.';
  const before: Content = { value: 'm2morg_1', secret_time: TIME };

  it.each<[what: string, PendingVariable, Content]>([
    ['has its former value', CHANGED, before],
    ['does not exist, as before', CREATED, {}],
    ['has a value of somebody else', CHANGED, { value: 'm2morg_3', secret_time: TIME }],
  ])('is left to the post step for 15 seconds, if it %s', async (_what, pending, content) => {
    for (const age of [0, 14_999]) {
      const { savedCredentials, pause, changes } = fakeGitHub(content);
      expect(await restoreVariable(savedCredentials, sent(age, pending), false)).toEqual({
        done: [mayBeWritten],
        remaining: [],
        pending: true,
      });
      expect([pause.mock.calls.length, changes().length]).toEqual([0, 0]);
    }
    for (const age of [15_000, 3_600_000])
      expect(await restoreVariable(fakeGitHub(content).savedCredentials, sent(age, pending), false)).toEqual({
        done: [],
        remaining: [],
      });
  });

  it('is restored at once if it is written', async () => {
    for (const waitForLateWrites of [true, false]) {
      const { savedCredentials, value } = fakeGitHub({ value: 'm2morg_2', secret_time: TIME });
      expect(await restoreVariable(savedCredentials, sent(0), waitForLateWrites)).toMatchObject({
        done: [expect.stringMatching(/^Put back /)],
      });
      expect(value()).toBe('m2morg_1');
    }
  });

  it('is not waited for if GitHub does not show it any more', async () => {
    const { savedCredentials, pause } = fakeGitHub({ secret_time: TIME });
    expect(await restoreVariable(savedCredentials, sent(0), true)).toMatchObject({
      done: [],
      remaining: [expect.any(String)],
    });
    expect(pause).not.toHaveBeenCalled();
  });

  it.each<
    [what: string, PendingVariable, Content, waited: number, valueAfter: string | undefined, done: RegExp | undefined]
  >([
    ['restored', CHANGED, { ...before, later: { at: NOW + 9000, value: 'm2morg_2' } }, 9000, 'm2morg_1', /^Put back /],
    ['deleted', CREATED, { later: { at: NOW + 3000, value: 'm2morg_2' } }, 3000, undefined, /^Put back /],
    [
      "not changed if it comes with another run's secret",
      CHANGED,
      { ...before, later: { at: NOW + 3000, value: 'm2morg_2', secret_time: LATER } },
      3000,
      'm2morg_2',
      /another run has saved/,
    ],
    ['looked for to the end', CHANGED, before, 15_000, 'm2morg_1', undefined],
    ['looked for to the end, if there was none', CREATED, {}, 15_000, undefined, undefined],
  ])('is waited for by the post step, and %s', async (_what, pending, content, waited, valueAfter, done) => {
    const { savedCredentials, pause, value } = fakeGitHub(content);
    const outcome = await restoreVariable(savedCredentials, sent(0, pending), true);
    expect(outcome).toEqual({ done: done ? [expect.stringMatching(done)] : [], remaining: [] });
    expect(value()).toBe(valueAfter);
    expect(clock - NOW).toBe(waited);
    expect(pause.mock.calls).toHaveLength(waited / 1000);
  });

  it('is restored again if it was sent twice, and comes twice', async () => {
    const { savedCredentials, value } = fakeGitHub({
      value: 'm2morg_2',
      secret_time: TIME,
      later: { at: NOW + 3000, value: 'm2morg_2', secret_time: TIME },
    });
    const pending = { ...sent(0), unconfirmed_writes: 2 };
    const { done, remaining } = await restoreVariable(savedCredentials, pending, true);
    expect([done.length, remaining, value(), clock - NOW]).toEqual([2, [], 'm2morg_1', 3000]);
  });

  it('is not waited for any longer if the clock was set back', async () => {
    const { savedCredentials } = fakeGitHub(before);
    expect(await restoreVariable(savedCredentials, sent(-3_600_000), true)).toEqual({ done: [], remaining: [] });
    expect(clock - NOW).toBe(15_000);
  });

  it('is named if the time of the step is not enough', async () => {
    const { savedCredentials, pause } = fakeGitHub(before);
    pause.mockRejectedValue(new NetworkError("the step's time was over before it was sent", 'DEADLINE', false));
    expect(await restoreVariable(savedCredentials, sent(0), true)).toEqual({
      done: [],
      remaining: [expect.stringMatching(/time was over before it was sent\. To put it back by hand: PATCH https:/)],
    });
  });
});
