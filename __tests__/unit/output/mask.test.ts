import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMaskable, maskSecret, maskToken, redact, secretForms, tokenForms } from '../../../src/output/mask.ts';
import { usePrinted } from './printed.ts';

const printed = usePrinted();

/** Replaces each form in a text by as many stars, so that all positions stay the same. */
function hide(text: string, forms: string[]): string {
  return forms.reduce((shown, form) => shown.replaceAll(form, '*'.repeat(form.length)), text);
}

/** Returns whether a text contains `part` at this position and nowhere else. */
function isOnlyAt(text: string, part: string, position: number): boolean {
  return text.indexOf(part) === position && text.lastIndexOf(part) === position;
}

/** Returns base64 as the tool of that name prints it. */
function linesOf(text: string): string[] {
  return (
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  );
}

const visibleAscii = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
const secrets = fc.oneof(
  fc.string({ unit: visibleAscii, minLength: 8, maxLength: 150 }),
  fc.base64String({ minLength: 8, maxLength: 150 }).filter((text) => text.length >= 8),
);
const surroundings = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 9 }), fc.string({ maxLength: 9 }));
// An id of the second kind fills whole lines of base64 and ends inside a line.
const ids = fc.oneof(fc.stringMatching(/^skc_\d{1,18}$/), fc.stringMatching(/^m2morg_[\w-]{41,121}$/));

describe('forms of a masked secret', () => {
  it.each([
    ['base64', (bytes: Buffer) => bytes.toString('base64')],
    ['base64url', (bytes: Buffer) => bytes.toString('base64url')],
  ])('masks every three whole bytes of a secret in %s, whatever is before and after it', (_name, encode) => {
    fc.assert(
      fc.property(
        secrets,
        fc.uint8Array({ maxLength: 9 }),
        fc.uint8Array({ maxLength: 9 }),
        (secret, before, after) => {
          const bytes = Buffer.from(secret);
          const all = Buffer.concat([before, bytes, after]);
          fc.pre(isOnlyAt(all.toString('latin1'), bytes.toString('latin1'), before.length));
          const hidden = hide(encode(all), secretForms(secret, []));
          const starts = Array.from({ length: bytes.length - 2 }, (_, at) => before.length + at);
          // The characters that encode three bytes. Some of them encode bits of adjacent bytes as well.
          const encoded = starts.map((at) => hidden.slice(Math.floor((at * 8) / 6), Math.ceil(((at + 3) * 8) / 6)));
          expect(encoded.filter((characters) => !characters.includes('*'))).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(4, '0');
  const json = (text: string) => JSON.stringify(text).slice(1, -1);
  const form = (text: string) => new URLSearchParams({ v: text }).toString().slice(2);
  const lower = (text: string) => text.replace(/%../g, (byte) => byte.toLowerCase());
  const strict = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${hex(c).slice(2).toUpperCase()}`);

  it.each([
    ['as plain text', (text: string) => text],
    ['in encodeURIComponent', encodeURIComponent],
    ['in a strict encoding of RFC 3986', strict],
    ['in an encoding for paths', (text: string) => strict(text).replaceAll('%2F', '/')],
    ['in URLSearchParams', form],
    ['in URLSearchParams, lower case', (text: string) => lower(form(text))],
    ['in JSON.stringify', json],
    ['in JSON safe for HTML', (text: string) => json(text).replace(/[<>&]/g, (c) => `\\u${hex(c)}`)],
    [
      'in JSON of .NET',
      (text: string) =>
        json(text)
          .replaceAll('\\"', '"')
          .replace(/["&'+<>`]/g, (c) => `\\u${hex(c).toUpperCase()}`),
    ],
    ['in JSON with slashes escaped', (text: string) => json(text).replaceAll('/', '\\/')],
  ])('masks a secret in full %s, whatever is before and after it', (_name, encode) => {
    fc.assert(
      fc.property(secrets, surroundings, surroundings, (secret, before, after) => {
        const text = encode(before + secret + after);
        const start = encode(before).length;
        const part = encode(secret);
        fc.pre(isOnlyAt(text, part, start));
        expect(hide(text, secretForms(secret, [])).slice(start, start + part.length)).toBe('*'.repeat(part.length));
      }),
    );
  });

  it('masks each line of base64 of a secret but for eleven characters, alone and after an id, and never the id', () => {
    fc.assert(
      fc.property(ids, secrets, fc.constantFrom('', '\n'), (id, secret, end) => {
        const forms = secretForms(secret, [id]);
        const shown = (line: string) => hide(line, forms).replaceAll('*', '');
        for (const line of linesOf(secret + end)) expect(shown(line).length).toBeLessThan(12);
        for (const [number, line] of linesOf(`${id}:${secret}${end}`).entries()) {
          // The number of bytes in the line that belong to the id.
          const idBytes = Math.max(0, `${id}:`.length - (number * 76 * 6) / 8);
          const idCharacters = Math.ceil((Math.min(idBytes, (line.length * 6) / 8) * 8) / 6);
          expect(shown(line).length).toBeLessThan(idCharacters + 12);
        }
        for (const text of [id, `${id}:`, `${id}\n`])
          for (const line of [text.trim(), ...linesOf(text)]) expect(shown(line)).toBe(line);
      }),
      { numRuns: 100 },
    );
  });
});

