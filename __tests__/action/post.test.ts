import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import type { Outcome, Step } from '../../emulator/runner.ts';
import { errors, readable, runAction, secretsOf, warnings } from '../support/action.ts';
import { useEmulator } from '../support/setup.ts';

const emulator = useEmulator();

const job = (step: Step = {}) => runAction(emulator, { ...step, inputs: { lifetime: 'job', ...step.inputs } });
const sentAfter = (count: number) => emulator.requests.slice(count).map(({ operation }) => operation);
/** Returns the state of a run after another step has changed its value. */
const changed = (run: Outcome, change: (state: Record<string, unknown>) => void) =>
  Object.fromEntries(
    Object.entries(run.state).map(([name, value]) => {
      const state = JSON.parse(value);
      change(state);
      return [name, JSON.stringify(state)];
    }),
  );

/** Runs main and kills it when the server has created the client and has not responded yet. */
async function cutOff(lifetime: string) {
  let kill = (_: NodeJS.Signals) => {};
  const killed = Promise.withResolvers<void>();
  emulator.hold = async (moment, { operation }) => {
    if (operation !== 'createClient' || moment !== 'after') return;
    kill('SIGKILL');
    await killed.promise;
  };
  const run = await job({ inputs: { lifetime }, onStart: (send) => (kill = send) });
  killed.resolve();
  expect([run.exitCode, run.outputs]).toEqual([null, {}]);
  return run;
}

describe('the post step', () => {
  it('deletes the client of a job, after a look at it', async () => {
    const run = await job();
    const post = await run.post();
    expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
    expect(sentAfter(3)).toEqual(['token', 'getClient', 'deleteClient']);
    expect(post.log).toMatch(/^Deleted client m2morg_\d+\.$/m);
    for (const secret of secretsOf(emulator)) expect(readable(post)).not.toContain(secret);
  });

  it('does nothing for a persistent client', async () => {
    const run = await runAction(emulator);
    const before = emulator.requests.length;
    const post = await run.post();
    expect([post.exitCode, post.stdout, sentAfter(before)]).toEqual([0, '', []]);
    expect(emulator.clients()).toHaveLength(1);
  });

  it('does nothing if main found its inputs bad, or could not sign in', async () => {
    for (const inputs of [{ organization_id: '' }, { scalekit_client_id: 'skc_nobody' }] as Record<string, string>[]) {
      const post = await (await job({ inputs })).post();
      expect([post.exitCode, post.stdout]).toEqual([0, '']);
    }
    expect(sentAfter(0)).toEqual(['token']);
  });

  it('takes a client that is gone already for done', async () => {
    const run = await job();
    emulator.faults.add({
      operation: 'getClient',
      fault: { kind: 'status', status: 404, body: { code: 5, message: 'client not found' } },
    });
    const post = await run.post();
    expect([post.exitCode, post.annotations]).toEqual([0, []]);
    emulator.faults.clear();
    await run.post();
    const again = await run.post();
    expect([again.exitCode, again.annotations, emulator.clients()]).toEqual([0, [], []]);
  });

  it.each(['job', 'persistent'])(
    'removes a client (%s) whose main was killed while the response was on its way',
    async (lifetime) => {
      const run = await cutOff(lifetime);
      expect(emulator.clients()).toHaveLength(1);
      const post = await run.post();
      expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
    },
  );

  it('removes a client that the server finishes after main was killed', async () => {
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'delay', ms: 2500 } });
    const run = await job({ onStart: (kill) => setTimeout(() => kill('SIGKILL'), 800) });
    expect(emulator.clients()).toHaveLength(0);
    const post = await run.post();
    expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
  });

  it('ends well, after fifteen seconds at most, if the create never arrived', async () => {
    emulator.faults.add({ operation: 'createClient', fault: { kind: 'hang' } });
    const run = await job({ inputs: { timeout: '5' } });
    const post = await run.post({ inputs: { timeout: '5' } });
    expect([post.exitCode, post.annotations]).toEqual([0, []]);
    expect(post.milliseconds).toBeLessThan(17_000);
  });

  it('finds its client among many, on whatever page', async () => {
    for (let count = 0; count < 230; count++) emulator.seed({ name: `client ${count}` });
    emulator.behaviour.listOrder = 'oldest';
    const run = await cutOff('job');
    await run.post();
    expect(emulator.clients()).toHaveLength(230);
    expect(sentAfter(2)).toEqual(['token', 'listClients', 'listClients', 'listClients', 'deleteClient']);
  });

  it('stops if page tokens go round in circles, and says what may remain', async () => {
    const run = await cutOff('job');
    emulator.faults.add({
      operation: 'listClients',
      times: 2,
      fault: { kind: 'status', status: 200, body: { clients: [], next_page_token: 'again' } },
    });
    const post = await run.post();
    expect([post.exitCode, errors(post)]).toEqual([0, []]);
    expect(warnings(post)).toEqual([expect.stringMatching(/a page leads back to one .* then DELETE /)]);
    expect(sentAfter(2)).toEqual(['token', 'listClients', 'listClients']);
  });

  it('uses the variables that main used, if nested composite actions do not pass the inputs', async () => {
    const run = await job({
      inputs: { scalekit_environment_url: '', scalekit_client_id: '', scalekit_client_secret: '', organization_id: '' },
      env: emulator.variables,
    });
    const inputs = Object.fromEntries(
      ['lifetime', 'timeout', 'scalekit_environment_url', 'organization_id'].map((name) => [name, '']),
    );
    const post = await run.post({ inputs });
    expect([post.exitCode, post.annotations, emulator.clients()]).toEqual([0, [], []]);
  });

  it.each([
    ['sees no credentials', { scalekit_client_id: '', scalekit_client_secret: '' }, {}],
    ['sees other credentials', { scalekit_client_secret: 'another' }, {}],
    ['runs with certificate checks switched off', {}, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
  ])('sends nothing and warns once, with the exact call, if it %s', async (_, inputs, env) => {
    const run = await job();
    const before = emulator.requests.length;
    const post = await run.post({ inputs, env });
    const id = run.outputs.client_id;
    expect([post.exitCode, sentAfter(before), post.annotations.length]).toEqual([0, [], 1]);
    const call = `/api/v1/organizations/${emulator.organization.id}/clients/${id}`;
    expect(warnings(post)[0]).toContain(`DELETE ${'NODE_TLS_REJECT_UNAUTHORIZED' in env ? emulator.url : ''}${call}`);
  });

  it.each([
    ['getClient', { kind: 'status', status: 403 }],
    ['deleteClient', { kind: 'status', status: 500 }],
    ['deleteClient', { kind: 'reset' }],
    ['token', { kind: 'status', status: 401 }],
    ['getClient', { kind: 'body', body: 'rubbish' }],
  ] as const)('never fails the job: %s meets %j', async (operation, fault) => {
    const run = await job();
    emulator.faults.add({ operation, fault });
    const post = await run.post();
    expect([post.exitCode, post.annotations.length]).toEqual([0, 1]);
    expect(warnings(post)[0]).toContain(`/clients/${run.outputs.client_id}`);
  });
});

