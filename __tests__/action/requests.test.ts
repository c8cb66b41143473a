import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import type { Operation } from '../../emulator/index.ts';
import type { Executed, Outcome, Step } from '../../emulator/runner.ts';
import { makeCertificate } from '../../emulator/tls.ts';
import { credentialsWork, runAction, savingIn, seedEarlier, trust } from '../support/action.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { operationsOf } from '../support/requests.ts';
import { DAY } from '../support/times.ts';

// The cost of each kind of step, with TLS: which requests it sends, over how many connections, and which requests wait for
// others. docs/performance.md has the numbers.

type Variables = Record<string, string>;

/** The requests to GitHub before anything is created, and the sign-in that is sent at the same time. */
const READS = 'getActionsSecret + getPublicKey + getVariable + getVariable + token';
const SAVES =
  'getActionsSecret + getVariable + getVariable, createVariable, createVariable, putActionsSecret, getVariable + getVariable';

const emulator = useEmulator({ tls: true });
const inFolder = useFolder();
const certificate = makeCertificate('valid');

/** Replaces the address of GitHub by another name of this machine, so that Scalekit and GitHub share no connection. */
const atGitHub = (variables: Variables) =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value.replace('127.0.0.1', 'localhost')]));

const run = async ({ inputs, env, ...step }: Step = {}): Promise<Executed> =>
  runAction(emulator, {
    ...step,
    inputs: { scalekit_environment_url: emulator.tlsUrl ?? '', ...inputs },
    env: { ...trust(inFolder(), (await certificate).ca), ...atGitHub(emulator.github.variables), ...env },
  });

/** Adds a client that is a day old to the emulator. @returns its id */
const seed = (secrets = 1) => seedEarlier(emulator, {}, { ageMs: DAY, secrets }).client.client_id;
const withIdToken = (): Step => ({ env: atGitHub(emulator.github.idTokenVariables) });
const saving = (): Step => ({ inputs: savingIn(emulator) });

interface Cost {
  count: number;
  connections: number;
  /** Operations in the order of their arrival. ` + ` joins those that are sent at the same time, in any order. */
  sent: string;
}

/** Checks which requests a step sends, and how many connections it opens. */
async function expectCost(step: () => Promise<Outcome>, { count, connections, sent }: Cost) {
  const before = { requests: emulator.requests.length, connections: emulator.connections };
  expect(await step()).toMatchObject({ exitCode: 0, annotations: [] });
  const operations: string[] = operationsOf(emulator, before.requests);
  const opened = emulator.connections - before.connections;
  expect({ count: operations.length, connections: opened }).toEqual({ count, connections });
  const groups = sent.split(', ').map((group) => operations.splice(0, group.split(' + ').length).sort().join(' + '));
  expect([...groups, ...operations].join(', ')).toBe(sent);
}

it.each<Cost & { what: string; prepare: () => Step }>([
  {
    what: 'creates a client',
    count: 5,
    connections: 2,
    sent: 'token, listClients, createClient, listClients + token',
    prepare: () => ({}),
  },
  {
    what: 'creates a client with the ID token',
    count: 6,
    connections: 3,
    sent: 'idToken + token, listClients, createClient, listClients + token',
    prepare: withIdToken,
  },
  {
    what: 'creates the client of a job without verification',
    count: 2,
    connections: 1,
    sent: 'token, createClient',
    prepare: () => ({ inputs: { lifetime: 'job', verify: 'false' } }),
  },
  {
    what: 'rotates the client that client_id names',
    count: 4,
    connections: 1,
    sent: 'token, getClient, addSecret, token',
    prepare: () => ({ inputs: { client_id: seed() } }),
  },
  {
    what: 'rotates a client that it has to find, and retires a secret',
    count: 5,
    connections: 1,
    sent: 'token, listClients, addSecret, token, deleteSecret',
    prepare: () => seed(2) && {},
  },
  {
    what: 'reuses the client that client_id names',
    count: 2,
    connections: 1,
    sent: 'token, getClient',
    prepare: () => ({ inputs: { on_existing: 'reuse', client_id: seed() } }),
  },
  {
    what: 'replaces a client that it has to find',
    count: 7,
    connections: 2,
    sent: 'token, listClients, createClient, listClients + token, getClient, deleteClient',
    prepare: () => seed() && { inputs: { on_existing: 'replace' } },
  },
  {
    what: 'creates a client and saves its credentials',
    count: 17,
    connections: 6,
    sent: `${READS}, listClients, createClient, listClients + token, ${SAVES}`,
    prepare: saving,
  },
  {
    what: 'rotates a client and saves its credentials',
    count: 16,
    connections: 5,
    sent: `${READS}, listClients, addSecret, token, ${SAVES}`,
    prepare: () => seed() && saving(),
  },
  {
    what: 'deletes a client with delete/',
    count: 4,
    connections: 1,
    sent: 'token, listClients, getClient, deleteClient',
    prepare: () => seed() && { action: 'delete' },
  },
])('sends $count requests over $connections connection(s) if it $what', async ({ prepare, ...cost }) => {
  const step = prepare();
  await expectCost(() => run(step), cost);
});

