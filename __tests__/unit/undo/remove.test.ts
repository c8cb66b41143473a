import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { formatMarker, parseMarker } from '../../../src/client/marker.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import type { PendingSecret } from '../../../src/undo/pending.ts';
import { cleanUp, type DeletableClient, deleteMarkedClient, throwFailures } from '../../../src/undo/remove.ts';
import {
  BLANK_STATE,
  FakeTransport,
  json,
  MARKER,
  OLD_MARKER_LINE,
  PENDING_CLIENT,
  PENDING_SECRET,
} from '../fixtures.ts';

const BASE = '/api/v1/organizations/org_1/clients';
const MISSING = { status: 404, ...json({ message: 'not found' }) };
const NO_RESPONSE = new NetworkError('socket hang up', 'ECONNRESET', true);
const OTHER_MARKER_LINE = formatMarker({ ...MARKER, nonce: 'another-nonce-12' });

/** Returns the response to a GET of a client. */
const shown = (client_id: string, description = `What for\n${OLD_MARKER_LINE}`): Partial<FinalResponse> =>
  json({ client: { client_id, description } });

/** @param responses by method and client id, in the order of the requests. The last response repeats */
function fakeScalekit(responses: Record<string, (Partial<FinalResponse> | Error)[]>) {
  const transport = new FakeTransport(({ method, url }) => {
    const queue = responses[`${method} ${url.pathname.split('/').at(-1)}`] ?? [MISSING];
    return (queue.length > 1 ? queue.shift() : queue[0]) ?? MISSING;
  });
  const scalekit = new Scalekit(transport, 'https://acme.scalekit.com', 'org_1');
  return { scalekit, deletions: () => transport.sent.filter((sent) => sent.startsWith('DELETE')) };
}

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('a client that is to be deleted', () => {
  const client_id = 'm2morg_1';
  const deletable: DeletableClient = { client_id, marker: parseMarker(OLD_MARKER_LINE) ?? MARKER };
  const byHand = {
    remaining: expect.stringContaining(`To remove it by hand: DELETE https://acme.scalekit.com${BASE}/${client_id}`),
  };
  const changed = { remaining: `Client ${client_id} is not deleted: its description or its claims have changed.` };
  const page = { body: '<html>' };

  it.each<
    [
      what: string,
      get: (Partial<FinalResponse> | Error)[],
      remove: (Partial<FinalResponse> | Error)[],
      expected: unknown,
    ]
  >([
    ['is deleted', [shown(client_id)], [{}], 'deleted'],
    ['is deleted, whatever JSON says so', [shown(client_id)], [json({ more: 1 })], 'deleted'],
    [
      'is deleted, though the text of its description changed',
      [shown(client_id, `Else\n${OLD_MARKER_LINE}`)],
      [{}],
      'deleted',
    ],
    ['may not exist any more', [MISSING], [MISSING], 'already deleted'],
    ['may be deleted by another run between the two reads', [shown(client_id), MISSING], [MISSING], 'already deleted'],
    // An earlier attempt, whose response did not arrive, deleted the client. The retry then finds nothing.
    ['is deleted by an attempt that got no response', [shown(client_id)], [{ ...MISSING, mayBeDone: true }], 'deleted'],
    ['is deleted again if the API lags behind itself', [shown(client_id)], [MISSING, {}], 'deleted'],
    ['stays if it has a new ownership marker', [shown(client_id, OTHER_MARKER_LINE)], [{}], changed],
    ['stays if it has no ownership marker any more', [shown(client_id, 'By hand')], [{}], changed],
    [
      'stays if it has one more ownership marker',
      [shown(client_id, `${OLD_MARKER_LINE}\n${OTHER_MARKER_LINE}`)],
      [{}],
      changed,
    ],
    ['is named if the response shows another client', [shown('m2morg_2')], [{}], byHand],
    ['is named if it cannot be read', [{ status: 403 }], [{}], byHand],
    ['is named if it cannot be deleted', [shown(client_id)], [{ status: 403 }], byHand],
    ['is named if there is no response', [shown(client_id)], [NO_RESPONSE], byHand],
    ["is named if a page says so that is not the API's", [shown(client_id)], [page], byHand],
    ["is named if a page is not found that is not the API's", [shown(client_id)], [{ ...page, status: 404 }], byHand],
  ])('%s', async (_what, get, remove, expected) => {
    const { scalekit, deletions } = fakeScalekit({
      [`GET ${client_id}`]: [...get],
      [`DELETE ${client_id}`]: [...remove],
    });
    const outcome = await deleteMarkedClient(scalekit, deletable);
    expect(outcome).toEqual(
      typeof expected === 'string' ? expected : { remaining: expect.any(String), ...Object(expected) },
    );
    if (expected === changed) expect(deletions()).toEqual([]);
    if (expected === byHand)
      expect(outcome).toEqual({ remaining: expect.stringMatching(/^Client m2morg_1 is left over: Could not /) });
  });
});

