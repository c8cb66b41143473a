import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { isSupported, start } from '../../src/start.ts';

describe('the start of a program', () => {
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
    Object.defineProperty(process, 'versions', { value: versions });
  });

  const runOn = (node: string, entry: Parameters<typeof start>[0]) => {
    Object.defineProperty(process, 'versions', { value: { ...versions, node } });
    start(entry);
  };

  it.each(['20.10.0', '18.20.8', '19.9.0', '9.11.2', '20.2.0'])('fails with one sentence on Node.js %s', (node) => {
    for (const entry of ['main', 'delete', 'sweep', 'audit'] as const) {
      printed = '';
      runOn(node, entry);
      expect(printed).toBe(
        `::error::Node.js ${node} is too old for this action. It needs 20.11 or newer. Update the runner, or the image of the container that the job runs in.\n`,
      );
      expect(process.exitCode).toBe(1);
    }
  });

  it.each([
    ['20.11.0', true],
    ['20.11.1', true],
    ['20.20.2', true],
    ['21.0.0', true],
    ['24.21.0', true],
    ['20.10.0', false],
    ['18.20.8', false],
    ['9.11.2', false],
  ])('knows whether Node.js %s is supported', (version, expected) => {
    expect(isSupported(version)).toBe(expected);
  });

  it('warns in the post step that what main created is not removed', () => {
    process.env.STATE_client = '{}';
    runOn('18.20.8', 'post');
    delete process.env.STATE_client;
    expect(printed).toMatch(/^::warning::Node\.js 18\.20\.8 is too old/);
    expect(process.exitCode).toBe(0);
  });

  it('says nothing in the post step, because main has said it', () => {
    runOn('18.20.8', 'post');
    expect(printed).toBe('');
    expect(process.exitCode).toBe(exitCode);
  });
});
