import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { type Behaviour, type Emulator, type Fault, type Operation, startEmulator } from '../emulator/index.ts';
import type { Executed, Outcome } from '../emulator/runner.ts';
import {
  credentialsWork,
  errors,
  REPOSITORY_CLAIMS,
  readable,
  runAction,
  secretsOf,
  seedEarlier,
  warnings,
} from './support/action.ts';

// Every request that a step makes × everything that can go wrong with it × once or for good × every way of the step.
// MATRIX=all runs all of it; otherwise a sample, always the same.

/** Seconds. */
const TIMEOUT = 16;
/** Milliseconds that a busy machine may take to start and end a process. */
const SLACK = 3000;
const SAMPLE = 40;
const HOUR = 3_600_000;

/** A way of the step: its inputs and what is there before. */
interface Scenario {
  inputs: Record<string, string>;
  /** A client of the same identity that drifted, with two old secrets. */
  existing: boolean;
  /** Whether the client is named by its id. */
  named: boolean;
  /** Whether the new pair's token is not what was asked for, so that everything is rolled back. */
  mismatch: boolean;
}

/** How a fault bears on the request that it meets. */
interface Row {
  fault: Fault;
  when?: 'before' | 'after';
  /**
   * `harmless`: the answer is as good as any. `passing`: worth another try. `unreadable`: a success that cannot be
   * read. `refused`: a refusal. `elsewhere`: a redirect.
   */
  kind: 'harmless' | 'passing' | 'unreadable' | 'refused' | 'elsewhere';
  /** Whether the server did the work all the same. */
  done: boolean;
  /** Only for answers that hold a secret. */
  making?: true;
}

const status = (code: number, when: 'before' | 'after', kind: Row['kind']): Row => ({
  fault: { kind: 'status', status: code },
  when,
  kind,
  done: when === 'after',
});

