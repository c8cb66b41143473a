import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { ApiError } from '../../../src/net/api-error.ts';
import { done, failure, type Outcome } from '../../../src/net/outcome.ts';
import {
  deleteJournalFile,
  isSealed,
  Journal,
  readLastRecord,
  readState,
  type SealedRecord,
} from '../../../src/undo/journal.ts';
import { thisProcess } from '../../../src/undo/main-process.ts';
import type { PendingClient, PendingSecret, PendingState, PendingVariables } from '../../../src/undo/pending.ts';
import { BLANK_STATE, client, PENDING_CLIENT, PENDING_SECRET, PENDING_VARIABLES } from '../fixtures.ts';

/** The environment's API secret, which seals the records. */
const SECRET = ['fake', 'api', 'secret'].join('-');
/** A state in which everything is pending. */
const STATE: PendingState = {
  ...BLANK_STATE,
  client: PENDING_CLIENT,
  secret: PENDING_SECRET,
  variables: PENDING_VARIABLES,
};
const NOTHING = { client: undefined, secret: undefined, variables: undefined };

/** The folder of everything that a test writes. */
let folder: string;
let stateFile: string;
/** The folder for journal files. */
let temp: string;
const originalStateFile = process.env.GITHUB_STATE;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'journal-'));
});
beforeEach(() => {
  const test = fs.mkdtempSync(path.join(folder, 'test-'));
  [stateFile, temp] = [path.join(test, 'state'), path.join(test, 'temp')];
  fs.writeFileSync(stateFile, '');
  fs.mkdirSync(temp);
  process.env.GITHUB_STATE = stateFile;
});
afterEach(() => {
  delete process.env.STATE_client;
  jest.restoreAllMocks();
});
afterAll(() => {
  if (originalStateFile === undefined) delete process.env.GITHUB_STATE;
  else process.env.GITHUB_STATE = originalStateFile;
  fs.rmSync(folder, { recursive: true });
});

function journalOf(state: Partial<PendingState> = {}, into: string | undefined = temp): Journal {
  return new Journal({ ...BLANK_STATE, ...state }, SECRET, into);
}

/** Returns the texts in the state file, in the order in which they were written. */
function stateTexts(): string[] {
  const texts = fs.readFileSync(stateFile, 'utf8').matchAll(/^client<<[^\n]*\n([^\n]*)\n[^\n]*\n/gm);
  return [...texts].map(([, text = '']) => text);
}

/** Returns the state that the post step reads. A runner passes on what was written last. */
function stateForPost(): SealedRecord | undefined {
  process.env.STATE_client = stateTexts().at(-1) ?? 'nothing was written';
  return readState();
}

/** Writes a state and returns its record as the post step reads it. */
function written(state: PendingState, secret = SECRET): SealedRecord {
  fs.writeFileSync(stateFile, '');
  new Journal(state, secret, undefined);
  const read = stateForPost();
  if (!read) throw new Error('no state');
  return read;
}

/** Returns what the journal file holds. */
function fileText({ state: { journal_file = '' } }: Journal): string {
  return fs.readFileSync(journal_file, 'utf8');
}

/** Runs a function while the runner's state file cannot be written. */
async function withUnwritableState(work: () => unknown): Promise<void> {
  process.env.GITHUB_STATE = path.join(folder, 'nowhere', 'state');
  try {
    await work();
  } finally {
    process.env.GITHUB_STATE = stateFile;
  }
}

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
const blanks = {
  origin: fc.webUrl(),
  organization_id: text,
  nonce: text,
  run: text,
  lifetime: fc.constantFrom<PendingState['lifetime'][]>('persistent', 'job'),
};
const states: fc.Arbitrary<PendingState> = fc.record(
  { ...blanks, client: clients, secret: secrets, variables },
  { requiredKeys: ['origin', 'organization_id', 'nonce', 'run', 'lifetime'] },
);
const keys = fc.string({ unit: 'grapheme', minLength: 1 });

