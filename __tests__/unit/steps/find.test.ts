import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient, OnExisting } from '../../../src/client/desired.ts';
import { formatMarker } from '../../../src/client/marker.ts';
import type { SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import { InvalidResponseError } from '../../../src/net/json.ts';
import type { Scalekit } from '../../../src/scalekit/api.ts';
import type { Client, ClientSummary } from '../../../src/scalekit/types.ts';
import { findExisting, searchClients } from '../../../src/steps/find.ts';
import { client, desiredClient, LOCATION, MARKER, NOTHING_SAVED, OLD_MARKER_LINE, SAVED } from '../fixtures.ts';

const FOREIGN_MARKER_LINE = formatMarker({ ...MARKER, key: 'another_key-1234' });

/** Returns a client as a list shows it. */
function listed(changes: Partial<Client> = {}): ClientSummary {
  const { descriptionText: _, marker: __, isDisputed: ___, ...parsed } = client(changes);
  const { client_id, description, custom_claims } = parsed;
  return { client_id, description, custom_claims, parse: () => parsed };
}

/** Returns a listed client of which only the id, the description and the claims can be read. */
function unreadable(changes: Partial<Client>): ClientSummary {
  return {
    ...listed(changes),
    parse: () => {
      throw new InvalidResponseError('client is not readable');
    },
  };
}

/**
 * Returns an organization with these clients, and the requests that it gets: `list` or a client id.
 * @param named the client that a request for one client returns
 */
function organization(clients: ClientSummary[], named?: ClientSummary) {
  const requests: string[] = [];
  const api: Pick<Scalekit, 'getClient' | 'listClients'> = {
    getClient: async (client_id) => {
      requests.push(client_id);
      return named;
    },
    listClients: async function* () {
      requests.push('list');
      yield* clients;
    },
  };
  return { requests, scalekit: api as Scalekit };
}

const findAmong = (clients: ClientSummary[], changes: Partial<DesiredClient> = {}) =>
  findExisting(organization(clients).scalekit, desiredClient(changes), undefined);

describe('a search', () => {
  it('finds no client if the organization has none', async () => {
    expect(await findAmong([])).toEqual({
      client: undefined,
      others: [],
      saved: undefined,
      seenIds: new Set(),
      startedAt: expect.any(Number),
      notices: [],
      warnings: [],
    });
  });

  it('finds a client once if two pages of the list show it', async () => {
    const unmarked = listed({ client_id: 'm2morg_2', description: 'by hand' });
    const { client: found, others, warnings } = await findAmong([listed(), unmarked, listed(), unmarked]);
    expect(found?.client_id).toBe('m2morg_1');
    expect(others).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.match(/m2morg_2/g)).toHaveLength(1);
  });

  it('finds the client with its identity hash among clients of other owners', async () => {
    const foreignClients = [
      listed({ client_id: 'm2morg_2', description: `What for\n${FOREIGN_MARKER_LINE}` }),
      unreadable({ client_id: 'm2morg_4', description: FOREIGN_MARKER_LINE }),
      unreadable({ client_id: 'm2morg_5', description: '', custom_claims: [] }),
    ];
    expect(await findAmong([...foreignClients, listed()])).toEqual({
      client: client(),
      others: [],
      saved: undefined,
      seenIds: new Set(['m2morg_2', 'm2morg_4', 'm2morg_5', 'm2morg_1']),
      startedAt: expect.any(Number),
      notices: [],
      warnings: [],
    });
  });

  it('finds the oldest of several clients with its identity hash, in whatever order the list shows them', async () => {
    const createTimes: [client_id: string, create_time: bigint | undefined][] = [
      ['m2morg_a', undefined],
      ['m2morg_b', 1_795_000_000_000_000_001n],
      ['m2morg_d', 1_795_000_000_000_000_000n],
      ['m2morg_c', 1_795_000_000_000_000_000n],
    ];
    const clients = createTimes.map(([client_id, create_time]) => listed({ client_id, create_time }));
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(clients, { minLength: clients.length }), async (shuffled) => {
        const { client: found, others, seenIds } = await findAmong(shuffled);
        expect(found?.client_id).toBe('m2morg_c');
        expect(others).toEqual(['m2morg_d', 'm2morg_b', 'm2morg_a']);
        expect(seenIds).toEqual(new Set(shuffled.map(({ client_id }) => client_id)));
      }),
      { numRuns: 30 },
    );
  });

  it('fails if the client with its identity hash cannot be parsed', async () => {
    await expect(findAmong([unreadable({})])).rejects.toThrow('client is not readable');
  });

  it('warns of clients with its claims and no ownership marker', async () => {
    const unmarked = (count: number) =>
      Array.from({ length: count }, (_, at) => listed({ client_id: `m2morg_${at}`, description: 'By hand' }));
    expect((await findAmong(unmarked(2))).warnings).toEqual([
      "Clients with this repository's claims and no ownership marker: m2morg_0, m2morg_1. They are neither changed nor deleted. They were created by hand, or their description was changed. The main action takes one over if client_id names it.",
    ]);
    expect((await findAmong([unreadable({ description: 'By hand' })])).warnings).toEqual([
      expect.stringContaining('no ownership marker: m2morg_1. '),
    ]);
    const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    expect((await findAmong(unmarked(13))).warnings).toEqual([expect.stringContaining(' m2morg_9 and 3 more. ')]);
    expect(write).toHaveBeenCalledWith(expect.stringMatching(/no ownership marker: m2morg_0, .*, m2morg_12\.\r?\n$/));
    write.mockRestore();
    expect(await searchClients(organization(unmarked(1)).scalekit, desiredClient())).toMatchObject({
      ours: [],
      unmarkedIds: new Set(['m2morg_0']),
    });
  });

  it('reads a client by its id if the list omits its description, but only if its name or claims match', async () => {
    const undescribed = (changes: Partial<Client>) => ({ ...listed(changes), description: undefined });
    const other = undescribed({ client_id: 'm2morg_2', name: 'Another', custom_claims: [] });
    const alike = [undescribed({ name: 'Another' }), undescribed({ custom_claims: [] }), listed({ description: '' })];
    for (const entry of alike) {
      const { requests, scalekit } = organization([other, entry], listed());
      const { client: found } = await findExisting(scalekit, desiredClient(), undefined);
      expect(found).toEqual(client());
      expect(requests).toEqual(['list', 'm2morg_1']);
    }
  });

  it('fails if a client with its identity hash has a claim that names another repository, or unreadable claims', async () => {
    const custom_claims = [{ key: 'github_repository_id', value: '99' }];
    await expect(findAmong([listed({ custom_claims })])).rejects.toThrow(
      'Clients whose claim github_repository_id contradicts their ownership marker, or whose claims cannot be read: m2morg_1.',
    );
    await expect(findAmong([unreadable({ custom_claims })])).rejects.toThrow('They may be copies.');
    await expect(findAmong([{ ...unreadable({}), custom_claims: undefined }])).rejects.toThrow(
      'cannot be read: m2morg_1.',
    );
  });
});

