import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient } from '../../../src/client/desired.ts';
import { formatMarker } from '../../../src/client/identity.ts';
import { InvalidResponseError } from '../../../src/net/json.ts';
import type { Scalekit } from '../../../src/scalekit/api.ts';
import type { Client, ClientSummary } from '../../../src/scalekit/types.ts';
import { findExisting, searchClients } from '../../../src/steps/find.ts';
import { client, OLD_LINE, request, TRAILER } from '../fixtures.ts';

const FOREIGN_LINE = formatMarker({ ...TRAILER, key: 'another_key-1234' });

/** A client as a list shows it. */
function shown(changes: Partial<Client> = {}): ClientSummary {
  const { descriptionText: _, marker: __, ...whole } = client(changes);
  return { client_id: whole.client_id, description: whole.description, parse: () => whole };
}

/** One whose answer cannot be read but for its id and description. */
function unreadable(changes: Partial<Client>): ClientSummary {
  return {
    ...shown(changes),
    parse: () => {
      throw new InvalidResponseError('client is not readable');
    },
  };
}

/** An organization with these clients, and what was asked of it. */
function organization(clients: ClientSummary[], named?: ClientSummary) {
  const asked: string[] = [];
  const api: Pick<Scalekit, 'getClient' | 'listClients'> = {
    getClient: async (client_id) => {
      asked.push(client_id);
      return named;
    },
    listClients: async function* () {
      asked.push('list');
      yield* clients;
    },
  };
  return { asked, scalekit: api as Scalekit };
}

const look = (clients: ClientSummary[], changes: Partial<DesiredClient> = {}) =>
  findExisting(organization(clients).scalekit, request(changes));

describe('a search finds', () => {
  it('nothing where there is nothing', async () => {
    expect(await look([])).toEqual({ others: [], seenIds: new Set(), startedAt: expect.any(Number), notices: [] });
  });

  it('a client once that a page shows again, since pages move while they are read', async () => {
    const unmarked = shown({ client_id: 'm2morg_2', description: 'by hand' });
    const { client: one, others, notices } = await look([shown(), unmarked, shown(), unmarked]);
    expect([one?.client_id, others, notices.length]).toEqual(['m2morg_1', [], 1]);
    expect(notices[0]?.match(/m2morg_2/g)).toHaveLength(1);
  });

  it('the client with our key among all others', async () => {
    const strangers = [
      shown({ client_id: 'm2morg_2', description: `What for\n${FOREIGN_LINE}` }),
      shown({ client_id: 'm2morg_3', description: `${OLD_LINE}\nby hand`, custom_claims: [] }),
      unreadable({ client_id: 'm2morg_4', description: FOREIGN_LINE }),
      unreadable({ client_id: 'm2morg_5', description: '' }),
    ];
    expect(await look([...strangers, shown()])).toEqual({
      client: client(),
      others: [],
      seenIds: new Set(['m2morg_1']),
      startedAt: expect.any(Number),
      notices: [],
    });
  });

  it('the oldest of several with our key, whatever order they are listed in', async () => {
    const ages: [client_id: string, create_time: bigint | undefined][] = [
      ['m2morg_a', undefined],
      ['m2morg_b', 1_795_000_000_000_000_001n],
      ['m2morg_d', 1_795_000_000_000_000_000n],
      ['m2morg_c', 1_795_000_000_000_000_000n],
    ];
    const clients = ages.map(([client_id, create_time]) => shown({ client_id, create_time }));
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(clients, { minLength: clients.length }), async (listed) => {
        const { client: first, others, seenIds: seen } = await look(listed);
        expect([first?.client_id, ...others]).toEqual(['m2morg_c', 'm2morg_d', 'm2morg_b', 'm2morg_a']);
        expect(seen).toEqual(new Set(listed.map(({ client_id }) => client_id)));
      }),
    );
  });

  it('no client of which it could not say what it is', async () => {
    await expect(look([unreadable({})])).rejects.toThrow('client is not readable');
  });

  it('those that look like ours and are not marked, which a notice names', async () => {
    const unmarked = (count: number) =>
      Array.from({ length: count }, (_, at) => shown({ client_id: `m2morg_${at}`, description: 'By hand' }));
    expect((await look(unmarked(2))).notices).toEqual([
      "Clients with this repository's claims that this action did not make: m2morg_0, m2morg_1. They stay untouched; client_id takes one over.",
    ]);
    expect((await look(unmarked(13))).notices).toEqual([expect.stringContaining(' m2morg_9 and 3 more. ')]);
    expect(await searchClients(organization(unmarked(1)).scalekit, request())).toEqual({
      ours: [],
      unmarked: ['m2morg_0'],
    });
  });
});

describe('a client of a job', () => {
  it('is looked for nowhere', async () => {
    const { asked, scalekit } = organization([shown()]);
    const marker = { ...TRAILER, lifetime: 'job' } as const;
    expect(await findExisting(scalekit, request({ marker }))).toMatchObject({
      others: [],
      seenIds: undefined,
      notices: [],
    });
    expect(asked).toEqual([]);
  });
});

describe('a client that is named', () => {
  const client_id = 'm2morg_7';

  it.each<[string, Partial<Client>]>([
    ['has our key', {}],
    ['is another one of our repository', { description: FOREIGN_LINE }],
    ['was made by hand', { description: 'By hand' }],
  ])('is taken without a search where it %s', async (_what, changes) => {
    const { asked, scalekit } = organization([shown()], shown({ ...changes, client_id }));
    expect(await findExisting(scalekit, request({ client_id }))).toEqual({
      client: client({ ...changes, client_id }),
      others: [],
      seenIds: undefined,
      startedAt: expect.any(Number),
      notices: [],
    });
    expect(asked).toEqual([client_id]);
  });

  it.each<[string, ClientSummary, why: string]>([
    [
      'it is of another repository',
      shown({ client_id, description: formatMarker({ ...TRAILER, key: 'another_key-1234', repo: '99' }) }),
      'it was made for another repository, by the last line of its description',
    ],
    ['the answer is about another client', shown(), 'the answer shows m2morg_1'],
  ])('is refused where %s', async (_what, named, why) => {
    const { asked, scalekit } = organization([shown()], named);
    await expect(findExisting(scalekit, request({ client_id }))).rejects.toThrow(
      `Client m2morg_7 is not managed by this step: ${why}.`,
    );
    expect(asked).toEqual([client_id]);
  });

  it('is searched for by our key where it is gone', async () => {
    const found = await findExisting(organization([shown()]).scalekit, request({ client_id }));
    expect(found).toMatchObject({
      client: client(),
      seenIds: new Set(['m2morg_1']),
      notices: ['There is no client m2morg_7 (client_id) in this organization; the search decides.'],
    });
  });
});
