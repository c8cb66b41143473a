import { runEntry } from './output/exit.ts';
import * as log from './output/log.ts';
import { readState } from './undo/journal.ts';

runEntry(
  async () => {
    const state = readState();
    if (!state) return;
    // Most jobs have nothing to clean up and load no further modules.
    const { cleanUpAfterMain } = await import(/* webpackChunkName: "removal" */ './commands/clean-up.ts');
    await cleanUpAfterMain(state);
  },
  (error) => log.warning(`The state that main left cannot be used, so nothing was removed: ${log.message(error)}`),
  0,
);