it('does not search for a client with lifetime: job', async () => {
  const { requests, scalekit } = organization([listed()]);
  const marker = { ...MARKER, lifetime: 'job' } as const;
  expect(await findExisting(scalekit, desiredClient({ marker }), SAVED)).toMatchObject({
    others: [],
    seenIds: undefined,
    notices: [],
  });
  expect(requests).toEqual([]);
});

describe('a client that client_id names', () => {
  const client_id = 'm2morg_7';

  it.each<[string, Partial<Client>]>([
    ['has its identity hash', {}],
    ['has another identity hash of the same repository', { description: FOREIGN_MARKER_LINE }],
    ['was created manually', { description: 'By hand' }],
  ])('uses the client that client_id names without a search if it %s', async (_what, changes) => {
    const { requests, scalekit } = organization([listed()], listed({ ...changes, client_id }));
    expect(await findExisting(scalekit, desiredClient({ client_id }), undefined)).toEqual({
      client: client({ ...changes, client_id }),
      others: [],
      saved: undefined,
      seenIds: undefined,
      startedAt: expect.any(Number),
      notices: [],
      warnings: [],
    });
    expect(requests).toEqual([client_id]);
  });

  it('fails if the client that client_id names belongs to another repository', async () => {
    const description = formatMarker({ ...MARKER, key: 'another_key-1234', repo: '99' });
    const { requests, scalekit } = organization([listed()], listed({ client_id, description }));
    await expect(findExisting(scalekit, desiredClient({ client_id }), undefined)).rejects.toThrow(
      'Client m2morg_7 is not managed by this step: it was created for another repository, by its ownership marker.',
    );
    expect(requests).toEqual([client_id]);
  });

  it('searches by its identity hash, with a notice, if the client that client_id names does not exist', async () => {
    const found = await findExisting(organization([listed()]).scalekit, desiredClient({ client_id }), undefined);
    expect(found).toMatchObject({
      client: client(),
      seenIds: new Set(['m2morg_1']),
      notices: ['There is no client m2morg_7 (client_id) in this organization; the search decides.'],
    });
  });
});

