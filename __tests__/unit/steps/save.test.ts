import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials, type SecretLocation } from '../../../src/github/saved-credentials.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { HttpRequest, HttpResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import type { Context, NewSecret } from '../../../src/steps/context.ts';
import { save } from '../../../src/steps/save.ts';
import { Journal, type PendingClient, type PendingSecret, type PendingState } from '../../../src/undo/journal.ts';
import { client, desiredClient, FakeTransport, json, secret } from '../fixtures.ts';

const API = 'https://api.github.com';
const LOCATION: SecretLocation = { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' };
const TIME = '2026-11-24T08:00:00Z';
const LATER = '2026-11-24T08:00:07Z';
const ID = 'm2morg_2';
const NEW_SECRET: NewSecret = { secret: secret(1), plain_secret: ['fake', 'plain', 'secret'].join('-') };
const CREATED: PendingClient = { sent_at: 1, sent_again: false, id: ID, secret_ids: ['sks_1'] };
const ADDED: PendingSecret = {
  client_id: ID,
  key: 'key_56789-123456',
  known_ids: [],
  outcome_unknown: false,
  id: 'sks_1',
};
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };
const NO_RESPONSE = new NetworkError('socket hang up', 'ECONNRESET', true);
const WRITABLE = { 'PATCH A_ID': { status: 204 }, 'POST variables': { status: 201 }, 'PUT A_SECRET': { status: 204 } };

/** GitHub's responses by method and last part of the path. */
type Responses = Record<string, Partial<HttpResponse> | Error>;
/** Returns GitHub's responses if it contains a variable with this value and a secret, both written at this time. */
const saved = (value: string, time: string): Responses => ({
  'GET A_ID': json({ value, updated_at: time }),
  'GET A_SECRET': json({ updated_at: time }),
});

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/**
 * Returns a step that has created a client or a secret and has opened the saved credentials.
 * @param initial GitHub's responses when the step begins
 * @param pending what the step has created
 */
async function stepWith(initial: Responses, pending: Partial<PendingState> = { client: CREATED }) {
  let [responses, responsesAfterSecret]: [Responses, Responses] = [initial, {}];
  /** The state at the time at which each change was sent, by method and last part of the path. */
  const states: Record<string, PendingState> = {};
  const transport = new FakeTransport(({ method, url }: HttpRequest) => {
    const name = `${method} ${url.pathname.split('/').at(-1)}`;
    if (method !== 'GET') states[name] = { ...journal.state };
    if (name === 'GET public-key') return json({ key: Buffer.alloc(32, 7).toString('base64'), key_id: '7' });
    const response = (states['PUT A_SECRET'] && responsesAfterSecret[name]) ?? responses[name] ?? MISSING;
    // GitHub returns the value that was written.
    if (/^(PATCH A_ID|POST variables)$/.test(name) && !(response instanceof Error) && Number(response.status) < 300)
      responses = { ...responses, ...saved(ID, LATER) };
    return response;
  });
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: API, token: 'a' }), LOCATION);
  await savedCredentials.open();
  const blank: PendingState = {
    origin: 'https://acme.scalekit.com',
    organization_id: 'org_1',
    nonce: 'nonce_789-123456',
    run: '1.1',
    lifetime: 'persistent',
  };
  const journal = new Journal({ ...blank, ...pending }, 'secret');
  const scalekit = new Scalekit(transport, blank.origin, 'org_1');
  const context: Context = { scalekit, desired: desiredClient(), journal, savedCredentials };
  const { length } = transport.sent;
  return {
    transport,
    context,
    journal,
    states,
    /**
     * Saves the client credentials.
     * @param now GitHub's responses by then
     * @param after GitHub's responses once the secret was sent, if they differ
     * @returns the error message, or undefined if it succeeds
     */
    save: async (now: Responses, after: Responses = {}) => {
      [responses, responsesAfterSecret] = [now, after];
      return await save(context, ID, NEW_SECRET).then(
        () => undefined,
        (error: Error) => error.message,
      );
    },
    /** Returns the requests since the step was created. */
    sent: () =>
      transport.requests.slice(length).map(({ method, url }) => `${method} ${url.pathname.split('/').at(-1)}`),
  };
}