describe('the records of main', () => {
  it("writes main's process and the path of the journal file into the first record", () => {
    const journal = journalOf();
    expect(stateForPost()).toMatchObject({ ...BLANK_STATE, counter: 1, process: thisProcess() });
    expect(stateForPost()?.process?.pid).toBe(process.pid);
    expect(stateForPost()?.journal_file).toBe(journal.state.journal_file);
    expect(path.dirname(journal.state.journal_file ?? '')).toBe(temp);
    expect(stateForPost()).not.toMatchObject({ client: expect.anything() });
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

  it('reads a record as it was written, and accepts it with the same secret', () => {
    fc.assert(
      fc.property(states, keys, (state, secret) => {
        const record = written(state, secret);
        const { seal: _, counter, process: __, ...read } = record;
        expect(read).toEqual(state);
        expect(counter).toBe(1);
        expect(isSealed(record, secret)).toBe(true);
      }),
    );
  });

  it('writes nothing of the secret that seals the records', () => {
    const journal = journalOf(STATE);
    for (const text of [fs.readFileSync(stateFile, 'utf8'), fileText(journal)]) expect(text).not.toContain(SECRET);
  });

  it('writes no record if the organization is the one that was given', () => {
    journalOf().organizationFound('org_1');
    expect(stateTexts()).toHaveLength(1);
  });

  it('records when the create request was sent last', () => {
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
    ['whose id is not known', { ...PENDING_SECRET, id: undefined } as unknown as PendingSecret, true],
    ['of which an earlier request may have added another', { ...PENDING_SECRET, outcome_unknown: true }, true],
    ['that was refused', undefined, undefined],
  ])("joins a secret %s to the entry of this step's client", (_what, secret, secret_outcome_unknown) => {
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

  it('forgets entries that need no clean-up, and no others', () => {
    const journal = journalOf(STATE);
    journal.forget('variables');
    expect(stateForPost()).toMatchObject({ client: PENDING_CLIENT, secret: PENDING_SECRET, counter: 2 });
    expect(stateForPost()?.variables).toBeUndefined();
    journal.forget('client', 'secret');
    expect(journal.state).toMatchObject({ ...BLANK_STATE, ...NOTHING });
    journal.forget('client', 'secret', 'variables');
    expect(stateTexts()).toHaveLength(3);
  });
});

describe('a record that cannot be written', () => {
  const COULD_NOT_WRITE = /^Could not write the state for the post step: .*[^.]\.$/;

  /** What each way to fail leaves: whether the change counts, and the expected entries. */
  const INTENTS: [what: string, (journal: Journal) => void, before: Partial<PendingState>][] = [
    ['a create request', (journal) => journal.clientSent(false), {}],
    ['a request for a secret', (journal) => journal.secretSent(PENDING_SECRET), {}],
    ['variables', (journal) => journal.variablesSent(PENDING_VARIABLES), {}],
    ['the mark of published credentials', (journal) => journal.markPublished('m2morg_2'), { client: PENDING_CLIENT }],
  ];
  const RESULTS: [what: string, (journal: Journal) => void, before: PendingState, after: Partial<PendingState>][] = [
    ['the organization', (journal) => journal.organizationFound('org_2'), STATE, { organization_id: 'org_2' }],
    [
      'the id of a client',
      (journal) => journal.clientAnswered({ id: 'm2morg_7', secret_ids: ['sks_7'] }),
      STATE,
      { client: { ...PENDING_CLIENT, id: 'm2morg_7', secret_ids: ['sks_7'] } },
    ],
    [
      'the id of a secret',
      (journal) => journal.secretAnswered('sks_7'),
      STATE,
      { secret: { ...PENDING_SECRET, id: 'sks_7' } },
    ],
    [
      "a secret of this step's client",
      (journal) => journal.secretJoinsClient(['sks_7']),
      STATE,
      { client: { ...PENDING_CLIENT, secret_ids: ['sks_7'], secret_outcome_unknown: false }, secret: undefined },
    ],
  ];
  /** Each way in which a record cannot be written. */
  const WAYS: [way: string, (work: () => void) => Promise<void> | void][] = [
    ['the state file cannot be written', withUnwritableState],
    [
      'the folder of the journal file is gone',
      (work) => {
        fs.rmSync(temp, { recursive: true });
        work();
      },
    ],
    [
      'the journal file cannot be replaced',
      (work) => {
        jest.spyOn(fs, 'renameSync').mockImplementation(() => {
          throw new Error('EACCES: permission denied, rename');
        });
        work();
      },
    ],
  ];

  it.each(WAYS.flatMap(([way, fail]) => INTENTS.map(([what, ...rest]) => [way, what, fail, ...rest] as const)))(
    'throws if %s, so that %s is neither sent nor pending',
    async (_way, _what, fail, change, before) => {
      const journal = journalOf(before);
      const { state } = journal;
      await fail(() => expect(() => change(journal)).toThrow(COULD_NOT_WRITE));
      expect(journal.state).toEqual(state);
    },
  );

  it.each(WAYS.flatMap(([way, fail]) => RESULTS.map(([what, ...rest]) => [way, what, fail, ...rest] as const)))(
    'throws if %s, but roll-back knows %s',
    async (_way, _what, fail, change, before, after) => {
      const journal = journalOf(before);
      await fail(() => expect(() => change(journal)).toThrow(COULD_NOT_WRITE));
      expect(journal.state).toMatchObject({ ...before, ...after });
    },
  );

  it.each(WAYS)('forgets entries without an error although %s', async (_way, fail) => {
    const journal = journalOf(STATE);
    await fail(() => expect(() => journal.forget('client', 'secret', 'variables')).not.toThrow());
    expect(journal.state).toMatchObject(NOTHING);
  });

  it('fails before anything is sent if the first record cannot be written', async () => {
    await withUnwritableState(() => expect(() => journalOf()).toThrow(COULD_NOT_WRITE));
  });

  it('lets the post step remove the credentials if the mark that they are published cannot be written', async () => {
    const journal = journalOf({ client: PENDING_CLIENT });
    await withUnwritableState(() => expect(() => journal.markPublished('m2morg_2')).toThrow(COULD_NOT_WRITE));
    const state = stateForPost();
    expect(state).toMatchObject({ client: PENDING_CLIENT });
    expect(state && readLastRecord(state, SECRET)).toMatchObject({ client: PENDING_CLIENT });
  });
});

describe('published credentials', () => {
  it.each<[what: string, Partial<PendingState>, published: string, remaining: Partial<PendingState>]>([
    ['a persistent client', { client: PENDING_CLIENT }, 'm2morg_2', {}],
    ['an added secret', { secret: PENDING_SECRET }, 'm2morg_2', {}],
    ['variables', { client: PENDING_CLIENT, variables: PENDING_VARIABLES }, 'm2morg_2', {}],
    [
      'anything but the client of a job',
      { lifetime: 'job', client: PENDING_CLIENT },
      'm2morg_2',
      { client: PENDING_CLIENT },
    ],
    [
      'anything but a client that was not published because another run won',
      { client: PENDING_CLIENT, secret: { ...PENDING_SECRET, client_id: 'm2morg_1' }, variables: PENDING_VARIABLES },
      'm2morg_1',
      { client: PENDING_CLIENT },
    ],
    [
      'anything but a client whose create request got no response',
      { client: { sent_at: 1, sent_again: false } },
      'm2morg_1',
      { client: { sent_at: 1, sent_again: false } },
    ],
  ])('leaves nothing to undo, once the credentials are published, of %s', (_what, changes, published, remaining) => {
    const journal = journalOf(changes);
    journal.markPublished(published);
    expect(journal.state).toMatchObject({ ...NOTHING, ...remaining });
    const { client, secret, variables } = stateForPost() ?? {};
    expect({ client, secret, variables }).toEqual({ ...NOTHING, ...remaining });
  });

  it('writes no mark that the credentials are published if nothing is pending', async () => {
    const journal = journalOf();
    await withUnwritableState(() => expect(() => journal.markPublished('m2morg_1')).not.toThrow());
    expect(stateTexts()).toHaveLength(1);
  });
});

describe('a request from which there is no way back', () => {
  const pendingUpdate = { before: client(), fields: { name: 'Deployer' } };
  const error = new ApiError('Could not write it.');

  /** Sends the request. @returns the journal, the outcome, and the records at the time of the request */
  async function pass(outcome: Outcome<string>) {
    const journal = journalOf(STATE);
    journal.pendingUpdate = pendingUpdate;
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
    'marks the credentials as published before it sends the last request, also if that ends as %s',
    async (_kind, outcome) => {
      const { atSending } = await pass(outcome);
      expect(atSending).toMatchObject({ ...BLANK_STATE, counter: 2 });
      expect(atSending && [atSending.client, atSending.secret, atSending.variables]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    },
  );

  it.each<[Outcome<string>['kind'], Outcome<string>]>([
    ['done', done('value')],
    ['unknown', failure(true, error)],
  ])('leaves nothing to undo if the outcome of the last request is %s', async (_kind, outcome) => {
    const { journal } = await pass(outcome);
    expect(journal.state).toMatchObject(NOTHING);
    expect(journal.pendingUpdate).toBeUndefined();
    expect(stateTexts()).toHaveLength(2);
  });

  it('takes the mark back if the last request is refused, so that everything is undone', async () => {
    const { journal } = await pass(failure(false, error));
    expect(journal.state).toMatchObject(STATE);
    expect(journal.pendingUpdate).toBe(pendingUpdate);
    expect(stateForPost()).toMatchObject({ ...STATE, counter: 3 });
    expect(fileText(journal)).toBe(stateTexts().at(-1));
  });

  it('lets roll-back undo everything although the refusal of the last request cannot be recorded', async () => {
    const journal = journalOf(STATE);
    journal.pendingUpdate = pendingUpdate;
    const sending = journal.passPointOfNoReturn('m2morg_2', async () => {
      process.env.GITHUB_STATE = path.join(folder, 'nowhere', 'state');
      return failure(false, error);
    });
    await expect(sending).rejects.toThrow(/^Could not write the state/);
    expect(journal.state).toMatchObject(STATE);
    expect(journal.pendingUpdate).toBe(pendingUpdate);
  });

  it('does not send the last request if the mark cannot be written', async () => {
    const journal = journalOf(STATE);
    journal.pendingUpdate = pendingUpdate;
    const send = jest.fn(async () => done('value'));
    await withUnwritableState(() =>
      expect(journal.passPointOfNoReturn('m2morg_2', send)).rejects.toThrow(/^Could not write the state/),
    );
    expect(send).not.toHaveBeenCalled();
    expect(journal.state).toMatchObject(STATE);
    expect(journal.pendingUpdate).toBe(pendingUpdate);
  });
});

describe('the end of the journal', () => {
  it('empties the state at the end if nothing is left to undo, and keeps the journal file', () => {
    const journal = journalOf({ client: PENDING_CLIENT });
    journal.markPublished('m2morg_2');
    const text = fileText(journal);
    journal.end();
    expect(stateTexts().at(-1)).toBe('');
    expect(stateForPost()).toBeUndefined();
    expect(fileText(journal)).toBe(text);
  });

  it('keeps the state at the end if something is left to undo', () => {
    for (const pending of [
      { client: PENDING_CLIENT },
      { secret: PENDING_SECRET },
      { variables: PENDING_VARIABLES },
    ] as const) {
      journalOf(pending).end();
      expect(stateForPost()).toMatchObject(pending);
    }
  });

  it('ends without an error if the state cannot be emptied', async () => {
    const journal = journalOf();
    await withUnwritableState(() => expect(() => journal.end()).not.toThrow());
  });
});

describe('the journal file', () => {
  const VICTIM = 'of somebody else';
  let victim: string;
  beforeEach(() => {
    victim = path.join(temp, 'victim');
    fs.writeFileSync(victim, VICTIM, { mode: 0o644 });
  });
  afterEach(() => {
    if (fs.existsSync(victim)) expect(fs.readFileSync(victim, 'utf8')).toBe(VICTIM);
  });

  it('gives the journal file a name that nobody can guess', () => {
    const names = [1, 2, 3].map(() => path.basename(journalOf().state.journal_file ?? ''));
    for (const name of names) expect(name).toMatch(/^scalekit-organization-client-[\da-f]{24}$/);
    expect(new Set(names).size).toBe(3);
  });

  it('lets this user alone read the journal file, also after it is replaced', () => {
    const umask = process.umask(0);
    try {
      const journal = journalOf();
      const mode = () => fs.statSync(journal.state.journal_file ?? '').mode & 0o777;
      expect(mode()).toBe(0o600);
      journal.clientSent(false);
      expect(mode()).toBe(0o600);
    } finally {
      process.umask(umask);
    }
  });

  it('replaces the journal file as a whole, and leaves nothing else in the folder', () => {
    const journal = journalOf();
    const before = fs.statSync(journal.state.journal_file ?? '').ino;
    const reader = fs.openSync(journal.state.journal_file ?? '', 'r');
    const text = fileText(journal);
    journal.clientSent(false);
    expect(fs.readFileSync(reader, 'utf8')).toBe(text);
    fs.closeSync(reader);
    expect(fs.statSync(journal.state.journal_file ?? '').ino).not.toBe(before);
    expect(fs.readdirSync(temp).sort()).toEqual([path.basename(journal.state.journal_file ?? ''), 'victim'].sort());
  });

  it.each<[what: string, plant: (file: string) => void]>([
    ['a link', (file) => fs.symlinkSync(victim, file)],
    ['a link to nothing', (file) => fs.symlinkSync(path.join(temp, 'nothing'), file)],
    ['a hard link', (file) => fs.linkSync(victim, file)],
    ['a file', (file) => fs.writeFileSync(file, 'planted')],
    ['a folder', (file) => fs.mkdirSync(file)],
  ])('uses the state alone if %s is at the path of the journal file already', (_what, plant) => {
    const write = fs.writeFileSync;
    const spy = jest.spyOn(fs, 'writeFileSync').mockImplementationOnce((file, ...rest) => {
      spy.mockRestore();
      plant(String(file));
      write(file, ...rest);
    });
    const journal = journalOf();
    journal.clientSent(false);
    expect(journal.state.journal_file).toBeUndefined();
    expect(stateForPost()).toMatchObject({ counter: 2, client: { sent_again: false } });
    expect(fs.existsSync(path.join(temp, 'nothing'))).toBe(false);
  });

  it.each<[what: string, plant: (file: string) => void]>([
    ['a link', (file) => fs.symlinkSync(victim, file)],
    ['a hard link', (file) => fs.linkSync(victim, file)],
    ['a file', (file) => fs.writeFileSync(file, 'planted')],
  ])('does not write through %s that is where the next record is written', (_what, plant) => {
    const journal = journalOf();
    plant(`${journal.state.journal_file}.new`);
    const before = fs.readFileSync(victim, 'utf8');
    journal.clientSent(false);
    expect(fs.readFileSync(victim, 'utf8')).toBe(before);
    const file = journal.state.journal_file ?? '';
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({ counter: 2, client: { sent_again: false } });
    expect(fs.lstatSync(file)).toMatchObject({ nlink: 1 });
  });

  it('replaces a link that was put in place of the journal file, and not what the link shows', () => {
    const journal = journalOf();
    const { journal_file = '' } = journal.state;
    fs.rmSync(journal_file);
    fs.symlinkSync(victim, journal_file);
    journal.clientSent(false);
    expect(fs.lstatSync(journal_file).isSymbolicLink()).toBe(false);
    expect(fileText(journal)).toBe(stateTexts().at(-1));
  });

  it.each<[what: string, () => string | undefined]>([
    ['is not named', () => undefined],
    ['is named by an empty text', () => ''],
    ['is named by a relative path', () => path.relative(process.cwd(), temp)],
    ['does not exist', () => path.join(temp, 'nowhere')],
    ['is a file', () => victim],
  ])('uses the state alone if the folder for the journal file %s', (_what, into) => {
    // A default parameter would replace undefined.
    const journal = new Journal(BLANK_STATE, SECRET, into());
    journal.clientSent(false);
    expect(journal.state.journal_file).toBeUndefined();
    expect(stateForPost()).toMatchObject({ counter: 2, client: { sent_again: false } });
    expect(stateForPost()).not.toHaveProperty('journal_file');
    expect(fs.readdirSync(temp)).toEqual(['victim']);
  });

  it('deletes the journal file, and what was to replace it, and nothing else', () => {
    const { state } = journalOf();
    fs.writeFileSync(`${state.journal_file}.new`, '');
    deleteJournalFile(state);
    expect(fs.readdirSync(temp)).toEqual(['victim']);
    expect(() => deleteJournalFile(state)).not.toThrow();
    expect(() => deleteJournalFile(BLANK_STATE)).not.toThrow();
  });

  it('deletes a link in place of the journal file, and not what the link shows', () => {
    const { state } = journalOf();
    fs.rmSync(state.journal_file ?? '');
    fs.symlinkSync(victim, state.journal_file ?? '');
    deleteJournalFile(state);
    expect(fs.readdirSync(temp)).toEqual(['victim']);
  });
});

describe('the last record', () => {
  /** Returns the state after main's first record, and a journal whose later records only the file has. */
  function aheadOfState(): { journal: Journal; state: SealedRecord; file: string } {
    const journal = journalOf();
    const state = stateForPost();
    if (!state) throw new Error('no state');
    journal.clientSent(false);
    return { journal, state, file: journal.state.journal_file ?? '' };
  }

  it('takes the record in the journal file if main wrote more since the runner read the state', () => {
    const { journal, state } = aheadOfState();
    expect(state).not.toHaveProperty('client');
    expect(readLastRecord(state, SECRET)).toMatchObject({ counter: 2, client: { sent_again: false } });
    journal.forget('client');
    expect(readLastRecord(state, SECRET)).toMatchObject({ counter: 3 });
    expect(readLastRecord(state, SECRET)).not.toHaveProperty('client');
  });

  it('takes the record in the journal file if it is the same as the state', () => {
    const { journal } = aheadOfState();
    const state = stateForPost();
    expect(state && readLastRecord(state, SECRET)).toEqual(state);
    expect(journal.state.client).toBeDefined();
  });

  it('takes the state if the journal file has an older record', () => {
    const journal = journalOf();
    const old = fileText(journal);
    journal.clientSent(false);
    fs.writeFileSync(journal.state.journal_file ?? '', old);
    const state = stateForPost();
    expect(state && readLastRecord(state, SECRET)).toBe(state);
    expect(state).toMatchObject({ counter: 2 });
  });

  it.each<[what: string, change: (file: string) => void]>([
    ['is missing', (file) => fs.rmSync(file)],
    ['is empty', (file) => fs.writeFileSync(file, '')],
    ['is cut off', (file) => fs.truncateSync(file, 100)],
    ['is not JSON', (file) => fs.writeFileSync(file, '{')],
    ['holds null', (file) => fs.writeFileSync(file, 'null')],
    ['holds a list', (file) => fs.writeFileSync(file, '[]')],
    ['holds an object', (file) => fs.writeFileSync(file, '{}')],
    [
      'is a link, even to a record of this step',
      (file) => {
        fs.renameSync(file, `${file}.old`);
        fs.symlinkSync(`${file}.old`, file);
      },
    ],
    [
      'is a folder',
      (file) => {
        fs.rmSync(file);
        fs.mkdirSync(file);
      },
    ],
    [
      'is a pipe that nobody writes to',
      (file) => {
        fs.rmSync(file);
        execFileSync('sh', ['-c', 'mkfifo "$0"', file]);
      },
    ],
    [
      'holds the record of another step with the same secret',
      (file) => {
        const other = new Journal({ ...BLANK_STATE, nonce: 'another-nonce-12' }, SECRET, temp);
        other.clientSent(false);
        other.clientSent(true);
        fs.copyFileSync(other.state.journal_file ?? '', file);
      },
    ],
    [
      'holds a record that another secret seals',
      (file) => {
        const other = new Journal(BLANK_STATE, `${SECRET}s`, temp);
        other.clientSent(false);
        fs.copyFileSync(other.state.journal_file ?? '', file);
      },
    ],
    [
      'was changed',
      (file) => fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"counter":2', '"counter":3')),
    ],
  ])('takes no record if the journal file %s', (_what, change) => {
    const { state, file } = aheadOfState();
    expect(readLastRecord(state, SECRET)).toMatchObject({ counter: 2 });
    change(file);
    expect(readLastRecord(state, SECRET)).toBeUndefined();
  });

  it('takes no record if the state names no journal file', () => {
    expect(readLastRecord(written(BLANK_STATE), SECRET)).toBeUndefined();
  });
});

describe('the state that the post step reads', () => {
  it('reads no state if main wrote none', () => {
    delete process.env.STATE_client;
    expect(readState()).toBeUndefined();
  });

  it.each(['{', 'null', '[]', '1', '"a"', 'client'])('throws if the state is not one: %s', (text) => {
    process.env.STATE_client = text;
    expect(() => readState()).toThrow();
  });
});

describe('a seal', () => {
  it('refuses a seal with another secret, or with none', () => {
    fc.assert(
      fc.property(states, keys, keys, (state, secret, other) => {
        fc.pre(secret !== other);
        const record = written(state, secret);
        expect(isSealed(record, other)).toBe(false);
        expect(isSealed(record, '')).toBe(false);
      }),
    );
    expect(isSealed(written(STATE, ''), '')).toBe(false);
  });

  it('refuses a seal if any field was changed, added or removed', () => {
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
      { numRuns: 300 },
    );
  });

  it.each<[string, Partial<SealedRecord>]>([
    ['origin', { origin: 'https://evil.example' }],
    ['organization', { organization_id: 'org_2' }],
    ['nonce', { nonce: 'another-nonce-12' }],
    ['run', { run: '1.2' }],
    ['lifetime', { lifetime: 'job' }],
    ['process', { process: { pid: 1, started: '1' } }],
    ['journal file', { journal_file: '/etc/passwd' }],
    ['counter', { counter: 2 }],
    ['client', { client: { ...PENDING_CLIENT, id: 'm2morg_9' } }],
    ['time', { client: { ...PENDING_CLIENT, sent_at: 1_795_000_000_001 } }],
    ['number of requests', { client: { ...PENDING_CLIENT, sent_again: true } }],
    ['list of its secrets', { client: { ...PENDING_CLIENT, secret_ids: ['sks_1', 'sks_9'] } }],
    ['secret', { secret: { ...PENDING_SECRET, id: 'sks_2' } }],
    ["secret's client", { secret: { ...PENDING_SECRET, client_id: 'm2morg_1' } }],
    ["secret's nonce", { secret: { ...PENDING_SECRET, nonce: 'another-nonce-12' } }],
    ['list of secrets that existed before', { secret: { ...PENDING_SECRET, known_ids: ['sks_0'] } }],
    ['unknown outcome of the secret', { secret: { ...PENDING_SECRET, outcome_unknown: true } }],
    [
      "variables' location",
      { variables: { ...PENDING_VARIABLES, location: { ...PENDING_VARIABLES.location, repository: 'acme/other' } } },
    ],
    ["variables' API", { variables: { ...PENDING_VARIABLES, api: 'https://evil.example' } }],
    [
      "variables' former values",
      { variables: { ...PENDING_VARIABLES, before: { ...PENDING_VARIABLES.before, client_id: 'm2morg_9' } } },
    ],
    [
      "variables' values",
      { variables: { ...PENDING_VARIABLES, written: { ...PENDING_VARIABLES.written, client_id: 'm2morg_9' } } },
    ],
  ])('refuses a seal if the %s is another', (_what, changes) => {
    const record = written(STATE);
    expect(isSealed(record, SECRET)).toBe(true);
    expect(isSealed({ ...record, ...changes }, SECRET)).toBe(false);
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
  ])('refuses %s in place of a seal', (_what, seal) => {
    expect(isSealed({ ...written(STATE), seal } as unknown as SealedRecord, SECRET)).toBe(false);
  });
});
