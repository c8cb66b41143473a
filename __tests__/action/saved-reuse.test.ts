import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Operation, startEmulator } from '../../emulator/index.ts';
import type { Outcome, Step } from '../../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  markerLine,
  notices,
  runAction,
  seedEarlier,
  sentTo,
  warnings,
} from '../support/action.ts';
import {
  changesOf,
  credentialsOf,
  DAY,
  FINE_AND_CLASSIC,
  ID,
  type Inputs,
  keptIn,
  MINUTE,
  NAMES,
  operationsOf,
  repositoryOf,
  SECRET,
  type SecretLocation,
  STATE,
  saveWith,
  seedFormer,
  seedSaved,
  stateValue,
} from '../support/saved.ts';

// Tests of `on_existing: reuse` with saved credentials, of `rotate_after`, and of the client that a saved id names.

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const repository = () => repositoryOf(emulator);
const reuse = (inputs: Inputs = {}, step: Step = {}) => saveWith(emulator, { on_existing: 'reuse', ...inputs }, step);
/** Makes every secret of these ids inactive. */
const deactivate = (...ids: string[]) =>
  emulator.faults.add(
    ...(['getClient', 'listClients'] as const).map((operation) => ({
      operation,
      fault: {
        kind: 'edit' as const,
        edit: (answer: unknown) =>
          JSON.parse(JSON.stringify(answer), (_, value) =>
            ids.includes(value?.id) ? { ...value, status: 'INACTIVE' } : value,
          ),
      },
    })),
  );

