import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Emulator, Operation } from '../../emulator/index.ts';
import type { Step } from '../../emulator/runner.ts';
import { credentialsWork, type Inputs, seedEarlier, warnings } from '../support/action.ts';
import { clientIds, secretIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { expectSucceeded } from '../support/outcomes.ts';
import { readRecording, recordTo } from '../support/recording.ts';
import {
  changesOf,
  credentialsIn,
  credentialsOf,
  expectNoSecrets,
  expectPostDoesNothing,
  ID,
  identityHashOf,
  isAbout,
  NAMES,
  repositoryOf,
  SECRET,
  type SecretLocation,
  STATE,
  savedCredentialsWork,
  saveWith,
  seedFormer,
  seedSaved,
  stateValue,
} from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// Tests of `save_to`: two variables with the client's id and its owner, and a secret. The files saving-*.test.ts have what
// fails and what happens at the same time, and saved-*.test.ts what later runs do with saved credentials.

const emulator = useEmulator();
const inFolder = useFolder();
const save = (inputs: Inputs = {}, step: Step = {}) => saveWith(emulator, inputs, step);
const repository = () => repositoryOf(emulator);
const stateOf = ({ variables }: SecretLocation = repository()) => variables.get(STATE)?.value;
const TO_ENVIRONMENT = { save_to: 'environment', environment: 'preview/pr-7' };

const LOCATIONS: [string, Inputs, (on: Emulator) => SecretLocation, string][] = [
  ['the repository', { save_to: 'repository' }, repositoryOf, '/api/v3/repos/acme/inventory-service/actions/'],
  [
    'an environment',
    TO_ENVIRONMENT,
    (on) => repositoryOf(on).addEnvironment('preview/pr-7'),
    '/api/v3/repos/acme/inventory-service/environments/preview%2Fpr-7',
  ],
];

it.each(LOCATIONS)(
  'saves the credentials of a new client in %s, and nowhere else',
  async (_, inputs, locationOf, prefix) => {
    const location = locationOf(emulator);
    const run = await save(inputs);
    expectSucceeded(run);
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'created' }, state: { client: '' } });
    // The emulator opened the sealed box with libsodium.
    expect(credentialsIn(location)).toEqual(credentialsOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    const paths = emulator.requests.map(({ path }) => path).filter((path) => path.startsWith('/api/v3'));
    expect(paths.filter((path) => !path.startsWith(prefix))).toEqual([]);
    const inRepository = [...repository().variables, ...repository().secrets];
    expect(inRepository).toHaveLength(inputs.save_to === 'repository' ? 3 : 0);
    expect(run.log).toContain(`Saved the credentials as ${NAMES} of `);
    expect(run.summary).toContain(SECRET);
    expectNoSecrets(emulator, run);
    await expectPostDoesNothing(emulator, run);
  },
);

it('names the identity hash, the organization and the secret of the saved credentials in …_STATE', async () => {
  const run = await save();
  const [, key] = / key:(\S+) /.exec(emulator.clients()[0]?.description ?? '') ?? [];
  expect(key).toBe(identityHashOf());
  expect(stateOf()).toBe(`v1 key:${key} organization:${emulator.organization.id} secret:${run.outputs.secret_id}`);
});

it('saves the new secret of a rotated client in an environment, and keeps …_CLIENT_ID', async () => {
  const location = repository().addEnvironment('preview/pr-7');
  const first = await save(TO_ENVIRONMENT);
  const from = emulator.requests.length;
  const second = await save(TO_ENVIRONMENT);
  expectSucceeded(second);
  expect(second.outputs).toMatchObject({ result: 'rotated', client_id: first.outputs.client_id });
  expect(credentialsIn(location)).toEqual(credentialsOf(second));
  expect(stateOf(location)).toContain(` secret:${second.outputs.secret_id}`);
  expect(changesOf(emulator, from)).toEqual(['addSecret', 'updateVariable STATE', 'putActionsSecret']);
  expect(await credentialsWork(emulator, first.outputs)).toBe(true);
  expect(await credentialsWork(emulator, second.outputs)).toBe(true);
});

