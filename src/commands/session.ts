import type { ConnectionInputs } from '../inputs/connection.ts';
import { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';

/**
 * Runs a command with a transport of its own, and prints the warnings about its inputs first. On SIGINT, which the runner
 * sends when the run is cancelled, the transport stops sending and the command fails.
 */
export async function runWithTransport<Inputs extends ConnectionInputs>(
  inputs: Inputs,
  run: (inputs: Inputs, transport: Transport) => Promise<void>,
): Promise<void> {
  inputs.warnings.forEach(log.warning);
  const transport = new Transport(inputs.runner.run, inputs.timeout);
  process.on('SIGINT', () => transport.cancel());
  try {
    await run(inputs, transport);
  } catch (error) {
    throw transport.cancelled ? new Error(`The run was cancelled. ${log.message(error)}`, { cause: error }) : error;
  }
}
