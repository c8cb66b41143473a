import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type MainProcess, stopMain, thisProcess } from '../../../src/undo/main-process.ts';

const children: ChildProcess[] = [];
beforeEach(() => {
  jest.spyOn(process, 'kill');
});
afterEach(() => {
  jest.restoreAllMocks();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Returns the start time of a process as `ps` would read it: the 20th field behind the name of its program. */
function startOf(pid: number): string {
  const [, fields = ''] = /^\d+ \(.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  return fields.trim().split(' ')[19] ?? '';
}

/** Starts a program that prints a first line as soon as it is ready. @returns the process, and what it printed */
async function start(
  command: string,
  ...args: string[]
): Promise<{ child: ChildProcess; main: MainProcess; line: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = await once(child.stdout, 'data');
  const { pid = 0 } = child;
  return { child, main: { pid, started: startOf(pid) }, line: String(line).trim() };
}

const shell = (script: string) => start('sh', '-c', script);
const node = (script: string) =>
  start(process.execPath, '-e', `${script}; setTimeout(() => {}, 60_000); console.log('ready')`);

/** Waits for a process to end. @returns the signal that ended it */
const endOf = async (child: ChildProcess): Promise<NodeJS.Signals | null> =>
  child.signalCode ?? (child.exitCode === null ? (await once(child, 'exit'))[1] : null);

describe('this process', () => {
  it('records this process with its id and the clock ticks from the start of the system to its own start', () => {
    const { pid, started } = thisProcess() ?? {};
    expect({ pid, started }).toEqual({ pid: process.pid, started: startOf(process.pid) });
    const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    const secondsSinceBoot = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    const age = secondsSinceBoot - Number(started) / ticksPerSecond;
    expect(Math.abs(age - process.uptime())).toBeLessThan(5);
  });

  it('records no process if the system does not show it in /proc', () => {
    const pid = Object.getOwnPropertyDescriptor(process, 'pid') ?? {};
    // No process has an id above the largest that Linux allows.
    Object.defineProperty(process, 'pid', { ...pid, value: 2 ** 22 + 1 });
    try {
      expect(thisProcess()).toBeUndefined();
    } finally {
      Object.defineProperty(process, 'pid', pid);
    }
  });
});

describe('a main that does not run any more', () => {
  afterEach(() => {
    expect(process.kill).not.toHaveBeenCalled();
  });

  it('counts main as ended if the state names no process', async () => {
    expect(await stopMain(undefined)).toBe('ended');
  });

  it('counts main as ended if there is no process with its id', async () => {
    const { child, main } = await shell('echo ready; exec sleep 60');
    child.kill('SIGKILL');
    await endOf(child);
    expect(await stopMain(main)).toBe('ended');
  });

  it('counts main as ended if it is a zombie, whose parent has not asked for its exit code', async () => {
    // The child ends only after the shell became a program that never asks for it.
    const { line } = await shell(
      '(until [ "$(cat /proc/$$/comm)" = sleep ]; do sleep 0.01; done) & echo $!; exec sleep 60',
    );
    const pid = Number(line);
    while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await sleep(10);
    expect(await stopMain({ pid, started: startOf(pid) })).toBe('ended');
  });

  it.each<[what: string, other: (started: string) => string]>([
    ['later', (started) => `${Number(started) - 1}`],
    ['earlier', (started) => `${Number(started) + 1}`],
    ['at a time that only begins like its own', (started) => started.slice(0, -1)],
    ['at any time, if the record names none', () => ''],
  ])(
    'counts main as ended, and signals nobody, if its id belongs to a process that started %s',
    async (_what, other) => {
      const { child, main } = await shell('echo ready; exec sleep 60');
      expect(await stopMain({ pid: main.pid, started: other(main.started) })).toBe('ended');
      await sleep(50);
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    },
  );

  it.each([0, -1, Number.NaN, 1.5, 2 ** 53])('counts main as ended if its id is not one: %d', async (pid) => {
    expect(await stopMain({ pid, started: '1' })).toBe('ended');
  });
});

describe('a main that still runs', () => {
  it('sends SIGINT once to a main that still runs, and waits for its end', async () => {
    const { child, main } = await shell('echo ready; exec sleep 60');
    expect(await stopMain(main)).toBe('stopped');
    expect(jest.mocked(process.kill).mock.calls).toEqual([[main.pid, 'SIGINT']]);
    expect(await endOf(child)).toBe('SIGINT');
  });

  it('waits some seconds for main to end after SIGINT', async () => {
    const { child, main } = await node("process.on('SIGINT', () => setTimeout(() => process.exit(1), 2_000))");
    const startedAt = performance.now();
    expect(await stopMain(main)).toBe('stopped');
    expect(performance.now() - startedAt).toBeGreaterThan(1_900);
    await endOf(child);
    expect(child.exitCode).toBe(1);
  });

  it('recognizes main whatever its program is called', async () => {
    const { child, main } = await node("process.title = ') Z 1 (x) X 2'");
    expect(readFileSync(`/proc/${main.pid}/stat`, 'utf8')).toContain(') Z 1 (x) X');
    expect(await stopMain(main)).toBe('stopped');
    expect(await endOf(child)).toBe('SIGINT');
  });

  it('leaves main running if it ignores SIGINT for seven seconds', async () => {
    const { child, main } = await node("process.on('SIGINT', () => {})");
    const startedAt = performance.now();
    expect(await stopMain(main)).toBe('running');
    const waited = performance.now() - startedAt;
    expect(waited).toBeGreaterThanOrEqual(7_000);
    expect(waited).toBeLessThan(9_000);
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    expect(jest.mocked(process.kill).mock.calls).toEqual([[main.pid, 'SIGINT']]);
  });

  it('leaves main running at once if it cannot be signalled', async () => {
    const { main } = await shell('echo ready; exec sleep 60');
    jest.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    });
    const startedAt = performance.now();
    expect(await stopMain(main)).toBe('running');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('counts main as stopped if it ends by itself before the signal', async () => {
    const { child, main } = await shell('echo ready; exec sleep 60');
    const ended = Promise.withResolvers<void>();
    jest.spyOn(process, 'kill').mockImplementation(() => {
      child.kill('SIGKILL');
      // Wait until the system shows it as a zombie, without a turn of the event loop, in which Node.js would reap it.
      while (!/\) Z /.test(readFileSync(`/proc/${main.pid}/stat`, 'utf8')));
      ended.resolve();
      throw Object.assign(new Error('kill ESRCH'), { code: 'ESRCH' });
    });
    expect(await stopMain(main)).toBe('stopped');
    await ended.promise;
  });
});
