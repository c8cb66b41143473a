import { describe, expect, it } from '@jest/globals';
import { fitAnnotation } from '../../../src/output/annotation.ts';

const printed = (lines: string[]) => lines.join('%0A').replace(/%(?!0A)/g, '%25');
const CUT = ' … (the log above has the whole text) … ';

describe('a message that is too long', () => {
  it('is cut in the middle of its longest line', () => {
    const call = `To remove it by hand: DELETE https://acme.example/${'c'.repeat(600)}`;
    const lines = ['It failed.', `a${'b'.repeat(9_000)}c`, call];
    const short = fitAnnotation(lines);
    expect([short[0], short[2]]).toEqual([lines[0], call]);
    expect(short[1]).toMatch(new RegExp(`^ab+${CUT.replace(/[()]/g, '\\$&')}b+c$`));
    expect(printed(short).length).toBe(3950);
  });

  it('is not cut more than it has to be', () => {
    const short = fitAnnotation(['a'.repeat(3_000), 'b'.repeat(1_500)]);
    expect([short[0]?.length, short[1]?.length]).toEqual([3950 - 1500 - 3, 1500]);
  });

  it('loses lines in the middle if it has too many', () => {
    const lines = Array.from({ length: 40 }, (_, at) => `${at}`.padStart(300, '.'));
    const short = fitAnnotation(lines);
    const at = short.indexOf(`and ${41 - short.length} more, listed in the log`);
    expect(at).toBeGreaterThan(5);
    expect([...short.slice(0, at), ...short.slice(at + 1)].every((line) => lines.includes(line))).toBe(true);
    expect(short.at(-1)).toBe(lines.at(-1));
    expect(printed(short).length).toBeLessThan(3951);
  });

  it('holds no half of a character', () => {
    for (const start of ['', 'x']) {
      const [line = ''] = fitAnnotation([`${start}${'\u{1f600}'.repeat(3_000)}`]);
      expect([line.isWellFormed(), line.includes(CUT)]).toEqual([true, true]);
    }
  });
});
