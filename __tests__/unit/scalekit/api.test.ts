import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { Outcome } from '../../../src/net/outcome.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import type { Creation } from '../../../src/scalekit/types.ts';
import { BLANK_STATE, desiredClient, FakeTransport, json } from '../fixtures.ts';

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

/** The requests that create or change something, and a response that says that they are done. */
const REQUESTS: [
  operation: string,
  send: (scalekit: Scalekit, creation: Creation) => Promise<Outcome<unknown>>,
  done: unknown,
  isRepeatable: boolean,
][] = [
  [
    'create the client',
    (scalekit, creation) => scalekit.createClient(desiredClient().fields, creation),
    { client: CLIENT, plain_secret: PLAIN_SECRET },
    false,
  ],
  ['update client m2morg_1', (scalekit) => scalekit.updateClient('m2morg_1', { name: 'a' }), { client: CLIENT }, true],
  [
    'add a secret to client m2morg_1',
    (scalekit, creation) => scalekit.addSecret('m2morg_1', [], creation),
    { secret: SECRET, plain_secret: PLAIN_SECRET },
    false,
  ],
];

/** Sends a request. @returns its outcome, the ids that it announced, and how often it was about to be sent */
async function run(send: (typeof REQUESTS)[number][1], response: Partial<FinalResponse> | Error, mayBeDone = false) {
  const transport = new FakeTransport(() => response);
  const ids: string[] = [];
  const onSend = jest.fn();
  const scalekit = new Scalekit(transport, BLANK_STATE.origin, 'org_1');
  const outcome = await send(scalekit, { mayBeDone, onSend, onId: (id) => ids.push(id) });
  return { outcome, ids, onSend, transport, scalekit };
}

describe.each(REQUESTS)('the outcome of a request to %s', (operation, send, done, isRepeatable) => {
  it.each<[what: string, Partial<FinalResponse> | Error, kind: 'refused' | 'unknown', message: string]>([
    ['a refusal', { status: 403, ...json({ message: 'No.' }) }, 'refused', 'HTTP 403: No. '],
    ['a conflict', { status: 409 }, 'refused', 'HTTP 409. '],
    ['a rate limit', { status: 429 }, 'refused', 'HTTP 429. '],
    ['a response of 404', { status: 404 }, 'refused', 'HTTP 404. '],
    ['a refusal after a sending that may have arrived', { status: 403, mayBeDone: true }, 'unknown', 'HTTP 403. '],
    ['a failure of the server', { status: 500, mayBeDone: true }, 'unknown', 'HTTP 500. That is a failure of Scalekit'],
    ['a redirect', { status: 302, mayBeDone: true }, 'unknown', 'HTTP 302. Redirects are not followed'],
    ['a success without a body', { status: 200 }, 'unknown', 'HTTP 200, but '],
    ['a success with a page', { status: 200, body: '<html>' }, 'unknown', 'HTTP 200, but the answer is not JSON '],
    ['a success about something else', json({ more: 1 }), 'unknown', 'HTTP 200, but '],
    ['no response', new NetworkError('socket hang up', 'ECONNRESET', true), 'unknown', 'socket hang up. '],
    ['no connection', new NetworkError('refused', 'ECONNREFUSED', false), 'refused', 'refused. '],
  ])(
    `reports whether the server may have carried out a request to ${operation}, after %s`,
    async (_what, response, kind, message) => {
      const { outcome } = await run(send, response);
      expect(outcome).toMatchObject({ kind, error: { name: 'ApiError' } });
      if (outcome.kind === 'done') return;
      const start = `Could not ${operation}: ${message}`.trimEnd();
      // Advice follows some of these sentences.
      expect(outcome.error.message.slice(0, start.length)).toBe(start);
    },
  );

  it(`reports a request to ${operation} as done after the response that the API documents`, async () => {
    for (const mayBeDone of [true, false]) {
      const { outcome } = await run(send, { ...json(done), mayBeDone });
      expect(outcome.kind).toBe('done');
    }
  });

  it(`tells the transport whether an earlier request to ${operation} may have been carried out`, async () => {
    for (const mayBeDone of [true, false]) {
      const { transport } = await run(send, json(done), mayBeDone);
      const [request] = transport.requests;
      expect(request?.repeatable).toBe(isRepeatable);
      // An update is repeatable, so only its own attempts count.
      expect(request?.mayBeDone ?? false).toBe(!isRepeatable && mayBeDone);
    }
  });
});

