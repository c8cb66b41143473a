import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import { parseMarker } from '../../src/client/marker.ts';
import { sentTo } from '../support/action.ts';
import { it, run } from './runner.ts';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const environments = () =>
  emulator.clients().map(({ custom_claims = [] }) => custom_claims.find(({ key }) => key === 'environment')?.value);
/** Returns the client ids in the lines that begin with `what`, in the order of the log. */
const idsIn = (said: string[], what: string) =>
  said.flatMap((line) => (line.startsWith(what) ? (line.match(/m2morg_\d+/g) ?? []) : []));

describe('the post step', () => {
  it('deletes the client of a job that fails later, and keeps the persistent one', async () => {
    const { exitCode, log, said } = await run(emulator, 'failing');
    expect([exitCode, log]).toEqual([1, expect.stringContaining('Job failed')]);
    const [first = '', second = ''] = idsIn(said, 'Created client');
    expect(idsIn(said, 'Deleted client')).toEqual([first]);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([second]);
  });

  it('cleans up after each of two uses in a job, the last one first', async () => {
    const { exitCode, said } = await run(emulator, 'twice');
    const [first = '', second = ''] = idsIn(said, 'Created client');
    expect([exitCode, idsIn(said, 'made')]).toEqual([0, [first, second]]);
    expect([first === second, idsIn(said, 'Deleted client')]).toEqual([false, [second, first]]);
    expect(emulator.clients()).toEqual([]);
  });
});

describe('twelve jobs of a matrix at once', () => {
  const LEGS = Array.from({ length: 12 }, (_, at) => `stage-${at + 1}`).sort();

  beforeEach(() => {
    const arrived = Promise.withResolvers<void>();
    let creates = 0;
    emulator.hold = async (when, { operation }) => {
      if (when !== 'before' || operation !== 'createClient') return;
      if (++creates === LEGS.length) arrived.resolve();
      await arrived.promise;
    };
  });

  it('each get a client of their own, of which none remains', async () => {
    const { exitCode, said } = await run(emulator, 'matrix', { vars: { LIFETIME: 'job' } });
    const made = new Set(idsIn(said, 'made'));
    expect([exitCode, made.size, sentTo(emulator, 'createClient').length]).toEqual([0, 12, 12]);
    expect(said.filter((line) => line === 'The credentials get a token: 200')).toHaveLength(12);
    expect(new Set(idsIn(said, 'Deleted client'))).toEqual(made);
    expect(emulator.clients()).toEqual([]);
  });

  it('each get the persistent client of their environment', async () => {
    const { exitCode, said } = await run(emulator, 'matrix', { vars: { LIFETIME: 'persistent' } });
    expect([exitCode, environments().sort()]).toEqual([0, LEGS]);
    const keys = emulator.clients().map(({ description = '' }) => parseMarker(description)?.key);
    expect([new Set(keys).size, new Set(idsIn(said, 'made')).size]).toEqual([12, 12]);
    expect(said.filter((line) => line === 'The credentials get a token: 200')).toHaveLength(12);
  });
});

describe('a step that fails with continue-on-error', () => {
  const nothing = 'The step is a failure, its conclusion success, and it said "".';

  it('because of a bad input lets the job go on, without outputs', async () => {
    const { exitCode, said } = await run(emulator, 'tolerated', { job: 'input' });
    expect([exitCode, said.at(-1), emulator.requests]).toEqual([0, nothing, []]);
  });

  it.each([
    ['refuses to make a client', 'createClient'],
    ['refuses the credentials that it created', 'token'],
  ] as const)('because the API %s lets the job go on, and leaves nothing behind', async (_, operation) => {
    const where = ({ text }: { text: string }) => operation !== 'token' || text.includes('client_id=m2morg_');
    emulator.faults.add({ operation, where, fault: { kind: 'status', status: 403 } });
    const { exitCode, said } = await run(emulator, 'tolerated', { job: 'refusal' });
    expect([exitCode, said]).toEqual([0, expect.arrayContaining([nothing])]);
    expect(sentTo(emulator, 'createClient')).toHaveLength(1);
    expect(emulator.clients()).toEqual([]);
  });
});
