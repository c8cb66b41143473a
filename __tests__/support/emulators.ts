import { afterAll, afterEach, beforeEach, it } from '@jest/globals';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../emulator/index.ts';

/**
 * Starts an emulator before each test of the file or the `describe` block that calls this function, and stops it after the
 * test.
 * @returns an object with the members of the emulator of the test that runs
 */
export function useEmulator(options: EmulatorOptions = {}): Emulator {
  let current: Emulator | undefined;
  const emulator = () => {
    if (!current) throw new Error('The emulator runs only during a test.');
    return current;
  };
  beforeEach(async () => {
    current = await startEmulator(options);
  });
  afterEach(async () => {
    await current?.close();
    current = undefined;
  });
  return new Proxy({} as Emulator, {
    get: (_, name) => Reflect.get(emulator(), name),
    set: (_, name, value) => Reflect.set(emulator(), name, value),
  });
}

/**
 * Returns a function that starts an emulator in a test. Each is stopped after the test. It is for tests that need several
 * emulators, or some with options.
 */
export function useEmulators(): (options?: EmulatorOptions) => Promise<Emulator> {
  const running: Emulator[] = [];
  afterEach(async () => void (await Promise.all(running.splice(0).map((emulator) => emulator.close()))));
  return async (options = {}) => {
    const emulator = await startEmulator(options);
    running.push(emulator);
    return emulator;
  };
}

/** Starts another emulator. Each test that runs concurrently with others needs one. */
export async function anotherEmulator(options: EmulatorOptions = {}): Promise<Emulator & AsyncDisposable> {
  const started = await startEmulator(options);
  return Object.assign(started, { [Symbol.asyncDispose]: () => started.close() });
}

/** How many of the tests that wait for seconds run at the same time. */
const CONCURRENT = 6;

/**
 * Returns a function that defines a test that waits for seconds. Each begins together with the next ones of the file, and
 * has an emulator of its own. `it.concurrent` does not work here: the emulator imports its GitHub modules in the middle of
 * a test, and Jest forbids imports after the first concurrent test has ended.
 */
export function useConcurrentTests(): (name: string, test: (emulator: Emulator) => Promise<void>) => void {
  const tests: ((emulator: Emulator) => Promise<void>)[] = [];
  const started: Promise<void>[] = [];
  const start = (at: number): Promise<void> => {
    started[at] ??= (async () => {
      await using emulator = await anotherEmulator();
      await tests[at]?.(emulator);
    })();
    started[at].catch(() => {});
    return started[at];
  };
  afterAll(async () => void (await Promise.allSettled(started)), 300_000);
  return (name, test) => {
    const at = tests.push(test) - 1;
    it(name, async () => {
      for (let next = at; next < Math.min(at + CONCURRENT, tests.length); next++) void start(next);
      await start(at);
    }, 300_000);
  };
}
