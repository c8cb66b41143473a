import { expect, it } from '@jest/globals';
import type { Executed } from '../../emulator/runner.ts';
import { credentialsWork, errors, markerLine, runAction, seedEarlier, warnings } from '../support/action.ts';
import { clientUrl, secretIds } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { expectFailed, expectSucceeded } from '../support/outcomes.ts';
import { interruptedAt, requestedIds, sentTo } from '../support/requests.ts';
import {
  credentialsIn,
  credentialsOf,
  repositoryOf,
  STATE,
  saveWith,
  seedSaved,
  stateValue,
} from '../support/saved.ts';
import { DAY } from '../support/times.ts';

// The cap on the secrets of a client: the action learns of it when Scalekit refuses another secret. undocumented-behaviours.test.ts has
// the forms of that refusal.

const ONLY = 'only 2 secrets are allowed';
const LIMIT = 'The number of secrets of a client is limited, usually to five.';

const emulator = useEmulator();

const run = (inputs: Record<string, string> = {}) => runAction(emulator, { inputs });
const ids = () => secretIds(emulator);
const deletedIds = () => requestedIds(emulator, 'deleteSecret');
const secretRequests = () => sentTo(emulator, 'addSecret').length;
/** Adds a client of this repository. @param secrets how many secrets it has. @returns its id */
const seed = (secrets: number) =>
  seedEarlier(emulator, { description: `Ours.\n${markerLine()}` }, { ageMs: DAY, secrets }).client.client_id;

