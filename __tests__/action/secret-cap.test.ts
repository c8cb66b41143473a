import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import type { Executed } from '../../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  interruptedAt,
  markerLine,
  runAction,
  seedEarlier,
  sentTo,
  warnings,
} from '../support/action.ts';
import { credentialsOf, DAY, keptIn, repositoryOf, STATE, saveWith, seedSaved, stateValue } from '../support/saved.ts';

// The cap on the secrets of a client: the action learns of it when Scalekit refuses another secret.

const ONLY = 'only 2 secrets are allowed';
const LIMIT = 'The number of secrets of a client is limited, usually to five.';

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

const run = (inputs: Record<string, string> = {}) => runAction(emulator, { inputs });
const ids = () => emulator.clients()[0]?.secrets?.map(({ id }) => id) ?? [];
const deletedIds = () => sentTo(emulator, 'deleteSecret').map(({ path }) => path.split('/').at(-1));
/** Adds a client of this identity. @param secrets how many secrets it has */
const seeded = (secrets: number) =>
  seedEarlier(emulator, { description: `Ours.\n${markerLine()}` }, { ageMs: DAY, secrets }).client;

/** Lets the emulator refuse a secret for a client that has `cap` secrets. */
function setCap(cap: number, status = 400, body: unknown = { code: 3, message: ONLY }): void {
  emulator.faults.add({
    operation: 'addSecret',
    where: ({ path }) =>
      emulator.clients().some(({ client_id, secrets = [] }) => path.includes(client_id) && secrets.length >= cap),
    fault: { kind: 'status', status, body },
  });
}

function expectFailure(executed: Executed, ...texts: string[]): void {
  expect(executed).toMatchObject({ exitCode: 1, outputs: {} });
  expect(errors(executed)).toHaveLength(1);
  for (const text of texts) expect(errors(executed)[0]).toContain(text);
}

describe('a client with a cap of two secrets', () => {
  it.each([
    ['with save_to', true],
    ['without save_to', false],
  ])('is rotated again and again, %s', async (_, isSaved) => {
    setCap(2);
    const next = () => (isSaved ? saveWith(emulator) : run());
    let before = await next();
    for (const rotation of [2, 3, 4, 5]) {
      const [first, ...kept] = ids();
      const deletions = deletedIds().length;
      const executed = await next();
      expect(executed).toMatchObject({ exitCode: 0, outputs: { result: 'rotated' } });
      expect(ids()).toEqual([before.outputs.secret_id, executed.outputs.secret_id]);
      const isFull = rotation > 2;
      expect(deletedIds().slice(deletions)).toEqual(isFull ? [first] : []);
      expect(warnings(executed)).toEqual(
        isFull ? [expect.stringContaining(`Secret ${first} is deleted to make room`)] : [],
      );
      if (isFull) expect(kept).toEqual([before.outputs.secret_id]);
      for (const { outputs } of [before, executed]) expect(await credentialsWork(emulator, outputs)).toBe(true);
      if (isSaved) expect(keptIn(repositoryOf(emulator))).toEqual(credentialsOf(executed));
      before = executed;
    }
  });

  it('keeps the secret that …_STATE names, though another one is newer', async () => {
    setCap(2);
    const { client, secretId } = seedSaved(emulator, { secrets: [{ ageMs: 2 * DAY }, { ageMs: DAY }] });
    const executed = await saveWith(emulator);
    expect(executed).toMatchObject({ exitCode: 0, outputs: { client_id: client.client_id } });
    expect(deletedIds()).toEqual([client.secrets?.[1]?.id]);
    expect(ids()).toEqual([secretId, executed.outputs.secret_id]);
    expect(warnings(executed)).toHaveLength(1);
  });

  it('loses an inactive secret first, though …_STATE names it', async () => {
    setCap(2);
    const secrets = [{ ageMs: 2 * DAY }, { ageMs: DAY, inactive: true }];
    const { client } = seedSaved(emulator, { secrets });
    const [active, inactive] = client.secrets?.map(({ id }) => id) ?? [];
    repositoryOf(emulator).setVariable(STATE, stateValue(emulator, inactive ?? ''), DAY);
    const executed = await saveWith(emulator);
    expect([executed.exitCode, deletedIds()]).toEqual([0, [inactive]]);
    expect(ids()).toEqual([active, executed.outputs.secret_id]);
  });

  it('loses no secret that was added since this run looked', async () => {
    setCap(2);
    seeded(1);
    let other: Executed | undefined;
    emulator.hold = async (when, { operation }) => {
      if (when !== 'after' || operation !== 'listClients') return;
      emulator.hold = undefined;
      other = await run();
    };
    const before = ids();
    expectFailure(await run(), ONLY, LIMIT);
    expect(ids()).toEqual([...before, other?.outputs.secret_id]);
    expect(deletedIds()).toEqual([]);
  });
});

