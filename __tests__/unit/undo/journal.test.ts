import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  isSealed,
  Journal,
  type PendingClient,
  type PendingSecret,
  type PendingState,
  type PendingVariable,
  readState,
  type SealedState,
} from '../../../src/undo/journal.ts';

/** The environment's API secret, which seals the state. */
const SECRET = ['fake', 'api', 'secret'].join('-');
const CLIENT: PendingClient = { sent_at: 1_795_000_000_000, sent_again: false, id: 'm2morg_1', secret_ids: ['sks_1'] };
const ADDED: PendingSecret = {
  client_id: 'm2morg_2',
  key: 'key_56789-123456',
  known_ids: ['sks_2'],
  outcome_unknown: false,
  id: 'sks_3',
};
const BLANK: PendingState = {
  origin: 'https://acme.scalekit.com',
  organization_id: 'org_1',
  nonce: 'nonce_789-123456',
  run: '1658821493.2',
  lifetime: 'job',
};
const VARIABLE: PendingVariable = {
  api: 'https://api.github.com',
  location: { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' },
  value: 'm2morg_1',
  old: 'm2morg_0',
  secret_time: '2026-11-24T08:00:00Z',
  sent_at: 1_795_000_000_000,
  unconfirmed_writes: 1,
};
const STATE: PendingState = { ...BLANK, client: CLIENT, secret: ADDED, variable: VARIABLE };

let folder: string;
let file: string;
const originalStateFile = process.env.GITHUB_STATE;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-'));
  file = join(folder, 'state');
  process.env.GITHUB_STATE = file;
});
afterEach(() => {
  delete process.env.STATE_client;
});
afterAll(() => {
  if (originalStateFile === undefined) delete process.env.GITHUB_STATE;
  else process.env.GITHUB_STATE = originalStateFile;
  rmSync(folder, { recursive: true });
});

/** Returns the state that the post step reads after main. A runner passes on what was written last. */
function stateAfter(main: () => void): SealedState | undefined {
  writeFileSync(file, '');
  main();
  const texts = [...readFileSync(file, 'utf8').matchAll(/^client<<[^\n]*\n([^\n]*)\n[^\n]*\n/gm)];
  process.env.STATE_client = texts.at(-1)?.[1] ?? 'nothing was written';
  return readState();
}

/** Writes a state and returns it as the post step reads it. */
function written({ client, secret, variable, ...blank }: PendingState, key = SECRET): SealedState {
  const read = stateAfter(() => new Journal(blank, key).recordIntent({ client, secret, variable }));
  if (!read) throw new Error('no state');
  return read;
}

/** Runs a function while the runner's state file cannot be written. */
function withUnwritableFile(work: () => void): void {
  process.env.GITHUB_STATE = join(folder, 'nowhere', 'state');
  try {
    work();
  } finally {
    process.env.GITHUB_STATE = file;
  }
}

const text = fc.string({ unit: 'grapheme' });
const clients: fc.Arbitrary<PendingClient> = fc.record(
  { sent_at: fc.maxSafeNat(), sent_again: fc.boolean(), id: text, secret_ids: fc.array(text) },
  { requiredKeys: ['sent_at', 'sent_again'] },
);
const added: fc.Arbitrary<PendingSecret> = fc.record(
  { client_id: text, key: text, known_ids: fc.array(text), outcome_unknown: fc.boolean(), id: text },
  { requiredKeys: ['client_id', 'key', 'known_ids', 'outcome_unknown'] },
);
const variables: fc.Arbitrary<PendingVariable> = fc.record(
  {
    api: fc.webUrl(),
    location: fc.record({ repository: text, environment: text, variable: text, secret: text }),
    value: text,
    old: text,
    secret_time: text,
    sent_at: fc.maxSafeNat(),
    unconfirmed_writes: fc.nat(5),
  },
  { requiredKeys: ['api', 'location', 'value', 'sent_at', 'unconfirmed_writes'] },
);
const blanks = {
  origin: fc.webUrl(),
  organization_id: text,
  nonce: text,
  run: text,
  lifetime: fc.constantFrom<PendingState['lifetime'][]>('persistent', 'job'),
};
const states: fc.Arbitrary<PendingState> = fc.oneof(
  fc.record({ ...blanks, client: clients }),
  fc.record({ ...blanks, secret: added }),
  fc.record({ ...blanks, variable: variables }),
  fc.record({ ...blanks, client: clients, secret: added, variable: variables }),
);
const secrets = fc.string({ unit: 'grapheme', minLength: 1 });

