import { describe, expect, it } from '@jest/globals';
import { fitAnnotation } from '../../../src/output/annotation.ts';

/** Returns the lines as they are printed in a workflow command. */
const printed = (lines: string[]) => lines.join('%0A').replace(/%(?!0A)/g, '%25');
const CUT = ' … (the log above has the whole text) … ';

describe('fitAnnotation', () => {
  it('cuts a message that is too long in the middle of its longest line', () => {
    const call = `To remove it by hand: DELETE https://acme.example/${'c'.repeat(600)}`;
    const lines = ['It failed.', `a${'b'.repeat(9_000)}c`, call];
    const short = fitAnnotation(lines);
    expect(short).toEqual([lines[0], expect.stringMatching(`^ab+${CUT.replace(/[()]/g, '\\$&')}b+c$`), call]);
    expect(printed(short).length).toBe(3950);
  });

  it('cuts no more of a message than necessary', () => {
    const short = fitAnnotation(['a'.repeat(3_000), 'b'.repeat(1_500)]);
    expect(short.map(({ length }) => length)).toEqual([3950 - 1500 - 3, 1500]);
  });

  it('omits lines in the middle of a message that has too many', () => {
    const lines = Array.from({ length: 40 }, (_, at) => `${at}`.padStart(300, '.'));
    const short = fitAnnotation(lines);
    const at = short.indexOf(`and ${41 - short.length} more, listed in the log`);
    expect(at).toBeGreaterThan(5);
    expect(short.slice(0, at)).toEqual(lines.slice(0, at));
    expect(short.slice(at + 1)).toEqual(lines.slice(1 + at - short.length));
    expect(short.at(-1)).toBe(lines.at(-1));
    expect(printed(short).length).toBeLessThan(3951);
  });

  it('cuts no character of a message in half', () => {
    for (const start of ['', 'x']) {
      const [line = ''] = fitAnnotation([`${start}${'\u{1f600}'.repeat(3_000)}`]);
      expect(line).toContain(CUT);
      expect(line.isWellFormed()).toBe(true);
    }
  });
});
