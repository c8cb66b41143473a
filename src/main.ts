import { start } from './entry.ts';
import { readInputs } from './inputs.ts';
import * as log from './log.ts';

start(
  async () => {
    const inputs = readInputs(process.env);
    // Inputs are judged before all that speaks to servers is loaded: TLS alone takes half as long as Node's own start.
    const { provision } = await import('./provision.ts');
    await provision(inputs);
  },
  log.fail,
  1,
);
