import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import type { Behaviour, Emulator } from '../../emulator/index.ts';
import { credentialsWork, errors, type Inputs, notices, runAction, warnings } from '../support/action.ts';
import { anotherEmulator } from '../support/emulators.ts';

// Each behaviour that Scalekit's documentation leaves open × each mode, two runs in a row. No run leaves a client behind, and
// none creates a second one without saying so. The second run succeeds, or a run does after the remedy that the error names
// was applied. docs/design.md lists the cells without a remedy. MATRIX=all runs all cells, otherwise those run that a row
// names as its `sample`.

/** The inputs that decide what a run does with a client that exists. */
const MODES = {
  job: { lifetime: 'job' },
  rotate: { lifetime: 'persistent', on_existing: 'rotate' },
  reuse: { lifetime: 'persistent', on_existing: 'reuse' },
  replace: { lifetime: 'persistent', on_existing: 'replace' },
};

type Mode = keyof typeof MODES;

/** How the second run fails. */
interface Failure {
  /** The error. It names the remedy. */
  error: RegExp;
  /** The inputs that the remedy changes. Undefined if no input is a remedy. */
  remedy?: Inputs;
}

interface Row {
  behaviour: Partial<Behaviour>;
  /** The modes that run without MATRIX=all. */
  sample?: Mode[];
  /** Inputs of all runs, in addition to those that every row has. */
  inputs?: Inputs;
  /** Inputs that differ from the second run on. */
  changed?: Inputs;
  /** How the second run fails, in the modes in which it does. */
  fails?: Partial<Record<Mode, Failure>>;
  /** What at least one run warns of, in the modes in which one does. */
  warns?: Partial<Record<Mode, RegExp>>;
  /** What at least one run prints as a notice, in every mode. */
  notes?: RegExp;
  /** Clients that remain after each run of a mode, because Scalekit refuses to delete them. */
  remain?: Partial<Record<Mode, number>>;
  /** Number of runs. 2 by default. */
  runs?: number;
  /** Milliseconds between two runs. */
  pauseMs?: number;
}

const INPUTS = { scopes: 'a', audience: 'api', custom_claims: 'team=platform' };

const inAll = <T>(value: T): Record<Mode, T> => ({ job: value, rotate: value, reuse: value, replace: value });
const inPersistent = <T>(value: T) => ({ rotate: value, reuse: value, replace: value });
const inRotateAndReuse = <T>(value: T) => ({ rotate: value, reuse: value });

const UNMARKED = {
  error: /has no ownership marker.*lifetime: job works/,
  remedy: { lifetime: 'job', on_existing: '' },
};
const TO_BE_LISTED = /If an entry is a default of the environment, list it among the inputs/;
const REPLACE = { on_existing: 'replace' };
const scopes = (clients: 'all' | 'without', shownIn: 'client' | 'token' | 'both', ...entries: string[]) => ({
  addedScopes: { entries, clients, shownIn },
});

