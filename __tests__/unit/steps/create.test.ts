import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import { createClient } from '../../../src/steps/create.ts';
import { Journal } from '../../../src/undo/journal.ts';
import { MINUTE } from '../../support/times.ts';
import { BLANK_STATE, desiredClient, FakeTransport, json, LISTS, MARKER } from '../fixtures.ts';

const PLAIN_SECRET = ['fake', 'plain', 'secret'].join('-');
const NOW = Date.UTC(2026, 10, 24, 8);

beforeEach(() => {
  jest.useFakeTimers({ now: NOW, doNotFake: ['performance'] });
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** When the server says that it created the client, and when it responds. */
interface Timing {
  what: string;
  /** Minutes from the request to the creation, by this machine's clock. */
  created: number;
  /** Minutes from the request to the response. */
  answered: number;
  /** The response's `Date` header. */
  date: string | undefined;
}

/** Creates the client of a job. The server removes the ownership marker, so only the response to the create is proof. */
async function create({ created, answered, date }: Timing) {
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

describe('the response to a create request', () => {
  it.each<Timing>([
    { what: 'it was created when the request was sent', created: 0, answered: 0, date: at(0) },
    { what: 'the response took ten minutes', created: 0, answered: 10, date: at(10) },
    { what: "the server's clock is an hour behind", created: -60, answered: 0, date: at(-60) },
    { what: 'the response has no Date header', created: -60, answered: 0, date: undefined },
    { what: 'the Date header is invalid', created: -60, answered: 0, date: 'soon' },
  ])('accepts a created client without a marker as its own if $what', async (timing) => {
    expect(await create(timing)).toMatchObject({
      outcome: 'm2morg_2',
      pending: { id: 'm2morg_2', is_proven: true, secret_ids: ['sks_1'] },
    });
  });

  it.each<Timing>([
    { what: 'an hour before the request', created: -60, answered: 0, date: at(0) },
    { what: "an hour before the request by the server's clock", created: 0, answered: 0, date: at(60) },
    { what: 'before the request, and the response took some minutes', created: -5, answered: 4, date: at(4) },
  ])('fails if the created client has no marker and was created $what', async (timing) => {
    const { outcome, pending } = await create(timing);
    expect(outcome).toBe(
      'Could not create the client: the answer shows client m2morg_2, and it was created before the request.',
    );
    expect(pending).toEqual({ sent_at: NOW, sent_again: true });
  });
});
