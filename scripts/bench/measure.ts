// Runs the cases of the benchmark and records for each its times, requests, connections and peak memory.

import type { Emulator } from '../../emulator/index.ts';
import { runProgram } from '../../emulator/runner.ts';
import type { Case } from './cases.ts';

/** A case with the results of its runs. */
export interface Measured extends Case {
  /** Duration of the process in milliseconds, for each counted run. */
  milliseconds: number[];
  /** Method and path of each request, without ids, sorted. They are the same in all runs. */
  requests: string[];
  /** The largest number of connections in one run. */
  connections: number;
  /** Peak memory in MiB, for each counted run; NaN if the case does not report it. */
  peak: number[];
}

/**
 * Measures cases. Each turn runs every case once, so that a machine that becomes slower affects all cases alike. The
 * first turn warms up the emulator and is not counted.
 * @param runs number of counted turns
 * @throws if a run does not do its job, or sends other requests than the run before
 */
export async function measure(cases: Case[], runs: number, emulator: Emulator): Promise<Measured[]> {
  const measured = cases.map((one): Measured => ({ ...one, milliseconds: [], requests: [], connections: 0, peak: [] }));
  for (let turn = 0; turn <= runs; turn++) {
    for (const one of measured) {
      try {
        await runOnce(one, emulator, turn > 0);
      } catch (error) {
        throw new Error(`${one.job} by ${one.by}, ${one.latency} ms, turn ${turn}`, { cause: error });
      }
    }
  }
  return measured;
}

/** Runs a case once and, if it is counted, adds the results to its measurements. */
async function runOnce(one: Measured, emulator: Emulator, counted: boolean): Promise<void> {
  emulator.faults.clear();
  emulator.clear();
  emulator.connectionDelay = 0;
  const step = await one.prepare();
  if (one.latency > 0) addLatency(emulator, one.latency);
  const outcome = await runProgram(step, one.command);
  const peak = Number(/^peak (\d+) KiB$/m.exec(outcome.stderr)?.[1]) / 1024;
  try {
    one.check(outcome);
  } catch (error) {
    throw new Error(`It says:\n${outcome.log}${outcome.stderr}`, { cause: error });
  }
  const requests = emulator.requests.map(({ method, path }) => `${method} ${withoutIds(path)}`).sort();
  if (counted && `${requests}` !== `${one.requests}`) throw new Error(`not as the run before: ${requests}`);
  one.requests = requests;
  one.connections = Math.max(one.connections, new Set(emulator.requests.map(({ connection }) => connection)).size);
  if (!counted) return;
  one.milliseconds.push(outcome.milliseconds);
  one.peak.push(peak);
}

/**
 * Delays every response by one round trip, and every new connection by two: one for TCP and one for TLS 1.3. Resuming a
 * TLS session without early data saves none (RFC 8446, section 2.2).
 */
function addLatency(emulator: Emulator, latency: number): void {
  emulator.faults.add({ operation: '*', fault: { kind: 'delay', ms: latency } });
  emulator.connectionDelay = 2 * latency;
}

function withoutIds(path: string): string {
  return path.replace(/\b(org|m2morg)_\d+/g, '$1');
}

/** Returns the median, or NaN for an empty list. */
export function median(numbers: number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}
