import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials } from '../../../src/github/saved-credentials.ts';
import type { HttpResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import { Journal, type PendingState, type PendingVariable } from '../../../src/undo/journal.ts';
import { cancellationError, rollBack } from '../../../src/undo/roll-back.ts';
import { FakeTransport, json } from '../fixtures.ts';

const API = 'https://ghes.acme.example/api/v3';
const VARIABLE: PendingVariable = {
  api: API,
  location: { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' },
  value: 'm2morg_2',
  old: 'm2morg_1',
  sent_at: 1,
  unconfirmed_writes: 0,
};
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };

/**
 * Returns saved credentials in a GitHub that contains a variable, and no secret.
 * @param responses by method. They replace those of GitHub
 */
function fakeGitHub(initialValue: string, responses: Record<string, Partial<HttpResponse> | Error> = {}) {
  let value = initialValue;
  const transport = new FakeTransport(({ method, url, body }) => {
    const response = responses[method];
    if (response) return response;
    if (url.pathname.includes('/secrets/')) return MISSING;
    if (method === 'GET') return json({ value, updated_at: '2026-11-24T08:00:00Z' });
    value = JSON.parse(body ?? '').value;
    return { status: 204 };
  });
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: API, token: 'a' }), VARIABLE.location);
  return { savedCredentials, value: () => value };
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
  const scalekit = new Scalekit(new FakeTransport(() => MISSING), BLANK.origin, 'org_1');
  const journalOf = (state: Partial<PendingState>) => new Journal({ ...BLANK, ...state }, 'secret');

  it('puts it back, and then has nothing to leave to the post step', async () => {
    const [journal, { savedCredentials, value }] = [journalOf({ variable: VARIABLE }), fakeGitHub('m2morg_2')];
    const error = await rollBack(scalekit, savedCredentials, journal, failure);
    expect(error).toMatchObject({ message: 'Because.\nPut back variable A_ID of acme/app.', cause: failure });
    expect(value()).toBe('m2morg_1');
    expect(journal.state.variable).toBeUndefined();
  });

  it('puts it back before it looks for the client that it names', async () => {
    const { savedCredentials } = fakeGitHub('m2morg_2');
    const transport = savedCredentials.transport as FakeTransport;
    const journal = journalOf({ variable: VARIABLE, client: { sent_at: 1, sent_again: false, id: 'm2morg_2' } });
    await rollBack(new Scalekit(transport, BLANK.origin, 'org_1'), savedCredentials, journal, failure);
    const sent = transport.sent.map((call) => call.replace(/ .*\//, ' '));
    expect(sent.slice(2)).toEqual(['PATCH A_ID', 'GET m2morg_2']);
  });

  it('leaves it to the post step if it cannot', async () => {
    const journal = journalOf({ variable: VARIABLE });
    const { savedCredentials } = fakeGitHub('m2morg_2', { PATCH: { status: 403 } });
    const error = await rollBack(scalekit, savedCredentials, journal, failure);
    expect(error).toMatchObject({ message: expect.stringContaining('To put it back by hand: PATCH ') });
    expect(journal.state.variable).toEqual(VARIABLE);
  });

  it('leaves it, and it alone, to the post step if GitHub may still write it', async () => {
    const variable: PendingVariable = { ...VARIABLE, sent_at: Date.now(), unconfirmed_writes: 1 };
    const secret = {
      client_id: 'm2morg_2',
      key: 'key_56789-123456',
      known_ids: [],
      outcome_unknown: false,
      id: 'sks_1',
    };
    const journal = journalOf({ variable, secret });
    const error = await rollBack(scalekit, fakeGitHub('m2morg_1').savedCredentials, journal, failure);
    expect(error).toMatchObject({
      message: 'Because.\nGitHub may still write variable A_ID of acme/app. The post step looks again.',
    });
    expect(journal.state).toMatchObject({ variable, secret: undefined });
    // If no write is unconfirmed, there is nothing to wait for.
    const confirmed = journalOf({ variable: VARIABLE });
    expect(await rollBack(scalekit, fakeGitHub('m2morg_1').savedCredentials, confirmed, failure)).toBe(failure);
    expect(confirmed.state.variable).toBeUndefined();
  });

  it('says so if it is cancelled, and changes nothing', () => {
    expect(cancellationError(journalOf({ variable: VARIABLE }), failure).message).toBe(
      'Because.\nThe post step removes what this step made.',
    );
    expect(cancellationError(journalOf({}), failure).message).toBe('Because.');
  });
});
