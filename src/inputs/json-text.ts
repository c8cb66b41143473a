import type { Report } from '../client/faults.ts';
import { escapeInvisible, hideLikelySecrets, truncate } from '../output/text.ts';

// Parses JSON in inputs. An error names the line, the column and the text around the problem.

/** Characters that an error shows before and after the place of a problem. */
const CONTEXT = 20;

const WHITE_SPACE = /[ \t\n\r]*/y;
/** A string without its closing quote (RFC 8259, section 7): no control characters but DEL and C1. */
const STRING_START = /"[[^"\\\p{Cc}]\x7f-\x9f]*(?:\\(?:["\\\/bfnrt]|u[\da-fA-F]{4})[[^"\\\p{Cc}]\x7f-\x9f]*)*/vy;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Characters that an error escapes: invisible ones, and white space that JSON does not allow and that looks like a space. */
const CONFUSING = /[\p{Cf}[\p{Z}--\x20]]/gv;

/**
 * Parses JSON.
 * @returns undefined if the text is broken, which is reported
 */
export function parseJson(text: string, report: Report, expected: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    report(`got broken JSON ${placeOf(text, findJsonError(text))}; expected ${expected}`);
    return undefined;
  }
}

/**
 * Returns JSON with every whole number in quotes, so that it stays as it is written, however large it is. Any other number
 * may change: 1.10 becomes 1.1.
 */
export function quoteWholeNumbers(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
    /^-?(0|[1-9]\d*)$/.test(token) ? `"${token}"` : token,
  );
}

/** Returns the keys that an object of this JSON text has more than once. JSON.parse keeps only the last of them. */
export function repeatedKeys(json: string): Set<string> {
  const repeated = new Set<string>();
  const open: Set<string>[] = [];
  for (const [token, key, colon] of json.matchAll(/[{}[\]]|("(?:[^"\\]|\\.)*")\s*(:)?/g)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (key && colon) {
      const name: string = JSON.parse(key);
      if (open.at(-1)?.has(name)) repeated.add(name);
      open.at(-1)?.add(name);
    }
  }
  return repeated;
}

/** Returns a JSON value as an error shows it. */
export function quoteJson(value: unknown): string {
  try {
    return escapeInvisible(truncate(hideLikelySecrets(JSON.stringify(value)), 80));
  } catch {
    return 'one that is nested too deeply';
  }
}

/**
 * Returns the offset of the first character at which a text stops being JSON (RFC 8259), or its length if it ends too
 * early. JSON.parse reports this for some errors only, and each version of Node.js for others.
 */
export function findJsonError(text: string): number {
  const scanner = new Scanner(text);
  for (let next: Next | undefined = 'value'; next; ) {
    scanner.take(WHITE_SPACE);
    next = STEPS[next](scanner);
  }
  return scanner.at;
}

/** What may come next: a value, the first entry of a list or an object, a key, or what follows a value. */
type Next = 'value' | 'first' | 'key' | 'end';

/** Moves past what may come next. Each returns what may follow, or undefined at the problem or the end of the value. */
const STEPS: Record<Next, (scanner: Scanner) => Next | undefined> = {
  end: (scanner) => {
    const { open } = scanner;
    if (open.length > 0 && scanner.takeCharacter(',')) return open.at(-1) === '}' ? 'key' : 'value';
    return scanner.takeCharacter(open.at(-1)) && open.pop() ? 'end' : undefined;
  },
  first: (scanner) => {
    const { open } = scanner;
    if (scanner.takeCharacter(open.at(-1)) && open.pop()) return 'end';
    return STEPS[open.at(-1) === '}' ? 'key' : 'value'](scanner);
  },
  key: (scanner) => {
    if (!scanner.takeString()) return undefined;
    scanner.take(WHITE_SPACE);
    return scanner.takeCharacter(':') ? 'value' : undefined;
  },
  value: (scanner) => {
    const closing = scanner.takeCharacter('{') ? '}' : scanner.takeCharacter('[') ? ']' : undefined;
    if (closing && scanner.open.push(closing)) return 'first';
    return scanner.take(SCALAR) || scanner.takeString() ? 'end' : undefined;
  },
};

/** Moves through a text, from its beginning. */
class Scanner {
  /** The offset of the next character. */
  at = 0;
  /** What closes the lists and objects around it, the innermost last. */
  readonly open: string[] = [];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Moves past what a sticky pattern matches, and returns it. Returns an empty text if it does not match. */
  take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  /** Moves past a string. @returns false if it is broken, and then `at` is the offset of the problem */
  takeString(): boolean {
    return this.take(STRING_START) !== '' && this.takeCharacter('"');
  }

  /** Moves past this character if it is the next one. */
  takeCharacter(character: string | undefined): boolean {
    const isNext = character !== undefined && this.#text[this.at] === character;
    if (isNext) this.at++;
    return isNext;
  }
}

/**
 * Returns line, column and the text around an offset. Masked values and what looks like a secret are replaced, even if the
 * offset, a quote or a line break splits them.
 */
function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const lines = before.split(/\r\n|\r|\n/);
  const [start, end] = [hideLikelySecrets(before), hideLikelySecrets(text.slice(offset))];
  const whole = hideLikelySecrets(text);
  const joined = whole.replace(/["'\s]/g, '');
  const isSplit = start + end !== whole || hideLikelySecrets(joined) !== joined;
  const around = isSplit ? '***' : `${[...start].slice(-CONTEXT).join('')}${[...end].slice(0, CONTEXT).join('')}`;
  const column = [...(lines.at(-1) ?? '')].length + 1;
  return `at line ${lines.length}, column ${column}, near ${escapeInvisible(JSON.stringify(around), CONFUSING)}`;
}
