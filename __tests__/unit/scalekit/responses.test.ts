import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { planChanges } from '../../../src/client/plan.ts';
import { unwrap } from '../../../src/net/outcome.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import { readToken } from '../../../src/scalekit/token.ts';
import type { ClientSummary } from '../../../src/scalekit/types.ts';
import { findExisting } from '../../../src/steps/find.ts';
import {
  anyBody,
  anyHeader,
  bodiesWithLineBreaks,
  CANARY,
  expectNoQuote,
  failureOf,
  LONG,
  longListOf,
  truncatedBodies,
  WRONG_VALUES,
  withField,
  withUnknownFields,
} from '../../support/responses.ts';
import { desiredClient, FakeTransport, LISTS, NEW_MARKER_LINE, OLD_MARKER_LINE } from '../fixtures.ts';

// Responses of Scalekit that differ from what its API documents. types.test.ts and token.test.ts have a row for each form
// of each field.

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const TIME = '2026-11-24T08:00:00.123456789Z';
const SECRET = { id: 'sks_1', create_time: TIME, secret_suffix: 'abcd', status: 'ACTIVE' };
const CLIENT = {
  client_id: 'm2morg_1',
  organization_id: 'org_1',
  name: 'Deployer',
  description: `What for\n${NEW_MARKER_LINE}`,
  ...LISTS,
  expiry: '3600',
  create_time: TIME,
  secrets: [SECRET],
};
const CREATION = { mayBeDone: false, onSend: () => {}, onId: () => {} };

const scalekitWith = (response: Partial<FinalResponse>) =>
  new Scalekit(new FakeTransport(() => response), 'https://acme.scalekit.com', 'org_1');

async function listAll(scalekit: Scalekit): Promise<ClientSummary[]> {
  const clients: ClientSummary[] = [];
  for await (const client of scalekit.listClients()) clients.push(client);
  return clients;
}

interface Documented {
  /** What the response shows. */
  what: string;
  response: object;
  /** Paths of required fields, or of optional ones of other types. */
  fields: string[];
  /** Sends the request, and returns what was read. */
  read: (scalekit: Scalekit) => Promise<unknown>;
}

const RESPONSES: Documented[] = [
  {
    what: 'an access token',
    response: { access_token: CANARY, token_type: 'Bearer', expires_in: 86_399, scope: 'a b' },
    fields: ['access_token'],
    read: (scalekit) => scalekit.getToken({ client_id: 'm2morg_1', client_secret: ['fake', 'secret'].join('-') }),
  },
  {
    what: 'an organization',
    response: { organization: { id: 'org_2', external_id: 'acme', display_name: CANARY } },
    fields: ['organization', 'organization.id', 'organization.external_id'],
    read: async (scalekit) => {
      await scalekit.selectOrganization('acme');
      return scalekit.organization_id;
    },
  },
  {
    what: 'a client',
    response: { client: CLIENT },
    fields: [
      'client',
      'client.client_id',
      'client.name',
      'client.scopes.0',
      'client.custom_claims.0.value',
      'client.expiry',
      'client.create_time',
      'client.secrets.0',
      'client.secrets.0.id',
    ],
    read: async (scalekit) => (await scalekit.getClient('m2morg_1'))?.parse(),
  },
  {
    what: 'a created client',
    response: { client: CLIENT, plain_secret: CANARY },
    fields: ['client', 'client.client_id', 'client.description', 'plain_secret'],
    read: async (scalekit) => {
      const { client, plain_secret } = unwrap(await scalekit.createClient(desiredClient().fields, CREATION));
      return { client: client.parse(), plain_secret };
    },
  },
  {
    what: 'an updated client',
    response: { client: CLIENT },
    fields: ['client', 'client.client_id'],
    read: async (scalekit) => unwrap(await scalekit.updateClient('m2morg_1', { name: 'Deployer' })).parse(),
  },
  {
    what: 'an added secret',
    response: { secret: { ...SECRET, id: 'sks_2' }, plain_secret: CANARY },
    fields: ['secret', 'secret.id', 'plain_secret'],
    read: async (scalekit) => unwrap(await scalekit.addSecret('m2morg_1', ['sks_1'], CREATION)),
  },
  {
    what: 'a list of clients',
    response: { clients: [CLIENT], total_size: 1, next_page_token: '', prev_page_token: '' },
    fields: ['clients', 'next_page_token'],
    read: async (scalekit) => (await listAll(scalekit)).map(({ parse }) => parse()),
  },
];

