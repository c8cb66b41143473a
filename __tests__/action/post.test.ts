import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed, Outcome, Step } from '../../emulator/runner.ts';
import { runAction, warnings } from '../support/action.ts';
import { anotherEmulator, useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { FEWEST_REQUESTS } from '../support/network.ts';
import { expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import { cutOff, expectNoSecrets } from '../support/saved.ts';
import { reseal } from '../support/state.ts';

// Tests of the post step after main has ended. docs/design.md, promises 7 and 8.

const emulator = useEmulator();
const itWaits = useConcurrentTests();

const runJob = (emulator: Emulator, step: Step = {}) =>
  runAction(emulator, { ...step, inputs: { lifetime: 'job', ...step.inputs } });

/** Runs main with API credentials and an organization from variables alone. */
const runJobWithVariables = () =>
  runJob(emulator, {
    inputs: { scalekit_environment_url: '', scalekit_client_id: '', scalekit_client_secret: '', organization_id: '' },
    env: emulator.variables,
  });

/** Runs main, and kills it when the server has created the client and has not responded yet. */
async function killAfterCreate(lifetime: string): Promise<Executed> {
  const { main } = await cutOff(emulator, 'SIGKILL', ['after', 'createClient'], (step) =>
    runAction(emulator, { ...step, inputs: { lifetime } }),
  );
  expect({ exitCode: main.exitCode, outputs: main.outputs }).toEqual({ exitCode: null, outputs: {} });
  expect(emulator.clients()).toHaveLength(1);
  return main;
}

/** Checks that the post step succeeded without an annotation, and that no client is left. */
function expectAllDeleted(emulator: Emulator, post: Outcome): void {
  expect(post).toMatchObject({ exitCode: 0, annotations: [] });
  expect(emulator.clients()).toEqual([]);
}

/** Checks that the post step succeeded with one annotation, a warning. @returns its text */
function expectOneWarning(post: Outcome): string {
  expectSucceeded(post);
  expect(post.annotations).toEqual([{ kind: 'warning', message: expect.any(String) }]);
  return warnings(post).join();
}

describe('the post step', () => {
  it('deletes the client of a job in the post step, after it has read it', async () => {
    const run = await runJob(emulator);
    const post = await run.post();
    expectAllDeleted(emulator, post);
    expect(operationsOf(emulator, 3)).toEqual(['token', 'getClient', 'deleteClient']);
    expect(post.log).toMatch(/^Deleted client m2morg_\d+\.$/m);
    expectNoSecrets(emulator, post);
  });

  it('sends and prints nothing in the post step if main published a persistent client', async () => {
    const run = await runAction(emulator);
    const before = emulator.requests.length;
    expect(await run.post()).toMatchObject({ exitCode: 0, stdout: '' });
    expect(emulator.requests).toHaveLength(before);
    expect(emulator.clients()).toHaveLength(1);
  });

  it.each<[what: string, inputs: Record<string, string>]>([
    ['its inputs were bad', { organization_id: '' }],
    ['it could not sign in', { scalekit_client_id: 'skc_nobody' }],
  ])('sends and prints nothing in the post step if main failed because %s', async (_, inputs) => {
    const run = await runJob(emulator, { inputs });
    const before = emulator.requests.length;
    expect(await run.post()).toMatchObject({ exitCode: 0, stdout: '' });
    expect(emulator.requests).toHaveLength(before);
  });

  it.each(['job', 'persistent'])(
    'deletes in the post step the client of a main that was killed before the response arrived: lifetime %s',
    async (lifetime) => {
      const run = await killAfterCreate(lifetime);
      expectAllDeleted(emulator, await run.post());
    },
  );

  itWaits('deletes a client that the server creates after main was killed', async (emulator) => {
    let kill = (_: NodeJS.Signals) => {};
    emulator.hold = async (when, { operation }) => {
      if (when !== 'before' || operation !== 'createClient') return;
      kill('SIGKILL');
      await sleep(2500);
    };
    const run = await runJob(emulator, { onStart: (send) => (kill = send) });
    expect(emulator.clients()).toEqual([]);
    const post = await run.post();
    expectAllDeleted(emulator, post);
    expect(sentTo(emulator, 'deleteClient')).toHaveLength(1);
  });

  itWaits('searches for a client until 15 seconds after the create request was sent', async (emulator) => {
    let kill = (_: NodeJS.Signals) => {};
    emulator.hold = async (_, { operation }) => {
      if (operation !== 'createClient') return;
      kill('SIGKILL');
      // The server never creates the client.
      await Promise.withResolvers().promise;
    };
    const run = await runJob(emulator, { onStart: (send) => (kill = send) });
    expect(run.exitCode).toBe(null);
    // As if the request was sent eleven seconds ago. The higher counter makes this record the last one.
    const { client, counter } = JSON.parse(run.state.client ?? '');
    const sent_at = Date.now() - 11_000;
    const changes = { client: { ...client, sent_at }, counter: counter + 1 };
    const state = { client: reseal(run.state.client ?? '', changes, emulator.credentials.clientSecret) };
    const post = await run.post({ state });
    const elapsed = Date.now() - sent_at;
    expectAllDeleted(emulator, post);
    expect(sentTo(emulator, 'listClients').length).toBeGreaterThan(1);
    expect(elapsed).toBeGreaterThan(15_000);
    expect(elapsed).toBeLessThan(25_000);
  });

  it('finds the client of a killed main on any page of the list', async () => {
    for (let count = 0; count < 230; count++) emulator.seed({ name: `client ${count}` });
    emulator.behaviour.listOrder = 'oldest';
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', 'createClient'], (step) => runJob(emulator, step));
    await main.post();
    expect(emulator.clients()).toHaveLength(230);
    expect(operationsOf(emulator, 2)).toEqual(['token', 'listClients', 'listClients', 'listClients', 'deleteClient']);
  });

  it('uses the variables that main used if a composite action passes no inputs to the post step', async () => {
    const run = await runJobWithVariables();
    const names = ['lifetime', 'timeout', 'scalekit_environment_url', 'organization_id'];
    const post = await run.post({ inputs: Object.fromEntries(names.map((name) => [name, ''])) });
    expectAllDeleted(emulator, post);
  });

  it.each([
    ['gets no credentials', { scalekit_client_id: '', scalekit_client_secret: '' }, {}],
    ['gets other credentials', { scalekit_client_secret: 'another' }, {}],
    ['runs without certificate checks', {}, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
  ])('sends nothing and warns with the DELETE call if the post step %s', async (_, inputs, env) => {
    const run = await runJob(emulator);
    const before = emulator.requests.length;
    const warning = expectOneWarning(await run.post({ inputs, env }));
    expect(emulator.requests).toHaveLength(before);
    const call = `/api/v1/organizations/${emulator.organization.id}/clients/${run.outputs.client_id}`;
    expect(warning).toContain(`DELETE ${'NODE_TLS_REJECT_UNAUTHORIZED' in env ? emulator.url : ''}${call}`);
  });

  it.each([
    ['getClient', 403],
    ['token', 401],
  ] as const)('warns and does not fail the job if %s of the post step gets HTTP %i', async (operation, status) => {
    const run = await runJob(emulator);
    emulator.faults.add({ operation, fault: { kind: 'status', status } });
    expect(expectOneWarning(await run.post())).toContain(`/clients/${run.outputs.client_id}`);
  });

  itWaits('warns and does not fail the job if the server never deletes the client', async (emulator) => {
    const run = await runJob(emulator);
    emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 500 } });
    expect(expectOneWarning(await run.post())).toContain(`/clients/${run.outputs.client_id}`);
  });

  itWaits('counts a client of a job that no longer exists as deleted', async (emulator) => {
    const run = await runJob(emulator);
    await run.post();
    expectAllDeleted(emulator, await run.post());
  });
});

