import { beforeEach, describe, expect } from '@jest/globals';
import { parseMarker } from '../../src/client/marker.ts';
import { clientIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { sentTo } from '../support/requests.ts';
import { it, run } from './runner.ts';

const emulator = useEmulator();

/** Returns the client ids in the lines that begin with `start`, in the order of the log. */
const idsIn = (lines: string[], start: string) =>
  lines.flatMap((line) => (line.startsWith(start) ? (line.match(/m2morg_\d+/g) ?? []) : []));

it('deletes the client of a job that fails later, and keeps the persistent client', async () => {
  const { exitCode, log, lines } = await run(emulator, 'failing');
  expect(exitCode).toBe(1);
  expect(log).toContain('Job failed');
  const [first = '', second = ''] = idsIn(lines, 'Created client');
  expect(idsIn(lines, 'Deleted client')).toEqual([first]);
  expect(clientIds(emulator)).toEqual([second]);
});

it('deletes the clients of two uses in a job, the last one first', async () => {
  const { exitCode, lines } = await run(emulator, 'twice');
  expect(exitCode).toBe(0);
  const [first = '', second = ''] = idsIn(lines, 'Created client');
  expect(first).not.toBe(second);
  expect(idsIn(lines, 'made')).toEqual([first, second]);
  expect(idsIn(lines, 'Deleted client')).toEqual([second, first]);
  expect(emulator.clients()).toEqual([]);
});

describe('twelve jobs of a matrix at the same time', () => {
  const ENVIRONMENTS = Array.from({ length: 12 }, (_, at) => `stage-${at + 1}`).sort();
  const WORKING = 'The credentials get a token: 200';

  // Each create request waits until all jobs have sent theirs.
  beforeEach(() => {
    const arrived = Promise.withResolvers<void>();
    let creates = 0;
    emulator.hold = async (when, { operation }) => {
      if (when !== 'before' || operation !== 'createClient') return;
      if (++creates === ENVIRONMENTS.length) arrived.resolve();
      await arrived.promise;
    };
  });

  it('creates a client for each of twelve jobs at the same time, and deletes all of them', async () => {
    const { exitCode, lines } = await run(emulator, 'matrix', { vars: { LIFETIME: 'job' } });
    expect(exitCode).toBe(0);
    const made = new Set(idsIn(lines, 'made'));
    expect(made.size).toBe(12);
    expect(sentTo(emulator, 'createClient')).toHaveLength(12);
    expect(lines.filter((line) => line === WORKING)).toHaveLength(12);
    expect(new Set(idsIn(lines, 'Deleted client'))).toEqual(made);
    expect(emulator.clients()).toEqual([]);
  });

  it('creates the persistent client of each environment for twelve jobs at the same time', async () => {
    const { exitCode, lines } = await run(emulator, 'matrix', { vars: { LIFETIME: 'persistent' } });
    expect(exitCode).toBe(0);
    const clients = emulator.clients();
    const environments = clients.map(
      ({ custom_claims = [] }) => custom_claims.find(({ key }) => key === 'environment')?.value,
    );
    expect(environments.sort()).toEqual(ENVIRONMENTS);
    expect(new Set(clients.map(({ description = '' }) => parseMarker(description)?.key)).size).toBe(12);
    expect(new Set(idsIn(lines, 'made')).size).toBe(12);
    expect(lines.filter((line) => line === WORKING)).toHaveLength(12);
  });
});

describe('a step that fails with continue-on-error', () => {
  const NO_OUTPUTS = 'The step is a failure, its conclusion success, and it said "".';

  it('sets no output if a step with continue-on-error has a bad input, and the job continues', async () => {
    const { exitCode, lines } = await run(emulator, 'tolerated', { job: 'input' });
    expect({ exitCode, lastLine: lines.at(-1) }).toEqual({ exitCode: 0, lastLine: NO_OUTPUTS });
    expect(emulator.requests).toEqual([]);
  });

  it.each([
    ['to create a client', 'createClient'],
    ['the new credentials', 'token'],
  ] as const)('deletes everything if Scalekit refuses %s in a step with continue-on-error', async (_, operation) => {
    const where = ({ text }: { text: string }) => operation !== 'token' || text.includes('client_id=m2morg_');
    emulator.faults.add({ operation, where, fault: { kind: 'status', status: 403 } });
    const { exitCode, lines } = await run(emulator, 'tolerated', { job: 'refusal' });
    expect(exitCode).toBe(0);
    expect(lines).toContain(NO_OUTPUTS);
    expect(sentTo(emulator, 'createClient')).toHaveLength(1);
    expect(emulator.clients()).toEqual([]);
  });
});
