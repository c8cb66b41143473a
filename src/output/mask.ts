import { setSecret } from '@actions/core';

/** Anything shorter would blank out ordinary text: such a value is never masked, whole or as a part. */
const MIN_MASK_LENGTH = 4;

/** A shorter rest of a broken line tells next to nothing. */
const MIN_LINE_LENGTH = 8;

/**
 * Bytes: GitHub keeps no longer secret. What is longer is masked as it is and line by line, since its other forms are
 * more than a runner takes in; whoever hands out a secret refuses it.
 */
const MAX_SECRET_BYTES = 48 * 1024;

/** Characters (RFC 2045, section 6.8, and RFC 7468, section 2). */
const LINE_WIDTHS = [76, 64];

const masked = new Set<string>();

/** The longest first, since a shorter one may be a part of it; nothing while there are new ones. */
let sorted: string[] | undefined;

/** Masks a secret in every form that a later step may print it in, here and in the runner's log of the whole job. */
export function mask(secret: string): void {
  register(maskForms(secret));
}

function register(forms: string[]): void {
  // One write for all of them.
  process.stdout.cork();
  for (const form of forms) {
    if (masked.has(form)) continue;
    masked.add(form);
    sorted = undefined;
    setSecret(form);
  }
  process.stdout.uncork();
}

/** Masks a secret also where it stands behind an id, as in `id:secret` of HTTP's Basic scheme (RFC 7617), in base64 of several lines. */
export function maskCredentials(id: string, secret: string): void {
  if (secret.trim().length < MIN_MASK_LENGTH || isTooLongToMask(secret)) return;
  const idOnly = Buffer.from(`${id}:`).toString('base64');
  const lines = LINE_WIDTHS.flatMap((width) => base64Lines(Buffer.from(`${id}:${secret}`), width));
  register(lines.filter((line) => !idOnly.includes(line)).flatMap(bothAlphabets));
}

export function isTooLongToMask(secret: string): boolean {
  return Buffer.byteLength(secret) > MAX_SECRET_BYTES;
}

/**
 * Waits until all masks have left the process: where its reader is slow, the most of them still wait in it.
 * @throws where nobody reads them
 */
export async function flushMasks(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<Error | null | undefined>();
  process.stdout.write('', resolve);
  const error = await promise;
  if (error) throw new Error(`Standard output cannot be written, so no secret can be masked: ${error.message}.`);
}

/** Takes every masked form out of a text of ours, so that nothing depends on the runner's own masking. */
export function redact(text: string): string {
  sorted ??= [...masked].sort((a, b) => b.length - a.length);
  let clean = text;
  for (const form of sorted) if (form.length <= clean.length) clean = clean.replaceAll(form, '***');
  return clean;
}

/**
 * The forms in which a secret can turn up: as it is, line by line, URL-encoded, JSON-escaped, and within base64
 * whatever stands before or after it. Runners mask the literal value alone (GitHub's adds some forms, best effort).
 */
export function maskForms(secret: string): string[] {
  if (secret.trim().length < MIN_MASK_LENGTH) return [];
  // The usual one, which URLs and JSON write as it is.
  if (/^[\w.-]+$/.test(secret)) return [...new Set([secret, ...base64Forms(secret)])];
  const lines = secret.split(/[\r\n]+/);
  const all = isTooLongToMask(secret) ? [] : [...new Set([secret, ...lines])];
  const forms = [
    secret,
    secret.trim(),
    ...lines,
    ...lines.map((line) => line.trim()),
    // Each line too: a runner that has replaced one would not recognize the whole any more.
    ...all.flatMap(urlForms),
    ...all.flatMap(jsonForms),
    ...base64Forms(secret),
  ];
  return [...new Set(forms)].filter((form) => form.trim().length >= MIN_MASK_LENGTH);
}

function urlForms(secret: string): string[] {
  const component = encodeURIComponent(secret.toWellFormed());
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams({ '': secret }).toString().slice(1);
  // Encoders that are made for paths leave a slash as it is.
  const all = [component, strict, form].flatMap((text) => [text, text.replaceAll('%2F', '/')]);
  return all.flatMap((text) => [text, text.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())]);
}

function jsonForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  // Writers that stay within ASCII, keep JSON safe inside HTML, or do both, escape more than JSON.stringify does.
  const cautious = [/[\u007f-\uffff]/g, /[<>&\u2028\u2029]/g, /[<>&\u007f-\uffff]/g].map((more) =>
    json.replace(more, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
  const all = [json, ...cautious].flatMap((text) => [text, text.replaceAll('/', '\\/')]);
  return all.flatMap((text) => [text, text.replace(/\\u[\da-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`)]);
}

/**
 * Three bytes make four base64 characters, so what stands before the secret shifts it by 0, 1 or 2 bytes. Of each
 * shift, the characters that the neighbouring bytes cannot change; of the secret on its own, the padded text too.
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

/** Base64 as command-line tools break it into lines. What follows, such as a line break, changes the end of the last one. */
function base64Lines(bytes: Buffer, width: number): string[] {
  const whole = bytes.toString('base64');
  const certain = whole.slice(0, Math.floor((bytes.length * 8) / 6));
  const lines: string[] = [];
  for (const text of [whole, certain])
    for (let at = 0; at + MIN_LINE_LENGTH <= text.length; at += width) lines.push(text.slice(at, at + width));
  return lines;
}

/** Base64 and base64url (RFC 4648). */
function bothAlphabets(text: string): string[] {
  return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
}