it('saves the credentials under names that begin with save_as, in capitals', async () => {
  const { variables, secrets } = repository();
  const run = await save({ save_as: 'deploy_m2m' });
  expectSucceeded(run);
  expect(Object.fromEntries([...variables].map(([name, { value }]) => [name, value]))).toEqual({
    DEPLOY_M2M_STATE: stateValue(emulator, run.outputs.secret_id ?? ''),
    DEPLOY_M2M_CLIENT_ID: run.outputs.client_id,
  });
  expect([...secrets.keys()]).toEqual(['DEPLOY_M2M_CLIENT_SECRET']);
  expect(secrets.get('DEPLOY_M2M_CLIENT_SECRET')?.value).toBe(run.outputs.secret);
});

it('saves the credentials of the client that client_id names, although those of another client are saved', async () => {
  seedSaved(emulator);
  const { client } = emulator.seed({ name: 'Created manually' }, { ageMs: DAY });
  const run = await save({ client_id: client.client_id });
  expectSucceeded(run);
  expect(run.outputs).toMatchObject({ client_id: client.client_id });
  expect(credentialsIn(repository())).toEqual(credentialsOf(run));
  expect(await credentialsWork(emulator, run.outputs)).toBe(true);
});

it('masks, records, saves and publishes the credentials in this order: …_STATE, …_CLIENT_ID, the secret, the outputs', async () => {
  const { client } = seedEarlier(emulator, { name: 'x' }, { ageMs: DAY });
  seedFormer(emulator);
  const before = { state: stateOf(), client_id: 'm2morg_1' };
  const RUNNER_TEMP = inFolder('temp');
  mkdirSync(RUNNER_TEMP);
  const file = inFolder('order');
  const order: string[] = [];
  const pending: unknown[] = [];
  const isPending = ({ variables }: { variables?: unknown }) => (variables ? 'variables recorded' : 'published');
  let read = 0;
  const note = () => {
    const lines = readRecording(file);
    for (const { to, text } of lines.slice(read)) {
      const [secret = ''] = emulator.secrets(client.client_id).slice(1);
      if (to === 'output' && text.startsWith('secret<<')) order.push('output');
      const [json] = to === 'state' ? (/^\{.*\}$/m.exec(text) ?? []) : [];
      if (json && (order.length > 0 || json.includes('"variables"'))) order.push(isPending(JSON.parse(json)));
      if (secret && text === `::add-mask::${secret}\n`) order.push('mask');
    }
    read = lines.length;
  };
  emulator.hold = (when, request) => {
    if (!/(create|update)Variable|^put/.test(request.operation)) return;
    if (when === 'before') {
      note();
      const [name = ''] = readdirSync(RUNNER_TEMP);
      const record = JSON.parse(readFileSync(path.join(RUNNER_TEMP, name), 'utf8'));
      order.push(`journal file: ${isPending(record)}`);
      pending.push(record.variables);
    }
    order.push(`${when} ${isAbout(STATE)(request) ? STATE : isAbout(ID)(request) ? ID : SECRET}`);
  };
  const { env, nodeOptions } = recordTo(file);
  const run = await save({}, { nodeOptions, env: { ...env, RUNNER_TEMP } });
  note();
  expectSucceeded(run);
  const written = { state: stateOf(), client_id: client.client_id };
  expect(pending).toEqual([
    ...Array(2).fill(expect.objectContaining({ before: expect.objectContaining(before), written })),
    undefined,
  ]);
  const seen = order.slice(order.indexOf('mask')).filter((what, at, all) => what !== all[at - 1]);
  expect(seen.slice(seen.indexOf('variables recorded'))).toEqual([
    'variables recorded',
    'journal file: variables recorded',
    `before ${STATE}`,
    `after ${STATE}`,
    'journal file: variables recorded',
    `before ${ID}`,
    `after ${ID}`,
    'published',
    'journal file: published',
    `before ${SECRET}`,
    `after ${SECRET}`,
    'output',
  ]);
  expect(seen[0]).toBe('mask');
});

