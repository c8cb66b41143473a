import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSealed, Journal, readState, type SealedState, type State } from '../../src/state.ts';

const SECRET = ['fake', 'administrator', 'secret'].join('-');
const STATE: State = {
  origin: 'https://acme.scalekit.com',
  organization_id: 'org_1',
  nonce: 'nonce_789-123456',
  run: '1658821493.2',
  lifetime: 'job',
  sent_at: 1_795_000_000_000,
  client_id: 'm2morg_1',
  published: true,
};

let folder: string;
let file: string;
const runnersOwn = process.env.GITHUB_STATE;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-'));
  file = join(folder, 'state');
  process.env.GITHUB_STATE = file;
});
afterEach(() => {
  delete process.env.STATE_client;
});
afterAll(() => {
  if (runnersOwn === undefined) delete process.env.GITHUB_STATE;
  else process.env.GITHUB_STATE = runnersOwn;
  rmSync(folder, { recursive: true });
});

/** What the post step finds of what main does, as a runner hands it on. */
function handOver(main: () => void): SealedState | undefined {
  writeFileSync(file, '');
  main();
  const [, text] = /^client<<[^\n]*\n(.*?)\r?\n[^\n]*\n$/s.exec(readFileSync(file, 'utf8')) ?? [];
  process.env.STATE_client = text ?? 'nothing was written';
  return readState();
}

function written(state: State, secret = SECRET): SealedState {
  const read = handOver(() => new Journal({ ...state }, secret).note({}));
  if (!read) throw new Error('no state');
  return read;
}

const text = fc.string({ unit: 'grapheme' });
const states: fc.Arbitrary<State> = fc.record(
  {
    origin: fc.webUrl(),
    organization_id: text,
    nonce: text,
    run: text,
    lifetime: fc.constantFrom('persistent', 'job'),
    sent_at: fc.maxSafeNat(),
    client_id: text,
    published: fc.boolean(),
  },
  { requiredKeys: ['origin', 'organization_id', 'nonce', 'run', 'lifetime', 'sent_at'] },
);
const secrets = fc.string({ unit: 'grapheme', minLength: 1 });

describe('the state that main leaves', () => {
  it('is read as it was written, and accepted with the same secret', () => {
    fc.assert(
      fc.property(states, secrets, (state, secret) => {
        const { seal: _, ...read } = written(state, secret);
        expect(read).toEqual({ ...state });
        expect(isSealed(written(state, secret), secret)).toBe(true);
      }),
    );
  });

  it('holds nothing of the secret', () => {
    expect(JSON.stringify(written(STATE))).not.toContain(SECRET);
  });

  it('is nothing after it was cleared, or where main left none', () => {
    expect(handOver(() => new Journal(STATE, SECRET).clear())).toBeUndefined();
    delete process.env.STATE_client;
    expect(readState()).toBeUndefined();
  });

  it('is missed at once where it cannot be written', () => {
    process.env.GITHUB_STATE = join(folder, 'nowhere', 'state');
    try {
      const journal = new Journal({ ...STATE }, SECRET);
      expect(() => journal.note({ sent_at: 1 })).toThrow(/^Could not write the state for the post step: /);
      expect(journal.state).toEqual(STATE);
      expect(() => journal.clear()).not.toThrow();
    } finally {
      process.env.GITHUB_STATE = file;
    }
  });

  it.each(['{', 'null', '[]', '1', '"a"', 'client'])('is no state at all: %s', (text) => {
    process.env.STATE_client = text;
    expect(() => readState()).toThrow();
  });
});

describe('a seal is refused', () => {
  it('with another secret, or none', () => {
    fc.assert(
      fc.property(states, secrets, secrets, (state, secret, other) => {
        fc.pre(secret !== other);
        expect(isSealed(written(state, secret), other)).toBe(false);
        expect(isSealed(written(state, secret), '')).toBe(false);
      }),
    );
    expect(isSealed(written(STATE, ''), '')).toBe(false);
  });

  it('when any field was changed, added or taken away', () => {
    const field = fc.oneof(
      fc.constantFrom('origin', 'organization_id', 'nonce', 'run', 'lifetime', 'sent_at', 'client_id', 'published'),
      text.filter((key) => key !== 'seal'),
    );
    fc.assert(
      fc.property(states, field, fc.option(fc.jsonValue(), { nil: undefined }), (state, key, value) => {
        const before = written(state);
        const pairs = Object.entries(before).filter(([name]) => name !== key);
        const changed = Object.fromEntries(value === undefined ? pairs : [...pairs, [key, value]]);
        const after = JSON.parse(JSON.stringify(changed)) as SealedState;
        const own = (from: object) => Object.getOwnPropertyDescriptor(from, key)?.value;
        fc.pre(JSON.stringify(own(before)) !== JSON.stringify(own(after)));
        expect(isSealed(after, SECRET)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it.each(Object.keys(STATE) as (keyof State)[])('when %s is from another state of the same step', (field) => {
    const other: State = {
      origin: 'https://evil.example',
      organization_id: 'org_2',
      nonce: 'another-nonce-12',
      run: '1658821493.3',
      lifetime: 'persistent',
      sent_at: 1_795_000_000_001,
      client_id: 'm2morg_2',
      published: false,
    };
    expect(isSealed({ ...written(STATE), [field]: other[field] }, SECRET)).toBe(false);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty text', ''],
    ['a text of the same length', 'A'.repeat(43)],
    ['a longer text', 'A'.repeat(44)],
    ['a list', []],
    ['an object', {}],
    ['an object that cannot be a text', { toString: 1, valueOf: 1 }],
  ])('when %s stands in its place', (_what, seal) => {
    expect(isSealed({ ...written(STATE), seal } as unknown as SealedState, SECRET)).toBe(false);
  });
});
