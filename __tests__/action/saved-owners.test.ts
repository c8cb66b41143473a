import { describe, expect, it } from '@jest/globals';
import type { Step } from '../../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  type Inputs,
  markerLine,
  runAction,
  savingIn,
  seedEarlier,
} from '../support/action.ts';
import { clientIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailedCleanly, expectSucceeded } from '../support/outcomes.ts';
import { sentTo } from '../support/requests.ts';
import {
  changesOf,
  contents,
  credentialsIn,
  credentialsOf,
  expectPostDoesNothing,
  ID,
  identityHashOf,
  REPOSITORY,
  repositoryOf,
  SECRET,
  type SecretLocation,
  STATE,
  saveWith,
  seedSaved,
  stateValue,
} from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// Tests of two owners of one secret location: what is saved does not belong to the client that the step is about.

const emulator = useEmulator();
const repository = () => repositoryOf(emulator);
const save = (inputs: Inputs = {}, step: Step = {}) => saveWith(emulator, inputs, step);

/** Returns the calls that delete what is saved, in their order. */
const deleteCalls = (paths: string[], scope = 'actions') =>
  paths.map((path) => `DELETE ${emulator.github.apiUrl}/repos/${REPOSITORY}/${scope}/${path}`);
const [AT_SECRET, AT_ID, AT_STATE] = [`secrets/${SECRET}`, `variables/${ID}`, `variables/${STATE}`];
/** Returns a `…_STATE` with the identity hash of a client with another name. */
const anotherState = () => stateValue(emulator, 'sks_1', { name: 'Deploy' });

describe('saved credentials of another owner', () => {
  it.each<{ name: string; arrange: (location: SecretLocation) => void; shown: () => string[]; paths: string[] }>([
    {
      name: '…_STATE has another identity hash',
      arrange: (location) => {
        location.setVariable(STATE, anotherState());
        location.setVariable(ID, 'm2morg_1');
        location.setSecret(SECRET, 'theirs');
      },
      shown: () => [STATE, anotherState()],
      paths: [AT_SECRET, AT_ID, AT_STATE],
    },
    {
      name: 'there are an id and a secret without …_STATE',
      arrange: (location) => {
        location.setVariable(ID, 'm2morg_1');
        location.setSecret(SECRET, 'theirs');
      },
      shown: () => [`variable ${ID} ("m2morg_1") and secret ${SECRET} without variable ${STATE}`],
      paths: [AT_SECRET, AT_ID],
    },
  ])(
    'fails before it changes anything, in a dry run too, and names the calls that delete what is saved, if $name',
    async ({ arrange, shown, paths }) => {
      seedEarlier(emulator, { scopes: ['b'] }, { ageMs: DAY });
      arrange(repository());
      const before = contents(emulator);
      for (const inputs of [{ on_existing: 'rotate' }, { on_existing: 'reuse' }, { dry_run: 'true' }]) {
        const run = await save({ scopes: 'a', ...inputs });
        expectFailedCleanly(run);
        expect(changesOf(emulator)).toEqual([]);
        expect(contents(emulator)).toEqual(before);
        expect(errors(run)).toHaveLength(1);
        const [message = ''] = errors(run);
        expect(message).toContain(`Could not save the credentials in ${REPOSITORY}: `);
        for (const text of shown()) expect(message).toContain(text);
        expect(message).toContain('the input name or environment has changed');
        expect(message).toContain('Use another save_as, or run delete/ with the former name or environment, or delete');
        const calls = `by hand: ${deleteCalls(paths).join('; ')}`;
        expect(message.slice(-calls.length)).toBe(calls);
        if (inputs.on_existing === 'rotate') await expectPostDoesNothing(emulator, run);
      }
    },
  );

  it('creates no client if another owner has saved credentials', async () => {
    repository().setVariable(STATE, anotherState());
    const run = await save();
    expectFailedCleanly(run);
    expect(emulator.clients()).toEqual([]);
    expect(changesOf(emulator)).toEqual([]);
  });

  it('names the environment in which another owner has saved credentials, and the calls for it', async () => {
    const environment = 'preview/pr-7';
    const location = repository().addEnvironment(environment);
    location.setVariable(STATE, anotherState());
    location.setSecret(SECRET, 'theirs');
    const run = await save({ save_to: 'environment', environment });
    expect(run.exitCode).toBe(1);
    expect(errors(run)[0]).toContain(
      `Could not save the credentials in environment "${environment}" of ${REPOSITORY}: `,
    );
    const calls = deleteCalls([AT_SECRET, AT_STATE], 'environments/preview%2Fpr-7');
    expect(errors(run)[0]).toContain(`by hand: ${calls.join('; ')}`);
  });

  it('keeps the calls in the error if the …_STATE of another owner is longer than an annotation', async () => {
    repository().setVariable(STATE, 'x'.repeat(40_000));
    const [message = ''] = errors(await save());
    expect(message).toContain(deleteCalls([AT_STATE]).join('; '));
    expect(message.length).toBeLessThan(4000);
  });

  it('fails before it changes anything if the input name or environment has changed since the credentials were saved', async () => {
    await save({ name: 'Deploy' });
    for (const inputs of [{ name: 'deploy' }, { name: 'Deploy', environment: 'production' }]) {
      const from = emulator.requests.length;
      const run = await save(inputs);
      expect(run.exitCode).toBe(1);
      expect(changesOf(emulator, from)).toEqual([]);
      expect(errors(run)[0]).toContain(`variable ${STATE} says that they are saved for another client`);
    }
  });

  it.each<{ name: string; change: () => Promise<unknown>; inputs: Inputs }>([
    { name: 'the user gives another save_as', change: async () => {}, inputs: { save_as: 'OTHER' } },
    {
      name: 'delete/ has deleted them by their former name',
      change: () => runAction(emulator, { action: 'delete', inputs: { ...savingIn(emulator), name: 'Deploy' } }),
      inputs: {},
    },
    {
      name: 'somebody has made the three DELETE calls of the error',
      change: async () => {
        const headers = { authorization: `token ${emulator.github.token}`, 'user-agent': 'a person' };
        for (const call of errors(await save())[0]?.match(/(?<=DELETE )[^;\s]+/g) ?? [])
          expect((await fetch(call, { method: 'DELETE', headers })).status).toBe(204);
      },
      inputs: {},
    },
  ])(
    'saves the credentials of a new client in spite of those of another owner if $name',
    async ({ change, inputs }) => {
      await save({ name: 'Deploy' });
      await change();
      const run = await save(inputs);
      expectSucceeded(run);
      expect(run.outputs).toMatchObject({ result: 'created' });
    },
  );
});

