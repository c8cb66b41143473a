import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials, type SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import type { PendingVariables } from '../../../src/undo/pending.ts';
import { restoreVariables, variablesNotRestored } from '../../../src/undo/restore-variables.ts';
import { FakeTransport, json, NOTHING_SAVED, PENDING_VARIABLES, SAVED } from '../fixtures.ts';

const { api: API, location: LOCATION, written: WRITTEN } = PENDING_VARIABLES;
const ACTIONS = `${API}/repos/acme/app/actions`;
const LATER = '2026-11-24T08:00:09Z';
/** Variables that replaced those of an earlier run. The secret beside them existed before. */
const CHANGED = PENDING_VARIABLES;
/** Variables that were created. Nothing was saved before. */
const CREATED: PendingVariables = { ...PENDING_VARIABLES, before: NOTHING_SAVED };
const NO_RESPONSE = new NetworkError('socket hang up', 'ECONNRESET', true);
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };

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
    /** The values by then. */
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

describe('restoring variables', () => {
  const both = ['Restored variable A_ID of acme/app.', 'Restored variable A_STATE of acme/app.'];
  const former = { client_id: SAVED.client_id, state: SAVED.state };

  it.each<[what: string, PendingVariables, SavedSnapshot, after: Partial<SavedSnapshot>, changes: string[]]>([
    [
      'gives both their former values, the state last',
      CHANGED,
      { ...WRITTEN, secretTime: SAVED.secretTime },
      former,
      ['PATCH A_ID', 'PATCH A_STATE'],
    ],
    [
      'gives both their former values, empty as those were',
      { ...CHANGED, before: { ...SAVED, client_id: '', state: '' } },
      { ...WRITTEN, secretTime: SAVED.secretTime },
      { client_id: '', state: '' },
      ['PATCH A_ID', 'PATCH A_STATE'],
    ],
    [
      'gives both their former values if there was no secret, and there is none',
      { ...CHANGED, before: { ...SAVED, secretTime: undefined } },
      { ...WRITTEN, secretTime: undefined },
      former,
      ['PATCH A_ID', 'PATCH A_STATE'],
    ],
    [
      'gives both their former values if somebody deleted the secret since',
      CHANGED,
      { ...WRITTEN, secretTime: undefined },
      former,
      ['PATCH A_ID', 'PATCH A_STATE'],
    ],
    [
      'deletes both if neither existed',
      CREATED,
      { ...WRITTEN, secretTime: undefined },
      { client_id: undefined, state: undefined },
      ['DELETE A_ID', 'DELETE A_STATE'],
    ],
    [
      'gives the state its former value if the id was not written',
      CHANGED,
      { ...WRITTEN, client_id: SAVED.client_id, secretTime: SAVED.secretTime },
      former,
      ['PATCH A_STATE'],
    ],
    [
      'deletes the state if it was created and the id was not',
      CREATED,
      { ...WRITTEN, client_id: undefined, secretTime: undefined },
      { client_id: undefined, state: undefined },
      ['DELETE A_STATE'],
    ],
    [
      'gives the state its former value if the id was and stays the same',
      { ...CHANGED, before: { ...SAVED, client_id: WRITTEN.client_id } },
      { ...WRITTEN, secretTime: SAVED.secretTime },
      { ...former, client_id: WRITTEN.client_id },
      ['PATCH A_STATE'],
    ],
    [
      'gives the state its former value if somebody wrote the id since',
      CHANGED,
      { ...WRITTEN, client_id: 'm2morg_9', secretTime: SAVED.secretTime },
      { ...former, client_id: 'm2morg_9' },
      ['PATCH A_STATE'],
    ],
    ['changes nothing if the secret was written since', CHANGED, { ...WRITTEN, secretTime: LATER }, WRITTEN, []],
    ['changes nothing if the first secret was written since', CREATED, { ...WRITTEN, secretTime: LATER }, WRITTEN, []],
    [
      'gives the id its former value, and names the state, if another run wrote the state since',
      CHANGED,
      { ...WRITTEN, state: SAVED.state.replace('sks_1', 'sks_5'), secretTime: SAVED.secretTime },
      { ...former, state: SAVED.state.replace('sks_1', 'sks_5') },
      ['PATCH A_ID'],
    ],
    ['changes nothing if the state was not written', CHANGED, SAVED, former, []],
    [
      'gives the id its former value, and names the state, if somebody deleted the state since',
      CHANGED,
      { ...WRITTEN, state: undefined, secretTime: SAVED.secretTime },
      { ...former, state: undefined },
      ['PATCH A_ID'],
    ],
    ['changes nothing if there is nothing', CREATED, NOTHING_SAVED, { client_id: undefined, state: undefined }, []],
  ])('%s', async (what, pending, content, after, changes) => {
    const github = fakeGitHub(content);
    const done = both.filter((sentence) => changes.some((change) => sentence.includes(` ${change.split(' ')[1]} `)));
    const remaining = what.includes('names the state')
      ? [expect.stringMatching(/^Not restored: variable A_STATE of acme\/app\. It was changed since/)]
      : [];
    expect(await restoreVariables(github.savedCredentials, pending)).toEqual({ done, remaining, canRetry: false });
    expect(github.changes()).toEqual(changes);
    expect(github.values()).toEqual(after);
  });

  it('looks once and does not wait', async () => {
    const { savedCredentials, transport } = fakeGitHub({ ...SAVED });
    const wait = jest.spyOn(transport, 'wait');
    await restoreVariables(savedCredentials, CHANGED);
    expect(wait).not.toHaveBeenCalled();
    expect(transport.sent).toHaveLength(3);
  });

  it.each<[what: string, PendingVariables, Responses, changes: string[], done: string[]]>([
    ['the state cannot be read', CHANGED, { 'GET A_STATE': { status: 403 } }, [], []],
    ['the time of the secret cannot be read', CHANGED, { 'GET A_SECRET': NO_RESPONSE }, [], []],
    ['the id cannot be changed', CHANGED, { 'PATCH A_ID': { status: 403 } }, ['PATCH A_ID'], []],
    ['the id cannot be deleted', CREATED, { 'DELETE A_ID': { status: 403 } }, ['DELETE A_ID'], []],
    [
      'it is not known whether the state was changed',
      CHANGED,
      { 'PATCH A_STATE': NO_RESPONSE },
      ['PATCH A_ID', 'PATCH A_STATE'],
      both.slice(0, 1),
    ],
  ])('names what remains, and the calls, if %s', async (_what, pending, responses, changes, done) => {
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
  });
});

describe('the sentence about variables that were not restored', () => {
  it('has the calls that restore them, and ends no sentence twice', () => {
    const calls = `To restore them by hand: DELETE ${ACTIONS}/variables/A_ID; DELETE ${ACTIONS}/variables/A_STATE`;
    for (const why of ['the post step has no github_token', 'the post step has no github_token.'])
      expect(variablesNotRestored(CREATED, why)).toBe(
        `Variables A_ID and A_STATE may not have their former values: the post step has no github_token. ${calls}`,
      );
  });
});
