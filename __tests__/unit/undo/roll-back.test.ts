import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials } from '../../../src/github/saved-credentials.ts';
import type { HttpResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import { Journal, type PendingState, type PendingVariable } from '../../../src/undo/journal.ts';
import { cancellationError, rollBack } from '../../../src/undo/roll-back.ts';
import { FakeTransport, json } from '../fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const TRACE: PendingVariable = {
  api: API,
  location: { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' },
  value: 'm2morg_2',
  old: 'm2morg_1',
  sent_at: 1,
  unconfirmed_writes: 0,
};
const NO = { status: 404, ...json({ message: 'Not Found' }) };

/** GitHub with a variable in it, and no secret. */
function fakeGitHub(value: string, answers: Record<string, Partial<HttpResponse> | Error> = {}) {
  let now = value;
  const transport = new FakeTransport(({ method, url, body }) => {
    const answer = answers[method];
    if (answer) return answer;
    if (url.pathname.includes('/secrets/')) return NO;
    if (method === 'GET') return json({ value: now, updated_at: '2026-11-24T08:00:00Z' });
    now = JSON.parse(body ?? '').value;
    return { status: 204 };
  });
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: API, token: 'a' }), TRACE.location);
  return { vault: savedCredentials, value: () => now };
}

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('a step that failed after it wrote a variable', () => {
  const BLANK: PendingState = {
    origin: 'https://acme.scalekit.com',
    organization_id: 'org_1',
    nonce: 'nonce_789-123456',
    run: '1.1',
    lifetime: 'persistent',
  };
  const failure = new Error('Because.');
  const scalekit = new Scalekit(new FakeTransport(() => NO), BLANK.origin, 'org_1');
  const journal = (state: Partial<PendingState>) => new Journal({ ...BLANK, ...state }, 'secret');

  it('puts it back, and then has nothing to leave to the post step', async () => {
    const [own, { vault: savedCredentials, value }] = [journal({ variable: TRACE }), fakeGitHub('m2morg_2')];
    const error = await rollBack(scalekit, savedCredentials, own, failure);
    expect(error).toMatchObject({ message: 'Because.\nPut back variable A_ID of acme/app.', cause: failure });
    expect(value()).toBe('m2morg_1');
    expect(own.state.variable).toBeUndefined();
  });

  it('puts it back before it looks for the client that it names', async () => {
    const { vault: savedCredentials } = fakeGitHub('m2morg_2');
    const transport = savedCredentials.transport as FakeTransport;
    const own = journal({ variable: TRACE, client: { sent_at: 1, sent_again: false, id: 'm2morg_2' } });
    await rollBack(new Scalekit(transport, BLANK.origin, 'org_1'), savedCredentials, own, failure);
    const sent = transport.sent.map((call) => call.replace(/ .*\//, ' '));
    expect(sent.slice(2)).toEqual(['PATCH A_ID', 'GET m2morg_2']);
  });

  it('leaves it to the post step where it cannot', async () => {
    const own = journal({ variable: TRACE });
    const error = await rollBack(scalekit, fakeGitHub('m2morg_2', { PATCH: { status: 403 } }).vault, own, failure);
    expect(error).toMatchObject({ message: expect.stringContaining('To put it back by hand: PATCH ') });
    expect(own.state.variable).toEqual(TRACE);
  });

  it('leaves it, and it alone, to the post step where GitHub may still write it', async () => {
    const variable: PendingVariable = { ...TRACE, sent_at: Date.now(), unconfirmed_writes: 1 };
    const secret = {
      client_id: 'm2morg_2',
      key: 'key_56789-123456',
      known_ids: [],
      outcome_unknown: false,
      id: 'sks_1',
    };
    const own = journal({ variable, secret });
    const error = await rollBack(scalekit, fakeGitHub('m2morg_1').vault, own, failure);
    expect(error).toMatchObject({
      message: 'Because.\nGitHub may still write variable A_ID of acme/app. The post step looks again.',
    });
    expect(own.state).toMatchObject({ variable, secret: undefined });
    // Once it was written, there is nothing to wait for.
    const known = journal({ variable: TRACE });
    expect(await rollBack(scalekit, fakeGitHub('m2morg_1').vault, known, failure)).toBe(failure);
    expect(known.state.variable).toBeUndefined();
  });

  it('says so where it is cancelled, and touches nothing', () => {
    expect(cancellationError(journal({ variable: TRACE }), failure).message).toBe(
      'Because.\nThe post step removes what this step made.',
    );
    expect(cancellationError(journal({}), failure).message).toBe('Because.');
  });
});