const FAULTS: Record<string, Row> = {
  'answers half a second late': { fault: { kind: 'delay', ms: 500 }, kind: 'harmless', done: true },
  'is reset before the work': { fault: { kind: 'reset' }, kind: 'passing', done: false },
  'is reset after the work': { fault: { kind: 'reset' }, when: 'after', kind: 'passing', done: true },
  'is closed after the work': { fault: { kind: 'close' }, when: 'after', kind: 'passing', done: true },
  'is never answered': { fault: { kind: 'hang' }, kind: 'passing', done: false },
  'is done when the caller has given up': {
    fault: { kind: 'hang', finishAfterMs: 4500 },
    kind: 'passing',
    done: true,
  },
  'meets 500 after the work': status(500, 'after', 'passing'),
  'meets 502 before the work': status(502, 'before', 'passing'),
  'meets 503 before the work': status(503, 'before', 'passing'),
  'meets 504 after the work': status(504, 'after', 'passing'),
  'meets 429': {
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    kind: 'passing',
    done: false,
  },
  'meets 403': status(403, 'before', 'refused'),
  'meets 401': status(401, 'before', 'refused'),
  'meets a redirect': {
    fault: { kind: 'redirect', location: 'https://elsewhere.invalid/' },
    kind: 'elsewhere',
    done: false,
  },
  'has an answer that is cut off': { fault: { kind: 'truncate' }, kind: 'passing', done: true },
  'has JSON cut in half': { fault: { kind: 'truncate', cut: 'json' }, kind: 'unreadable', done: true },
  'has an answer that is not JSON': {
    fault: { kind: 'body', body: '<html>' },
    when: 'after',
    kind: 'unreadable',
    done: true,
  },
  'has an answer that never ends': {
    fault: { kind: 'huge', bytes: 9_000_000 },
    when: 'after',
    kind: 'unreadable',
    done: true,
  },
  'has no plain_secret': {
    fault: { kind: 'edit', edit: ({ plain_secret: _, ...answer }) => answer },
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
  /** From 1: the how-manieth request for this operation. */
  call: number;
  row: Row;
  once: boolean;
  variation: Partial<Behaviour>;
}

const scenarios: Record<string, Scenario> = {};
for (const on_existing of ['rotate', 'reuse', 'replace', 'fail']) {
  const inputs = { on_existing };
  scenarios[`${on_existing} nothing`] = { inputs, existing: false, named: false, mismatch: false };
  scenarios[`${on_existing} one`] = { inputs, existing: true, named: false, mismatch: false };
  scenarios[`${on_existing} one by id`] = { inputs, existing: true, named: true, mismatch: false };
}
scenarios.job = { inputs: { lifetime: 'job' }, existing: false, named: false, mismatch: false };
scenarios['rotate one in an organization by external id'] = {
  inputs: { on_existing: 'rotate', organization_id: '' },
  existing: true,
  named: false,
  mismatch: false,
};
// The same with a token that is refused, where there is one.
for (const [name, scenario] of Object.entries(scenarios)) {
  const hasToken = !scenario.existing || /rotate|replace/.test(scenario.inputs.on_existing ?? '');
  if (hasToken) scenarios[`${name}, token refused`] = { ...scenario, mismatch: true };
}

const ASKED = { scopes: 'read write', audience: 'api.acme.example', custom_claims: 'team=platform' };

/** The client of an earlier run that was asked for less. */
function seedExisting(emulator: Emulator) {
  const custom_claims = [...REPOSITORY_CLAIMS, { key: 'team', value: 'platform' }];
  return seedEarlier(
    emulator,
    { scopes: ['read'], audience: [ASKED.audience], custom_claims },
    { ageMs: 3 * HOUR, secrets: [{ ageMs: 3 * HOUR }, { ageMs: 2 * HOUR }] },
  );
}

type Seeded = ReturnType<typeof seedExisting> | undefined;

async function play(scenario: Scenario, prepare: (emulator: Emulator) => void) {
  const emulator = await startEmulator();
  const seeded = scenario.existing ? seedExisting(emulator) : undefined;
  if (scenario.mismatch) {
    emulator.behaviour.tokenChanges = (payload) =>
      payload.sub === emulator.credentials.clientId ? payload : { ...payload, scopes: ['read'] };
  }
  prepare(emulator);
  const inputs: Record<string, string> = { ...ASKED, timeout: String(TIMEOUT), ...scenario.inputs };
  if (inputs.organization_id === '') inputs.organization_external_id = emulator.organization.externalId;
  if (scenario.named && seeded) inputs.client_id = seeded.client.client_id;
  const run = await runAction(emulator, { inputs });
  return { emulator, seeded, run };
}

/** What a step does when nothing goes wrong: the requests that a fault can meet. */
const baselines = new Map<string, Operation[]>();
for (const [name, scenario] of Object.entries(scenarios)) {
  const { emulator } = await play(scenario, () => {});
  baselines.set(
    name,
    emulator.requests.map(({ operation }) => operation),
  );
  await emulator.close();
}

const seed = (text: string) => createHash('sha256').update(text).digest().readUInt32BE();

const cells: [name: string, cell: Cell][] = [];
for (const [name, scenario] of Object.entries(scenarios)) {
  const counts = new Map<Operation, number>();
  // What comes before the roll-back has cells of its own.
  const known = scenario.mismatch ? (baselines.get(name.replace(/, token refused$/, '')) ?? []) : [];
  for (const operation of baselines.get(name) ?? []) {
    const call = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, call);
    if (call <= known.filter((one) => one === operation).length && !isRemoval(operation)) continue;
    // Nor is asking again for a token that is refused a part of it.
    if (scenario.mismatch && operation === 'token') continue;
    for (const [what, row] of Object.entries(FAULTS)) {
      if (row.making && operation !== 'createClient' && operation !== 'addSecret') continue;
      for (const once of [true, false]) {
        const title = `${name}: ${operation} ${call} ${what}, ${once ? 'once' : 'for good'}`;
        const variation = variationOf(title, operation, row);
        cells.push([`${title} ${JSON.stringify(variation)}`, { scenario, operation, call, row, once, variation }]);
      }
    }
  }
}

function variationOf(title: string, operation: Operation, row: Row): Partial<Behaviour> {
  const variation = VARIATIONS[seed(title) % VARIATIONS.length] ?? {};
  // A create that is finished late, and is shown later still, is what no look of the step can see.
  return operation === 'createClient' && row.fault.kind === 'hang' && variation.listLag ? {} : variation;
}

function isRemoval(operation: Operation): boolean {
  return operation === 'deleteClient' || operation === 'deleteSecret';
}

/** The exit code that the design asks for. */
function expectedExit({ scenario, operation, call, row, once }: Cell): number {
  if (scenario.mismatch || (scenario.inputs.on_existing === 'fail' && scenario.existing)) return 1;
  // Once the pair is handed out, nothing fails the step.
  if (isRemoval(operation)) return 0;
  if (row.kind === 'harmless') return 0;
  if (row.kind === 'refused')
    return operation === 'token' && call === 2 && once && row.fault.kind === 'status' && row.fault.status === 401
      ? 0
      : 1;
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
      return row.kind === 'passing' && once ? 0 : 1;
  }
}

