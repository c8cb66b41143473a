import { expect } from '@jest/globals';
import { decodeJwt } from 'jose';
import { useEmulator } from '../support/emulators.ts';
import { isChange, sentTo } from '../support/requests.ts';
import { idTokenOf, it, run } from './runner.ts';

const emulator = useEmulator();

const WORKS = 'The credentials get a token: 200';

it('passes whole outputs to later steps, and the credentials work', async () => {
  const { exitCode, lines } = await run(emulator, 'outputs');
  expect(exitCode).toBe(0);
  const [, id] = /^client_id: (m2morg_\d+)$/m.exec(lines.join('\n')) ?? [];
  const [secret = ''] = emulator.secrets(id);
  expect(secret).not.toBe('');
  // The request that the step sent with the access token from the outputs.
  const [used] = sentTo(emulator, 'unknown').map(({ headers }) => headers.authorization?.replace('Bearer ', '') ?? '');
  expect(decodeJwt(used ?? '')).toMatchObject({ client_id: id, oid: emulator.organization.id });
  expect(lines).toEqual(
    expect.arrayContaining([
      `organization_id: ${emulator.organization.id}`,
      'result: created',
      `The secret has ${secret.length} characters.`,
      `The access token has ${used?.length} characters.`,
      WORKS,
    ]),
  );
  expect(emulator.clients()).toEqual([]);
});

it('passes the credentials through a reusable workflow to its caller', async () => {
  const { exitCode, lines } = await run(emulator, 'caller');
  const [client] = emulator.clients();
  expect(exitCode).toBe(0);
  expect(emulator.clients()).toHaveLength(1);
  expect(client?.custom_claims).toContainEqual({ key: 'environment', value: 'production' });
  expect(lines).toEqual(expect.arrayContaining([WORKS, `got ${client?.client_id} of ${emulator.organization.id}`]));
});

it.each([
  ['an action that wraps this one', 'wrapped'],
  ['an action that wraps the wrapper', 'twice-wrapped'],
])('passes outputs with a masked secret through %s, and the post step deletes the client', async (_, job) => {
  const { exitCode, log, lines } = await run(emulator, 'composite', { job });
  expect(exitCode).toBe(0);
  expect(sentTo(emulator, 'createClient')).toHaveLength(1);
  expect(lines).toEqual(
    expect.arrayContaining([expect.stringMatching(/^client_id: m2morg_\d+$/), 'secret: ***', WORKS]),
  );
  expect(log).not.toContain('::warning');
  expect(emulator.clients()).toEqual([]);
});

it('shows the plan of a dry run in log and job summary, and changes nothing', async () => {
  const { exitCode, log, lines } = await run(emulator, 'client', { vars: { DRY_RUN: 'true' } });
  expect(exitCode).toBe(0);
  expect(lines).toEqual(expect.arrayContaining(['- create a client']));
  expect(log).toContain('Summary - <h3>Scalekit organization client: plan, nothing was changed</h3>');
  expect(log).toContain('::set-output:: result=planned');
  expect(emulator.requests.filter(isChange)).toEqual([]);
});

it('names client and secret by their ids in the job summary', async () => {
  const { log } = await run(emulator, 'client');
  const [client] = emulator.clients();
  const summary = /Summary - .*\n<table>.*/.exec(log)?.[0];
  expect(summary).toContain(`<code>${client?.client_id}</code>`);
  expect(summary).toContain(`<code>${client?.secrets?.[0]?.id}</code>`);
});

it("creates a client with claims of the job's ID token if the job may have one", async () => {
  emulator.github.idTokenClaims = { environment: 'production' };
  const { exitCode, lines } = await run(emulator, 'client', { env: idTokenOf(emulator) });
  expect({ exitCode, firstLine: lines[0] }).toEqual({
    exitCode: 0,
    firstLine: "Claims about the repository come from GitHub's ID token.",
  });
  expect(emulator.clients()[0]?.custom_claims).toContainEqual({ key: 'environment', value: 'production' });
});

it('recognizes its client on a runner that does not report the id of the repository', async () => {
  const withoutRepositoryId = { env: { GITHUB_REPOSITORY_ID: '' } };
  const first = await run(emulator, 'client', withoutRepositoryId);
  const second = await run(emulator, 'client', withoutRepositoryId);
  expect({ first: first.exitCode, second: second.exitCode }).toEqual({ first: 0, second: 0 });
  expect(emulator.clients()).toHaveLength(1);
  const [client] = emulator.clients();
  expect(client?.secrets).toHaveLength(2);
  expect(client?.custom_claims?.map(({ key }) => key)).toEqual(['github_repository']);
});
