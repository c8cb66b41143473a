// How bad input is reported: all problems of all inputs are collected and thrown as one error. It is here and not in
// inputs/ because claims and targets report problems as well.

/** How many problems of one input are listed at most. Thousands would not fit into an annotation. */
const MAX_FAULTS = 10;

/** Records a problem of one input. The text says what was given and what is accepted. */
export type Report = (problem: string) => void;

/** Lists every bad input: what was given, what is accepted and, if known, why. */
export class InputError extends Error {
  override name = 'InputError';

  constructor(faults: string[]) {
    super(
      faults.length === 1
        ? `Bad input: ${faults[0]}`
        : `${faults.length} bad inputs:\n${faults.map((fault) => `- ${fault}`).join('\n')}`,
    );
  }
}

/** Collects the problems of all inputs, grouped by input in the order in which the inputs were first reported. */
export class Faults {
  readonly #faults = new Map<string, string[]>();

  /** Returns the function that records a problem of this input. */
  report(input: string): Report {
    return (problem) => {
      const faults = this.#faults.get(input) ?? [];
      faults.push(`${input}: ${problem}`);
      this.#faults.set(input, faults);
    };
  }

  /**
   * Throws all recorded problems as one error. Does nothing if there are none.
   * @throws {InputError} with at most 10 problems of each input, and the number of those that are omitted
   */
  finish(): void {
    const listed = [...this.#faults].flatMap(([input, faults]) => {
      const more = faults.length - MAX_FAULTS;
      return more > 0 ? [...faults.slice(0, MAX_FAULTS), `${input}: and ${more} more`] : faults;
    });
    if (listed.length > 0) throw new InputError(listed);
  }
}
