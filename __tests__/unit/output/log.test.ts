import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import * as log from '../../../src/output/log.ts';
import { mask } from '../../../src/output/mask.ts';
import { oneLine, truncate } from '../../../src/output/text.ts';

let printed = '';
let exitCode: typeof process.exitCode;
beforeEach(() => {
  printed = '';
  exitCode = process.exitCode;
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  process.exitCode = exitCode;
  jest.restoreAllMocks();
});

const lines = () => printed.trimEnd().split(/\r?\n/);

describe('a line of the log', () => {
  it.each([
    ['a line break', 'a\nb'],
    ['a line break of Windows', 'a\r\nb'],
    ['a carriage return', 'a\rb'],
    ['an escape sequence', 'a\u001b\u009bb'],
    ['a NUL', 'a\0b'],
    ['a DEL', 'a\x7fb'],
    ['a backspace', 'a\b\bb'],
    ['a next line (U+0085)', 'a\u0085b'],
    ['a line separator (U+2028)', 'a\u2028b'],
    ['a paragraph separator (U+2029)', 'a\u2029b'],
    ['a left-to-right mark', 'a\u200eb'],
    ['a right-to-left mark', 'a\u200fb'],
    ['an Arabic letter mark', 'a\u061cb'],
    ['a right-to-left override', 'a\u202e\u202cb'],
    ['an isolate', 'a\u2066\u2069b'],
  ])('holds a space in place of %s', (_what, text) => {
    expect(oneLine(text)).toBe('a b');
  });

  it.each([
    ['##[error]no', '## [error]no'],
    ['a ##[add-mask]b', 'a ## [add-mask]b'],
    ['###[a]##[b]', '### [a]## [b]'],
    ['#\n#[error]', '# #[error]'],
    ['##\u200f[error]', '## [error]'],
  ])('is no command of the older syntax: %j', (text, shown) => {
    expect(oneLine(text)).toBe(shown);
  });

  it('holds nothing that breaks a line, turns it round, or commands the runner, whatever the text', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      fc.constantFrom('#', '[', '##[', ...'\n\r\u2028\u202e\u2067\u061c'),
    );
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        expect(oneLine(text)).not.toMatch(/\p{Cc}|\p{Zl}|\p{Zp}|\p{Bidi_Control}|##\[/u);
      }),
    );
  });

  it.each(['plain', 'Grüße, 世界 👩‍👩‍👧', '# [a] #[b] :: | `', ''])('is shown as it is: %j', (text) => {
    expect(oneLine(text)).toBe(text);
  });

  it('holds no masked secret, on whatever way it got there', () => {
    const secret = ['fake', 'log', 'secret'].join('/');
    mask(secret);
    printed = '';
    log.info(`info ${secret}`);
    log.debug(`debug ${encodeURIComponent(secret)}`);
    log.notice(`notice ${Buffer.from(secret).toString('base64')}`);
    log.warning(`warning ${JSON.stringify({ secret })}`);
    log.fail(new Error(`error ${secret}`, { cause: new Error(`cause ${secret}`) }));
    expect(lines()).toEqual([
      'info ***',
      '::debug::debug ***',
      '::notice::notice ***',
      '::warning::warning {"secret":"***"}',
      '::error::error ***',
      '::debug::Caused by: cause ***',
    ]);
  });

  it('is one, whatever was said', () => {
    const text = 'a\n::error::b';
    log.info(text);
    log.debug(text);
    log.notice(text);
    log.warning(text);
    expect(lines()).toEqual([
      'a ::error::b',
      '::debug::a ::error::b',
      '::notice::a ::error::b',
      '::warning::a ::error::b',
    ]);
  });
});

describe('an error', () => {
  it('is one annotation, keeps its own lines, and fails the step', () => {
    log.fail(new Error('2 bad inputs:\n- a\r\n- ##[error]b'));
    expect(lines()).toEqual(['::error::2 bad inputs:%0A- a %0A- ## [error]b']);
    expect(process.exitCode).toBe(1);
  });

  it('shows its message, not its stack', () => {
    log.fail(new TypeError('no way'));
    expect(printed).not.toMatch(/TypeError|log\.test/);
  });

  it.each([
    ['an error', new Error('why'), 'why'],
    ['a text', 'why', 'why'],
    ['nothing', undefined, 'undefined'],
    ['an object', { a: 1 }, '[object Object]'],
  ])('may be %s', (_what, error, message) => {
    expect(log.message(error)).toBe(message);
    log.fail(error);
    expect(lines()).toEqual([`::error::${message}`]);
  });

  it('holds no part of a masked secret of several lines', () => {
    const secret = ['fake', 'ab', 'cd', 'key'].join('\n');
    mask(secret);
    printed = '';
    log.fail(new Error(`no:\n${secret}\nend`));
    expect(lines()).toEqual(['::error::no:%0A***%0Aend']);
  });

  it('tells no cause that is none', () => {
    log.fail(new Error('why', { cause: { secret: 'a' } }));
    expect(lines()).toEqual(['::error::why']);
  });
});

describe('a long value', () => {
  it.each([
    ['', 5, ''],
    ['abcde', 5, 'abcde'],
    ['abcdef', 5, 'abcd…'],
    ['ab', 1, '…'],
    ['😀😀😀', 3, '😀😀😀'],
    ['😀😀😀😀', 3, '😀😀…'],
  ])('%j is cut to %i characters: %j', (text, length, shown) => {
    expect(truncate(text, length)).toBe(shown);
  });

  it('is cut after masked secrets were taken out, so that no half of one is left', () => {
    const secret = ['fake', 'secret', 'to', 'be', 'cut'].join('+');
    mask(secret);
    for (let length = 1; length < 40; length++) expect(truncate(`a ${secret} b`, length)).not.toContain('fake');
    expect(truncate(`a ${secret} b`, 7)).toBe('a *** b');
  });

  it('is as long as allowed at most, begins as it was, and is never cut within a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (text, length) => {
        const shown = truncate(text, length);
        expect([...shown].length).toBeLessThanOrEqual(length);
        expect(shown.isWellFormed()).toBe(true);
        if (shown !== text) {
          expect(shown.endsWith('…')).toBe(true);
          expect(text.startsWith(shown.slice(0, -1))).toBe(true);
        }
      }),
    );
  });
});
