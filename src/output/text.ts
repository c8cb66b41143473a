import { redact } from './mask.ts';

/** The scheme of a URL and the two slashes after it. */
export const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;

/** How many values a message lists at most, the characters of each, and the characters of all if there are several. */
const MAX_LISTED = 10;
const MAX_LISTED_VALUE = 400;
const MAX_LISTED_LENGTH = 300;

/** What looks like a secret of Scalekit, a token of GitHub or a JSON Web Token. In a wrong input it is not masked. */
const SECRET_LIKE = /(?<!\w)((test|live|prod)_|gh[opsur]_|github_pat_|eyJ)[\w.-]{20,}/g;

/**
 * Returns a value as an error shows it: masked values and what looks like a secret replaced, at most 80 characters,
 * quoted as in JSON, and with invisible characters escaped.
 */
export function quote(value: string): string {
  return escapeInvisible(JSON.stringify(truncate(hideLikelySecrets(value), 80)));
}

/** Returns values as a message lists them: the first ones, and how many more there are. Masked values are replaced. */
export function listed(values: string[]): string {
  const shown: string[] = [];
  let length = 0;
  for (const value of values.slice(0, MAX_LISTED)) {
    const text = truncate(value, MAX_LISTED_VALUE);
    length += text.length;
    if (shown.length > 0 && length > MAX_LISTED_LENGTH) break;
    shown.push(text);
  }
  const omitted = values.length - shown.length;
  return `${shown.join(', ')}${omitted > 0 ? ` and ${omitted} more` : ''}`;
}

/**
 * Replaces masked values, and then what looks like a secret. The other way round, the rest of a masked value of which only
 * the beginning looks like a secret would be shown.
 */
export function hideLikelySecrets(text: string): string {
  return redact(text).replace(SECRET_LIKE, '***');
}

/**
 * Escapes invisible characters as in JSON, such as `\u200b` for a zero-width space.
 * @param characters what to escape. The default is Unicode's category Cf
 */
export function escapeInvisible(text: string, characters = /\p{Cf}/gu): string {
  return text.replace(characters, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** Returns a URL as an error shows it. Hides what is before an `@` or after a `?` or `#`, since it may be a secret. */
export function quoteUrl(text: string): string {
  const clean = redact(text);
  const [scheme = ''] = SCHEME.exec(clean) ?? [];
  const rest = clean.slice(scheme.length);
  const [queryStart, atSign] = [rest.search(/[?#]/), rest.lastIndexOf('@')];
  if (queryStart >= 0 && atSign > queryStart) return quote(`${scheme}***`);
  const shown = atSign < 0 ? rest : `***${rest.slice(atSign)}`;
  return quote(scheme + shown.replace(/[?#].*$/s, (tail) => `${tail[0]}***`));
}

/** Returns the number of characters as the API counts them: Unicode code points. */
export function characterCount(text: string): number {
  return [...text].length;
}

/**
 * Returns at most `length` code points of a text. If the text is longer, the last one is an ellipsis. Masked values are
 * replaced before the text is cut, because a part of one would no longer match a mask.
 */
export function truncate(text: string, length: number): string {
  const characters = [...redact(text)];
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}

/**
 * Returns a text as one line. Masked values are replaced. Control characters, line separators and characters that
 * change the writing direction become spaces. `##[` is broken up, because the runner reads `##[command]` anywhere in a
 * line as a command (its older syntax).
 */
export function oneLine(text: string): string {
  const clean = redact(text).replaceAll('##[', '## [');
  return /^[ -~]*$/.test(clean) ? clean : clean.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ');
}
