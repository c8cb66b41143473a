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
  it('is read field by field', () => {
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

  it.each<[what: string, fields: { description?: string | null }, description: string | undefined]>([
    ['does not tell its description if it omits it', {}, undefined],
    ['does not tell its description if that is null', { description: null }, undefined],
    ['tells that its description is empty', { description: '' }, ''],
  ])('%s', (_what, fields, description) => {
    const summary = parseClientSummary({ client_id: FULL.client_id, ...fields });
    expect({ summary: summary.description, parsed: summary.parse().description }).toEqual({
      summary: description,
      parsed: '',
    });
  });

  it('may omit all but its id, or say null', () => {
    expect(parseClient({ client_id: FULL.client_id })).toEqual(EMPTY);
    const nulls = Object.fromEntries(Object.keys(FULL).map((field) => [field, null]));
    expect(parseClient({ ...nulls, client_id: FULL.client_id })).toEqual(EMPTY);
  });

  it.each([
    ['"3600"', '3600', 3600],
    ['3600', 3600, 3600],
    ['"9007199254740991"', '9007199254740991', Number.MAX_SAFE_INTEGER],
    ['"0"', '0', 0],
    ['0', 0, 0],
    ['null', null, undefined],
    ['nothing', undefined, undefined],
  ])('may give its expiry as %s', (_what, expiry, seconds) => {
    expect(parseClient({ ...FULL, expiry }).expiry).toBe(seconds);
  });

  it.each([
    '',
    ' ',
    'soon',
    '1.5',
    '-1',
    '1h',
    'NaN',
    'Infinity',
    '9007199254740993',
    1.5,
    -1,
    2 ** 53,
    true,
    [],
    {},
    ['1'],
  ])('may not give its expiry as %j', (expiry) => {
    expect(outcome(() => parseClient({ ...FULL, expiry }))).toEqual({
      refusal: `client ${FULL.client_id} is not readable: expiry is not a number of seconds`,
    });
  });

  it.each([
    ['a text', 'm2morg_1', 'client is not an object'],
    ['a list', [FULL], 'client is not an object'],
    ['null', null, 'client is not an object'],
    ['nothing', undefined, 'client is not an object'],
    ['without an id', {}, 'client_id is not the id of an organization client'],
    ['with an id that is a number', { client_id: 1 }, 'client_id is not a string'],
    ['with the id of other credentials', { client_id: 'skc_1' }, 'client_id is not the id of an organization client'],
    ['with the prefix of an id alone', { client_id: 'm2morg_' }, 'client_id is not the id of an organization client'],
    [
      'with an id that leads elsewhere',
      { client_id: 'm2morg_../x' },
      'client_id is not the id of an organization client',
    ],
    ['with an id of two lines', { client_id: 'm2morg_1\nx' }, 'client_id is not the id of an organization client'],
    [
      'with an id that is too long',
      { client_id: `m2morg_${'1'.repeat(122)}` },
      'client_id is not the id of an organization client',
    ],
    ['with a description that is a number', { ...FULL, description: 1 }, 'description is not a string'],
  ])('is refused as %s', (_what, client, refusal) => {
    expect(outcome(() => parseClientSummary(client))).toEqual({ refusal });
  });

  it.each([
    ['with a name that is an object', { ...FULL, name: {} }, 'name is not a string'],
    ['with an organization that is a list', { ...FULL, organization_id: [] }, 'organization_id is not a string'],
    ['with scopes in one text', { ...FULL, scopes: 'a b' }, 'scopes is not a list'],
    ['with a scope that is null', { ...FULL, scopes: [null] }, 'scopes holds something else than strings'],
    ['with an audience in one text', { ...FULL, audience: 'a' }, 'audience is not a list'],
    ['with an audience that is a number', { ...FULL, audience: [1] }, 'audience holds something else than strings'],
    ['with claims in an object', { ...FULL, custom_claims: { a: 'b' } }, 'custom_claims is not a list'],
    ['with a claim that is a text', { ...FULL, custom_claims: ['a=b'] }, 'custom_claims is not an object'],
    [
      'with a claim whose value is a number',
      { ...FULL, custom_claims: [{ key: 'a', value: 1 }] },
      'value is not a string',
    ],
    ['with secrets in an object', { ...FULL, secrets: {} }, 'secrets is not a list'],
    ['with a secret that is null', { ...FULL, secrets: [null] }, 'secret is not an object'],
    ['with a secret that has no id', { ...FULL, secrets: [{}] }, 'id is not the id of a secret'],
    ['with a time that is a number', { ...FULL, create_time: 1 }, 'create_time is not a string'],
  ])('is known by its id and description all the same, and refused when it is read, %s', (_what, client, refusal) => {
    const summary = parseClientSummary(client);
    expect(summary).toMatchObject({ client_id: FULL.client_id, description: FULL.description });
    const areClaimsReadable = client.custom_claims === FULL.custom_claims;
    expect(summary.custom_claims).toEqual(areClaimsReadable ? FULL.custom_claims : undefined);
    expect(outcome(summary.parse)).toEqual({ refusal: `client ${FULL.client_id} is not readable: ${refusal}` });
  });

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
      custom_claims: orAny(fc.array(orAny(fc.record({ key: orAny(text), value: orAny(text) }, { requiredKeys: [] })))),
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

  it('is well-formed or refused without its values, whatever JSON came', () => {
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
          expect([typeof suffix, typeof active, typeof (create_time ?? 0n)]).toEqual(['string', 'boolean', 'bigint']);
        }
        if (rest.expiry !== undefined) expect(Number.isSafeInteger(rest.expiry) && rest.expiry >= 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is one page of a list or refused without its values, whatever text came', () => {
    const page = fc.record(
      { clients: orAny(fc.array(json)), next_page_token: orAny(text), total_size: json },
      { requiredKeys: [] },
    );
    const body = fc.oneof(
      fc.oneof(page, json).map((value) => JSON.stringify(value)),
      fc.tuple(fc.oneof(page, json), fc.nat(40)).map(([value, end]) => JSON.stringify(value).slice(0, end)),
      fc.string({ unit: 'binary' }).map((text) => canary + text),
    );
    fc.assert(
      fc.property(body, (body) => {
        const result = outcome(() => parsePage(body));
        if ('refusal' in result) expect(result.refusal).not.toContain(canary);
        else {
          expect(Array.isArray(result.value.clients)).toBe(true);
          expect(typeof result.value.next_page_token).toBe('string');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a secret in a response', () => {
  it('may omit all but its id, or say null', () => {
    const expected = { id: 'sks_1', create_time: undefined, suffix: '', active: true, deactivated: false };
    expect(parseSecret({ id: 'sks_1' })).toEqual(expected);
    expect(parseSecret({ id: 'sks_1', create_time: null, secret_suffix: null, status: null })).toEqual(expected);
  });

  it.each([
    ['2020-01-01T00:00:00Z', false],
    ['2999-01-01T00:00:00Z', true],
    ['', true],
    ['0001-01-01T00:00:00Z', true],
  ])('that expires at %j is active: %s', (expire_time, active) => {
    expect(parseSecret({ id: 'sks_1', expire_time }).active).toBe(active);
  });

  it.each([
    ['ACTIVE', true],
    [0, true],
    [undefined, true],
    ['INACTIVE', false],
    [1, false],
    ['SOMETHING_NEW', true],
    ['', true],
  ])('of the status %j is active: %s', (status, active) => {
    expect(parseSecret({ id: 'sks_1', status }).active).toBe(active);
  });

  it.each([
    ['a text', 'sks_1', 'secret is not an object'],
    ['nothing', undefined, 'secret is not an object'],
    ['without an id', {}, 'id is not the id of a secret'],
    ['with an id that is a number', { id: 1 }, 'id is not a string'],
    ['with an id that names the client', { id: '..' }, 'id is not the id of a secret'],
    ['with an id that leads elsewhere', { id: 'sks_1/../../x' }, 'id is not the id of a secret'],
    ['with an id of two lines', { id: 'sks_1\nx' }, 'id is not the id of a secret'],
    ['with an id that is too long', { id: 's'.repeat(129) }, 'id is not the id of a secret'],
    ['with a suffix that is a number', { id: 'sks_1', secret_suffix: 1 }, 'secret_suffix is not a string'],
    ['with a time that is a number', { id: 'sks_1', create_time: 1 }, 'create_time is not a string'],
  ])('is refused as %s', (_what, secret, refusal) => {
    expect(outcome(() => parseSecret(secret))).toEqual({ refusal });
  });
});

describe('a time in a response', () => {
  const timeOf = (create_time: string) => parseSecret({ id: 'sks_1', create_time }).create_time;
  const eight = at('2026-11-24T08:00:00Z');

  it.each([
    ['2026-11-24T08:00:00Z', eight],
    ['2026-11-24t08:00:00z', eight],
    ['2026-11-24T09:00:00+01:00', eight],
    ['2026-11-24T07:30:00-00:30', eight],
    ['2026-11-24T08:00:00.1Z', eight + 100_000_000n],
    ['2026-11-24T08:00:00.000000001Z', eight + 1n],
    ['2026-11-24T09:00:00.999999999+01:00', eight + 999_999_999n],
    ['2020-01-01T00:00:00.5Z', at('2020-01-01T00:00:00Z') + 500_000_000n],
  ])('is read to the nanosecond: %s', (text, time) => {
    expect(timeOf(text)).toBe(time);
  });

  it.each([
    '',
    'soon',
    '1795507200',
    '2026-11-24',
    '2026-11-24T08:00:00',
    '2026-11-24 08:00:00Z',
    '2026-11-24T08:00Z',
    '2026-11-24T08:00:00.Z',
    '2026-11-24T08:00:00.1234567890Z',
    '2026-13-24T08:00:00Z',
    '2026-11-24T25:00:00Z',
    ' 2026-11-24T08:00:00Z',
    // Times that a server may send if it does not know the time.
    '0001-01-01T00:00:00Z',
    '1969-12-31T23:59:59.5Z',
    '1970-01-01T00:00:00Z',
    '2019-12-31T23:59:59.999999999Z',
    '2020-01-01T00:59:59+01:00',
  ])('says nothing as %j', (text) => {
    expect(timeOf(text)).toBeUndefined();
  });

  it('is what was written, at any nanosecond', () => {
    const seconds = fc.integer({ min: Date.UTC(2020) / 1000, max: 253_402_300_799 });
    fc.assert(
      fc.property(seconds, fc.nat(999_999_999), (seconds, nanos) => {
        const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
        const fraction = String(nanos).padStart(9, '0');
        const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
        expect(timeOf(`${whole}.${fraction}Z`)).toBe(time);
        expect(timeOf(`${whole}.${fraction.replace(/(?<=.)0+$/, '')}Z`)).toBe(time);
      }),
    );
  });
});

describe('age', () => {
  const createTimes = fc.option(fc.bigInt({ min: -5n, max: 5n }), { nil: undefined });
  const entry = fc.record({ create_time: createTimes });

  it.each<[bigint | undefined, bigint | undefined, number]>([
    [1n, 2n, -1],
    [2n, 1n, 1],
    [1n, 1n, 0],
    [1_795_000_000_000_000_000n, 1_795_000_000_000_000_001n, -1],
    [undefined, 1n, 1],
    [1n, undefined, -1],
    [undefined, undefined, 0],
  ])('%s to %s: %i', (one, other, order) => {
    expect(byCreateTime({ create_time: one }, { create_time: other })).toBe(order);
  });

  it('is an order to the nanosecond, in which what is not known comes last', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const sorted = [...entries].sort(byCreateTime).map(({ create_time }) => create_time);
        const known = sorted.filter((time) => time !== undefined);
        expect(sorted.slice(0, known.length)).toEqual(known);
        expect(known.every((time, at) => at === 0 || Number(known[at - 1]) <= Number(time))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(entry, entry, (one, other) => {
        expect(byCreateTime(one, other) + byCreateTime(other, one)).toBe(0);
      }),
    );
  });
});

describe('a page of a list', () => {
  it('holds its clients as they came and says where the next one begins', () => {
    expect(parsePage('{"clients":[{"a":1},null],"next_page_token":"2","total_size":3}')).toEqual({
      clients: [{ a: 1 }, null],
      next_page_token: '2',
    });
  });

  it.each(['{}', '{"clients":null,"next_page_token":null}', '{"clients":[],"next_page_token":""}'])(
    'is empty and the last one: %s',
    (text) => {
      expect(parsePage(text)).toEqual({ clients: [], next_page_token: '' });
    },
  );

  it.each([
    ['{"clients":{}}', 'clients is not a list'],
    ['{"next_page_token":2}', 'next_page_token is not a string'],
    ['[]', 'the answer is not an object'],
    ['null', 'the answer is not an object'],
    ['"a"', 'the answer is not an object'],
    ['', 'the answer is not JSON (0 characters)'],
    ['<html>', 'the answer is not JSON (6 characters)'],
    ['{"clients":[', 'the answer is not JSON (12 characters)'],
  ])('is refused as %s', (text, refusal) => {
    expect(outcome(() => parsePage(text))).toEqual({ refusal });
  });
});
