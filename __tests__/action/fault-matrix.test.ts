import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import type { Behaviour, Emulator, Fault, Operation } from '../../emulator/index.ts';
import type { Executed, Outcome } from '../../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  REPOSITORY_CLAIMS,
  readable,
  runAction,
  secretsOf,
  seedEarlier,
  warnings,
} from '../support/action.ts';
import { anotherEmulator } from '../support/emulators.ts';
import { operationsOf } from '../support/requests.ts';
import { HOUR } from '../support/times.ts';

// The fault matrix: every request that a step sends × every fault × once or always × every scenario × a moment at which the
// runner reads the state. MATRIX=all runs all cells. Otherwise a sample runs, which is always the same. A hash of a cell's
// name decides whether it belongs to the sample and which behaviour the emulator has, so another name means another cell.

/** Seconds. */
const TIMEOUT = 16;
/** Milliseconds that a busy machine may take to start and end a process. */
const SLACK = 3000;
/** One of so many cells belongs to the sample. */
const SAMPLE = 100;

/** The inputs of a step, and what exists before it runs. */
interface Scenario {
  inputs: Record<string, string>;
  /** Whether a client of the same identity exists, which has drifted and has two old secrets. */
  existing: boolean;
  /** Whether the input client_id names the client. */
  named: boolean;
  /** Whether the token of the new credentials differs from what was requested, so that everything is rolled back. */
  mismatch: boolean;
}

/** A fault, and its effect on the request that meets it. */
interface Row {
  fault: Fault;
  when?: 'before' | 'after';
  /**
   * `harmless`: the response is usable. `passing`: the request can be retried. `garbage`: a success response that is
   * not JSON, so the request is retried if it only reads. `unreadable`: another success response that cannot be used.
   * `refused`: a refusal. `elsewhere`: a redirect.
   */
  kind: 'harmless' | 'passing' | 'garbage' | 'unreadable' | 'refused' | 'elsewhere';
  /** Whether the server carried out the request nevertheless. */
  done: boolean;
  /** Set if the fault applies only to responses that contain a secret. */
  making?: true;
}

const status = (code: number, when: 'before' | 'after', kind: Row['kind']): Row => ({
  fault: { kind: 'status', status: code },
  when,
  kind,
  done: when === 'after',
});

const FAULTS: Record<string, Row> = {
  'gets a response half a second late': { fault: { kind: 'delay', ms: 500 }, kind: 'harmless', done: true },
  'is reset before the server carries it out': { fault: { kind: 'reset' }, kind: 'passing', done: false },
  'is reset after the server carried it out': { fault: { kind: 'reset' }, when: 'after', kind: 'passing', done: true },
  'gets no response': { fault: { kind: 'hang' }, kind: 'passing', done: false },
  'is carried out after the step stopped waiting': {
    fault: { kind: 'hang', finishAfterMs: 4500 },
    kind: 'passing',
    done: true,
  },
  'gets 500 after the server carried it out': status(500, 'after', 'passing'),
  'gets 503 before the server carries it out': status(503, 'before', 'passing'),
  'gets 429': {
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    kind: 'passing',
    done: false,
  },
  'gets 403': status(403, 'before', 'refused'),
  'gets 401': status(401, 'before', 'refused'),
  'gets a redirect': {
    fault: { kind: 'redirect', location: 'https://elsewhere.invalid/' },
    kind: 'elsewhere',
    done: false,
  },
  'gets a response that is cut off': { fault: { kind: 'truncate' }, kind: 'passing', done: true },
  'gets half of the JSON': { fault: { kind: 'truncate', cut: 'json' }, kind: 'garbage', done: true },
  'gets a response that is not JSON': {
    fault: { kind: 'body', body: '<html>' },
    when: 'after',
    kind: 'garbage',
    done: true,
  },
  'gets a response that is too large': {
    fault: { kind: 'huge', bytes: 9_000_000 },
    when: 'after',
    kind: 'unreadable',
    done: true,
  },
  'gets a response without plain_secret': {
    fault: { kind: 'edit', edit: ({ plain_secret: _, ...body }) => body },
    kind: 'unreadable',
    done: true,
    making: true,
  },
};

const VARIATIONS: Partial<Behaviour>[] = [
  {},
  { listLag: 3000 },
  { listOrder: 'random', secretOrder: 'random' },
  { patch: 'merge' },
];

