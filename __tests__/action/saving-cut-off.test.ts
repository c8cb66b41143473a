import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed, Outcome, Step } from '../../emulator/runner.ts';
import { credentialsWork, errors, type Inputs, seedEarlier, warnings } from '../support/action.ts';
import { anotherEmulator, useConcurrentTests, useEmulator } from '../support/emulators.ts';
import { expectFailed, expectFailedCleanly, expectSucceeded } from '../support/outcomes.ts';
import { operationsOf, sentTo } from '../support/requests.ts';
import {
  contents,
  credentialsIn,
  credentialsOf,
  cutOff,
  expectNoSecrets,
  expectPostDoesNothing,
  ID,
  isAbout,
  REPOSITORY,
  repositoryOf,
  SECRET,
  STATE,
  savedCredentialsWork,
  saveWith,
  seedFormer,
  seedSaved,
  stateValue,
  variableUrl,
  writesOf,
} from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// Tests of a run that is cut off while it saves the credentials, and of its post step.

const emulator = useEmulator();
const itWaits = useConcurrentTests();
const repository = () => repositoryOf(emulator);

/** Runs the post step, and checks that it warns of nothing and restores everything. */
async function expectPostRestores(on: Emulator, main: Executed, before: object): Promise<Outcome> {
  const post = await main.post();
  expect(post).toMatchObject({ exitCode: 0, annotations: [] });
  expect(contents(on)).toEqual(before);
  return post;
}

