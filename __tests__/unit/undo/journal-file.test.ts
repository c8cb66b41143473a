import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { deleteJournalFile, Journal, readLastRecord, type SealedRecord } from '../../../src/undo/journal.ts';
import { BLANK_STATE } from '../fixtures.ts';
import { fileText, SECRET, useJournals } from './journals.ts';

// The journal file in RUNNER_TEMP. Other programs of the job can write there.

const { inTemp, journalOf, stateTexts, stateForPost, written } = useJournals();
afterEach(() => {
  jest.restoreAllMocks();
});

/** Returns the path of the journal file. */
const fileOf = ({ state: { journal_file = '' } }: Journal) => journal_file;

describe('writing the journal file', () => {
  const VICTIM = 'of another program';
  const victim = () => inTemp('victim');
  beforeEach(() => {
    fs.writeFileSync(victim(), VICTIM, { mode: 0o644 });
  });

  /** Checks that the file of another program in the same folder is unchanged. */
  const expectUnchangedVictim = () => expect(fs.readFileSync(victim(), 'utf8')).toBe(VICTIM);

  it('gives the journal file a random name', () => {
    const names = [1, 2, 3].map(() => path.basename(fileOf(journalOf())));
    for (const name of names) expect(name).toMatch(/^scalekit-organization-client-[\da-f]{24}$/);
    expect(new Set(names).size).toBe(3);
  });

  it('lets only the owner read the journal file, also after it was replaced', () => {
    const umask = process.umask(0);
    try {
      const journal = journalOf();
      const mode = () => fs.statSync(fileOf(journal)).mode & 0o777;
      expect(mode()).toBe(0o600);
      journal.clientSent(false);
      expect(mode()).toBe(0o600);
    } finally {
      process.umask(umask);
    }
  });

  it('replaces the journal file as a whole, and creates no other file in the folder', () => {
    const journal = journalOf();
    const before = fs.statSync(fileOf(journal)).ino;
    const reader = fs.openSync(fileOf(journal), 'r');
    const text = fileText(journal);
    journal.clientSent(false);
    expect(fs.readFileSync(reader, 'utf8')).toBe(text);
    fs.closeSync(reader);
    expect(fs.statSync(fileOf(journal)).ino).not.toBe(before);
    expect(fs.readdirSync(inTemp()).sort()).toEqual([path.basename(fileOf(journal)), 'victim'].sort());
  });

  it.each<[what: string, plant: (file: string) => void]>([
    ['a link', (file) => fs.symlinkSync(victim(), file)],
    ['a link to nothing', (file) => fs.symlinkSync(inTemp('nothing'), file)],
    ['a file', (file) => fs.writeFileSync(file, 'planted')],
  ])('uses only the state if the path of the new journal file is taken by %s', (_what, plant) => {
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
    expect(fs.existsSync(inTemp('nothing'))).toBe(false);
    expectUnchangedVictim();
  });

  it.each<[what: string, plant: (file: string) => void]>([
    ['a link', (file) => fs.symlinkSync(victim(), file)],
    ['a hard link', (file) => fs.linkSync(victim(), file)],
  ])('does not write the next record of the journal file through %s that another program put there', (_what, plant) => {
    const journal = journalOf();
    plant(`${fileOf(journal)}.new`);
    journal.clientSent(false);
    expectUnchangedVictim();
    expect(JSON.parse(fileText(journal))).toMatchObject({ counter: 2, client: { sent_again: false } });
    expect(fs.lstatSync(fileOf(journal)).nlink).toBe(1);
  });

  it('replaces a link in place of the journal file, and does not write to its target', () => {
    const journal = journalOf();
    fs.rmSync(fileOf(journal));
    fs.symlinkSync(victim(), fileOf(journal));
    journal.clientSent(false);
    expect(fs.lstatSync(fileOf(journal)).isSymbolicLink()).toBe(false);
    expect(fileText(journal)).toBe(stateTexts().at(-1));
    expectUnchangedVictim();
  });

  it.each<[what: string, () => string | undefined]>([
    ['is not given', () => undefined],
    ['is a relative path', () => path.relative(process.cwd(), inTemp())],
    ['does not exist', () => inTemp('missing')],
  ])('uses only the state if the folder for the journal file %s', (_what, folder) => {
    const journal = new Journal(BLANK_STATE, SECRET, folder());
    journal.clientSent(false);
    expect(journal.state.journal_file).toBeUndefined();
    expect(stateForPost()).toMatchObject({ counter: 2, client: { sent_again: false } });
    expect(stateForPost()).not.toHaveProperty('journal_file');
    expect(fs.readdirSync(inTemp())).toEqual(['victim']);
  });

  it('uses only the state if the folder for the journal file is full', () => {
    jest.spyOn(fs, 'renameSync').mockImplementation(() => {
      throw new Error('ENOSPC: no space left on device');
    });
    const journal = journalOf();
    journal.clientSent(false);
    expect(journal.state.journal_file).toBeUndefined();
    expect(stateForPost()).toMatchObject({ client: { sent_again: false } });
    expect(stateForPost()).not.toHaveProperty('journal_file');
  });

  it('deletes the journal file and its unfinished replacement, and no other file', () => {
    const { state } = journalOf();
    fs.writeFileSync(`${state.journal_file}.new`, '');
    deleteJournalFile(state);
    expect(fs.readdirSync(inTemp())).toEqual(['victim']);
    expect(() => deleteJournalFile(state)).not.toThrow();
    expect(() => deleteJournalFile(BLANK_STATE)).not.toThrow();
  });

  it('deletes a link in place of the journal file, and not its target', () => {
    const journal = journalOf();
    fs.rmSync(fileOf(journal));
    fs.symlinkSync(victim(), fileOf(journal));
    deleteJournalFile(journal.state);
    expect(fs.readdirSync(inTemp())).toEqual(['victim']);
    expectUnchangedVictim();
  });
});

