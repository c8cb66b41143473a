import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { Outcome } from '../../../src/net/outcome.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import type { Creation } from '../../../src/scalekit/types.ts';
import { BLANK_STATE, desiredClient, FakeTransport, json, NO_RESPONSE } from '../fixtures.ts';

const PLAIN_SECRET = ['fake', 'plain', 'secret'].join('-');
const BASE = '/api/v1/organizations/org_1/clients';
const CLIENT = { client_id: 'm2morg_1', name: 'Deployer', secrets: [{ id: 'sks_1' }] };
const SECRET = { id: 'sks_2', create_time: '2026-11-24T08:00:00Z' };

let printed = '';
beforeEach(() => {
  printed = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** A request that creates or changes something. */
interface Change {
  /** Completes "Could not …". */
  operation: string;
  send: (scalekit: Scalekit, creation: Creation) => Promise<Outcome<unknown>>;
  /** A response that says that it was carried out. */
  done: object;
}

/** Requests that create something. They are repeated only if they provably had no effect. */
const CREATIONS: Change[] = [
  {
    operation: 'create the client',
    send: (scalekit, creation) => scalekit.createClient(desiredClient().fields, creation),
    done: { client: CLIENT, plain_secret: PLAIN_SECRET },
  },
  {
    operation: 'add a secret to client m2morg_1',
    send: (scalekit, creation) => scalekit.addSecret('m2morg_1', [], creation),
    done: { secret: SECRET, plain_secret: PLAIN_SECRET },
  },
];

const UPDATE: Change = {
  operation: 'update client m2morg_1',
  send: (scalekit) => scalekit.updateClient('m2morg_1', { name: 'a' }),
  done: { client: CLIENT },
};

function scalekitWith(response: Partial<FinalResponse> | Error) {
  const transport = new FakeTransport(() => response);
  return { transport, scalekit: new Scalekit(transport, BLANK_STATE.origin, 'org_1') };
}

/** Sends a request. @returns its outcome, and the ids that it announced */
async function run({ send }: Change, response: Partial<FinalResponse> | Error, mayBeDone = false) {
  const { transport, scalekit } = scalekitWith(response);
  const ids: string[] = [];
  const outcome = await send(scalekit, { mayBeDone, onSend: () => {}, onId: (id) => ids.push(id) });
  return { outcome, ids, transport };
}

describe.each([...CREATIONS, UPDATE])('a request that changes something: $operation', (change) => {
  it.each<{ what: string; response: Partial<FinalResponse> | Error; kind: 'refused' | 'unknown'; message: string }>([
    {
      what: 'a refusal',
      response: { status: 403, ...json({ message: 'No.' }) },
      kind: 'refused',
      message: 'HTTP 403: No. ',
    },
    { what: 'a rate limit', response: { status: 429 }, kind: 'refused', message: 'HTTP 429. ' },
    { what: 'a 404', response: { status: 404 }, kind: 'refused', message: 'HTTP 404. ' },
    {
      what: 'a refusal that follows an attempt that may have arrived',
      response: { status: 403, mayBeDone: true },
      kind: 'unknown',
      message: 'HTTP 403. ',
    },
    {
      what: 'a page of a server in between',
      response: { status: 403, body: '<html>' },
      kind: 'unknown',
      message: "HTTP 403. That is not the API's JSON",
    },
    {
      what: 'a failure of the server',
      response: { status: 500, mayBeDone: true },
      kind: 'unknown',
      message: 'HTTP 500. That is a failure of Scalekit',
    },
    {
      what: 'a redirect',
      response: { status: 302, mayBeDone: true },
      kind: 'unknown',
      message: 'HTTP 302. Redirects are not followed',
    },
    { what: 'a success without a body', response: { status: 200 }, kind: 'unknown', message: 'HTTP 200, but ' },
    {
      what: 'a success with a page',
      response: { status: 200, body: '<html>' },
      kind: 'unknown',
      message: 'HTTP 200, but the answer is not JSON ',
    },
    { what: 'a success about something else', response: json({ more: 1 }), kind: 'unknown', message: 'HTTP 200, but ' },
    { what: 'no response', response: NO_RESPONSE, kind: 'unknown', message: 'socket hang up. ' },
    {
      what: 'a connection that was refused',
      response: new NetworkError('refused', 'ECONNREFUSED', false),
      kind: 'refused',
      message: 'refused. ',
    },
  ])('createClient, addSecret and updateClient report $what as $kind', async ({ response, kind, message }) => {
    const { outcome } = await run(change, response);
    expect(outcome).toMatchObject({ kind, error: { name: 'ApiError' } });
    const start = `Could not ${change.operation}: ${message}`.trimEnd();
    // Advice follows some of these sentences.
    expect(outcome.kind === 'done' ? '' : outcome.error.message.slice(0, start.length)).toBe(start);
  });

  it('createClient, addSecret and updateClient report the response that the API documents as done', async () => {
    for (const mayBeDone of [true, false]) {
      const { outcome } = await run(change, { ...json(change.done), mayBeDone });
      expect(outcome.kind).toBe('done');
    }
  });
});

it.each(CREATIONS)(
  'Scalekit sends a request to $operation as not repeatable, with whether an earlier one may have been carried out',
  async (change) => {
    for (const mayBeDone of [true, false]) {
      const { transport } = await run(change, json(change.done), mayBeDone);
      expect(transport.requests).toMatchObject([{ repeatable: false, mayBeDone }]);
    }
  },
);

it('updateClient sends a repeatable request, for which only its own attempts count', async () => {
  const { transport } = await run(UPDATE, json(UPDATE.done), true);
  expect(transport.requests).toMatchObject([{ repeatable: true, mayBeDone: false }]);
});

describe('a secret that a response shows', () => {
  it.each(CREATIONS)('Scalekit masks the new secret before it announces the id: $operation', async (change) => {
    // A secret is masked once in a process.
    const plain_secret = `${PLAIN_SECRET}-${change.operation.length}`;
    let printedAtId = '';
    const { scalekit } = scalekitWith(json({ ...change.done, plain_secret }));
    const onId = jest.fn(() => {
      printedAtId = printed;
    });
    await change.send(scalekit, { mayBeDone: false, onSend: () => {}, onId });
    expect(onId).toHaveBeenCalledTimes(1);
    expect(printedAtId).toContain(`::add-mask::${plain_secret}\n`);
  });

  it.each(CREATIONS)(
    'Scalekit refuses a new secret that is too short, and announces its id, so that it is deleted: $operation',
    async (change) => {
      const { outcome, ids } = await run(change, json({ ...change.done, plain_secret: 'short' }));
      expect(outcome).toMatchObject({
        kind: 'unknown',
        error: {
          message: expect.stringContaining(
            'HTTP 200, but its plain_secret is not 8 characters to 48 KiB of printable ASCII',
          ),
        },
      });
      expect(ids).toHaveLength(1);
    },
  );

  it('addSecret returns a secret although the response does not show its id', async () => {
    const { scalekit } = scalekitWith(json({ plain_secret: PLAIN_SECRET }));
    const onId = jest.fn();
    const outcome = await scalekit.addSecret('m2morg_1', [], { mayBeDone: false, onSend: () => {}, onId });
    expect(outcome).toEqual({ kind: 'done', value: { secret: undefined, plain_secret: PLAIN_SECRET } });
    expect(onId).not.toHaveBeenCalled();
  });

  it.each(CREATIONS)('Scalekit sends no request if the journal cannot be written: $operation', async (change) => {
    const { transport, scalekit } = scalekitWith({});
    const onSend = () => {
      throw new Error('Could not write the state.');
    };
    const sending = change.send(scalekit, { mayBeDone: false, onSend, onId: () => {} });
    await expect(sending).rejects.toThrow('Could not write the state.');
    expect(transport.sent).toEqual([]);
  });
});

describe('the page size of the list', () => {
  /** Reads a list of two pages. @returns the page size of each request, and the error if there is one */
  async function listWith(refuse: (pageSize: string | null) => Partial<FinalResponse> | undefined) {
    const transport = new FakeTransport(({ url: { searchParams } }) => {
      const page = json({ clients: [CLIENT], next_page_token: searchParams.has('page_token') ? '' : 'two' });
      return refuse(searchParams.get('page_size')) ?? page;
    });
    const ids: string[] = [];
    let error: string | undefined;
    try {
      for await (const { client_id } of new Scalekit(transport, BLANK_STATE.origin, 'org_1').listClients())
        ids.push(client_id);
    } catch (thrown) {
      error = String(thrown);
    }
    return { ids, error, sizes: transport.requests.map(({ url }) => url.searchParams.get('page_size')) };
  }
  const refusal = { status: 400, ...json({ message: 'invalid page_size' }) };

  it.each<{ refused: string[]; sizes: (string | null)[] }>([
    { refused: [], sizes: ['100', '100'] },
    { refused: ['100'], sizes: ['100', '30', '30'] },
    { refused: ['100', '30'], sizes: ['100', '30', null, null] },
  ])(
    'listClients keeps the first page size that the API accepts, if it refuses $refused',
    async ({ refused, sizes }) => {
      const listed = await listWith((size) => (refused.includes(size ?? '') ? refusal : undefined));
      expect(listed).toEqual({ ids: [CLIENT.client_id, CLIENT.client_id], error: undefined, sizes });
    },
  );

  it.each<[what: string, Partial<FinalResponse>]>([
    ['names something else', { status: 400, ...json({ message: 'invalid page_token' }) }],
    ['has another status', { ...refusal, status: 403 }],
  ])('listClients tries no other page size after a refusal that %s', async (_what, response) => {
    const error = expect.stringMatching(
      /^ApiError: Could not list the organization's clients: HTTP 40[03]: invalid page_/,
    );
    expect(await listWith(() => response)).toEqual({ ids: [], error, sizes: ['100'] });
  });

  it('listClients fails if the API refuses a list without a page size as well', async () => {
    const listed = await listWith(() => refusal);
    expect(listed).toMatchObject({ error: expect.stringContaining('page_size'), sizes: ['100', '30', null] });
  });
});

describe('new credentials', () => {
  it.each<{ attempts: number; what: string; response: Partial<FinalResponse> | Error }>([
    { attempts: 8, what: 'a 401 of the API', response: { status: 401, ...json({ error: 'invalid_client' }) } },
    { attempts: 8, what: 'a 403 of the API', response: { status: 403 } },
    { attempts: 1, what: 'a 403 of a firewall', response: { status: 403, body: '<html>no</html>' } },
    { attempts: 1, what: 'an unknown scope', response: { status: 400, ...json({ error: 'invalid_scope' }) } },
    { attempts: 1, what: 'a rate limit', response: { status: 429 } },
    { attempts: 1, what: 'a failure of the server', response: { status: 503 } },
    { attempts: 1, what: 'no response', response: NO_RESPONSE },
  ])('getToken requests a token $attempts times if each answer is $what', async ({ attempts, response }) => {
    const { transport, scalekit } = scalekitWith(response);
    const credentials = { client_id: 'm2morg_1', client_secret: PLAIN_SECRET };
    await expect(scalekit.getToken(credentials)).rejects.toThrow(
      /^Could not get an access token for client m2morg_1: /,
    );
    expect(transport.sent).toEqual(Array(attempts).fill('POST /oauth/token'));
  });
});

describe('the deletion of a client or a secret', () => {
  it.each<[existed: boolean, what: string, response: Partial<FinalResponse>]>([
    [true, 'a success', {}],
    [true, 'a success with an object', json({ more: 1 })],
    [false, 'a 404', { status: 404 }],
    [true, 'a 404 that follows an attempt that may have arrived', { status: 404, mayBeDone: true }],
  ])('deleteClient and deleteSecret of Scalekit return %s after %s', async (existed, _what, response) => {
    const { transport, scalekit } = scalekitWith(response);
    expect(await scalekit.deleteClient('m2morg_1')).toBe(existed);
    expect(await scalekit.deleteSecret('m2morg_1', 'sks_1')).toBe(existed);
    expect(transport.sent).toEqual([`DELETE ${BASE}/m2morg_1`, `DELETE ${BASE}/m2morg_1/secrets/sks_1`]);
  });

  it.each<[what: string, response: Partial<FinalResponse> | Error]>([
    ['a refusal', { status: 403 }],
    ['a failure of the server', { status: 500, mayBeDone: true }],
    ['a 404 of a server in between', { status: 404, body: '<html>' }],
    ['no response', NO_RESPONSE],
  ])('deleteClient and deleteSecret of Scalekit fail after %s', async (_what, response) => {
    const { scalekit } = scalekitWith(response);
    await expect(scalekit.deleteClient('m2morg_1')).rejects.toThrow('Could not delete client m2morg_1: ');
    await expect(scalekit.deleteSecret('m2morg_1', 'sks_1')).rejects.toThrow('Could not delete secret sks_1 ');
  });
});

it.each<[what: string, headers: FinalResponse['headers'], time: number | undefined]>([
  ['its Date header', { date: 'Tue, 24 Nov 2026 08:00:00 GMT' }, Date.UTC(2026, 10, 24, 8)],
  ['undefined if it has no Date header', {}, undefined],
  ['undefined if its Date header is not a date', { date: 'soon' }, undefined],
])("Scalekit's time after each response is %s", async (_what, headers, time) => {
  let current: FinalResponse['headers'] = { date: 'Mon, 23 Nov 2026 08:00:00 GMT' };
  const transport = new FakeTransport(() => ({ ...json({ client: CLIENT }), headers: current }));
  const scalekit = new Scalekit(transport, BLANK_STATE.origin, 'org_1');
  expect(scalekit.time).toBeUndefined();
  await scalekit.getClient('m2morg_1');
  expect(scalekit.time).toBe(Date.UTC(2026, 10, 23, 8));
  current = headers;
  await scalekit.getClient('m2morg_1');
  expect(scalekit.time).toBe(time);
});
