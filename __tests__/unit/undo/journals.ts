import fs from 'node:fs';
import { afterEach, beforeEach } from '@jest/globals';
import { Journal, readState, type SealedRecord } from '../../../src/undo/journal.ts';
import type { PendingState } from '../../../src/undo/pending.ts';
import { useFolder } from '../../support/folders.ts';
import { BLANK_STATE, PENDING_CLIENT, PENDING_SECRET, PENDING_VARIABLES } from '../fixtures.ts';

// Journals of main and what they write, for the tests of journal.ts.

/** The environment's API secret, which seals the records. */
export const SECRET = ['fake', 'api', 'secret'].join('-');
/** A state in which everything is pending. */
export const STATE: PendingState = {
  ...BLANK_STATE,
  client: PENDING_CLIENT,
  secret: PENDING_SECRET,
  variables: PENDING_VARIABLES,
};
/** The entries of a state in which nothing is pending. */
export const NOTHING = { client: undefined, secret: undefined, variables: undefined };

/** Returns what the journal file of a journal holds. */
export function fileText({ state: { journal_file = '' } }: Journal): string {
  return fs.readFileSync(journal_file, 'utf8');
}

/** Creates a state file and a folder for journal files before each test. The returned functions use both. */
export function useJournals() {
  const inFolder = useFolder();
  const original = process.env.GITHUB_STATE;
  const stateFile = () => inFolder('state');
  beforeEach(() => {
    fs.writeFileSync(stateFile(), '');
    fs.mkdirSync(inFolder('temp'));
    process.env.GITHUB_STATE = stateFile();
  });
  afterEach(() => {
    delete process.env.STATE_client;
    if (original === undefined) delete process.env.GITHUB_STATE;
    else process.env.GITHUB_STATE = original;
  });

  /** Returns the texts in the state file, in the order in which they were written. */
  const stateTexts = (): string[] => {
    const texts = fs.readFileSync(stateFile(), 'utf8').matchAll(/^client<<[^\n]*\n([^\n]*)\n[^\n]*\n/gm);
    return [...texts].map(([, text = '']) => text);
  };
  /** Returns the state that the post step reads. A runner passes on what was written last. */
  const stateForPost = (): SealedRecord | undefined => {
    process.env.STATE_client = stateTexts().at(-1) ?? 'nothing was written';
    return readState();
  };
  return {
    /** Returns a path in the folder for journal files. */
    inTemp: (...names: string[]): string => inFolder('temp', ...names),
    /** Creates a journal with a journal file. */
    journalOf: (state: Partial<PendingState> = {}) =>
      new Journal({ ...BLANK_STATE, ...state }, SECRET, inFolder('temp')),
    stateTexts,
    stateForPost,
    /** Writes a state without a journal file. @returns its record as the post step reads it */
    written: (state: PendingState, secret = SECRET): SealedRecord => {
      fs.writeFileSync(stateFile(), '');
      new Journal(state, secret, undefined);
      const record = stateForPost();
      if (!record) throw new Error('There is no state.');
      return record;
    },
    /** Makes the runner's state file unwritable for the rest of the test. */
    breakStateFile: (): void => {
      process.env.GITHUB_STATE = inFolder('missing', 'state');
    },
  };
}