describe('a secret that a response shows', () => {
  const creations = REQUESTS.filter(([, , , isRepeatable]) => !isRepeatable);

  it.each(creations)('masks a secret before it announces the id: %s', async (operation, send, done) => {
    // A secret is masked once in a process.
    const plain_secret = `${PLAIN_SECRET}-${operation.length}`;
    let printedAtId = '';
    const transport = new FakeTransport(() => json({ ...Object(done), plain_secret }));
    const scalekit = new Scalekit(transport, BLANK_STATE.origin, 'org_1');
    const onId = jest.fn(() => {
      printedAtId = printed;
    });
    await send(scalekit, { mayBeDone: false, onSend: () => {}, onId });
    expect(onId).toHaveBeenCalledTimes(1);
    expect(printedAtId).toContain(`::add-mask::${plain_secret}\n`);
  });

  it.each(creations)(
    'refuses a secret that is too short, and announces the id, so that it is removed: %s',
    async (_operation, send, done) => {
      const { outcome, ids } = await run(send, json({ ...Object(done), plain_secret: 'short' }));
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

  it('uses a secret although the response does not show its id', async () => {
    const { outcome, ids } = await run(
      (scalekit, creation) => scalekit.addSecret('m2morg_1', [], creation),
      json({ plain_secret: PLAIN_SECRET }),
    );
    expect(outcome).toEqual({ kind: 'done', value: { secret: undefined, plain_secret: PLAIN_SECRET } });
    expect(ids).toEqual([]);
  });

  it('sends no request for a secret if the journal cannot be written', async () => {
    for (const [, send] of creations) {
      const transport = new FakeTransport(() => ({}));
      const scalekit = new Scalekit(transport, BLANK_STATE.origin, 'org_1');
      const onSend = () => {
        throw new Error('Could not write the state.');
      };
      await expect(send(scalekit, { mayBeDone: false, onSend, onId: () => {} })).rejects.toThrow('Could not write');
      expect(transport.sent).toEqual([]);
    }
  });
});

describe('the deletion of a client or a secret', () => {
  it.each<[what: string, Partial<FinalResponse>, existed: boolean]>([
    ['it is done', {}, true],
    ['it is done, with an object', json({ more: 1 }), true],
    ['there is none', { status: 404 }, false],
    ['there is none any more after a sending that may have arrived', { status: 404, mayBeDone: true }, true],
  ])('says whether there was something to delete: %s', async (_what, response, existed) => {
    const transport = new FakeTransport(() => response);
    const scalekit = new Scalekit(transport, BLANK_STATE.origin, 'org_1');
    expect(await scalekit.deleteClient('m2morg_1')).toBe(existed);
    expect(await scalekit.deleteSecret('m2morg_1', 'sks_1')).toBe(existed);
    expect(transport.sent).toEqual([`DELETE ${BASE}/m2morg_1`, `DELETE ${BASE}/m2morg_1/secrets/sks_1`]);
  });

  it.each<[what: string, Partial<FinalResponse> | Error]>([
    ['a refusal', { status: 403 }],
    ['a failure of the server', { status: 500, mayBeDone: true }],
    ['a page that is not the API', { status: 404, body: '<html>' }],
    ['no response', new NetworkError('socket hang up', 'ECONNRESET', true)],
  ])('fails to delete after %s', async (_what, response) => {
    const scalekit = new Scalekit(new FakeTransport(() => response), BLANK_STATE.origin, 'org_1');
    await expect(scalekit.deleteClient('m2morg_1')).rejects.toThrow('Could not delete client m2morg_1: ');
    await expect(scalekit.deleteSecret('m2morg_1', 'sks_1')).rejects.toThrow('Could not delete secret sks_1 ');
  });
});

describe("Scalekit's time", () => {
  it.each<[what: string, date: string | undefined, time: number | undefined]>([
    ['the Date of its last response', 'Tue, 24 Nov 2026 08:00:00 GMT', Date.UTC(2026, 10, 24, 8)],
    ['no time if it sent none', undefined, undefined],
    ['no time if it sent one that is no date', 'soon', undefined],
  ])('knows of Scalekit %s', async (_what, date, time) => {
    let headers: FinalResponse['headers'] = { date: 'Mon, 23 Nov 2026 08:00:00 GMT' };
    const transport = new FakeTransport(() => ({ ...json({ client: CLIENT }), headers }));
    const scalekit = new Scalekit(transport, BLANK_STATE.origin, 'org_1');
    expect(scalekit.time).toBeUndefined();
    await scalekit.getClient('m2morg_1');
    expect(scalekit.time).toBe(Date.UTC(2026, 10, 23, 8));
    headers = date === undefined ? {} : { date };
    await scalekit.getClient('m2morg_1');
    expect(scalekit.time).toBe(time);
  });
});