describe('a refusal of another secret', () => {
  const info = { '@type': 'type.googleapis.com/scalekit.v1.errdetails.ErrorInfo', error_code: 'RESOURCE_EXHAUSTED' };
  const reached = 'only 5 secrets are allowed';

  it.each<[status: number, body: unknown]>([
    [400, { code: 9, message: reached }],
    [409, { message: 'Too many secrets' }],
    [422, { message: 'secrets: limit exceeded' }],
    [429, { code: 8, message: reached, details: [info] }],
  ])('that names the cap costs the oldest secret: %i %j', async (status, body) => {
    setCap(3, status, body);
    const [first, ...kept] = seeded(3).secrets?.map(({ id }) => id) ?? [];
    const executed = await run({ keep_secrets: '5' });
    expect([executed.exitCode, deletedIds()]).toEqual([0, [first]]);
    expect(ids()).toEqual([...kept, executed.outputs.secret_id]);
  });

  const violation = { validation_error_info: { field_violations: [{ field: 'client_id' }] } };
  it.each<[what: string, status: number, body: unknown, shown: string]>([
    [
      'is a rate limit by its message',
      429,
      { message: `too many requests: ${reached}` },
      'rate limit of the environment',
    ],
    [
      'is a rate limit by its code',
      429,
      { message: ONLY, details: [{ ...info, error_code: 'RATE_LIMITED' }] },
      'rate limit of the environment',
    ],
    ['names a field', 400, { message: ONLY, details: [{ ...info, ...violation }] }, ONLY],
    ['names no limit', 400, { message: 'the secret cannot be added' }, 'the secret cannot be added'],
    ['has another status', 403, { message: ONLY }, 'may not manage the clients'],
  ])('that %s costs no secret', async (_, status, body, shown) => {
    setCap(3, status, body);
    seeded(3);
    const before = ids();
    const executed = await run({ timeout: '8' });
    expectFailure(executed, shown);
    expect(errors(executed)[0]).not.toContain(LIMIT);
    expect([ids(), deletedIds()]).toEqual([before, []]);
  });

  it('costs one secret at most, and the error names it and the ways out', async () => {
    setCap(0);
    const { client_id } = seeded(3);
    const [first, ...kept] = ids();
    const executed = await run();
    expect([sentTo(emulator, 'addSecret').length, deletedIds(), ids()]).toEqual([2, [first], kept]);
    const url = `${emulator.url}/api/v1/organizations/${emulator.organization.id}/clients/${client_id}/secrets`;
    expectFailure(
      executed,
      `Could not add a secret to client ${client_id}: HTTP 400: ${ONLY}. ${LIMIT} Use on_existing: replace, `,
      `DELETE ${url}/ID, where ID is one of ${kept.join(', ')}. Let one run at a time use the client`,
      `\nSecret ${first} of client ${client_id}, deleted to make room, cannot be brought back.`,
    );
    expect((await executed.post()).annotations).toEqual([]);
  });

  it('fails the step if there is nothing to delete, and replace is a way out', async () => {
    setCap(1);
    const { client_id } = seeded(1);
    const before = ids();
    const executed = await run();
    expectFailure(executed, `${ONLY}. ${LIMIT} Use on_existing: replace, which creates a new client`);
    expect(errors(executed)[0]).not.toContain('DELETE');
    expect([ids(), deletedIds(), sentTo(emulator, 'addSecret').length]).toEqual([before, [], 1]);
    const replaced = await run({ on_existing: 'replace' });
    expect(replaced).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
    expect(replaced.outputs.client_id).not.toBe(client_id);
  });

  it('fails the step if the oldest secret cannot be deleted', async () => {
    setCap(2);
    const { client_id } = seeded(2);
    const [first, second] = ids();
    emulator.faults.add({ operation: 'deleteSecret', fault: { kind: 'status', status: 403 } });
    const executed = await run();
    expectFailure(
      executed,
      `${ONLY}. ${LIMIT} Use on_existing: replace`,
      `where ID is one of ${first}, ${second}.`,
      `\nCould not delete secret ${first} of client ${client_id}: HTTP 403`,
    );
    expect(errors(executed)[0]).not.toContain('cannot be brought back');
    expect([ids(), sentTo(emulator, 'addSecret').length]).toEqual([[first, second], 1]);
  });

  it('after a request that may have been carried out costs no secret, and the error names what may be left over', async () => {
    setCap(3);
    seeded(2);
    const before = ids();
    emulator.faults.add({ operation: 'addSecret', call: 1, when: 'after', fault: { kind: 'reset' } });
    const executed = await run();
    const [leftover = '', ...more] = ids().slice(2);
    expect([ids().slice(0, 2), more, deletedIds()]).toEqual([before, [], []]);
    expect(sentTo(emulator, 'addSecret')).toHaveLength(2);
    expectFailure(executed, ONLY, LIMIT, `\nSecret ${leftover} of client`, `/secrets/${leftover}`);
  });

  it('costs no secret if the run is cancelled meanwhile', async () => {
    // The emulator's own cap: a fault would end the request before it is held.
    seeded(5);
    const before = ids();
    const executed = await runAction(emulator, interruptedAt(emulator, 'addSecret'));
    expectFailure(executed, reached);
    expect([ids(), deletedIds(), warnings(executed)]).toEqual([before, [], []]);
  });

  it('for a client whose create response was lost says to run the step again, and leaves no client', async () => {
    setCap(1);
    emulator.faults.add({ operation: 'createClient', call: 1, when: 'after', fault: { kind: 'reset' } });
    const executed = await run();
    expectFailure(executed, `${ONLY}. ${LIMIT} Run this step again.`, '\nRemoved again: client m2morg_');
    expect([emulator.clients(), deletedIds()]).toEqual([[], []]);
    expect((await executed.post()).annotations).toEqual([]);
    expect(await run()).toMatchObject({ exitCode: 0, outputs: { result: 'created' } });
  });
});
