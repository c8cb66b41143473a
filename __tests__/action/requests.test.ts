import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Operation, startEmulator } from '../../emulator/index.ts';
import type { Executed, Outcome, Step } from '../../emulator/runner.ts';
import { makeCertificate } from '../../emulator/tls.ts';
import { credentialsWork, runAction, savingIn, seedEarlier, trust } from '../support/action.ts';

// Tests of the cost of each kind of step, with TLS: which requests it sends, over how many connections, and which
// requests wait for others.

type Variables = Record<string, string>;

const DAY = 86_400_000;
/** The requests to GitHub before anything is created, and the sign-in that is sent at the same time. */
const LOOKS = 'getActionsSecret + getPublicKey + getVariable + getVariable + token';
const SAVES =
  'getActionsSecret + getVariable + getVariable, createVariable, createVariable, putActionsSecret, getVariable + getVariable';

let emulator: Emulator;
let folder: string;
let trusted: Variables;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'requests-'));
  trusted = trust(folder, (await makeCertificate('valid')).ca);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  emulator = await startEmulator({ tls: true });
});
afterEach(() => emulator.close());

/** Replaces the address of GitHub by another name of this machine, so that Scalekit and GitHub share no connection. */
const atGitHub = (variables: Variables) =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value.replace('127.0.0.1', 'localhost')]));

const run = ({ inputs, env, ...step }: Step = {}): Promise<Executed> =>
  runAction(emulator, {
    ...step,
    inputs: { scalekit_environment_url: emulator.tlsUrl ?? '', ...inputs },
    env: { ...trusted, ...atGitHub(emulator.github.variables), ...env },
  });

/** Adds a client that is a day old to the emulator. @returns its id */
const seed = (secrets = 1) => seedEarlier(emulator, {}, { ageMs: DAY, secrets }).client.client_id;
const withIdToken = (): Step => ({ env: atGitHub(emulator.github.idTokenVariables) });
const saving = (): Step => ({ inputs: savingIn(emulator) });

/**
 * Checks which requests a step sends, and how many connections it opens.
 * @param sent operations in the order of their arrival. ` + ` joins those that are sent at the same time, in any order
 */
async function expectCost(step: () => Promise<Outcome>, count: number, connections: number, sent: string) {
  const [from, opened] = [emulator.requests.length, emulator.connections];
  const { exitCode, annotations } = await step();
  expect([exitCode, annotations]).toEqual([0, []]);
  const operations: string[] = emulator.requests.slice(from).map(({ operation }) => operation);
  expect([operations.length, emulator.connections - opened]).toEqual([count, connections]);
  const groups = sent.split(', ').map((group) => operations.splice(0, group.split(' + ').length).sort().join(' + '));
  expect([...groups, ...operations].join(', ')).toBe(sent);
}