describe('main that is cut off', () => {
  type Scenario = 'rotate' | 'replace' | 'create';
  type Moment = { scenario: Scenario; signal: 'SIGKILL' | 'SIGINT'; when: 'before' | 'after' };

  const inputsOf = (scenario: Scenario): Inputs => ({
    keep_secrets: '1',
    ...(scenario === 'replace' && { on_existing: 'replace' }),
  });
  /**
   * Adds a client and what is saved of a former one, unless the run creates the client.
   * @returns the client's credentials
   */
  const arrange = (on: Emulator, scenario: Scenario) => {
    if (scenario === 'create') return undefined;
    const { client, plainSecrets } = seedEarlier(on, {}, { ageMs: DAY });
    seedFormer(on);
    return { client_id: client.client_id, secret: plainSecrets[0] ?? '' };
  };
  const cut = (on: Emulator, { scenario, signal, when }: Moment, label: string, hangs = signal !== 'SIGINT') =>
    cutOff(on, signal, [when, label], (step) => saveWith(on, inputsOf(scenario), step), hangs);
  const exitCodeOf = ({ signal }: Moment) => (signal === 'SIGINT' ? 1 : null);
  const expectWorking = async (on: Emulator, credentials: ReturnType<typeof arrange>) => {
    if (credentials) expect(await credentialsWork(on, credentials)).toBe(true);
  };

  const variables: (Moment & { short: 'STATE' | 'CLIENT_ID' })[] = [
    { scenario: 'rotate', signal: 'SIGKILL', when: 'before', short: 'STATE' },
    { scenario: 'create', signal: 'SIGKILL', when: 'before', short: 'CLIENT_ID' },
    { scenario: 'replace', signal: 'SIGKILL', when: 'after', short: 'STATE' },
    { scenario: 'rotate', signal: 'SIGKILL', when: 'after', short: 'CLIENT_ID' },
    { scenario: 'replace', signal: 'SIGINT', when: 'before', short: 'STATE' },
    { scenario: 'rotate', signal: 'SIGINT', when: 'before', short: 'CLIENT_ID' },
    { scenario: 'create', signal: 'SIGINT', when: 'after', short: 'STATE' },
    { scenario: 'replace', signal: 'SIGINT', when: 'after', short: 'CLIENT_ID' },
  ];
  for (const { short, ...moment } of variables) {
    const { scenario, signal, when } = moment;
    itWaits(
      `undoes everything in post, …_STATE last, if ${signal} ends main (${scenario}) ${when} GitHub writes …_${short}`,
      async (on) => {
        const [write, restore] =
          scenario === 'create' ? ['createVariable', 'deleteVariable'] : ['updateVariable', 'updateVariable'];
        const credentials = arrange(on, scenario);
        const before = contents(on);
        const { main, milliseconds } = await cut(on, moment, `${write} ${short}`);
        expect({ exitCode: main.exitCode, outputs: main.outputs }).toEqual({
          exitCode: exitCodeOf(moment),
          outputs: {},
        });
        expect(sentTo(on, 'putActionsSecret')).toEqual([]);
        expect(milliseconds).toBeLessThan(4000);
        expect(errors(main)).toEqual(signal === 'SIGINT' ? [expect.stringContaining('cancelled')] : []);
        expect(contents(on)).not.toEqual(before);
        const from = on.requests.length;
        const post = await expectPostRestores(on, main, before);
        const restored = short === 'STATE' ? ['STATE'] : ['CLIENT_ID', 'STATE'];
        expect(writesOf(on, from)).toEqual(restored.map((name) => `${restore} ${name}`));
        for (const name of restored)
          expect(post.log).toContain(`Restored variable SCALEKIT_M2M_${name} of ${REPOSITORY}.`);
        await expectWorking(on, credentials);
        expectNoSecrets(on, main, post);
      },
    );
  }

  const secrets: Moment[] = [
    { scenario: 'rotate', signal: 'SIGKILL', when: 'before' },
    { scenario: 'create', signal: 'SIGKILL', when: 'after' },
    { scenario: 'replace', signal: 'SIGINT', when: 'before' },
    { scenario: 'rotate', signal: 'SIGINT', when: 'after' },
  ];
  for (const moment of secrets) {
    const { scenario, signal, when } = moment;
    itWaits(
      `keeps the saved credentials if ${signal} ends main (${scenario}) ${when} GitHub writes the secret`,
      async (on) => {
        const credentials = arrange(on, scenario);
        const { main } = await cut(on, moment, 'putActionsSecret');
        const saved = credentialsIn(repositoryOf(on));
        expect(main.exitCode).toBe(exitCodeOf(moment));
        // After a response, the credentials are published.
        expect(credentialsOf(main)).toEqual(signal === 'SIGINT' ? saved : {});
        await expectPostDoesNothing(on, main);
        expect(await savedCredentialsWork(on)).toBe(true);
        await expectWorking(on, credentials);
        expectNoSecrets(on, main);
      },
    );
  }

  itWaits(
    'says that id and secret may not belong together if it is cancelled while GitHub does not respond',
    async (on) => {
      const credentials = arrange(on, 'rotate');
      const moment = { scenario: 'rotate', signal: 'SIGINT', when: 'before' } as const;
      const { main, milliseconds } = await cut(on, moment, 'putActionsSecret', true);
      expectFailedCleanly(main);
      expect(errors(main)).toEqual([
        expect.stringMatching(/cancelled.* Could not determine whether GitHub has .*may not belong together\.$/),
      ]);
      expect(milliseconds).toBeLessThan(7500);
      await expectPostDoesNothing(on, main);
      expect(await savedCredentialsWork(on)).toBe(true);
      await expectWorking(on, credentials);
    },
  );

  itWaits('undoes everything in post if it is cancelled while GitHub refuses the secret', async (on) => {
    arrange(on, 'rotate');
    const before = contents(on);
    for (const fault of [
      { kind: 'delay', ms: 600 },
      { kind: 'status', status: 403 },
    ] as const)
      on.faults.add({ operation: 'putActionsSecret', fault });
    const onStart: Step['onStart'] = async (kill) => {
      for (const end = Date.now() + 20_000; Date.now() < end; await sleep(5))
        if (sentTo(on, 'putActionsSecret').length > 0) break;
      kill('SIGINT');
    };
    const main = await saveWith(on, inputsOf('rotate'), { onStart });
    expectFailed(main);
    expect(errors(main)).toEqual([expect.stringContaining('The post step removes what this step created.')]);
    await expectPostRestores(on, main, before);
  });
});

