import { ListError } from '../output/annotation.ts';

// How bad input is reported: all problems of all inputs are collected and thrown as one error. It is here and not in
// inputs/ because claims and targets report problems as well.

/** How many problems of an input precede those of the next one if not all fit into an annotation. */
const MAX_FAULTS = 10;

/** Records a problem of one input. The text says what was given and what is accepted. */
export type Report = (problem: string) => void;

/** Lists every bad input: what was given, what is accepted and, if known, why. */
export class InputError extends ListError {
  override name = 'InputError';

  /** @param faults the problems of each input */
  constructor(faults: string[][]) {
    const all = faults.flat();
    const first = faults.flatMap((ofInput) => ofInput.slice(0, MAX_FAULTS));
    const others = faults.flatMap((ofInput) => ofInput.slice(MAX_FAULTS));
    const lines = (texts: string[]) => texts.map((text) => `- ${text}`);
    if (all.length === 1) super([`Bad input: ${all[0]}`]);
    else super(lines(all), `${all.length} bad inputs:`, lines([...first, ...others]));
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