interface Cell {
  scenario: Scenario;
  operation: Operation;
  /** Which of the requests for this operation meets the fault, counted from 1. */
  call: number;
  row: Row;
  once: boolean;
  variation: Partial<Behaviour>;
}

const scenarios: Record<string, Scenario> = {};
for (const on_existing of ['rotate', 'reuse', 'replace', 'fail']) {
  const inputs = { on_existing };
  scenarios[`on_existing: ${on_existing}, no client`] = { inputs, existing: false, named: false, mismatch: false };
  scenarios[`on_existing: ${on_existing}, one client`] = { inputs, existing: true, named: false, mismatch: false };
  scenarios[`on_existing: ${on_existing}, client_id`] = { inputs, existing: true, named: true, mismatch: false };
}
scenarios['lifetime: job'] = { inputs: { lifetime: 'job' }, existing: false, named: false, mismatch: false };
scenarios['on_existing: rotate, one client, organization_external_id'] = {
  inputs: { on_existing: 'rotate', organization_id: '' },
  existing: true,
  named: false,
  mismatch: false,
};
// Add the same scenarios with a token that is refused, if the scenario has one.
for (const [name, scenario] of Object.entries(scenarios)) {
  const hasToken = !scenario.existing || /rotate|replace/.test(scenario.inputs.on_existing ?? '');
  if (hasToken) scenarios[`${name}, token refused`] = { ...scenario, mismatch: true };
}

const ASKED = { scopes: 'read write', audience: 'api.acme.example', custom_claims: 'team=platform' };

/** Adds the client of an earlier run with fewer scopes to the emulator. */
function seedExisting(emulator: Emulator) {
  const custom_claims = [...REPOSITORY_CLAIMS, { key: 'team', value: 'platform' }];
  return seedEarlier(
    emulator,
    { scopes: ['read'], audience: [ASKED.audience], custom_claims },
    { ageMs: 3 * HOUR, secrets: [{ ageMs: 3 * HOUR }, { ageMs: 2 * HOUR }] },
  );
}

type Seeded = ReturnType<typeof seedExisting> | undefined;

/** Runs the step of a scenario. */
async function play(emulator: Emulator, scenario: Scenario) {
  const seeded = scenario.existing ? seedExisting(emulator) : undefined;
  if (scenario.mismatch) {
    emulator.behaviour.tokenChanges = (payload) =>
      payload.sub === emulator.credentials.clientId ? payload : { ...payload, scopes: ['read'] };
  }
  const inputs: Record<string, string> = { ...ASKED, timeout: String(TIMEOUT), ...scenario.inputs };
  if (inputs.organization_id === '') inputs.organization_external_id = emulator.organization.externalId;
  if (scenario.named && seeded) inputs.client_id = seeded.client.client_id;
  const run = await runAction(emulator, { inputs });
  return { seeded, run };
}

/** Returns the requests of a scenario without a fault. A fault can meet each of them. */
async function baselineOf(scenario: Scenario): Promise<Operation[]> {
  await using emulator = await anotherEmulator();
  await play(emulator, scenario);
  return operationsOf(emulator);
}

/** How many scenarios run at the same time to find their requests. */
const CONCURRENT = 4;

/** The requests of each scenario without a fault. */
const baselines = new Map<string, Operation[]>();
const waiting = Object.entries(scenarios);
await Promise.all(
  Array.from({ length: CONCURRENT }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) baselines.set(next[0], await baselineOf(next[1]));
  }),
);

/** Returns a number that is always the same for the same text. */
const seed = (text: string) => createHash('sha256').update(text).digest().readUInt32BE();

const cells: [name: string, cell: Cell][] = [];
for (const [name, scenario] of Object.entries(scenarios)) {
  const counts = new Map<Operation, number>();
  // The requests before the roll-back have their cells in the scenario without a refused token.
  const known = scenario.mismatch ? (baselines.get(name.replace(/, token refused$/, '')) ?? []) : [];
  for (const operation of baselines.get(name) ?? []) {
    const call = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, call);
    if (call <= known.filter((one) => one === operation).length && !isRemoval(operation)) continue;
    // Requesting a refused token again is not part of the roll-back either.
    if (scenario.mismatch && operation === 'token') continue;
    for (const [what, row] of Object.entries(FAULTS)) {
      if (row.making && operation !== 'createClient' && operation !== 'addSecret') continue;
      for (const once of [true, false]) {
        const title = `${name}: ${operation} ${call} ${what}, ${once ? 'once' : 'always'}`;
        const variation = variationOf(title, operation, row);
        cells.push([
          `${title}, with the behaviour ${JSON.stringify(variation)}`,
          { scenario, operation, call, row, once, variation },
        ]);
      }
    }
  }
}