describe('the post step of a run that was cut off between the variables and the secret', () => {
  /** Runs main until GitHub has written …_CLIENT_ID, and then ends it. */
  const cut = async (): Promise<Executed> => {
    seedEarlier(emulator, {}, { ageMs: DAY });
    seedFormer(emulator);
    const moment = ['after', 'updateVariable CLIENT_ID'] as const;
    const { main } = await cutOff(emulator, 'SIGKILL', [...moment], (step) => saveWith(emulator, {}, step));
    return main;
  };
  const formerState = () => stateValue(emulator, 'sks_1');
  /** Returns the calls that restore the variables, as a warning names them. */
  const calls = () =>
    `PATCH ${variableUrl(emulator, ID)} with the value "m2morg_1"; PATCH ${variableUrl(emulator, STATE)} with the value "${formerState()}"`;

  it('restores …_STATE alone in post if main did not write …_CLIENT_ID, and the next reuse saves a new secret', async () => {
    const { client } = seedSaved(emulator);
    const before = contents(emulator);
    const { main } = await cutOff(emulator, 'SIGKILL', ['after', 'updateVariable STATE'], (step) =>
      saveWith(emulator, {}, step),
    );
    const from = emulator.requests.length;
    await expectPostRestores(emulator, main, before);
    expect(writesOf(emulator, from)).toEqual(['updateVariable STATE']);
    const next = await saveWith(emulator, { on_existing: 'reuse' });
    expect(next.outputs).toMatchObject({ result: 'rotated', client_id: client.client_id });
    expect(next.log).toContain('since saving was cut off before the secret was written');
    expect(credentialsIn(repository())).toEqual(credentialsOf(next));
  });

  const theirState = () => stateValue(emulator, 'sks_9');
  it.each<{
    name: string;
    change: () => void;
    expected: (written: object) => object;
    restored: string[];
    warned: number;
  }>([
    {
      name: '…_STATE',
      change: () => repository().setVariable(STATE, theirState()),
      expected: () => ({ [STATE]: theirState(), [ID]: 'm2morg_1' }),
      restored: ['updateVariable CLIENT_ID'],
      warned: 1,
    },
    {
      name: 'the secret',
      change: () => repository().setSecret(SECRET, 'theirs'),
      expected: (written) => written,
      restored: [],
      warned: 0,
    },
  ])('keeps in post what another run has written since: $name', async ({ change, expected, restored, warned }) => {
    const main = await cut();
    const { variables: written } = contents(emulator);
    change();
    const from = emulator.requests.length;
    const post = await main.post();
    expectSucceeded(post);
    expect(post.annotations).toHaveLength(warned);
    expect(warnings(post)).toEqual(Array(warned).fill(expect.stringContaining(`Not restored: variable ${STATE}`)));
    expect(contents(emulator).variables).toEqual(expected(written));
    expect(writesOf(emulator, from)).toEqual(restored);
    expect(emulator.clients()[0]?.secrets).toHaveLength(1);
  });

  it('keeps in post the credentials of the same client that another run has saved since', async () => {
    const main = await cut();
    const other = await saveWith(emulator);
    expect(await main.post()).toMatchObject({ exitCode: 0, annotations: [] });
    expect(credentialsIn(repository())).toEqual(credentialsOf(other));
    expect(await credentialsWork(emulator, other.outputs)).toBe(true);
  });

  it('warns in post with the calls that restore the variables if github_token is missing, and deletes the secret', async () => {
    const main = await cut();
    const from = emulator.requests.length;
    const post = await main.post({ inputs: { github_token: '' } });
    expectSucceeded(post);
    expect(post.annotations).toHaveLength(1);
    expect(operationsOf(emulator, from)).toEqual(['token', 'getClient', 'deleteSecret']);
    expect(warnings(post)).toEqual([expect.stringContaining(`To restore them by hand: ${calls()}`)]);
    expect(emulator.clients()[0]?.secrets).toHaveLength(1);
  });

  it('warns in post with the calls that restore the variables if GitHub refuses to show them, and deletes the secret', async () => {
    const main = await cut();
    emulator.faults.add({ operation: 'getVariable', fault: { kind: 'status', status: 403 } });
    const post = await main.post();
    expectSucceeded(post);
    expect(post.annotations).toHaveLength(1);
    expect(warnings(post)).toEqual([expect.stringContaining(calls())]);
    expect(emulator.clients()[0]?.secrets).toHaveLength(1);
  });

  it('warns in post with the calls and keeps …_STATE if it cannot restore …_CLIENT_ID', async () => {
    const main = await cut();
    emulator.faults.add({ operation: 'updateVariable', where: isAbout(ID), fault: { kind: 'status', status: 403 } });
    const from = emulator.requests.length;
    const post = await main.post();
    expectSucceeded(post);
    expect(warnings(post)).toEqual([expect.stringContaining(calls())]);
    expect(writesOf(emulator, from)).toEqual(['updateVariable CLIENT_ID']);
  });

  it('restores the variables in the GitHub that main used, even if GITHUB_API_URL has changed since', async () => {
    await using other = await anotherEmulator();
    const main = await cut();
    const post = await main.post({ env: other.github.variables });
    expect(post.annotations).toEqual([]);
    expect(contents(emulator).variables).toEqual({ [STATE]: formerState(), [ID]: 'm2morg_1' });
    expect(other.requests).toEqual([]);
  });

  it('sends nothing in post and names the variables if somebody has changed the address in the state', async () => {
    await using other = await anotherEmulator();
    const main = await cut();
    const from = emulator.requests.length;
    const state = JSON.parse(main.state.client ?? '');
    state.variables.api = other.github.apiUrl;
    const post = await main.post({ state: { client: JSON.stringify(state) } });
    expectSucceeded(post);
    expect(operationsOf(emulator, from)).toEqual([]);
    expect(other.requests).toEqual([]);
    expect(post.annotations).toEqual([{ kind: 'warning', message: expect.any(String) }]);
    for (const name of [ID, STATE]) expect(warnings(post)[0]).toContain(name);
    expect(warnings(post).join(' ')).not.toContain('127.0.0.1');
  });
});
