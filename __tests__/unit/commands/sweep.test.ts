import { describe, expect, it, jest } from '@jest/globals';
import { formatMarker } from '../../../src/client/marker.ts';
import { findJobClients, judgeByAge, judgeByRun } from '../../../src/commands/sweep.ts';
import type { WorkflowRun } from '../../../src/github/api.ts';
import { readRunner } from '../../../src/github/runner.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import { DAY_NS } from '../../support/times.ts';
import { FakeTransport, json, MARKER } from '../fixtures.ts';
import { RUNNER } from '../input-fixtures.ts';

const NOW = 1_795_000_000_000_000_000n;
/** When the run of a client ended. */
const END = Date.UTC(2026, 10, 1);
const marker = { ...MARKER, run: '100.2', lifetime: 'job' } as const;

describe('judgeByAge', () => {
  /** Judges a client that is this old. @param thisRun the run that sweeps */
  const judge = (age: bigint | undefined, thisRun = '7.1') =>
    judgeByAge(marker, age === undefined ? undefined : NOW - age, NOW, thisRun);

  it.each<[age: string, bigint]>([
    ['35 days and a nanosecond', 35n * DAY_NS + 1n],
    ['a year', 365n * DAY_NS],
  ])('judgeByAge says that the job is over after %s', (_age, age) => {
    expect(judge(age)).toEqual({ isOver: true, why: 'it is older than 35 days, and no run lasts longer' });
  });

  it.each<[age: string, bigint]>([
    ['a day', DAY_NS],
    ['36 days', 36n * DAY_NS],
  ])('judgeByAge says that the job of the run that sweeps is not over after %s', (_age, age) => {
    expect(judge(age, '100.2')).toEqual({ isOver: false, why: 'this run created it' });
  });

  it.each<[age: string, bigint | undefined]>([
    ['is exactly 35 days', 35n * DAY_NS],
    ['is a day', DAY_NS],
    ['is negative, because the clocks differ', -DAY_NS],
    ['is unknown', undefined],
  ])('judgeByAge leaves the decision to GitHub if the age %s', (_age, age) => {
    expect(judge(age)).toBeUndefined();
  });

  it.each<[what: string, thisRun: string]>([
    ['a later attempt of the same run', '100.3'],
    ['an attempt whose number begins with the same digit', '100.21'],
    ['a run whose number ends with the same digits', '00.2'],
  ])('judgeByAge leaves the decision to GitHub if the sweep runs in %s', (_what, thisRun) => {
    expect(judge(DAY_NS, thisRun)).toBeUndefined();
  });
});