describe('reuse', () => {
  it.each<[string, Inputs, (on: Emulator) => SecretLocation]>([
    ['the repository', { save_to: 'repository' }, repositoryOf],
    [
      'an environment',
      { save_to: 'environment', environment: 'preview/pr-7' },
      (on) => repositoryOf(on).addEnvironment('preview/pr-7'),
    ],
  ])('writes nothing if the saved credentials are usable, in %s', async (_, inputs, locationOf) => {
    const location = locationOf(emulator);
    const first = await reuse(inputs);
    expect([first.outputs.result, keptIn(location)]).toEqual(['created', credentialsOf(first)]);
    const saved = [...location.variables];
    const [before, from] = [emulator.clients(), emulator.requests.length];
    const second = await reuse(inputs);
    expect(errors(second)).toEqual([]);
    expect(second).toMatchObject({
      exitCode: 0,
      outputs: { result: 'reused', client_id: first.outputs.client_id, secret: '' },
      state: { client: '' },
    });
    expect([emulator.clients(), keptIn(location), [...location.variables]]).toEqual([
      before,
      credentialsOf(first),
      saved,
    ]);
    const writes = emulator.requests.slice(from).filter(({ method }) => method !== 'GET');
    expect(writes.map(({ operation }) => operation)).toEqual(['token']);
    expect(second.log).toContain("the saved credentials are this client's");
    expect((await second.post()).stdout).toBe('');
  });

  it('says in the summary that the saved credentials are unchanged, and otherwise where', async () => {
    const first = await reuse();
    const second = await reuse();
    expect(first.summary).toMatch(new RegExp(`<th>Saved</th><td><code>${NAMES} of `));
    expect(second.summary).toContain('<th>Saved</th><td><code>unchanged</code></td>');
    const without = await runAction(emulator, { inputs: { on_existing: 'reuse' } });
    expect(without.summary).not.toContain('Saved');
  });

  const both = [STATE, ID] as const;
  it.each<[string, (saved: ReturnType<typeof seedSaved>, location: SecretLocation) => void, reason: string]>([
    ['…_CLIENT_ID is missing', (_, { variables }) => variables.delete(ID), 'no credentials of it are saved'],
    [
      '…_CLIENT_ID has another id',
      (_, location) => location.setVariable(ID, 'm2morg_1', DAY),
      "the saved credentials are another client's",
    ],
    ['the secret is missing', (_, { secrets }) => secrets.clear(), 'no credentials of it are saved'],
    [
      '…_STATE alone is there',
      (_, { variables, secrets }) => {
        variables.delete(ID);
        secrets.clear();
      },
      'no credentials of it are saved',
    ],
    [
      'nothing is there',
      (_, { variables, secrets }) => {
        for (const name of both) variables.delete(name);
        secrets.clear();
      },
      'no credentials of it are saved',
    ],
    [
      'the secret that …_STATE names is gone',
      (_, location) => location.setVariable(STATE, stateValue(emulator, 'sks_404'), DAY),
      'the saved secret sks_404 is not active',
    ],
    [
      'the secret that …_STATE names is inactive',
      ({ secretId }) => deactivate(secretId),
      'the saved secret sks_\\d+ is not active',
    ],
    [
      '…_STATE does not know which secret is saved',
      (_, location) => location.setVariable(STATE, stateValue(emulator, 'unknown'), DAY),
      'it is not known which secret is saved',
    ],
    [
      "GitHub's secret is a second older than …_STATE",
      ({ credentials }, location) => location.setSecret(SECRET, credentials.secret, DAY + 1000),
      'saving was cut off before the secret was written',
    ],
  ])('makes and saves another secret, and says why, if %s', async (_, change, reason) => {
    const location = repository();
    const saved = seedSaved(emulator, { secrets: 2 });
    change(saved, location);
    const dry = await reuse({ dry_run: 'true' });
    expect(dry.log).toMatch(new RegExp(`A new secret is due, since ${reason}\\.`));
    expect(dry.log).toContain('- save the credentials as ');
    expect(changesOf(emulator)).toEqual([]);
    const run = await reuse();
    expect(errors(run)).toEqual([]);
    expect(run.outputs).toMatchObject({ result: 'rotated', client_id: saved.client.client_id });
    expect(run.log).toMatch(new RegExp(`^Added secret sks_\\d+ to .*, since ${reason}\\.$`, 'm'));
    expect(run.summary).toMatch(new RegExp(`<th>Reason</th><td><code>${reason.replace("'", '&#39;')}</code>`));
    expect(keptIn(location)).toEqual(credentialsOf(run));
    expect(location.variables.get(STATE)?.value).toBe(stateValue(emulator, run.outputs.secret_id ?? ''));
    expect(await credentialsWork(emulator, run.outputs)).toBe(true);
    emulator.faults.clear();
    expect((await reuse()).outputs).toMatchObject({ result: 'reused' });
  });

  it.each<[string, (on: Emulator) => string]>([
    ['another key', (on) => stateValue(on, 'sks_1', { name: 'Deploy' })],
    ['another organization', (on) => stateValue(on, 'sks_1').replace(/org_\d+/, 'org_1')],
  ])('makes and saves another secret if …_STATE has %s, and client_id takes it over', async (_, stateOf) => {
    const { client, secretId } = seedSaved(emulator);
    repository().setVariable(STATE, stateOf(emulator).replace('sks_1', secretId), DAY);
    const run = await reuse({ client_id: client.client_id });
    expect(errors(run)).toEqual([]);
    expect(run.outputs).toMatchObject({ result: 'rotated', client_id: client.client_id });
    expect(run.log).toContain("since the saved credentials are another client's");
    expect(repository().variables.get(STATE)?.value).toBe(stateValue(emulator, run.outputs.secret_id ?? ''));
  });

  it("keeps the credentials if GitHub's secret and …_STATE were written in the same second or the secret later", async () => {
    const { credentials } = seedSaved(emulator);
    expect((await reuse()).outputs).toMatchObject({ result: 'reused' });
    repository().setSecret(SECRET, credentials.secret, DAY - 1000);
    expect((await reuse()).outputs).toMatchObject({ result: 'reused' });
  });

  it("compares GitHub's two times by whole seconds", async () => {
    seedSaved(emulator);
    const at = (time: string) =>
      ({ kind: 'edit', edit: (answer: object) => ({ ...answer, updated_at: time }) }) as const;
    emulator.faults.add(
      { operation: 'getVariable', fault: at('2026-11-24T08:00:00.900Z') },
      { operation: 'getActionsSecret', fault: at('2026-11-24T08:00:00.100Z') },
    );
    expect((await reuse()).outputs).toMatchObject({ result: 'reused' });
  });

  it('makes and saves another secret if GitHub does not say when …_STATE was written', async () => {
    seedSaved(emulator);
    emulator.faults.add({
      operation: 'getVariable',
      fault: { kind: 'edit', edit: (answer: object) => ({ ...answer, updated_at: 'yesterday' }) },
    });
    expect((await reuse()).outputs).toMatchObject({ result: 'rotated' });
  });

  it("compares no times of two servers: Scalekit's secret may be younger than GitHub's", async () => {
    seedSaved(emulator, { secrets: [{ ageMs: 0 }] });
    expect((await reuse()).outputs).toMatchObject({ result: 'reused' });
  });

  it('makes and saves another client if it is gone', async () => {
    seedFormer(emulator);
    const run = await reuse();
    expect(errors(run)).toEqual([]);
    expect(run.outputs).toMatchObject({ result: 'created' });
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });

  it('corrects what drifted and keeps what is saved', async () => {
    const { credentials } = seedSaved(emulator, { fields: { scopes: ['b'] } });
    const run = await reuse({ scopes: 'a' });
    expect(errors(run)).toEqual([]);
    expect([run.outputs.result, changesOf(emulator)]).toEqual(['reused', ['updateClient']]);
    expect(keptIn(repository())).toEqual(credentials);
  });

  it('says in a dry run that it would change nothing', async () => {
    seedSaved(emulator);
    const run = await reuse({ dry_run: 'true' });
    expect(run.log).toContain('- change nothing');
    expect(run.log).not.toContain('A new secret is due');
  });

  it('needs a token that can see whether the credentials are there', async () => {
    seedSaved(emulator);
    const run = await reuse({ github_token: emulator.github.addToken({ secrets: 'write' }) });
    expect([run.exitCode, changesOf(emulator)]).toEqual([1, []]);
    expect(errors(run)[0]).toMatch(FINE_AND_CLASSIC.variables);
  });
});

