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
/** The moment at which each test begins. */
const NOW = Date.parse('2026-11-24T08:00:10Z');
/** A variable that was written, beside a secret that has been there before. */
const TRACE: PendingVariable = {
  api: API,
  location: { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' },
  value: 'm2morg_2',
  old: 'm2morg_1',
  secret_time: TIME,
  sent_at: NOW,
  unconfirmed_writes: 0,
};
/** The same, where nothing was there before. */
const MADE: PendingVariable = { ...TRACE, old: undefined, secret_time: undefined };
const IN_ENVIRONMENT: PendingVariable = { ...TRACE, location: { ...TRACE.location, environment: 'preview/pr-7' } };
const PATH = '/api/v3/repos/acme/app/actions/variables/A_ID';
const LOST = new NetworkError('socket hang up', 'ECONNRESET', true);
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };

/** Milliseconds since the epoch; pauses pass at once. */
let clock = NOW;
beforeEach(() => {
  clock = NOW;
  jest.spyOn(Date, 'now').mockImplementation(() => clock);
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** What GitHub keeps, and what comes of it at some moment. */
interface Kept {
  value?: string | undefined;
  secret_time?: string | undefined;
  later?: { at: number; value?: string | undefined; secret_time?: string | undefined };
}

/** GitHub with a variable and a secret in it. @param answers by method, instead of those of GitHub */
function fakeGitHub(kept: Kept, answers: Record<string, Partial<HttpResponse> | Error> = {}) {
  let { value, secret_time, later } = kept;
  const transport = new FakeTransport(({ method, url, body }) => {
    if (later && clock >= later.at) ({ value, secret_time, later } = { secret_time, later: undefined, ...later });
    const answer = answers[method];
    if (answer) return answer;
    if (url.pathname.endsWith('/secrets/A_SECRET')) return secret_time ? json({ updated_at: secret_time }) : MISSING;
    if (value === undefined) return MISSING;
    if (method === 'GET') return json({ value, updated_at: TIME });
    value = method === 'DELETE' ? undefined : JSON.parse(body ?? '').value;
    return { status: 204 };
  });
  const pause = jest.spyOn(transport, 'pause').mockImplementation(async (milliseconds) => {
    clock += milliseconds;
  });
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: API, token: 'a' }), TRACE.location);
  const changes = () => transport.sent.filter((sent) => !sent.startsWith('GET '));
  return { vault: savedCredentials, pause, value: () => value, changes };
}