describe('judgeByRun', () => {
  it.each<[what: string, WorkflowRun, why: string]>([
    ['its run is completed', { status: 'completed', run_attempt: 2 }, 'its run is completed'],
    ['a later attempt of its run is in progress', { status: 'in_progress', run_attempt: 3 }, 'in attempt 3 now'],
    ['an attempt whose number has more digits is queued', { status: 'queued', run_attempt: 10 }, 'in attempt 10 now'],
    [
      'its run is completed and its server numbers no attempts',
      { status: 'completed', run_attempt: undefined },
      'its run is completed',
    ],
  ])('judgeByRun says that a job is over if %s', (_what, workflowRun, why) => {
    const verdict = judgeByRun({ client_id: 'm2morg_1', marker, create_time: undefined }, workflowRun);
    expect(verdict).toMatchObject({ isOver: true, why: expect.stringContaining(why) });
  });

  it.each<[what: string, WorkflowRun | undefined, why: string]>([
    ['its run is in progress', { status: 'in_progress', run_attempt: 2 }, 'its run is in_progress in attempt 2'],
    ['its run is queued', { status: 'queued', run_attempt: 2 }, 'its run is queued in attempt 2'],
    ['its run has a status that GitHub does not document', { status: '', run_attempt: 2 }, 'its run is  in attempt 2'],
    [
      'GitHub knows only an earlier attempt',
      { status: 'completed', run_attempt: 1 },
      'its run is completed in attempt 1',
    ],
    [
      'its run is in progress and its server numbers no attempts',
      { status: 'running', run_attempt: undefined },
      'its run is running in attempt 2',
    ],
    ['GitHub does not show its run', undefined, 'GitHub does not show its run, so the run may not have ended'],
  ])('judgeByRun says that a job is not over if %s', (_what, workflowRun, why) => {
    const verdict = judgeByRun({ client_id: 'm2morg_1', marker, create_time: undefined }, workflowRun);
    expect(verdict).toMatchObject({ isOver: false, why: expect.stringContaining(why) });
  });

  /** Judges a client of a completed run. @param minutes from the end of the run to the creation of the client */
  function judgeCreated(minutes: number | undefined, updated_at: number | undefined) {
    const create_time = minutes === undefined ? undefined : BigInt(END + minutes * 60_000) * 1_000_000n;
    const workflowRun = { status: 'completed', run_attempt: 2, updated_at };
    return judgeByRun({ client_id: 'm2morg_1', marker, create_time }, workflowRun);
  }

  it.each<[what: string, minutes: number | undefined, updated_at: number | undefined]>([
    ['before its run ended', -5, END],
    ['an hour after its run ended', 60, END],
    ['at an unknown time', undefined, END],
    ['after a run whose end is unknown', 61, undefined],
  ])('judgeByRun says that a job is over if its client was created %s', (_what, minutes, updated_at) => {
    expect(judgeCreated(minutes, updated_at)).toEqual({ isOver: true, why: 'its run is completed' });
  });

  it('judgeByRun keeps a client that was created more than an hour after its run ended, with a warning about a copy', () => {
    expect(judgeCreated(61, END)).toMatchObject({ isOver: false, warning: expect.stringContaining('so it is a copy') });
  });
});

it.each<[what: string, fields: object, warning: string]>([
  [
    'two different ownership markers',
    { description: `${formatMarker(marker)}\n${formatMarker({ ...marker, run: '101.1' })}` },
    'Clients with several different ownership markers: m2morg_1.',
  ],
  [
    'a claim that contradicts its ownership marker',
    { description: formatMarker(marker), custom_claims: [{ key: 'github_repository_id', value: '99' }] },
    'Clients whose claim github_repository_id contradicts their ownership marker, or whose claims cannot be read: m2morg_1.',
  ],
])('findJobClients skips a client with %s, and names it in a warning', async (_what, fields, warning) => {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const transport = new FakeTransport(() => json({ clients: [{ client_id: 'm2morg_1', name: 'a', ...fields }] }));
  const scalekit = new Scalekit(transport, 'https://acme.scalekit.com', 'org_1');
  expect(await findJobClients(scalekit, readRunner(RUNNER))).toEqual([]);
  expect(write.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining(`::warning::${warning} `)]);
  write.mockRestore();
});

it('findJobClients skips a client of a job that cannot be parsed, with a warning', async () => {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const description = formatMarker(marker);
  const clients = [
    { client_id: 'm2morg_1', description },
    { client_id: 'm2morg_2', description, secrets: 'sks_1' },
    { client_id: 'm2morg_3', description: formatMarker({ ...marker, lifetime: 'persistent' }) },
  ];
  const transport = new FakeTransport(() => json({ clients }));
  const found = await findJobClients(new Scalekit(transport, 'https://acme.scalekit.com', 'org_1'), readRunner(RUNNER));
  expect(found.map(({ client_id }) => client_id)).toEqual(['m2morg_1']);
  expect(write.mock.calls.map(([text]) => text)).toEqual([
    expect.stringMatching(
      /^::warning::Client m2morg_2 is not deleted: client m2morg_2 is not readable: secrets is not a list/,
    ),
  ]);
  write.mockRestore();
});