describe('requests and connections of a step that', () => {
  it.each<[what: string, count: number, connections: number, sent: string, step: () => Step]>([
    ['makes a client', 5, 2, 'token, listClients, createClient, listClients + token', () => ({})],
    [
      'makes one with an ID token',
      6,
      3,
      'idToken + token, listClients, createClient, listClients + token',
      withIdToken,
    ],
    [
      'makes one that is not verified',
      4,
      1,
      'token, listClients, createClient, listClients',
      () => ({ inputs: { verify: 'false' } }),
    ],
    ['makes one for a job', 3, 1, 'token, createClient, token', () => ({ inputs: { lifetime: 'job' } })],
    [
      'makes one for a job that is not verified',
      2,
      1,
      'token, createClient',
      () => ({ inputs: { lifetime: 'job', verify: 'false' } }),
    ],
    [
      'knows the organization by its external id',
      6,
      2,
      'token, organizationByExternalId, listClients, createClient, listClients + token',
      () => ({
        inputs: { organization_id: '', organization_external_id: emulator.addOrganization('acme').externalId },
      }),
    ],
    ['rotates by client_id', 4, 1, 'token, getClient, addSecret, token', () => ({ inputs: { client_id: seed() } })],
    ['rotates by search', 4, 1, 'token, listClients, addSecret, token', () => seed() && {}],
    ['rotates, and retires a secret', 5, 1, 'token, listClients, addSecret, token, deleteSecret', () => seed(2) && {}],
    ['reuses by client_id', 2, 1, 'token, getClient', () => ({ inputs: { on_existing: 'reuse', client_id: seed() } })],
    ['reuses by search', 2, 1, 'token, listClients', () => seed() && { inputs: { on_existing: 'reuse' } }],
    [
      'reuses by search among 250 clients',
      4,
      1,
      'token, listClients, listClients, listClients',
      () => {
        for (let count = 1; count < 250; count++) emulator.seed({ name: `client ${count}` });
        return seed() && { inputs: { on_existing: 'reuse' } };
      },
    ],
    [
      'replaces by client_id',
      7,
      2,
      'token, getClient, createClient, listClients + token, getClient, deleteClient',
      () => ({ inputs: { on_existing: 'replace', client_id: seed() } }),
    ],
    [
      'replaces by search',
      7,
      2,
      'token, listClients, createClient, listClients + token, getClient, deleteClient',
      () => seed() && { inputs: { on_existing: 'replace' } },
    ],
    ['shows what it would do', 2, 1, 'token, listClients', () => ({ inputs: { dry_run: 'true' } })],
    [
      'makes a client and saves it',
      17,
      6,
      `${LOOKS}, listClients, createClient, listClients + token, ${SAVES}`,
      saving,
    ],
    ['rotates and saves', 16, 5, `${LOOKS}, listClients, addSecret, token, ${SAVES}`, () => seed() && saving()],
    [
      'deletes by client_id',
      3,
      1,
      'token, getClient, deleteClient',
      () => ({ action: 'delete', inputs: { client_id: seed() } }),
    ],
    ['deletes by search', 4, 1, 'token, listClients, getClient, deleteClient', () => seed() && { action: 'delete' }],
  ])('%s: %d and %d', async (_, count, connections, sent, prepare) => {
    const step = prepare();
    await expectCost(() => run(step), count, connections, sent);
  });

  it.each([
    ['persistent', 0, 0, ''],
    ['job', 3, 1, 'token, getClient, deleteClient'],
  ])('has ended and made a client with lifetime: %s: %d and %d', async (lifetime, count, connections, sent) => {
    const made = await run({ inputs: { lifetime } });
    await expectCost(() => made.post(), count, connections, sent);
  });
});

/**
 * Holds a request until another one arrives. `token 2` means the second request for a token.
 * @param milliseconds after which the held request continues in any case
 * @returns whether the other request arrived while the first was held
 */
async function meets(held: string, other: string, step: Step, milliseconds: number): Promise<boolean | undefined> {
  const arrived = Promise.withResolvers<true>();
  const counts = new Map<Operation, number>();
  let met: boolean | undefined;
  emulator.hold = async (when, { operation }) => {
    if (when !== 'before') return;
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    const request = `${operation} ${counts.get(operation)}`;
    if (request === other) arrived.resolve(true);
    if (request === held) met = await Promise.race([arrived.promise, sleep(milliseconds, false, { ref: false })]);
  };
  expect((await run(step)).exitCode).toBe(0);
  return met;
}

describe('a request that is not answered yet', () => {
  const independent: [what: string, one: string, other: string, step: () => Step][] = [
    ['sign-in and ID token', 'token 1', 'idToken 1', withIdToken],
    ['sign-in and public key', 'token 1', 'getPublicKey 1', saving],
    ['sign-in and variable', 'token 1', 'getVariable 1', saving],
    ['sign-in and secret', 'token 1', 'getActionsSecret 1', saving],
    ['verification and the look after a create', 'token 2', 'listClients 2', () => ({})],
    [
      'verification and the look after a replacement by client_id',
      'token 2',
      'listClients 1',
      () => ({ inputs: { on_existing: 'replace', client_id: seed() } }),
    ],
  ];
  it.each([
    ...independent,
    ...independent.map(([what, one, other, step]): (typeof independent)[0] => [what, other, one, step]),
  ])('delays no other: %s (%s, %s)', async (_, held, other, step) => {
    expect(await meets(held, other, step(), 10_000)).toBe(true);
  });

  it.each<[held: string, other: string, step: () => Step]>([
    ['token 1', 'listClients 1', () => ({})],
    ['idToken 1', 'listClients 1', withIdToken],
    ['listClients 1', 'createClient 1', () => ({})],
    ['getPublicKey 1', 'createClient 1', saving],
    ['getVariable 1', 'listClients 1', saving],
    ['getVariable 1', 'createClient 1', saving],
    ['getActionsSecret 1', 'createClient 1', saving],
    ['createClient 1', 'token 2', () => ({})],
    ['listClients 2', 'createVariable 1', saving],
    ['token 2', 'createVariable 1', saving],
    ['createVariable 1', 'createVariable 2', saving],
    ['createVariable 2', 'putActionsSecret 1', saving],
  ])('%s keeps %s waiting', async (held, other, step) => {
    expect(await meets(held, other, step(), 400)).toBe(false);
  });
});