function variationOf(title: string, operation: Operation, row: Row): Partial<Behaviour> {
  const variation = VARIATIONS[seed(title) % VARIATIONS.length] ?? {};
  // If the server finishes a create late and lists the client even later, no search of the step can find it.
  return operation === 'createClient' && row.fault.kind === 'hang' && variation.listLag ? {} : variation;
}

/** Returns whether a request reads the replaced client before it is deleted. */
function isReadBeforeRemoval({ inputs, existing, named }: Scenario, operation: Operation, call: number): boolean {
  const isReplaced = inputs.on_existing === 'replace' && existing;
  return isReplaced && operation === 'getClient' && call === (named ? 2 : 1);
}

function isRemoval(operation: Operation): boolean {
  return operation === 'deleteClient' || operation === 'deleteSecret';
}

/** Returns the exit code that docs/design.md requires. */
function expectedExit({ scenario, operation, call, row, once }: Cell): number {
  if (scenario.mismatch || (scenario.inputs.on_existing === 'fail' && scenario.existing)) return 1;
  // After the credentials are published, nothing fails the step.
  if (isRemoval(operation) || isReadBeforeRemoval(scenario, operation, call)) return 0;
  if (row.kind === 'harmless') return 0;
  // New credentials may not be known yet, so their token is requested again.
  if (row.kind === 'refused') return operation === 'token' && call === 2 && once ? 0 : 1;
  const lastsLong = row.fault.kind === 'hang';
  switch (operation) {
    case 'createClient':
      return row.kind !== 'elsewhere' && (once || row.done) ? 0 : 1;
    case 'addSecret':
      return once ? 0 : 1;
    case 'updateClient':
      if (row.kind === 'passing') return once || (row.done && !lastsLong) ? 0 : 1;
      return row.done ? 0 : 1;
    default:
      return (row.kind === 'passing' || row.kind === 'garbage') && once ? 0 : 1;
  }
}

/** @param readAt chooses the moment at which the runner reads the state: another one may not change what post does */
async function check(cell: Cell, readAt: number): Promise<void> {
  const { scenario, operation, call, row, once, variation } = cell;
  const { fault, when } = row;
  await using emulator = await anotherEmulator({ behaviour: variation });
  emulator.faults.add({ operation, call, times: once ? 1 : Number.POSITIVE_INFINITY, ...(when && { when }), fault });
  const { seeded, run } = await play(emulator, scenario);
  // The log is compared with itself, so that a failure shows it.
  expect({ exitCode: run.exitCode, log: run.log }).toEqual({ exitCode: expectedExit(cell), log: run.log });
  expect(run.milliseconds).toBeLessThan(TIMEOUT * 1000 + SLACK);
  if (run.exitCode === 0) {
    emulator.faults.clear();
    // On a busy machine the server can add a secret after the last search and before the step ends.
    const unseen = operation === 'addSecret' && row.fault.kind === 'hang' && row.done ? 1 : 0;
    await checkSuccess(emulator, run, scenario, seeded, unseen);
  } else {
    expect(run.outputs).toEqual({});
    expect(errors(run)).toHaveLength(1);
  }
  // The first state is empty: post could not do anything with it.
  const [, ...states] = run.states;
  const post = await run.post({ state: states[readAt % states.length] ?? {} });
  emulator.faults.clear();
  expect({ exitCode: post.exitCode, errors: errors(post) }).toEqual({ exitCode: 0, errors: [] });
  expect(warnings(post).length).toBeLessThanOrEqual(1);
  if (run.exitCode !== 0) await checkFailure(emulator, run, post, seeded);
  if (scenario.inputs.lifetime === 'job') expect(unnamed(emulator, run, post, [])).toEqual([]);
  for (const secret of secretsOf(emulator)) for (const one of [run, post]) expect(readable(one)).not.toContain(secret);
}

