import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { formatMarker, parseMarker } from '../../../src/client/marker.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import type { PendingSecret } from '../../../src/undo/pending.ts';
import { cleanUp, type DeletableClient, deleteMarkedClient, throwFailures } from '../../../src/undo/remove.ts';
import {
  BLANK_STATE,
  FakeTransport,
  json,
  MARKER,
  NO_RESPONSE,
  OLD_MARKER_LINE,
  PENDING_CLIENT,
  PENDING_SECRET,
} from '../fixtures.ts';

const BASE = '/api/v1/organizations/org_1/clients';
/** Scalekit's response if a client or a secret does not exist. */
const NOT_FOUND = { status: 404, ...json({ message: 'not found' }) };
const OTHER_MARKER_LINE = formatMarker({ ...MARKER, nonce: 'another-nonce-12' });

/** Returns the response to a GET of a client. */
const shown = (client_id: string, description = `What for\n${OLD_MARKER_LINE}`, fields = {}): Partial<FinalResponse> =>
  json({ client: { client_id, description, ...fields } });

type Responses = (Partial<FinalResponse> | Error)[];

/** @param responses by method and client id, in the order of the requests. The last response repeats */
function fakeScalekit(responses: Record<string, Responses>) {
  const transport = new FakeTransport(({ method, url }) => {
    const queue = responses[`${method} ${url.pathname.split('/').at(-1)}`] ?? [NOT_FOUND];
    return (queue.length > 1 ? queue.shift() : queue[0]) ?? NOT_FOUND;
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

describe('deleteMarkedClient', () => {
  const client_id = 'm2morg_1';
  const deletable: DeletableClient = { client_id, marker: parseMarker(OLD_MARKER_LINE) ?? MARKER };
  const page = { body: '<html>' };

  /** Deletes the client. @param responses in the order of the requests */
  async function deleteClient(get: Responses, remove: Responses) {
    const { scalekit, deletions } = fakeScalekit({
      [`GET ${client_id}`]: [...get],
      [`DELETE ${client_id}`]: [...remove],
    });
    return { outcome: await deleteMarkedClient(scalekit, deletable), deletions: deletions() };
  }

  it.each<[why: string, get: Responses, remove: Responses]>([
    ['its marker is the expected one', [shown(client_id)], [{}]],
    ['the response to the deletion has unknown fields', [shown(client_id)], [json({ more: 1 })]],
    ['only the text of its description has changed', [shown(client_id, `Else\n${OLD_MARKER_LINE}`)], [{}]],
    // An earlier attempt, whose response did not arrive, deleted the client. The retry then finds nothing.
    ['an attempt without a response has deleted it', [shown(client_id)], [{ ...NOT_FOUND, mayBeDone: true }]],
    ['the server does not know the client at first', [shown(client_id)], [NOT_FOUND, {}]],
  ])('deleteMarkedClient deletes a client if %s', async (_why, get, remove) => {
    expect(await deleteClient(get, remove)).toMatchObject({ outcome: 'deleted' });
  });

  it.each<[why: string, get: Responses]>([
    ['it does not exist', [NOT_FOUND]],
    ['another run deletes it between the two reads', [shown(client_id), NOT_FOUND]],
  ])('deleteMarkedClient reports that a client was already deleted if %s', async (_why, get) => {
    expect(await deleteClient(get, [NOT_FOUND])).toMatchObject({ outcome: 'already deleted' });
  });

  it.each<[why: string, description: string | undefined, fields: object]>([
    ['its ownership marker is another one', OTHER_MARKER_LINE, {}],
    ['its ownership marker was removed', 'By hand', {}],
    ['it has another ownership marker in addition', `${OLD_MARKER_LINE}\n${OTHER_MARKER_LINE}`, {}],
    ['its claims cannot be read any more', undefined, { custom_claims: 'a=b' }],
  ])('deleteMarkedClient does not delete a client if %s', async (_why, description, fields) => {
    expect(await deleteClient([shown(client_id, description, fields)], [{}])).toEqual({
      outcome: { remaining: `Client ${client_id} is not deleted: its description or its claims have changed.` },
      deletions: [],
    });
  });

  it.each<[why: string, get: Responses, remove: Responses]>([
    ['the response shows another client', [shown('m2morg_2')], [{}]],
    ['it cannot be read', [{ status: 403 }], [{}]],
    ['it cannot be deleted', [shown(client_id)], [{ status: 403 }]],
    ['the server does not respond', [shown(client_id)], [NO_RESPONSE]],
    ["the success is a page that is not the API's", [shown(client_id)], [page]],
    ["the 404 is a page that is not the API's", [shown(client_id)], [{ ...page, status: 404 }]],
  ])('deleteMarkedClient names the client and the call that deletes it if %s', async (_why, get, remove) => {
    const { outcome } = await deleteClient(get, remove);
    expect(outcome).toEqual({ remaining: expect.stringMatching(/^Client m2morg_1 is left over: Could not /) });
    expect(outcome).toEqual({
      remaining: expect.stringContaining(`To remove it by hand: DELETE https://acme.scalekit.com${BASE}/${client_id}`),
    });
  });
});

describe('cleanUp of a client', () => {
  const state = { ...BLANK_STATE, client: PENDING_CLIENT };
  const client_id = 'm2morg_2';
  const description = formatMarker({ ...MARKER, run: state.run, nonce: state.nonce });
  const otherSecrets = { secrets: [{ id: 'sks_1' }, { id: 'sks_2' }] };

  /** Cleans up if the server shows these fields of the client. */
  async function cleanUpClient(fields: object) {
    const { scalekit, deletions } = fakeScalekit({
      [`GET ${client_id}`]: [json({ client: { client_id, description, ...fields } })],
      [`DELETE ${client_id}`]: [{}],
      'DELETE sks_1': [{}],
    });
    return { result: await cleanUp(scalekit, state), deletions: deletions() };
  }

  it.each<[what: string, fields: object]>([
    ["if it has no other run's secret", { secrets: [{ id: 'sks_1' }] }],
    ['even if its secrets cannot be parsed', { secrets: {} }],
    ['even if its expiry cannot be parsed', { ...otherSecrets, expiry: 'soon' }],
    ['even if its claims cannot be parsed', { custom_claims: 'a=b' }],
  ])('cleanUp deletes the client of this step %s', async (_what, fields) => {
    expect(await cleanUpClient(fields)).toEqual({
      result: { removed: [`client ${client_id}`], notFound: false, remaining: [] },
      deletions: [`DELETE ${BASE}/${client_id}`],
    });
  });

  it("cleanUp keeps the client of this step if it has another run's secret, and deletes this step's secret", async () => {
    const why = "the client is not deleted, since it has secrets that are not known to be this step's";
    expect(await cleanUpClient(otherSecrets)).toEqual({
      result: { removed: [`secret sks_1 of client ${client_id} (${why})`], notFound: false, remaining: [] },
      deletions: [`DELETE ${BASE}/${client_id}/secrets/sks_1`],
    });
  });
});

describe('cleanUp of a secret that this step added to an existing client', () => {
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

  /** Cleans up, and returns the ids of the secrets that were deleted. @param get the response to a GET of the client */
  async function cleanUpSecret(secret: PendingSecret, get: Partial<FinalResponse> | Error) {
    const { scalekit, deletions } = fakeScalekit({
      [`GET ${secret.client_id}`]: [get],
      'DELETE sks_1': [{}],
      'DELETE sks_2': [{}],
    });
    const result = await cleanUp(scalekit, { ...BLANK_STATE, secret });
    const path = `DELETE ${BASE}/${secret.client_id}/secrets/`;
    expect(deletions().filter((sent) => !sent.startsWith(path))).toEqual([]);
    return { ...result, deletedIds: deletions().map((sent) => sent.slice(path.length)) };
  }

  it.each<[what: string, ids: string[]]>([
    ['older', ['sks_0', 'sks_1']],
    ['newer', ['sks_1', 'sks_2']],
  ])('cleanUp deletes the added secret by its id, and no %s secret', async (_what, ids) => {
    expect(await cleanUpSecret(PENDING_SECRET, clientWith(ids))).toEqual({
      removed,
      notFound: false,
      remaining: [],
      deletedIds: ['sks_1'],
    });
  });

  it('cleanUp has nothing to do for an added secret if its client no longer exists', async () => {
    expect(await cleanUpSecret(PENDING_SECRET, NOT_FOUND)).toEqual({
      removed: [],
      notFound: false,
      remaining: [],
      deletedIds: [],
    });
  });

  it.each<[why: string, get: Partial<FinalResponse> | Error]>([
    ['the nonce of the client has changed', clientWith(['sks_1'], OTHER_MARKER_LINE)],
    ['the client has no marker any more', clientWith(['sks_1'], '')],
    ['the response shows another client', clientWith(['sks_1'], OLD_MARKER_LINE, 'm2morg_3')],
    ['the client cannot be read', NO_RESPONSE],
  ])('cleanUp deletes no added secret, but names the call that deletes it, if %s', async (_why, get) => {
    expect(await cleanUpSecret(PENDING_SECRET, get)).toEqual({
      removed: [],
      notFound: false,
      remaining: [expect.stringContaining(`To remove it by hand: DELETE ${url}/sks_1`)],
      deletedIds: [],
    });
  });

  it('cleanUp says that the description has changed if the nonce of the client is another one', async () => {
    expect(await cleanUpSecret(PENDING_SECRET, clientWith(['sks_1'], OTHER_MARKER_LINE))).toMatchObject({
      remaining: [expect.stringContaining('is not the one that main read, by its description')],
    });
  });

  it('cleanUp names every new secret of the client, and deletes none, if the id of the added one is unknown', async () => {
    const get = clientWith(['sks_0', 'sks_1', 'sks_2']);
    expect(await cleanUpSecret({ ...UNANSWERED, known_ids: ['sks_0'] }, get)).toEqual({
      removed: [],
      notFound: false,
      remaining: [leftover('sks_1'), leftover('sks_2')],
      deletedIds: [],
    });
  });

  it('cleanUp says that the added secret may still appear if its id is unknown and no secret is new', async () => {
    expect(await cleanUpSecret({ ...UNANSWERED, known_ids: ['sks_0'] }, clientWith(['sks_0']))).toEqual({
      removed: [],
      notFound: false,
      remaining: [expect.stringContaining('Could not determine whether a secret was added to client m2morg_2')],
      deletedIds: [],
    });
  });

  it('cleanUp deletes the added secret, and names the one that an earlier request may have added', async () => {
    const pending = { ...PENDING_SECRET, known_ids: ['sks_0'], outcome_unknown: true };
    expect(await cleanUpSecret(pending, clientWith(['sks_0', 'sks_1', 'sks_2']))).toEqual({
      removed,
      notFound: false,
      remaining: [leftover('sks_2')],
      deletedIds: ['sks_1'],
    });
  });
});

it('throwFailures throws one error that names each failure once', () => {
  expect(() => throwFailures(['Reason 0.', 'Reason 1.', 'Reason 0.'])).toThrow(new Error('Reason 0.\nReason 1.'));
});

it('throwFailures throws nothing if there are no failures', () => {
  expect(() => throwFailures([])).not.toThrow();
});
