import { writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { credentialsWork, runAction, seedEarlier, warnings } from '../support/action.ts';
import { clientUrl, MAY_NOT_DELETE, MISSING_PERMISSION, secretIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { readRecording, recordTo } from '../support/recording.ts';
import { operationsOf, requestedIds } from '../support/requests.ts';
import { DAY, MINUTE } from '../support/times.ts';

// Which old secrets of a client are deleted, and when.

const emulator = useEmulator();
const inFolder = useFolder();

const seed = (secrets: number | { ageMs: number; inactive?: boolean }[] = 1) =>
  seedEarlier(emulator, {}, { ageMs: DAY, secrets });

/**
 * Rotates the secret of a client that has secrets of these ages. Responses list the newest secret first.
 * @param ages such as `3h`, `5m`, or `2h off` for a disabled secret. They also serve as names of the secrets
 */
async function rotateWith(keep_secrets: string, ages: string[]) {
  emulator.behaviour.secretOrder = 'newest';
  const secrets = ages.map((age) => {
    const [, count, unit, off] = /^(\d+)([hm])( off)?$/.exec(age) ?? [];
    return { ageMs: Number(count) * (unit === 'h' ? 60 : 1) * MINUTE, inactive: off !== undefined };
  });
  const { client } = seed(secrets);
  const executed = await runAction(emulator, { inputs: { keep_secrets } });
  expectSucceeded(executed);
  const names = new Map(client.secrets?.map(({ id }, at) => [id, ages[at] ?? '']));
  const nameOf = (id: string) => names.get(id) ?? 'new';
  return {
    ...executed,
    deleted: requestedIds(emulator, 'deleteSecret').map(nameOf),
    remaining: secretIds(emulator).map(nameOf),
    idOf: (age: string) => client.secrets?.[ages.indexOf(age)]?.id,
  };
}

it.each<{ what: string; keep_secrets: string; ages: string[]; deleted: string[] }>([
  {
    what: 'keep_secrets: 1 deletes all old ones, even one that was just created',
    keep_secrets: '1',
    ages: ['3h', '5m'],
    deleted: ['3h', '5m'],
  },
  {
    what: 'keep_secrets: 3 deletes the oldest of three',
    keep_secrets: '3',
    ages: ['4h', '3h', '5m'],
    deleted: ['4h'],
  },
  {
    what: 'keep_secrets: 5 deletes none of four',
    keep_secrets: '5',
    ages: ['5h', '4h', '3h', '2h'],
    deleted: [],
  },
  {
    what: 'a disabled one is deleted before an older one',
    keep_secrets: '2',
    ages: ['3h', '2h off'],
    deleted: ['2h off'],
  },
  {
    what: 'one that is an hour older than the new one is deleted',
    keep_secrets: '2',
    ages: ['1h', '5m'],
    deleted: ['1h'],
  },
  {
    what: 'one that is not an hour older than the new one is kept',
    keep_secrets: '2',
    ages: ['2h', '59m', '5m'],
    deleted: ['2h'],
  },
])('retires old secrets after a rotation: $what', async ({ keep_secrets, ages, deleted }) => {
  const executed = await rotateWith(keep_secrets, ages);
  expect(executed).toMatchObject({
    deleted,
    remaining: [...ages.filter((age) => !deleted.includes(age)), 'new'],
    annotations: [],
  });
  expect(operationsOf(emulator).slice(0, 4)).toEqual(['token', 'listClients', 'addSecret', 'token']);
});

it.each<{ what: string; keep_secrets: string; ages: string[]; first: string; retired: string[] }>([
  {
    what: 'the oldest, however young it is',
    keep_secrets: '5',
    ages: ['5m', '4m', '3m', '2m', '1m'],
    first: '5m',
    retired: [],
  },
  {
    what: 'a disabled one first',
    keep_secrets: '5',
    ages: ['5m', '4m', '3m off', '2m', '1m'],
    first: '3m off',
    retired: [],
  },
  {
    what: 'the oldest, and after that the others that keep_secrets does not keep',
    keep_secrets: '2',
    ages: ['5h', '4h', '3h', '2h', '1m'],
    first: '5h',
    retired: ['4h', '3h', '2h'],
  },
])(
  'deletes one secret with a warning if Scalekit refuses a sixth one: $what',
  async ({ keep_secrets, ages, first, retired }) => {
    const { deleted, idOf, ...executed } = await rotateWith(keep_secrets, ages);
    expect(deleted).toEqual([first, ...retired]);
    const sent = ['token', 'listClients', 'addSecret', 'deleteSecret', 'addSecret', 'token'];
    expect(operationsOf(emulator).slice(0, 6)).toEqual(sent);
    expect(executed.annotations).toEqual([{ kind: 'warning', message: expect.stringContaining(`${idOf(first)}`) }]);
    expect(await credentialsWork(emulator, executed.outputs)).toBe(true);
  },
);

it('names the secret that was deleted to make room if the verification of the new one fails', async () => {
  const { client } = seed(5);
  emulator.behaviour.tokenChanges = (token) => ({ ...token, oid: 'org_another' });
  const executed = await runAction(emulator);
  const [first, ...others] = client.secrets?.map(({ id }) => id) ?? [];
  expectFailed(executed, new RegExp(`\nSecret ${first} .*cannot be brought back\\.$`));
  expect(secretIds(emulator)).toEqual(others);
});

it('logs why it keeps a secret that is younger than an hour', async () => {
  const { log, idOf } = await rotateWith('2', ['10m', '5m']);
  expect(log).toContain(`Not deleting secret ${idOf('10m')}: it is younger than an hour`);
});

it.each<{ what: string; keep_secrets: string; ages: string[]; deleted: string[] }>([
  { what: 'no old secret', keep_secrets: '2', ages: ['3h', '2h'], deleted: [] },
  { what: 'every old secret', keep_secrets: '1', ages: ['2h'], deleted: ['2h'] },
])(
  'retires $what if Scalekit does not say when the new secret was created, with keep_secrets: $keep_secrets',
  async ({ keep_secrets, ages, deleted }) => {
    const edit = ({ secret, ...body }: { secret: object }) => ({
      ...body,
      secret: { ...secret, create_time: undefined },
    });
    emulator.faults.add({ operation: 'addSecret', fault: { kind: 'edit', edit } });
    expect(await rotateWith(keep_secrets, ages)).toMatchObject({ deleted });
  },
);

it('deletes old secrets only after the outputs and the final state are written', async () => {
  const recording = inFolder('recording');
  writeFileSync(recording, '');
  let written: { to: string; text: string }[] = [];
  emulator.hold = (when, { operation }) => {
    if (when === 'before' && operation === 'deleteSecret') written = readRecording(recording);
  };
  seed();
  const executed = await runAction(emulator, { inputs: { keep_secrets: '1' }, ...recordTo(recording) });
  const outputs = written.filter(({ to }) => to === 'output').map(({ text }) => text);
  for (const value of Object.values(executed.outputs)) expect(outputs.join('')).toContain(`\n${value}\n`);
  // The state that was written last says that the post step has nothing to remove.
  const states = written.filter(({ to }) => to === 'state').map(({ text }) => text);
  expect(states).toContainEqual(expect.stringContaining('"secret":'));
  expect(states.at(-1)).not.toMatch(/"(client|secret)":/);
});

it('warns with the manual DELETE call when retiring a secret fails, and succeeds', async () => {
  const { client, plainSecrets } = seed([{ ageMs: 3 * DAY }, { ageMs: 2 * DAY }]);
  const { client_id } = client;
  emulator.faults.add({ operation: 'deleteSecret', fault: MAY_NOT_DELETE });
  const executed = await runAction(emulator, { inputs: { keep_secrets: '1' } });
  expect(executed).toMatchObject({ exitCode: 0, outputs: { result: 'rotated' } });
  expect(warnings(executed)).toEqual(
    client.secrets?.map(
      ({ id }) =>
        `The secret ${id} of client ${client_id} is left over: Could not delete secret ${id} of client ${client_id}: ${MISSING_PERMISSION} To remove it by hand: DELETE ${clientUrl(emulator, client_id, 'secrets', id)}`,
    ),
  );
  for (const secret of [...plainSecrets, executed.outputs.secret ?? ''])
    expect(await credentialsWork(emulator, { client_id, secret })).toBe(true);
});

it('succeeds without a warning if an old secret does not exist any more', async () => {
  seed();
  const body = { code: 5, message: 'client secret not found' };
  emulator.faults.add({ operation: 'deleteSecret', fault: { kind: 'status', status: 404, body } });
  const executed = await runAction(emulator, { inputs: { keep_secrets: '1' } });
  expect(executed).toMatchObject({ exitCode: 0, annotations: [] });
  // Another run has deleted it, and reports that.
  expect(executed.log).not.toContain('Deleted secret');
});
