import type { Report } from '../client/faults.ts';
import { isSafe } from '../net/proxy.ts';
import { characterCount, quote, quoteUrl, SCHEME, truncate } from '../output/text.ts';
import { type Claim, MAX_CLAIM_KEY } from '../scalekit/types.ts';

/** White space, a backslash, a control character, or a scheme that is not followed by two slashes: browsers mend it. */
const NO_URL = /[\s\\]|[^!-~\xa0-\uffff]|^([hH][tT]{2}[pP][sS]?:(?!\/\/[^/])|\/)/;

/** A list: separated by commas, spaces or line breaks, or a JSON array of strings. Repeated entries count once. */
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

/** Claims: `key=value` lines, a JSON object, or the API's own array of `{"key", "value"}`. */
export function parseClaims(text: string, report: Report): Claim[] {
  const claims = /^[[{]/.test(text)
    ? jsonClaims(text, report)
    : text
        .split(/\r\n|\r|\n/)
        .filter((line) => line.trim())
        .flatMap((line) => lineClaim(line, report));
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

function lineClaim(line: string, report: Report): Claim[] {
  const sign = line.indexOf('=');
  if (sign < 0) {
    report(`got the line ${quote(line.trim())} without a "="; expected key=value`);
    return [];
  }
  return [{ key: line.slice(0, sign).trim(), value: line.slice(sign + 1).trim() }];
}

function jsonClaims(text: string, report: Report): Claim[] {
  const expected = 'key=value lines, a JSON object, or a JSON array of {"key", "value"}';
  const json = parseJson(text, report, expected, wholeNumberAsWritten);
  if (json === undefined) return [];
  for (const key of repeatedKeys(text)) report(`got the key ${quote(key)} twice; expected each key once`);
  if (!Array.isArray(json))
    return Object.entries(Object(json)).flatMap(([key, value]) => jsonClaim(key, value, report));
  return json.flatMap((entry) => {
    const { key, value, ...rest } = Object(entry);
    if (typeof key === 'string' && value !== undefined && Object.keys(rest).length === 0)
      return jsonClaim(key, value, report);
    report(`got the entry ${quoteJson(entry)}; expected {"key": "…", "value": "…"}`);
    return [];
  });
}

function jsonClaim(key: string, value: unknown, report: Report): Claim[] {
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value))
    return [{ key, value: String(value) }];
  report(`got ${quoteJson(value)} for the key ${quote(key)}; expected a string (quote numbers that are not whole)`);
  return [];
}

/** JSON.parse keeps the last of two equal keys of an object without a word. */
function repeatedKeys(json: string): Set<string> {
  const twice = new Set<string>();
  const open: Set<string>[] = [];
  for (const [token, key, colon] of json.matchAll(/[{}[\]]|("(?:[^"\\]|\\.)*")\s*(:)?/g)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (key && colon) {
      const name: string = JSON.parse(key);
      if (open.at(-1)?.has(name)) twice.add(name);
      open.at(-1)?.add(name);
    }
  }
  return twice;
}

/** A JSON value as an error shows it. */
function quoteJson(value: unknown): string {
  try {
    return truncate(JSON.stringify(value), 80);
  } catch {
    return 'one that is nested too deeply';
  }
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

function parseJson(text: string, report: Report, expected: string, reviver?: Reviver): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch {
    report(`got broken JSON, ${quote(text)}; expected ${expected}`);
    return undefined;
  }
}

/** A whole number stays as it was written, however large; any other may come out otherwise: 1.10 as 1.1. */
const wholeNumberAsWritten: Reviver = (key, value, { source = '' } = {}) =>
  key !== 'key' && typeof value === 'number' && /^-?(0|[1-9]\d*)$/.test(source) ? source : value;

/** A whole number in decimal digits. */
export function parseSeconds(text: string, least: number, most: number, report: Report): number {
  const seconds = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= least && seconds <= most) return seconds;
  report(`got ${quote(text)}; expected a whole number of seconds from ${least} to ${most}`);
  return least;
}

/**
 * The address of a Scalekit environment: a bare host, a trailing slash and a full URL are all fine.
 * @returns scheme, host and port
 */
export function parseOrigin(text: string, report: Report): string {
  const expected = 'expected the address of the environment alone, such as https://acme.scalekit.com';
  const url = NO_URL.test(text) ? null : URL.parse(SCHEME.test(text) ? text : `https://${text}`);
  const shown = () => quoteUrl(text);
  if (!url) {
    report(`got ${shown()}, which is not a URL; ${expected}`);
    return '';
  }
  const extras = [
    url.username || url.password ? 'credentials' : '',
    url.pathname !== '/' && url.pathname !== '' ? 'a path' : '',
    text.includes('?') ? 'a query' : '',
    text.includes('#') ? 'a fragment' : '',
  ].filter(Boolean);
  if (extras.length > 0) report(`got ${shown()} with ${extras.join(' and ')}; ${expected}`);
  if (!isSafe(url)) {
    report(`got ${shown()}; expected https (http on loopback alone): the administrator's secret is sent there`);
  }
  return url.origin;
}

/**
 * The address of GitHub's API, which on GitHub Enterprise Server has a path.
 * @returns it without a slash at its end
 */
export function parseApiUrl(text: string, report: Report): string {
  const url = NO_URL.test(text) ? null : URL.parse(text);
  if (!url || !isSafe(url) || url.username || url.password || /[?#]/.test(text)) {
    report(
      `got ${quoteUrl(text)}; expected the https address of an API of GitHub (http on loopback alone), such as https://api.github.com`,
    );
    return '';
  }
  return url.href.replace(/\/+$/, '');
}
