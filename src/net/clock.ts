// What Node has a cheaper way to than the usual one: a step is a process that has just begun.

/** Milliseconds since the process began. `performance.now()` tells the same, and loads a library to do so. */
export function clock(): number {
  return process.uptime() * 1000;
}
