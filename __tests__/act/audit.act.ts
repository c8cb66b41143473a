import { expect } from '@jest/globals';
import { markerLine } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { DAY } from '../support/times.ts';
import { it, run } from './runner.ts';

const emulator = useEmulator();

it('reports the clients of an organization to later steps with audit/, and changes none', async () => {
  emulator.seed({ name: 'In order', description: markerLine() }, {});
  const description = markerLine({ lifetime: 'job' }, { lifetime: 'job', repo: '99', by: '99' });
  const { client } = emulator.seed({ name: 'Left over', description }, { ageMs: 2 * DAY });
  const before = emulator.clients();
  const audit = await run(emulator, 'audit');
  expect({ exitCode: audit.exitCode, lastLine: audit.lines.at(-1) }).toEqual({
    exitCode: 0,
    lastLine: 'findings=2 clients=2',
  });
  expect(audit.log).toContain(`Client ${client.client_id} "Left over" belongs to a job and is 2.0 days old; is for a`);

  const failing = await run(emulator, 'audit', { vars: { FAIL_ON_FINDINGS: 'true' } });
  expect(failing.exitCode).toBe(1);
  expect(failing.log).toContain('2 findings about the clients of organization');
  expect(failing.log).toContain('findings=2 clients=2');
  const methods = emulator.requests.filter(({ operation }) => operation !== 'token').map(({ method }) => method);
  expect({ methods: [...new Set(methods)], clients: emulator.clients() }).toEqual({
    methods: ['GET'],
    clients: before,
  });
});