describe('the post step, when others meddle with what it sees', () => {
  let other: Emulator;
  beforeEach(async () => {
    other = await startEmulator();
  });
  afterEach(() => other.close());

  it('goes to the environment that main used, whatever the variables say since', async () => {
    const run = await job({
      inputs: { scalekit_environment_url: '', scalekit_client_id: '', scalekit_client_secret: '', organization_id: '' },
      env: emulator.variables,
    });
    const { SCALEKIT_ENVIRONMENT_URL, SCALEKIT_ORGANIZATION_ID } = other.variables;
    const post = await run.post({
      env: { SCALEKIT_ENVIRONMENT_URL, SCALEKIT_ENV_URL: SCALEKIT_ENVIRONMENT_URL, SCALEKIT_ORGANIZATION_ID },
    });
    expect([post.exitCode, post.annotations, emulator.clients(), other.requests]).toEqual([0, [], [], []]);
  });

  it('sends the credentials nowhere else, even if all variables are changed', async () => {
    const run = await job({
      inputs: { scalekit_environment_url: '', scalekit_client_id: '', scalekit_client_secret: '', organization_id: '' },
      env: emulator.variables,
    });
    const post = await run.post({ env: other.variables });
    expect([post.exitCode, warnings(post).length, other.requests]).toEqual([0, 1, []]);
    expect(emulator.clients()).toHaveLength(1);
  });

  it.each([
    ['origin', () => other.url],
    ['organization_id', () => other.organization.id],
    ['client', () => ({ sent_at: 0, sent_again: false, id: emulator.seed({ name: 'Foreign' }).client.client_id })],
    [
      'secret',
      () => ({ client_id: 'm2morg_1', nonce: 'A'.repeat(16), known_ids: [], outcome_unknown: false, id: 'sks_1' }),
    ],
    ['nonce', () => 'AAAAAAAAAAAAAAAA'],
  ])('sends nothing and deletes nothing if the state has another %s', async (field, value) => {
    const run = await job();
    const before = emulator.requests.length;
    const replacement = value();
    const count = emulator.clients().length;
    const post = await run.post({ state: changed(run, (state) => (state[field] = replacement)) });
    expect([post.exitCode, post.annotations.length, warnings(post).length]).toEqual([0, 1, 1]);
    expect([sentAfter(before), other.requests, emulator.clients().length]).toEqual([[], [], count]);
  });

  it('does not trust a state that main never wrote', async () => {
    const run = await job({ inputs: { organization_id: '' } });
    const { state: genuine } = await job();
    const name = Object.keys(genuine)[0] ?? '';
    for (const value of [
      'rubbish',
      '5',
      'null',
      '[]',
      '{}',
      JSON.stringify({ origin: other.url, organization_id: 'org_1', nonce: 'x', run: '1.1', seal: 'x' }),
    ]) {
      const before = emulator.requests.length;
      const post = await run.post({ state: { [name]: value } });
      expect([value, post.exitCode, post.annotations.length, warnings(post).length]).toEqual([value, 0, 1, 1]);
      expect([sentAfter(before), other.requests]).toEqual([[], []]);
    }
  });

  it('keeps a client whose description no longer says that it is this step’s', async () => {
    const run = await job();
    const withOtherNonce = (description: string) => description.replace(/nonce:.{16}/, `nonce:${'A'.repeat(16)}`);
    const edit = ({ client }: { client: { description: string } }) => ({
      client: { ...client, description: withOtherNonce(client.description) },
    });
    emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit } });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit: () => ({ clients: [] }) } });
    const post = await run.post();
    expect([post.exitCode, warnings(post).length, emulator.clients().length]).toEqual([0, 1, 1]);
    expect(warnings(post)[0]).toMatch(/is not this step's.*Remove it only if it is yours\. .*by hand: DELETE /);
  });
});
