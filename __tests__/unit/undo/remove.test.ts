import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { formatMarker, parseMarker } from '../../../src/client/identity.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { HttpResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import { type DeletableClient, deleteMarkedClient, throwFailures } from '../../../src/undo/remove.ts';
import { FakeTransport, json, OLD_LINE, TRAILER } from '../fixtures.ts';

const BASE = '/api/v1/organizations/org_1/clients';
const MISSING = { status: 404, ...json({ message: 'not found' }) };
const LOST = new NetworkError('socket hang up', 'ECONNRESET', true);
const OTHER_LINE = formatMarker({ ...TRAILER, nonce: 'another-nonce-12' });

const shown = (client_id: string, description = `What for\n${OLD_LINE}`): Partial<HttpResponse> =>
  json({ client: { client_id, description } });

/** Scalekit that answers to a GET and to a DELETE of each client, by its id; the last answer stays. */
function fakeScalekit(answers: Record<string, (Partial<HttpResponse> | Error)[]>) {
  const transport = new FakeTransport(({ method, url }) => {
    const queue = answers[`${method} ${url.pathname.split('/').at(-1)}`] ?? [MISSING];
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

describe('a client that is to go', () => {
  const client_id = 'm2morg_1';
  const own: DeletableClient = { client_id, marker: parseMarker(OLD_LINE) ?? TRAILER };
  const byHand = {
    remaining: expect.stringContaining(`To remove it by hand: DELETE https://acme.scalekit.com${BASE}/${client_id}`),
  };
  const changed = { remaining: `Client ${client_id} stays: its description was changed meanwhile.` };
  const page = { body: '<html>' };

  it.each<
    [what: string, get: (Partial<HttpResponse> | Error)[], remove: (Partial<HttpResponse> | Error)[], expected: unknown]
  >([
    ['is deleted', [shown(client_id)], [{}], 'deleted'],
    ['is deleted, whatever JSON says so', [shown(client_id)], [json({ more: 1 })], 'deleted'],
    ['is deleted, though its own description changed', [shown(client_id, `Else\n${OLD_LINE}`)], [{}], 'deleted'],
    ['may have gone already', [MISSING], [MISSING], 'gone already'],
    ['may go between the two looks', [shown(client_id), MISSING], [MISSING], 'gone already'],
    // What finds nothing is the repeat, and what was there went with the sending whose answer was lost.
    [
      'is deleted by a sending whose answer was lost',
      [shown(client_id)],
      [{ ...MISSING, earlierOutcomeUnknown: true }],
      'deleted',
    ],
    ['is deleted again where the API lags behind itself', [shown(client_id)], [MISSING, {}], 'deleted'],
    ['stays where it is marked anew', [shown(client_id, OTHER_LINE)], [{}], changed],
    ['stays where it is marked no more', [shown(client_id, 'By hand')], [{}], changed],
    ['stays where its mark has something below it', [shown(client_id, `${OLD_LINE}\nmine`)], [{}], changed],
    ['stays where the answer shows another', [shown('m2morg_2')], [{}], changed],
    ['is named where it cannot be read', [{ status: 403 }], [{}], byHand],
    ['is named where it cannot be deleted', [shown(client_id)], [{ status: 403 }], byHand],
    ['is named where the answer is lost', [shown(client_id)], [LOST], byHand],
    ["is named where a page says so that is not the API's", [shown(client_id)], [page], byHand],
    [
      "is named where a page is not found that is not the API's",
      [shown(client_id)],
      [{ ...page, status: 404 }],
      byHand,
    ],
  ])('%s', async (_what, get, remove, expected) => {
    const { scalekit, deletions } = fakeScalekit({
      [`GET ${client_id}`]: [...get],
      [`DELETE ${client_id}`]: [...remove],
    });
    const outcome = await deleteMarkedClient(scalekit, own);
    expect(outcome).toEqual(
      typeof expected === 'string' ? expected : { remaining: expect.any(String), ...Object(expected) },
    );
    if (expected === changed) expect(deletions()).toEqual([]);
    if (expected === byHand)
      expect(outcome).toEqual({ remaining: expect.stringMatching(/^Client m2morg_1 is left over: Could not /) });
  });
});

describe('what went wrong', () => {
  const reasons = (count: number) => Array.from({ length: count }, (_, number) => `Reason ${number}.`);

  it.each<[what: string, failures: string[], message: string | undefined]>([
    ['is nothing', [], undefined],
    ['is told', reasons(2), 'Reason 0.\nReason 1.'],
    ['is told once', [...reasons(2), ...reasons(2)], 'Reason 0.\nReason 1.'],
    ['is told whole up to ten reasons', reasons(10), reasons(10).join('\n')],
    ['is told up to ten reasons, and how many more', reasons(12), `${reasons(10).join('\n')}\nAnd 2 more, in the log.`],
    ['is counted once', [...reasons(10), ...reasons(11)], `${reasons(10).join('\n')}\nAnd 1 more, in the log.`],
  ])('%s', (_what, failures, message) => {
    let told: string | undefined;
    try {
      throwFailures(failures);
    } catch (error) {
      told = (error as Error).message;
    }
    expect(told).toBe(message);
  });
});
