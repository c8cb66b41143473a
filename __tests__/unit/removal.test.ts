import { describe, expect, it } from '@jest/globals';
import { type Answer, NetworkError } from '../../src/http.ts';
import { formatTrailer } from '../../src/identity.ts';
import { deleteClients } from '../../src/removal.ts';
import { Scalekit } from '../../src/scalekit/api.ts';
import { client, FakeTransport, json, OLD_LINE, TRAILER } from './fixtures.ts';

const BASE = '/api/v1/organizations/org_1/clients';
const MISSING = { status: 404, ...json({ message: 'not found' }) };
const LOST = new NetworkError('socket hang up', 'ECONNRESET', true);
const OTHER_LINE = formatTrailer({ ...TRAILER, nonce: 'another-nonce-12' });

const shown = (client_id: string, description = `What for\n${OLD_LINE}`): Partial<Answer> =>
  json({ client: { client_id, description } });

/** Scalekit that answers to a GET and to a DELETE of each client, by its id; the last answer stays. */
function fakeScalekit(answers: Record<string, (Partial<Answer> | Error)[]>) {
  const transport = new FakeTransport(({ method, url }) => {
    const queue = answers[`${method} ${url.pathname.split('/').at(-1)}`] ?? [MISSING];
    return (queue.length > 1 ? queue.shift() : queue[0]) ?? MISSING;
  });
  const scalekit = new Scalekit(transport, 'https://acme.scalekit.com', 'org_1');
  return { scalekit, deletions: () => transport.sent.filter((sent) => sent.startsWith('DELETE')) };
}

describe('a client that is to go', () => {
  const ID = 'm2morg_1';
  const byHand = `To remove it by hand: DELETE https://acme.scalekit.com${BASE}/${ID}`;
  const changed = `Client ${ID} stays: its description was changed meanwhile.`;

  it.each<
    [
      what: string,
      get: (Partial<Answer> | Error)[],
      remove: (Partial<Answer> | Error)[],
      deleted: boolean,
      left: string | undefined,
    ]
  >([
    ['is deleted', [shown(ID)], [{}], true, undefined],
    ['is deleted, though its own description changed', [shown(ID, `Else\n${OLD_LINE}`)], [{}], true, undefined],
    ['may have gone already', [MISSING], [MISSING], false, undefined],
    ['may go between the two looks', [shown(ID), MISSING], [MISSING], false, undefined],
    ['is deleted again where the API lags behind itself', [shown(ID)], [MISSING, {}], true, undefined],
    ['stays where it is marked anew', [shown(ID, OTHER_LINE)], [{}], false, changed],
    ['stays where it is marked no more', [shown(ID, 'By hand')], [{}], false, changed],
    ['stays where its mark has something below it', [shown(ID, `${OLD_LINE}\nmine`)], [{}], false, changed],
    ['stays where the answer shows another', [shown('m2morg_2')], [{}], false, changed],
    ['is named where it cannot be read', [{ status: 403 }], [{}], false, byHand],
    ['is named where it cannot be deleted', [shown(ID)], [{ status: 403 }], false, byHand],
    ['is named where the answer is lost', [shown(ID)], [LOST], false, byHand],
  ])('%s', async (_what, get, remove, gone, left) => {
    const { scalekit, deletions } = fakeScalekit({ [`GET ${ID}`]: [...get], [`DELETE ${ID}`]: [...remove] });
    const removed = await deleteClients(scalekit, [client()]);
    expect(removed).toEqual({
      deleted: gone ? [ID] : [],
      left: left === undefined ? [] : [expect.stringContaining(left)],
    });
    if (left === changed) expect(deletions()).toEqual([]);
    else if (left) expect(removed.left[0]).toMatch(/^Client m2morg_1 is left over: Could not /);
  });

  it('keeps none of the others from going', async () => {
    const ids = ['m2morg_1', 'm2morg_2', 'm2morg_3', 'm2morg_4'];
    const { scalekit, deletions } = fakeScalekit({
      ...Object.fromEntries(ids.map((id) => [`GET ${id}`, [shown(id)]])),
      ...Object.fromEntries(ids.map((id) => [`DELETE ${id}`, [{}]])),
      'GET m2morg_2': [shown('m2morg_2', OTHER_LINE)],
      'DELETE m2morg_3': [{ status: 500 }],
    });
    const removed = await deleteClients(
      scalekit,
      ids.map((client_id) => client({ client_id })),
    );
    expect(removed.deleted).toEqual(['m2morg_1', 'm2morg_4']);
    expect(removed.left.map((text) => /m2morg_\d/.exec(text)?.[0])).toEqual(['m2morg_2', 'm2morg_3']);
    expect(deletions()).toEqual(['m2morg_1', 'm2morg_3', 'm2morg_4'].map((id) => `DELETE ${BASE}/${id}`));
  });

  it('is looked at each time, and there may be none', async () => {
    const { scalekit, deletions } = fakeScalekit({});
    expect(await deleteClients(scalekit, [])).toEqual({ deleted: [], left: [] });
    expect(deletions()).toEqual([]);
  });
});
