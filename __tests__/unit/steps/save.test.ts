import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { DesiredClient } from '../../../src/client/desired.ts';
import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials, type SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import type { Context, NewSecret } from '../../../src/steps/context.ts';
import { requireOneOwner, save } from '../../../src/steps/save.ts';
import { Journal } from '../../../src/undo/journal.ts';
import type { PendingState } from '../../../src/undo/pending.ts';
import {
  BLANK_STATE,
  client,
  desiredClient,
  FakeTransport,
  json,
  LOCATION,
  MARKER,
  MISSING,
  NO_RESPONSE,
  NOTHING_SAVED,
  PENDING_CLIENT,
  PENDING_SECRET,
  SAVED,
  secret,
} from '../fixtures.ts';

const API = 'https://api.github.com';
const TIME = SAVED.stateTime;
const ID = 'm2morg_2';
const NEW_SECRET: NewSecret = { shown: secret(9), plain_secret: ['fake', 'plain', 'secret'].join('-') };
/** What the step writes into the variables. */
const WRITTEN = { client_id: ID, state: `v1 key:${MARKER.key} organization:org_1 secret:sks_9` };
/** What an earlier run of the same owner saved, with another client. */
const EARLIER: SavedSnapshot = SAVED;
/** What another owner has saved. */
const OTHERS: SavedSnapshot = { ...SAVED, state: SAVED.state.replace(MARKER.key, 'another_key-1234') };
const NOTHING_PENDING = { client: undefined, secret: undefined, variables: undefined };
const NOT_SENT = new NetworkError('refused', 'ECONNREFUSED', false);

/** GitHub's responses by method and name of the variable or the secret. They replace those of a GitHub that works. */
type Responses = Record<string, Partial<FinalResponse> | Error>;

