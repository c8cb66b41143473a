import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { maskSecret } from '../../../src/output/mask.ts';
import { writeReport } from '../../../src/output/report.ts';

describe('a report', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'report-'));
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    jest.restoreAllMocks();
  });

  const read = (head: object, entries: Iterable<object>) =>
    JSON.parse(readFileSync(writeReport(folder, head, 'clients', entries), 'utf8'));

  it.each([0, 1, 2, 5_000])('is JSON with %d entries, however long', (count) => {
    const clients = Array.from({ length: count }, (_, at) => ({ at, name: '"\n\u{1f600}'.repeat(9) }));
    expect(read({ version: 1, list: [] }, clients)).toEqual({ version: 1, list: [], clients });
  });

  it('has null for what is not known, at every depth', () => {
    const entry = { a: undefined, b: { c: undefined }, d: [undefined, 0, '', false] };
    expect(read({ time: undefined }, [entry])).toEqual({
      time: null,
      clients: [{ a: null, b: { c: null }, d: [null, 0, '', false] }],
    });
  });

  it('has no masked value', () => {
    const secret = ['fake', 'secret', '"of"', 'a', 'client'].join('-');
    maskSecret(secret);
    expect(read({ note: secret }, [{ name: `a ${secret} b` }])).toEqual({
      note: '***',
      clients: [{ name: 'a *** b' }],
    });
  });

  it('does not ask for the second entry before the first one is formatted', () => {
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

  it('is a new file with a random name that only this user can read', () => {
    const files = [1, 2].map(() => writeReport(folder, {}, 'clients', []));
    expect(new Set(files).size).toBe(2);
    for (const file of files) if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('that cannot be written is an error that says why', () => {
    const before = readdirSync(folder);
    expect(() => writeReport(join(folder, 'nowhere'), {}, 'clients', [])).toThrow(
      /^Could not write the report: .*ENOENT/,
    );
    expect(readdirSync(folder)).toEqual(before);
  });
});
