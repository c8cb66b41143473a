// Checks what the action assumes about Scalekit, and prints a table: what holds, what does not, and what was seen. With
// the four SCALEKIT_* variables it asks that environment, in the organization that they name. It makes a few clients there
// and removes them. Without any of them it asks the emulator. `--real` never asks the emulator, and `--emulator` ignores
// the variables.
//
// Exit code: 0 if all that the action needs holds; 1 if not, or if a client could not be removed; 2 if a variable is
// missing or wrong; 129, 130 or 143 if SIGHUP, SIGINT or SIGTERM ended the run early and everything was removed.

import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { Redactor } from '../contract/redactor.ts';
import { ContractRun, isFulfilled, type Result } from '../contract/run.ts';
import { namedEnvironment, readSettings } from '../contract/settings.ts';
import { closingLines, summaryRows, tableLines } from '../contract/table.ts';
import { cell, writeSummary } from '../src/output/summary.ts';

const { values } = parseArgs({
  options: { real: { type: 'boolean', default: false }, emulator: { type: 'boolean', default: false } },
});
const redactor = new Redactor();
// A reader that ends early must not end the run: it has clients to remove.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
const exitCode = await main().catch((error) => {
  console.error(redactor.clean(error instanceof Error ? error.message : String(error)));
  return 1;
});
await new Promise((resolve) => process.stdout.write('', resolve));
// Ends timers of requests that were given up.
process.exit(exitCode);

async function main(): Promise<number> {
  const { isNamed, missing } = namedEnvironment(process.env);
  if (values.real || (isNamed && !values.emulator)) {
    if (missing.length === 0) return await check(process.env, `${process.env.SCALEKIT_ENVIRONMENT_URL}`);
    return refuse([`Missing: ${missing.join(', ')}. Set all four, or none to ask the emulator.`]);
  }
  const { startEmulator } = await import('../emulator/index.ts');
  const emulator = await startEmulator();
  try {
    const scopes = 'deploy:applications read:deployments';
    const env = { ...process.env, ...emulator.variables, SCALEKIT_CONTRACT_SCOPES: scopes };
    return await check(env, 'the emulator');
  } finally {
    await emulator.close();
  }
}

/** Runs the checks, prints the table, and returns the exit code. */
async function check(env: NodeJS.ProcessEnv, name: string): Promise<number> {
  redactor.addSecret(env.SCALEKIT_CLIENT_SECRET ?? '', [env.SCALEKIT_CLIENT_ID ?? '']);
  const { settings, problems } = readSettings(env);
  if (problems.length > 0) return refuse(problems);
  const run = new ContractRun(settings, redactor);
  const stopped = stopOnSignals(run);
  print([`What the action assumes about Scalekit, checked against ${redactor.clean(name)}:`, '']);
  const result = await run.run();
  print(tableLines(result, redactor));
  summarize(result, name);
  if (result.remaining.length > 0) return 1;
  const signal = stopped();
  if (signal) return 128 + constants.signals[signal];
  return isFulfilled(result) ? 0 : 1;
}

/** Makes signals end the run early. Returns a function that returns the first signal that came. */
function stopOnSignals(run: ContractRun): () => 'SIGINT' | 'SIGTERM' | 'SIGHUP' | undefined {
  let first: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      print([`${signal}: asking nothing more, and removing what was made.`]);
      first ??= signal;
      run.stop();
    });
  }
  return () => first;
}

/** Writes the table into the job summary, if there is one. */
function summarize(result: Result, name: string): void {
  if (!process.env.GITHUB_STEP_SUMMARY) return;
  const head = ['Verdict', 'Use', 'Assumption', 'Seen'].map((data) => ({ data, header: true }));
  const closing = closingLines(result, redactor).map((line) => [{ data: cell([line]), colspan: '4' }]);
  const title = `What the action assumes about Scalekit: ${cell([redactor.clean(name)])}`;
  writeSummary(title, [head, ...summaryRows(result, redactor, cell), ...closing]);
}

function refuse(problems: string[]): number {
  for (const problem of problems) console.error(redactor.redact(problem));
  return 2;
}

function print(lines: string[]): void {
  console.log(lines.join('\n'));
}
