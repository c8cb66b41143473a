import type { Runner } from '../github/runner.ts';
import type { ConnectionInputs } from '../inputs/connection.ts';
import { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';

/** Does what the inputs ask for; it ends early, and badly, when the runner cancels the run. */
export async function runWithTransport<Inputs extends ConnectionInputs & { runner: Runner }>(
  inputs: Inputs,
  work: (inputs: Inputs, transport: Transport) => Promise<void>,
): Promise<void> {
  inputs.warnings.forEach(log.warning);
  const transport = new Transport(inputs.runner.run, inputs.timeout);
  process.on('SIGINT', () => transport.cancel());
  try {
    await work(inputs, transport);
  } catch (error) {
    throw transport.cancelled ? new Error(`The run was cancelled. ${log.message(error)}`, { cause: error }) : error;
  }
}
