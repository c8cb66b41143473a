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

/** Collects the problems of all inputs. */
export class Faults {
  readonly #order: readonly string[];
  readonly #faults = new Map<string, string[]>();

  /** @param order names of inputs in the order in which they are listed. Other names follow as they were reported */
  constructor(order: readonly string[] = []) {
    this.#order = order;
  }

  /**
   * Returns the function that records a problem of an input.
   * @param label what the error calls the input
   */
  report(input: string, label = input): Report {
    return (problem) => {
      const faults = this.#faults.get(input) ?? [];
      faults.push(`${label}: ${problem}`);
      this.#faults.set(input, faults);
    };
  }

  /**
   * Throws all recorded problems as one error. Does nothing if there are none.
   * @throws {InputError} with at most 10 problems of each input, and the number of those that are omitted
   */
  finish(): void {
    const rank = (input: string) => (this.#order.includes(input) ? this.#order.indexOf(input) : this.#order.length);
    const sorted = [...this.#faults].sort(([one], [other]) => rank(one) - rank(other));
    const listed = sorted.flatMap(([input, faults]) => {
      const more = faults.length - MAX_FAULTS;
      return more > 0 ? [...faults.slice(0, MAX_FAULTS), `${input}: and ${more} more`] : faults;
    });
    if (listed.length > 0) throw new InputError(listed);
  }
}
