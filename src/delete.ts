import { readDeleteInputs } from './inputs/inputs.ts';
import { runEntry } from './output/exit.ts';
import * as log from './output/log.ts';

runEntry(
  async () => {
    const inputs = readDeleteInputs(process.env);
    const { deleteManagedClients } = await import(/* webpackChunkName: "removal" */ './commands/delete.ts');
    await deleteManagedClients(inputs);
  },
  log.fail,
  1,
);
