import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../emulator/index.ts';

/**
 * Starts an emulator before each test of the file or the `describe` block that calls this function, and stops it after the
 * test.
 * @returns an object that always stands for the emulator of the test that runs
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
 * Creates an empty folder before each test, and deletes it after the test.
 * @returns a function that returns a path in the folder of the test that runs; without arguments, the folder's own
 */
export function useFolder(): (...names: string[]) => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  return (...names) => path.join(folder, ...names);
}
