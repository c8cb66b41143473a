import { readSweepInputs } from './inputs/inputs.ts';
import { runEntry } from './output/exit.ts';
import * as log from './output/log.ts';

runEntry(
  async () => {
    const inputs = readSweepInputs(process.env);
    const { sweepJobClients } = await import(/* webpackChunkName: "removal" */ './commands/sweep.ts');
    await sweepJobClients(inputs);
  },
  log.fail,
  1,
);