/** Checks that one client exists, with the secrets that it should have. Up to `unseen` others may be unreported. */
async function checkSuccess(
  emulator: Emulator,
  run: Executed,
  { inputs, existing }: Scenario,
  seeded: Seeded,
  unseen: number,
): Promise<void> {
  const reused = inputs.on_existing === 'reuse' && existing;
  const replaced = inputs.on_existing === 'replace' && existing;
  expect(run.outputs.result).toBe(
    existing ? { rotate: 'rotated', reuse: 'reused', replace: 'replaced' }[inputs.on_existing ?? ''] : 'created',
  );
  expect(await credentialsWork(emulator, run.outputs)).toBe(!reused);
  const kept = seeded && !replaced ? [seeded.client.client_id] : [run.outputs.client_id ?? ''];
  expect(run.outputs.client_id).toBe(kept[0]);
  expect(unnamed(emulator, run, undefined, kept)).toEqual([]);
  const client = emulator.clients().find(({ client_id }) => client_id === run.outputs.client_id);
  expect([...(client?.scopes ?? [])].sort()).toEqual(['read', 'write']);
  const old = seeded?.client.secrets?.map(({ id }) => id) ?? [];
  const expected = reused
    ? old
    : seeded && !replaced
      ? [old[1] ?? '', run.outputs.secret_id ?? '']
      : [run.outputs.secret_id ?? ''];
  const ids = client?.secrets?.map(({ id }) => id) ?? [];
  expect(ids).toEqual(expect.arrayContaining(expected));
  const unreported = ids.filter((id) => !expected.includes(id) && !reported(run).includes(id));
  expect(unreported.length).toBeLessThanOrEqual(unseen);
}

/** Checks that nothing was added and nothing is missing, or that the run reports it. */
async function checkFailure(emulator: Emulator, run: Executed, post: Outcome, seeded: Seeded): Promise<void> {
  expect(unnamed(emulator, run, post, seeded ? [seeded.client.client_id] : [])).toEqual([]);
  if (!seeded) return;
  const { client, plainSecrets } = seeded;
  const now = emulator.clients().find(({ client_id }) => client_id === client.client_id);
  for (const secret of plainSecrets)
    expect(await credentialsWork(emulator, { client_id: client.client_id, secret })).toBe(true);
  const old = client.secrets?.map(({ id }) => id) ?? [];
  for (const { id } of now?.secrets ?? []) if (!old.includes(id)) expect(reported(run, post)).toContain(id);
  if (now?.scopes?.join() !== 'read')
    expect(reported(run)).toMatch(/ (may still have updated fields|could not be restored)/);
}

/** Returns the clients that are not in `known`, and that no message names by id or nonce. */
function unnamed(emulator: Emulator, run: Executed, post: Outcome | undefined, known: string[]): string[] {
  return emulator
    .clients()
    .filter(({ client_id, description = '' }) => {
      const nonce = /nonce:[\w-]{16}/.exec(description)?.[0] ?? client_id;
      const text = post ? reported(run, post) : reported(run);
      return !known.includes(client_id) && !text.includes(client_id) && !text.includes(nonce);
    })
    .map(({ client_id }) => client_id);
}

/** Returns the messages that name a client or a call that deletes something. */
function reported(...outcomes: Outcome[]): string {
  return outcomes
    .flatMap(({ annotations }) => annotations.map(({ message }) => message))
    .filter((message) => message.includes('DELETE ') || message.includes('Client '))
    .join('\n');
}

const all = process.env.MATRIX === 'all';
const chosen = all ? cells : cells.filter(([name]) => seed(`sample ${name}`) % SAMPLE === 0);

it.concurrent.each(chosen)(
  'keeps its promises if one request meets a fault: %s',
  (name, cell) => check(cell, seed(`state ${name}`)),
  120_000,
);

it('the fault matrix has a cell for each operation that a step may send to Scalekit', () => {
  const met = new Set(cells.map(([, { operation }]) => operation));
  const operations = ['token', 'organizationByExternalId', 'listClients', 'getClient', 'createClient', 'updateClient'];
  expect([...met].sort()).toEqual([...operations, 'addSecret', 'deleteSecret', 'deleteClient'].sort());
  if (all) console.log(`${cells.length} cells`);
});
