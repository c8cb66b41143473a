import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Fault, startEmulator } from '../../emulator/index.ts';
import type { Executed, Outcome, Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, seedEarlier, sentTo, warnings } from '../support/action.ts';
import {
  contents,
  credentialsOf,
  cutOff,
  DAY,
  expectNoSecrets,
  ID,
  type Inputs,
  isAbout,
  keptIn,
  operationsOf,
  REPOSITORY,
  repositoryOf,
  SECRET,
  STATE,
  saveWith,
  seedFormer,
  seedSaved,
  stateValue,
  writesOf,
} from '../support/saved.ts';
import { another, useConcurrentTests } from '../support/setup.ts';

// Tests of a run that is cut off while it saves the credentials, and of its post step.

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const itWaits = useConcurrentTests();
const repository = () => repositoryOf(emulator);
const urlOf = (name: string, { github } = emulator) => `${github.apiUrl}/repos/${REPOSITORY}/actions/variables/${name}`;

describe.each(['rotate', 'replace', 'create'])('a run that is cut off (%s)', (scenario) => {
  const inputs: Inputs = { keep_secrets: '1', ...(scenario === 'replace' ? { on_existing: 'replace' } : {}) };
  const isFirst = scenario === 'create';
  const write = isFirst ? 'createVariable' : 'updateVariable';
  const restore = isFirst ? 'deleteVariable' : 'updateVariable';
  /** Adds a client, and what is saved of a former one. @returns the client's credentials */
  const arrange = (on: Emulator) => {
    if (isFirst) return undefined;
    const { client, plainSecrets } = seedEarlier(on, {}, { ageMs: DAY });
    seedFormer(on);
    return { client_id: client.client_id, secret: plainSecrets[0] ?? '' };
  };
  const cut = (
    on: Emulator,
    signal: 'SIGKILL' | 'SIGINT',
    when: 'before' | 'after',
    label: string,
    hangs = signal !== 'SIGINT',
  ) => cutOff(on, signal, [when, label], (step) => saveWith(on, inputs, step), hangs);
  const moments = (['SIGKILL', 'SIGINT'] as const).flatMap((signal) =>
    (['before', 'after'] as const).map((when) => ({ signal, when, ended: signal === 'SIGINT' ? 1 : null })),
  );

  for (const { signal, when, ended } of moments) {
    for (const short of ['STATE', 'CLIENT_ID'])
      itWaits(`by ${signal}, ${when} …_${short} is written, is undone by post, …_STATE last`, async (isolated) => {
        const credentials = arrange(isolated);
        const before = contents(isolated);
        const { main, milliseconds } = await cut(isolated, signal, when, `${write} ${short}`);
        expect(main).toMatchObject({ exitCode: ended, outputs: {} });
        expect(sentTo(isolated, 'putActionsSecret')).toEqual([]);
        expect(milliseconds).toBeLessThan(4000);
        expect(errors(main)).toEqual(signal === 'SIGINT' ? [expect.stringContaining('cancelled')] : []);
        expect(contents(isolated)).not.toEqual(before);
        const from = isolated.requests.length;
        const post = await main.post();
        expect([post.exitCode, post.annotations, contents(isolated)]).toEqual([0, [], before]);
        const restored = short === 'STATE' ? ['STATE'] : ['CLIENT_ID', 'STATE'];
        expect(writesOf(isolated, from)).toEqual(restored.map((name) => `${restore} ${name}`));
        for (const name of restored)
          expect(post.log).toContain(`Restored variable SCALEKIT_M2M_${name} of ${REPOSITORY}.`);
        if (credentials) expect(await credentialsWork(isolated, credentials)).toBe(true);
        expectNoSecrets(isolated, main, post);
      });

    itWaits(`by ${signal}, ${when} the secret is written, keeps the saved credentials`, async (isolated) => {
      const credentials = arrange(isolated);
      const { main } = await cut(isolated, signal, when, 'putActionsSecret');
      const now = keptIn(repositoryOf(isolated));
      // After a response, the credentials are published.
      expect([main.exitCode, credentialsOf(main)]).toEqual([ended, signal === 'SIGINT' ? now : {}]);
      const from = isolated.requests.length;
      const post = await main.post();
      expect([post.stdout, operationsOf(isolated, from)]).toEqual(['', []]);
      expect(await credentialsWork(isolated, now as Outcome['outputs'])).toBe(true);
      if (credentials) expect(await credentialsWork(isolated, credentials)).toBe(true);
      expectNoSecrets(isolated, main, post);
    });
  }

  itWaits(
    'by SIGINT while the secret is never answered says that id and secret may not belong together',
    async (on) => {
      const credentials = arrange(on);
      const { main, milliseconds } = await cut(on, 'SIGINT', 'before', 'putActionsSecret', true);
      expect(main).toMatchObject({ exitCode: 1, outputs: {}, state: { client: '' } });
      expect(errors(main)).toEqual([
        expect.stringMatching(/cancelled.* Could not determine whether GitHub has .*may not belong together\.$/),
      ]);
      expect(milliseconds).toBeLessThan(7500);
      const from = on.requests.length;
      expect([(await main.post()).stdout, operationsOf(on, from)]).toEqual(['', []]);
      expect(await credentialsWork(on, keptIn(repositoryOf(on)) as Outcome['outputs'])).toBe(true);
      if (credentials) expect(await credentialsWork(on, credentials)).toBe(true);
    },
  );

  itWaits('by SIGINT while the secret is refused is undone by post', async (isolated) => {
    arrange(isolated);
    const before = contents(isolated);
    for (const fault of [
      { kind: 'delay', ms: 600 },
      { kind: 'status', status: 403 },
    ] as const)
      isolated.faults.add({ operation: 'putActionsSecret', fault });
    const onStart: Step['onStart'] = async (kill) => {
      for (const end = Date.now() + 20_000; Date.now() < end; await sleep(5))
        if (sentTo(isolated, 'putActionsSecret').length > 0) break;
      kill('SIGINT');
    };
    const main = await saveWith(isolated, inputs, { onStart });
    expect(main).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errors(main)).toEqual([expect.stringContaining('The post step removes what this step created.')]);
    const post = await main.post();
    expect([post.exitCode, post.annotations, contents(isolated)]).toEqual([0, [], before]);
  });
});

