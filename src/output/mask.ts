import { setSecret } from '@actions/core';

// Every mask of this action is registered through this module. It keeps each masked form for `redact`, and sends it to
// the runner, which masks it in the log of the whole job.

/** Characters of the shortest value that is masked. A shorter one, or such a part of one, would hide ordinary text. */
const MIN_MASK_LENGTH = 4;

/** Characters of the shortest line of base64 that is masked. A shorter remainder reveals almost nothing. */
const MIN_LINE_LENGTH = 8;

/**
 * Bytes of the largest secret that GitHub stores. A larger one is masked as it is and line by line. Its encoded forms
 * are not masked, since a runner does not accept so many. Code that publishes a secret refuses a larger one.
 */
const MAX_SECRET_BYTES = 48 * 1024;

/** Characters of a line of base64 (RFC 2045, section 6.8, and RFC 7468, section 2). */
const LINE_WIDTHS = [76, 64];

/** All masked forms. */
const masked = new Set<string>();

/** The masked forms, longest first: a shorter one may be part of a longer one. Undefined if a form was added since. */
let sorted: string[] | undefined;

/** Masks a secret in every form in which a later step may print it. */
export function mask(secret: string): void {
  register(maskForms(secret));
}

/**
 * Masks the lines of base64 that contain a secret after an id, as in `id:secret` of HTTP's Basic scheme (RFC 7617).
 * Lines that the id alone determines are not masked.
 */
export function maskCredentials(id: string, secret: string): void {
  if (secret.trim().length < MIN_MASK_LENGTH || isTooLongToMask(secret)) return;
  const idOnly = Buffer.from(`${id}:`).toString('base64');
  const lines = LINE_WIDTHS.flatMap((width) => base64Lines(Buffer.from(`${id}:${secret}`), width));
  register(lines.filter((line) => !idOnly.includes(line)).flatMap(bothAlphabets));
}

/** Returns whether a secret is larger than GitHub stores, so that its encoded forms are not masked. */
export function isTooLongToMask(secret: string): boolean {
  return Buffer.byteLength(secret) > MAX_SECRET_BYTES;
}

/**
 * Waits until all masks are written to standard output. If its reader is slow, most of them are still in this process.
 * @throws {Error} if standard output cannot be written
 */
export async function flushMasks(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<Error | null | undefined>();
  process.stdout.write('', resolve);
  const error = await promise;
  if (error) throw new Error(`Standard output cannot be written, so no secret can be masked: ${error.message}.`);
}

/** Replaces every masked form in a text by `***`, so that the output does not depend on the runner's own masking. */
export function redact(text: string): string {
  sorted ??= [...masked].sort((a, b) => b.length - a.length);
  let clean = text;
  for (const form of sorted) if (form.length <= clean.length) clean = clean.replaceAll(form, '***');
  return clean;
}

/**
 * Returns the forms in which a secret can appear: as it is, line by line, URL-encoded, JSON-escaped, and in base64 with
 * any bytes before and after it. Runners mask only the literal value. GitHub's runner adds some forms as a best effort.
 */
export function maskForms(secret: string): string[] {
  if (secret.trim().length < MIN_MASK_LENGTH) return [];
  // The usual alphabet. URL and JSON encoding leave such a secret unchanged.
  if (/^[\w.-]+$/.test(secret)) return [...new Set([secret, ...base64Forms(secret)])];
  const lines = secret.split(/[\r\n]+/);
  const all = isTooLongToMask(secret) ? [] : [...new Set([secret, ...lines])];
  const forms = [
    secret,
    secret.trim(),
    ...lines,
    ...lines.map((line) => line.trim()),
    // Encode each line in addition: if the runner has replaced one line, the whole secret no longer matches.
    ...all.flatMap(urlForms),
    ...all.flatMap(jsonForms),
    ...base64Forms(secret),
  ];
  return [...new Set(forms)].filter((form) => form.trim().length >= MIN_MASK_LENGTH);
}

/** Registers each form that is not masked yet. */
function register(forms: string[]): void {
  // Send all masks in one write.
  process.stdout.cork();
  for (const form of forms) {
    if (masked.has(form)) continue;
    masked.add(form);
    sorted = undefined;
    setSecret(form);
  }
  process.stdout.uncork();
}

/** Returns the URL encodings of a secret: of path, query and form, with hexadecimal digits in both cases. */
function urlForms(secret: string): string[] {
  const component = encodeURIComponent(secret.toWellFormed());
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams({ '': secret }).toString().slice(1);
  // Encoders for paths do not encode a slash.
  const all = [component, strict, form].flatMap((text) => [text, text.replaceAll('%2F', '/')]);
  return all.flatMap((text) => [text, text.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())]);
}

/** Returns the JSON escapes of a secret, without the quotes and with hexadecimal digits in both cases. */
function jsonForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  // Some encoders escape more than JSON.stringify: non-ASCII characters, characters that are unsafe in HTML, or both.
  const cautious = [/[\u007f-\uffff]/g, /[<>&\u2028\u2029]/g, /[<>&\u007f-\uffff]/g].map((more) =>
    json.replace(more, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
  const all = [json, ...cautious].flatMap((text) => [text, text.replaceAll('/', '\\/')]);
  return all.flatMap((text) => [text, text.replace(/\\u[\da-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`)]);
}

/**
 * Returns what base64 contains of a secret. Three bytes become four characters, so the bytes before a secret shift it
 * by 0, 1 or 2 bytes. For each shift, returns the characters that do not depend on the bytes around the secret. For the
 * secret without other bytes, returns the padded text in addition.
 */
function base64Forms(secret: string): string[] {
  if (isTooLongToMask(secret)) return [];
  const bytes = Buffer.from(secret);
  const fragments = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  });
  const lines = LINE_WIDTHS.flatMap((width) => base64Lines(bytes, width));
  return [bytes.toString('base64'), ...fragments, ...lines].flatMap(bothAlphabets);
}

/**
 * Returns the lines of base64 as command-line tools break it. Bytes that follow, such as a line break, change the end
 * of the last line, so the lines are returned with and without that end.
 */
function base64Lines(bytes: Buffer, width: number): string[] {
  const whole = bytes.toString('base64');
  const certain = whole.slice(0, Math.floor((bytes.length * 8) / 6));
  const lines: string[] = [];
  for (const text of [whole, certain])
    for (let at = 0; at + MIN_LINE_LENGTH <= text.length; at += width) lines.push(text.slice(at, at + width));
  return lines;
}

/** Returns the text in base64 and in base64url (RFC 4648). */
function bothAlphabets(text: string): string[] {
  return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
}
