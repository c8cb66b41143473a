import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { mask, maskCredentials, maskForms, redact } from '../../../src/output/mask.ts';

/** Replaces each form of a secret in a text by as many stars, so that all positions stay the same. */
function hide(text: string, secret: string): string {
  return hideForms(text, maskForms(secret));
}

function hideForms(text: string, forms: string[]): string {
  return forms
    .sort((a, b) => b.length - a.length)
    .reduce((shown, form) => shown.replaceAll(form, '*'.repeat(form.length)), text);
}

/** Returns whether a text contains `part` at this position and nowhere else. */
function isOnlyAt(text: string, part: string, position: number): boolean {
  return text.indexOf(part) === position && text.lastIndexOf(part) === position;
}

const printable = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 40 }),
  fc.string({ unit: 'grapheme', minLength: 8, maxLength: 20 }),
  fc.base64String({ minLength: 8, maxLength: 60 }),
);
const secrets = printable.filter((text) => text.trim().length >= 8);
const surroundings = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 9 }), fc.string({ maxLength: 9 }));

describe('a secret of eight characters or more', () => {
  it.each([
    ['base64', (bytes: Buffer) => bytes.toString('base64')],
    ['base64url', (bytes: Buffer) => bytes.toString('base64url')],
  ])('leaves no three whole bytes of itself in %s, whatever stands before and after it', (_name, encode) => {
    fc.assert(
      fc.property(
        secrets,
        fc.uint8Array({ maxLength: 9 }),
        fc.uint8Array({ maxLength: 9 }),
        (secret, before, after) => {
          const bytes = Buffer.from(secret);
          const all = Buffer.concat([before, bytes, after]);
          fc.pre(isOnlyAt(all.toString('latin1'), bytes.toString('latin1'), before.length));
          const hidden = hide(encode(all), secret);
          for (let first = before.length; first + 3 <= before.length + bytes.length; first++) {
            // The characters that encode these three bytes. Some of them encode bits of adjacent bytes as well.
            const characters = hidden.slice(Math.floor((first * 8) / 6), Math.ceil(((first + 3) * 8) / 6));
            expect(characters).toContain('*');
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  const form = (text: string) => new URLSearchParams({ v: text }).toString().slice(2);
  const lower = (text: string) => text.replace(/%../g, (byte) => byte.toLowerCase());
  const json = (text: string) => JSON.stringify(text).slice(1, -1);
  const ascii = (text: string) => text.replace(/[<>&\x7f-\uffff]/g, (character) => `\\u${hex(character)}`);
  const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(4, '0');

  it.each([
    ['as it is', (text: string) => text],
    ['in encodeURIComponent', encodeURIComponent],
    ['in encodeURIComponent, lower case', (text: string) => lower(encodeURIComponent(text))],
    [
      'in a strict encoding of RFC 3986',
      (text: string) =>
        encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    ],
    ['in an encoding for paths', (text: string) => encodeURIComponent(text).replaceAll('%2F', '/')],
    ['in an encoding for paths, lower case', (text: string) => lower(encodeURIComponent(text)).replaceAll('%2f', '/')],
    ['in URLSearchParams', form],
    ['in URLSearchParams, lower case', (text: string) => lower(form(text))],
    ['in JSON.stringify', json],
    ['in JSON within ASCII', (text: string) => json(text).replace(/[\x7f-\uffff]/g, (c) => `\\u${hex(c)}`)],
    ['in JSON safe for HTML', (text: string) => json(text).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${hex(c)}`)],
    ['in JSON within ASCII, safe for HTML', (text: string) => ascii(json(text))],
    ['in JSON with slashes escaped', (text: string) => json(text).replaceAll('/', '\\/')],
  ])('leaves nothing of itself %s, whatever stands before and after it', (_name, encode) => {
    fc.assert(
      fc.property(secrets, surroundings, surroundings, (secret, before, after) => {
        const text = encode(before + secret + after);
        const [start, part] = [encode(before).length, encode(secret)];
        fc.pre(isOnlyAt(text, part, start));
        expect(hide(text, secret).slice(start, start + part.length)).toBe('*'.repeat(part.length));
      }),
      { numRuns: 300 },
    );
  });

  it.each([76, 64])('shows next to nothing of any line, if it is broken into base64 lines of %i', (width) => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 60, maxLength: 300 }), (text) => {
        const secret = `x${text}x`;
        for (const end of ['', '\n']) {
          const lines =
            Buffer.from(secret + end)
              .toString('base64')
              .match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
          for (const line of lines) expect(hide(line, secret).replaceAll('*', '').length).toBeLessThan(12);
        }
      }),
    );
  });

  it('is masked with and without the white space around it', () => {
    const secret = ['fake', 'with', 'newline'].join('-');
    expect(maskForms(`${secret}\n`)).toEqual(expect.arrayContaining([secret, `${secret}\n`]));
  });

  it('may be no well-formed Unicode', () => {
    expect(maskForms(`fake-${'\ud800'}-secret`)).toContain('fake-%EF%BF%BD-secret');
  });
});

describe('a secret of several lines', () => {
  it('has every line of four characters or more masked, and no shorter one', () => {
    const line = fc.string({ unit: 'grapheme-ascii', maxLength: 12 }).map((text) => text.trim());
    fc.assert(
      fc.property(fc.array(line, { minLength: 2 }), fc.constantFrom('\n', '\r\n', '\r'), (lines, end) => {
        const forms = maskForms(lines.join(end));
        for (const line of lines) expect(forms.includes(line)).toBe(line.length >= 4);
      }),
    );
  });
});

describe('what is too short to be masked', () => {
  it('is never a form, of whatever secret', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (secret) => {
        for (const form of maskForms(secret)) expect(form.trim().length).toBeGreaterThanOrEqual(4);
      }),
    );
  });

  it.each(['', 'x', 'abc', '  abc  ', '<>&'])('has no form at all: %j', (secret) => {
    expect(maskForms(secret)).toEqual([]);
  });

  it.each([' ', '   ', '          ', '\n', '\n\n\n\n', '\t \r\n \t'])('is a blank value, in any form: %j', (secret) => {
    expect(maskForms(secret)).toEqual([]);
  });
});

describe('masking', () => {
  let printed = '';
  beforeEach(() => {
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const fake = (name: string) => ['fake', name, 'secret/+='].join('~');

  it('registers every form once', () => {
    const secret = fake('once');
    mask(secret);
    mask(secret);
    const masks = printed.trim().split(/\r?\n/);
    expect(masks).toEqual(maskForms(secret).map((form) => `::add-mask::${form.replaceAll('%', '%25')}`));
    expect(new Set(masks).size).toBe(masks.length);
  });

  it('registers nothing for an empty value', () => {
    mask('');
    expect(printed).toBe('');
  });

  it('keeps a line break of a secret from ending the command', () => {
    mask(`${fake('first line')}\n${fake('second line')}`);
    expect(printed.trim().split(/\r?\n/)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^::add-mask::.*first.*%0A.*second/)]),
    );
    expect(printed.trim().split(/\r?\n/)).not.toContainEqual(expect.not.stringMatching(/^::add-mask::/));
  });

  it('removes a secret from our own text in every form', () => {
    const secret = fake('ours');
    mask(secret);
    const basic = Buffer.from(`skc_1:${secret}\n`).toString('base64');
    const text = `a ${secret} b ${encodeURIComponent(secret)} c ${JSON.stringify(secret)} d ${basic} e`;
    expect(redact(text)).toMatch(/^a \*{3} b \*{3} c "\*{3}" d [\w+/]{0,9}\*{3}[\w+/=]{0,4} e$/);
  });

  it('removes the whole of a secret that begins with another one', () => {
    const [short, long] = [fake('prefix'), `${fake('prefix')}-and-more`];
    mask(short);
    mask(long);
    expect(redact(`${long} ${short}`)).toBe('*** ***');
  });

  // Each form is printed only once, so keep those of earlier credentials, also of the other width.
  const forms = new Set<string>();

  it.each([76, 64])('hides client credentials in base64 lines of %i, but not their id', (width) => {
    // The second kind of id fills whole lines and ends inside a line.
    const id = fc.oneof(fc.stringMatching(/^skc_\d{1,18}$/), fc.stringMatching(/^m2morg_[\w-]{41,121}$/));
    const secret = fc.string({ unit: 'grapheme-ascii', minLength: 20, maxLength: 150 }).map((text) => `x${text}x`);
    const lines = (text: string, alphabet: BufferEncoding) => {
      const whole = Buffer.from(text).toString(alphabet);
      return whole.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
    };
    const shown = (line: string) => hideForms(line, [...forms]).replaceAll('*', '');
    fc.assert(
      fc.property(id, secret, fc.constantFrom<BufferEncoding[]>('base64', 'base64url'), (name, secret, alphabet) => {
        printed = '';
        maskCredentials(name, secret);
        for (const [, form = ''] of printed.matchAll(/^::add-mask::(.+)$/gm)) forms.add(form);
        for (const end of ['', '\n'])
          for (const [number, line] of lines(`${name}:${secret}${end}`, alphabet).entries()) {
            // The number of bytes in the line that belong to the id.
            const idBytes = Buffer.byteLength(`${name}:`) - (number * width * 6) / 8;
            if (idBytes >= (line.length * 6) / 8) expect(shown(line)).toBe(line);
            else expect(shown(line).length).toBeLessThan(12);
          }
        for (const text of [name, `${name}:`, `${name}\n`])
          for (const line of [text.trim(), ...lines(text, alphabet)]) expect(shown(line)).toBe(line);
      }),
    );
  });

  it.each(['', ' ', 'abc', ' abc '])(
    'registers nothing for client credentials whose secret is too short: %j',
    (secret) => {
      maskCredentials('m2morg_'.padEnd(90, '1'), secret);
      expect(printed).toBe('');
    },
  );

  it('leaves a text alone that holds no secret', () => {
    const text = 'Created client m2morg_1 in organization org_1.';
    expect(redact(text)).toBe(text);
  });
});
