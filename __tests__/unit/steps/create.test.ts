import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { appendMarker } from '../../../src/client/marker.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
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

describe('a create request without a response', () => {
  const PATH = '/api/v1/organizations/org_1/clients';
  const NO_RESPONSE = new NetworkError('socket hang up', 'ECONNRESET', true);
  const MISSING = { status: 404, ...json({ message: 'not found' }) };
  const desired = desiredClient();
  /** The client that the server created, as a list without secrets shows it. */
  const LISTED = {
    client_id: 'm2morg_2',
    ...desired.fields,
    description: appendMarker(desired.fields.description, desired.marker),
  };
  const [FIRST, ADDED] = ['07', '08'].map((hour, at) => ({
    id: `sks_${at + 1}`,
    create_time: `2026-11-24T${hour}:00:00Z`,
  }));

  /** Creates a client. @param responses by method and path below the list of clients, in order. The last one repeats */
  async function createWith(responses: Record<string, (Partial<FinalResponse> | Error)[]>) {
    const pauses: number[] = [];
    const transport = new FakeTransport(({ method, url, mayBeDone = false }) => {
      const queue = responses[`${method} ${url.pathname.slice(PATH.length)}`.trim()] ?? [MISSING];
      const response = (queue.length > 1 ? queue.shift() : queue[0]) ?? MISSING;
      return response instanceof Error ? response : { mayBeDone, ...response };
    });
    transport.wait = async (milliseconds) => {
      pauses.push(milliseconds);
      return true;
    };
    const scalekit = new Scalekit(transport, BLANK_STATE.origin, 'org_1');
    const journal = new Journal({ ...BLANK_STATE, nonce: MARKER.nonce, run: MARKER.run }, 'secret', undefined);
    const created = await createClient({ scalekit, desired, journal }, { seenIds: undefined }).catch(
      ({ message }: Error) => message,
    );
    return { created, pauses, pending: journal.state, sent: transport.sent.map((call) => call.replace(PATH, '')) };
  }

  it('searches at once and after one, two and four seconds, before it sends the create request again', async () => {
    const { created, pauses, sent } = await createWith({ POST: [NO_RESPONSE], GET: [json({ clients: [] })] });
    expect(created).toMatch(/^Could not create the client: socket hang up/);
    const round = ['POST ', 'GET ', 'GET ', 'GET ', 'GET '];
    expect(sent).toEqual([...round, ...round, ...round]);
    expect(pauses).toEqual([1, 2, 3].flatMap(() => [0, 1000, 1000, 2000]));
  });

  it('keeps the client in the journal if the server refuses the create request after a lost response', async () => {
    const POST = [NO_RESPONSE, { status: 400, ...json({ message: 'no' }) }];
    const { created, pending } = await createWith({ POST, GET: [json({ clients: [] })] });
    expect(created).toMatch(/^Could not create the client: HTTP 400/);
    expect(pending.client).toEqual({ sent_at: NOW, sent_again: true });
  });

  it('adds a secret to the client that it finds, and deletes the first one later, although the server shows both late', async () => {
    const { created, pending } = await createWith({
      POST: [NO_RESPONSE],
      GET: [json({ clients: [LISTED] })],
      'POST /m2morg_2/secrets': [MISSING, json({ plain_secret: PLAIN_SECRET, secret: ADDED })],
      'GET /m2morg_2': [json({ client: { ...LISTED, secrets: [ADDED, FIRST] } })],
    });
    expect(created).toMatchObject({
      client: { client_id: 'm2morg_2' },
      secret: { plain_secret: PLAIN_SECRET, shown: { id: 'sks_2' } },
      remainingSteps: [{ kind: 'delete-secret', secret: { id: 'sks_1' }, spareRecent: false }],
    });
    expect(pending).toMatchObject({ client: { id: 'm2morg_2', secret_ids: ['sks_1', 'sks_2'] }, secret: undefined });
  });

  it('fails, and adds no secret, if the client that it finds is not as requested', async () => {
    const { created, pending, sent } = await createWith({
      POST: [NO_RESPONSE],
      GET: [json({ clients: [{ ...LISTED, scopes: [] }] })],
    });
    expect(created).toMatch(
      /^The client that Scalekit created differs from the requested one\. A scope must exist in the environment first\.\nscopes: wanted /,
    );
    expect(sent).toEqual(['POST ', 'GET ']);
    expect(pending.client).toMatchObject({ id: 'm2morg_2' });
  });
});