describe('forms of a masked token', () => {
  it('masks a token in full as plain text and URL-encoded, and in base64 but for its last characters', () => {
    fc.assert(
      fc.property(secrets, (token) => {
        const shown = (text: string) => hide(text, tokenForms(token)).replaceAll('*', '');
        for (const text of [token, encodeURIComponent(token)]) expect(shown(text)).toBe('');
        for (const alphabet of ['base64', 'base64url'] as const)
          for (const end of ['', '\n'])
            expect(shown(Buffer.from(token + end).toString(alphabet)).replace(/=*$/, '').length).toBeLessThan(4);
      }),
    );
  });

  it('masks a JSON Web Token in at most two forms, and not its public header', () => {
    const part = fc
      .uint8Array({ minLength: 30, maxLength: 1000 })
      .map((bytes) => Buffer.from(bytes).toString('base64url'));
    fc.assert(
      fc.property(part, part, (payload, signature) => {
        const header = Buffer.from('{"alg":"RS256","typ":"JWT"}').toString('base64url');
        const forms = tokenForms([header, payload, signature].join('.'));
        expect(forms.length).toBeLessThanOrEqual(2);
        expect(hide(header, forms)).toBe(header);
      }),
    );
  });
});

describe('order and number of masks', () => {
  /**
   * Returns what a runner prints that echoes each command with the masks that it knows so far applied, in the order in
   * which it learned them.
   */
  function echo(forms: string[]): string[] {
    const known: string[] = [];
    return forms.map((form) => {
      known.push(form);
      return known.reduce((line, mask) => line.replaceAll(mask, '***'), form);
    });
  }

  it('sends the longest mask of a secret first, so that a runner that prints mask commands shows no secret', () => {
    fc.assert(
      fc.property(ids, secrets, (id, secret) => {
        for (const forms of [secretForms(secret, [id]), tokenForms(secret)])
          expect(new Set(echo(forms))).toEqual(new Set(['***']));
      }),
    );
  });

  it.each<[what: string, secret: string, most: number]>([
    ['in the form of Scalekit', `test_${'Aa09'.repeat(16)}`, 18],
    ['of special characters', `${'<>&"\\/!\'()*~+='.repeat(5)}`, 26],
  ])('masks a secret %s in few forms', (_what, secret, most) => {
    expect(secretForms(secret, ['skc_1234567890123456']).length).toBeLessThanOrEqual(most);
  });

  it('masks a secret that is not maskable as a whole and line by line', () => {
    const lines = ['first line of a key', 'second line of a key', 'short'];
    const text = lines.join('\r\n');
    expect(secretForms(text, ['skc_1'])).toEqual([text, 'second line of a key', 'first line of a key']);
    expect(secretForms('  an indented line\n', [])).toContain('an indented line');
    expect(secretForms('long'.repeat(20_000), [])).toEqual(['long'.repeat(20_000)]);
  });

  it('masks no secret and no token of fewer than 8 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: visibleAscii, maxLength: 7 }), (text) => {
        expect(secretForms(text, ['skc_1'])).toEqual([]);
        expect(tokenForms(text)).toEqual([]);
      }),
    );
  });
});

it.each<[what: string, text: string]>([
  ['8 characters', 'x'.repeat(8)],
  ['48 KiB', 'x'.repeat(48 * 1024)],
  ['all special characters', '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'],
])('isMaskable accepts a text of %s', (_what, text) => {
  expect(isMaskable(text)).toBe(true);
});

it.each<[what: string, text: string]>([
  ['7 characters', 'x'.repeat(7)],
  ['more than 48 KiB', 'x'.repeat(48 * 1024 + 1)],
  ['characters and a space', 'fake secret'],
  ['two lines', 'fake\nsecret'],
  ['characters beyond ASCII', 'fäke-secret'],
])('isMaskable refuses a text of %s', (_what, text) => {
  expect(isMaskable(text)).toBe(false);
});

describe('masking', () => {
  const fake = (name: string) => ['fake', name, 'secret/+='].join('~');
  const commands = (forms: string[]) => forms.map((form) => `::add-mask::${form.replaceAll('%', '%25')}`);

  it('sends one mask command for each form of a secret and a token', () => {
    const secret = fake('once');
    const token = fake('token');
    for (let turn = 0; turn < 2; turn++) {
      maskSecret(secret, ['skc_1']);
      maskToken(token);
    }
    expect(printed.lines()).toEqual(commands([...secretForms(secret, ['skc_1']), ...tokenForms(token)]));
  });

  it('sends no mask command for an empty value', () => {
    maskSecret('');
    maskToken('');
    expect(printed.text).toBe('');
  });

  it('redact removes a masked secret from a text in every form', () => {
    const secret = fake('ours');
    maskSecret(secret);
    const basic = Buffer.from(`skc_1:${secret}\n`).toString('base64');
    const text = `a ${secret} b ${encodeURIComponent(secret)} c ${JSON.stringify(secret)} d ${basic} e`;
    expect(redact(text)).toMatch(/^a \*{3} b \*{3} c "\*{3}" d [\w+/]{0,9}\*{3}[\w+/=]{0,4} e$/);
  });

  it('redact removes all of a secret that begins with another one', () => {
    const short = fake('prefix');
    const long = `${short}-and-more`;
    maskSecret(short);
    maskSecret(long);
    expect(redact(`${long} ${short}`)).toBe('*** ***');
  });

  it('redact does not change a text without a secret', () => {
    const text = 'Created client m2morg_1 in organization org_1.';
    expect(redact(text)).toBe(text);
  });
});
