import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvalidResponseError } from '../../../src/net/json.ts';
import { byCreateTime, type Client, parseClientSummary, parsePage, parseSecret } from '../../../src/scalekit/types.ts';

const FULL = {
  client_id: 'm2morg_68315758685323697',
  organization_id: 'org_1',
  name: 'Deployer',
  description: 'What for',
  scopes: ['deploy:apps'],
  audience: ['api.acme.example'],
  custom_claims: [{ key: 'environment', value: 'production' }],
  expiry: '3600',
  secrets: [
    {
      id: 'sks_1',
      secret_suffix: 'abcd',
      status: 'ACTIVE',
      create_time: '2026-11-24T08:00:00.123456789Z',
      expire_time: '2126-11-24T08:00:00Z',
      last_used_time: '2026-11-25T08:00:00Z',
    },
  ],
  create_time: '2026-11-24T08:00:00Z',
};

const EMPTY: Client = {
  client_id: FULL.client_id,
  organization_id: '',
  name: '',
  description: '',
  scopes: [],
  audience: [],
  custom_claims: [],
  expiry: undefined,
  create_time: undefined,
  secrets: [],
};

const parseClient = (value: unknown): Client => parseClientSummary(value).parse();

/** Returns a time in nanoseconds since the epoch. */
const at = (date: string): bigint => BigInt(Date.parse(date)) * 1_000_000n;

/** Returns the result of a parser, or the message of its InvalidResponseError. Any other error passes through. */
function outcome<T>(parse: () => T): { value: T } | { refusal: string } {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof InvalidResponseError) return { refusal: error.message };
    throw error;
  }
}

