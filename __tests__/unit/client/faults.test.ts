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

  it('lists ten problems of an input, and the number of the others', () => {
    const many = Array.from({ length: 1000 }, (_, at): [string, string] => ['a', `${at}`]);
    const lines = messageOf([...many, ['b', 'x']]).split('\n');
    expect([lines.length, lines[0], ...lines.slice(-3)]).toEqual([
      13,
      '12 bad inputs:',
      '- a: 9',
      '- a: and 990 more',
      '- b: x',
    ]);
  });
});
