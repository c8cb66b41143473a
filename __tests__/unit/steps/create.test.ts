import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import { createClient } from '../../../src/steps/create.ts';
import { Journal } from '../../../src/undo/journal.ts';
import { BLANK_STATE, desiredClient, FakeTransport, json, LISTS, MARKER } from '../fixtures.ts';

const PLAIN_SECRET = ['fake', 'plain', 'secret'].join('-');
const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 24, 8);

beforeEach(() => {
  jest.useFakeTimers({ now: NOW, doNotFake: ['performance'] });
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/**
 * Creates the client of a job. The server removes the ownership marker, so only the response to the create is proof.
 * @param created minutes after the request was sent, by this machine's clock, at which the server says to have created
 *   the client
 * @param answered minutes after which the response comes
 * @param date the response's `Date` header
 */
async function create(created: number, answered: number, date: string | undefined) {
  const create_time = new Date(NOW + created * MINUTE).toISOString();
  const shown = { client_id: 'm2morg_2', ...LISTS, description: 'What for', create_time, secrets: [{ id: 'sks_1' }] };
  const headers: FinalResponse['headers'] = date === undefined ? {} : { date };
  const transport = new FakeTransport(({ method }) => {
    if (method === 'GET') return json({ clients: [] });
    jest.setSystemTime(NOW + answered * MINUTE);
    return { ...json({ client: shown, plain_secret: PLAIN_SECRET }), headers };
  });
  const scalekit = new Scalekit(transport, BLANK_STATE.origin, 'org_1');
  const journal = new Journal({ ...BLANK_STATE, lifetime: 'job' }, 'secret', undefined);
  const desired = desiredClient({ marker: { ...MARKER, lifetime: 'job' } });
  const outcome = await createClient({ scalekit, desired, journal }, { seenIds: undefined }).then(
    ({ client }) => client.client_id,
    (error: Error) => error.message,
  );
  return { outcome, pending: journal.state.client };
}

const at = (minutes: number) => new Date(NOW + minutes * MINUTE).toUTCString();

describe('the response to a create request is proof', () => {
  it.each<[what: string, created: number, answered: number, date: string | undefined]>([
    ['was created when the request was sent', 0, 0, at(0)],
    ['was created when the request was sent, and the response took ten minutes', 0, 10, at(10)],
    ["was created when the request was sent, by a server's clock that is an hour behind", -60, 0, at(-60)],
    ['was created an hour before the request, and the response has no Date header', -60, 0, undefined],
    ['was created an hour before the request, and the Date header is no date', -60, 0, 'soon'],
  ])('if the client %s', async (_what, created, answered, date) => {
    expect(await create(created, answered, date)).toMatchObject({
      outcome: 'm2morg_2',
      pending: { id: 'm2morg_2', is_proven: true, secret_ids: ['sks_1'] },
    });
  });

  it.each<[what: string, created: number, answered: number, date: string]>([
    ['an hour before the request', -60, 0, at(0)],
    ["at the time of the request by this machine's clock, an hour early by the server's", 0, 0, at(60)],
    ['five minutes before the request, whose response took four minutes', -5, 4, at(4)],
  ])('unless the client was created %s', async (_what, created, answered, date) => {
    const { outcome, pending } = await create(created, answered, date);
    expect(outcome).toBe(
      'Could not create the client: the answer shows client m2morg_2, and it was created before the request.',
    );
    expect(pending).toEqual({ sent_at: NOW, sent_again: true });
  });
});
