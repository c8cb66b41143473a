import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type CreatedTrace,
  isSealed,
  Journal,
  readState,
  type SealedState,
  type SecretTrace,
  type State,
} from '../../src/state.ts';

const SECRET = ['fake', 'administrator', 'secret'].join('-');
const CLIENT: CreatedTrace = { sent_at: 1_795_000_000_000, again: false, id: 'm2morg_1', secret_ids: ['sks_1'] };
const ADDED: SecretTrace = {
  client_id: 'm2morg_2',
  key: 'key_56789-123456',
  seen: ['sks_2'],
  lost: false,
  id: 'sks_3',
};
const BLANK: State = {
  origin: 'https://acme.scalekit.com',
  organization_id: 'org_1',
  nonce: 'nonce_789-123456',
  run: '1658821493.2',
  lifetime: 'job',
};
const STATE: State = { ...BLANK, client: CLIENT, secret: ADDED };

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

/** What the post step finds of what main does, as a runner hands it on: what was written last. */
function handOver(main: () => void): SealedState | undefined {
  writeFileSync(file, '');
  main();
  const texts = [...readFileSync(file, 'utf8').matchAll(/^client<<[^\n]*\n([^\n]*)\n[^\n]*\n/gm)];
  process.env.STATE_client = texts.at(-1)?.[1] ?? 'nothing was written';
  return readState();
}

function written({ client, secret, ...blank }: State, key = SECRET): SealedState {
  const read = handOver(() => new Journal(blank, key).note({ client, secret }));
  if (!read) throw new Error('no state');
  return read;
}

/** Runs what writes while the runner's file cannot be written. */
function unwritable(work: () => void): void {
  process.env.GITHUB_STATE = join(folder, 'nowhere', 'state');
  try {
    work();
  } finally {
    process.env.GITHUB_STATE = file;
  }
}

const text = fc.string({ unit: 'grapheme' });
const clients: fc.Arbitrary<CreatedTrace> = fc.record(
  { sent_at: fc.maxSafeNat(), again: fc.boolean(), id: text, secret_ids: fc.array(text) },
  { requiredKeys: ['sent_at', 'again'] },
);
const added: fc.Arbitrary<SecretTrace> = fc.record(
  { client_id: text, key: text, seen: fc.array(text), lost: fc.boolean(), id: text },
  { requiredKeys: ['client_id', 'key', 'seen', 'lost'] },
);
const blanks = {
  origin: fc.webUrl(),
  organization_id: text,
  nonce: text,
  run: text,
  lifetime: fc.constantFrom<State['lifetime'][]>('persistent', 'job'),
};
const states: fc.Arbitrary<State> = fc.oneof(
  fc.record({ ...blanks, client: clients }),
  fc.record({ ...blanks, secret: added }),
  fc.record({ ...blanks, client: clients, secret: added }),
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

  it('is what was written last, each part until it is taken back', () => {
    const read = handOver(() => {
      const journal = new Journal({ ...BLANK }, SECRET);
      journal.note({ client: CLIENT });
      journal.note({ secret: ADDED });
      journal.note({ secret: { ...ADDED, lost: true } });
      journal.note({ client: undefined });
    });
    expect(read).toEqual({ ...BLANK, secret: { ...ADDED, lost: true }, seal: expect.any(String) });
  });

  it.each<[string, (journal: Journal) => void]>([
    ['it was cleared', (journal) => journal.clear()],
    ['all of it is handed out', (journal) => journal.note({ client: undefined, secret: undefined })],
    ['nothing is made yet', () => new Journal({ ...BLANK }, SECRET).note({})],
  ])('is nothing where %s', (_when, work) => {
    expect(handOver(() => work(new Journal({ ...STATE }, SECRET)))).toBeUndefined();
  });

  it('is nothing where main left none', () => {
    delete process.env.STATE_client;
    expect(readState()).toBeUndefined();
  });

  it('is missed at once where it cannot be written, and what was to be noted is no fact then', () => {
    const journal = new Journal({ ...BLANK }, SECRET);
    unwritable(() =>
      expect(() => journal.note({ client: CLIENT })).toThrow(/^Could not write the state for the post step: /),
    );
    expect(journal.state).toEqual(BLANK);
  });

  it('is known to the roll-back even where it cannot be written, once it is a fact', () => {
    const journal = new Journal({ ...BLANK, client: { sent_at: 1, again: false } }, SECRET);
    unwritable(() =>
      expect(() => journal.learn({ client: CLIENT })).toThrow(/^Could not write the state for the post step: /),
    );
    expect(journal.state).toEqual({ ...BLANK, client: CLIENT });
  });

  it('stays as it is where it can be cleared no more', () => {
    const journal = new Journal({ ...STATE }, SECRET);
    unwritable(() => expect(() => journal.clear()).not.toThrow());
    expect(journal.state).toEqual(STATE);
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
    const field = fc.oneof(fc.constantFrom(...Object.keys(STATE)), text).filter((key) => key !== 'seal');
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

  it.each<[string, Partial<State>]>([
    ['origin', { origin: 'https://evil.example' }],
    ['organization', { organization_id: 'org_2' }],
    ['nonce', { nonce: 'another-nonce-12' }],
    ['run', { run: '1658821493.3' }],
    ['lifetime', { lifetime: 'persistent' }],
    ['client', { client: { ...CLIENT, id: 'm2morg_2' } }],
    ['time', { client: { ...CLIENT, sent_at: 1_795_000_000_001 } }],
    ['number of requests', { client: { ...CLIENT, again: true } }],
    ['list of own secrets', { client: { ...CLIENT, secret_ids: ['sks_1', 'sks_9'] } }],
    ['secret', { secret: { ...ADDED, id: 'sks_2' } }],
    ["secret's client", { secret: { ...ADDED, client_id: 'm2morg_1' } }],
    ["secret's key", { secret: { ...ADDED, key: 'another-key-1234' } }],
    ['list of secrets that were there', { secret: { ...ADDED, seen: [] } }],
    ['doubt about the secret', { secret: { ...ADDED, lost: true } }],
  ])('when its %s is another', (_what, changes) => {
    const state = written(STATE);
    expect(isSealed(state, SECRET)).toBe(true);
    expect(isSealed({ ...state, ...changes }, SECRET)).toBe(false);
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