const ROWS: Record<string, Row> = {
  'everything is as documented': { sample: ['rotate'], behaviour: {} },
  // Descriptions.
  'descriptions are trimmed': { behaviour: { descriptions: 'trimmed' } },
  'descriptions are folded': { behaviour: { descriptions: 'folded' } },
  'descriptions are escaped': { behaviour: { descriptions: 'escaped' } },
  'a description that is an input is escaped': {
    behaviour: { descriptions: 'escaped' },
    inputs: { description: 'For <b>"us"</b> &\nthem' },
  },
  'a description that is an input is folded': {
    behaviour: { descriptions: 'folded' },
    inputs: { description: 'a\nb' },
  },
  'descriptions are cut after 255 characters': { behaviour: { descriptions: 'cut' } },
  'a long description is cut': {
    sample: ['replace'],
    behaviour: { descriptions: 'cut' },
    inputs: { description: 'd'.repeat(200) },
    fails: inPersistent({ error: /A shorter description may help/, remedy: { description: 'short' } }),
    warns: { job: /has no ownership marker/ },
  },
  'descriptions are rewritten': {
    sample: ['job', 'rotate'],
    behaviour: { descriptions: 'rewritten' },
    fails: inPersistent(UNMARKED),
    warns: { job: /has no ownership marker/ },
  },
  'lists leave descriptions out': { behaviour: { descriptionsInLists: false } },
  // Scopes.
  'openid is added to tokens': { behaviour: scopes('all', 'token', 'openid') },
  'openid is added to clients and tokens': { behaviour: scopes('all', 'both', 'openid', 'profile') },
  'a client without scopes gets openid': { behaviour: scopes('without', 'both', 'openid'), inputs: { scopes: '' } },
  'a scope is added to tokens': {
    behaviour: scopes('all', 'token', 'default'),
    warns: inAll(/scopes: wanted "a"; got "a", "default"/),
  },
  'a scope is added to clients': {
    sample: ['rotate'],
    behaviour: scopes('all', 'both', 'default'),
    fails: inRotateAndReuse({ error: TO_BE_LISTED, remedy: { scopes: 'a default' } }),
    warns: { job: /more than was requested: scopes: "default"/, replace: /more than was requested: scopes: "default"/ },
  },
  'a client without scopes gets a default scope': {
    behaviour: scopes('without', 'both', 'default'),
    inputs: { scopes: '' },
    fails: inRotateAndReuse({ error: TO_BE_LISTED, remedy: { scopes: 'default' } }),
    warns: { job: /scopes: "default"/, replace: /scopes: "default"/ },
  },
  'a scope is dropped': {
    behaviour: { dropScopes: ['a'] },
    fails: inAll({ error: /A scope must exist in the environment/, remedy: { scopes: 'b' } }),
  },
  // Audience.
  'an audience is added': {
    behaviour: { addedAudience: { entries: ['default'], clients: 'all', shownIn: 'both' } },
    warns: inRotateAndReuse(/still has more than was requested after its update: audience: "default"/),
    notes: /audience: "default"/,
  },
  'a client without an audience gets one': {
    sample: ['reuse'],
    behaviour: { addedAudience: { entries: ['default'], clients: 'without', shownIn: 'both' } },
    inputs: { audience: '' },
    warns: inPersistent(/has an audience that was not requested: audience: "default"/),
    notes: /audience: "default"/,
  },
  'an audience is a string': { behaviour: { audience: 'string' } },
  'another audience is ignored by an update': {
    behaviour: { audienceInPatch: 'ignored' },
    changed: { audience: 'other' },
    fails: inRotateAndReuse({ error: /audience: wanted "other".*/, remedy: REPLACE }),
  },
  'another audience is refused by an update': {
    sample: ['rotate'],
    behaviour: { audienceInPatch: 'refused' },
    changed: { audience: 'other' },
    fails: inRotateAndReuse({ error: /on_existing: replace creates a new client instead/, remedy: REPLACE }),
  },
  // Claims.
  'a claim is added': {
    behaviour: { addedClaims: { entries: [{ key: 'tier', value: 'x' }], clients: 'all', shownIn: 'both' } },
    fails: inRotateAndReuse({ error: TO_BE_LISTED, remedy: { custom_claims: 'team=platform\ntier=x' } }),
    warns: { job: /custom_claims: "tier=x"/, replace: /custom_claims: "tier=x"/ },
  },
  'a claim is added to tokens': {
    behaviour: { addedClaims: { entries: [{ key: 'tier', value: 'x' }], clients: 'all', shownIn: 'token' } },
    notes: /"tier=x"/,
  },
  'claims are at the top level of tokens': { behaviour: { claimsInToken: 'flat' } },
  'claims are a list in tokens': { behaviour: { claimsInToken: 'list' } },
  'claims are absent in tokens': {
    sample: ['job'],
    behaviour: { claimsInToken: 'absent' },
    fails: inAll({ error: /With verify: false, the token is not checked/, remedy: { verify: 'false' } }),
  },
  'tokens do not name the organization': { behaviour: { oidInToken: false }, notes: /oid: wanted "org_\w+"; got none/ },
  'an interceptor denies tokens': {
    behaviour: { tokenChanges: () => undefined },
    inputs: { timeout: '10' },
    fails: inAll({ error: /interceptor/, remedy: { verify: 'false' } }),
  },
  // Secrets.
  ...Object.fromEntries(
    [2, 3, 5].flatMap((maxSecrets) =>
      (['only', 'maximum'] as const).map((text): [string, Row] => [
        `a client may have ${maxSecrets} secrets, which the refusal calls "${text}"`,
        {
          behaviour: { maxSecrets, maxSecretsError: { text, status: 400 } },
          warns: { rotate: /is deleted to make room for the new one/ },
          runs: maxSecrets + 2,
        },
      ]),
    ),
  ),
  ...Object.fromEntries(
    ([409, 422, 429] as const).map((status): [string, Row] => [
      `a client may have 2 secrets, which is refused with ${status}`,
      {
        behaviour: { maxSecrets: 2, maxSecretsError: { text: 'only', status } },
        warns: { rotate: /is deleted to make room for the new one/ },
        runs: 3,
      },
    ]),
  ),
  'a client may have one secret': {
    sample: ['rotate'],
    behaviour: { maxSecrets: 1 },
    fails: { rotate: { error: /on_existing: replace/, remedy: REPLACE } },
  },
  'secrets are shown newest first': { behaviour: { secretOrder: 'newest' }, runs: 3 },
  // Updates.
  'lists are merged by an update': {
    sample: ['reuse'],
    behaviour: { patch: 'merge' },
    changed: { scopes: 'b' },
    fails: inRotateAndReuse({ error: /on_existing: replace creates a new client/, remedy: REPLACE }),
  },
  'the response to an update has secrets': { behaviour: { secretsInPatchAnswer: true }, changed: { scopes: 'b' } },
  'the response to an update has no secrets': { behaviour: { secretsInPatchAnswer: false }, changed: { scopes: 'b' } },
  // Lists, names and lag.
  'pages have at most 30 clients': { behaviour: { pageSizeRange: [1, 30] } },
  'pages have at most 20 clients': { behaviour: { pageSizeRange: [1, 20] } },
  'lists are in random order': { behaviour: { listOrder: 'random' } },
  'names must be unique': { behaviour: { uniqueNames: true } },
  'a name that is an input must be unique': { behaviour: { uniqueNames: true }, inputs: { name: 'Deployer' } },
  ...Object.fromEntries(
    ([400, 401, 404] as const).map((secretLagStatus): [string, Row] => [
      `a new secret is refused with ${secretLagStatus} for a second`,
      { behaviour: { secretLag: 1_000, secretLagStatus } },
    ]),
  ),
  ...Object.fromEntries(
    ([400, 404] as const).map((status): [string, Row] => [
      `a new client cannot be read for a second, with status ${status}`,
      // The next run comes when the lag is over.
      { behaviour: { readLag: 1_000, notFound: { status, errorCode: 'RESOURCE_NOT_FOUND' } }, pauseMs: 1_000 },
    ]),
  ),
  'the response for a missing client has status 400': {
    sample: ['job'],
    behaviour: { notFound: { status: 400, errorCode: 'NOT_FOUND' } },
  },
  // Formats.
  'an expiry is shown as 0': { behaviour: { expiryInAnswer: 'zero' }, inputs: { expiry: '600' } },
  'an expiry is not shown': { behaviour: { expiryInAnswer: false }, inputs: { expiry: '600' } },
  'empty fields are left out': { behaviour: { emptyFields: 'omitted' } },
  'every success has status 200': { behaviour: { status: 'ok' } },
  // Permissions.
  'clients and secrets cannot be deleted': {
    sample: ['replace'],
    behaviour: { forbidden: ['deleteClient', 'deleteSecret'] },
    inputs: { keep_secrets: '1' },
    warns: { ...inAll(/api_credentials:rotate/), reuse: /^/ },
    remain: { job: 1, replace: 1 },
  },
  ...Object.fromEntries(
    (['token', 'api'] as const).flatMap((refusedAt) =>
      (['json', 'html'] as const).map((body): [string, Row] => [
        `an IP allowlist refuses at the ${refusedAt} with ${body}`,
        {
          ...(refusedAt === 'api' && body === 'html' && { sample: ['job'] }),
          behaviour: { ipAllowlist: { refusedAt, body } },
          fails: inAll({ error: /(IP )?allow ?list/ }),
        },
      ]),
    ),
  ),
};