describe('a client in a response', () => {
  it('parseClientSummary parses every field of a client', () => {
    expect(parseClient(FULL)).toEqual({
      ...FULL,
      expiry: 3600,
      secrets: [
        {
          id: 'sks_1',
          create_time: at('2026-11-24T08:00:00Z') + 123_456_789n,
          suffix: 'abcd',
          active: true,
          deactivated: false,
          expire_time: at('2126-11-24T08:00:00Z'),
          last_used_time: at('2026-11-25T08:00:00Z'),
        },
      ],
      create_time: at('2026-11-24T08:00:00Z'),
    });
  });

  it.each<{ what: string; fields: { description?: string | null }; description: string | undefined }>([
    { what: 'no description', fields: {}, description: undefined },
    { what: 'a description that is null', fields: { description: null }, description: undefined },
    { what: 'an empty description', fields: { description: '' }, description: '' },
  ])('parseClientSummary distinguishes an omitted description from an empty one: $what', ({ fields, description }) => {
    const summary = parseClientSummary({ client_id: FULL.client_id, ...fields });
    expect({ summary: summary.description, parsed: summary.parse().description }).toEqual({
      summary: description,
      parsed: '',
    });
  });

  it('parseClientSummary accepts a client that omits all fields but its id, or has null in them', () => {
    expect(parseClient({ client_id: FULL.client_id })).toEqual(EMPTY);
    const nulls = Object.fromEntries(Object.keys(FULL).map((field) => [field, null]));
    expect(parseClient({ ...nulls, client_id: FULL.client_id })).toEqual(EMPTY);
  });

  it.each([
    ['"3600"', '3600', 3600],
    ['3600', 3600, 3600],
    ['"0"', '0', 0],
    ['null', null, undefined],
  ])('parseClientSummary accepts the expiry %s', (_what, expiry, seconds) => {
    expect(parseClient({ ...FULL, expiry }).expiry).toBe(seconds);
  });

  it.each(['', 'soon', '1.5', '9007199254740993', 1.5, -1, []])(
    'parseClientSummary refuses the expiry %j when the client is parsed',
    (expiry) => {
      expect(outcome(() => parseClient({ ...FULL, expiry }))).toEqual({
        refusal: `client ${FULL.client_id} is not readable: expiry is not a number of seconds`,
      });
    },
  );

  const NO_CLIENT_ID = 'client_id is not the id of an organization client';

  it.each<[what: string, client: unknown, refusal: string]>([
    ['that is a text', 'm2morg_1', 'client is not an object'],
    ['that is a list', [FULL], 'client is not an object'],
    ['that is missing', undefined, 'client is not an object'],
    ['without an id', {}, NO_CLIENT_ID],
    ['with an id that is a number', { client_id: 1 }, 'client_id is not a string'],
    ['with the id of API credentials', { client_id: 'skc_1' }, NO_CLIENT_ID],
    ['with an id that is a path', { client_id: 'm2morg_../x' }, NO_CLIENT_ID],
    ['with an id of two lines', { client_id: 'm2morg_1\nx' }, NO_CLIENT_ID],
    ['with an id that is too long', { client_id: `m2morg_${'1'.repeat(122)}` }, NO_CLIENT_ID],
    ['with a description that is a number', { ...FULL, description: 1 }, 'description is not a string'],
  ])('parseClientSummary refuses a client %s at once', (_what, client, refusal) => {
    expect(outcome(() => parseClientSummary(client))).toEqual({ refusal });
  });

  it.each<[what: string, client: Record<string, unknown>, refusal: string]>([
    ['a name that is an object', { ...FULL, name: {} }, 'name is not a string'],
    ['an organization that is a list', { ...FULL, organization_id: [] }, 'organization_id is not a string'],
    ['scopes in one text', { ...FULL, scopes: 'a b' }, 'scopes is not a list'],
    ['a scope that is null', { ...FULL, scopes: [null] }, 'scopes holds something else than strings'],
    ['an audience in one text', { ...FULL, audience: 'a' }, 'audience is not a list'],
    ['claims in an object', { ...FULL, custom_claims: { a: 'b' } }, 'custom_claims is not a list'],
    ['a claim that is a text', { ...FULL, custom_claims: ['a=b'] }, 'custom_claims is not an object'],
    ['a claim with a number', { ...FULL, custom_claims: [{ key: 'a', value: 1 }] }, 'value is not a string'],
    ['secrets in an object', { ...FULL, secrets: {} }, 'secrets is not a list'],
    ['a secret that is null', { ...FULL, secrets: [null] }, 'secret is not an object'],
    ['a secret that has no id', { ...FULL, secrets: [{}] }, 'id is not the id of a secret'],
    ['a time that is a number', { ...FULL, create_time: 1 }, 'create_time is not a string'],
  ])(
    'parseClientSummary returns id and description of a client with %s, which parse() refuses',
    (_what, client, refusal) => {
      const summary = parseClientSummary(client);
      expect(summary).toMatchObject({ client_id: FULL.client_id, description: FULL.description });
      const areClaimsReadable = client.custom_claims === FULL.custom_claims;
      expect(summary.custom_claims).toEqual(areClaimsReadable ? FULL.custom_claims : undefined);
      expect(outcome(summary.parse)).toEqual({ refusal: `client ${FULL.client_id} is not readable: ${refusal}` });
    },
  );

  it('parseClientSummary returns a well-formed client, or refuses it without its values, for any JSON', () => {
    const canary = ['value', 'of', 'a', 'server'].join('~');
    /** Any JSON value, often with the canary in it. */
    const json = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(canary, [canary], [[canary]], { [canary]: canary }, `m2morg_${canary}`, [
        { key: canary, value: [canary] },
      ]),
    );
    const text = fc.string();
    /** Usually a value that the API documents, sometimes any JSON value. */
    const orAny = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 6, arbitrary }, { weight: 1, arbitrary: json });
    const likely = fc.record(
      {
        client_id: orAny(fc.stringMatching(/^m2morg_\d{1,25}$/)),
        organization_id: orAny(text),
        name: orAny(text),
        description: orAny(text),
        scopes: orAny(fc.array(orAny(text))),
        audience: orAny(fc.array(orAny(text))),
        custom_claims: orAny(
          fc.array(orAny(fc.record({ key: orAny(text), value: orAny(text) }, { requiredKeys: [] }))),
        ),
        expiry: orAny(fc.oneof(fc.maxSafeNat(), fc.maxSafeNat().map(String))),
        create_time: orAny(text),
        secrets: orAny(
          fc.array(
            orAny(
              fc.record(
                {
                  id: orAny(fc.stringMatching(/^sks_\d{1,25}$/)),
                  secret_suffix: orAny(text),
                  status: json,
                  create_time: orAny(text),
                },
                { requiredKeys: ['id'] },
              ),
            ),
          ),
        ),
      },
      { requiredKeys: ['client_id'] },
    );
    const strings = (values: unknown[]) => values.every((value) => typeof value === 'string');
    fc.assert(
      fc.property(fc.oneof(likely, json), (value) => {
        // A response comes as JSON: it may have a key `__proto__`, and no field is undefined.
        const result = outcome(() => parseClient(JSON.parse(JSON.stringify(value))));
        if ('refusal' in result) {
          expect(result.refusal).not.toContain(canary);
          return;
        }
        const { client_id, organization_id, name, description, scopes, audience, ...rest } = result.value;
        expect(client_id).toMatch(/^m2morg_[\w-]{1,121}$/);
        expect(strings([organization_id, name, description, ...scopes, ...audience])).toBe(true);
        expect(strings(rest.custom_claims.flatMap(({ key, value }) => [key, value]))).toBe(true);
        for (const { id, suffix, create_time, active } of rest.secrets) {
          expect(id).toMatch(/^[\w-]{1,128}$/);
          expect({ suffix, active, create_time: create_time ?? 0n }).toEqual({
            suffix: expect.any(String),
            active: expect.any(Boolean),
            create_time: expect.any(BigInt),
          });
        }
        if (rest.expiry !== undefined) expect(Number.isSafeInteger(rest.expiry) && rest.expiry >= 0).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a secret in a response', () => {
  it('parseSecret accepts a secret that omits all fields but its id, or has null in them', () => {
    const expected = { id: 'sks_1', create_time: undefined, suffix: '', active: true, deactivated: false };
    expect(parseSecret({ id: 'sks_1' })).toEqual(expected);
    expect(parseSecret({ id: 'sks_1', create_time: null, secret_suffix: null, status: null })).toEqual(expected);
  });

  it.each([
    ['2020-01-01T00:00:00Z', false],
    ['2999-01-01T00:00:00Z', true],
    ['', true],
    ['0001-01-01T00:00:00Z', true],
  ])('parseSecret of a secret that expires at %j returns active: %s', (expire_time, active) => {
    expect(parseSecret({ id: 'sks_1', expire_time }).active).toBe(active);
  });

  it.each([
    ['ACTIVE', true],
    [0, true],
    [undefined, true],
    ['INACTIVE', false],
    [1, false],
    ['SOMETHING_NEW', true],
  ])('parseSecret of a secret with the status %j returns active: %s', (status, active) => {
    expect(parseSecret({ id: 'sks_1', status }).active).toBe(active);
  });

  const NO_SECRET_ID = 'id is not the id of a secret';

  it.each<[what: string, secret: unknown, refusal: string]>([
    ['that is a text', 'sks_1', 'secret is not an object'],
    ['without an id', {}, NO_SECRET_ID],
    ['with an id that is a number', { id: 1 }, 'id is not a string'],
    ['with an id that names the client in a path', { id: '..' }, NO_SECRET_ID],
    ['with an id that is a path', { id: 'sks_1/../../x' }, NO_SECRET_ID],
    ['with an id of two lines', { id: 'sks_1\nx' }, NO_SECRET_ID],
    ['with an id that is too long', { id: 's'.repeat(129) }, NO_SECRET_ID],
    ['with a suffix that is a number', { id: 'sks_1', secret_suffix: 1 }, 'secret_suffix is not a string'],
    ['with a time that is a number', { id: 'sks_1', create_time: 1 }, 'create_time is not a string'],
  ])('parseSecret refuses a secret %s', (_what, secret, refusal) => {
    expect(outcome(() => parseSecret(secret))).toEqual({ refusal });
  });
});

describe('a time in a response', () => {
  const timeOf = (create_time: string) => parseSecret({ id: 'sks_1', create_time }).create_time;
  const eight = at('2026-11-24T08:00:00Z');

  it.each([
    ['2026-11-24T08:00:00Z', eight],
    ['2026-11-24t08:00:00z', eight],
    ['2026-11-24T07:30:00-00:30', eight],
    ['2026-11-24T08:00:00.1Z', eight + 100_000_000n],
    ['2026-11-24T09:00:00.999999999+01:00', eight + 999_999_999n],
    ['2020-01-01T00:00:00.5Z', at('2020-01-01T00:00:00Z') + 500_000_000n],
  ])('parseSecret reads a time to the nanosecond: %s', (text, time) => {
    expect(timeOf(text)).toBe(time);
  });

  it.each([
    '',
    'soon',
    '2026-11-24',
    '2026-11-24T08:00:00',
    '2026-11-24 08:00:00Z',
    '2026-11-24T08:00:00.1234567890Z',
    '2026-13-24T08:00:00Z',
    // Times that a server may send if it does not know the time.
    '0001-01-01T00:00:00Z',
    '1970-01-01T00:00:00Z',
    '2019-12-31T23:59:59.999999999Z',
    '2020-01-01T00:59:59+01:00',
  ])('parseSecret returns no time for the text %j', (text) => {
    expect(timeOf(text)).toBeUndefined();
  });

  it('parseSecret reads any time with any fraction of a second', () => {
    const seconds = fc.integer({ min: Date.UTC(2020) / 1000, max: 253_402_300_799 });
    fc.assert(
      fc.property(seconds, fc.nat(999_999_999), (seconds, nanos) => {
        const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
        const fraction = String(nanos).padStart(9, '0');
        const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
        expect(timeOf(`${whole}.${fraction}Z`)).toBe(time);
        expect(timeOf(`${whole}.${fraction.replace(/(?<=.)0+$/, '')}Z`)).toBe(time);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the order by age', () => {
  it.each<[bigint | undefined, bigint | undefined, number]>([
    [1n, 2n, -1],
    [2n, 1n, 1],
    [1n, 1n, 0],
    [1_795_000_000_000_000_000n, 1_795_000_000_000_000_001n, -1],
    [undefined, 1n, 1],
    [1n, undefined, -1],
    [undefined, undefined, 0],
  ])('byCreateTime compares the times %s and %s as %i', (one, other, order) => {
    expect(byCreateTime({ create_time: one }, { create_time: other })).toBe(order);
  });

  it('byCreateTime sorts to the nanosecond, with unknown times last', () => {
    const createTimes = fc.option(fc.bigInt({ min: -5n, max: 5n }), { nil: undefined });
    const entry = fc.record({ create_time: createTimes });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const sorted = [...entries].sort(byCreateTime).map(({ create_time }) => create_time);
        const known = sorted.filter((time) => time !== undefined);
        expect(sorted.slice(0, known.length)).toEqual(known);
        expect(known.every((time, at) => at === 0 || Number(known[at - 1]) <= Number(time))).toBe(true);
      }),
      { numRuns: 50 },
    );
    fc.assert(
      fc.property(entry, entry, (one, other) => {
        expect(byCreateTime(one, other) + byCreateTime(other, one)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a page of a list', () => {
  it('parsePage returns the unparsed clients of a page and the token of the next page', () => {
    expect(parsePage('{"clients":[{"a":1},null],"next_page_token":"2","total_size":3}')).toEqual({
      clients: [{ a: 1 }, null],
      next_page_token: '2',
    });
  });

  it.each(['{}', '{"clients":null,"next_page_token":null}', '{"clients":[],"next_page_token":""}'])(
    'parsePage returns an empty last page for %s',
    (text) => {
      expect(parsePage(text)).toEqual({ clients: [], next_page_token: '' });
    },
  );

  it.each([
    ['{"clients":{}}', 'clients is not a list'],
    ['{"next_page_token":2}', 'next_page_token is not a string'],
    ['[]', 'the answer is not an object'],
    ['null', 'the answer is not an object'],
    ['<html>', 'the answer is not JSON (6 characters)'],
    ['{"clients":[', 'the answer is not JSON (12 characters)'],
  ])('parsePage refuses the text %s', (text, refusal) => {
    expect(outcome(() => parsePage(text))).toEqual({ refusal });
  });
});
