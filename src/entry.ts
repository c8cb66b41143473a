import type { Connection } from './connection.ts';
import type { Runner } from './github/runner.ts';
import { Transport } from './http.ts';
import * as log from './log.ts';

/**
 * Runs an entry file's work and then ends the process, whatever socket or name lookup would keep it alive.
 * @param failure the exit code unless the work ends well, also where it never ends and nothing is left to wait for
 */
export function start(work: () => Promise<void>, onError: (error: unknown) => void, failure: 0 | 1): void {
  process.exitCode = failure;
  work()
    .then(() => {
      process.exitCode = 0;
    }, onError)
    // Where standard output is a pipe that is written asynchronously (Windows), the callback waits for what is pending.
    .finally(() => process.stdout.write('', () => process.exit()));
}

/** Does what the inputs ask for; it ends early, and badly, when the runner cancels the run. */
export async function carryOut<Inputs extends Connection & { runner: Runner }>(
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