async function check(cell: Cell): Promise<void> {
  const { scenario, operation, call, row, once, variation } = cell;
  const { emulator, seeded, run } = await play(scenario, ({ faults, behaviour }) => {
    Object.assign(behaviour, variation);
    const { fault, when } = row;
    faults.add({ operation, call, times: once ? 1 : Number.POSITIVE_INFINITY, ...(when && { when }), fault });
  });
  try {
    expect(run.exitCode).toBe(expectedExit(cell));
    expect(run.milliseconds).toBeLessThan(TIMEOUT * 1000 + SLACK);
    if (run.exitCode === 0) {
      emulator.faults.clear();
      // What the server adds after the last look, and on a busy machine before the step ends, nobody can name.
      const unseen = operation === 'addSecret' && row.fault.kind === 'hang' && row.done ? 1 : 0;
      await checkSuccess(emulator, run, scenario, seeded, unseen);
    } else expect([run.outputs, errors(run).length]).toEqual([{}, 1]);
    const post = await run.post();
    emulator.faults.clear();
    expect([post.exitCode, errors(post), warnings(post).length > 1]).toEqual([0, [], false]);
    if (run.exitCode !== 0) await checkFailure(emulator, run, post, seeded);
    if (scenario.inputs.lifetime === 'job') expect(unnamed(emulator, run, post, [])).toEqual([]);
    for (const secret of secretsOf(emulator))
      for (const one of [run, post]) expect(readable(one)).not.toContain(secret);
  } finally {
    await emulator.close();
  }
}

/** One client, and on it the secrets that there should be. */
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
  const untold = ids.filter((id) => !expected.includes(id) && !told(run).includes(id));
  expect(untold.length).toBeLessThanOrEqual(unseen);
}

/** Nothing new, and nothing gone, or it is named. */
async function checkFailure(emulator: Emulator, run: Executed, post: Outcome, seeded: Seeded): Promise<void> {
  expect(unnamed(emulator, run, post, seeded ? [seeded.client.client_id] : [])).toEqual([]);
  if (!seeded) return;
  const { client, plainSecrets } = seeded;
  const now = emulator.clients().find(({ client_id }) => client_id === client.client_id);
  for (const secret of plainSecrets)
    expect(await credentialsWork(emulator, { client_id: client.client_id, secret })).toBe(true);
  const old = client.secrets?.map(({ id }) => id) ?? [];
  for (const { id } of now?.secrets ?? []) if (!old.includes(id)) expect(told(run, post)).toContain(id);
  if (now?.scopes?.join() !== 'read') expect(told(run)).toMatch(/ (may stay updated|could not be given back)/);
}

/** Clients that are there, are not among `known`, and are named by nobody: by id or, where it is not known, by nonce. */
function unnamed(emulator: Emulator, run: Executed, post: Outcome | undefined, known: string[]): string[] {
  return emulator
    .clients()
    .filter(({ client_id, description = '' }) => {
      const nonce = /nonce=[\w-]{16}/.exec(description)?.[0] ?? client_id;
      const text = post ? told(run, post) : told(run);
      return !known.includes(client_id) && !text.includes(client_id) && !text.includes(nonce);
    })
    .map(({ client_id }) => client_id);
}

function told(...outcomes: Outcome[]): string {
  return outcomes
    .flatMap(({ annotations }) => annotations.map(({ message }) => message))
    .filter((message) => message.includes('DELETE ') || message.includes('Client '))
    .join('\n');
}

const all = process.env.MATRIX === 'all';
const chosen = all ? cells : cells.filter(([name]) => seed(`sample ${name}`) % SAMPLE === 0);

it.concurrent.each(chosen)('%s', async (_, cell) => await check(cell), 120_000);

it('has cells for every operation that a step may send', () => {
  const met = new Set(cells.map(([, { operation }]) => operation));
  const operations = ['token', 'organizationByExternalId', 'listClients', 'getClient', 'createClient', 'updateClient'];
  expect([...met].sort()).toEqual([...operations, 'addSecret', 'deleteSecret', 'deleteClient'].sort());
  if (all) console.log(`${cells.length} cells`);
});
