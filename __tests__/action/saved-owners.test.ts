import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import type { Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, markerLine, runAction, savingIn, seedEarlier, sentTo } from '../support/action.ts';
import {
  changesOf,
  contents,
  credentialsOf,
  DAY,
  ID,
  type Inputs,
  keptIn,
  keyOf,
  REPOSITORY,
  repositoryOf,
  SECRET,
  type SecretLocation,
  STATE,
  saveWith,
  seedSaved,
  stateValue,
} from '../support/saved.ts';

// Tests of two owners of one place: what is saved is not of the client that the step is about.

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const repository = () => repositoryOf(emulator);
const save = (inputs: Inputs = {}, step: Step = {}) => saveWith(emulator, inputs, step);
const remove = (inputs: Inputs = {}) =>
  runAction(emulator, { action: 'delete', inputs: { ...savingIn(emulator), ...inputs } });

/** Returns the calls that delete what is saved, in their order. */
const callsFor = (paths: string[], scope = 'actions') =>
  paths.map((path) => `DELETE ${emulator.github.apiUrl}/repos/${REPOSITORY}/${scope}/${path}`);
const [AT_SECRET, AT_ID, AT_STATE] = [`secrets/${SECRET}`, `variables/${ID}`, `variables/${STATE}`];
const FOREIGN = () => stateValue(emulator, 'sks_1', { name: 'Deploy' });
const FOREIGN_ORGANIZATION = () => stateValue(emulator, 'sks_1').replace(/org_\d+/, 'org_1');

const CASES: [what: string, arrange: (location: SecretLocation) => void, shown: () => string[], paths: string[]][] = [
  [
    '…_STATE has another key',
    (location) => {
      location.setVariable(STATE, FOREIGN());
      location.setVariable(ID, 'm2morg_1');
      location.setSecret(SECRET, 'theirs');
    },
    () => [STATE, FOREIGN()],
    [AT_SECRET, AT_ID, AT_STATE],
  ],
  [
    '…_STATE has another organization',
    (location) => {
      location.setVariable(STATE, FOREIGN_ORGANIZATION());
      location.setVariable(ID, 'm2morg_1');
      location.setSecret(SECRET, 'theirs');
    },
    () => [STATE, FOREIGN_ORGANIZATION()],
    [AT_SECRET, AT_ID, AT_STATE],
  ],
  [
    '…_STATE alone has another key',
    (location) => location.setVariable(STATE, FOREIGN()),
    () => [STATE, FOREIGN()],
    [AT_STATE],
  ],
  [
    '…_STATE is garbage',
    (location) => location.setVariable(STATE, 'my "own"\nthing'),
    () => [STATE, 'own'],
    [AT_STATE],
  ],
  ['…_STATE is empty', (location) => location.setVariable(STATE, ''), () => [STATE, '""'], [AT_STATE]],
  [
    '…_STATE is of a later version',
    (location) => location.setVariable(STATE, stateValue(emulator, 'sks_1').replace('v1', 'v2')),
    () => [STATE, 'v2 key:'],
    [AT_STATE],
  ],
  [
    'there is an id without …_STATE',
    (location) => location.setVariable(ID, 'm2morg_1'),
    () => [`variable ${ID} ("m2morg_1") without variable ${STATE}`],
    [AT_ID],
  ],
  [
    'there is a secret without …_STATE',
    (location) => location.setSecret(SECRET, 'theirs'),
    () => [`secret ${SECRET} without variable ${STATE}`],
    [AT_SECRET],
  ],
  [
    'there are an id and a secret without …_STATE',
    (location) => {
      location.setVariable(ID, 'm2morg_1');
      location.setSecret(SECRET, 'theirs');
    },
    () => [`variable ${ID} ("m2morg_1") and secret ${SECRET} without variable ${STATE}`],
    [AT_SECRET, AT_ID],
  ],
];

