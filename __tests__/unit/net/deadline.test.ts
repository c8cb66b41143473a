import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Deadline } from '../../../src/net/deadline.ts';

/** Seconds since the process started. */
let uptime = 0;
beforeEach(() => {
  uptime = 0;
  jest.spyOn(process, 'uptime').mockImplementation(() => uptime);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Timeouts of a step, with what they allow for a request and for roll-back, in seconds. */
const LIMITS: [timeout: number, request: number, cleanup: number][] = [
  [5, 2, 1.25],
  [60, 15, 10],
  [3600, 15, 10],
];

it.each(LIMITS)(
  'a Deadline of %d seconds allows a request %d seconds, and keeps %d seconds for roll-back',
  (timeout, request, cleanup) => {
    const deadline = new Deadline(timeout);
    expect(deadline.requestTimeout).toBe(request * 1000);
    expect(deadline.remaining).toBe((timeout - cleanup) * 1000);
  },
);

it.each(LIMITS)('a Deadline of %d seconds shortens the requests near its end', (timeout, request, cleanup) => {
  const deadline = new Deadline(timeout);
  uptime = timeout - cleanup - request;
  expect(deadline.requestTimeout).toBe(request * 1000);
  uptime = timeout - cleanup - 1;
  expect(deadline.requestTimeout).toBe(1000);
  uptime = timeout - cleanup;
  expect(deadline.requestTimeout).toBe(0);
  uptime = timeout;
  expect(deadline.requestTimeout).toBe(cleanup * -1000);
  expect(deadline.remaining).toBe(cleanup * -1000);
});

it.each(LIMITS)(
  'a Deadline of %d seconds releases the time that it kept for roll-back',
  (timeout, request, cleanup) => {
    const deadline = new Deadline(timeout);
    uptime = timeout - cleanup;
    expect(deadline.remaining).toBe(0);
    deadline.releaseCleanupTime();
    expect(deadline.remaining).toBe(cleanup * 1000);
    expect(deadline.requestTimeout).toBe(Math.min(request, cleanup) * 1000);
    uptime = timeout;
    expect(deadline.remaining).toBe(0);
  },
);

it('a Deadline counts from the start of the process, not from its creation', () => {
  uptime = 40;
  expect(new Deadline(60).remaining).toBe(10_000);
});
