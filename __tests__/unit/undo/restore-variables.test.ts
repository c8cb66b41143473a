import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials, type SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import type { PendingVariables } from '../../../src/undo/pending.ts';
import { restoreVariables, variablesNotRestored } from '../../../src/undo/restore-variables.ts';
import { FakeTransport, json, MISSING, NO_RESPONSE, NOTHING_SAVED, PENDING_VARIABLES, SAVED } from '../fixtures.ts';

const { api: API, location: LOCATION, written: WRITTEN } = PENDING_VARIABLES;
const ACTIONS = `${API}/repos/acme/app/actions`;
const LATER = '2026-11-24T08:00:09Z';
/** Variables that replaced those of an earlier run, whose secret existed before. */
const CHANGED = PENDING_VARIABLES;
/** Variables that were created. Nothing was saved before. */
const CREATED: PendingVariables = { ...PENDING_VARIABLES, before: NOTHING_SAVED };

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

type Responses = Record<string, Partial<FinalResponse> | Error>;

/**
 * Returns saved credentials in a GitHub that contains these values.
 * @param responses by method and last part of the path. They replace those of GitHub
 */
function fakeGitHub(content: SavedSnapshot, responses: Responses = {}) {
  const values = new Map([
    [LOCATION.id_variable, content.client_id],
    [LOCATION.state_variable, content.state],
  ]);
  const transport = new FakeTransport(({ method, url, body }) => {
    const name = url.pathname.split('/').at(-1) ?? '';
    const response = responses[`${method} ${name}`];
    if (response) return response;
    if (name === LOCATION.secret) return content.secretTime ? json({ updated_at: content.secretTime }) : MISSING;
    const value = values.get(name);
    if (method === 'GET') return value === undefined ? MISSING : json({ value, updated_at: SAVED.stateTime });
    if (method === 'POST') return { status: 409 };
    if (value === undefined) return MISSING;
    values.set(name, method === 'DELETE' ? undefined : JSON.parse(body ?? '').value);
    return { status: 204 };
  });
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: API, token: 'a' }), LOCATION);
  return {
    savedCredentials,
    transport,
    /** The values of the variables now. */
    values: () => ({
      client_id: values.get(LOCATION.id_variable),
      state: values.get(LOCATION.state_variable),
    }),
    /** The requests that change something, in order. */
    changes: () =>
      transport.requests
        .filter(({ method }) => method !== 'GET')
        .map(({ method, url }) => `${method} ${url.pathname.split('/').at(-1)}`),
  };
}

const RESTORED = { client_id: SAVED.client_id, state: SAVED.state };
const DELETED = { client_id: undefined, state: undefined };
const RESTORED_ID = 'Restored variable A_ID of acme/app.';
const RESTORED_STATE = 'Restored variable A_STATE of acme/app.';