describe('a place with another owner', () => {
  it.each(CASES)(
    'fails the step before it changes anything, in a dry run too, if %s',
    async (_, arrange, shown, paths) => {
      const { client } = seedEarlier(emulator, { scopes: ['b'] }, { ageMs: DAY });
      arrange(repository());
      const before = [emulator.clients(), contents(emulator)];
      for (const inputs of [{ on_existing: 'rotate' }, { on_existing: 'reuse' }, { dry_run: 'true' }]) {
        const run = await save({ scopes: 'a', ...inputs });
        expect(run).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
        expect(changesOf(emulator)).toEqual([]);
        expect([emulator.clients(), contents(emulator)]).toEqual(before);
        const [message = '', ...more] = errors(run);
        expect(more).toEqual([]);
        expect(message).toContain(`Could not save the credentials in ${REPOSITORY}: `);
        for (const text of shown()) expect(message).toContain(text);
        expect(message).toContain('the input name or environment has changed');
        expect(message).toContain('Use another save_as, or run delete/ with the former name or environment, or delete');
        expect(message.endsWith(`by hand: ${callsFor(paths).join('; ')}`)).toBe(true);
        const from = emulator.requests.length;
        expect((await run.post()).stdout).toBe('');
        expect(emulator.requests.length).toBe(from);
      }
      expect(client.client_id).toBe(emulator.clients()[0]?.client_id);
    },
  );

  it('fails the step if there is no client yet, and makes none', async () => {
    repository().setVariable(STATE, FOREIGN());
    const run = await save();
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect([emulator.clients(), changesOf(emulator)]).toEqual([[], []]);
  });

  it('names the environment and the calls for it', async () => {
    const environment = 'preview/pr-7';
    const location = repository().addEnvironment(environment);
    location.setVariable(STATE, FOREIGN());
    location.setSecret(SECRET, 'theirs');
    const run = await save({ save_to: 'environment', environment });
    expect(run.exitCode).toBe(1);
    expect(errors(run)[0]).toContain(
      `Could not save the credentials in environment "${environment}" of ${REPOSITORY}: `,
    );
    const calls = callsFor([AT_SECRET, AT_STATE], 'environments/preview%2Fpr-7');
    expect(errors(run)[0]).toContain(`by hand: ${calls.join('; ')}`);
  });

  it('keeps its calls in the error, however long …_STATE is', async () => {
    repository().setVariable(STATE, 'x'.repeat(40_000));
    const [message = ''] = errors(await save());
    expect(message).toContain(callsFor([AT_STATE]).join('; '));
    expect(message.length).toBeLessThan(4000);
  });

  it('is what a changed name or environment looks like', async () => {
    await save({ name: 'Deploy' });
    for (const inputs of [{}, { name: 'deploy' }, { name: 'Deploy', environment: 'production' }]) {
      const from = emulator.requests.length;
      const run = await save(inputs);
      expect([run.exitCode, changesOf(emulator, from)]).toEqual([1, []]);
      expect(errors(run)[0]).toContain(`variable ${STATE} says that they are saved for another client`);
    }
  });

  it.each<[string, () => Promise<unknown>, Inputs]>([
    ['another save_as', async () => {}, { save_as: 'OTHER' }],
    ['delete/ with the former name', () => remove({ name: 'Deploy' }), {}],
    [
      'the three DELETE calls',
      async () => {
        const headers = { authorization: `token ${emulator.github.token}`, 'user-agent': 'a person' };
        for (const call of errors(await save())[0]?.match(/(?<=DELETE )[^;\s]+/g) ?? [])
          expect((await fetch(call, { method: 'DELETE', headers })).status).toBe(204);
      },
      {},
    ],
  ])('has a way out that works: %s', async (_, wayOut, inputs) => {
    await save({ name: 'Deploy' });
    expect((await save()).exitCode).toBe(1);
    await wayOut();
    const run = await save(inputs);
    expect(errors(run)).toEqual([]);
    expect(run.outputs).toMatchObject({ result: 'created' });
  });
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

  it.each(['rotate', 'reuse'])(
    'takes over the client that …_CLIENT_ID names: it gets our key before a secret, and the next run finds it (%s)',
    async (on_existing) => {
      const { client, credentials } = seedDeploy();
      const { client_id } = client;
      const former = markerOf(client_id);
      const run = await save({ client_id, on_existing });
      expect(errors(run)).toEqual([]);
      expect(run.outputs).toMatchObject({ result: 'rotated', client_id });
      expect(changesOf(emulator)).toEqual(['updateClient', 'addSecret', 'updateVariable STATE', 'putActionsSecret']);
      expect(markerOf(client_id)).toBe(former.replace(/key:\S+/, `key:${keyOf()}`));
      expect(markerOf(client_id)).not.toBe(former);
      expect(keptIn(repository())).toEqual(credentialsOf(run));
      expect(repository().variables.get(STATE)?.value).toBe(stateValue(emulator, run.outputs.secret_id ?? ''));
      expect(await credentialsWork(emulator, credentials)).toBe(true);
      const next = await save({ on_existing: 'reuse' });
      expect(next).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'reused', client_id } });
      for (const name of [STATE, ID]) repository().variables.delete(name);
      repository().secrets.clear();
      const searching = await save({ on_existing: 'reuse' });
      expect(searching).toMatchObject({ exitCode: 0, outputs: { result: 'rotated', client_id } });
    },
  );

  it('takes over a client with another key although nothing is saved, and the next run finds it', async () => {
    const description = `Ours.\n${markerLine({ name: 'Deploy' })}`;
    const { client_id } = seedEarlier(emulator, { description }, { ageMs: DAY }).client;
    const run = await save({ client_id });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'rotated', client_id } });
    expect(changesOf(emulator).slice(0, 2)).toEqual(['updateClient', 'addSecret']);
    expect((await save({ on_existing: 'reuse' })).outputs).toMatchObject({ result: 'reused', client_id });
  });

  it('takes over a client without a marker whose id and secret were saved by hand', async () => {
    const { client } = emulator.seed({ name: 'By hand' }, { ageMs: DAY });
    const { client_id } = client;
    repository().setVariable(ID, client_id);
    repository().setSecret(SECRET, 'by hand');
    const run = await save({ client_id, on_existing: 'reuse' });
    expect(errors(run)).toEqual([]);
    expect(run.outputs).toMatchObject({ result: 'rotated', client_id });
    expect(markerOf(client_id)).toContain(`key:${keyOf()} `);
    expect((await save({ on_existing: 'reuse' })).outputs).toMatchObject({ result: 'reused', client_id });
  });

  it('replaces the client that …_CLIENT_ID names', async () => {
    const { client } = seedDeploy();
    const run = await save({ client_id: client.client_id, on_existing: 'replace' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([run.outputs.client_id]);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });

  it('restores the former key if the step fails', async () => {
    const { client, credentials } = seedDeploy();
    const before = contents(emulator);
    emulator.faults.add({ operation: 'putActionsSecret', fault: { kind: 'status', status: 403 } });
    const run = await save({ client_id: client.client_id });
    expect([run.exitCode, contents(emulator)]).toEqual([1, before]);
    expect(await credentialsWork(emulator, credentials)).toBe(true);
  });

  it('shows in a dry run that the client is updated, and changes nothing', async () => {
    const { client } = seedDeploy();
    const run = await save({ client_id: client.client_id, dry_run: 'true' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'planned' } });
    expect(run.log).toContain(`- update client ${client.client_id}`);
    expect(changesOf(emulator)).toEqual([]);
  });

  it('changes no marker without save_to', async () => {
    const { client } = seedDeploy();
    const before = markerOf(client.client_id);
    const run = await runAction(emulator, { inputs: { client_id: client.client_id } });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'rotated' } });
    expect([changesOf(emulator), markerOf(client.client_id)]).toEqual([['addSecret'], before]);
  });

  it.each<[string, () => string]>([
    ['…_CLIENT_ID names another client', () => seedEarlier(emulator, {}, { ageMs: DAY }).client.client_id],
    [
      'the client does not exist',
      () => {
        repository().setVariable(ID, 'm2morg_404');
        return 'm2morg_404';
      },
    ],
    [
      '…_CLIENT_ID is missing',
      () => {
        const id = repository().variables.get(ID)?.value ?? '';
        repository().variables.delete(ID);
        return id;
      },
    ],
  ])('is no exception from the check for two owners if %s', async (_, idOf) => {
    seedDeploy();
    const client_id = idOf();
    const before = contents(emulator);
    for (const dry_run of ['true', 'false']) {
      const run = await save({ client_id, dry_run });
      expect(run).toMatchObject({ exitCode: 1, outputs: {} });
      expect(errors(run)).toEqual([expect.stringContaining('Could not save the credentials in ')]);
    }
    expect([contents(emulator), changesOf(emulator)]).toEqual([before, []]);
  });

  it('is refused if that client may not be managed, whatever …_CLIENT_ID says', async () => {
    const theirs = { repository: 'acme/elsewhere', repository_id: '99' };
    const description = markerLine(theirs, { repo: '99' });
    const { client } = seedSaved(emulator, { identity: theirs, fields: { description, custom_claims: [] } });
    const before = contents(emulator);
    const run = await save({ client_id: client.client_id });
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errors(run)[0]).toContain(`Client ${client.client_id} is not managed by this step`);
    expect([contents(emulator), sentTo(emulator, 'addSecret')]).toEqual([before, []]);
  });
});
