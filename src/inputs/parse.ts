import type { Report } from '../client/faults.ts';
import { parseMarkers } from '../client/marker.ts';
import { mayReceiveSecrets, parseUrl } from '../net/url.ts';
import { isMaskable, MASKABLE_FORMAT } from '../output/mask.ts';
import { characterCount, escapeInvisible, quote, quoteUrl, SCHEME } from '../output/text.ts';

// Parses the text of single inputs. Every parser is pure, gets a text that is not empty, passes every problem to
// `report`, and returns what could be read, so that one bad input does not hide the next.

/** Parses the text of an input. Returns undefined if it reports a problem and no value can be used. */
export type Parser<T> = (text: string, report: Report) => T | undefined;

/**
 * Texts that are not accepted as a URL, although browsers correct some of them: white space, a backslash, a control
 * character, a leading slash, or `http:` or `https:` without exactly two slashes.
 */
const INVALID_URL = /[\s\\]|[^!-~\xa0-\uffff]|^([hH][tT]{2}[pP][sS]?:(?!\/\/[^/])|\/)/;

/** A host as DNS or an address has it. URLs allow more characters, such as quotes and braces. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])$/i;

/** A host that can be meant without a scheme before it. Any other text is rather the name of something else. */
const DOTTED = /^(localhost$|\[)|\.[^.]/i;

/** What an expression without a value, or an object, becomes in the text of an input. A list splits the last one. */
const PLACEHOLDER = /^(null|undefined|\{\}|""|''|\[object( \w+\])?)$/;

/** A quote at the beginning or the end of a text. */
export const QUOTES = /^["'`‘’‚‹›“”„«»]|["'`‘’‚‹›“”„«»]$/;

/** An invisible character. */
const INVISIBLE = /\p{Cf}/u;

/** The name of a credential before the credential itself, as in `export NAME=text` or `name: text`. */
const NAMED = /^(?:export\s+|-e\s+|\$env:)?\w{0,40}(?:id|key|secret|token)\s*([=:])(?=\s*[^\s=])/i;

/** How Scalekit's secrets begin. */
const SECRET_LIKE = /^(test|live|prod)_/;

/** How the ids of Scalekit's clients begin. */
export const CLIENT_ID_LIKE = /^(skc|m2morg)_/;

/** How GitHub's tokens begin. */
const TOKEN_LIKE = /^(gh[opsur]|github_pat)_/;

/** Returns whether a text stands for a missing value rather than for itself. */
export function isPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text);
}

/** Returns a parser for text of a bounded length that is not a placeholder. */
export function bounded(max: number): Parser<string> {
  return (text, report) => {
    if (characterCount(text) > max)
      report(`got ${characterCount(text)} characters, ${quote(text)}; expected ${max} at most`);
    if (isPlaceholder(text))
      report(`got ${quote(text)}; expected a text. It probably comes from an expression without a value`);
    return text;
  };
}

/** Returns a parser for text that matches a pattern and is not a placeholder. Any other text counts as not given. */
export function matching(pattern: RegExp, expected: string): Parser<string> {
  return (text, report) => {
    if (pattern.test(text) && !isPlaceholder(text)) return text;
    report(`got ${quote(text)}; expected ${expected}`);
    return undefined;
  };
}

/** Returns a parser for one of several words. */
export function choice<const T extends string>(choices: readonly T[]): Parser<T> {
  const list = choices.map((word) => `"${word}"`);
  const expected = `${list.slice(0, -1).join(', ')} or ${list.at(-1)}`;
  return (text, report) => {
    const word = choices.find((word) => word === text);
    if (word === undefined) report(`got ${quote(text)}; expected ${expected}`);
    return word;
  };
}

/** Parses a boolean in one of the spellings of YAML's core schema. */
export const parseBoolean: Parser<boolean> = (text, report) => {
  if (/^(true|True|TRUE|false|False|FALSE)$/.test(text)) return text.toLowerCase() === 'true';
  report(`got ${quote(text)}; expected true or false`);
  return undefined;
};

/** Parses how new credentials are verified. */
export const parseVerify: Parser<boolean | 'exact'> = (text, report) => {
  if (text === 'exact') return text;
  return parseBoolean(text, () => report(`got ${quote(text)}; expected true, exact or false`));
};

/** Returns a parser for a whole number in decimal digits. */
export function wholeNumber(min: number, max: number, unit = ''): Parser<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `, at least ${min}` : ` from ${min} to ${max}`;
  return (text, report) => {
    const number = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    report(`got ${quote(text)}; expected a whole number${unit && ` of ${unit}`}${range}`);
    return undefined;
  };
}

/**
 * Returns a parser that does what `parser` does, unless the text holds an invisible character.
 * @param show how an error shows the text
 */
export function visible(parser: Parser<string>, show = quote): Parser<string> {
  return (text, report) => (reportInvisible(text, report, '', show) ? undefined : parser(text, report));
}

/** Returns a parser that does what `parser` does, unless the text would make a description have another ownership marker. */
export function withoutMarker(parser: Parser<string>): Parser<string> {
  return (text, report) => {
    if (parseMarkers(text).length === 0) return parser(text, report);
    report(`got ${quote(text)} with an ownership marker of this action; expected a text without one`);
    return undefined;
  };
}

