import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as log from '../../../src/output/log.ts';
import { maskSecret } from '../../../src/output/mask.ts';

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
