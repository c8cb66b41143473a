import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { isSupported, start } from '../../src/start.ts';

const { versions } = process;
let printed = '';
let exitCode: typeof process.exitCode;
beforeEach(() => {
  printed = '';
  exitCode = process.exitCode;
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = exitCode;
  delete process.env.STATE_client;
  Object.defineProperty(process, 'versions', { value: versions });
});

/** Starts a program as on this version of Node.js. */
function startOn(node: string, entry: Parameters<typeof start>[0]): void {
  Object.defineProperty(process, 'versions', { value: { ...versions, node } });
  start(entry);
}

it.each<Parameters<typeof start>[0]>(['main', 'delete', 'sweep', 'audit'])(
  'fails with one sentence on Node.js 20.10.0, in the program %s',
  (entry) => {
    startOn('20.10.0', entry);
    expect(printed).toBe(
      '::error::Node.js 20.10.0 is too old for this action. It needs 20.11 or newer. Update the runner, or the image of the container that the job runs in.\n',
    );
    expect(process.exitCode).toBe(1);
  },
);

it.each(['20.11.0', '20.20.2', '21.0.0', '24.21.0'])('isSupported accepts the supported version %s', (version) => {
  expect(isSupported(version)).toBe(true);
});

it.each(['20.10.0', '20.2.0', '18.20.8', '9.11.2'])('isSupported refuses the old version %s', (version) => {
  expect(isSupported(version)).toBe(false);
});

it('warns in the post step on an old Node.js if main has left a state, and does not fail the job', () => {
  process.env.STATE_client = '{}';
  startOn('18.20.8', 'post');
  expect(printed).toMatch(/^::warning::Node\.js 18\.20\.8 is too old/);
  expect(process.exitCode).toBe(0);
});

it('prints nothing in the post step on an old Node.js if main has left no state', () => {
  startOn('18.20.8', 'post');
  expect(printed).toBe('');
  expect(process.exitCode).toBe(exitCode);
});