describe('client_id with save_to', () => {
  /** Adds a client for the same repository with another identity hash, whose credentials are saved. */
  const seedDeploy = () => seedSaved(emulator, { identity: { name: 'Deploy' } });
  const markerOf = (client_id: string) =>
    emulator
      .clients()
      .find((client) => client.client_id === client_id)
      ?.description?.split('\n')
      .at(-1) ?? '';

  it('gives a client that client_id takes over our identity hash before it adds a secret, and the next run finds it', async () => {
    const { client, credentials } = seedDeploy();
    const { client_id } = client;
    const former = markerOf(client_id);
    const run = await save({ client_id, on_existing: 'reuse' });
    expectSucceeded(run);
    expect(run.outputs).toMatchObject({ result: 'rotated', client_id });
    expect(changesOf(emulator)).toEqual(['updateClient', 'addSecret', 'updateVariable STATE', 'putActionsSecret']);
    expect(markerOf(client_id)).toBe(former.replace(/key:\S+/, `key:${identityHashOf()}`));
    expect(markerOf(client_id)).not.toBe(former);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
    expect(repository().variables.get(STATE)?.value).toBe(stateValue(emulator, run.outputs.secret_id ?? ''));
    expect(await credentialsWork(emulator, credentials)).toBe(true);
    const next = await save({ on_existing: 'reuse' });
    expect(next).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'reused', client_id } });
    // Without the saved id, the next run has to search.
    for (const name of [STATE, ID]) repository().variables.delete(name);
    repository().secrets.clear();
    const searching = await save({ on_existing: 'reuse' });
    expect(searching).toMatchObject({ exitCode: 0, outputs: { result: 'rotated', client_id } });
  });

  it('takes over a client with another identity hash although nothing is saved, and the next run reuses it', async () => {
    const description = `Ours.\n${markerLine({ name: 'Deploy' })}`;
    const { client_id } = seedEarlier(emulator, { description }, { ageMs: DAY }).client;
    const run = await save({ client_id });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'rotated', client_id } });
    expect(changesOf(emulator).slice(0, 2)).toEqual(['updateClient', 'addSecret']);
    expect((await save({ on_existing: 'reuse' })).outputs).toMatchObject({ result: 'reused', client_id });
  });

  it('takes over a client without a marker whose id and secret somebody saved manually', async () => {
    const { client } = emulator.seed({ name: 'Created manually' }, { ageMs: DAY });
    const { client_id } = client;
    repository().setVariable(ID, client_id);
    repository().setSecret(SECRET, 'saved manually');
    const run = await save({ client_id, on_existing: 'reuse' });
    expectSucceeded(run);
    expect(run.outputs).toMatchObject({ result: 'rotated', client_id });
    expect(markerOf(client_id)).toContain(`key:${identityHashOf()} `);
    expect((await save({ on_existing: 'reuse' })).outputs).toMatchObject({ result: 'reused', client_id });
  });

  it('replaces the client of another owner that client_id and …_CLIENT_ID name', async () => {
    const { client } = seedDeploy();
    const run = await save({ client_id: client.client_id, on_existing: 'replace' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(clientIds(emulator)).toEqual([run.outputs.client_id]);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
  });

  it('restores the former identity hash of a client that it took over if the step fails', async () => {
    const { client, credentials } = seedDeploy();
    const before = contents(emulator);
    emulator.faults.add({ operation: 'putActionsSecret', fault: { kind: 'status', status: 403 } });
    const run = await save({ client_id: client.client_id });
    expect(run.exitCode).toBe(1);
    expect(contents(emulator)).toEqual(before);
    expect(await credentialsWork(emulator, credentials)).toBe(true);
  });

  it('shows in a dry run that it would update a client that client_id takes over, and changes nothing', async () => {
    const { client } = seedDeploy();
    const run = await save({ client_id: client.client_id, dry_run: 'true' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'planned' } });
    expect(run.log).toContain(`- update client ${client.client_id}`);
    expect(changesOf(emulator)).toEqual([]);
  });

  it('does not change the marker of a client that client_id names without save_to', async () => {
    const { client } = seedDeploy();
    const before = markerOf(client.client_id);
    const run = await runAction(emulator, { inputs: { client_id: client.client_id } });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'rotated' } });
    expect(changesOf(emulator)).toEqual(['addSecret']);
    expect(markerOf(client.client_id)).toBe(before);
  });

  it('fails before it changes anything if client_id names another client than the …_CLIENT_ID of another owner', async () => {
    seedDeploy();
    const { client_id } = seedEarlier(emulator, {}, { ageMs: DAY }).client;
    const before = contents(emulator);
    const run = await save({ client_id });
    expectFailedCleanly(run);
    expect(errors(run)).toEqual([expect.stringContaining('Could not save the credentials in ')]);
    expect(contents(emulator)).toEqual(before);
    expect(changesOf(emulator)).toEqual([]);
  });

  it('fails if client_id and …_CLIENT_ID of another owner name a client that does not exist', async () => {
    seedDeploy();
    repository().setVariable(ID, 'm2morg_404');
    const before = contents(emulator);
    const run = await save({ client_id: 'm2morg_404' });
    expectFailedCleanly(run);
    expect(errors(run)).toEqual([expect.stringContaining('Could not save the credentials in ')]);
    expect(contents(emulator)).toEqual(before);
  });

  it('refuses a client of another repository, even if client_id and …_CLIENT_ID name it', async () => {
    const theirs = { repository: 'acme/elsewhere', repository_id: '99' };
    const description = markerLine(theirs, { repo: '99' });
    const { client } = seedSaved(emulator, { identity: theirs, fields: { description, custom_claims: [] } });
    const before = contents(emulator);
    const run = await save({ client_id: client.client_id });
    expectFailedCleanly(run);
    expect(errors(run)[0]).toContain(`Client ${client.client_id} is not managed by this step`);
    expect(contents(emulator)).toEqual(before);
    expect(sentTo(emulator, 'addSecret')).toEqual([]);
  });
});