describe('the saved id', () => {
  const desired = (changes: Partial<DesiredClient> = {}) =>
    desiredClient({ location: LOCATION, on_existing: 'reuse', ...changes });
  const hinted = listed({ description: `What for\n${OLD_MARKER_LINE}` });
  const saved = { ...SAVED, client_id: 'm2morg_1' };

  it.each<OnExisting>(['rotate', 'reuse', 'fail'])(
    'uses the client that the saved id names, without a search, with on_existing: %s',
    async (on_existing) => {
      const { requests, scalekit } = organization([listed({ client_id: 'm2morg_0' })], hinted);
      expect(await findExisting(scalekit, desired({ on_existing }), saved)).toEqual({
        client: client(),
        others: [],
        seenIds: undefined,
        startedAt: expect.any(Number),
        notices: [],
        warnings: [],
        saved,
      });
      expect(requests).toEqual(['m2morg_1']);
    },
  );

  it('uses a saved id without the white space around it', async () => {
    const { requests, scalekit } = organization([], hinted);
    const found = await findExisting(scalekit, desired(), { ...saved, client_id: ' m2morg_1\n' });
    expect(found).toMatchObject({ client: client() });
    expect(requests).toEqual(['m2morg_1']);
  });

  it.each<[what: string, ClientSummary | undefined]>([
    ['no longer exists', undefined],
    ['has another identity hash', listed({ description: FOREIGN_MARKER_LINE })],
    ['has no marker', listed({ description: 'By hand' })],
  ])('searches if the client that the saved id names %s', async (_what, named) => {
    const other = listed({ client_id: 'm2morg_5' });
    const { requests, scalekit } = organization([other], named);
    expect(await findExisting(scalekit, desired(), saved)).toMatchObject({
      client: { client_id: 'm2morg_5' },
      seenIds: new Set(['m2morg_5']),
      notices: [],
      saved,
    });
    expect(requests).toEqual(['m2morg_1', 'list']);
  });

  it.each<[what: string, saved: SavedSnapshot | undefined]>([
    ['no saved credentials were read', undefined],
    ['nothing is saved', NOTHING_SAVED],
    ['the saved id is empty', { ...saved, client_id: '' }],
    ['the saved id is not the id of a client', { ...saved, client_id: 'skc_1' }],
    ['the saved id would lead to another path', { ...saved, client_id: 'm2morg_../..' }],
  ])('reads no client before the search if %s', async (_what, saved) => {
    const { requests, scalekit } = organization([listed()], hinted);
    expect(await findExisting(scalekit, desired(), saved)).toMatchObject({ client: client(), saved });
    expect(requests).toEqual(['list']);
  });

  it('searches with on_existing: replace although the saved id names a client, and returns the other clients', async () => {
    const oldest = listed({ client_id: 'm2morg_0', create_time: 0n });
    const { requests, scalekit } = organization([oldest, hinted, listed({ client_id: 'm2morg_3' })], hinted);
    expect(await findExisting(scalekit, desired({ on_existing: 'replace' }), saved)).toEqual({
      client: client(),
      others: ['m2morg_0', 'm2morg_3'],
      seenIds: new Set(['m2morg_0', 'm2morg_1', 'm2morg_3']),
      startedAt: expect.any(Number),
      notices: [],
      warnings: [],
      saved,
    });
    expect(requests).toEqual(['m2morg_1', 'list']);
  });

  it('uses the saved id with on_existing: replace although the list does not show its client yet', async () => {
    const { scalekit } = organization([listed({ client_id: 'm2morg_3' })], hinted);
    expect(await findExisting(scalekit, desired({ on_existing: 'replace' }), saved)).toMatchObject({
      client: client(),
      others: ['m2morg_3'],
    });
  });

  it('uses client_id instead of the saved id if both name a client', async () => {
    const named = listed({ client_id: 'm2morg_7' });
    const { requests, scalekit } = organization([listed()], named);
    expect(await findExisting(scalekit, desired({ client_id: 'm2morg_7' }), saved)).toMatchObject({
      client: { client_id: 'm2morg_7' },
      saved,
    });
    expect(requests).toEqual(['m2morg_7']);
  });

  it('searches instead of using the saved id if client_id names a client that does not exist', async () => {
    const requests: string[] = [];
    const api: Pick<Scalekit, 'getClient' | 'listClients'> = {
      getClient: async (client_id) => {
        requests.push(client_id);
        return undefined;
      },
      async *listClients() {
        requests.push('list');
        yield hinted;
      },
    };
    const found = await findExisting(api as Scalekit, desired({ client_id: 'm2morg_7' }), saved);
    expect(found).toMatchObject({ client: client(), seenIds: new Set(['m2morg_1']) });
    expect(requests).toEqual(['m2morg_7', 'list']);
  });
});
