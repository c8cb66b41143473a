// How the text of an input becomes a value. Pure: what is wrong goes to `report`, all of it, and what can be read
// comes back all the same, so that one bad entry does not hide the next.

/** Takes what is wrong with an input: what was given and what is accepted. */
export type Report = (problem: string) => void;

/** Faults of one input that are told: thousands would not fit into an annotation. */
const MAX_FAULTS = 10;

/** Every bad input, each with what was given, what is accepted and, where known, why. */
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

/** Collects what is wrong. */
export class Faults {
  readonly #faults = new Map<string, string[]>();

  report(input: string): Report {
    return (problem) => {
      const faults = this.#faults.get(input) ?? [];
      faults.push(`${input}: ${problem}`);
      this.#faults.set(input, faults);
    };
  }

  /** @throws {InputError} where anything was reported */
  finish(): void {
    const told = [...this.#faults].flatMap(([input, faults]) => {
      const more = faults.length - MAX_FAULTS;
      return more > 0 ? [...faults.slice(0, MAX_FAULTS), `${input}: and ${more} more`] : faults;
    });
    if (told.length > 0) throw new InputError(told);
  }
}