describe('the post step of a run that was cut off between the variables and the secret', () => {
  const cut = async (isFirst = false): Promise<Executed> => {
    seedEarlier(emulator, {}, { ageMs: DAY });
    if (!isFirst) seedFormer(emulator);
    const label = isFirst ? 'createVariable CLIENT_ID' : 'updateVariable CLIENT_ID';
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', label], (step) => saveWith(emulator, {}, step));
    return main;
  };
  /** Returns the calls that restore the variables, as a warning names them. */
  const calls = (isFirst = false) =>
    isFirst
      ? `DELETE ${urlOf(ID)}; DELETE ${urlOf(STATE)}`
      : `PATCH ${urlOf(ID)} with the value "m2morg_1"; PATCH ${urlOf(STATE)} with the value "${stateValue(emulator, 'sks_1')}"`;

  it('restores …_STATE alone if …_CLIENT_ID did not have to change', async () => {
    seedSaved(emulator);
    const before = contents(emulator);
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', 'updateVariable STATE'], (step) =>
      saveWith(emulator, {}, step),
    );
    const from = emulator.requests.length;
    const post = await main.post();
    expect([post.exitCode, post.annotations, contents(emulator)]).toEqual([0, [], before]);
    expect(writesOf(emulator, from)).toEqual(['updateVariable STATE']);
  });

  it('restores …_STATE, and the next reuse makes and saves a new secret', async () => {
    const { client } = seedSaved(emulator);
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', 'updateVariable STATE'], (step) =>
      saveWith(emulator, {}, step),
    );
    await main.post();
    const next = await saveWith(emulator, { on_existing: 'reuse' });
    expect(next.outputs).toMatchObject({ result: 'rotated', client_id: client.client_id });
    expect(next.log).toContain('since saving was cut off before the secret was written');
    expect(keptIn(repository())).toEqual(credentialsOf(next));
  });

  const THEIR_STATE = () => stateValue(emulator, 'sks_9');
  const FORMER = () => ({ [STATE]: stateValue(emulator, 'sks_1'), [ID]: 'm2morg_1' });
  it.each<[string, () => void, (written: object) => object, restored: string[], warned: number]>([
    [
      'both variables',
      () => {
        repository().setVariable(STATE, THEIR_STATE());
        repository().setVariable(ID, 'm2morg_9');
      },
      () => ({ [STATE]: THEIR_STATE(), [ID]: 'm2morg_9' }),
      [],
      1,
    ],
    [
      '…_STATE, and restores …_CLIENT_ID alone',
      () => repository().setVariable(STATE, THEIR_STATE()),
      () => ({ ...FORMER(), [STATE]: THEIR_STATE() }),
      ['updateVariable CLIENT_ID'],
      1,
    ],
    [
      '…_CLIENT_ID, and restores …_STATE alone',
      () => repository().setVariable(ID, 'm2morg_9'),
      () => ({ ...FORMER(), [ID]: 'm2morg_9' }),
      ['updateVariable STATE'],
      0,
    ],
    ['the secret', () => repository().setSecret(SECRET, 'theirs'), (written) => written, [], 0],
    ['neither variable, because both are gone', () => repository().variables.clear(), () => ({}), [], 1],
  ])('keeps what another run has written since: %s', async (_, change, expected, restored, warned) => {
    const main = await cut();
    const { variables: written } = contents(emulator);
    change();
    const from = emulator.requests.length;
    const post = await main.post();
    expect([post.exitCode, post.annotations.length]).toEqual([0, warned]);
    expect(warnings(post)).toEqual(Array(warned).fill(expect.stringContaining(`Not restored: variable ${STATE}`)));
    expect(contents(emulator).variables).toEqual(expected(written));
    expect(writesOf(emulator, from)).toEqual(restored);
    expect(emulator.clients()[0]?.secrets).toHaveLength(1);
  });

  it('keeps the credentials of another run that has saved the same client’s since', async () => {
    const main = await cut();
    const other = await saveWith(emulator);
    const post = await main.post();
    expect([post.exitCode, post.annotations, keptIn(repository())]).toEqual([0, [], credentialsOf(other)]);
    expect(await credentialsWork(emulator, other.outputs)).toBe(true);
  });

  it.each([false, true])(
    'warns once, with the exact calls, if github_token is missing (first save: %p)',
    async (is) => {
      const main = await cut(is);
      const from = emulator.requests.length;
      const post = await main.post({ inputs: { github_token: '' } });
      expect([post.exitCode, post.annotations.length]).toEqual([0, 1]);
      expect(operationsOf(emulator, from)).toEqual(['token', 'getClient', 'deleteSecret']);
      expect(warnings(post)).toEqual([expect.stringContaining(`To restore them by hand: ${calls(is)}`)]);
      // The rest of the clean-up is done nevertheless.
      expect(emulator.clients()[0]?.secrets).toHaveLength(1);
    },
  );

  it.each<[string, Fault]>([
    ['a refusal', { kind: 'status', status: 403 }],
    ['rubbish', { kind: 'body', body: '<html>' }],
  ])('never fails the job: GitHub answers with %s', async (_, fault) => {
    const main = await cut();
    emulator.faults.add({ operation: 'getVariable', fault });
    const post = await main.post();
    expect([post.exitCode, post.annotations.length]).toEqual([0, 1]);
    expect(warnings(post)).toEqual([expect.stringContaining(calls())]);
    expect(emulator.clients()[0]?.secrets).toHaveLength(1);
  });

  it.each([
    [ID, 0],
    [STATE, 1],
  ])('names the calls if it cannot restore %s, and leaves …_STATE for last', async (name, done) => {
    const main = await cut();
    emulator.faults.add({ operation: 'updateVariable', where: isAbout(name), fault: { kind: 'status', status: 403 } });
    const from = emulator.requests.length;
    const post = await main.post();
    expect([post.exitCode, warnings(post)]).toEqual([0, [expect.stringContaining(calls())]]);
    expect(writesOf(emulator, from)).toEqual(['updateVariable CLIENT_ID', 'updateVariable STATE'].slice(0, done + 1));
  });

  it('goes to the GitHub that main used, whatever the variables say since', async () => {
    await using other = await another();
    const main = await cut();
    const post = await main.post({ env: other.github.variables });
    const former = { [STATE]: stateValue(emulator, 'sks_1'), [ID]: 'm2morg_1' };
    expect([post.annotations, contents(emulator).variables, other.requests]).toEqual([[], former, []]);
  });

  // biome-ignore lint/suspicious/noExplicitAny: the test knows the JSON of the state.
  it.each<[string, (variables: any, other: Emulator) => void]>([
    ['another address', (variables, other) => Object.assign(variables, { api: other.github.apiUrl })],
    ['another value of before', ({ before }) => Object.assign(before, { client_id: 'm2morg_4' })],
    ['another repository', ({ location }) => Object.assign(location, { repository: 'acme/other' })],
  ])('sends nothing if its state has %s', async (_, change) => {
    await using other = await another();
    const main = await cut();
    const from = emulator.requests.length;
    const state = JSON.parse(main.state.client ?? '');
    change(state.variables, other);
    const post = await main.post({ state: { client: JSON.stringify(state) } });
    expect([post.exitCode, operationsOf(emulator, from), other.requests]).toEqual([0, [], []]);
    expect(warnings(post).length).toBe(post.annotations.length);
    for (const name of [ID, STATE]) expect(warnings(post)[0]).toContain(name);
    expect(warnings(post).join(' ')).not.toContain('127.0.0.1');
  });
});
