/**
 * Runs an entry file's work and then ends the process, whatever socket or name lookup would keep it alive.
 * @param onError decides the exit code by `process.exitCode`
 */
export function start(work: () => Promise<void>, onError: (error: unknown) => void): void {
  // Where standard output is a pipe that is written asynchronously (Windows), the callback waits for what is pending.
  work()
    .catch(onError)
    .finally(() => process.stdout.write('', () => process.exit()));
}
