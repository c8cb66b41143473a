import type { Report } from '../client/faults.ts';
import { characterCount, quote } from '../output/text.ts';
import { type Claim, MAX_CLAIM_KEY } from '../scalekit/types.ts';
import { parseJson, quoteJson, quoteWholeNumbers, repeatedKeys } from './json-text.ts';
import { isPlaceholder, QUOTES, reportInvisible } from './parse.ts';

// Parses lists and claims. Text that is probably not meant as it stands is refused; JSON can say what is meant.

const EXPECTED_LIST = 'a JSON array of strings, or entries separated by commas, spaces or lines';
const EXPECTED_CLAIMS = 'key=value lines, a JSON object, or a JSON array of {"key", "value"}';
const EXPECTED_COMMENTS = 'expected comments on lines of their own (use JSON for a value with #)';

/** How to write an invisible character if it is meant. */
const WAY_OUT = ' (if it is meant, use JSON with the character escaped)';

/** How to write a list or claims in JSON. */
const JSON_LIST = '["…"]';
const JSON_CLAIMS = '{"…": "…"}';

/** Parses scopes: a list whose entries RFC 6749, section 3.3, allows. */
export function parseScopes(text: string, report: Report): string[] {
  const scopes = parseList(text, report);
  for (const scope of scopes) {
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
      report(`got ${quote(scope)}; expected printable ASCII without spaces, " and \\`);
  }
  return scopes;
}

/**
 * Parses a list: entries separated by commas, spaces or line breaks, a YAML list, or a JSON array of strings. Repeated
 * entries count once. Lines that begin with `#` are comments.
 * @returns the entries that have no problem
 */
export function parseList(text: string, report: Report): string[] {
  return parseBody(text, report, parseJsonList, (lines, isYamlList) => {
    const entries = isYamlList ? lines : lines.flatMap((line) => line.split(/[\s,]+/).filter(Boolean));
    if (lines.length > 0 && entries.length === 0) report('holds no entries; expected some, or no input at all');
    return [...new Set(entries)].filter((entry) => {
      const problem = entryProblem(entry);
      if (problem) report(problem);
      return !problem;
    });
  });
}

/**
 * Parses claims: `key=value` lines, which may be a YAML list, a JSON object, or the API's own array of
 * `{"key", "value"}`. Lines that begin with `#` are comments.
 */
export function parseClaims(text: string, report: Report): Claim[] {
  const claims = parseBody(text, report, parseJsonClaims, (lines) =>
    lines.flatMap((line) => parseLineClaim(line, report)),
  );
  const keys = new Set<string>();
  for (const { key, value } of claims) {
    if (!key) report('got an empty key; expected 1 to 128 characters');
    if (characterCount(key) > MAX_CLAIM_KEY)
      report(`got the key ${quote(key)} of ${characterCount(key)} characters; expected 128 at most`);
    if (!key.isWellFormed() || !value.isWellFormed())
      report(`got an unpaired surrogate in the key ${quote(key)}; expected Unicode text`);
    if (keys.has(key)) report(`got the key ${quote(key)} twice; expected each key once`);
    keys.add(key);
  }
  return claims;
}

