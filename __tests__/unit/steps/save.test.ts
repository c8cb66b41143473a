import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials, type SecretLocation } from '../../../src/github/saved-credentials.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { HttpRequest, HttpResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import type { Context, NewSecret } from '../../../src/steps/context.ts';
import { save as savePair } from '../../../src/steps/save.ts';
import { Journal, type PendingClient, type PendingSecret, type PendingState } from '../../../src/undo/journal.ts';
import { client, FakeTransport, json, request, secret } from '../fixtures.ts';

const API = 'https://api.github.com';
const PLACE: SecretLocation = { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' };
const TIME = '2026-11-24T08:00:00Z';
const LATER = '2026-11-24T08:00:07Z';
const ID = 'm2morg_2';
const PAIR: NewSecret = { secret: secret(1), plain_secret: ['fake', 'plain', 'secret'].join('-') };
const CREATED: PendingClient = { sent_at: 1, sent_again: false, id: ID, secret_ids: ['sks_1'] };
const ADDED: PendingSecret = {
  client_id: ID,
  key: 'key_56789-123456',
  known_ids: [],
  outcome_unknown: false,
  id: 'sks_1',
};
const MISSING = { status: 404, ...json({ message: 'Not Found' }) };
const LOST = new NetworkError('socket hang up', 'ECONNRESET', true);
const WRITE = { 'PATCH A_ID': { status: 204 }, 'POST variables': { status: 201 }, 'PUT A_SECRET': { status: 204 } };

type Answers = Record<string, Partial<HttpResponse> | Error>;
const kept = (value: string, time: string): Answers => ({
  'GET A_ID': json({ value, updated_at: time }),
  'GET A_SECRET': json({ updated_at: time }),
});

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** A step that made a client, with GitHub as it was when it began. */
async function stepWith(begun: Answers, made: Partial<PendingState> = { client: CREATED }) {
  let [answers, sealed]: [Answers, Answers] = [begun, {}];
  /** What state holds while each change is on its way. */
  const states: Record<string, PendingState> = {};
  const transport = new FakeTransport(({ method, url }: HttpRequest) => {
    const name = `${method} ${url.pathname.split('/').at(-1)}`;
    if (method !== 'GET') states[name] = { ...journal.state };
    if (name === 'GET public-key') return json({ key: Buffer.alloc(32, 7).toString('base64'), key_id: '7' });
    const answer = (states['PUT A_SECRET'] && sealed[name]) ?? answers[name] ?? MISSING;
    // What was written is what is shown from then on.
    if (/^(PATCH A_ID|POST variables)$/.test(name) && !(answer instanceof Error) && Number(answer.status) < 300)
      answers = { ...answers, ...kept(ID, LATER) };
    return answer;
  });
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: API, token: 'a' }), PLACE);
  await savedCredentials.open();
  const blank: PendingState = {
    origin: 'https://acme.scalekit.com',
    organization_id: 'org_1',
    nonce: 'nonce_789-123456',
    run: '1.1',
    lifetime: 'persistent',
  };
  const journal = new Journal({ ...blank, ...made }, 'secret');
  const scalekit = new Scalekit(transport, blank.origin, 'org_1');
  const context: Context = { scalekit, desired: request(), journal, savedCredentials };
  const { length } = transport.sent;
  return {
    transport,
    context,
    journal,
    states,
    /**
     * Saves with GitHub as it is by then.
     * @param after how it is once the secret was sent
     * @returns the message of what it ends with
     */
    save: async (now: Answers, after: Answers = {}) => {
      [answers, sealed] = [now, after];
      return await savePair(context, ID, PAIR).then(
        () => undefined,
        (error: Error) => error.message,
      );
    },
    sent: () => transport.calls.slice(length).map(({ method, url }) => `${method} ${url.pathname.split('/').at(-1)}`),
  };
}

