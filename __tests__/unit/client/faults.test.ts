import { describe, expect, it } from '@jest/globals';
import { Faults, type InputError } from '../../../src/client/faults.ts';

/** Returns the message of the error about these problems of these inputs. */
function messageOf(problems: [input: string, problem: string, label?: string][], order?: string[]): string {
  const faults = new Faults(order);
  for (const [input, problem, label] of problems) faults.report(input, label)(problem);
  try {
    faults.finish();
    return '';
  } catch (error) {
    return (error as InputError).message;
  }
}

describe('the error about bad inputs', () => {
  it('is missing if there is no problem, and one line if there is one', () => {
    expect(messageOf([])).toBe('');
    expect(messageOf([['a', 'is bad', 'a (from A)']])).toBe('Bad input: a (from A): is bad');
  });

  it('lists the problems in the order of the inputs, and others after them as they were reported', () => {
    const problems: [string, string, string?][] = [
      ['Z', '1'],
      ['c', '2'],
      ['a', '3'],
      ['Y', '4'],
      ['c', '5', 'cc'],
      ['Z', '6'],
    ];
    expect(messageOf(problems, ['a', 'b', 'c']).split('\n')).toEqual([
      '6 bad inputs:',
      '- a: 3',
      '- c: 2',
      '- cc: 5',
      '- Z: 1',
      '- Z: 6',
      '- Y: 4',
    ]);
  });

  it('lists the first ten problems of each input before others', () => {
    const many = Array.from({ length: 1000 }, (_, at): [string, string] => ['a', `${at}`]);
    const lines = messageOf([...many, ['b', 'x']]).split('\n');
    expect(lines[0]).toBe('1001 bad inputs:');
    expect(lines.slice(10, 13)).toEqual(['- a: 9', '- b: x', '- a: 10']);
    expect(lines.at(-1)).toBe('- a: 999');
    expect(lines).toHaveLength(1002);
    const some = messageOf([...many.slice(0, 24), ['b', 'x']]).split('\n');
    expect([some.length, ...some.slice(-2)]).toEqual([26, '- a: 23', '- b: x']);
  });
});
