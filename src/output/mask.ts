import { setSecret } from '@actions/core';

// Every mask of this action is registered through this module. It keeps each masked form for `redact`, and sends it to
// the runner, which masks it in the log of the whole job. Some runners echo a mask command and apply only the masks that
// they already have. If a short form came first, the echo of a longer form that begins like it would show the rest. So the
// longest form is sent first. Each mask slows every later line of the log, so forms that no tool prints are not masked.

/** The format of a secret that is masked in all forms. 48 KiB is the size of the largest secret that GitHub stores. */
export const MASKABLE_FORMAT = '8 characters to 48 KiB of printable ASCII without spaces';

const MIN_LENGTH = 8;
const MAX_LENGTH = 48 * 1024;

/** Characters in a line of base64 as GNU coreutils prints it. */
const LINE_WIDTH = 76;

/** All masked forms, longest first: a shorter one may be part of a longer one. */
let masked: string[] = [];

/** Returns whether a secret or token has the format in which it is masked in all forms. */
export function isMaskable(text: string): boolean {
  return text.length >= MIN_LENGTH && text.length <= MAX_LENGTH && /^[\x21-\x7e]+$/.test(text);
}

/**
 * Masks a secret in the forms in which a later step may print it: as it is, URL-encoded, JSON-escaped and in base64.
 * @param names the ids or user names that may stand before the secret in HTTP's Basic scheme, as in `id:secret` (RFC
 *   7617)
 */
export function maskSecret(secret: string, names: string[] = []): void {
  register(secretForms(secret, names));
}

/** Masks a token as it is, URL-encoded, and in base64 of the token alone. */
export function maskToken(token: string): void {
  register(tokenForms(token));
}

/** Returns the forms that maskSecret() masks. */
export function secretForms(secret: string, names: string[]): string[] {
  if (!isMaskable(secret)) return linesOf(secret);
  return longestFirst([
    secret,
    ...urlForms(secret),
    ...jsonForms(secret),
    ...base64Forms(secret),
    ...base64Lines(secret, names),
  ]);
}

/** Returns the forms that maskToken() masks. */
export function tokenForms(token: string): string[] {
  if (!isMaskable(token)) return linesOf(token);
  return longestFirst([token, encodeURIComponent(token), ...bothAlphabets(certainBase64(Buffer.from(token)))]);
}

/**
 * Waits until all masks are written to standard output. If its reader is slow, most of them are still in this process.
 * @throws {Error} if standard output cannot be written
 */
export async function flushMasks(): Promise<void> {
  const error = await new Promise<Error | null | undefined>((resolve) => process.stdout.write('', resolve));
  if (error) throw new Error(`Standard output cannot be written, so no secret can be masked: ${error.message}.`);
}

/** Replaces every masked form in a text by `***`, so that the output does not depend on the runner's own masking. */
export function redact(text: string): string {
  return masked.reduce((clean, form) => (form.length <= clean.length ? clean.replaceAll(form, '***') : clean), text);
}

/** Registers each form that is not masked yet. */
function register(forms: string[]): void {
  const added = forms.filter((form) => !masked.includes(form));
  masked = longestFirst([...masked, ...added]);
  // Send all masks in one write.
  process.stdout.cork();
  added.forEach(setSecret);
  process.stdout.uncork();
}

/** Returns a text that is not maskable, and so is refused, and its lines. */
function linesOf(text: string): string[] {
  return longestFirst([text, ...text.split(/[\r\n]+/).map((line) => line.trim())]);
}

/** Returns each form once, without those that are so short that masking them would hide ordinary text. */
function longestFirst(forms: string[]): string[] {
  return [...new Set(forms)].filter((form) => form.length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
}

/**
 * Returns the URL encodings of a secret: of encodeURIComponent, of RFC 3986, of paths, of forms, and of .NET, whose digits
 * are lower-case.
 */
function urlForms(secret: string): string[] {
  const component = encodeURIComponent(secret);
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams({ '': secret }).toString().slice(1);
  const lower = form.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase());
  return [component, strict, strict.replaceAll('%2F', '/'), form, lower];
}

/** Returns the JSON escapes of a secret, without the quotes: the shortest, of Go, of PHP and of .NET. */
function jsonForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const go = json.replace(/[<>&]/g, (character) => `\\u${hexCode(character)}`);
  const dotNet = secret
    .replaceAll('\\', '\\\\')
    .replace(/["&'+<>`]/g, (character) => `\\u${hexCode(character).toUpperCase()}`);
  return [json, go, json.replaceAll('/', '\\/'), dotNet];
}

function hexCode(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0');
}

/**
 * Returns what base64 contains of a secret. Three bytes become four characters, so the bytes before a secret shift it
 * by 0, 1 or 2 bytes. For each shift, returns the characters that do not depend on the bytes around the secret. For the
 * secret without other bytes, returns the padded text in addition.
 */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const shifted = [1, 2].map((shift) =>
    certainBase64(Buffer.concat([Buffer.alloc(shift), bytes])).slice(Math.ceil((shift * 8) / 6)),
  );
  return [bytes.toString('base64'), certainBase64(bytes), ...shifted].flatMap(bothAlphabets);
}

/**
 * Returns the lines in which `base64` prints a secret, alone and after each name. Bytes that follow, such as a line
 * break, change the end of the last line, so that line is returned with and without its end. Lines that the name alone
 * determines are left out.
 */
function base64Lines(secret: string, names: string[]): string[] {
  return ['', ...names.map((name) => `${name}:`)].flatMap((before) => {
    const bytes = Buffer.from(before + secret);
    const publicPart = Buffer.from(before).toString('base64');
    return [bytes.toString('base64'), certainBase64(bytes)]
      .flatMap((text) => text.match(new RegExp(`.{1,${LINE_WIDTH}}`, 'g')) ?? [])
      .filter((line) => !publicPart.includes(line));
  });
}

/** Returns the base64 of some bytes without the characters that depend on the bytes that follow. */
function certainBase64(bytes: Buffer): string {
  return bytes.toString('base64').slice(0, Math.floor((bytes.length * 8) / 6));
}

/** Returns the text in base64 and in base64url (RFC 4648). */
function bothAlphabets(text: string): string[] {
  return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
}
