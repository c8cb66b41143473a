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

describe('InputError', () => {
  it('InputError is thrown only if an input has a problem, and has one line for one problem', () => {
    expect(messageOf([])).toBe('');
    expect(messageOf([['a', 'is bad', 'a (from A)']])).toBe('Bad input: a (from A): is bad');
  });

  it('lists problems in the order of the inputs, and then those of other inputs as they were reported', () => {
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

  it('lists the first ten problems of each input before the others if there are more than 25', () => {
    const many = Array.from({ length: 100 }, (_, at): [string, string] => ['a', `${at}`]);
    const lines = messageOf([...many, ['b', 'x']]).split('\n');
    expect(lines[0]).toBe('101 bad inputs:');
    expect(lines.slice(10, 13)).toEqual(['- a: 9', '- b: x', '- a: 10']);
    expect(lines.at(-1)).toBe('- a: 99');
    expect(lines).toHaveLength(102);
    const some = messageOf([...many.slice(0, 24), ['b', 'x']]).split('\n');
    expect(some).toHaveLength(26);
    expect(some.slice(-2)).toEqual(['- a: 23', '- b: x']);
  });
});
