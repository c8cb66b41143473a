import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that main gets to end after SIGINT. A request in flight gets five seconds of it. */
const END_LIMIT = 7_000;

/** Milliseconds between two looks at the process. */
const POLL_INTERVAL = 100;

/** A process of this machine. Another process with the same id has another start time. */
export interface MainProcess {
  pid: number;
  /** Clock ticks between the start of the system and the start of the process. */
  started: string;
}

/** Returns this process, or undefined if the system has no `/proc`. */
export function thisProcess(): MainProcess | undefined {
  const started = processStart(process.pid);
  return started === undefined ? undefined : { pid: process.pid, started };
}

/**
 * Sends SIGINT to main if it still runs, and waits until it ends. In a job's container, a cancelled run does not signal
 * main: the runner starts the post step while main goes on.
 * @param main a process that a sealed state of this run names
 * @returns whether main had ended, was stopped, or still runs
 */
export async function stopMain(main: MainProcess | undefined): Promise<'ended' | 'stopped' | 'running'> {
  if (!main || !isRunning(main)) return 'ended';
  try {
    process.kill(main.pid, 'SIGINT');
  } catch {
    return isRunning(main) ? 'running' : 'stopped';
  }
  for (const until = performance.now() + END_LIMIT; performance.now() < until; ) {
    if (!isRunning(main)) return 'stopped';
    await sleep(POLL_INTERVAL);
  }
  return isRunning(main) ? 'running' : 'stopped';
}

function isRunning({ pid, started }: MainProcess): boolean {
  return processStart(pid) === started;
}

/**
 * Returns the start time of a process, or undefined if it has ended (proc_pid_stat(5), fields 3 and 22). The name of the
 * program, field 2, is in parentheses and may contain any character.
 */
function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return /^[ZX]/i.test(fields[0] ?? '') ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