describe('the connection for the second of two requests at once', () => {
  const sentOver = (number: number) => emulator.requests.filter(({ connection }) => connection === number);
  /** Waits up to 10 seconds for the second connection. */
  const isOpened = async () => {
    for (let wait = 0; emulator.connections < 2 && wait < 1000; wait++) await sleep(10);
  };

  it.each<[what: string, inputs: () => Variables]>([
    ['found no other', () => ({})],
    ['replaces what it found', () => seed() && { on_existing: 'replace' }],
    ['replaces what client_id names', () => ({ on_existing: 'replace', client_id: seed() })],
  ])('is opened while the client is being made, and carries one of them: by a step that %s', async (_, inputs) => {
    const connections: number[] = [];
    emulator.hold = async (when, { operation }) => {
      if (when === 'before' && operation === 'createClient') await isOpened();
      if (when === 'before') connections.push(emulator.connections);
    };
    expect((await run({ inputs: inputs() })).exitCode).toBe(0);
    expect(connections.slice(0, 5)).toEqual([1, 1, 2, 2, 2]);
    const used = emulator.requests.slice(3, 5).map(({ connection }) => connection);
    expect(new Set(used)).toEqual(new Set([1, 2]));
  });

  const close = (socket: Socket) => socket.destroy();
  const reset = (socket: Socket) => socket.resetAndDestroy();
  it.each<[what: string, end: (socket: Socket) => unknown, used: boolean, wait: number]>([
    ['closed at once', close, false, 0],
    ['reset at once', reset, false, 0],
    ['closed while it waits', close, false, 200],
    ['reset while it waits', reset, false, 200],
    ['closed under its first request', close, true, 0],
    ['reset under its first request', reset, true, 0],
  ])('does no harm if it is %s', async (_, end, used, wait) => {
    const sockets: Socket[] = [];
    const relay = net.createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      const upstream = net.connect(Number(new URL(emulator.tlsUrl ?? '').port), '127.0.0.1').on('error', () => {});
      socket.pipe(upstream).pipe(socket);
    });
    await once(relay.listen(0, '127.0.0.1'), 'listening');
    emulator.hold = async (when, { operation, connection }) => {
      if (when === 'before' || (used ? connection !== 2 : operation !== 'createClient')) return;
      await isOpened();
      await sleep(wait);
      if (sockets[1]) end(sockets[1]);
      // Wait until the step has noticed.
      await sleep(400);
    };
    const { port } = relay.address() as AddressInfo;
    const inputs = { scalekit_environment_url: `https://127.0.0.1:${port}` };
    const { exitCode, annotations, log, outputs } = await run({ inputs });
    relay.close();
    expect([exitCode, annotations, emulator.clients().length]).toEqual([0, [], 1]);
    const sent = emulator.requests.map(({ operation }) => operation);
    expect(sent.slice(0, 3)).toEqual(['token', 'listClients', 'createClient']);
    // Only the request that was sent over this connection is retried.
    expect([sent.length, new Set(sent.slice(3))]).toEqual([used ? 6 : 5, new Set(['listClients', 'token'])]);
    expect([sentOver(2).length, log.match(/ attempt 2$/gm)?.length ?? 0]).toEqual(used ? [1, 1] : [0, 0]);
    expect(await credentialsWork(emulator, outputs)).toBe(true);
  });
});