it.each<{ adding: Operation; what: string; isThere: boolean }>([
  { adding: 'createClient', what: 'a new client', isThere: false },
  { adding: 'addSecret', what: 'an existing client', isThere: true },
])(
  'saves secret:unknown in …_STATE, with a warning, if no response shows the id of the secret of $what',
  async ({ adding, isThere }) => {
    if (isThere) seedSaved(emulator);
    const withoutIds = (response: object) => {
      const { secret: _, client, ...rest } = response as { secret?: object; client?: object };
      return { ...rest, ...(client && { client: { ...client, secrets: undefined } }) };
    };
    emulator.faults.add({ operation: adding, fault: { kind: 'edit', edit: withoutIds } });
    if (!isThere) emulator.faults.add({ operation: 'getClient', fault: { kind: 'edit', edit: withoutIds } });
    const run = await save();
    expect({ exitCode: run.exitCode, secret_id: run.outputs.secret_id }).toEqual({ exitCode: 0, secret_id: '' });
    expect(warnings(run)).toEqual([
      expect.stringMatching(`did not show the id of the new secret, so ${STATE} names none`),
    ]);
    expect(stateOf()).toBe(stateValue(emulator, 'unknown'));
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    emulator.faults.clear();
    const next = await save({ on_existing: 'reuse' });
    expect(next.outputs).toMatchObject({ result: 'rotated', client_id: run.outputs.client_id });
    expect(next.log).toContain('since it is not known which secret is saved');
  },
);

describe('old secrets and old clients', () => {
  it('saves the new secret before it retires the old one', async () => {
    const { client, secretId } = seedSaved(emulator);
    const run = await save({ keep_secrets: '1' });
    expectSucceeded(run);
    expect(changesOf(emulator)).toEqual(['addSecret', 'updateVariable STATE', 'putActionsSecret', 'deleteSecret']);
    expect(secretIds(emulator)).toEqual([run.outputs.secret_id]);
    expect(run.log).toContain(`Deleted secret ${secretId} of client ${client.client_id}.`);
  });

  it('keeps the secret that …_STATE names longer than newer secrets', async () => {
    const { secretId } = seedSaved(emulator, { secrets: [5, 4, 3].map((days) => ({ ageMs: days * DAY })) });
    const run = await save();
    expectSucceeded(run);
    expect(secretIds(emulator)).toEqual([secretId, run.outputs.secret_id]);
  });

  it('warns and keeps the saved credentials if the old secret cannot be retired', async () => {
    seedSaved(emulator);
    emulator.faults.add({ operation: 'deleteSecret', fault: { kind: 'status', status: 403 } });
    const run = await save({ keep_secrets: '1' });
    expectSucceeded(run);
    expect(warnings(run)).toEqual([expect.stringContaining('is left over')]);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
  });

  it('saves the credentials of a replacement before it deletes the old client', async () => {
    const { client } = seedSaved(emulator);
    const run = await save({ on_existing: 'replace' });
    expectSucceeded(run);
    expect(run.outputs).toMatchObject({ result: 'replaced' });
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
    expect(changesOf(emulator)).toEqual([
      'createClient',
      'updateVariable STATE',
      'updateVariable CLIENT_ID',
      'putActionsSecret',
      'deleteClient',
    ]);
    expect(clientIds(emulator)).toEqual([run.outputs.client_id]);
    expect(run.outputs.client_id).not.toBe(client.client_id);
  });

  it('warns and keeps the saved credentials if the replaced client cannot be deleted', async () => {
    const { client } = seedSaved(emulator);
    emulator.faults.add({ operation: 'deleteClient', fault: { kind: 'status', status: 403 } });
    const run = await save({ on_existing: 'replace' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(warnings(run)).toEqual([expect.stringMatching(`client ${client.client_id} is left over: .*DELETE `)]);
    expect(credentialsIn(repository())).toEqual(credentialsOf(run));
  });

  it('keeps the saved credentials valid if the outputs cannot be written', async () => {
    const { credentials } = seedSaved(emulator);
    const run = await save({ keep_secrets: '1' }, { env: { GITHUB_OUTPUT: '/dev/full' } });
    expect({ exitCode: run.exitCode, saved: credentialsIn(repository()).client_id }).toEqual({
      exitCode: 1,
      saved: credentials.client_id,
    });
    expect((await run.post()).annotations).toEqual([]);
    // GitHub has the new secret, so nothing can be undone.
    expect(await savedCredentialsWork(emulator)).toBe(true);
  });
});
