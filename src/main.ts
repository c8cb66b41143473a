import { readInputs } from './inputs/inputs.ts';
import { runEntry } from './output/exit.ts';
import * as log from './output/log.ts';

runEntry(
  async () => {
    const inputs = readInputs(process.env);
    // Check the inputs before loading the modules that send requests: TLS alone takes half as long as Node's own start.
    // If it fails, undo/roll-back.ts undoes what it did, and log.fail reports the error.
    const { provision } = await import(/* webpackChunkName: "provision" */ './commands/provision.ts');
    await provision(inputs);
  },
  log.fail,
  1,
);
