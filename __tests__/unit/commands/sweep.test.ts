import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeByAge, judgeByRun } from '../../../src/commands/sweep.ts';
import type { WorkflowRun } from '../../../src/github/api.ts';
import { MARKER } from '../fixtures.ts';

const NOW = 1_795_000_000_000_000_000n;
const DAY = 24n * 3_600_000_000_000n;
const marker = { ...MARKER, run: '100.2', lifetime: 'job' } as const;

describe('by the age of the client, its job', () => {
  it.each<[what: string, age: bigint | undefined, thisRun: string, isOver: boolean | undefined]>([
    ['is over after more than 35 days', 35n * DAY + 1n, '7.1', true],
    ['is over after a year', 365n * DAY, '7.1', true],
    ["is GitHub's to say after 35 days to the nanosecond", 35n * DAY, '7.1', undefined],
    ["is GitHub's to say before", DAY, '7.1', undefined],
    ["is GitHub's to say if it is of the future", -DAY, '7.1', undefined],
    ["is GitHub's to say if no age is known", undefined, '7.1', undefined],
    ['is not over if it is this very run', DAY, '100.2', false],
    ['is not over if it is this very run, however old', 36n * DAY, '100.2', false],
    ["is GitHub's to say if it is an earlier attempt of this run", DAY, '100.3', undefined],
    ["is GitHub's to say if this run only begins with its number", DAY, '100.21', undefined],
    ["is GitHub's to say if its run only begins with this one's number", DAY, '100.', undefined],
    ["is GitHub's to say if its run only ends with this one's number", DAY, '00.2', undefined],
  ])('%s', (_what, age, thisRun, isOver) => {
    const verdict = judgeByAge(marker, age === undefined ? undefined : NOW - age, NOW, thisRun);
    expect(verdict?.isOver).toBe(isOver);
    expect(verdict?.why ?? 'why').not.toBe('');
  });

  it('is never over, without GitHub, before 35 days have passed', () => {
    const time = fc.option(fc.bigInt({ min: NOW - 35n * DAY, max: NOW + DAY }), { nil: undefined });
    fc.assert(
      fc.property(time, fc.constantFrom('100.1', '100.2', '100.3', '7.1'), (create_time, thisRun) => {
        expect(judgeByAge(marker, create_time, NOW, thisRun)?.isOver ?? false).toBe(false);
      }),
    );
  });
});

describe('by what GitHub says, the job of a client', () => {
  it.each<[string, WorkflowRun | undefined, isOver: boolean, why: string]>([
    ['is over if the run is completed', { status: 'completed', run_attempt: 2 }, true, 'its run is completed'],
    ['is over if a later attempt runs', { status: 'in_progress', run_attempt: 3 }, true, 'its run is in attempt 3 now'],
    ['is over if a later attempt waits', { status: 'queued', run_attempt: 10 }, true, 'in attempt 10 now'],
    ['is over if a later attempt is completed', { status: 'completed', run_attempt: 3 }, true, 'in attempt 3 now'],
    ...['in_progress', 'queued', 'waiting', 'requested', 'pending', '', 'Completed'].map(
      (status): [string, WorkflowRun, boolean, string] => [
        `is not over if the run is ${status || 'in no state'}`,
        { status, run_attempt: 2 },
        false,
        `its run is ${status} in attempt 2`,
      ],
    ),
    [
      'is not over if GitHub is behind and only knows an earlier attempt',
      { status: 'completed', run_attempt: 1 },
      false,
      'its run is completed in attempt 1',
    ],
    [
      'is over if the run is completed and its attempts are not numbered',
      { status: 'completed', run_attempt: undefined },
      true,
      'its run is completed',
    ],
    [
      'is not over if the run goes on and its attempts are not numbered',
      { status: 'running', run_attempt: undefined },
      false,
      'its run is running in attempt 2',
    ],
    [
      'is not over if GitHub shows no such run',
      undefined,
      false,
      'GitHub does not show its run, so the run may not have ended',
    ],
  ])('%s', (_what, workflowRun, isOver, why) => {
    const verdict = judgeByRun({ client_id: 'm2morg_1', marker, create_time: undefined }, workflowRun);
    expect(verdict.isOver).toBe(isOver);
    expect(verdict.why).toContain(why);
  });

  it.each<[what: string, minutes: number | undefined, updated_at: number | undefined, isOver: boolean]>([
    ['before its run ended', -5, Date.UTC(2026, 10, 1), true],
    ['an hour after its run ended', 60, Date.UTC(2026, 10, 1), true],
    ['more than an hour after its run ended, which is a copy', 61, Date.UTC(2026, 10, 1), false],
    ['at an unknown time', undefined, Date.UTC(2026, 10, 1), true],
    ['after a run whose end is not known', 61, undefined, true],
  ])('was created %s', (_what, minutes, updated_at, isOver) => {
    const create_time =
      minutes === undefined ? undefined : BigInt(Date.UTC(2026, 10, 1) + minutes * 60_000) * 1_000_000n;
    const verdict = judgeByRun(
      { client_id: 'm2morg_1', marker, create_time },
      { status: 'completed', run_attempt: 2, updated_at },
    );
    expect(verdict.isOver).toBe(isOver);
    expect(verdict.warning !== undefined).toBe(!isOver);
  });

  it('goes by the number of an attempt, not by its digits', () => {
    const attempts = fc.integer({ min: 1, max: 9999 });
    fc.assert(
      fc.property(attempts, attempts, (attempt, run_attempt) => {
        const { isOver } = judgeByRun(
          { client_id: 'm2morg_1', marker: { ...marker, run: `100.${attempt}` }, create_time: undefined },
          { status: 'in_progress', run_attempt },
        );
        expect(isOver).toBe(run_attempt > attempt);
      }),
    );
  });
});
