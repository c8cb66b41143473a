import type { Emulator } from '../../emulator/index.ts';
import { runProgram } from '../../emulator/runner.ts';
import type { Case } from './cases.ts';

/** What the runs of a case came to. */
export interface Measured extends Case {
  milliseconds: number[];
  /** Method and path of each request, sorted; the same in all runs. */
  requests: string[];
  connections: number;
  /** MiB; NaN where it was not asked for. */
  peak: number[];
}

/**
 * Runs all cases in turn, and that again and again, so that a machine that slows down does so for each of them. The first
 * turn is not counted: it warms the emulator up.
 * @throws where a run does not do its job, or makes other requests than the run before
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

async function runOnce(one: Measured, emulator: Emulator, counted: boolean): Promise<void> {
  emulator.faults.clear();
  emulator.clear();
  const step = await one.prepare();
  if (one.latency > 0) emulator.faults.add({ operation: '*', fault: { kind: 'delay', ms: one.latency } });
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

function withoutIds(path: string): string {
  return path.replace(/\b(org|m2morg)_\d+/g, '$1');
}

export function median(numbers: number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}
