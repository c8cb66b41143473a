import { getInput } from '@actions/core';
import { Faults, type Report } from '../client/faults.ts';
import { characterCount, quote, quoteUrl } from '../output/text.ts';

/** Returns an input without white space around it, or an empty string if it was not given. */
export const readInput = (input: string): string => getInput(input);

/** Returns an environment variable without white space around it, or an empty string if it is not set. */
export function variable(env: NodeJS.ProcessEnv, name: string): string {
  return env[name]?.trim() ?? '';
}

/** Reads inputs and collects their problems. Every method returns a usable value even if it reports a problem. */
export class Reader extends Faults {
  readonly env: NodeJS.ProcessEnv;
  /** Inputs that hold an expression instead of its value. Further problems of them mean nothing. */
  readonly #unevaluated = new Set<string>();

  constructor(env: NodeJS.ProcessEnv) {
    super();
    this.env = env;
  }

  /** Returns the function that records a problem of this input. It ignores problems of an unevaluated expression. */
  override report(input: string): Report {
    const report = super.report(input);
    return (problem) => {
      if (!this.#unevaluated.has(input)) report(problem);
    };
  }

  /** Returns the input without white space around it, or an empty string if it was not given. */
  read(input: string): string {
    return this.#evaluated(input, readInput(input));
  }

  /** Returns the input if it matches. Otherwise reports that and returns an empty string, as if it was not given. */
  match(input: string, pattern: RegExp, expected: string): string {
    const text = this.read(input);
    if (!text || pattern.test(text)) return text;
    this.report(input)(`got ${quote(text)}; expected ${expected}`);
    return '';
  }

  /** Returns the input. Reports it if it has more than `max` characters. */
  bounded(input: string, max: number): string {
    const text = this.read(input);
    if (characterCount(text) > max)
      this.report(input)(`got ${characterCount(text)} characters, ${quote(text)}; expected ${max} at most`);
    return text;
  }

  /**
   * Returns the choice that the input names. The first choice is the default. Reports anything else.
   * @param fallback what to return for an input that is no choice
   */
  choice<T extends string>(input: string, choices: readonly [T, ...T[]], fallback: T): T {
    const text = this.read(input) || choices[0];
    const choice = choices.find((one) => one === text);
    if (choice) return choice;
    const list = choices.map((one) => `"${one}"`);
    this.report(input)(`got ${quote(text)}; expected ${list.slice(0, -1).join(', ')} or ${list.at(-1)}`);
    return fallback;
  }

  /** Returns the boolean that the input names, in one of the spellings of YAML's core schema. Reports anything else. */
  boolean(input: string, defaultValue: boolean): boolean {
    const text = this.match(input, /^(true|True|TRUE|false|False|FALSE)$/, 'true or false');
    return text ? text.toLowerCase() === 'true' : defaultValue;
  }

  /**
   * Returns the input or, if it was not given, the first of the variables that is set. Reports it if there is neither.
   * @returns the text, what an error calls its source, and the name of the variable if it is from one
   */
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

  /** Returns the text. Reports it if it holds an expression that GitHub did not evaluate. */
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