/** Reports the first invisible character (Unicode category Cf). @returns whether there is one */
export function reportInvisible(text: string, report: Report, advice: string, show = quote): boolean {
  const [character] = INVISIBLE.exec(text) ?? [];
  if (!character) return false;
  report(`got ${show(text)} with the invisible character ${escapeInvisible(character)}; expected none${advice}`);
  return true;
}

/**
 * Returns a parser for a credential. Its errors never quote it.
 * @param what what is expected, such as "a token of GitHub"
 * @param problemOf returns what is wrong with a text that is not wrapped in anything
 */
function credential(what: string, problemOf: (text: string) => string | undefined): Parser<string> {
  return (text, report) => {
    const wrapping = wrappingOf(text);
    const problem = wrapping ? `${wrapping}; expected ${what} alone` : problemOf(text);
    if (problem) report(problem);
    return text;
  };
}

/** Returns what was pasted together with a credential, or that the text is a placeholder, in words. */
function wrappingOf(text: string): string | undefined {
  const [character] = INVISIBLE.exec(text) ?? [];
  if (character) return `holds the invisible character ${escapeInvisible(character)}`;
  if (QUOTES.test(text)) return 'has quotes around it';
  if (/^\*+$/.test(text) || isPlaceholder(text)) return 'holds a placeholder';
  const [, sign] = NAMED.exec(text) ?? [];
  // The name is not shown, since it could be the first part of a secret.
  return sign && `has a name and "${sign}" in front of it`;
}

/** Parses a token of GitHub. */
export const parseGitHubToken: Parser<string> = credential('a GitHub token', (text) =>
  isMaskable(text) ? undefined : `is not ${MASKABLE_FORMAT}; expected a GitHub token`,
);

const API_CLIENT_ID = "the id of the environment's API credentials (skc_…)";

/** Parses the id of the environment's API credentials. */
export const parseApiClientId: Parser<string> = credential(API_CLIENT_ID, (text) => {
  if (text.startsWith('m2morg_'))
    return `got ${quote(text)}, an organization client; expected the environment's API credentials (skc_…)`;
  if (SECRET_LIKE.test(text) || TOKEN_LIKE.test(text))
    return `holds what looks like a secret; expected ${API_CLIENT_ID}`;
  return /^[\x21-\x7e]+$/.test(text) ? undefined : `holds characters that no id has; expected ${API_CLIENT_ID}`;
});

const API_SECRET = "the secret of the environment's API credentials";

/** Parses the secret of the environment's API credentials. */
export const parseApiSecret: Parser<string> = credential(API_SECRET, (text) => {
  const [prefix] = CLIENT_ID_LIKE.exec(text) ?? [];
  if (prefix) return `holds an id (${prefix}…); expected ${API_SECRET}`;
  if (TOKEN_LIKE.test(text)) return `holds what looks like a token of GitHub; expected ${API_SECRET}`;
  return isMaskable(text) ? undefined : `is not ${MASKABLE_FORMAT}; expected ${API_SECRET}`;
});

/**
 * Parses the address of a Scalekit environment: a host, or a URL with or without a slash at its end.
 * @returns scheme, host and port, even if a problem is reported. Undefined if the text is not a URL
 */
export const parseOrigin: Parser<string> = (text, report) => {
  const expected = 'expected the address of the environment alone, such as https://acme.scalekit.com';
  const hasScheme = SCHEME.test(text);
  const url = INVALID_URL.test(text) ? undefined : parseUrl(hasScheme ? text : `https://${text}`);
  const quoted = () => quoteUrl(text);
  if (!url || !HOST.test(url.hostname) || !(hasScheme || DOTTED.test(url.hostname))) {
    report(`got ${quoted()}, which is not a URL; ${expected}`);
    return undefined;
  }
  const extras = [
    url.username || url.password ? 'credentials' : '',
    url.pathname !== '/' && url.pathname !== '' ? 'a path' : '',
    text.includes('?') ? 'a query' : '',
    text.includes('#') ? 'a fragment' : '',
  ].filter(Boolean);
  if (extras.length > 0) report(`got ${quoted()} with ${extras.join(' and ')}; ${expected}`);
  if (!mayReceiveSecrets(url))
    report(
      `got ${quoted()}; expected https, since the environment's API secret is sent there (http only for a loopback address)`,
    );
  return url.origin;
};

/**
 * Parses the address of GitHub's API. On GitHub Enterprise Server it has a path.
 * @returns the address without a slash at its end. Undefined if a problem is reported
 */
export const parseApiUrl: Parser<string> = (text, report) => {
  const url = INVALID_URL.test(text) ? undefined : parseUrl(text);
  if (!url || !mayReceiveSecrets(url) || url.username || url.password || /[?#]/.test(text)) {
    report(
      `got ${quoteUrl(text)}; expected the https address of GitHub's API, such as https://api.github.com (http only for a loopback address)`,
    );
    return undefined;
  }
  return url.href.replace(/\/+$/, '');
};