describe('a success of Scalekit', () => {
  it.each(RESPONSES)('ignores unknown fields in $what from Scalekit', async ({ response, read }) => {
    const documented = await read(scalekitWith({ body: JSON.stringify(response) }));
    expect(documented).toBeTruthy();
    expect(await read(scalekitWith({ body: JSON.stringify(withUnknownFields(response)) }))).toEqual(documented);
  });

  it.each(RESPONSES)(
    'fails without quoting Scalekit if a field in $what has a wrong type',
    async ({ response, fields, read }) => {
      for (const field of fields)
        for (const value of WRONG_VALUES) {
          const error = await failureOf(read(scalekitWith({ body: withField(response, field, value) })));
          expect(error.message).toMatch(/^(Could not .*: HTTP 200, but |client m2morg_1 is not readable: )/);
          expectNoQuote(error);
        }
    },
  );

  it.each(RESPONSES)('fails without quoting Scalekit if $what is cut off', async ({ response, read }) => {
    for (const body of truncatedBodies(response)) {
      const error = await failureOf(read(scalekitWith({ body })));
      expect(error.message).toMatch(/^Could not .*: HTTP 200, but the answer is not JSON \(\d+ characters\)\./);
      expectNoQuote(error);
    }
  });

  it('skips and counts entries of a list of clients that have no id of a client', async () => {
    const clients = [
      CLIENT,
      ...WRONG_VALUES.map((value) => JSON.parse(value)),
      { ...CLIENT, client_id: 'skc_1' },
      null,
    ];
    const scalekit = scalekitWith({ body: JSON.stringify({ clients }) });
    expect((await listAll(scalekit)).map(({ client_id }) => client_id)).toEqual(['m2morg_1']);
    expect(scalekit.unreadable).toBe(WRONG_VALUES.length + 2);
  });
});

describe('a refusal of Scalekit', () => {
  it('shows the message of a refusal by Scalekit on one line, whatever line breaks it has', async () => {
    for (const body of bodiesWithLineBreaks()) {
      const { message } = await failureOf(scalekitWith({ status: 400, body }).deleteClient('m2morg_1'));
      expect({ body, message }).toEqual({ body, message: expect.not.stringMatching(/[\r\n]/) });
    }
  });

  it('reports a refusal by Scalekit with any body and headers in one short error', async () => {
    const fields = { 'retry-after': anyHeader, date: anyHeader, location: anyHeader, 'content-type': anyHeader };
    const status = fc.constantFrom(301, 400, 403, 409, 422, 500, 503, 999);
    await fc.assert(
      fc.asyncProperty(status, fc.record(fields, { requiredKeys: [] }), anyBody, async (status, headers, body) => {
        const error = await failureOf(scalekitWith({ status, headers, body }).deleteClient('m2morg_1'));
        expect(error.message).toMatch(/^Could not delete client m2morg_1: /);
        expect(error.message.length).toBeLessThan(4_000);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a long response of Scalekit', () => {
  const listOf = (entry: (at: number) => object) => `{"clients":[${longListOf((at) => JSON.stringify(entry(at)))}]}`;
  const describedAs = (description: string) =>
    JSON.stringify({ clients: [{ ...CLIENT, description: `${description}\n${OLD_MARKER_LINE}` }] });

  it.each<[what: string, body: () => string]>([
    ['clients without a marker', () => listOf((at) => ({ client_id: `m2morg_${at}` }))],
    ['clients with the identity hash of this step', () => listOf((at) => ({ ...CLIENT, client_id: `m2morg_${at}` }))],
    ['entries that are no clients', () => listOf((at) => ({ client_id: `${at}` }))],
    ['beginnings of a marker', () => describedAs('[scalekit-organization-client v1 key:'.repeat(LONG / 36))],
    ['line breaks', () => describedAs('\n'.repeat(LONG))],
    ['spaces', () => describedAs(`a${' '.repeat(LONG)}b`)],
  ])('reads and plans without delay if a list of clients has very many %s', async (_what, body) => {
    const found = await findExisting(scalekitWith({ body: body() }), desiredClient(), undefined);
    expect(planChanges(desiredClient(), found)).toMatchObject({ result: expect.any(String) });
  });

  it.each<[what: string, body: () => string]>([
    ['error codes', () => `{"details":[${longListOf((at) => `{"error_code":"E${at}"}`)}]}`],
    ['dots', () => JSON.stringify({ message: '. '.repeat(LONG / 2) })],
    ['lines of plain text', () => 'no\n'.repeat(LONG / 3)],
  ])('shortens a refusal by Scalekit without delay if it has very many %s', async (_what, body) => {
    const error = await failureOf(scalekitWith({ status: 400, body: body() }).deleteClient('m2morg_1'));
    expect(error.message.length).toBeLessThan(4_000);
  });

  it('readToken reads a text of very many dots without delay', () => {
    expect(readToken('.'.repeat(LONG))).toBeUndefined();
  });
});
