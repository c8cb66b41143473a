import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ListError, shorten } from '../../../src/output/annotation.ts';

const printed = (lines: string[]) => lines.join('%0A').replace(/%(?!0A)/g, '%25');
const CUT = ' … (the log above has the whole text) … ';

describe('a message that is too long', () => {
  it('is cut in the middle of its longest line', () => {
    const call = `To remove it by hand: DELETE https://acme.example/${'c'.repeat(600)}`;
    const lines = ['It failed.', `a${'b'.repeat(9_000)}c`, call];
    const short = shorten(lines);
    expect([short[0], short[2]]).toEqual([lines[0], call]);
    expect(short[1]).toMatch(new RegExp(`^ab+${CUT.replace(/[()]/g, '\\$&')}b+c$`));
    expect(printed(short).length).toBe(3950);
  });

  it('is not cut more than it has to be', () => {
    const short = shorten(['a'.repeat(3_000), 'b'.repeat(1_500)]);
    expect([short[0]?.length, short[1]?.length]).toEqual([3950 - 1500 - 3, 1500]);
  });

  it('loses lines in the middle if it has too many', () => {
    const lines = Array.from({ length: 40 }, (_, at) => `${at}`.padStart(300, '.'));
    const short = shorten(lines);
    const at = short.indexOf(`and ${41 - short.length} more, listed in the log`);
    expect(at).toBeGreaterThan(5);
    expect([...short.slice(0, at), ...short.slice(at + 1)].every((line) => lines.includes(line))).toBe(true);
    expect(short.at(-1)).toBe(lines.at(-1));
    expect(printed(short).length).toBeLessThan(3951);
  });

  it('holds no half of a character', () => {
    for (const start of ['', 'x']) {
      const [line = ''] = shorten([`${start}${'\u{1f600}'.repeat(3_000)}`]);
      expect([line.isWellFormed(), line.includes(CUT)]).toEqual([true, true]);
    }
  });
});

describe('an error about several things', () => {
  const entry = fc.oneof(fc.string({ maxLength: 50 }), fc.string({ minLength: 500, maxLength: 3_000, unit: 'binary' }));

  it('has all of them, or counts the others and keeps all for the log', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 60 }), (texts) => {
        const entries = texts.map((text) => text.replace(/[\r\n]/g, ''));
        const { message, allEntries } = new ListError(entries, 'Title:');
        const [title, ...lines] = message.split('\n');
        expect([title, printed(lines).length < 3_600]).toEqual(['Title:', true]);
        if (allEntries.length === 0) expect(lines).toEqual(entries);
        else expect(allEntries).toEqual(entries);
        const [, omitted = 0] = /^and (\d+) more, listed in the log$/.exec(lines.at(-1) ?? '') ?? [];
        expect(lines.length - (omitted ? 1 : 0) + Number(omitted)).toBe(entries.length);
      }),
    );
  });
});
