import type { Redactor } from './redactor.ts';
import { isFulfilled, type Result, type Row } from './run.ts';

/** Returns the table as lines for a terminal: two for each assumption, and what the run ends with. */
export function tableLines(result: Result, redactor: Redactor): string[] {
  return [...result.rows.flatMap((row) => rowLines(row, redactor)), '', ...closingLines(result, redactor)];
}

function rowLines({ assumption, verdict, seen }: Row, redactor: Redactor): string[] {
  const use = assumption.needed ? 'needed' : 'used';
  const shown = verdict === 'does not hold' ? verdict.toUpperCase() : verdict;
  return [
    `${shown.padEnd(15)}${use.padEnd(8)}${assumption.id}: ${assumption.sentence.replaceAll('`', '')}`,
    `${' '.repeat(23)}seen: ${redactor.clean(seen)}`,
  ];
}

/** Returns what a run ends with: numbers, why it ended, what remains, and whether all that is needed holds. */
export function closingLines(result: Result, redactor: Redactor): string[] {
  const { rows, requests, seconds, ended, remaining } = result;
  const count = (verdict: Row['verdict']) => rows.filter((row) => row.verdict === verdict).length;
  const numbers = `${count('holds')} hold, ${count('does not hold')} do not hold, ${count('cannot tell')} cannot be told`;
  const broken = rows.filter(({ assumption, verdict }) => assumption.needed && verdict !== 'holds');
  return [
    `${numbers}. ${requests} requests in ${seconds} seconds.`,
    ...(ended ? [`Not everything was asked: ${redactor.clean(ended)}.`] : []),
    ...(remaining.length > 0
      ? remaining.map(({ reason, call }) => `${redactor.clean(reason)} ${redactor.redact(call)}`)
      : ['All clients that this run made are removed.']),
    isFulfilled(result)
      ? 'All that the action needs holds.'
      : `Needed, but not seen to hold: ${broken.map(({ assumption }) => assumption.id).join(', ')}.`,
  ];
}

/** Returns the rows of the job summary, as HTML. @param cell returns a text as HTML */
export function summaryRows(result: Result, redactor: Redactor, cell: (texts: string[]) => string): string[][] {
  return result.rows.map(({ assumption, verdict, seen }) => [
    verdict === 'holds' ? verdict : `<strong>${verdict}</strong>`,
    assumption.needed ? 'needed' : 'used',
    assumption.sentence.replace(/`([^`]+)`/g, '<code>$1</code>'),
    cell([redactor.clean(seen)]),
  ]);
}
