// How bad input is reported: all problems of all inputs are collected and thrown as one error. It is here and not in
// inputs/ because claims and targets report problems as well.

/** How many problems of an input precede those of the next one if there are so many that an annotation omits some. */
const MAX_FAULTS = 10;

/** How many problems an annotation has room for, even if they are long. */
const MAX_SHOWN = 25;

/** Records a problem of one input. The text says what was given and what is accepted. */
export type Report = (problem: string) => void;

/** Lists every bad input: what was given, what is accepted and, if known, why. */
export class InputError extends Error {
  override name = 'InputError';

  /** @param faults the problems of each input. If there are many, the first ten of each come first */
  constructor(faults: string[][]) {
    const few = faults.flat().length <= MAX_SHOWN;
    const first = faults.flatMap((ofInput) => (few ? ofInput : ofInput.slice(0, MAX_FAULTS)));
    const all = [...first, ...faults.flatMap((ofInput) => (few ? [] : ofInput.slice(MAX_FAULTS)))];
    const list = [`${all.length} bad inputs:`, ...all.map((text) => `- ${text}`)];
    super(all.length === 1 ? `Bad input: ${all[0]}` : list.join('\n'));
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
   * @throws {InputError}
   */
  finish(): void {
    const rank = (input: string) => (this.#order.includes(input) ? this.#order.indexOf(input) : this.#order.length);
    const sorted = [...this.#faults].sort(([one], [other]) => rank(one) - rank(other));
    if (sorted.length > 0) throw new InputError(sorted.map(([, faults]) => faults));
  }
}