it('sends 3 requests over one connection in the post step that deletes the client of the job', async () => {
  const main = await run({ inputs: { lifetime: 'job' } });
  await expectCost(() => main.post(), { count: 3, connections: 1, sent: 'token, getClient, deleteClient' });
});

/** Returns a function that names requests as they arrive: `token 2` is the second request for a token. */
function numbering(): (operation: Operation) => string {
  const counts = new Map<Operation, number>();
  return (operation) => {
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    return `${operation} ${counts.get(operation)}`;
  };
}

it.each<{ what: string; requests: string[]; prepare: () => Step }>([
  { what: 'the sign-in and the request for the ID token', requests: ['token 1', 'idToken 1'], prepare: withIdToken },
  {
    what: 'the sign-in and the requests for what GitHub has',
    requests: ['token 1', 'getPublicKey 1', 'getVariable 1', 'getVariable 2', 'getActionsSecret 1'],
    prepare: saving,
  },
  {
    what: 'the verification and the search after a create',
    requests: ['token 2', 'listClients 2'],
    prepare: () => ({}),
  },
  {
    what: 'the verification and the search after the replacement of a client that client_id names',
    requests: ['token 2', 'listClients 1'],
    prepare: () => ({ inputs: { on_existing: 'replace', client_id: seed() } }),
  },
])('sends $what at the same time', async ({ requests, prepare }) => {
  // Each of the requests is held until all of them have arrived.
  const missing = new Set(requests);
  const all = Promise.withResolvers<true>();
  const haveMet: boolean[] = [];
  const nameOf = numbering();
  emulator.hold = async (when, { operation }) => {
    if (when !== 'before' || !missing.delete(nameOf(operation))) return;
    if (missing.size === 0) all.resolve(true);
    haveMet.push(await Promise.race([all.promise, sleep(10_000, false, { ref: false })]));
  };
  const { exitCode } = await run(prepare());
  expect(exitCode).toBe(0);
  expect(haveMet).toEqual(requests.map(() => true));
});

/** Pairs of requests: the second one waits for the response to the first one. */
const WAITING: [first: string, second: string][] = [
  ['token 1', 'listClients 1'],
  ['idToken 1', 'listClients 1'],
  ['listClients 1', 'createClient 1'],
  ['getPublicKey 1', 'createClient 1'],
  ['getVariable 1', 'listClients 1'],
  ['getVariable 2', 'createClient 1'],
  ['getActionsSecret 1', 'createClient 1'],
  ['createClient 1', 'token 2'],
  ['listClients 2', 'createVariable 1'],
  ['token 2', 'createVariable 1'],
  ['createVariable 1', 'createVariable 2'],
  ['createVariable 2', 'putActionsSecret 1'],
];

