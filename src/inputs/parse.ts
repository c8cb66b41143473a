import type { Report } from '../client/faults.ts';
import { isSafe } from '../net/proxy.ts';
import { characterCount, quote, quoteUrl, SCHEME, truncate } from '../output/text.ts';
import { type Claim, MAX_CLAIM_KEY } from '../scalekit/types.ts';

// Parses the text of inputs. The functions are pure. They pass every problem to `report` and return what could be read,
// so that one bad entry does not hide the next.

/**
 * Texts that are not accepted as a URL, although browsers correct some of them: white space, a backslash, a control
 * character, a leading slash, or `http:` or `https:` without exactly two slashes.
 */
const INVALID_URL = /[\s\\]|[^!-~\xa0-\uffff]|^([hH][tT]{2}[pP][sS]?:(?!\/\/[^/])|\/)/;

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

/**
 * Parses a list: entries separated by commas, spaces or line breaks, or a JSON array of strings. Repeated entries count
 * once.
 */
export function parseList(text: string, report: Report): string[] {
  if (!text.startsWith('[')) return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
  const entries = parseJson(text, report, 'a JSON array of strings, or entries separated by commas, spaces or lines');
  if (!Array.isArray(entries)) return [];
  for (const entry of entries) {
    if (typeof entry !== 'string' || !entry.trim() || !entry.isWellFormed())
      report(`got the entry ${quoteJson(entry)}; expected strings that are not blank`);
  }
  return [...new Set(entries.filter((entry) => typeof entry === 'string' && entry.trim()))];
}

/** Parses claims: `key=value` lines, a JSON object, or the API's own array of `{"key", "value"}`. */
export function parseClaims(text: string, report: Report): Claim[] {
  const claims = /^[[{]/.test(text)
    ? parseJsonClaims(text, report)
    : text
        .split(/\r\n|\r|\n/)
        .filter((line) => line.trim())
        .flatMap((line) => parseLineClaim(line, report));
  const keys = new Set<string>();
  for (const { key, value } of claims) {
    if (!key) report('got an empty key; expected 1 to 128 characters');
    if (characterCount(key) > MAX_CLAIM_KEY)
      report(`got the key ${quote(key)} of ${characterCount(key)} characters; expected 128 at most`);
    if (!key.isWellFormed() || !value.isWellFormed())
      report(`got half of a character for the key ${quote(key)}; expected Unicode text`);
    if (keys.has(key)) report(`got the key ${quote(key)} twice; expected each key once`);
    keys.add(key);
  }
  return claims;
}

/** Parses a number of seconds in decimal digits. Reports anything else and returns `min`. */
export function parseSeconds(text: string, min: number, max: number, report: Report): number {
  const seconds = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= min && seconds <= max) return seconds;
  report(`got ${quote(text)}; expected a whole number of seconds from ${min} to ${max}`);
  return min;
}

/**
 * Parses the address of a Scalekit environment: a host, or a URL with or without a slash at its end.
 * @returns scheme, host and port, even if a problem is reported. Empty if the text is not a URL
 */
export function parseOrigin(text: string, report: Report): string {
  const expected = 'expected the address of the environment alone, such as https://acme.scalekit.com';
  const url = INVALID_URL.test(text) ? null : URL.parse(SCHEME.test(text) ? text : `https://${text}`);
  const quoted = () => quoteUrl(text);
  if (!url) {
    report(`got ${quoted()}, which is not a URL; ${expected}`);
    return '';
  }
  const extras = [
    url.username || url.password ? 'credentials' : '',
    url.pathname !== '/' && url.pathname !== '' ? 'a path' : '',
    text.includes('?') ? 'a query' : '',
    text.includes('#') ? 'a fragment' : '',
  ].filter(Boolean);
  if (extras.length > 0) report(`got ${quoted()} with ${extras.join(' and ')}; ${expected}`);
  if (!isSafe(url)) {
    report(`got ${quoted()}; expected https (http on loopback alone): the administrator's secret is sent there`);
  }
  return url.origin;
}

/**
 * Parses the address of GitHub's API. On GitHub Enterprise Server it has a path.
 * @returns the address without a slash at its end. Empty if a problem is reported
 */
export function parseApiUrl(text: string, report: Report): string {
  const url = INVALID_URL.test(text) ? null : URL.parse(text);
  if (!url || !isSafe(url) || url.username || url.password || /[?#]/.test(text)) {
    report(
      `got ${quoteUrl(text)}; expected the https address of an API of GitHub (http on loopback alone), such as https://api.github.com`,
    );
    return '';
  }
  return url.href.replace(/\/+$/, '');
}

/** Parses a `key=value` line. Reports a line without `=` and returns no claim. */
function parseLineClaim(line: string, report: Report): Claim[] {
  const equals = line.indexOf('=');
  if (equals < 0) {
    report(`got the line ${quote(line.trim())} without a "="; expected key=value`);
    return [];
  }
  return [{ key: line.slice(0, equals).trim(), value: line.slice(equals + 1).trim() }];
}

function parseJsonClaims(text: string, report: Report): Claim[] {
  const expected = 'key=value lines, a JSON object, or a JSON array of {"key", "value"}';
  const json = parseJson(text, report, expected, wholeNumberAsWritten);
  if (json === undefined) return [];
  for (const key of repeatedKeys(text)) report(`got the key ${quote(key)} twice; expected each key once`);
  if (!Array.isArray(json))
    return Object.entries(Object(json)).flatMap(([key, value]) => parseJsonClaim(key, value, report));
  return json.flatMap((entry) => {
    const { key, value, ...rest } = Object(entry);
    if (typeof key === 'string' && value !== undefined && Object.keys(rest).length === 0)
      return parseJsonClaim(key, value, report);
    report(`got the entry ${quoteJson(entry)}; expected {"key": "…", "value": "…"}`);
    return [];
  });
}

/** Returns a claim if its value is a string, a boolean or a whole number. Reports any other value and returns none. */
function parseJsonClaim(key: string, value: unknown, report: Report): Claim[] {
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value))
    return [{ key, value: String(value) }];
  report(`got ${quoteJson(value)} for the key ${quote(key)}; expected a string (quote numbers that are not whole)`);
  return [];
}

/** Returns the keys that an object of this JSON text has more than once. JSON.parse keeps only the last of them. */
function repeatedKeys(json: string): Set<string> {
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

/** Parses JSON. Reports broken JSON and returns undefined. */
function parseJson(text: string, report: Report, expected: string, reviver?: Reviver): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch {
    report(`got broken JSON, ${quote(text)}; expected ${expected}`);
    return undefined;
  }
}

/** Keeps a whole number as it is written, however large it is. Any other number may change: 1.10 becomes 1.1. */
const wholeNumberAsWritten: Reviver = (key, value, { source = '' } = {}) =>
  key !== 'key' && typeof value === 'number' && /^-?(0|[1-9]\d*)$/.test(source) ? source : value;

/** Returns a JSON value as an error shows it. */
function quoteJson(value: unknown): string {
  try {
    return truncate(JSON.stringify(value), 80);
  } catch {
    return 'one that is nested too deeply';
  }
}
