import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials } from '../../../src/github/saved-credentials.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import { Journal } from '../../../src/undo/journal.ts';
import type { PendingState } from '../../../src/undo/pending.ts';
import { cancellationError, rollBack } from '../../../src/undo/roll-back.ts';
import {
  BLANK_STATE,
  client,
  FakeTransport,
  json,
  MISSING,
  PENDING_CLIENT,
  PENDING_SECRET,
  PENDING_VARIABLES,
  SAVED,
} from '../fixtures.ts';

const { api: API, location: LOCATION, written: WRITTEN } = PENDING_VARIABLES;
const FORMER = { A_ID: SAVED.client_id, A_STATE: SAVED.state };
const CHANGED: Record<string, string> = { A_ID: WRITTEN.client_id, A_STATE: WRITTEN.state };

/**
 * Returns saved credentials in a GitHub that contains both variables as this step wrote them, and no secret.
 * @param responses by method. They replace those of GitHub
 */
function fakeGitHub(responses: Record<string, Partial<FinalResponse> | Error> = {}) {
  const values = { ...CHANGED };
  const transport = new FakeTransport(({ method, url, body }) => {
    const response = responses[method];
    if (response) return response;
    const name = url.pathname.split('/').at(-1) ?? '';
    if (!(name in values)) return MISSING;
    if (method === 'GET') return json({ value: values[name], updated_at: SAVED.stateTime });
    values[name] = JSON.parse(body ?? '').value;
    return { status: 204 };
  });
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: API, token: 'a' }), LOCATION);
  return { transport, savedCredentials, values };
}

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('rollBack after the variables were written', () => {
  const failure = new Error('Because.');
  const scalekit = new Scalekit(new FakeTransport(() => MISSING), BLANK_STATE.origin, 'org_1');
  const journalOf = (state: Partial<PendingState>) => new Journal({ ...BLANK_STATE, ...state }, 'secret', undefined);
  const variables = { ...PENDING_VARIABLES, before: { ...SAVED, secretTime: undefined } };

  it('restores the variables if the step fails, and leaves no variables to the post step', async () => {
    const journal = journalOf({ variables });
    const { savedCredentials, values } = fakeGitHub();
    const error = await rollBack(scalekit, savedCredentials, journal, failure);
    expect(error).toMatchObject({
      message: 'Because.\nRestored variable A_ID of acme/app.\nRestored variable A_STATE of acme/app.',
      cause: failure,
    });
    expect(values).toEqual(FORMER);
    expect(journal.state.variables).toBeUndefined();
  });

  it('restores the variables before it removes the client that they name', async () => {
    const { savedCredentials, transport } = fakeGitHub();
    const journal = journalOf({ variables, client: { sent_at: 1, sent_again: false, id: 'm2morg_2' } });
    await rollBack(new Scalekit(transport, BLANK_STATE.origin, 'org_1'), savedCredentials, journal, failure);
    const sent = transport.sent.map((call) => call.replace(/ .*\//, ' '));
    expect(sent.slice(3)).toEqual(['PATCH A_ID', 'PATCH A_STATE', 'GET m2morg_2']);
  });

  it('leaves the variables to the post step if roll-back cannot restore them', async () => {
    const journal = journalOf({ variables });
    const { savedCredentials } = fakeGitHub({ PATCH: { status: 403 } });
    const error = await rollBack(scalekit, savedCredentials, journal, failure);
    expect(error).toMatchObject({ message: expect.stringContaining('To restore them by hand: PATCH ') });
    expect(journal.state.variables).toEqual(variables);
  });

  it('leaves only the variables to the post step if roll-back has removed everything else', async () => {
    const journal = journalOf({ variables, client: { ...PENDING_CLIENT, sent_at: 1 }, secret: PENDING_SECRET });
    const { savedCredentials } = fakeGitHub({ PATCH: { status: 403 } });
    await rollBack(scalekit, savedCredentials, journal, failure);
    expect(journal.state).toMatchObject({ variables, client: undefined, secret: undefined });
  });

  it('says that the state was not restored, and leaves no variables to the post step, if another run wrote it since', async () => {
    const journal = journalOf({ variables: { ...variables, written: { ...WRITTEN, state: 'mine' } } });
    const { savedCredentials, values } = fakeGitHub();
    expect(await rollBack(scalekit, savedCredentials, journal, failure)).toMatchObject({
      message: expect.stringMatching(/^Because\.\nRestored variable A_ID .*\nNot restored: variable A_STATE /),
    });
    expect(journal.state.variables).toBeUndefined();
    expect(values).toEqual({ ...CHANGED, A_ID: SAVED.client_id });
  });

  it('cancellationError says that the post step removes what this step created', () => {
    expect(cancellationError(journalOf({ variables }), failure).message).toBe(
      'Because.\nThe post step removes what this step created.',
    );
    expect(cancellationError(journalOf({}), failure).message).toBe('Because.');
  });

  it('cancellationError names the updated fields and what cannot be undone', () => {
    const journal = journalOf({});
    journal.pendingUpdate = { before: client(), fields: { name: 'a' } };
    journal.irreversible.push('Secret sks_0 cannot be brought back.');
    expect(cancellationError(journal, failure).message).toBe(
      'Because.\nClient m2morg_1 may still have updated fields: name.\nSecret sks_0 cannot be brought back.',
    );
  });
});

describe('rollBack after a client was updated', () => {
  const failure = new Error('Because.');
  const { descriptionText: _, marker: __, create_time: ___, secrets, ...BEFORE } = client();
  const KNOWN = secrets.map(({ id }) => ({ id }));
  const MAY_STAY = 'Client m2morg_1 may still have updated fields: name.';

  /** Rolls back an update of the client's name. @param secretIds ids of the secrets that the client has in addition */
  async function rollBackUpdate(
    state: Partial<PendingState>,
    secretIds: string[],
    remove: Partial<FinalResponse> = {},
  ) {
    let now = { ...BEFORE, name: 'Other', secrets: [...KNOWN, ...secretIds.map((id) => ({ id }))] };
    const transport = new FakeTransport(({ method, body = '' }) => {
      if (method === 'DELETE') return remove;
      if (method === 'PATCH') now = { ...now, ...JSON.parse(body) };
      return json({ client: now });
    });
    const journal = new Journal({ ...BLANK_STATE, ...state }, 'secret', undefined);
    journal.pendingUpdate = { before: client(), fields: { name: 'Other' } };
    const error = await rollBack(new Scalekit(transport, BLANK_STATE.origin, 'org_1'), undefined, journal, failure);
    const methods = transport.requests.map(({ method }) => method);
    return { lines: (error as Error).message.split('\n'), methods, name: now.name };
  }

  it('restores the former fields of a client that has no secret of another run', async () => {
    expect(await rollBackUpdate({}, [])).toEqual({
      lines: ['Because.', 'Restored: name of client m2morg_1.'],
      methods: ['GET', 'PATCH'],
      name: BEFORE.name,
    });
  });

  it('keeps the updated fields of a client to which another run may have added a secret', async () => {
    expect(await rollBackUpdate({}, ['sks_8'])).toEqual({
      lines: ['Because.', `${MAY_STAY} It has a secret that may be another run's.`],
      methods: ['GET'],
      name: 'Other',
    });
  });

  it('keeps the updated fields, by which the post step finds the client, if the added secret cannot be deleted', async () => {
    const nonce = client().marker?.nonce ?? '';
    const added = { ...PENDING_SECRET, client_id: 'm2morg_1', nonce, known_ids: [], id: 'sks_9' };
    const { lines, methods } = await rollBackUpdate({ secret: added }, ['sks_9'], { status: 403 });
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^A secret of this step on client m2morg_1 may be left over: .*\/secrets\/sks_9$/),
      MAY_STAY,
    ]);
    expect(methods).toEqual(['GET', 'DELETE']);
  });
});