describe('a post step whose state, variables or client another step has changed', () => {
  it('deletes the client in the environment that main used, although the variables name another one', async () => {
    await using other = await anotherEmulator();
    const run = await runJobWithVariables();
    const { SCALEKIT_ENVIRONMENT_URL, SCALEKIT_ORGANIZATION_ID } = other.variables;
    const post = await run.post({
      env: { SCALEKIT_ENVIRONMENT_URL, SCALEKIT_ENV_URL: SCALEKIT_ENVIRONMENT_URL, SCALEKIT_ORGANIZATION_ID },
    });
    expectAllDeleted(emulator, post);
    expect(other.requests).toEqual([]);
  });

  it('sends the credentials to no other environment, although all variables name it', async () => {
    await using other = await anotherEmulator();
    const run = await runJobWithVariables();
    expectOneWarning(await run.post({ env: other.variables }));
    expect(other.requests).toEqual([]);
    expect(emulator.clients()).toHaveLength(1);
  });

  const foreignClient = () => ({
    sent_at: 0,
    sent_again: false,
    id: emulator.seed({ name: 'Foreign' }).client.client_id,
  });
  it.each<[field: string, value: (other: Emulator) => unknown]>([
    ['origin', ({ url }) => url],
    ['client', foreignClient],
  ])('sends nothing and deletes nothing if another step wrote another %s into the state', async (field, value) => {
    await using other = await anotherEmulator();
    const run = await runJob(emulator);
    const client = JSON.stringify({ ...JSON.parse(run.state.client ?? ''), [field]: value(other) });
    const before = { requests: emulator.requests.length, clients: emulator.clients() };
    expectOneWarning(await run.post({ state: { client } }));
    expect({ requests: emulator.requests.length, clients: emulator.clients() }).toEqual(before);
    expect(other.requests).toEqual([]);
  });

  it.each([
    ['text that is not JSON', () => 'rubbish'],
    ['a list', () => '[]'],
    [
      'a state with an invalid seal',
      ({ url: origin }: Emulator) =>
        JSON.stringify({ origin, organization_id: 'org_1', nonce: 'x', run: '1.1', seal: 'x' }),
    ],
  ])('sends nothing and warns if another step replaced the state by %s', async (_, value) => {
    await using other = await anotherEmulator();
    const run = await runJob(emulator);
    const before = emulator.requests.length;
    expectOneWarning(await run.post({ state: { client: value(other) } }));
    expect(emulator.requests).toHaveLength(before);
    expect(other.requests).toEqual([]);
  });

  it('refuses in the post step the state of another run, although the same API secret sealed it', async () => {
    const run = await runAction(emulator, { inputs: FEWEST_REQUESTS });
    const before = emulator.requests.length;
    for (const env of [{ GITHUB_RUN_ID: '99' }, { GITHUB_RUN_ATTEMPT: '2' }]) {
      const post = await run.post({ env });
      expect(post).toMatchObject({ exitCode: 0, annotations: [{ kind: 'warning' }] });
      expect(emulator.requests).toHaveLength(before);
    }
  });

  it('keeps the client of a job if its description no longer has the nonce of this step', async () => {
    const run = await runJob(emulator);
    const withOtherNonce = (description: string) => description.replace(/nonce:.{16}/, `nonce:${'A'.repeat(16)}`);
    const edit = ({ client }: { client: { description: string } }) => ({
      client: { ...client, description: withOtherNonce(client.description) },
    });
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit } });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit: () => ({ clients: [] }) } });
    const warning = expectOneWarning(await run.post());
    expect(warning).toMatch(/is not this step's.*Remove it only if it is yours\. .*by hand: DELETE /);
    expect(emulator.clients()).toHaveLength(1);
  });
});