describe('the state that main writes', () => {
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

  it('is what was written last, each part until it is removed', () => {
    const read = stateAfter(() => {
      const journal = new Journal({ ...BLANK }, SECRET);
      journal.recordIntent({ client: CLIENT });
      journal.recordIntent({ secret: ADDED });
      journal.recordIntent({ secret: { ...ADDED, outcome_unknown: true } });
      journal.recordIntent({ variable: VARIABLE });
      journal.recordIntent({ client: undefined, variable: undefined });
    });
    expect(read).toEqual({ ...BLANK, secret: { ...ADDED, outcome_unknown: true }, seal: expect.any(String) });
  });

  it.each<[string, (journal: Journal) => void]>([
    ['it was cleared', (journal) => journal.forget()],
    [
      'all of it is published',
      (journal) => journal.recordIntent({ client: undefined, secret: undefined, variable: undefined }),
    ],
    ['nothing is created yet', () => new Journal({ ...BLANK }, SECRET).recordIntent({})],
  ])('is nothing if %s', (_when, work) => {
    expect(stateAfter(() => work(new Journal({ ...STATE }, SECRET)))).toBeUndefined();
  });

  it('is nothing if main wrote none', () => {
    delete process.env.STATE_client;
    expect(readState()).toBeUndefined();
  });

  it('exists if nothing but a variable has to be restored, whether or not there was one before', () => {
    expect(stateAfter(() => new Journal({ ...BLANK }, SECRET).recordIntent({ variable: VARIABLE }))).toMatchObject({
      variable: VARIABLE,
    });
    const { old: _, ...created } = VARIABLE;
    const read = stateAfter(() =>
      new Journal({ ...BLANK }, SECRET).recordIntent({ variable: { ...created, old: undefined } }),
    );
    expect(read?.variable).toEqual(created);
    expect(read && isSealed(read, SECRET)).toBe(true);
  });

  it.each<[what: string, Partial<PendingState>, published: string, remaining: Partial<PendingState> | undefined]>([
    ['of a persistent client', { lifetime: 'persistent', client: CLIENT }, 'm2morg_1', undefined],
    ['of an added secret', { lifetime: 'persistent', secret: ADDED }, 'm2morg_2', undefined],
    ['of a variable', { lifetime: 'persistent', client: CLIENT, variable: VARIABLE }, 'm2morg_1', undefined],
    ['but the client of a job', { client: CLIENT }, 'm2morg_1', { client: CLIENT }],
    [
      'but a client that was not published because another run won',
      { lifetime: 'persistent', client: CLIENT, secret: ADDED, variable: VARIABLE },
      'm2morg_2',
      { client: CLIENT },
    ],
    [
      'but a client whose create got no response',
      { lifetime: 'persistent', client: { sent_at: 1, sent_again: false } },
      'm2morg_2',
      { client: { sent_at: 1, sent_again: false } },
    ],
  ])('is nothing once the client credentials are published: %s', (_what, changes, published, remaining) => {
    const state: PendingState = { ...BLANK, ...changes };
    const read = stateAfter(() => new Journal(state, SECRET).markPublished(published));
    const { lifetime } = state;
    expect(read).toEqual(remaining && { ...BLANK, lifetime, ...remaining, seal: expect.any(String) });
    expect([state.secret, state.variable]).toEqual([undefined, undefined]);
  });

  it('is not written if there was nothing to publish', () => {
    withUnwritableFile(() => expect(() => new Journal({ ...BLANK }, SECRET).markPublished('m2morg_1')).not.toThrow());
  });

  it('stays, so that the post step removes the client credentials, if it cannot be written that they are published', () => {
    const read = stateAfter(() => {
      const journal = new Journal({ ...BLANK, lifetime: 'persistent' }, SECRET);
      journal.recordIntent({ client: CLIENT });
      withUnwritableFile(() => expect(() => journal.markPublished('m2morg_1')).toThrow(/^Could not write the state/));
      expect(journal.state.client).toEqual(CLIENT);
    });
    expect(read).toMatchObject({ client: CLIENT });
  });

  it('may be cleared in part', () => {
    const read = stateAfter(() => new Journal({ ...STATE }, SECRET).forget({ variable: undefined }));
    expect(read).toEqual({ ...BLANK, client: CLIENT, secret: ADDED, seal: expect.any(String) });
  });

  it('fails at once if it cannot be written, and the change is not applied then', () => {
    const journal = new Journal({ ...BLANK }, SECRET);
    withUnwritableFile(() =>
      expect(() => journal.recordIntent({ client: CLIENT })).toThrow(/^Could not write the state for the post step: /),
    );
    expect(journal.state).toEqual(BLANK);
  });

  it('is known to the roll-back even if it cannot be written, once it is a result', () => {
    const journal = new Journal({ ...BLANK, client: { sent_at: 1, sent_again: false } }, SECRET);
    withUnwritableFile(() =>
      expect(() => journal.recordResult({ client: CLIENT })).toThrow(/^Could not write the state for the post step: /),
    );
    expect(journal.state).toEqual({ ...BLANK, client: CLIENT });
  });

  it('stays as it is if it cannot be cleared', () => {
    const journal = new Journal({ ...STATE }, SECRET);
    withUnwritableFile(() => expect(() => journal.forget()).not.toThrow());
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

  it('when any field was changed, added or removed', () => {
    const field = fc.oneof(fc.constantFrom(...Object.keys(STATE)), text).filter((key) => key !== 'seal');
    fc.assert(
      fc.property(states, field, fc.option(fc.jsonValue(), { nil: undefined }), (state, key, value) => {
        const before = written(state);
        const entries = Object.entries(before).filter(([name]) => name !== key);
        const changed = Object.fromEntries(value === undefined ? entries : [...entries, [key, value]]);
        const after = JSON.parse(JSON.stringify(changed)) as SealedState;
        const valueIn = (state: object) => Object.getOwnPropertyDescriptor(state, key)?.value;
        fc.pre(JSON.stringify(valueIn(before)) !== JSON.stringify(valueIn(after)));
        expect(isSealed(after, SECRET)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, Partial<PendingState>]>([
    ['origin', { origin: 'https://evil.example' }],
    ['organization', { organization_id: 'org_2' }],
    ['nonce', { nonce: 'another-nonce-12' }],
    ['run', { run: '1658821493.3' }],
    ['lifetime', { lifetime: 'persistent' }],
    ['client', { client: { ...CLIENT, id: 'm2morg_2' } }],
    ['time', { client: { ...CLIENT, sent_at: 1_795_000_000_001 } }],
    ['number of requests', { client: { ...CLIENT, sent_again: true } }],
    ['list of its secrets', { client: { ...CLIENT, secret_ids: ['sks_1', 'sks_9'] } }],
    ['secret', { secret: { ...ADDED, id: 'sks_2' } }],
    ["secret's client", { secret: { ...ADDED, client_id: 'm2morg_1' } }],
    ["secret's identity hash", { secret: { ...ADDED, key: 'another-key-1234' } }],
    ['list of secrets that existed before', { secret: { ...ADDED, known_ids: [] } }],
    [
      "variable's location",
      { variable: { ...VARIABLE, location: { ...VARIABLE.location, repository: 'acme/other' } } },
    ],
    ["variable's API", { variable: { ...VARIABLE, api: 'https://evil.example' } }],
    ["variable's former value", { variable: { ...VARIABLE, old: 'm2morg_9' } }],
    ["variable's secret", { variable: { ...VARIABLE, secret_time: '2026-11-24T08:00:01Z' } }],
    ["variable's time", { variable: { ...VARIABLE, sent_at: 1_795_000_000_001 } }],
    ['unknown outcome of the secret', { secret: { ...ADDED, outcome_unknown: true } }],
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
