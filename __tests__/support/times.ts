// Units of time. `Date` and the emulator count milliseconds, and the times of clients and secrets in `src` nanoseconds.

/** Milliseconds. */
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Nanoseconds. */
export const SECOND_NS = 1_000_000_000n;
export const DAY_NS = 86_400n * SECOND_NS;
