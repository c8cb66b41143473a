import { getInput } from '@actions/core';
import { Faults, type Report } from '../client/faults.ts';
import { characterCount, quote, quoteUrl } from '../output/text.ts';

/** Reads inputs, and collects what is wrong with them. */
export class Reader extends Faults {
  readonly env: NodeJS.ProcessEnv;
  /** Inputs whose text never arrived: what else is wrong with them says nothing. */
  readonly #unevaluated = new Set<string>();

  constructor(env: NodeJS.ProcessEnv) {
    super();
    this.env = env;
  }

  override report(input: string): Report {
    const report = super.report(input);
    return (problem) => {
      if (!this.#unevaluated.has(input)) report(problem);
    };
  }

  /** @returns the input without white space around it, empty where it was not given */
  read(input: string): string {
    return this.#evaluated(input, getInput(input));
  }

  /** @returns the input; where it is not as expected, that is reported, and it counts as not given */
  match(input: string, pattern: RegExp, expected: string): string {
    const text = this.read(input);
    if (!text || pattern.test(text)) return text;
    this.report(input)(`got ${quote(text)}; expected ${expected}`);
    return '';
  }

  /** @returns the input; where it is too long, that is reported */
  bounded(input: string, most: number): string {
    const text = this.read(input);
    if (characterCount(text) > most)
      this.report(input)(`got ${characterCount(text)} characters, ${quote(text)}; expected ${most} at most`);
    return text;
  }

  /** @param fallback what to go on with where the input is wrong; the first choice is the default */
  choice<T extends string>(input: string, choices: readonly [T, ...T[]], fallback: T): T {
    const text = this.read(input) || choices[0];
    const choice = choices.find((one) => one === text);
    if (choice) return choice;
    const list = choices.map((one) => `"${one}"`);
    this.report(input)(`got ${quote(text)}; expected ${list.slice(0, -1).join(', ')} or ${list.at(-1)}`);
    return fallback;
  }

  /** YAML's own words for the two (its core schema), as GitHub passes them on. */
  boolean(input: string, byDefault: boolean): boolean {
    const text = this.match(input, /^(true|True|TRUE|false|False|FALSE)$/, 'true or false');
    return text ? text.toLowerCase() === 'true' : byDefault;
  }

  /** @returns the input, or else the first variable that is set and its name, and what an error calls it */
  require(input: string, variables: string[], expected: string): { text: string; source: string; from?: string } {
    const given = this.read(input);
    if (given) return { text: given, source: input };
    const from = variables.find((candidate) => variable(this.env, candidate));
    if (!from) {
      this.report(input)(`is empty; expected ${expected}`);
      return { text: '', source: input };
    }
    const source = `${input} (from ${from})`;
    return { text: this.#evaluated(source, variable(this.env, from)), source, from };
  }

  #evaluated(source: string, text: string): string {
    if (text.includes('${{')) {
      this.report(source)(
        `got ${quoteUrl(text)}, which holds an expression that was not evaluated; expected its value`,
      );
      this.#unevaluated.add(source);
    }
    return text;
  }
}

export function variable(env: NodeJS.ProcessEnv, name: string): string {
  return env[name]?.trim() ?? '';
}