interface Refusal {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** Makes the emulator refuse another secret for a client that has `cap` secrets. */
function setCap(cap: number, { status = 400, body = { code: 3, message: ONLY }, headers = {} }: Refusal = {}): void {
  emulator.faults.add({
    operation: 'addSecret',
    where: ({ path }) =>
      emulator.clients().some(({ client_id, secrets = [] }) => path.includes(client_id) && secrets.length >= cap),
    fault: { kind: 'status', status, headers, body },
  });
}

it('rotates a client with a cap of two secrets again and again, and keeps the saved secret and the one before', async () => {
  setCap(2);
  let before = await saveWith(emulator);
  for (const rotation of [1, 2, 3]) {
    const [first = ''] = ids();
    const deletions = deletedIds().length;
    const executed = await saveWith(emulator);
    expect(executed).toMatchObject({ exitCode: 0, outputs: { result: 'rotated' } });
    expect(ids()).toEqual([before.outputs.secret_id, executed.outputs.secret_id]);
    const deleted = rotation > 1 ? [first] : [];
    expect(deletedIds().slice(deletions)).toEqual(deleted);
    const warning = (id: string) => expect.stringContaining(`Secret ${id} is deleted to make room`);
    expect(warnings(executed)).toEqual(deleted.map(warning));
    for (const { outputs } of [before, executed]) expect(await credentialsWork(emulator, outputs)).toBe(true);
    expect(credentialsIn(repositoryOf(emulator))).toEqual(credentialsOf(executed));
    before = executed;
  }
});

it('keeps the secret that …_STATE names, and deletes a newer one to make room', async () => {
  setCap(2);
  const { client, secretId } = seedSaved(emulator, { secrets: [{ ageMs: 2 * DAY }, { ageMs: DAY }] });
  const executed = await saveWith(emulator);
  expect(executed).toMatchObject({ exitCode: 0, outputs: { client_id: client.client_id } });
  expect(deletedIds()).toEqual([client.secrets?.[1]?.id]);
  expect(ids()).toEqual([secretId, executed.outputs.secret_id]);
  expect(warnings(executed)).toHaveLength(1);
});

it('deletes an inactive secret to make room although …_STATE names it', async () => {
  setCap(2);
  const secrets = [{ ageMs: 2 * DAY }, { ageMs: DAY, inactive: true }];
  const { client } = seedSaved(emulator, { secrets });
  const [active, inactive] = client.secrets?.map(({ id }) => id) ?? [];
  repositoryOf(emulator).setVariable(STATE, stateValue(emulator, inactive ?? ''), DAY);
  const executed = await saveWith(emulator);
  expectSucceeded(executed);
  expect(deletedIds()).toEqual([inactive]);
  expect(ids()).toEqual([active, executed.outputs.secret_id]);
});

it('deletes no secret to make room if another run added one after this run read the client', async () => {
  setCap(2);
  seed(1);
  let other: Executed | undefined;
  emulator.hold = async (when, { operation }) => {
    if (when !== 'after' || operation !== 'listClients') return;
    emulator.hold = undefined;
    other = await run();
  };
  const before = ids();
  expectFailed(await run(), ONLY, LIMIT);
  expect(ids()).toEqual([...before, other?.outputs.secret_id]);
  expect(deletedIds()).toEqual([]);
});

it.each<{ what: string; refusal: Refusal; shown: string }>([
  {
    what: 'is a rate limit whose message names secrets',
    // Longer than the step has time, so that the request is not repeated.
    refusal: { status: 429, headers: { 'retry-after': '600' }, body: { message: `too many requests: ${ONLY}` } },
    shown: 'rate limit of the environment',
  },
  {
    what: 'names no limit',
    refusal: { body: { message: 'the secret cannot be added' } },
    shown: 'the secret cannot be added',
  },
])('deletes no secret if the refusal of another secret $what', async ({ refusal, shown }) => {
  setCap(3, refusal);
  seed(3);
  const before = ids();
  const executed = await run();
  expectFailed(executed, shown);
  expect(errors(executed)[0]).not.toContain(LIMIT);
  expect(ids()).toEqual(before);
  expect(deletedIds()).toEqual([]);
});

it('deletes only one secret if Scalekit refuses another one twice, and names that secret and what the user can do', async () => {
  setCap(0);
  const client_id = seed(3);
  const [first, ...kept] = ids();
  const executed = await run();
  expect(secretRequests()).toBe(2);
  expect(deletedIds()).toEqual([first]);
  expect(ids()).toEqual(kept);
  const url = clientUrl(emulator, client_id, 'secrets');
  expectFailed(
    executed,
    `Could not add a secret to client ${client_id}: HTTP 400: ${ONLY}. ${LIMIT} Use on_existing: replace, `,
    `DELETE ${url}/ID, where ID is one of ${kept.join(', ')}. Let one run at a time use the client`,
    `\nSecret ${first} of client ${client_id}, deleted to make room, cannot be brought back.`,
  );
  const post = await executed.post();
  expect(post.annotations).toEqual([]);
});

it('fails if the only secret of a client fills its cap, and on_existing: replace succeeds', async () => {
  setCap(1);
  const client_id = seed(1);
  const before = ids();
  const executed = await run();
  expectFailed(executed, `${ONLY}. ${LIMIT} Use on_existing: replace, which creates a new client`);
  expect(errors(executed)[0]).not.toContain('DELETE');
  expect(ids()).toEqual(before);
  expect(deletedIds()).toEqual([]);
  expect(secretRequests()).toBe(1);
  const replaced = await run({ on_existing: 'replace' });
  expect(replaced).toMatchObject({ exitCode: 0, outputs: { result: 'replaced' } });
  expect(replaced.outputs.client_id).not.toBe(client_id);
});

it('fails if the secret to delete to make room cannot be deleted, and sends no second request for a secret', async () => {
  setCap(2);
  const client_id = seed(2);
  const [first, second] = ids();
  emulator.faults.add({ operation: 'deleteSecret', fault: { kind: 'status', status: 403 } });
  const executed = await run();
  expectFailed(
    executed,
    `${ONLY}. ${LIMIT} Use on_existing: replace`,
    `where ID is one of ${first}, ${second}.`,
    `\nCould not delete secret ${first} of client ${client_id}: HTTP 403`,
  );
  expect(errors(executed)[0]).not.toContain('cannot be brought back');
  expect(ids()).toEqual([first, second]);
  expect(secretRequests()).toBe(1);
});

it('deletes no secret if the refusal follows a request that may have added one, and names what may be left over', async () => {
  setCap(3);
  seed(2);
  const before = ids();
  emulator.faults.add({ operation: 'addSecret', call: 1, when: 'after', fault: { kind: 'reset' } });
  const executed = await run();
  const [leftover = ''] = ids().slice(2);
  expect(ids()).toEqual([...before, leftover]);
  expect(deletedIds()).toEqual([]);
  expect(secretRequests()).toBe(2);
  expectFailed(executed, ONLY, LIMIT, `\nSecret ${leftover} of client`, `/secrets/${leftover}`);
});

it('deletes no secret to make room if the run is cancelled while it adds one', async () => {
  // The emulator's own cap: a fault would end the request before it is held.
  seed(5);
  const before = ids();
  const executed = await runAction(emulator, interruptedAt(emulator, 'addSecret'));
  expectFailed(executed, 'only 5 secrets are allowed');
  expect(ids()).toEqual(before);
  expect(deletedIds()).toEqual([]);
  expect(warnings(executed)).toEqual([]);
});

it('removes a new client whose create response was lost if its cap is one secret, and says to run the step again', async () => {
  setCap(1);
  emulator.faults.add({ operation: 'createClient', call: 1, when: 'after', fault: { kind: 'reset' } });
  const executed = await run();
  expectFailed(executed, `${ONLY}. ${LIMIT} Run this step again.`, '\nRemoved again: client m2morg_');
  expect(emulator.clients()).toEqual([]);
  expect(deletedIds()).toEqual([]);
  const post = await executed.post();
  expect(post.annotations).toEqual([]);
  expect(await run()).toMatchObject({ exitCode: 0, outputs: { result: 'created' } });
});
