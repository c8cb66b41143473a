import { start } from './entry.ts';
import * as log from './log.ts';
import { readState } from './state.ts';

start(
  async () => {
    const state = readState();
    if (!state) return;
    // The usual job has nothing left to remove, and loads nothing more.
    const { removeLeftovers } = await import('./leftovers.ts');
    await removeLeftovers(state);
  },
  (error) => log.warning(`The state that main left cannot be used, so nothing was removed: ${log.message(error)}`),
  0,
);
