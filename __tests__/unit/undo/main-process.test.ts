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

/** Checks that a process has not ended. */
function expectRunning({ exitCode, signalCode }: ChildProcess): void {
  expect({ exitCode, signalCode }).toEqual({ exitCode: null, signalCode: null });
}

describe('thisProcess', () => {
  it('thisProcess returns the id of this process and the clock ticks from the start of the system to its start', () => {
    const { pid, started } = thisProcess() ?? {};
    expect({ pid, started }).toEqual({ pid: process.pid, started: startOf(process.pid) });
    const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    const secondsSinceBoot = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    const age = secondsSinceBoot - Number(started) / ticksPerSecond;
    expect(Math.abs(age - process.uptime())).toBeLessThan(5);
  });

  it('thisProcess returns no process if /proc does not show it', () => {
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

describe('a main that has ended', () => {
  afterEach(() => {
    expect(process.kill).not.toHaveBeenCalled();
  });

  it('counts main as ended if the state names no process', async () => {
    expect(await stopMain(undefined)).toBe('ended');
  });

  it('counts main as ended if no process has its id', async () => {
    const { child, main } = await shell('echo ready; exec sleep 60');
    child.kill('SIGKILL');
    await endOf(child);
    expect(await stopMain(main)).toBe('ended');
  });

  it('counts main as ended if it is a zombie, whose parent has not read its exit code', async () => {
    // The child ends only after the shell became a program that never reads it.
    const { line } = await shell(
      '(until [ "$(cat /proc/$$/comm)" = sleep ]; do sleep 0.01; done) & echo $!; exec sleep 60',
    );
    const pid = Number(line);
    while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await sleep(10);
    expect(await stopMain({ pid, started: startOf(pid) })).toBe('ended');
  });

  it.each<[what: string, other: (started: string) => string]>([
    ['started at another time', (started) => `${Number(started) - 1}`],
    ['started at a time that only begins with the same digits', (started) => started.slice(0, -1)],
    ['may have started at any time, because the record names none', () => ''],
  ])('counts main as ended, and sends no signal, if its id belongs to a process that %s', async (_what, other) => {
    const { child, main } = await shell('echo ready; exec sleep 60');
    expect(await stopMain({ pid: main.pid, started: other(main.started) })).toBe('ended');
    await sleep(50);
    expectRunning(child);
  });

  it.each([0, -1, Number.NaN])('counts main as ended if its id cannot belong to a process: %d', async (pid) => {
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

  it('waits for a main that needs some time to end after SIGINT', async () => {
    const { child, main } = await node("process.on('SIGINT', () => setTimeout(() => process.exit(1), 500))");
    const startedAt = performance.now();
    expect(await stopMain(main)).toBe('stopped');
    expect(performance.now() - startedAt).toBeGreaterThan(400);
    await endOf(child);
    expect(child.exitCode).toBe(1);
  });

  it('recognizes a main whose program has parentheses and letters of a process state in its name', async () => {
    const { child, main } = await node("process.title = ') Z 1 (x) X 2'");
    expect(readFileSync(`/proc/${main.pid}/stat`, 'utf8')).toContain(') Z 1 (x) X');
    expect(await stopMain(main)).toBe('stopped');
    expect(await endOf(child)).toBe('SIGINT');
  });

  it('reports that main still runs if it ignores SIGINT for seven seconds', async () => {
    const { child, main } = await node("process.on('SIGINT', () => {})");
    // A clock that advances by a second each time it is read.
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => {
      now += 1_000;
      return now;
    });
    expect(await stopMain(main)).toBe('running');
    expect(now).toBeGreaterThan(7_000);
    expect(now).toBeLessThanOrEqual(9_000);
    expectRunning(child);
    expect(jest.mocked(process.kill).mock.calls).toEqual([[main.pid, 'SIGINT']]);
  });

  it('reports at once that main still runs if it may not be signalled', async () => {
    const { main } = await shell('echo ready; exec sleep 60');
    jest.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    });
    const readClock = jest.spyOn(performance, 'now');
    expect(await stopMain(main)).toBe('running');
    expect(readClock).not.toHaveBeenCalled();
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