describe('saving a pair', () => {
  const TRACE = { api: API, location: PLACE, value: ID };

  it.each<
    [what: string, begun: Answers, now: Answers, old: string | undefined, time: string | undefined, first: string]
  >([
    ['where there is one', kept('m2morg_1', TIME), kept('m2morg_1', TIME), 'm2morg_1', TIME, 'PATCH A_ID'],
    [
      'where another run saved one since',
      kept('m2morg_1', TIME),
      kept('m2morg_9', LATER),
      'm2morg_9',
      LATER,
      'PATCH A_ID',
    ],
    ['where another run saved the first since', {}, kept('m2morg_9', LATER), 'm2morg_9', LATER, 'PATCH A_ID'],
    ['where there is none', {}, {}, undefined, undefined, 'POST variables'],
    ['where there is none any more', kept('m2morg_1', TIME), {}, undefined, undefined, 'POST variables'],
  ])(
    'writes the variable first, remembering what was there just now: %s',
    async (_what, begun, now, old, time, first) => {
      const { save, sent, states, journal } = await stepWith(begun);
      const began = Date.now();
      expect(await save({ ...now, ...WRITE })).toBeUndefined();
      expect(sent().slice(0, 2).sort()).toEqual(['GET A_ID', 'GET A_SECRET']);
      expect(sent().slice(2)).toEqual([first, 'PUT A_SECRET', 'GET A_ID']);
      const variable = { ...TRACE, old, secret_time: time, sent_at: expect.any(Number) };
      expect(states[first]).toMatchObject({ client: CREATED, variable });
      expect(states[first]?.variable?.sent_at).toBeGreaterThanOrEqual(began);
      // From the moment that the secret is sent there is no way back.
      for (const state of [states['PUT A_SECRET'], journal.state])
        expect(state).toMatchObject({ client: undefined, secret: undefined, variable: undefined });
    },
  );

  it('writes the secret alone where the variable says the same already', async () => {
    const { save, sent, states } = await stepWith({});
    expect(await save({ ...kept(ID, TIME), ...WRITE })).toBeUndefined();
    expect(sent().slice(2)).toEqual(['PUT A_SECRET', 'GET A_ID']);
    expect(states['PUT A_SECRET']?.variable).toBeUndefined();
  });

  it('writes the variable again where another run wrote its own before the secret', async () => {
    const { save, sent } = await stepWith({});
    expect(await save({ ...kept('m2morg_1', TIME), ...WRITE }, kept('m2morg_9', LATER))).toBeUndefined();
    expect(sent().slice(2)).toEqual(['PATCH A_ID', 'PUT A_SECRET', 'GET A_ID', 'PATCH A_ID']);
  });

  it('does nothing where there is no place', async () => {
    const { context, sent, journal } = await stepWith({});
    await savePair({ ...context, savedCredentials: undefined }, ID, PAIR);
    expect(sent()).toEqual([]);
    expect(journal.state.client).toEqual(CREATED);
  });

  it.each<[what: string, answer: Partial<HttpResponse> | Error, trace: boolean]>([
    ['is refused, which leaves no trace', { status: 403 }, false],
    ['is not sent, which leaves no trace', new NetworkError('refused', 'ECONNREFUSED', false), false],
    ['is lost', LOST, true],
    ['is answered by a failure of the server', { status: 502 }, true],
    ['is refused after an earlier sending was lost', { status: 403, earlierOutcomeUnknown: true }, true],
  ])('ends with the variable where that %s', async (_what, answer, pending) => {
    const { save, sent, journal } = await stepWith({});
    expect(await save({ ...kept('m2morg_1', TIME), ...WRITE, 'PATCH A_ID': answer })).toMatch(
      /^Could not write variable /,
    );
    expect(sent()).not.toContain('PUT A_SECRET');
    const variable = { ...TRACE, old: 'm2morg_1', secret_time: TIME, sent_at: expect.any(Number) };
    expect(journal.state).toMatchObject({ client: CREATED, variable: pending ? variable : undefined });
  });

  it('goes by the first look where the second one fails', async () => {
    const { save, sent, states } = await stepWith(kept('m2morg_1', TIME));
    expect(await save({ ...kept('m2morg_9', LATER), ...WRITE, 'GET A_SECRET': LOST })).toBeUndefined();
    expect(sent().slice(2)).toEqual(['PATCH A_ID', 'PUT A_SECRET', 'GET A_ID']);
    expect(states['PATCH A_ID']?.variable).toMatchObject({ ...TRACE, old: 'm2morg_1', secret_time: TIME });
  });

  it('ends before the secret where it is cancelled, and knows then that the variable is written', async () => {
    const { save, sent, journal, transport } = await stepWith({});
    transport.cancel();
    expect(await save({ ...kept('m2morg_1', TIME), ...WRITE })).toBe('The pair was not saved.');
    expect(sent().slice(2)).toEqual(['PATCH A_ID']);
    const written = { old: 'm2morg_1', secret_time: TIME, sent_at: expect.any(Number), unconfirmed_writes: 0 };
    expect(journal.state.variable).toEqual({ ...TRACE, ...written });
    expect(journal.state.client).toEqual(CREATED);
  });

  describe('where the secret', () => {
    const updated = { before: client({ client_id: ID }), fields: { scopes: [], name: 'a' } };

    it.each<[what: string, made: Partial<PendingState>]>([
      ['of a new client', { client: CREATED }],
      ['of a client that was there', { secret: ADDED }],
    ])('%s is refused, takes the mark back, so that everything is undone', async (_what, made) => {
      const { save, journal } = await stepWith({}, made);
      journal.pendingUpdate = updated;
      const now = { ...kept('m2morg_1', TIME), ...WRITE, 'PUT A_SECRET': { status: 422 } };
      expect(await save(now)).toBe('Could not write secret A_SECRET of acme/app: HTTP 422.');
      expect(journal.state).toMatchObject({ ...made, variable: { ...TRACE, old: 'm2morg_1', secret_time: TIME } });
      expect(journal.pendingUpdate).toBe(updated);
    });

    it.each([true, false])('may have arrived, leaves everything and says so; updated: %s', async (isUpdated) => {
      const { save, journal } = await stepWith({}, { secret: ADDED });
      journal.pendingUpdate = isUpdated ? updated : undefined;
      const now = { ...kept('m2morg_1', TIME), ...WRITE, 'PUT A_SECRET': LOST };
      const message = await save(now, { 'GET A_SECRET': LOST });
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
      const now = { ...kept('m2morg_1', TIME), ...WRITE, 'PUT A_SECRET': LOST };
      expect(await save(now, { 'GET A_SECRET': json({ updated_at: LATER }) })).toBeUndefined();
      expect(journal.state.client).toBeUndefined();
    });
  });
});
