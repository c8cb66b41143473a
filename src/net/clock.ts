/**
 * Returns the milliseconds since the process started. `performance.now()` would return the same, but it loads a library
 * first. Start-up time matters, because every step is a new process.
 */
export function clock(): number {
  return process.uptime() * 1000;
}

/** Returns milliseconds in nanoseconds. Undefined if the time is not known. */
export function toNanoseconds(milliseconds: number | undefined): bigint | undefined {
  return milliseconds === undefined ? undefined : BigInt(milliseconds) * 1_000_000n;
}