describe('rotate_after', () => {
  /** Returns a time of Scalekit plus some days, as the log shows it. */
  const daysAfter = (time: string | undefined, days: number) =>
    new Date(Math.floor(Date.parse(time ?? '') / 1000) * 1000 + days * DAY).toISOString().replace('.000Z', 'Z');
  const DAYS = (count: number) => ({ ageMs: count * DAY + MINUTE });
  const rotateAfter = (days: number, isSaved: boolean, inputs: Inputs = {}, step: Step = {}) => {
    const all = { on_existing: 'reuse', rotate_after: `${days}`, ...inputs };
    return isSaved ? saveWith(emulator, all, step) : runAction(emulator, { ...step, inputs: all });
  };
  const seed = (isSaved: boolean, secrets: { ageMs: number; inactive?: boolean }[]) =>
    isSaved ? seedSaved(emulator, { secrets }) : seedEarlier(emulator, {}, { ageMs: DAY, secrets });

  describe.each([
    ['with save_to', true],
    ['without save_to', false],
  ])('%s', (_, isSaved) => {
    it('keeps a secret that is not older, and says when the next rotation is due', async () => {
      const { client } = seed(isSaved, [DAYS(29)]);
      const due = daysAfter(client.secrets?.[0]?.create_time, 30);
      for (const dry_run of ['true', 'false']) {
        const run = await rotateAfter(30, isSaved, { dry_run });
        expect([run.exitCode, run.annotations, changesOf(emulator)]).toEqual([0, [], []]);
        expect(run.log).toContain(`The next rotation is due on ${due}.`);
        expect(run.log).not.toContain('since');
        if (dry_run === 'false') {
          expect(run.outputs).toMatchObject({ result: 'reused' });
          expect(run.summary).toContain(`<th>Next rotation</th><td><code>${due}</code></td>`);
          expect(run.summary).not.toContain('Reason');
        }
      }
    });

    it('adds a secret if it is older, and says why and when the next rotation is due', async () => {
      const { client } = seed(isSaved, [DAYS(31)]);
      const old = client.secrets?.[0]?.id ?? '';
      const why = `secret ${old} is 31 days old, and rotate_after is 30`;
      const dry = await rotateAfter(30, isSaved, { dry_run: 'true' });
      expect([dry.exitCode, changesOf(emulator)]).toEqual([0, []]);
      expect(dry.log).toContain(`- add a secret to client ${client.client_id}`);
      expect(dry.log).toContain(`A new secret is due, since ${why}.`);
      const run = await rotateAfter(30, isSaved);
      expect([run.exitCode, run.annotations]).toEqual([0, []]);
      expect(run.outputs).toMatchObject({ result: 'rotated', client_id: client.client_id });
      expect(await credentialsWork(emulator, run.outputs)).toBe(true);
      const added = emulator.clients()[0]?.secrets?.find(({ id }) => id === run.outputs.secret_id);
      const due = daysAfter(added?.create_time, 30);
      expect(run.log).toMatch(new RegExp(`^Added secret .*, since ${why}\\.$`, 'm'));
      expect(run.log).toContain(`The next rotation is due on ${due}.`);
      expect(run.summary).toContain(`<th>Reason</th><td><code>${why}</code></td>`);
      expect(run.summary).toContain(`<th>Next rotation</th><td><code>${due}</code></td>`);
      if (isSaved) expect(keptIn(repository())).toEqual(credentialsOf(run));
      expect((await rotateAfter(30, isSaved)).outputs).toMatchObject({ result: 'reused' });
    });

    it('says after a create when the next rotation is due', async () => {
      const run = await rotateAfter(30, isSaved);
      const due = daysAfter(emulator.clients()[0]?.secrets?.[0]?.create_time, 30);
      expect(run.outputs).toMatchObject({ result: 'created' });
      expect(run.log).toContain(`The next rotation is due on ${due}.`);
      expect(run.summary).toContain(`<th>Next rotation</th><td><code>${due}</code></td>`);
    });

    it.each<[string, shown: object, headers: Record<string, string>]>([
      ['the secret has no creation time', { create_time: undefined }, {}],
      ['Scalekit does not send its time', {}, { date: '' }],
    ])('adds a secret, with a notice, if its age is not known: %s', async (_, fields, headers) => {
      const { client } = seed(isSaved, [DAYS(1)]);
      const shown = { ...client, secrets: client.secrets?.map((secret) => ({ ...secret, ...fields })) };
      const body = JSON.stringify(isSaved ? { client: shown } : { clients: [shown] });
      emulator.faults.add({
        operation: isSaved ? 'getClient' : 'listClients',
        times: 1,
        fault: { kind: 'body', body, headers: { 'content-type': 'application/json', ...headers } },
      });
      const run = await rotateAfter(30, isSaved);
      const why = `the age of secret ${client.secrets?.[0]?.id} is not known`;
      expect([run.exitCode, run.outputs.result]).toEqual([0, 'rotated']);
      expect(notices(run)).toEqual([`Client ${client.client_id} gets a new secret: ${why}.`]);
      expect(run.log).toContain(`, since ${why}.`);
      expect(run.summary).toContain(why);
    });

    it.each([-400, 400])(
      'goes by the time of Scalekit, and not by that of this machine (%d days off)',
      async (days) => {
        const nodeOptions = [
          '--import',
          `data:text/javascript,const now = Date.now; Date.now = () => now() + ${days * DAY};`,
        ];
        seed(isSaved, [DAYS(29)]);
        expect((await rotateAfter(30, isSaved, {}, { nodeOptions })).outputs).toMatchObject({ result: 'reused' });
        expect((await rotateAfter(28, isSaved, {}, { nodeOptions })).outputs).toMatchObject({ result: 'rotated' });
      },
    );
  });

  it('with save_to goes by the secret that …_STATE names, and not by a newer one', async () => {
    const { secretId } = seedSaved(emulator, { secrets: [DAYS(31), DAYS(1)] });
    const run = await rotateAfter(30, true);
    expect(run.outputs).toMatchObject({ result: 'rotated' });
    expect(run.log).toContain(`since secret ${secretId} is 31 days old`);
  });

  it('without save_to goes by the newest active secret', async () => {
    const { client } = seedEarlier(emulator, {}, { ageMs: DAY, secrets: [DAYS(31), DAYS(9), DAYS(40)] });
    const [oldest, newest] = client.secrets ?? [];
    expect((await rotateAfter(30, false)).outputs).toMatchObject({ result: 'reused' });
    deactivate(newest?.id ?? '');
    const run = await rotateAfter(30, false);
    expect(run.outputs).toMatchObject({ result: 'rotated' });
    expect(run.log).toContain(`since secret ${oldest?.id} is 31 days old`);
  });

  it('without save_to adds a secret if none is active', async () => {
    seedEarlier(emulator, {}, { ageMs: DAY, secrets: [{ ageMs: DAY, inactive: true }] });
    const run = await rotateAfter(30, false);
    expect(run.outputs).toMatchObject({ result: 'rotated' });
    expect(run.log).toContain('since the client has no active secret');
  });

  it.each<[Inputs, string]>([
    [{ on_existing: 'rotate' }, 'is given with on_existing: rotate; expected on_existing: reuse'],
    [{ rotate_after: '0' }, 'got "0"; expected'],
    [{ rotate_after: '3651' }, 'got "3651"; expected'],
    [{ rotate_after: '1.5' }, 'got "1.5"; expected'],
  ])('is a bad input with %j', async (inputs, problem) => {
    const run = await rotateAfter(30, true, inputs);
    expect([run.exitCode, emulator.requests]).toEqual([1, []]);
    expect(errors(run)).toEqual([expect.stringMatching(`^Bad input: rotate_after: ${problem}`)]);
  });
});

