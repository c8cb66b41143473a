import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { ApiError } from '../../../src/net/api-error.ts';
import { done, failure, type Outcome } from '../../../src/net/outcome.ts';
import { isSealed, type Journal, readLastRecord, readState, type SealedRecord } from '../../../src/undo/journal.ts';
import { thisProcess } from '../../../src/undo/main-process.ts';
import type { PendingClient, PendingSecret, PendingState, PendingVariables } from '../../../src/undo/pending.ts';
import { BLANK_STATE, client, PENDING_CLIENT, PENDING_SECRET, PENDING_VARIABLES } from '../fixtures.ts';
import { fileText, NOTHING, SECRET, STATE, useJournals } from './journals.ts';

// What main records, when, and what remains to undo. journal-file.test.ts tests the file beside the runner's state.

const { inTemp, journalOf, stateTexts, stateForPost, written, breakStateFile } = useJournals();
afterEach(() => {
  jest.restoreAllMocks();
});

const UNANSWERED: PendingClient = { sent_at: 1, sent_again: false };
const COULD_NOT_WRITE = /^Could not write the state for the post step: .*[^.]\.$/;

const text = fc.string({ unit: 'grapheme' });
const clients: fc.Arbitrary<PendingClient> = fc.record(
  {
    sent_at: fc.maxSafeNat(),
    sent_again: fc.boolean(),
    id: text,
    secret_ids: fc.array(text),
    secret_outcome_unknown: fc.boolean(),
  },
  { requiredKeys: ['sent_at', 'sent_again'] },
);
const secrets: fc.Arbitrary<PendingSecret> = fc.record(
  { client_id: text, nonce: text, known_ids: fc.array(text), outcome_unknown: fc.boolean(), id: text },
  { requiredKeys: ['client_id', 'nonce', 'known_ids', 'outcome_unknown'] },
);
const variables: fc.Arbitrary<PendingVariables> = fc.record({
  api: fc.webUrl(),
  location: fc.record({ repository: text, environment: text, state_variable: text, id_variable: text, secret: text }),
  before: fc.record({ client_id: text, state: text, stateTime: text, secretTime: text }),
  written: fc.record({ client_id: text, state: text }),
});
const states: fc.Arbitrary<PendingState> = fc.record(
  {
    origin: fc.webUrl(),
    organization_id: text,
    nonce: text,
    run: text,
    lifetime: fc.constantFrom<PendingState['lifetime'][]>('persistent', 'job'),
    client: clients,
    secret: secrets,
    variables,
  },
  { requiredKeys: ['origin', 'organization_id', 'nonce', 'run', 'lifetime'] },
);
const keys = fc.string({ unit: 'grapheme', minLength: 1 });

