import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../src/github/api.ts';
import { Vault } from '../../src/github/vault.ts';
import type { Answer } from '../../src/http.ts';
import { Scalekit } from '../../src/scalekit/api.ts';
import { Journal, type State, type VariableTrace } from '../../src/state.ts';
import { leave, undo } from '../../src/undo.ts';
import { FakeTransport, json } from './fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TRACE: VariableTrace = {
  api: API,
  place: { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' },
  value: 'm2morg_2',
  old: 'm2morg_1',
  sent_at: 1,
  late: 0,
};
const NO = { status: 404, ...json({ message: 'Not Found' }) };

/** GitHub with a variable in it, and no secret. */
function fakeGitHub(value: string, answers: Record<string, Partial<Answer> | Error> = {}) {
  let now = value;
  const transport = new FakeTransport(({ method, url, body }) => {
    const answer = answers[method];
    if (answer) return answer;
    if (url.pathname.includes('/secrets/')) return NO;
    if (method === 'GET') return json({ value: now, updated_at: '2026-11-24T08:00:00Z' });
    now = JSON.parse(body ?? '').value;
    return { status: 204 };
  });
  const vault = new Vault(new GitHub(transport, { api: API, token: 'a' }), TRACE.place);
  return { vault, value: () => now };
}

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
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

  it('puts it back before it looks for the client that it names', async () => {
    const { vault } = fakeGitHub('m2morg_2');
    const transport = vault.transport as FakeTransport;
    const own = journal({ variable: TRACE, client: { sent_at: 1, again: false, id: 'm2morg_2' } });
    await undo(new Scalekit(transport, BLANK.origin, 'org_1'), vault, own, failure);
    const sent = transport.sent.map((call) => call.replace(/ .*\//, ' '));
    expect(sent.slice(2)).toEqual(['PATCH A_ID', 'GET m2morg_2']);
  });

  it('leaves it to the post step where it cannot', async () => {
    const own = journal({ variable: TRACE });
    const error = await undo(scalekit, fakeGitHub('m2morg_2', { PATCH: { status: 403 } }).vault, own, failure);
    expect(error).toMatchObject({ message: expect.stringContaining('To put it back by hand: PATCH ') });
    expect(own.state.variable).toEqual(TRACE);
  });

  it('leaves it, and it alone, to the post step where GitHub may still write it', async () => {
    const variable: VariableTrace = { ...TRACE, sent_at: Date.now(), late: 1 };
    const secret = { client_id: 'm2morg_2', key: 'key_56789-123456', seen: [], lost: false, id: 'sks_1' };
    const own = journal({ variable, secret });
    const error = await undo(scalekit, fakeGitHub('m2morg_1').vault, own, failure);
    expect(error).toMatchObject({
      message: 'Because.\nGitHub may still write variable A_ID of acme/app. The post step looks again.',
    });
    expect(own.state).toMatchObject({ variable, secret: undefined });
    // Once it was written, there is nothing to wait for.
    const known = journal({ variable: TRACE });
    expect(await undo(scalekit, fakeGitHub('m2morg_1').vault, known, failure)).toBe(failure);
    expect(known.state.variable).toBeUndefined();
  });

  it('says so where it is cancelled, and touches nothing', () => {
    expect(leave(journal({ variable: TRACE }), failure).message).toBe(
      'Because.\nThe post step removes what this step made.',
    );
    expect(leave(journal({}), failure).message).toBe('Because.');
  });
});
