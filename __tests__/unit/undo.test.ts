import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../src/github/api.ts';
import { Vault } from '../../src/github/vault.ts';
import { type Answer, NetworkError } from '../../src/http.ts';
import { Scalekit } from '../../src/scalekit/api.ts';
import { Journal, type State, type VariableTrace } from '../../src/state.ts';
import { type Doubt, leave, putBack, undo, variableLeft } from '../../src/undo.ts';
import { FakeTransport, json } from './fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TRACE: VariableTrace = {
  api: API,
  place: { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' },
  value: 'm2morg_2',
  old: 'm2morg_1',
};
const MADE: VariableTrace = { ...TRACE, old: undefined };
const IN_ENVIRONMENT: VariableTrace = { ...TRACE, place: { ...TRACE.place, environment: 'preview/pr-7' } };
const PATH = '/api/v3/repos/acme/app/actions/variables/A_ID';
const LOST = new NetworkError('socket hang up', 'ECONNRESET', true);
const NO = { status: 404, ...json({ message: 'Not Found' }) };

/** GitHub with a variable in it. */
function fakeGitHub(value: string | undefined, answers: Record<string, Partial<Answer> | Error> = {}) {
  let now = value;
  const transport = new FakeTransport(({ method, body }) => {
    const answer = answers[method];
    if (answer) return answer;
    if (now === undefined && method !== 'POST') return NO;
    if (method === 'GET') return json({ value: now });
    now = method === 'DELETE' ? undefined : JSON.parse(body ?? '').value;
    return { status: 204 };
  });
  const vault = new Vault(new GitHub(transport, { api: API, token: 'a' }), TRACE.place);
  return { transport, vault, value: () => now };
}

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('the sentence about a variable that was not put back', () => {
  it.each<[string, VariableTrace, Doubt, string]>([
    ['changed', TRACE, undefined, `PATCH https://ghes.acme.example${PATH} with the value "m2morg_1"`],
    ['made', MADE, undefined, `DELETE https://ghes.acme.example${PATH}`],
    ['emptied before', { ...TRACE, old: '' }, undefined, `PATCH https://ghes.acme.example${PATH} with the value ""`],
    // Nobody is to send a token to an address that a state without a seal names.
    ["changed, says a state that may be anybody's", TRACE, 'state', `PATCH ${PATH} with the value "m2morg_1"`],
    ["made, says a state that may be anybody's", MADE, 'state', `DELETE ${PATH}`],
  ])('has the call that does it: %s', (_what, trace, doubt, call) => {
    expect(variableLeft(trace, 'github_token is not there any more', doubt)).toBe(
      `Variable A_ID of acme/app may not be what it was: github_token is not there any more. To put it back by hand: ${call}`,
    );
  });

  it('names an environment, encoded in the address, and ends no sentence twice', () => {
    expect(variableLeft(IN_ENVIRONMENT, 'Could not read it: HTTP 403.')).toBe(
      'Variable A_ID of environment "preview/pr-7" of acme/app may not be what it was: Could not read it: HTTP 403. To put it back by hand: PATCH https://ghes.acme.example/api/v3/repos/acme/app/environments/preview%2Fpr-7/variables/A_ID with the value "m2morg_1"',
    );
  });
});

describe('putting a variable back', () => {
  it.each<[what: string, VariableTrace, now: string | undefined, then: string | undefined, done: boolean]>([
    ['gives it its former value', TRACE, 'm2morg_2', 'm2morg_1', true],
    ['gives it its former value, empty as that was', { ...TRACE, old: '' }, 'm2morg_2', '', true],
    ['deletes it where there was none', MADE, 'm2morg_2', undefined, true],
    ['leaves what somebody wrote since', TRACE, 'm2morg_3', 'm2morg_3', false],
    ['leaves what is as it was', TRACE, 'm2morg_1', 'm2morg_1', false],
    ['makes none where somebody deleted it', TRACE, undefined, undefined, false],
    ['leaves what somebody made since', MADE, 'm2morg_3', 'm2morg_3', false],
  ])('%s', async (_what, trace, now, then, done) => {
    const { transport, vault, value } = fakeGitHub(now);
    expect(await putBack(vault, trace)).toEqual({
      done: done ? ['Put back variable A_ID of acme/app.'] : [],
      left: [],
    });
    expect(value()).toBe(then);
    expect(transport.calls).toHaveLength(done ? 2 : 1);
  });

  it.each<[string, VariableTrace, Record<string, Partial<Answer> | Error>]>([
    ['it cannot be read', TRACE, { GET: { status: 403 } }],
    ['it cannot be changed', TRACE, { PATCH: LOST }],
    ['it cannot be deleted', MADE, { DELETE: { status: 403 } }],
  ])('says what is left, and what to do, where %s', async (_what, trace, answers) => {
    const { done, left } = await putBack(fakeGitHub('m2morg_2', answers).vault, trace);
    expect(done).toEqual([]);
    expect(left).toEqual([
      expect.stringMatching(
        /^Variable A_ID of acme\/app may not be what it was: Could not \w+ variable A_ID .*[^.]\. To put it back by hand: (PATCH|DELETE) https:/,
      ),
    ]);
  });
});

describe('a step that failed after it wrote a variable', () => {
  const BLANK: State = {
    origin: 'https://acme.scalekit.com',
    organization_id: 'org_1',
    nonce: 'nonce_789-123456',
    run: '1.1',
    lifetime: 'persistent',
  };
  const failure = new Error('Because.');
  const scalekit = new Scalekit(new FakeTransport(() => NO), BLANK.origin, 'org_1');
  const journal = (state: Partial<State>) => new Journal({ ...BLANK, ...state }, 'secret');

  it('puts it back, and then has nothing to leave to the post step', async () => {
    const [own, { vault, value }] = [journal({ variable: TRACE }), fakeGitHub('m2morg_2')];
    const error = await undo(scalekit, vault, own, failure);
    expect(error).toMatchObject({ message: 'Because.\nPut back variable A_ID of acme/app.', cause: failure });
    expect(value()).toBe('m2morg_1');
    expect(own.state.variable).toBeUndefined();
  });

  it('leaves it to the post step where it cannot', async () => {
    const own = journal({ variable: TRACE });
    const error = await undo(scalekit, fakeGitHub('m2morg_2', { PATCH: { status: 403 } }).vault, own, failure);
    expect(error).toMatchObject({ message: expect.stringContaining('To put it back by hand: PATCH ') });
    expect(own.state.variable).toEqual(TRACE);
  });

  it('says so where it is cancelled, and touches nothing', () => {
    expect(leave(journal({ variable: TRACE }), failure).message).toBe(
      'Because.\nThe post step removes what this step made.',
    );
    expect(leave(journal({}), failure).message).toBe('Because.');
  });
});
