import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import { sentTo } from '../support/action.ts';
import { idTokenOf, it, run } from './runner.ts';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const WORKS = 'The credentials get a token: 200';

describe('the outputs', () => {
  it('reach later steps whole, and work', async () => {
    const { exitCode, said } = await run(emulator, 'outputs');
    expect(exitCode).toBe(0);
    const [, id] = /^client_id: (m2morg_\d+)$/m.exec(said.join('\n')) ?? [];
    const [secret = ''] = emulator.secrets(id);
    expect(secret).not.toBe('');
    // The request that the step sent with the access token from the outputs.
    const [used] = sentTo(emulator, 'unknown').map(
      ({ headers }) => headers.authorization?.replace('Bearer ', '') ?? '',
    );
    expect(decodeJwt(used ?? '')).toMatchObject({ client_id: id, oid: emulator.organization.id });
    expect(said).toEqual(
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

  it('reach the caller of a reusable workflow, which passes the credentials on', async () => {
    const { exitCode, said } = await run(emulator, 'caller');
    const [client] = emulator.clients();
    expect([exitCode, emulator.clients().length]).toEqual([0, 1]);
    expect(client?.custom_claims).toContainEqual({ key: 'environment', value: 'production' });
    expect(said).toEqual(expect.arrayContaining([WORKS, `got ${client?.client_id} of ${emulator.organization.id}`]));
  });

  it.each([
    ['an action that wraps this one', 'wrapped'],
    ['an action that wraps the wrapper', 'twice-wrapped'],
  ])('come through %s, with the secret masked, and its post step cleans up', async (_, job) => {
    const { exitCode, log, said } = await run(emulator, 'composite', { job });
    expect([exitCode, sentTo(emulator, 'createClient').length]).toEqual([0, 1]);
    expect(said).toEqual(
      expect.arrayContaining([expect.stringMatching(/^client_id: m2morg_\d+$/), 'secret: ***', WORKS]),
    );
    expect(log).not.toContain('::warning');
    expect(emulator.clients()).toEqual([]);
  });
});

describe('a dry run', () => {
  it('changes nothing, and shows in log and summary what it would do', async () => {
    const { exitCode, log, said } = await run(emulator, 'client', { vars: { DRY_RUN: 'true' } });
    expect(exitCode).toBe(0);
    expect(said).toEqual(expect.arrayContaining(['- create a client']));
    expect(log).toContain('Summary - <h3>Scalekit organization client: plan, nothing was changed</h3>');
    expect(log).toContain('::set-output:: result=planned');
    const changes = emulator.requests.filter(({ method, operation }) => method !== 'GET' && operation !== 'token');
    expect(changes).toEqual([]);
  });
});

describe('the job summary', () => {
  it('names client and secret by their ids', async () => {
    const { log } = await run(emulator, 'client');
    const [client] = emulator.clients();
    const summary = /Summary - .*\n<table>.*/.exec(log)?.[0];
    expect(summary).toContain(`<code>${client?.client_id}</code>`);
    expect(summary).toContain(`<code>${client?.secrets?.[0]?.id}</code>`);
  });
});

describe('a claim', () => {
  it("comes from the job's ID token if it may have one", async () => {
    emulator.github.idTokenClaims = { environment: 'production' };
    const { exitCode, said } = await run(emulator, 'client', { env: idTokenOf(emulator) });
    expect([exitCode, said[0]]).toEqual([0, "Claims about the repository come from GitHub's ID token."]);
    expect(emulator.clients()[0]?.custom_claims).toContainEqual({ key: 'environment', value: 'production' });
  });
});

describe('a client', () => {
  it('is recognized on a runner that does not report the id of the repository', async () => {
    const withoutRepositoryId = { env: { GITHUB_REPOSITORY_ID: '' } };
    const [first, second] = [
      await run(emulator, 'client', withoutRepositoryId),
      await run(emulator, 'client', withoutRepositoryId),
    ];
    const [client] = emulator.clients();
    expect([first.exitCode, second.exitCode, emulator.clients().length]).toEqual([0, 0, 1]);
    expect(client?.secrets).toHaveLength(2);
    expect(client?.custom_claims?.map(({ key }) => key)).toEqual(['github_repository']);
  });
});
