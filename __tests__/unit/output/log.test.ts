import os from 'node:os';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import * as log from '../../../src/output/log.ts';
import { maskSecret } from '../../../src/output/mask.ts';
import { oneLine } from '../../../src/output/text.ts';

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

/** Returns the printed lines. */
const lines = () => printed.trimEnd().split(/\r?\n/);

describe('a line of the log', () => {
  it('holds no masked secret, whatever form it has', () => {
    const secret = ['fake', 'log', 'secret'].join('/');
    maskSecret(secret);
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

  it('is one, whatever the text', () => {
    const text = 'a\n::error::b';
    log.info(text);
    log.debug(text);
    log.notice(text);
    log.warning(text);
    log.info('\t ::error::c');
    expect(lines()).toEqual([
      'a ::error::b',
      '::debug::a ::error::b',
      '::notice::a ::error::b',
      '::warning::a ::error::b',
      ': :error::c',
    ]);
  });
});

describe('an annotation', () => {
  const characters = fc.constantFrom('a', '%', '\n', '\r', ' ', ':', '#', '\u{1f600}', '\u2028');
  const text = fc.oneof(
    fc.string({ maxLength: 6_000, size: 'max', unit: characters }),
    fc.string({ maxLength: 6_000, size: 'max', unit: 'binary' }),
    fc.array(fc.string({ maxLength: 2_000, size: 'max' }), { maxLength: 30 }).map((lines) => lines.join('\n')),
  );
  const print = fc.constantFrom(log.notice, log.warning, log.fail);

  /** Returns a text without white space, and without what a line cannot have. */
  const compact = (text: string) => oneLine(text).replace(/\s/g, '');

  it('has fewer than 4,000 characters and the end of its text, and the log has the whole of a longer one', () => {
    fc.assert(
      fc.property(text, print, (text, print) => {
        printed = '';
        print(text);
        const plain = printed.split(os.EOL).slice(0, -1);
        const annotation = plain.pop() ?? '';
        expect([annotation.length < 4_000, /^::(notice|warning|error)::/.test(annotation)]).toEqual([true, true]);
        const message = compact(annotation.replaceAll('%0A', '\n').replaceAll('%25', '%'));
        expect(message.endsWith(compact([...text].slice(-300).join('')))).toBe(true);
        if (plain.length > 0) expect(compact(plain.join('\n'))).toBe(compact(text));
        else expect(message.replace(/^::\w+::/, '')).toBe(compact(text));
        expect(plain.filter((line) => /^\s*::/.test(line))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('shows no part of a masked value, wherever it would be cut', () => {
    const secret = ['fake', 'cut', 'secret', 'x'.repeat(400)].join('-');
    maskSecret(secret);
    fc.assert(
      fc.property(
        fc.nat(5_000),
        fc.nat(5_000),
        fc.constantFrom(' ', '\n'),
        print,
        (before, after, separator, print) => {
          printed = '';
          print(['a'.repeat(before), secret, 'b'.repeat(after)].join(separator));
          expect(printed).not.toMatch(/fake|cut-|secret|xx/);
        },
      ),
    );
  });
});

describe('an error that lists more than fits', () => {
  it('has all of its lines in the log, and the first and last ones in the annotation', () => {
    const entries = Array.from({ length: 60 }, (_, at) => `:: ${at} ${'x'.repeat(100)}`);
    log.fail(new Error(['60 things:', ...entries].join('\n')));
    expect(lines().slice(1, 61)).toEqual(entries.map((entry) => entry.replace('::', ': :')));
    expect(lines()[61]).toMatch(/^::error::60 things:%0A:: 0 x+%0A.*%0Aand \d+ more, listed in the log%0A.*:: 59 x+$/);
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
    maskSecret(secret);
    printed = '';
    log.fail(new Error(`no:\n${secret}\nend`));
    expect(lines()).toEqual(['::error::no:%0A***%0Aend']);
  });

  it('shows no cause that is not an error', () => {
    log.fail(new Error('why', { cause: { secret: 'a' } }));
    expect(lines()).toEqual(['::error::why']);
  });
});
