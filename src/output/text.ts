import { redact } from './mask.ts';

export const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;

/** A value as an error shows it. Masked values go first: what is left of one that was cut would be recognized by nobody. */
export function quote(value: string): string {
  return JSON.stringify(truncate(value, 80));
}

/** A URL as an error shows it: what stands before an @ or after a ? may be a secret. */
export function quoteUrl(text: string): string {
  const clean = redact(text);
  const [scheme = ''] = SCHEME.exec(clean) ?? [];
  const rest = clean.slice(scheme.length);
  const [end, sign] = [rest.search(/[?#]/), rest.lastIndexOf('@')];
  if (end >= 0 && sign > end) return quote(`${scheme}***`);
  const shown = sign < 0 ? rest : `***${rest.slice(sign)}`;
  return quote(scheme + shown.replace(/[?#].*$/s, (end) => `${end[0]}***`));
}

/** Characters as the API counts them: Unicode code points. */
export function characterCount(text: string): number {
  return [...text].length;
}

/**
 * At most `length` code points of a text, the last one an ellipsis where something was cut. Masked values are taken out
 * first: half of one would be recognized by nobody.
 */
export function truncate(text: string, length: number): string {
  const characters = [...redact(text)];
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}

/**
 * Takes masked values, control characters, line separators and marks that turn the writing direction out of a text.
 * The runner also reads `##[command]` anywhere in a line as a command (its older syntax), so that is broken up.
 */
export function oneLine(text: string): string {
  const clean = redact(text).replaceAll('##[', '## [');
  return /^[ -~]*$/.test(clean) ? clean : clean.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ');
}
