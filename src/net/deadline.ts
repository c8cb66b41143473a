import { clock } from './clock.ts';

/** The time limits of one step. They count from the start of the process. */
export class Deadline {
  /** Milliseconds that one request may take at most. */
  readonly #maxRequestTime: number;
  /** Milliseconds since the start of the process: the end of the step, roll-back included. */
  readonly #end: number;
  /** Milliseconds since the start of the process: the deadline that applies now. */
  #deadline: number;

  /**
   * One request gets a quarter of the step's time, between 2 and 15 seconds. A quarter, 10 seconds at most, is kept for
   * roll-back.
   * @param timeout seconds for the whole step
   */
  constructor(timeout: number) {
    this.#maxRequestTime = Math.min(15, Math.max(2, timeout / 4)) * 1000;
    this.#end = timeout * 1000;
    this.#deadline = this.#end - Math.min(10, timeout / 4) * 1000;
  }

  /** Moves the deadline to the end of the step, so that the time that was kept for roll-back can be used. */
  releaseCleanupTime(): void {
    this.#deadline = this.#end;
  }

  /** Milliseconds until the deadline. Negative after it. */
  get remaining(): number {
    return this.#deadline - clock();
  }

  /** Milliseconds that a request may take if it is sent now. Not positive if the deadline has passed. */
  get requestTimeout(): number {
    return Math.min(this.#maxRequestTime, this.remaining);
  }
}