describe('the records of main', () => {
  it("writes main's process and the path of the journal file into the first record", () => {
    const journal = journalOf();
    const record = stateForPost();
    expect(record).toMatchObject({ ...BLANK_STATE, counter: 1, process: { ...thisProcess(), pid: process.pid } });
    expect(record?.journal_file).toBe(journal.state.journal_file);
    expect(path.dirname(journal.state.journal_file ?? '')).toBe(inTemp());
    expect(record).not.toHaveProperty('client');
  });

  it('writes each record to the state and to the journal file, with a higher counter and a seal', () => {
    const journal = journalOf({ organization_id: '' });
    jest.spyOn(Date, 'now').mockReturnValue(PENDING_CLIENT.sent_at);
    const pendingClient: PendingClient = { sent_at: PENDING_CLIENT.sent_at, sent_again: false };
    const answered = { ...pendingClient, id: 'm2morg_2', secret_ids: ['sks_1'] };
    const added = { ...PENDING_SECRET, id: 'sks_7' };
    const { id: _, ...unanswered } = PENDING_SECRET;
    const changes: [change: () => void, Partial<PendingState>][] = [
      [() => journal.organizationFound('org_1'), { organization_id: 'org_1' }],
      [() => journal.clientSent(false), { client: pendingClient }],
      [() => journal.clientSent(true), { client: { ...pendingClient, sent_again: true } }],
      [() => journal.clientSent(false), { client: pendingClient }],
      [() => journal.clientUnknown(), { client: { ...pendingClient, sent_again: true } }],
      [() => journal.clientSent(false), { client: pendingClient }],
      [() => journal.clientAnswered({ id: 'm2morg_2' }), { client: { ...pendingClient, id: 'm2morg_2' } }],
      [() => journal.clientAnswered({ id: 'm2morg_2', secret_ids: ['sks_1'] }), { client: answered }],
      [() => journal.secretSent(unanswered), { client: answered, secret: unanswered }],
      [() => journal.secretAnswered('sks_7'), { client: answered, secret: added }],
      [
        () => journal.variablesSent(PENDING_VARIABLES),
        { client: answered, secret: added, variables: PENDING_VARIABLES },
      ],
      [() => journal.forget('variables'), { client: answered, secret: added }],
      [() => journal.markPublished('m2morg_2'), {}],
    ];
    for (const [at, [change, expected]] of changes.entries()) {
      change();
      const { process: _process, journal_file: _file, ...state } = journal.state;
      expect(state).toEqual({ ...BLANK_STATE, ...NOTHING, ...expected });
      const record = stateForPost();
      expect(record).toMatchObject({ ...BLANK_STATE, ...expected, counter: at + 2 });
      expect(fileText(journal)).toBe(stateTexts().at(-1));
      expect(record && isSealed(record, SECRET)).toBe(true);
    }
    expect(stateTexts()).toHaveLength(changes.length + 1);
  });

  it('reads a record exactly as main wrote it, and accepts its seal with the same secret', () => {
    fc.assert(
      fc.property(states, keys, (state, secret) => {
        const record = written(state, secret);
        const { seal: _, counter, process: __, ...read } = record;
        expect(read).toEqual(state);
        expect(counter).toBe(1);
        expect(isSealed(record, secret)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('never writes the secret that seals the records', () => {
    const journal = journalOf(STATE);
    for (const text of [...stateTexts(), fileText(journal)]) expect(text).not.toContain(SECRET);
    expect(stateTexts()).toHaveLength(1);
  });

  it('writes no record if the organization has the id that the user gave', () => {
    journalOf().organizationFound('org_1');
    expect(stateTexts()).toHaveLength(1);
  });

  it('records the time of the last create request', () => {
    const journal = journalOf();
    jest.spyOn(Date, 'now').mockReturnValue(1_795_000_000_001);
    journal.clientSent(false);
    jest.spyOn(Date, 'now').mockReturnValue(1_795_000_000_002);
    journal.clientSent(true);
    journal.clientAnswered({ id: 'm2morg_2' });
    expect(stateForPost()?.client).toEqual({ sent_at: 1_795_000_000_002, sent_again: true, id: 'm2morg_2' });
  });

  it('ignores the id of a secret whose request was not recorded', () => {
    const journal = journalOf();
    journal.secretAnswered('sks_1');
    expect(journal.state.secret).toBeUndefined();
    expect(stateTexts()).toHaveLength(1);
  });

  it.each<[what: string, secret: PendingSecret | undefined, isUnknown: boolean | undefined]>([
    ['whose id is known', PENDING_SECRET, false],
    ['whose id is unknown', { ...PENDING_SECRET, id: undefined } as unknown as PendingSecret, true],
    ['if an earlier request may have added another one', { ...PENDING_SECRET, outcome_unknown: true }, true],
    ['that Scalekit refused', undefined, undefined],
  ])("moves an added secret %s into the entry of this step's client", (_what, secret, secret_outcome_unknown) => {
    const journal = journalOf({ client: PENDING_CLIENT, secret });
    journal.secretJoinsClient(['sks_1', 'sks_2']);
    expect(journal.state.client).toEqual({
      ...PENDING_CLIENT,
      secret_ids: ['sks_1', 'sks_2'],
      secret_outcome_unknown,
    });
    expect(journal.state.secret).toBeUndefined();
    expect(fileText(journal)).toBe(stateTexts().at(-1));
  });

  it('forgets the entries that need no clean-up, and keeps the others', () => {
    const journal = journalOf(STATE);
    journal.forget('variables');
    expect(stateForPost()).toMatchObject({ client: PENDING_CLIENT, secret: PENDING_SECRET, counter: 2 });
    expect(stateForPost()?.variables).toBeUndefined();
    journal.forget('client', 'secret');
    expect(journal.state).toMatchObject({ ...BLANK_STATE, ...NOTHING });
    journal.forget('client', 'secret', 'variables');
    expect(stateTexts()).toHaveLength(3);
  });

  it('reads no state if main wrote none', () => {
    delete process.env.STATE_client;
    expect(readState()).toBeUndefined();
  });

  it.each(['{', 'null', '[]'])('throws if the state of main is not a JSON object: %s', (text) => {
    process.env.STATE_client = text;
    expect(() => readState()).toThrow();
  });

  it('readState quotes nothing of a state that is not JSON', () => {
    process.env.STATE_client = 'Zq7wXv9kYj8f';
    expect(() => readState()).toThrow(/^the answer is not JSON \(12 characters\)$/);
    delete process.env.STATE_client;
  });
});

describe('a record that cannot be written', () => {
  type Change = (journal: Journal) => void;
  const sendClient: Change = (journal) => journal.clientSent(false);
  const answerClient: Change = (journal) => journal.clientAnswered({ id: 'm2morg_7', secret_ids: ['sks_7'] });
  const ANSWERED_CLIENT = { client: { ...PENDING_CLIENT, id: 'm2morg_7', secret_ids: ['sks_7'] } };

  it.each<[what: string, Change, before: Partial<PendingState>]>([
    ['a create request', sendClient, {}],
    ['a request for another secret', (journal) => journal.secretSent(PENDING_SECRET), {}],
    ['the request that writes the variables', (journal) => journal.variablesSent(PENDING_VARIABLES), {}],
    ['the mark that credentials are published', (journal) => journal.markPublished('m2morg_2'), ANSWERED_CLIENT],
  ])('throws before %s if the state file cannot be written, and keeps the former entries', (_what, change, before) => {
    const journal = journalOf(before);
    const { state } = journal;
    breakStateFile();
    expect(() => change(journal)).toThrow(COULD_NOT_WRITE);
    expect(journal.state).toEqual(state);
  });

  it.each<[what: string, Change, after: Partial<PendingState>]>([
    ['the id of the organization', (journal) => journal.organizationFound('org_2'), { organization_id: 'org_2' }],
    ['the id of a client', answerClient, ANSWERED_CLIENT],
    [
      'the id of a secret',
      (journal) => journal.secretAnswered('sks_7'),
      { secret: { ...PENDING_SECRET, id: 'sks_7' } },
    ],
    [
      "a secret of this step's client",
      (journal) => journal.secretJoinsClient(['sks_7']),
      { client: { ...PENDING_CLIENT, secret_ids: ['sks_7'], secret_outcome_unknown: false }, secret: undefined },
    ],
  ])('throws if %s cannot be written to the state file, but roll-back knows it', (_what, change, after) => {
    const journal = journalOf(STATE);
    breakStateFile();
    expect(() => change(journal)).toThrow(COULD_NOT_WRITE);
    expect(journal.state).toMatchObject({ ...STATE, ...after });
  });

  it.each<[what: string, makeUnwritable: () => void]>([
    ['its folder was deleted', () => fs.rmSync(inTemp(), { recursive: true })],
    [
      'it cannot be replaced',
      () =>
        jest.spyOn(fs, 'renameSync').mockImplementation(() => {
          throw new Error('EACCES: permission denied, rename');
        }),
    ],
  ])('throws if the journal file cannot be written, because %s', (_what, makeUnwritable) => {
    const [blank, pending] = [journalOf(), journalOf(STATE)];
    const { state } = blank;
    makeUnwritable();
    expect(() => sendClient(blank)).toThrow(COULD_NOT_WRITE);
    expect(blank.state).toEqual(state);
    expect(() => answerClient(pending)).toThrow(COULD_NOT_WRITE);
    expect(pending.state).toMatchObject(ANSWERED_CLIENT);
    expect(() => pending.forget('client', 'secret', 'variables')).not.toThrow();
    expect(pending.state).toMatchObject(NOTHING);
  });

  it('forgets entries without an error although the state file cannot be written', () => {
    const journal = journalOf(STATE);
    breakStateFile();
    expect(() => journal.forget('client', 'secret', 'variables')).not.toThrow();
    expect(journal.state).toMatchObject(NOTHING);
  });

  it('throws before any request if the first record cannot be written', () => {
    breakStateFile();
    expect(() => journalOf()).toThrow(COULD_NOT_WRITE);
  });

  it('lets the post step remove the credentials if the mark that they are published cannot be written', () => {
    const journal = journalOf({ client: PENDING_CLIENT });
    const state = stateForPost();
    breakStateFile();
    expect(() => journal.markPublished('m2morg_2')).toThrow(COULD_NOT_WRITE);
    expect(state).toMatchObject({ client: PENDING_CLIENT });
    expect(state && readLastRecord(state, SECRET)).toMatchObject({ client: PENDING_CLIENT });
  });
});

describe('published credentials', () => {
  it.each<{ what: string; pending: Partial<PendingState>; published: string; remaining: Partial<PendingState> }>([
    {
      what: 'nothing of a persistent client',
      pending: { client: PENDING_CLIENT },
      published: 'm2morg_2',
      remaining: {},
    },
    {
      what: 'nothing of an added secret',
      pending: { secret: PENDING_SECRET },
      published: 'm2morg_2',
      remaining: {},
    },
    {
      what: 'nothing of saved variables',
      pending: { client: PENDING_CLIENT, variables: PENDING_VARIABLES },
      published: 'm2morg_2',
      remaining: {},
    },
    {
      what: 'the client of a job, which the post step deletes,',
      pending: { lifetime: 'job', client: PENDING_CLIENT },
      published: 'm2morg_2',
      remaining: { client: PENDING_CLIENT },
    },
    {
      what: "this step's own client, in whose place another run's client is published,",
      pending: {
        client: PENDING_CLIENT,
        secret: { ...PENDING_SECRET, client_id: 'm2morg_1' },
        variables: PENDING_VARIABLES,
      },
      published: 'm2morg_1',
      remaining: { client: PENDING_CLIENT },
    },
    {
      what: 'a client whose create request got no response',
      pending: { client: UNANSWERED },
      published: 'm2morg_1',
      remaining: { client: UNANSWERED },
    },
  ])('keeps in the journal $what when the credentials are published', ({ pending, published, remaining }) => {
    const journal = journalOf(pending);
    journal.markPublished(published);
    expect(journal.state).toMatchObject({ ...NOTHING, ...remaining });
    const { client, secret, variables } = stateForPost() ?? {};
    expect({ client, secret, variables }).toEqual({ ...NOTHING, ...remaining });
  });

  it('writes no mark that the credentials are published if nothing is pending', () => {
    const journal = journalOf();
    journal.markPublished('m2morg_1');
    expect(stateTexts()).toHaveLength(1);
  });
});

describe('the point of no return', () => {
  const pendingUpdate = { before: client(), fields: { name: 'Deployer' } };
  const error = new ApiError('Could not write it.');

  /** Returns a journal with every entry and an update. */
  function fullJournal(): Journal {
    const journal = journalOf(STATE);
    journal.pendingUpdate = pendingUpdate;
    return journal;
  }

  /** Sends the request from which there is no way back. @returns the journal, and the state when the request was sent */
  async function pass(outcome: Outcome<string>) {
    const journal = fullJournal();
    let atSending: SealedRecord | undefined;
    const result = await journal.passPointOfNoReturn('m2morg_2', async () => {
      atSending = stateForPost();
      expect(fileText(journal)).toBe(stateTexts().at(-1));
      expect(journal.pendingUpdate).toBeUndefined();
      return outcome;
    });
    expect(result).toBe(outcome);
    return { journal, atSending };
  }

  it.each<[Outcome<string>['kind'], Outcome<string>]>([
    ['done', done('value')],
    ['unknown', failure(true, error)],
    ['refused', failure(false, error)],
  ])(
    'marks the credentials as published before it sends the last request, whose outcome will be %s',
    async (_kind, outcome) => {
      const { atSending } = await pass(outcome);
      expect(atSending).toMatchObject({ ...BLANK_STATE, counter: 2 });
      for (const entry of Object.keys(NOTHING)) expect(atSending).not.toHaveProperty(entry);
    },
  );

  it.each<[Outcome<string>['kind'], Outcome<string>]>([
    ['done', done('value')],
    ['unknown', failure(true, error)],
  ])('the journal has nothing to undo if the outcome of the last request is %s', async (_kind, outcome) => {
    const { journal } = await pass(outcome);
    expect(journal.state).toMatchObject(NOTHING);
    expect(journal.pendingUpdate).toBeUndefined();
    expect(stateTexts()).toHaveLength(2);
  });

  it('removes the mark that credentials are published if the last request is refused, so that everything is undone', async () => {
    const { journal } = await pass(failure(false, error));
    expect(journal.state).toMatchObject(STATE);
    expect(journal.pendingUpdate).toBe(pendingUpdate);
    expect(stateForPost()).toMatchObject({ ...STATE, counter: 3 });
    expect(fileText(journal)).toBe(stateTexts().at(-1));
  });

  it('lets roll-back undo everything although the refusal of the last request cannot be recorded', async () => {
    const journal = fullJournal();
    const sending = journal.passPointOfNoReturn('m2morg_2', async () => {
      breakStateFile();
      return failure(false, error);
    });
    await expect(sending).rejects.toThrow(COULD_NOT_WRITE);
    expect(journal.state).toMatchObject(STATE);
    expect(journal.pendingUpdate).toBe(pendingUpdate);
  });

  it('does not send the last request if the mark that credentials are published cannot be written', async () => {
    const journal = fullJournal();
    const send = jest.fn(async () => done('value'));
    breakStateFile();
    await expect(journal.passPointOfNoReturn('m2morg_2', send)).rejects.toThrow(COULD_NOT_WRITE);
    expect(send).not.toHaveBeenCalled();
    expect(journal.state).toMatchObject(STATE);
    expect(journal.pendingUpdate).toBe(pendingUpdate);
  });
});

describe('the end of the journal', () => {
  it('empties the state at the end of main if nothing is left to undo, and keeps the journal file', () => {
    const journal = journalOf({ client: PENDING_CLIENT });
    journal.markPublished('m2morg_2');
    const text = fileText(journal);
    journal.end();
    expect(stateTexts().at(-1)).toBe('');
    expect(stateForPost()).toBeUndefined();
    expect(fileText(journal)).toBe(text);
  });

  it.each<[entry: string, Partial<PendingState>]>([
    ['client', { client: PENDING_CLIENT }],
    ['secret', { secret: PENDING_SECRET }],
    ['variables', { variables: PENDING_VARIABLES }],
  ])('keeps the state at the end of main if the entry %s is left to undo', (_entry, pending) => {
    journalOf(pending).end();
    expect(stateForPost()).toMatchObject(pending);
  });

  it('ends main without an error if the state cannot be emptied', () => {
    const journal = journalOf();
    breakStateFile();
    expect(() => journal.end()).not.toThrow();
  });
});

describe('the seal of a record', () => {
  it('refuses a record that another secret sealed, and any record if the secret is empty', () => {
    fc.assert(
      fc.property(states, keys, keys, (state, secret, other) => {
        fc.pre(secret !== other);
        const record = written(state, secret);
        expect(isSealed(record, other)).toBe(false);
        expect(isSealed(record, '')).toBe(false);
      }),
      { numRuns: 30 },
    );
    expect(isSealed(written(STATE, ''), '')).toBe(false);
  });

  it('refuses a sealed record in which any field was changed, added or removed', () => {
    const field = fc
      .oneof(fc.constantFrom(...Object.keys(STATE), 'process', 'counter'), text)
      .filter((key) => key !== 'seal');
    fc.assert(
      fc.property(states, field, fc.option(fc.jsonValue(), { nil: undefined }), (state, key, value) => {
        const before = written(state);
        const entries = Object.entries(before).filter(([name]) => name !== key);
        const changed = Object.fromEntries(value === undefined ? entries : [...entries, [key, value]]);
        const after = JSON.parse(JSON.stringify(changed)) as SealedRecord;
        const valueIn = (state: object) => Object.getOwnPropertyDescriptor(state, key)?.value;
        fc.pre(JSON.stringify(valueIn(before)) !== JSON.stringify(valueIn(after)));
        expect(isSealed(after, SECRET)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[field: string, Partial<SealedRecord>]>([
    ['origin', { origin: 'https://evil.example' }],
    ['process', { process: { pid: 1, started: '1' } }],
    ['path of the journal file', { journal_file: '/etc/passwd' }],
    ['counter', { counter: 2 }],
    ['id of the client', { client: { ...PENDING_CLIENT, id: 'm2morg_9' } }],
    ['client of the added secret', { secret: { ...PENDING_SECRET, client_id: 'm2morg_1' } }],
    ["URL of GitHub's API", { variables: { ...PENDING_VARIABLES, api: 'https://evil.example' } }],
  ])('refuses a sealed record with another %s', (_field, changes) => {
    const record = written(STATE);
    expect(isSealed(record, SECRET)).toBe(true);
    expect(isSealed({ ...record, ...changes }, SECRET)).toBe(false);
  });

  it.each<[what: string, seal: unknown]>([
    ['no seal', undefined],
    ['an empty seal', ''],
    ['another seal of the same length', 'A'.repeat(43)],
    ['a seal that is an object', {}],
  ])('refuses a record with %s', (_what, seal) => {
    expect(isSealed({ ...written(STATE), seal } as unknown as SealedRecord, SECRET)).toBe(false);
  });
});
