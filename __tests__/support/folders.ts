import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';

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

/** Creates a folder that lasts until the caller's block ends. Code outside of a test needs one, such as `beforeAll`. */
export function anotherFolder(): { path: string } & Disposable {
  const folder = mkdtempSync(path.join(tmpdir(), 'test-'));
  return { path: folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}
