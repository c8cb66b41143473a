import os from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as log from '../../../src/output/log.ts';
import { maskSecret } from '../../../src/output/mask.ts';
import { oneLine } from '../../../src/output/text.ts';
import { anyCharacter } from './characters.ts';
import { usePrinted } from './printed.ts';

const printed = usePrinted();
let exitCode: typeof process.exitCode;
beforeEach(() => {
  exitCode = process.exitCode;
});
afterEach(() => {
  process.exitCode = exitCode;
});

describe('line of the log', () => {
  it('replaces a masked secret in a line of the log in each of its forms', () => {
    const secret = ['fake', 'log', 'secret'].join('/');
    maskSecret(secret);
    printed.text = '';
    log.info(`info ${secret}`);
    log.debug(`debug ${encodeURIComponent(secret)}`);
    log.notice(`notice ${Buffer.from(secret).toString('base64')}`);
    log.warning(`warning ${JSON.stringify({ secret })}`);
    log.fail(new Error(`error ${secret}`, { cause: new Error(`cause ${secret}`) }));
    expect(printed.lines()).toEqual([
      'info ***',
      '::debug::debug ***',
      '::notice::notice ***',
      '::warning::warning {"secret":"***"}',
      '::error::error ***',
      '::debug::Caused by: cause ***',
    ]);
  });

  it('prints a text with line breaks and commands as one line that is not a command', () => {
    const text = 'a\n::error::b';
    log.info(text);
    log.debug(text);
    log.notice(text);
    log.warning(text);
    log.info('\t ::error::c');
    expect(printed.lines()).toEqual([
      'a ::error::b',
      '::debug::a ::error::b',
      '::notice::a ::error::b',
      '::warning::a ::error::b',
      ': :error::c',
    ]);
  });
});

describe('annotation', () => {
  const characters = fc.constantFrom('a', '%', '\n', '\r', ' ', ':', '#', '\u{1f600}', '\u2028');
  const text = fc.oneof(
    fc.string({ maxLength: 6_000, size: 'max', unit: characters }),
    fc.string({ maxLength: 6_000, size: 'max', unit: anyCharacter }),
    fc.array(fc.string({ maxLength: 2_000, size: 'max' }), { maxLength: 30 }).map((lines) => lines.join('\n')),
  );
  const print = fc.constantFrom(log.notice, log.warning, log.fail);

  /** Returns a text without white space, and without what a line cannot have. */
  const compact = (text: string) => oneLine(text).replace(/\s/g, '');

  it('prints an annotation of fewer than 4,000 characters with the end of its text, and a longer text in the log', () => {
    fc.assert(
      fc.property(text, print, (text, print) => {
        printed.text = '';
        print(text);
        const plain = printed.text.split(os.EOL).slice(0, -1);
        const annotation = plain.pop() ?? '';
        expect(annotation).toMatch(/^::(notice|warning|error)::/);
        expect(annotation.length).toBeLessThan(4_000);
        const message = compact(annotation.replaceAll('%0A', '\n').replaceAll('%25', '%'));
        expect(message.endsWith(compact([...text].slice(-300).join('')))).toBe(true);
        if (plain.length > 0) expect(compact(plain.join('\n'))).toBe(compact(text));
        else expect(message.replace(/^::\w+::/, '')).toBe(compact(text));
        expect(plain.filter((line) => /^\s*::/.test(line))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('prints no part of a masked value in an annotation, wherever it is cut', () => {
    const secret = ['fake', 'cut', 'secret', 'x'.repeat(400)].join('-');
    maskSecret(secret);
    fc.assert(
      fc.property(
        fc.nat(5_000),
        fc.nat(5_000),
        fc.constantFrom(' ', '\n'),
        print,
        (before, after, separator, print) => {
          printed.text = '';
          print(['a'.repeat(before), secret, 'b'.repeat(after)].join(separator));
          expect(printed.text).not.toMatch(/fake|cut-|secret|xx/);
        },
      ),
    );
  });
});

describe('error', () => {
  it('prints an error as one annotation with its own lines, and fails the step', () => {
    log.fail(new Error('2 bad inputs:\n- a\r\n- ##[error]b'));
    expect(printed.lines()).toEqual(['::error::2 bad inputs:%0A- a %0A- ## [error]b']);
    expect(process.exitCode).toBe(1);
  });

  it('prints all lines of a long error in the log, and the first and last ones in the annotation', () => {
    const entries = Array.from({ length: 60 }, (_, at) => `:: ${at} ${'x'.repeat(100)}`);
    log.fail(new Error(['60 things:', ...entries].join('\n')));
    const lines = printed.lines();
    expect(lines.slice(1, 61)).toEqual(entries.map((entry) => entry.replace('::', ': :')));
    expect(lines[61]).toMatch(/^::error::60 things:%0A:: 0 x+%0A.*%0Aand \d+ more, listed in the log%0A.*:: 59 x+$/);
  });

  it('prints the message of an error and not its stack', () => {
    log.fail(new TypeError('no way'));
    expect(printed.text).not.toMatch(/TypeError|log\.test/);
  });

  it.each([
    ['an error', new Error('why'), 'why'],
    ['a text', 'why', 'why'],
    ['nothing', undefined, 'undefined'],
    ['an object', { a: 1 }, '[object Object]'],
  ])('prints what was thrown as text if it is %s', (_what, error, message) => {
    expect(log.message(error)).toBe(message);
    log.fail(error);
    expect(printed.lines()).toEqual([`::error::${message}`]);
  });

  it('prints no part of a masked secret of several lines in an error', () => {
    const secret = ['fake', 'ab', 'cd', 'key'].join('\n');
    maskSecret(secret);
    printed.text = '';
    log.fail(new Error(`no:\n${secret}\nend`));
    expect(printed.lines()).toEqual(['::error::no:%0A***%0Aend']);
  });

  it('prints the innermost cause of an error that does not name it, for debugging', () => {
    const cause = new Error('outer', { cause: new Error('inner') });
    log.fail(new Error('why', { cause }));
    log.fail(new Error('why: inner', { cause }));
    expect(printed.lines()).toEqual(['::error::why', '::debug::Caused by: inner', '::error::why: inner']);
  });

  it('prints no cause of an error that is not an error itself', () => {
    log.fail(new Error('why', { cause: { secret: 'a' } }));
    expect(printed.lines()).toEqual(['::error::why']);
  });
});