describe('saving client credentials', () => {
  const VARIABLE = { api: API, location: LOCATION, value: ID };

  it.each<
    [what: string, initial: Responses, now: Responses, old: string | undefined, time: string | undefined, first: string]
  >([
    ['if there is one', saved('m2morg_1', TIME), saved('m2morg_1', TIME), 'm2morg_1', TIME, 'PATCH A_ID'],
    [
      'if another run saved one since',
      saved('m2morg_1', TIME),
      saved('m2morg_9', LATER),
      'm2morg_9',
      LATER,
      'PATCH A_ID',
    ],
    ['if another run saved the first since', {}, saved('m2morg_9', LATER), 'm2morg_9', LATER, 'PATCH A_ID'],
    ['if there is none', {}, {}, undefined, undefined, 'POST variables'],
    ['if there is none any more', saved('m2morg_1', TIME), {}, undefined, undefined, 'POST variables'],
  ])(
    'writes the variable first, remembering what was there just now: %s',
    async (_what, initial, now, old, time, first) => {
      const { save, sent, states, journal } = await stepWith(initial);
      const startedAt = Date.now();
      expect(await save({ ...now, ...WRITABLE })).toBeUndefined();
      expect(sent().slice(0, 2).sort()).toEqual(['GET A_ID', 'GET A_SECRET']);
      expect(sent().slice(2)).toEqual([first, 'PUT A_SECRET', 'GET A_ID']);
      const variable = { ...VARIABLE, old, secret_time: time, sent_at: expect.any(Number) };
      expect(states[first]).toMatchObject({ client: CREATED, variable });
      expect(states[first]?.variable?.sent_at).toBeGreaterThanOrEqual(startedAt);
      // Once the secret is sent, nothing is rolled back.
      for (const state of [states['PUT A_SECRET'], journal.state])
        expect(state).toMatchObject({ client: undefined, secret: undefined, variable: undefined });
    },
  );

  it('writes the secret alone if the variable has the same value already', async () => {
    const { save, sent, states } = await stepWith({});
    expect(await save({ ...saved(ID, TIME), ...WRITABLE })).toBeUndefined();
    expect(sent().slice(2)).toEqual(['PUT A_SECRET', 'GET A_ID']);
    expect(states['PUT A_SECRET']?.variable).toBeUndefined();
  });

  it('writes the variable again if another run wrote it before the secret', async () => {
    const { save, sent } = await stepWith({});
    expect(await save({ ...saved('m2morg_1', TIME), ...WRITABLE }, saved('m2morg_9', LATER))).toBeUndefined();
    expect(sent().slice(2)).toEqual(['PATCH A_ID', 'PUT A_SECRET', 'GET A_ID', 'PATCH A_ID']);
  });

  it('does nothing if there is no secret location', async () => {
    const { context, sent, journal } = await stepWith({});
    await save({ ...context, savedCredentials: undefined }, ID, NEW_SECRET);
    expect(sent()).toEqual([]);
    expect(journal.state.client).toEqual(CREATED);
  });

  it.each<[what: string, response: Partial<HttpResponse> | Error, isPending: boolean]>([
    ['is refused, so that no entry remains', { status: 403 }, false],
    ['is not sent, so that no entry remains', new NetworkError('refused', 'ECONNREFUSED', false), false],
    ['gets no response', NO_RESPONSE, true],
    ['is answered by a failure of the server', { status: 502 }, true],
    ['is refused after an earlier attempt got no response', { status: 403, earlierOutcomeUnknown: true }, true],
  ])('ends with the variable if that %s', async (_what, response, isPending) => {
    const { save, sent, journal } = await stepWith({});
    expect(await save({ ...saved('m2morg_1', TIME), ...WRITABLE, 'PATCH A_ID': response })).toMatch(
      /^Could not write variable /,
    );
    expect(sent()).not.toContain('PUT A_SECRET');
    const variable = { ...VARIABLE, old: 'm2morg_1', secret_time: TIME, sent_at: expect.any(Number) };
    expect(journal.state).toMatchObject({ client: CREATED, variable: isPending ? variable : undefined });
  });

  it('uses the first snapshot if the second read fails', async () => {
    const { save, sent, states } = await stepWith(saved('m2morg_1', TIME));
    expect(await save({ ...saved('m2morg_9', LATER), ...WRITABLE, 'GET A_SECRET': NO_RESPONSE })).toBeUndefined();
    expect(sent().slice(2)).toEqual(['PATCH A_ID', 'PUT A_SECRET', 'GET A_ID']);
    expect(states['PATCH A_ID']?.variable).toMatchObject({ ...VARIABLE, old: 'm2morg_1', secret_time: TIME });
  });

  it('ends before the secret if it is cancelled, and knows then that the variable is written', async () => {
    const { save, sent, journal, transport } = await stepWith({});
    transport.cancel();
    expect(await save({ ...saved('m2morg_1', TIME), ...WRITABLE })).toBe('The pair was not saved.');
    expect(sent().slice(2)).toEqual(['PATCH A_ID']);
    const written = { old: 'm2morg_1', secret_time: TIME, sent_at: expect.any(Number), unconfirmed_writes: 0 };
    expect(journal.state.variable).toEqual({ ...VARIABLE, ...written });
    expect(journal.state.client).toEqual(CREATED);
  });

  describe('if the secret', () => {
    const pendingUpdate = { before: client({ client_id: ID }), fields: { scopes: [], name: 'a' } };

    it.each<[what: string, pending: Partial<PendingState>]>([
      ['of a new client', { client: CREATED }],
      ['of a client that existed', { secret: ADDED }],
    ])('%s is refused, takes the mark back, so that everything is undone', async (_what, pending) => {
      const { save, journal } = await stepWith({}, pending);
      journal.pendingUpdate = pendingUpdate;
      const now = { ...saved('m2morg_1', TIME), ...WRITABLE, 'PUT A_SECRET': { status: 422 } };
      expect(await save(now)).toBe('Could not write secret A_SECRET of acme/app: HTTP 422.');
      expect(journal.state).toMatchObject({
        ...pending,
        variable: { ...VARIABLE, old: 'm2morg_1', secret_time: TIME },
      });
      expect(journal.pendingUpdate).toBe(pendingUpdate);
    });

    it.each([true, false])('may have arrived, undoes nothing and says so; updated: %s', async (isUpdated) => {
      const { save, journal } = await stepWith({}, { secret: ADDED });
      journal.pendingUpdate = isUpdated ? pendingUpdate : undefined;
      const now = { ...saved('m2morg_1', TIME), ...WRITABLE, 'PUT A_SECRET': NO_RESPONSE };
      const message = await save(now, { 'GET A_SECRET': NO_RESPONSE });
      expect(message).toMatch(/^Could not write secret A_SECRET of acme\/app: socket hang up\. /);
      expect(message).toContain(
        `Whether GitHub has the new secret of client ${ID} is not known. The new secret and those before it stay valid, and until the next run the saved pair may be a mixed one.`,
      );
      const sentence = `\nClient ${ID} may stay updated: scopes, name.`;
      expect(message?.endsWith(sentence)).toBe(isUpdated);
      expect(journal.state).toMatchObject({ client: undefined, secret: undefined, variable: undefined });
      expect(journal.pendingUpdate).toBeUndefined();
    });

    it('arrived although the answer was lost, ends well', async () => {
      const { save, journal } = await stepWith({});
      const now = { ...saved('m2morg_1', TIME), ...WRITABLE, 'PUT A_SECRET': NO_RESPONSE };
      expect(await save(now, { 'GET A_SECRET': json({ updated_at: LATER }) })).toBeUndefined();
      expect(journal.state.client).toBeUndefined();
    });
  });
});