/** Parses a text as JSON if it begins with a bracket or a brace, and otherwise as lines. */
function parseBody<T>(
  text: string,
  report: Report,
  fromJson: (json: string, report: Report) => T[],
  fromLines: (lines: string[], isYamlList: boolean) => T[],
): T[] {
  const lines = text.split(/\r\n|\r|\n/).map(withoutComment);
  const clean = lines.filter((line) => !reportInvisible(line, report, WAY_OUT));
  const body = lines.join('\n');
  if (/^\s*[[{]/.test(body)) return clean.length < lines.length ? [] : fromJson(body, report);
  const filled = clean.map((line) => line.trim()).filter(Boolean);
  if (text.trim() && !body.trim()) report('holds nothing but comments; expected entries, or no input at all');
  const isYamlList = filled.every((line) => /^-\s/.test(line));
  const hasComment = (line: string) => /\s#/.test(line);
  for (const line of filled.filter(hasComment)) report(`got the line ${quote(line)}; ${EXPECTED_COMMENTS}`);
  const good = filled.filter((line) => !hasComment(line));
  return fromLines(isYamlList ? good.map((line) => line.slice(1).trim()) : good, isYamlList);
}

/**
 * Returns an empty text for a comment, and any other line without the white space that JSON does not allow at its ends.
 * The columns stay the same. JSON has no strings of several lines, so this changes no string.
 */
function withoutComment(line: string): string {
  const end = line.trimEnd();
  const start = end.trimStart();
  return start.startsWith('#') ? '' : ' '.repeat(end.length - start.length) + start;
}

/** Returns what is wrong with an entry of a list that is not JSON. */
function entryProblem(entry: string): string | undefined {
  if (entry.startsWith('#')) return `got the entry ${quote(entry)}; ${EXPECTED_COMMENTS}`;
  if (entry === '-') return unclear('entry', entry, 'a dash in front of every line, or none', JSON_LIST);
  // Only the lines of a YAML list are not split.
  if (/[\s,]/.test(entry)) return unclear('entry', entry, 'one entry after each dash', JSON_LIST);
  return unclearProblem(entry, 'entry', JSON_LIST);
}

/**
 * Returns what is wrong with a text that was probably meant otherwise: one with quotes or semicolons, or what an
 * expression without a value becomes.
 * @param what what the text is
 * @param json how to write the text in JSON
 */
function unclearProblem(text: string, what: string, json: string): string | undefined {
  if (isPlaceholder(text)) return unclear(what, text, 'a text', json);
  if (QUOTES.test(text)) return unclear(what, text, 'the text without quotes', json);
  return text.includes(';') ? unclear(what, text, 'the text without a semicolon', json) : undefined;
}

function unclear(what: string, text: string, expected: string, json: string): string {
  return `got the ${what} ${quote(text)}; expected ${expected} (to keep it, use JSON: ${json})`;
}

/** Parses a `key=value` line. Reports a line with a problem and returns no claim. */
function parseLineClaim(line: string, report: Report): Claim[] {
  const equals = line.indexOf('=');
  const [key, value] = [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
  const problem =
    equals < 0 ? `got the line ${quote(line)} without a "="; expected key=value` : claimProblem(line, key, value);
  if (problem) report(problem);
  return problem ? [] : [{ key, value }];
}

/** Returns what is wrong with a claim in the form of a line. */
function claimProblem(line: string, key: string, value: string): string | undefined {
  if (/^-\s/.test(key)) return unclear('line', line, 'a dash in front of every line, or none', JSON_CLAIMS);
  if (/\s/.test(key))
    return `got the key ${quote(key)}; expected one without white space (use JSON for such a key: ${JSON_CLAIMS})`;
  // Another pair after a comma, or after a space, as a folded YAML text has it. A URL has pairs after "?" and "&".
  if (key.includes(',') || /[,\uff0c]\s*[^\s,=&?]+\s*=|\s[\w.-]+\s*=/.test(value))
    return `got the line ${quote(line)}; expected one key=value a line (use JSON for such a value: ${JSON_CLAIMS})`;
  return unclearProblem(key, 'key', JSON_CLAIMS) ?? unclearProblem(value, 'value', JSON_CLAIMS);
}

function parseJsonList(text: string, report: Report): string[] {
  const entries = parseJson(text, report, EXPECTED_LIST);
  if (entries === undefined) return [];
  if (!Array.isArray(entries)) {
    report(`got the object ${quoteJson(entries)}; expected ${EXPECTED_LIST}`);
    return [];
  }
  const isGood = (entry: unknown) => typeof entry === 'string' && entry.trim() !== '' && entry.isWellFormed();
  for (const entry of entries.filter((entry) => !isGood(entry)))
    report(`got the entry ${quoteJson(entry)}; expected strings that are not blank`);
  return [...new Set(entries.filter(isGood))];
}

function parseJsonClaims(text: string, report: Report): Claim[] {
  if (parseJson(text, report, EXPECTED_CLAIMS) === undefined) return [];
  const json: unknown = JSON.parse(quoteWholeNumbers(text));
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
  if (typeof value === 'string' || typeof value === 'boolean') return [{ key, value: String(value) }];
  report(`got ${quoteJson(value)} for the key ${quote(key)}; expected a string (quote numbers that are not whole)`);
  return [];
}