describe('a known id', () => {
  /** Returns the requests to Scalekit. */
  const toScalekit = (from: number) =>
    emulator.requests
      .slice(from)
      .filter(({ path }) => !path.startsWith('/api/v3'))
      .map(({ operation }) => operation);

  it.each<[string, Inputs]>([
    ['reuse with save_to', {}],
    ['reuse with save_to and rotate_after', { rotate_after: '30' }],
    ['reuse with save_to and drift', { scopes: 'a' }],
  ])(
    'needs at most five requests to Scalekit in a nightly run, with 10 and with 300 clients (%s)',
    async (_, inputs) => {
      const counts: unknown[] = [];
      let [there, { credentials }] = [1, seedSaved(emulator)];
      for (const total of [10, 300]) {
        for (; there < total; there++) emulator.seed({ name: `client ${there}` });
        const from = emulator.requests.length;
        const run = await reuse({ ...inputs, ...(inputs.scopes && { scopes: `a-${total}` }) });
        expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'reused', client_id: credentials.client_id } });
        counts.push(toScalekit(from));
      }
      expect(counts[0]).toEqual(['token', 'getClient', ...(inputs.scopes ? ['updateClient'] : [])]);
      expect(counts[1]).toEqual(counts[0]);
      expect((counts[0] as unknown[]).length).toBeLessThanOrEqual(5);
    },
  );

  it.each([10, 300])('needs no search if client_id names it, with %d clients', async (total) => {
    const { client } = seedEarlier(emulator, {}, { ageMs: DAY });
    for (let there = 1; there < total; there++) emulator.seed({ name: `client ${there}` });
    const run = await runAction(emulator, { inputs: { on_existing: 'reuse', client_id: client.client_id } });
    expect(run.outputs).toMatchObject({ result: 'reused', client_id: client.client_id });
    expect(toScalekit(0)).toEqual(['token', 'getClient']);
  });

  it.each(['rotate', 'reuse'])(
    'decides which of two clients with our identity hash is used (%s)',
    async (on_existing) => {
      const older = seedEarlier(emulator, {}, { ageMs: 2 * DAY }).client.client_id;
      const { client } = seedSaved(emulator);
      const run = await saveWith(emulator, { on_existing });
      expect([run.exitCode, run.annotations]).toEqual([0, []]);
      expect(run.outputs).toMatchObject({ client_id: client.client_id });
      expect(operationsOf(emulator)).not.toContain('listClients');
      for (const name of [ID, STATE]) repository().variables.delete(name);
      repository().secrets.clear();
      const searching = await saveWith(emulator, { on_existing });
      expect(searching.outputs).toMatchObject({ client_id: older });
      expect(warnings(searching)).toEqual([expect.stringContaining(client.client_id)]);
    },
  );

  it('is replaced, and replace searches as well and names the others with our identity hash', async () => {
    const older = seedEarlier(emulator, {}, { ageMs: 2 * DAY }).client.client_id;
    const { client } = seedSaved(emulator);
    const younger = seedEarlier(emulator, {}, { ageMs: MINUTE }).client.client_id;
    const run = await saveWith(emulator, { on_existing: 'replace' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(warnings(run)).toEqual([
      expect.stringMatching(
        `This run uses .*${client.client_id}, and does not change the others: ${older}, ${younger}\\.`,
      ),
    ]);
    expect(emulator.clients().map(({ client_id }) => client_id)).toEqual([older, younger, run.outputs.client_id]);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
  });

  it.each<[string, () => string]>([
    [
      'a client with another key',
      () => seedEarlier(emulator, { description: markerLine({ name: 'Deploy' }) }, { ageMs: DAY }).client.client_id,
    ],
    ['a client without a marker', () => emulator.seed({ name: 'By hand' }, { ageMs: DAY }).client.client_id],
    ['a client that is gone', () => 'm2morg_404'],
    ['no client id', () => '../../elsewhere'],
  ])('that names %s is no more than a hint: the search decides', async (_, idOf) => {
    const { client } = seedSaved(emulator);
    const hint = idOf();
    repository().setVariable(ID, hint, DAY);
    const before = emulator.clients().find(({ client_id }) => client_id === hint);
    const run = await reuse();
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'rotated', client_id: client.client_id } });
    expect(sentTo(emulator, 'listClients').length).toBeGreaterThan(0);
    expect(emulator.clients().find(({ client_id }) => client_id === hint)).toEqual(before);
    expect(keptIn(repository())).toEqual(credentialsOf(run));
    expect(emulator.requests.some(({ path }) => path.includes('elsewhere'))).toBe(false);
  });

  it('fails the step if the response shows another client', async () => {
    const { client } = seedSaved(emulator);
    const other = seedEarlier(emulator, {}, { ageMs: MINUTE }).client;
    emulator.faults.add({ operation: 'getClient', call: 1, fault: { kind: 'edit', edit: () => ({ client: other }) } });
    const before = emulator.clients();
    const run = await reuse();
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errors(run)).toEqual([`Could not read client ${client.client_id}: HTTP 200, but it shows another client.`]);
    expect(emulator.clients()).toEqual(before);
  });

  it('that client_id gives falls back to the search if the client is missing, with a notice', async () => {
    const { client } = seedSaved(emulator);
    const run = await reuse({ client_id: 'm2morg_404' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { result: 'reused', client_id: client.client_id } });
    expect(notices(run)).toEqual([expect.stringContaining('There is no client m2morg_404 (client_id)')]);
  });

  it.each<[string, Operation]>([
    ['…_CLIENT_ID', 'listClients'],
    ['client_id', 'getClient'],
  ])('(%s) that two runs replace at once ends with one client, which is saved', async (by, read) => {
    const { client_id } = seedSaved(emulator).client;
    let arrived = 0;
    const all = Promise.withResolvers<void>();
    // Both runs have looked before one of them changes something.
    emulator.hold = async (when, { operation }) => {
      if (when !== 'after' || operation !== read || arrived === 2) return;
      arrived += 1;
      if (arrived === 2) all.resolve();
      await all.promise;
    };
    const inputs: Inputs = { on_existing: 'replace', ...(by === 'client_id' && { client_id }) };
    const runs = await Promise.all([saveWith(emulator, inputs), saveWith(emulator, inputs)]);
    for (const run of runs) expect([errors(run), run.exitCode]).toEqual([[], 0]);
    const now = keptIn(repository());
    expect(emulator.clients().map((client) => client.client_id)).toEqual([now.client_id]);
    expect(await credentialsWork(emulator, now as Outcome['outputs'])).toBe(true);
  });
});
