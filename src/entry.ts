import type { Transport } from './http.ts';
import { message } from './log.ts';

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

/** Does work that ends early, and badly, when the runner cancels the run. */
export async function cancellable(transport: Transport, work: () => Promise<void>): Promise<void> {
  process.on('SIGINT', () => transport.cancel());
  try {
    await work();
  } catch (error) {
    throw transport.cancelled ? new Error(`The run was cancelled. ${message(error)}`, { cause: error }) : error;
  }
}