describe('restoreVariables', () => {
  /** Restores the variables if GitHub has this content, and checks that all of it can be done. */
  async function restore(pending: PendingVariables, content: SavedSnapshot) {
    const github = fakeGitHub(content);
    const result = await restoreVariables(github.savedCredentials, pending);
    expect(result).toMatchObject({ remaining: [], canRetry: false });
    return { done: result.done, changes: github.changes(), values: github.values() };
  }

  it.each<[why: string, pending: PendingVariables, secretTime: string | undefined]>([
    ['the secret is unchanged', CHANGED, SAVED.secretTime],
    ['there was no secret, and still is none', { ...CHANGED, before: { ...SAVED, secretTime: undefined } }, undefined],
    ['the secret was deleted since', CHANGED, undefined],
  ])('restoreVariables restores both variables, the state last, if %s', async (_why, pending, secretTime) => {
    expect(await restore(pending, { ...WRITTEN, secretTime })).toEqual({
      done: [RESTORED_ID, RESTORED_STATE],
      changes: ['PATCH A_ID', 'PATCH A_STATE'],
      values: RESTORED,
    });
  });

  it('restoreVariables restores values that were empty', async () => {
    const empty = { client_id: '', state: '' };
    const pending = { ...CHANGED, before: { ...SAVED, ...empty } };
    expect(await restore(pending, { ...WRITTEN, secretTime: SAVED.secretTime })).toEqual({
      done: [RESTORED_ID, RESTORED_STATE],
      changes: ['PATCH A_ID', 'PATCH A_STATE'],
      values: empty,
    });
  });

  it('restoreVariables deletes both variables, the state last, if neither existed before', async () => {
    expect(await restore(CREATED, { ...WRITTEN, secretTime: undefined })).toEqual({
      done: [RESTORED_ID, RESTORED_STATE],
      changes: ['DELETE A_ID', 'DELETE A_STATE'],
      values: DELETED,
    });
  });

  it.each<[why: string, pending: PendingVariables, client_id: string | undefined]>([
    ['this step has not written the id', CHANGED, SAVED.client_id],
    [
      'the id is the same before and after',
      { ...CHANGED, before: { ...SAVED, client_id: WRITTEN.client_id } },
      WRITTEN.client_id,
    ],
    ['the id has another value since', CHANGED, 'm2morg_9'],
  ])('restoreVariables restores only the state if %s', async (_why, pending, client_id) => {
    expect(await restore(pending, { ...WRITTEN, client_id, secretTime: SAVED.secretTime })).toEqual({
      done: [RESTORED_STATE],
      changes: ['PATCH A_STATE'],
      values: { ...RESTORED, client_id },
    });
  });

  it('restoreVariables deletes only the state if this step has not created the id', async () => {
    expect(await restore(CREATED, { ...WRITTEN, client_id: undefined, secretTime: undefined })).toEqual({
      done: [RESTORED_STATE],
      changes: ['DELETE A_STATE'],
      values: DELETED,
    });
  });

  it.each<[why: string, pending: PendingVariables, content: SavedSnapshot]>([
    ['another run wrote the secret since', CHANGED, { ...WRITTEN, secretTime: LATER }],
    ['another run wrote the first secret since', CREATED, { ...WRITTEN, secretTime: LATER }],
    ['this step has not written the state', CHANGED, SAVED],
    ['nothing is saved', CREATED, NOTHING_SAVED],
  ])('restoreVariables changes nothing if %s', async (_why, pending, content) => {
    const { client_id, state } = content;
    expect(await restore(pending, content)).toEqual({ done: [], changes: [], values: { client_id, state } });
  });

  it.each<[what: string, state: string | undefined]>([
    ['wrote', SAVED.state.replace('sks_1', 'sks_5')],
    ['deleted', undefined],
  ])(
    'restoreVariables restores only the id, and names the state, if another run %s the state since',
    async (_what, state) => {
      const github = fakeGitHub({ ...WRITTEN, state, secretTime: SAVED.secretTime });
      expect(await restoreVariables(github.savedCredentials, CHANGED)).toEqual({
        done: [RESTORED_ID],
        remaining: [expect.stringMatching(/^Not restored: variable A_STATE of acme\/app\. It was changed since/)],
        canRetry: false,
      });
      expect(github.changes()).toEqual(['PATCH A_ID']);
      expect(github.values()).toEqual({ ...RESTORED, state });
    },
  );

  it('restoreVariables reads the saved credentials once and does not wait', async () => {
    const { savedCredentials, transport } = fakeGitHub({ ...SAVED });
    const wait = jest.spyOn(transport, 'wait');
    await restoreVariables(savedCredentials, CHANGED);
    expect(wait).not.toHaveBeenCalled();
    expect(transport.sent).toHaveLength(3);
  });

  it.each<{ what: string; pending: PendingVariables; responses: Responses; changes: string[]; done: string[] }>([
    {
      what: 'the state cannot be read',
      pending: CHANGED,
      responses: { 'GET A_STATE': { status: 403 } },
      changes: [],
      done: [],
    },
    {
      what: 'the time of the secret cannot be read',
      pending: CHANGED,
      responses: { 'GET A_SECRET': NO_RESPONSE },
      changes: [],
      done: [],
    },
    {
      what: 'the id cannot be changed',
      pending: CHANGED,
      responses: { 'PATCH A_ID': { status: 403 } },
      changes: ['PATCH A_ID'],
      done: [],
    },
    {
      what: 'the id cannot be deleted',
      pending: CREATED,
      responses: { 'DELETE A_ID': { status: 403 } },
      changes: ['DELETE A_ID'],
      done: [],
    },
    {
      what: 'the outcome of the last change is unknown',
      pending: CHANGED,
      responses: { 'PATCH A_STATE': NO_RESPONSE },
      changes: ['PATCH A_ID', 'PATCH A_STATE'],
      done: [RESTORED_ID],
    },
  ])(
    'restoreVariables names the calls that restore the rest if $what',
    async ({ pending, responses, changes, done }) => {
      const github = fakeGitHub({ ...WRITTEN, secretTime: pending.before.secretTime }, responses);
      const result = await restoreVariables(github.savedCredentials, pending);
      expect(result).toEqual({
        canRetry: true,
        done,
        remaining: [
          expect.stringMatching(
            /^Variables A_ID and A_STATE may not have their former values: Could not \w+ (variable|secret) \w+ .*[^.]\. To restore them by hand: (PATCH|DELETE) https:/,
          ),
        ],
      });
      expect(github.changes()).toEqual(changes);
    },
  );
});

it.each(['the post step has no github_token', 'the post step has no github_token.'])(
  'variablesNotRestored ends the reason with one full stop, before the calls that restore the variables: "%s"',
  (why) => {
    const calls = `To restore them by hand: DELETE ${ACTIONS}/variables/A_ID; DELETE ${ACTIONS}/variables/A_STATE`;
    expect(variablesNotRestored(CREATED, why)).toBe(
      `Variables A_ID and A_STATE may not have their former values: the post step has no github_token. ${calls}`,
    );
  },
);
