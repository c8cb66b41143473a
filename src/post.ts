import { runEntry } from './output/exit.ts';
import * as log from './output/log.ts';
import { readState } from './undo/journal.ts';

runEntry(
  async () => {
    const state = readState();
    if (!state) return;
    // The usual job has nothing left to remove, and loads nothing more.
    const { cleanUpAfterMain: removeLeftovers } = await import('./commands/clean-up.ts');
    await removeLeftovers(state);
  },
  (error) => log.warning(`The state that main left cannot be used, so nothing was removed: ${log.message(error)}`),
  0,
);