interface Cell {
  mode: Mode;
  what: string;
  row: Row;
}

const cells: Cell[] = Object.entries(ROWS).flatMap(([what, row]) =>
  (Object.keys(MODES) as Mode[]).map((mode) => ({ mode, what, row })),
);
const chosen = process.env.MATRIX === 'all' ? cells : cells.filter(({ mode, row }) => row.sample?.includes(mode));

/** Runs the action in a mode, and its post step. Checks what remains. */
async function run(emulator: Emulator, mode: Mode, inputs: Inputs, remaining = 0) {
  const before = emulator.clients().length;
  const given: Inputs = Object.fromEntries(
    Object.entries({ ...INPUTS, ...MODES[mode], ...inputs }).filter(([, value]) => value !== ''),
  );
  const main = await runAction(emulator, { inputs: given });
  // Without verification, the environment may refuse a token.
  if (main.outputs.secret && inputs.verify !== 'false')
    expect(await credentialsWork(emulator, main.outputs)).toBe(true);
  const post = await main.post();
  const isPersistent = main.exitCode === 0 && given.lifetime === 'persistent';
  const expected = remaining > 0 ? before + (isPersistent && before === 0 ? 1 : remaining) : isPersistent ? 1 : before;
  expect({ clients: emulator.clients().length, log: main.log }).toEqual({ clients: expected, log: main.log });
  return { main, warnings: [...warnings(main), ...warnings(post)] };
}

it.each(chosen)(
  'succeeds in two runs, or its error names the remedy, in mode $mode if $what',
  async ({ mode, row }) => {
    await using emulator = await anotherEmulator({ behaviour: row.behaviour });
    const { inputs = {}, changed = {}, remain = {} } = row;
    const results = [await run(emulator, mode, inputs, remain[mode])];
    await sleep(row.pauseMs ?? 0);
    for (let at = 1; at < (row.runs ?? 2); at++)
      results.push(await run(emulator, mode, { ...inputs, ...changed }, remain[mode]));
    const last = results.at(-1)?.main;
    const failure = row.fails?.[mode];
    expect({ exitCode: last?.exitCode, errors: last && errors(last) }).toEqual({
      exitCode: failure ? 1 : 0,
      errors: failure ? [expect.stringMatching(failure.error)] : [],
    });
    const warns = row.warns?.[mode];
    if (warns) expect(results.flatMap((one) => one.warnings).join('\n')).toMatch(warns);
    else if (!failure) expect(results.flatMap((one) => one.warnings)).toEqual([]);
    if (row.notes) expect(results.flatMap(({ main }) => notices(main)).join('\n')).toMatch(row.notes);
    if (!failure?.remedy) return;
    const remedied = await run(emulator, mode, { ...inputs, ...changed, ...failure.remedy });
    expect(errors(remedied.main)).toEqual([]);
  },
);