describe('the last record of main', () => {
  /** Returns the state after main's first record, and a journal whose second record only the file has. */
  function aheadOfState(): { journal: Journal; state: SealedRecord } {
    const journal = journalOf();
    const state = stateForPost();
    if (!state) throw new Error('There is no state.');
    journal.clientSent(false);
    return { journal, state };
  }

  it('readLastRecord returns the record in the journal file if main wrote it after the runner read the state', () => {
    const { journal, state } = aheadOfState();
    expect(state).not.toHaveProperty('client');
    expect(readLastRecord(state, SECRET)).toMatchObject({ counter: 2, client: { sent_again: false } });
    journal.forget('client');
    expect(readLastRecord(state, SECRET)).toMatchObject({ counter: 3 });
    expect(readLastRecord(state, SECRET)).not.toHaveProperty('client');
  });

  it('readLastRecord returns the record in the journal file if the state has the same one', () => {
    const { journal } = aheadOfState();
    const state = stateForPost();
    expect(state && readLastRecord(state, SECRET)).toEqual(state);
    expect(journal.state.client).toBeDefined();
  });

  it('readLastRecord returns the state if the journal file has an older record', () => {
    const journal = journalOf();
    const old = fileText(journal);
    journal.clientSent(false);
    fs.writeFileSync(fileOf(journal), old);
    const state = stateForPost();
    expect(state && readLastRecord(state, SECRET)).toBe(state);
    expect(state).toMatchObject({ counter: 2 });
  });

  it.each<[what: string, change: (file: string) => void]>([
    ['is missing', (file) => fs.rmSync(file)],
    ['was cut off', (file) => fs.truncateSync(file, 100)],
    ['holds an object without a seal', (file) => fs.writeFileSync(file, '{}')],
    [
      'is a link, even to a record of this step',
      (file) => {
        fs.renameSync(file, `${file}.old`);
        fs.symlinkSync(`${file}.old`, file);
      },
    ],
    [
      'is a pipe to which no program writes',
      (file) => {
        fs.rmSync(file);
        execFileSync('sh', ['-c', 'mkfifo "$0"', file]);
      },
    ],
    [
      'holds the record of another step with the same secret',
      (file) => {
        const other = new Journal({ ...BLANK_STATE, nonce: 'another-nonce-12' }, SECRET, inTemp());
        other.clientSent(false);
        other.clientSent(true);
        fs.copyFileSync(fileOf(other), file);
      },
    ],
    [
      'holds a record that another secret seals',
      (file) => {
        const other = new Journal(BLANK_STATE, `${SECRET}s`, inTemp());
        other.clientSent(false);
        fs.copyFileSync(fileOf(other), file);
      },
    ],
    [
      'was changed',
      (file) => fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"counter":2', '"counter":3')),
    ],
  ])('readLastRecord returns no record if the journal file %s', (_what, change) => {
    const { state, journal } = aheadOfState();
    expect(readLastRecord(state, SECRET)).toMatchObject({ counter: 2 });
    change(fileOf(journal));
    expect(readLastRecord(state, SECRET)).toBeUndefined();
  });

  it('readLastRecord returns no record if the state names no journal file', () => {
    expect(readLastRecord(written(BLANK_STATE), SECRET)).toBeUndefined();
  });
});
