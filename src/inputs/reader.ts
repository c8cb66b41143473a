import { getInput } from '@actions/core';
import { Faults, type Report } from '../client/faults.ts';
import { secretForms } from '../output/mask.ts';
import { quote, quoteUrl } from '../output/text.ts';
import { CLIENT_ID_LIKE, isPlaceholder } from './parse.ts';
import { type Action, INPUT_ORDER, type InputName, inputNames, SPECS, specOf } from './specs.ts';

/** The inputs that hold a secret. No other input may hold the same one. */
const SECRET_INPUTS = ['scalekit_client_secret', 'github_token'] as const;

/** What may be between the parts of a pasted secret: white space, quotes, backslashes and invisible characters. */
const BETWEEN = /[\s"'\\\p{Cf}]/gu;

/** The text of an input and its origin. */
export interface Source {
  /** Without white space around it. Empty if neither the input nor a variable was given. */
  text: string;
  /** What an error calls it. */
  label: string;
  /** The variable that stands in for the input. Undefined if the input was given. */
  variable?: string;
}

/** Returns an input without white space around it, or an empty string if it was not given. */
export function readInput(input: InputName): string {
  return getInput(input);
}

/**
 * Returns the text of an input or, if it was not given, of the first of its variables that is set. The input
 * `organization_external_id` overrides the variable for `organization_id`.
 */
export function readSource(input: InputName, env: NodeJS.ProcessEnv): Source {
  const given = readInput(input);
  const isOverridden = input === 'organization_id' && readInput('organization_external_id') !== '';
  const variable = isOverridden ? undefined : SPECS[input].variables.find((name) => env[name]?.trim());
  if (given || !variable) return { text: given, label: input };
  return { text: env[variable]?.trim() ?? '', label: `${input} (from ${variable})`, variable };
}

/** Returns whether a text may be a secret. If an id is given instead, other inputs can hold the same id rightly. */
function isMeantAsSecret(text: string): boolean {
  return !CLIENT_ID_LIKE.test(text) && !isPlaceholder(text) && !text.includes('${{');
}

/** Reads the inputs of one action and collects the problems of all of them. */
export class Reader {
  readonly env: NodeJS.ProcessEnv;
  readonly faults = new Faults(INPUT_ORDER);
  readonly #action: Action;
  readonly #names: readonly InputName[];
  /** Inputs that hold an expression instead of its value, or a secret. Further problems of them mean nothing. */
  readonly #unusable = new Set<string>();
  /** The forms of the secrets of this step. */
  readonly #secrets: string[];

  constructor(action: Action, env: NodeJS.ProcessEnv) {
    this.#action = action;
    this.#names = inputNames(action);
    this.env = env;
    const texts = SECRET_INPUTS.map((name) => readSource(name, env).text);
    this.#secrets = texts.filter(isMeantAsSecret).flatMap((text) => secretForms(text, []));
  }

  /** Returns the function that records a problem of an input, or of a variable that is no input. */
  readonly report = (name: string): Report => (this.#unusable.has(name) ? () => {} : this.faults.report(name));

  /** Returns the value of every input of the action. A bad one has some value of its type. */
  values(): Record<string, unknown> {
    return Object.fromEntries(this.#names.map((name) => [name, this.#value(name)]));
  }

  #value(name: InputName): unknown {
    const { parse, fallback } = specOf(name);
    const { text, label } = readSource(name, this.env);
    if (!text) return fallback(this.#action);
    const report = this.faults.report(name, label);
    // Lists would split the secret, URLs would change its case, and a client's name would cut it. No mask matches a part.
    if (!SECRET_INPUTS.some((secret) => secret === name) && this.#holdsSecret(text)) {
      report(`holds the value of ${SECRET_INPUTS.join(' or ')}; expected another value`);
      this.#unusable.add(name);
      return fallback(this.#action);
    }
    if (!text.includes('${{')) return parse(text, report) ?? fallback(this.#action);
    report(`got ${quoteUrl(text)}, which holds an expression that was not evaluated; expected its value`);
    this.#unusable.add(name);
    return parse(text, () => {}) ?? fallback(this.#action);
  }

  /** Returns whether a text contains a secret of this step, also with white space, quotes or invisible characters in it. */
  #holdsSecret(text: string): boolean {
    const joined = text.replace(BETWEEN, '');
    return this.#secrets.some((secret) => text.includes(secret) || joined.includes(secret));
  }

  /** Returns the source of an input that must be given. Reports it if it is not. */
  require(input: InputName, expected: string): Source {
    const source = readSource(input, this.env);
    if (!source.text) this.report(input)(`is empty; expected ${expected}`);
    return source;
  }

  /**
   * Reports variables of inputs that the action does not have and that were probably meant to be one of its inputs: the
   * runner accepts them with a warning that is easy to miss. A variable with the value of that input is harmless: some
   * runners set the inputs of a composite action around this one.
   */
  checkNames(): void {
    for (const [variable, value] of Object.entries(this.env)) {
      const name = /^INPUT_(.+)$/is.exec(variable)?.[1]?.toLowerCase();
      if (!name || this.#names.some((known) => known === name)) continue;
      const meant = this.#names.find((known) => isMisspelt(name, known));
      if (meant && value?.trim() !== readInput(meant))
        this.faults.report(meant, quote(name).slice(1, -1))(`is not an input; did you mean ${meant}?`);
    }
  }
}

/**
 * Returns whether two texts differ in one letter at most: it is missing, added, replaced, or swapped with the next one. Dashes
 * and underscores do not count.
 */
function isMisspelt(name: string, input: string): boolean {
  const [one = '', other = ''] = [name, input].map((text) => text.replace(/[-_ ]/g, ''));
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  let end = 0;
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  const [left, right] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
  const isSwapped = left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
  return (left.length <= 1 && right.length <= 1) || isSwapped;
}