it('sends no request before the responses that it depends on, in a step that creates a client and saves it', async () => {
  const nameOf = numbering();
  const names = new Map<object, string>();
  /** `begin` when a request arrives, and `end` just before its response is sent. */
  const events: string[] = [];
  emulator.hold = async (when, request) => {
    if (when === 'after') return void events.push(`end ${names.get(request)}`);
    names.set(request, nameOf(request.operation));
    events.push(`begin ${names.get(request)}`);
    await sleep(200);
  };
  const { exitCode } = await run({ ...saving(), ...withIdToken() });
  expect(exitCode).toBe(0);
  expect(events).toEqual(
    expect.arrayContaining(WAITING.flatMap(([first, second]) => [`end ${first}`, `begin ${second}`])),
  );
  const early = WAITING.filter(([first, second]) => events.indexOf(`end ${first}`) > events.indexOf(`begin ${second}`));
  expect(early).toEqual([]);
});

/** Waits up to 10 seconds for the second connection. */
const isOpened = async () => {
  for (let wait = 0; emulator.connections < 2 && wait < 1000; wait++) await sleep(10);
};

it.each<{ what: string; prepare: () => Variables }>([
  { what: 'found no client', prepare: () => ({}) },
  {
    what: 'replaces the client that client_id names',
    prepare: () => ({ on_existing: 'replace', client_id: seed() }),
  },
])('opens its second connection during the create request if it $what', async ({ prepare }) => {
  const connections: number[] = [];
  emulator.hold = async (when, { operation }) => {
    if (when === 'before' && operation === 'createClient') await isOpened();
    if (when === 'before') connections.push(emulator.connections);
  };
  const { exitCode } = await run({ inputs: prepare() });
  expect(exitCode).toBe(0);
  expect(connections.slice(0, 5)).toEqual([1, 1, 2, 2, 2]);
  const used = emulator.requests.slice(3, 5).map(({ connection }) => connection);
  expect(new Set(used)).toEqual(new Set([1, 2]));
});

it.each<{ what: string; end: (socket: Socket) => unknown; isUsed: boolean; waitMs: number }>([
  { what: 'is reset at once', end: (socket) => socket.resetAndDestroy(), isUsed: false, waitMs: 0 },
  { what: 'is closed before it is used', end: (socket) => socket.destroy(), isUsed: false, waitMs: 200 },
  { what: 'is reset during its first request', end: (socket) => socket.resetAndDestroy(), isUsed: true, waitMs: 0 },
])('creates one client if the second connection $what', async ({ end, isUsed, waitMs }) => {
  const sockets: Socket[] = [];
  const relay = net.createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    const upstream = net.connect(Number(new URL(emulator.tlsUrl ?? '').port), '127.0.0.1').on('error', () => {});
    socket.pipe(upstream).pipe(socket);
  });
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  emulator.hold = async (when, { operation, connection }) => {
    if (when === 'before' || (isUsed ? connection !== 2 : operation !== 'createClient')) return;
    await isOpened();
    await sleep(waitMs);
    if (sockets[1]) end(sockets[1]);
    // Wait until the step has noticed.
    await sleep(400);
  };
  const { port } = relay.address() as AddressInfo;
  const executed = await run({ inputs: { scalekit_environment_url: `https://127.0.0.1:${port}` } });
  relay.close();
  expect(executed).toMatchObject({ exitCode: 0, annotations: [] });
  expect(emulator.clients()).toHaveLength(1);
  // Only the request that was sent over this connection is repeated.
  const sent = operationsOf(emulator);
  expect(sent.slice(0, 3)).toEqual(['token', 'listClients', 'createClient']);
  expect(new Set(sent.slice(3))).toEqual(new Set(['listClients', 'token']));
  expect({
    requests: sent.length,
    overSecondConnection: emulator.requests.filter(({ connection }) => connection === 2).length,
    repeated: executed.log.match(/ attempt 2$/gm)?.length ?? 0,
  }).toEqual(
    isUsed
      ? { requests: 6, overSecondConnection: 1, repeated: 1 }
      : { requests: 5, overSecondConnection: 0, repeated: 0 },
  );
  expect(await credentialsWork(emulator, executed.outputs)).toBe(true);
});
