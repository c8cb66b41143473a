import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { maskSecret } from '../../../src/output/mask.ts';
import { writeReport } from '../../../src/output/report.ts';
import { useFolder } from '../../support/folders.ts';
import { usePrinted } from './printed.ts';

const inFolder = useFolder();
usePrinted();

describe('writeReport', () => {
  const read = (head: object, entries: Iterable<object>) =>
    JSON.parse(readFileSync(writeReport(inFolder(), head, 'clients', entries), 'utf8'));

  it.each([0, 1, 2, 2_000])('writes a report of %d entries as JSON', (count) => {
    const clients = Array.from({ length: count }, (_, at) => ({ at, name: '"\n\u{1f600}'.repeat(9) }));
    expect(read({ version: 1, list: [] }, clients)).toEqual({ version: 1, list: [], clients });
  });

  it('writes null into a report for what is not known, at every depth', () => {
    const entry = { a: undefined, b: { c: undefined }, d: [undefined, 0, '', false] };
    expect(read({ time: undefined }, [entry])).toEqual({
      time: null,
      clients: [{ a: null, b: { c: null }, d: [null, 0, '', false] }],
    });
  });

  it('replaces masked values in a report', () => {
    const secret = ['fake', 'secret', '"of"', 'a', 'client'].join('-');
    maskSecret(secret);
    expect(read({ note: secret }, [{ name: `a ${secret} b` }])).toEqual({
      note: '***',
      clients: [{ name: 'a *** b' }],
    });
  });

  it('formats each entry of a report before it reads the next one', () => {
    const formatted: string[] = [];
    const entry = (name: string) => ({ toJSON: () => formatted.push(name) });
    function* entries() {
      yield entry('first');
      expect(formatted).toEqual(['first']);
      yield entry('second');
    }
    read({ version: 1 }, entries());
    expect(formatted).toEqual(['first', 'second']);
  });

  it('writes each report into a new file with a random name that only this user can read', () => {
    const files = [1, 2].map(() => writeReport(inFolder(), {}, 'clients', []));
    expect(new Set(files).size).toBe(2);
    for (const file of files) if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('fails with the reason if a report cannot be written, and writes no file', () => {
    const before = readdirSync(inFolder());
    expect(() => writeReport(inFolder('nowhere'), {}, 'clients', [])).toThrow(/^Could not write the report: .*ENOENT/);
    expect(readdirSync(inFolder())).toEqual(before);
  });
});