let printed = '';
beforeEach(() => {
  printed = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    if (!String(text).startsWith('::save-state ')) printed += text;
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** The field of a snapshot for each variable and the secret. */
const FIELDS: Record<string, 'client_id' | 'state' | 'secretTime'> = {
  A_ID: 'client_id',
  A_STATE: 'state',
  A_SECRET: 'secretTime',
};

/**
 * Returns a step that has created a client or a secret and has opened the saved credentials.
 * @param content what GitHub Actions contains
 * @param pending what the step has created
 * @param afterSecret what GitHub Actions contains once the secret was sent, if another run changes that
 */
async function stepWith({
  content = NOTHING_SAVED,
  responses = {},
  pending = { client: PENDING_CLIENT },
  desired = {},
  afterSecret,
}: {
  content?: SavedSnapshot;
  responses?: Responses;
  pending?: Partial<PendingState>;
  desired?: Partial<DesiredClient>;
  afterSecret?: SavedSnapshot;
} = {}) {
  let now = content;
  const sent: string[] = [];
  /** The journal's state when each change was sent, by method and name. */
  const states: Record<string, PendingState> = {};
  const transport = new FakeTransport(({ method, url, body }) => {
    const { name = url.pathname.split('/').at(-1) ?? '', value }: { name?: string; value?: string } = JSON.parse(
      body ?? '{}',
    );
    const call = `${method} ${name}`;
    sent.push(call);
    if (method !== 'GET') states[call] = structuredClone(journal.state);
    if (call === 'GET public-key') return json({ key: Buffer.alloc(32, 7).toString('base64'), key_id: '7' });
    if (call === 'PUT A_SECRET') now = afterSecret ?? now;
    const response = responses[call];
    if (response) return response;
    if (call === `GET ${ID}`) return json({ client: { client_id: ID } });
    const field = FIELDS[name];
    if (!field) return MISSING;
    if (method === 'GET' && now[field] === undefined) return MISSING;
    if (method === 'GET') return json({ value: now[field], updated_at: field === 'secretTime' ? now[field] : TIME });
    if (method === 'PATCH' && now[field] === undefined) return MISSING;
    if (method === 'POST' && now[field] !== undefined) return { status: 409 };
    now = { ...now, [field]: field === 'secretTime' ? TIME : value };
    return { status: method === 'POST' ? 201 : 204 };
  });
  const savedCredentials = new SavedCredentials(new GitHub(transport, { api: API, token: 'a' }), LOCATION);
  await savedCredentials.open();
  const journal = new Journal({ ...BLANK_STATE, ...pending }, 'secret', undefined);
  const context: Context = {
    scalekit: new Scalekit(transport, BLANK_STATE.origin, 'org_1'),
    desired: desiredClient({ location: LOCATION, ...desired }),
    journal,
    savedCredentials,
  };
  const { length } = sent;
  printed = '';
  return {
    transport,
    context,
    savedCredentials,
    journal,
    states,
    content: () => ({ client_id: now.client_id, state: now.state }),
    /** Saves the client credentials. @returns the error message, or undefined if it succeeds */
    save: (newSecret = NEW_SECRET, namedId?: string) =>
      save(context, ID, newSecret, namedId).then(
        () => undefined,
        (error: Error) => error.message,
      ),
    /** Returns the requests since the step was created: first the reads, then the changes and the reads after them. */
    sent: () => {
      const calls = sent.slice(length);
      expect(calls.slice(0, 3).sort()).toEqual(['GET A_ID', 'GET A_SECRET', 'GET A_STATE']);
      return calls.slice(3);
    },
  };
}

/** The reads after the secret was written. */
const CONFIRMED = ['GET A_STATE', 'GET A_ID'];

describe('save', () => {
  it.each<[what: string, SavedSnapshot, changes: string[]]>([
    ['an earlier run saved other credentials', EARLIER, ['PATCH A_STATE', 'PATCH A_ID', 'PUT A_SECRET']],
    ['nothing is saved', NOTHING_SAVED, ['POST A_STATE', 'POST A_ID', 'PUT A_SECRET']],
    ['only the id is missing', { ...EARLIER, client_id: undefined }, ['PATCH A_STATE', 'POST A_ID', 'PUT A_SECRET']],
    [
      'only the secret is missing',
      { ...EARLIER, secretTime: undefined },
      ['PATCH A_STATE', 'PATCH A_ID', 'PUT A_SECRET'],
    ],
    ['the saved id is the same', { ...EARLIER, client_id: ID }, ['PATCH A_STATE', 'PUT A_SECRET']],
  ])(
    'saves the state, then the id, then the secret, and first records the former values, if %s',
    async (_what, content, changes) => {
      const step = await stepWith({ content });
      expect(await step.save()).toBeUndefined();
      expect(step.sent()).toEqual([...changes, ...CONFIRMED]);
      const before = { ...content, stateTime: content.state && TIME };
      const variables = { api: API, location: LOCATION, before, written: WRITTEN };
      expect(step.states[changes[0] ?? '']).toMatchObject({ client: PENDING_CLIENT, variables });
      expect(step.content()).toEqual(WRITTEN);
      expect(printed).not.toContain('::warning::');
    },
  );

  it.each<[what: string, pending: Partial<PendingState>]>([
    ['a new client', { client: PENDING_CLIENT }],
    ['an existing client', { secret: PENDING_SECRET }],
  ])('marks the credentials of %s as published before it sends the secret to GitHub', async (_what, pending) => {
    const step = await stepWith({ content: EARLIER, pending });
    expect(await step.save()).toBeUndefined();
    expect(step.states['PATCH A_ID']).toMatchObject({ ...pending, variables: expect.anything() });
    for (const state of [step.states['PUT A_SECRET'], step.journal.state])
      expect({ ...NOTHING_PENDING, ...state }).toMatchObject(NOTHING_PENDING);
  });

  it('sends the secret to GitHub once, and only sealed', async () => {
    const step = await stepWith();
    await step.save();
    const puts = step.transport.requests.filter(({ method }) => method === 'PUT');
    expect(puts.map(({ body = '' }) => JSON.parse(body))).toEqual([
      { encrypted_value: expect.stringMatching(/^[\w+/]{80,}=*$/), key_id: '7' },
    ]);
    expect(JSON.stringify(step.transport.requests)).not.toContain(NEW_SECRET.plain_secret);
  });

  it('saves nothing if the inputs name no location for credentials', async () => {
    const { context, transport, journal } = await stepWith();
    const { length } = transport.sent;
    await save({ ...context, savedCredentials: undefined }, ID, NEW_SECRET, undefined);
    expect(transport.sent).toHaveLength(length);
    expect(journal.state.client).toEqual(PENDING_CLIENT);
  });

  it('saves secret:unknown, with a warning, if no response showed the id of the new secret', async () => {
    const step = await stepWith();
    expect(await step.save({ ...NEW_SECRET, shown: undefined })).toBeUndefined();
    expect(step.content()).toEqual({ ...WRITTEN, state: WRITTEN.state.replace('sks_9', 'unknown') });
    expect(printed).toContain(
      '::warning::The response did not show the id of the new secret, so A_STATE names none. The next run with on_existing: reuse adds another secret.\n',
    );
  });

  it('saves nothing if the former values cannot be read immediately before', async () => {
    const step = await stepWith();
    jest.spyOn(step.savedCredentials, 'read').mockRejectedValue(new Error('Could not read it.'));
    expect(await step.save()).toBe('Could not read it.');
    expect(step.transport.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(step.journal.state).toMatchObject({ client: PENDING_CLIENT });
    expect(step.journal.state.variables).toBeUndefined();
  });

  it('saves nothing if another owner has saved credentials meanwhile', async () => {
    const step = await stepWith({ content: OTHERS });
    expect(await step.save()).toMatch(/^Could not save the credentials in acme\/app: variable A_STATE says /);
    expect(step.sent()).toEqual([]);
    expect(step.journal.state.variables).toBeUndefined();
  });

  it('overwrites the saved credentials of another owner if client_id names their client', async () => {
    const step = await stepWith({ content: { ...OTHERS, client_id: ID }, desired: { client_id: ID } });
    expect(await step.save(NEW_SECRET, ID)).toBeUndefined();
    expect(step.content()).toEqual(WRITTEN);
  });

  it.each<[what: string, response: Partial<FinalResponse> | Error, isPending: boolean]>([
    ['was refused', { status: 403 }, false],
    ['never reached GitHub', NOT_SENT, false],
    ['got no response', NO_RESPONSE, true],
    ['met a failure of the server', { status: 502, mayBeDone: true }, true],
    ['was refused after an attempt that may have arrived', { status: 403, mayBeDone: true }, true],
  ])(
    'fails if the write of the state %s, and keeps its record only if GitHub may have it',
    async (_what, response, isPending) => {
      const step = await stepWith({ content: EARLIER, responses: { 'PATCH A_STATE': response } });
      expect(await step.save()).toMatch(/^Could not write variable A_STATE of acme\/app: /);
      expect(step.sent()).toEqual(['PATCH A_STATE', ...(isPending ? ['GET A_STATE'] : [])]);
      const { client, variables } = step.journal.state;
      expect({ client, written: variables?.written }).toEqual({
        client: PENDING_CLIENT,
        written: isPending ? WRITTEN : undefined,
      });
    },
  );

  it.each<[what: string, response: Partial<FinalResponse> | Error]>([
    ['was refused', { status: 403 }],
    ['got no response', NO_RESPONSE],
  ])('fails if the write of the id %s, and keeps the record of both variables', async (_what, response) => {
    const step = await stepWith({ content: EARLIER, responses: { 'PATCH A_ID': response } });
    expect(await step.save()).toMatch(/^Could not write variable A_ID of acme\/app: /);
    expect(step.sent()).not.toContain('PUT A_SECRET');
    expect(step.journal.state).toMatchObject({ client: PENDING_CLIENT, variables: { written: WRITTEN } });
  });

  it('does not send the secret to GitHub if the run is cancelled, and keeps the record of both variables', async () => {
    const step = await stepWith({ content: EARLIER });
    step.transport.cancel();
    expect(await step.save()).toBe('The credentials were not saved.');
    expect(step.sent()).toEqual(['PATCH A_STATE', 'PATCH A_ID']);
    expect(step.journal.state).toMatchObject({
      client: PENDING_CLIENT,
      variables: { api: API, location: LOCATION, before: EARLIER, written: WRITTEN },
    });
  });

  it('does not send the secret to GitHub if it cannot be sealed, and keeps the record of both variables', async () => {
    const step = await stepWith({ content: EARLIER });
    const savedCredentials = new SavedCredentials(new GitHub(step.transport, { api: API, token: 'a' }), LOCATION);
    await expect(save({ ...step.context, savedCredentials }, ID, NEW_SECRET, undefined)).rejects.toThrow(
      'Could not seal the secret for acme/app: its public key is not usable.',
    );
    expect(step.sent()).not.toContain('PUT A_SECRET');
    expect(step.journal.state).toMatchObject({ client: PENDING_CLIENT, variables: { written: WRITTEN } });
  });
});

describe('save, when the request with the secret fails', () => {
  const pendingUpdate = { before: client({ client_id: ID }), fields: { scopes: [], name: 'a' } };

  it.each<[what: string, pending: Partial<PendingState>]>([
    ['a new client', { client: PENDING_CLIENT }],
    ['an existing client', { secret: PENDING_SECRET }],
  ])(
    'no longer counts the credentials of %s as published if GitHub refuses the secret, so that all is undone',
    async (_what, pending) => {
      const step = await stepWith({ content: EARLIER, responses: { 'PUT A_SECRET': { status: 422 } }, pending });
      step.journal.pendingUpdate = pendingUpdate;
      expect(await step.save()).toBe('Could not write secret A_SECRET of acme/app: HTTP 422.');
      expect(step.journal.state).toMatchObject({ ...pending, variables: { before: EARLIER, written: WRITTEN } });
      expect(step.journal.pendingUpdate).toBe(pendingUpdate);
      expect(step.sent().at(-1)).toBe('PUT A_SECRET');
    },
  );

  it('no longer counts the credentials as published if the secret never reached GitHub', async () => {
    const step = await stepWith({ responses: { 'PUT A_SECRET': NOT_SENT } });
    expect(await step.save()).toMatch(/^Could not write secret A_SECRET of acme\/app: refused\./);
    expect(step.journal.state).toMatchObject({ client: PENDING_CLIENT, variables: { written: WRITTEN } });
  });

  it.each<[what: string, response: Partial<FinalResponse> | Error, isUpdated: boolean]>([
    ['got no response', NO_RESPONSE, false],
    ['got no response, and its client was updated', NO_RESPONSE, true],
    ['met a failure of the server', { status: 503, mayBeDone: true }, false],
    ['was refused after an attempt that may have arrived', { status: 422, mayBeDone: true }, false],
    ['got a success that GitHub does not send', { status: 200 }, false],
  ])(
    'undoes nothing, and says that all secrets stay valid, if the request with the secret %s',
    async (_what, response, isUpdated) => {
      const step = await stepWith({
        content: EARLIER,
        responses: { 'PUT A_SECRET': response },
        pending: { secret: PENDING_SECRET },
      });
      step.journal.pendingUpdate = isUpdated ? pendingUpdate : undefined;
      const message = await step.save();
      expect(message).toMatch(/^Could not write secret A_SECRET of acme\/app: /);
      expect(message).toContain(
        ` Could not determine whether GitHub has the new secret of client ${ID}. The new secret and those before it stay valid. Until the next run, the saved client id and secret may not belong together.`,
      );
      expect(message?.endsWith(`\nClient ${ID} may still have updated fields: scopes, name.`)).toBe(isUpdated);
      expect(step.journal.state).toMatchObject(NOTHING_PENDING);
      expect(step.journal.pendingUpdate).toBeUndefined();
      expect(step.sent().at(-1)).toBe('PUT A_SECRET');
      expect(step.content()).toEqual(WRITTEN);
    },
  );
});

describe('save, when it reads the variables again', () => {
  /** What another run of the same owner saved at the same time. */
  const CONCURRENT = { ...SAVED, client_id: 'm2morg_3', state: SAVED.state.replace('sks_1', 'sks_3') };
  const warning =
    '::warning::Another run saved credentials at the same time: variables A_ID and A_STATE and secret A_SECRET of acme/app. This run writes its variables again. In a matrix, use a name and a save_as for each leg, or max-parallel: 1.\n';

  it.each<[what: string, afterSecret: SavedSnapshot, changes: string[]]>([
    ['wrote both', CONCURRENT, ['PATCH A_STATE', 'PATCH A_ID']],
    ['wrote only the state', { ...CONCURRENT, client_id: ID }, ['PATCH A_STATE', 'PATCH A_ID']],
    ['wrote only the id', { ...CONCURRENT, state: WRITTEN.state }, ['PATCH A_STATE', 'PATCH A_ID']],
    ['deleted both', { ...NOTHING_SAVED, secretTime: TIME }, ['POST A_STATE', 'POST A_ID']],
  ])(
    'writes both variables again, with a warning, if another run %s at the same time',
    async (_what, afterSecret, changes) => {
      const step = await stepWith({ content: EARLIER, afterSecret });
      expect(await step.save()).toBeUndefined();
      expect(step.sent().slice(-changes.length)).toEqual(changes);
      expect(step.content()).toEqual(WRITTEN);
      expect(printed).toBe(warning);
    },
  );

  it('warns, and does not fail, if the variables of a concurrent run cannot be overwritten', async () => {
    const responses: Responses = { 'PATCH A_ID': { status: 403 } };
    const step = await stepWith({ content: { ...EARLIER, client_id: ID }, afterSecret: CONCURRENT, responses });
    expect(await step.save()).toBeUndefined();
    expect(printed).toContain(warning);
    expect(printed).toContain(
      '::warning::Until the next run, the saved client id and secret may not belong together: Could not write variable A_ID of acme/app: HTTP 403.',
    );
    expect(step.content().state).toBe(WRITTEN.state);
  });

  it('writes deleted variables again, and does not fail, if it cannot read whether the client was deleted too', async () => {
    const responses: Responses = { [`GET ${ID}`]: { status: 403 } };
    const afterSecret = { ...NOTHING_SAVED, secretTime: TIME };
    const step = await stepWith({ content: EARLIER, afterSecret, responses });
    expect(await step.save()).toBeUndefined();
    expect(step.content()).toEqual(WRITTEN);
    expect(printed).toContain(warning);
  });

  it('does not fail if the variables cannot be read after the secret was saved', async () => {
    const step = await stepWith({ content: EARLIER, afterSecret: CONCURRENT });
    const { readVariables } = step.savedCredentials;
    jest
      .spyOn(step.savedCredentials, 'readVariables')
      .mockImplementationOnce(readVariables)
      .mockRejectedValueOnce(new Error('Could not read it.'));
    expect(await step.save()).toBeUndefined();
    expect(step.sent().at(-1)).toBe('PUT A_SECRET');
    expect(printed).toBe('');
  });
});

describe('requireOneOwner', () => {
  const DELETE = `DELETE ${API}/repos/acme/app/actions`;
  const ADVICE =
    'Another workflow may own them, or the input name or environment has changed. In a matrix, each leg needs its own save_as. Use another save_as, or run delete/ with the former name or environment, or delete what is saved by hand: ';
  const THREE_CALLS = `${DELETE}/secrets/A_SECRET; ${DELETE}/variables/A_ID; ${DELETE}/variables/A_STATE`;
  const named = { client_id: 'm2morg_1' };

  /** Checks the owner. @returns the error message, or undefined if the step may save */
  async function check(saved: SavedSnapshot, desired: Partial<DesiredClient> = {}, namedId?: string) {
    const { context } = await stepWith({ desired });
    try {
      requireOneOwner(context, saved, namedId);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  it.each<{ what: string; saved: SavedSnapshot; why: string; calls: string }>([
    {
      what: 'the state has another identity hash',
      saved: OTHERS,
      why: `variable A_STATE says that they are saved for another client: ${JSON.stringify(OTHERS.state)}`,
      calls: THREE_CALLS,
    },
    {
      what: 'the state has another organization',
      saved: { ...SAVED, state: SAVED.state.replace('org_1', 'org_2') },
      why: `variable A_STATE says that they are saved for another client: ${JSON.stringify(SAVED.state.replace('org_1', 'org_2'))}`,
      calls: THREE_CALLS,
    },
    {
      what: 'only a state is saved, and it has another form',
      saved: { ...NOTHING_SAVED, state: 'mine' },
      why: 'variable A_STATE says that they are saved for another client: "mine"',
      calls: `${DELETE}/variables/A_STATE`,
    },
    {
      what: 'an id is saved without a state',
      saved: { ...NOTHING_SAVED, client_id: 'm2morg_1' },
      why: 'there is variable A_ID ("m2morg_1") without variable A_STATE, so this action did not save it',
      calls: `${DELETE}/variables/A_ID`,
    },
    {
      what: 'a secret is saved without a state',
      saved: { ...NOTHING_SAVED, secretTime: TIME },
      why: 'there is secret A_SECRET without variable A_STATE, so this action did not save it',
      calls: `${DELETE}/secrets/A_SECRET`,
    },
    {
      what: 'an id and a secret are saved without a state',
      saved: { ...SAVED, state: undefined },
      why: 'there is variable A_ID ("m2morg_1") and secret A_SECRET without variable A_STATE, so this action did not save it',
      calls: `${DELETE}/secrets/A_SECRET; ${DELETE}/variables/A_ID`,
    },
  ])('requireOneOwner fails with what is saved and what to do if $what', async ({ saved, why, calls }) => {
    expect(await check(saved)).toBe(`Could not save the credentials in acme/app: ${why}. ${ADVICE}${calls}`);
  });

  it.each<[what: string, SavedSnapshot]>([
    ['nothing is saved', NOTHING_SAVED],
    ['the credentials of this owner are saved', SAVED],
    ['the credentials of this owner for another client are saved', { ...SAVED, client_id: 'm2morg_9' }],
  ])('requireOneOwner accepts the location if %s', async (_what, saved) => {
    expect(await check(saved)).toBeUndefined();
  });

  it.each<[what: string, SavedSnapshot]>([
    ['by another owner', OTHERS],
    ['without a state', { ...SAVED, state: undefined }],
    ['with a line break after its id', { ...OTHERS, client_id: 'm2morg_1\n' }],
  ])(
    'requireOneOwner accepts the existing client that client_id names, although it was saved %s',
    async (_what, saved) => {
      expect(await check(saved, named, 'm2morg_1')).toBeUndefined();
    },
  );

  it.each<{ why: string; saved?: SavedSnapshot; desired?: Partial<DesiredClient>; namedId?: string | undefined }>([
    { why: 'client_id is not given', desired: {} },
    { why: 'the client that client_id names does not exist', namedId: undefined },
    { why: 'the step uses another client than client_id names', namedId: 'm2morg_2' },
    { why: 'the saved id is another one', saved: { ...OTHERS, client_id: 'm2morg_2' } },
    { why: 'the saved id differs in its case', saved: { ...OTHERS, client_id: 'M2MORG_1' } },
    { why: 'no id is saved', saved: { ...OTHERS, client_id: undefined } },
    { why: 'the saved state has more than 1,000 characters', saved: { ...OTHERS, state: 'a'.repeat(1_001) } },
  ])('requireOneOwner refuses what another owner saved if $why', async (row) => {
    const { saved, desired, namedId } = { saved: OTHERS, desired: named, namedId: 'm2morg_1', ...row };
    expect(await check(saved, desired, namedId)).toMatch(/^Could not save the credentials in acme\/app: /);
  });

  it('requireOneOwner accepts any content if this step saves no credentials', async () => {
    const { context } = await stepWith();
    expect(() => requireOneOwner({ ...context, savedCredentials: undefined }, OTHERS, undefined)).not.toThrow();
  });
});