describe('a client that this step created', () => {
  const state = { ...BLANK_STATE, client: PENDING_CLIENT };
  const client_id = 'm2morg_2';
  const description = formatMarker({ ...MARKER, run: state.run, nonce: state.nonce });
  const others = { secrets: [{ id: 'sks_1' }, { id: 'sks_2' }] };
  const stays = "the client is not deleted, since it has secrets that are not known to be this step's";

  it.each<[what: string, fields: object, removed: string, deletion: string]>([
    ['is deleted', { secrets: [{ id: 'sks_1' }] }, `client ${client_id}`, client_id],
    ['is deleted although its secrets cannot be parsed', { secrets: {} }, `client ${client_id}`, client_id],
    [
      'is deleted although its expiry cannot be parsed',
      { ...others, expiry: 'soon' },
      `client ${client_id}`,
      client_id,
    ],
    ['is deleted although its claims cannot be parsed', { custom_claims: 'a=b' }, `client ${client_id}`, client_id],
    [
      "stays if it has another run's secret, and loses this step's",
      others,
      `secret sks_1 of client ${client_id} (${stays})`,
      `${client_id}/secrets/sks_1`,
    ],
  ])('%s', async (_what, fields, removed, deletion) => {
    const { scalekit, deletions } = fakeScalekit({
      [`GET ${client_id}`]: [json({ client: { client_id, description, ...fields } })],
      [`DELETE ${client_id}`]: [{}],
      'DELETE sks_1': [{}],
    });
    expect(await cleanUp(scalekit, state)).toEqual({ removed: [removed], notFound: false, remaining: [] });
    expect(deletions()).toEqual([`DELETE ${BASE}/${deletion}`]);
  });
});

describe('a secret that this step added to a client of earlier runs', () => {
  const secretsShown = (...ids: string[]) => ({
    secrets: ids.map((id) => ({ id, create_time: '2026-11-24T08:00:00Z' })),
  });
  /** Returns the response to a GET of the client with these secrets. */
  const clientWith = (ids: string[], marker = OLD_MARKER_LINE, client_id = PENDING_SECRET.client_id) =>
    json({ client: { client_id, description: `What for\n${marker}`, ...secretsShown(...ids) } });
  const { id: _, ...UNANSWERED } = PENDING_SECRET;
  const url = `https://acme.scalekit.com${BASE}/${PENDING_SECRET.client_id}/secrets`;
  const removed = ['secret sks_1 of client m2morg_2'];
  const leftover = (id: string) => expect.stringMatching(new RegExp(`^Secret ${id} of client .* DELETE ${url}/${id}$`));

  it.each<
    [
      what: string,
      PendingSecret,
      get: Partial<FinalResponse> | Error,
      result: { removed?: string[]; remaining?: unknown[] },
      deletions: string[],
    ]
  >([
    ['deletes it by its id', PENDING_SECRET, clientWith(['sks_0', 'sks_1']), { removed }, ['sks_1']],
    ['deletes no other secret', PENDING_SECRET, clientWith(['sks_1', 'sks_2']), { removed }, ['sks_1']],
    ['has nothing to do if the client is gone', PENDING_SECRET, MISSING, {}, []],
    [
      'deletes nothing if the client has another nonce by now',
      PENDING_SECRET,
      clientWith(['sks_1'], OTHER_MARKER_LINE),
      { remaining: [expect.stringContaining('is not the one that main read, by its description')] },
      [],
    ],
    [
      'deletes nothing if the client has no marker any more',
      PENDING_SECRET,
      clientWith(['sks_1'], ''),
      { remaining: [expect.stringContaining(`To remove it by hand: DELETE ${url}/sks_1`)] },
      [],
    ],
    [
      'deletes nothing if the response shows another client',
      PENDING_SECRET,
      clientWith(['sks_1'], OLD_MARKER_LINE, 'm2morg_3'),
      { remaining: [expect.stringContaining(`To remove it by hand: DELETE ${url}/sks_1`)] },
      [],
    ],
    [
      'names it if the client cannot be read',
      PENDING_SECRET,
      NO_RESPONSE,
      { remaining: [expect.stringContaining(`To remove it by hand: DELETE ${url}/sks_1`)] },
      [],
    ],
    [
      'names every secret that is new if its id is not known, and deletes none',
      { ...UNANSWERED, known_ids: ['sks_0'] },
      clientWith(['sks_0', 'sks_1', 'sks_2']),
      { remaining: [leftover('sks_1'), leftover('sks_2')] },
      [],
    ],
    [
      'says that it may still appear if its id is not known and no secret is new',
      { ...UNANSWERED, known_ids: ['sks_0'] },
      clientWith(['sks_0']),
      { remaining: [expect.stringContaining('Could not determine whether a secret was added to client m2morg_2')] },
      [],
    ],
    [
      'deletes it and names the other that an earlier request may have added',
      { ...PENDING_SECRET, known_ids: ['sks_0'], outcome_unknown: true },
      clientWith(['sks_0', 'sks_1', 'sks_2']),
      { removed, remaining: [leftover('sks_2')] },
      ['sks_1'],
    ],
  ])('%s', async (_what, secret, get, { removed = [], remaining = [] }, ids) => {
    const { scalekit, deletions } = fakeScalekit({
      [`GET ${secret.client_id}`]: [get],
      'DELETE sks_1': [{}],
      'DELETE sks_2': [{}],
    });
    const result = await cleanUp(scalekit, { ...BLANK_STATE, secret });
    expect(result).toEqual({ removed, notFound: false, remaining });
    expect(deletions()).toEqual(ids.map((id) => `DELETE ${BASE}/${secret.client_id}/secrets/${id}`));
  });
});

describe('what went wrong', () => {
  const reasons = (count: number) => Array.from({ length: count }, (_, number) => `Reason ${number}.`);

  it.each<[what: string, failures: string[], message: string | undefined]>([
    ['is nothing', [], undefined],
    ['is reported', reasons(2), 'Reason 0.\nReason 1.'],
    ['is reported once', [...reasons(2), ...reasons(2)], 'Reason 0.\nReason 1.'],
    ['is reported in full if it fits', reasons(200), reasons(200).join('\n')],
  ])('%s', (_what, failures, message) => {
    let reported: string | undefined;
    try {
      throwFailures(failures);
    } catch (error) {
      reported = (error as Error).message;
    }
    expect(reported).toBe(message);
  });
});
