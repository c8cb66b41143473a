import { afterEach, beforeEach, expect } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import { markerLine } from '../support/action.ts';
import { it, run } from './runner.ts';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

it('audit/ reports the clients of an organization to later steps, and changes none', async () => {
  emulator.seed({ name: 'In order', description: markerLine() }, {});
  const description = markerLine({ lifetime: 'job' }, { lifetime: 'job', repo: '99', by: '99' });
  const { client } = emulator.seed({ name: 'Left over', description }, { ageMs: 2 * 86_400_000 });
  const before = emulator.clients();
  const audit = await run(emulator, 'audit');
  expect({ exitCode: audit.exitCode, said: audit.said.at(-1) }).toEqual({ exitCode: 0, said: 'findings=2 clients=2' });
  expect(audit.log).toContain(`Client ${client.client_id} "Left over" belongs to a job and is 2.0 days old; is for a`);

  const failing = await run(emulator, 'audit', { vars: { FAIL_ON_FINDINGS: 'true' } });
  expect({ exitCode: failing.exitCode, said: failing.said.at(-1) }).toMatchObject({ exitCode: 1 });
  expect(failing.log).toContain('2 findings about the clients of organization');
  expect(failing.log).toContain('findings=2 clients=2');
  const methods = emulator.requests.filter(({ operation }) => operation !== 'token').map(({ method }) => method);
  expect({ methods: [...new Set(methods)], clients: emulator.clients() }).toEqual({
    methods: ['GET'],
    clients: before,
  });
});