describe('the sentence about a variable that was not put back', () => {
  it.each<[string, PendingVariable, isTrusted: boolean, string]>([
    ['changed', TRACE, true, `PATCH https://ghes.acme.example${PATH} with the value "m2morg_1"`],
    ['made', MADE, true, `DELETE https://ghes.acme.example${PATH}`],
    ['emptied before', { ...TRACE, old: '' }, true, `PATCH https://ghes.acme.example${PATH} with the value ""`],
    // Users send a token to the address, so a state without a valid seal must not name one.
    ["changed, says a state that may be anybody's", TRACE, false, `PATCH ${PATH} with the value "m2morg_1"`],
    ["made, says a state that may be anybody's", MADE, false, `DELETE ${PATH}`],
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

describe('putting a variable back', () => {
  const back = 'Put back variable A_ID of acme/app.';
  const taken = 'The variable A_ID of acme/app stays: another run has saved its pair there.';
  const hidden =
    `Variable A_ID of acme/app may not be what it was: GitHub does not show it, so it may have to be made anew. ` +
    `To put it back by hand: PATCH https://ghes.acme.example${PATH} with the value "m2morg_1"`;

  it.each<
    [
      what: string,
      PendingVariable,
      Kept,
      then: string | undefined,
      told: { done?: string; left?: string },
      changes: number,
    ]
  >([
    ['gives it its former value', TRACE, { value: 'm2morg_2', secret_time: TIME }, 'm2morg_1', { done: back }, 1],
    [
      'gives it its former value, empty as that was',
      { ...TRACE, old: '' },
      { value: 'm2morg_2', secret_time: TIME },
      '',
      { done: back },
      1,
    ],
    [
      'gives it its former value where there never was a secret',
      { ...TRACE, secret_time: undefined },
      { value: 'm2morg_2' },
      'm2morg_1',
      { done: back },
      1,
    ],
    ['deletes it where there was none', MADE, { value: 'm2morg_2' }, undefined, { done: back }, 1],
    [
      'leaves it where another run saved since',
      TRACE,
      { value: 'm2morg_2', secret_time: LATER },
      'm2morg_2',
      { done: taken },
      0,
    ],
    [
      'leaves it where another run saved since for the first time',
      MADE,
      { value: 'm2morg_2', secret_time: TIME },
      'm2morg_2',
      { done: taken },
      0,
    ],
    [
      'gives it its former value where somebody deleted the secret since',
      TRACE,
      { value: 'm2morg_2' },
      'm2morg_1',
      { done: back },
      1,
    ],
    ['leaves what somebody wrote since', TRACE, { value: 'm2morg_3', secret_time: TIME }, 'm2morg_3', {}, 0],
    ['leaves what another run saved since', TRACE, { value: 'm2morg_3', secret_time: LATER }, 'm2morg_3', {}, 0],
    ['leaves what is as it was', TRACE, { value: 'm2morg_1', secret_time: TIME }, 'm2morg_1', {}, 0],
    ['leaves what somebody made since', MADE, { value: 'm2morg_3' }, 'm2morg_3', {}, 0],
    ['leaves nothing where there was nothing', MADE, {}, undefined, {}, 0],
    ['makes none where GitHub shows none, and says so', TRACE, { secret_time: TIME }, undefined, { left: hidden }, 0],
  ])('%s', async (_what, pending, kept, then, { done, left }, changes) => {
    const listed = (text: string | undefined) => (text === undefined ? [] : [text]);
    for (const patient of [true, false]) {
      const github = fakeGitHub(kept);
      expect(await restoreVariable(github.vault, pending, patient)).toEqual({
        done: listed(done),
        remaining: listed(left),
      });
      expect(github.value()).toBe(then);
      expect(github.changes()).toHaveLength(changes);
      expect(github.pause).not.toHaveBeenCalled();
    }
  });

  it.each<[string, PendingVariable, Record<string, Partial<HttpResponse> | Error>]>([
    ['it cannot be read', TRACE, { GET: { status: 403 } }],
    ['it cannot be changed', TRACE, { PATCH: LOST }],
    ['it cannot be deleted', MADE, { DELETE: { status: 403 } }],
  ])('says what is left, and what to do, where %s', async (_what, pending, answers) => {
    const { vault: savedCredentials } = fakeGitHub({ value: 'm2morg_2', secret_time: pending.secret_time }, answers);
    const { done, remaining: left } = await restoreVariable(savedCredentials, pending, false);
    expect(done).toEqual([]);
    expect(left).toEqual([
      expect.stringMatching(
        /^Variable A_ID of acme\/app may not be what it was: Could not \w+ variable A_ID .*[^.]\. To put it back by hand: (PATCH|DELETE) https:/,
      ),
    ]);
  });
});

describe('a variable that GitHub may still write', () => {
  const sent = (age: number, pending = TRACE): PendingVariable => ({
    ...pending,
    sent_at: NOW - age,
    unconfirmed_writes: 1,
  });
  const unsure = 'GitHub may still write variable A_ID of acme/app. The post step looks again.';
  const before: Kept = { value: 'm2morg_1', secret_time: TIME };

  it.each<[what: string, PendingVariable, Kept]>([
    ['has its former value', TRACE, before],
    ['is not there, as before', MADE, {}],
    ['has a value of somebody else', TRACE, { value: 'm2morg_3', secret_time: TIME }],
  ])('is left to the post step for 15 seconds, where it %s', async (_what, pending, kept) => {
    for (const age of [0, 14_999]) {
      const { vault: savedCredentials, pause, changes } = fakeGitHub(kept);
      expect(await restoreVariable(savedCredentials, sent(age, pending), false)).toEqual({
        done: [unsure],
        remaining: [],
        pending: true,
      });
      expect([pause.mock.calls.length, changes().length]).toEqual([0, 0]);
    }
    for (const age of [15_000, 3_600_000])
      expect(await restoreVariable(fakeGitHub(kept).vault, sent(age, pending), false)).toEqual({
        done: [],
        remaining: [],
      });
  });

  it('is put back at once where it is written', async () => {
    for (const patient of [true, false]) {
      const { vault: savedCredentials, value } = fakeGitHub({ value: 'm2morg_2', secret_time: TIME });
      expect(await restoreVariable(savedCredentials, sent(0), patient)).toMatchObject({
        done: [expect.stringMatching(/^Put back /)],
      });
      expect(value()).toBe('m2morg_1');
    }
  });

  it('is not waited for where GitHub shows it no more', async () => {
    const { vault: savedCredentials, pause } = fakeGitHub({ secret_time: TIME });
    expect(await restoreVariable(savedCredentials, sent(0), true)).toMatchObject({
      done: [],
      remaining: [expect.any(String)],
    });
    expect(pause).not.toHaveBeenCalled();
  });

  it.each<
    [what: string, trace: PendingVariable, Kept, after: number, then: string | undefined, done: RegExp | undefined]
  >([
    ['put back', TRACE, { ...before, later: { at: NOW + 9000, value: 'm2morg_2' } }, 9000, 'm2morg_1', /^Put back /],
    ['deleted', MADE, { later: { at: NOW + 3000, value: 'm2morg_2' } }, 3000, undefined, /^Put back /],
    [
      "left where it comes with another run's secret",
      TRACE,
      { ...before, later: { at: NOW + 3000, value: 'm2morg_2', secret_time: LATER } },
      3000,
      'm2morg_2',
      /another run has saved/,
    ],
    ['looked for to the end', TRACE, before, 15_000, 'm2morg_1', undefined],
    ['looked for to the end, where there was none', MADE, {}, 15_000, undefined, undefined],
  ])('is waited for by the post step, and %s', async (_what, pending, kept, after, then, done) => {
    const { vault: savedCredentials, pause, value } = fakeGitHub(kept);
    const outcome = await restoreVariable(savedCredentials, sent(0, pending), true);
    expect(outcome).toEqual({ done: done ? [expect.stringMatching(done)] : [], remaining: [] });
    expect(value()).toBe(then);
    expect(clock - NOW).toBe(after);
    expect(pause.mock.calls).toHaveLength(after / 1000);
  });

  it('is put back again where it was sent twice, and comes twice', async () => {
    const { vault: savedCredentials, value } = fakeGitHub({
      value: 'm2morg_2',
      secret_time: TIME,
      later: { at: NOW + 3000, value: 'm2morg_2', secret_time: TIME },
    });
    const { done, remaining: left } = await restoreVariable(
      savedCredentials,
      { ...sent(0), unconfirmed_writes: 2 },
      true,
    );
    expect([done.length, left, value(), clock - NOW]).toEqual([2, [], 'm2morg_1', 3000]);
  });

  it('is not waited for any longer where the clock was set back', async () => {
    const { vault: savedCredentials } = fakeGitHub(before);
    expect(await restoreVariable(savedCredentials, sent(-3_600_000), true)).toEqual({ done: [], remaining: [] });
    expect(clock - NOW).toBe(15_000);
  });

  it('is named where the time of the step does not last', async () => {
    const { vault: savedCredentials, pause } = fakeGitHub(before);
    pause.mockRejectedValue(new NetworkError("the step's time was over before it was sent", 'DEADLINE', false));
    expect(await restoreVariable(savedCredentials, sent(0), true)).toEqual({
      done: [],
      remaining: [expect.stringMatching(/time was over before it was sent\. To put it back by hand: PATCH https:/)],
    });
  });
});
