import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Emulator, type Fault, startEmulator } from '../../emulator/index.ts';
import { type Executed, RUNNER_VARIABLES, type Step } from '../../emulator/runner.ts';
import type { FindingKind } from '../../src/client/audit.ts';
import type { Identity } from '../../src/client/identity.ts';
import type { OwnershipMarker } from '../../src/client/marker.ts';
import { createNonce } from '../../src/inputs/desired-client.ts';
import {
  errors,
  interruptedAt,
  markerLine,
  plainLines,
  readable,
  runAction,
  secretsOf,
  sentTo,
  warnings,
} from '../support/action.ts';
import { DAY } from '../support/saved.ts';

const HOUR = DAY / 24;
const { GITHUB_REPOSITORY: REPOSITORY, GITHUB_REPOSITORY_ID: REPOSITORY_ID } = RUNNER_VARIABLES;
const SERVICE = 'acme/billing-service';
const SERVICE_ID = 4711;
const root = new URL('../..', import.meta.url);

let emulator: Emulator;
let folder: string;
/** Returns what is wrong with a report by its schema, or undefined. */
let faultsOf: (report: unknown) => string | undefined;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'audit-'));
  const [{ Ajv2020 }, formats] = await Promise.all([import('ajv/dist/2020.js'), import('ajv-formats')]);
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  formats.default.default(ajv);
  const check = ajv.compile(JSON.parse(readFileSync(new URL('audit/report.schema.json', root), 'utf8')));
  faultsOf = (report) => (check(report) ? undefined : ajv.errorsText(check.errors));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.close());

interface Report {
  version: number;
  time: string | null;
  findings: number;
  counts: { marked: number; unmarked: number; undescribed: number };
  not_read: { what: string; count: number; reason: string }[];
  clients: {
    client_id: string;
    repository: { id: string | null; name: string | null };
    created_by: { url: string | null } | null;
    secrets: { id: string; active: boolean; age_days: number | null }[] | null;
    findings: { kind: FindingKind; text: string }[];
  }[];
}

const reportOf = ({ outputs }: Executed): Report => JSON.parse(readFileSync(outputs.report ?? '', 'utf8'));

/**
 * Runs `audit/`, and checks what holds for each run: it changes nothing and sends only requests that read, it shows no
 * secret, and its report has the documented form.
 */
async function audit(inputs: Record<string, string> = {}, step: Step = {}): Promise<Executed & { report: Report }> {
  const [before, from] = [JSON.stringify(emulator.clients()), emulator.requests.length];
  const run = await runAction(emulator, { ...step, action: 'audit', inputs });
  const changes = emulator.requests
    .slice(from)
    .filter(({ method, operation }) => method !== 'GET' && operation !== 'token');
  expect({ changes, stderr: run.stderr, clients: JSON.stringify(emulator.clients()) }).toEqual({
    changes: [],
    stderr: '',
    clients: before,
  });
  const text = run.outputs.report ? readFileSync(run.outputs.report, 'utf8') : '';
  const shown = readable(run) + text;
  const secrets = secretsOf(emulator);
  // To search for each of 20,000 secrets would take minutes.
  const sample = secrets.filter((_, at) => secrets.length < 2_000 || at % 200 === 0);
  expect(sample.filter((secret) => shown.includes(secret))).toEqual([]);
  if (!text)
    return {
      ...run,
      report: {
        version: 0,
        time: null,
        findings: 0,
        counts: { marked: 0, unmarked: 0, undescribed: 0 },
        not_read: [],
        clients: [],
      },
    };
  const report = reportOf(run);
  expect(faultsOf(report)).toBeUndefined();
  expect({
    findings: run.outputs.findings,
    sum: `${report.clients.flatMap(({ findings }) => findings).length}`,
  }).toEqual({
    findings: `${report.findings}`,
    sum: `${report.findings}`,
  });
  return { ...run, report };
}

type Seed = Parameters<Emulator['seed']>;

/** Adds a client with a marker to the emulator. @returns its id */
function put(
  marker: Partial<OwnershipMarker> = {},
  options: Seed[1] = {},
  { fields = {} as Partial<Seed[0]>, identity = {} as Partial<Identity> } = {},
): string {
  const lifetime = marker.lifetime ?? 'persistent';
  const description = `Ours.\n${markerLine({ name: createNonce(), lifetime, ...identity }, marker)}`;
  return emulator.seed({ name: 'Deployer', description, ...fields }, options).client.client_id;
}

/** Changes each client in the responses to the audit, in lists and alone. */
function editClients(change: (client: Record<string, unknown>) => object): void {
  const edit = (body: { client?: Record<string, unknown>; clients?: Record<string, unknown>[] }) => ({
    ...body,
    ...(body.client && { client: change(body.client) }),
    ...(body.clients && { clients: body.clients.map(change) }),
  });
  for (const operation of ['listClients', 'getClient'] as const)
    emulator.faults.add({ operation, fault: { kind: 'edit', edit } });
}

const claims = (values: Record<string, string>) => ({
  custom_claims: Object.entries(values).map(([key, value]) => ({ key, value })),
});
const ofService = { repo: `${SERVICE_ID}`, by: `${SERVICE_ID}` };

/** Returns the findings of a report as text: the id of each client, and the kinds. */
const found = ({ report }: { report: Report }): Record<string, FindingKind[]> =>
  Object.fromEntries(report.clients.map(({ client_id, findings }) => [client_id, findings.map(({ kind }) => kind)]));

/** Returns the rows of the summary's table without its head, each as a list of the cells' texts. */
function table({ summary }: Executed): string[][] {
  const rows = [...summary.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) => row);
  const text = (cell: string) => cell.replaceAll('<br>', '\n').replace(/<[^>]*>/g, '');
  return rows.slice(1).map((row) => [...row.matchAll(/<td>(.*?)<\/td>/gs)].map(([, cell = '']) => text(cell)));
}

describe('audit/ finds', () => {
  it.each<[what: string, prepare: () => string[], inputs: Record<string, string>, kinds: FindingKind[]]>([
    ['nothing about a client in order', () => [put()], { max_secrets: '1', max_secret_age: '1' }, []],
    [
      'several persistent clients with one key',
      () => [put({}, {}, { identity: { name: 'a' } }), put({}, {}, { identity: { name: 'a' } })],
      {},
      ['same_key'],
    ],
    [
      'a client with several different markers',
      () => [put({}, {}, { fields: { description: `${markerLine()}\n${markerLine()}` } })],
      {},
      ['several_markers'],
    ],
    [
      'a client whose claim names another repository than its marker',
      () => [put({}, {}, { fields: claims({ github_repository_id: '99' }) })],
      {},
      ['contradictory_claims'],
    ],
    [
      'a client without an active secret',
      () => [put({}, { secrets: [{ ageMs: DAY, inactive: true }] })],
      {},
      ['no_active_secret'],
    ],
    ['a client with too many secrets', () => [put({}, { secrets: 3 })], { max_secrets: '2' }, ['too_many_secrets']],
    [
      'a client whose newest secret is too old',
      () => [put({}, { secrets: [{ ageMs: 91 * DAY }, { ageMs: 400 * DAY }, { ageMs: DAY, inactive: true }] })],
      { max_secret_age: '90' },
      ['old_secret'],
    ],
    [
      'the client of a job that is older than a day',
      () => [put({ lifetime: 'job' }, { ageMs: 25 * HOUR })],
      {},
      ['old_job_client'],
    ],
    [
      'several things about one client, each of which counts',
      () => [put({ lifetime: 'job' }, { ageMs: 9 * DAY, secrets: 2 })],
      { max_secrets: '1', max_secret_age: '1' },
      ['too_many_secrets', 'old_secret', 'old_job_client'],
    ],
  ])('%s', async (_, prepare, inputs, kinds) => {
    const ids = prepare();
    const run = await audit(inputs);
    expect(run).toMatchObject({ exitCode: 0, outputs: { findings: `${ids.length * kinds.length}` } });
    expect(found(run)).toEqual(Object.fromEntries(ids.map((id) => [id, kinds])));
    expect(warnings(run)).toHaveLength(kinds.length > 0 ? 1 : 0);
    for (const { client_id, findings } of run.report.clients)
      for (const { text } of findings) {
        expect(run.log).toMatch(new RegExp(`^Client ${client_id} "Deployer" .*${text}`, 'm'));
        expect(
          table(run)
            .find(([id]) => id === client_id)
            ?.at(1),
        ).toContain(text);
      }
  });

  it('a copy, and not its original', async () => {
    const nonce = createNonce();
    const [original, copy] = [put({ nonce }, { ageMs: 2 * DAY }), put({ nonce }, { ageMs: DAY })];
    expect(found(await audit())).toEqual({ [copy]: ['copy'], [original]: [] });
  });

  it('a marked client that cannot be read as a whole', async () => {
    const id = put();
    editClients((one) => ({ ...one, scopes: 7 }));
    const run = await audit();
    expect(found(run)).toEqual({ [id]: ['unreadable'] });
    expect(run.report).toMatchObject({
      not_read: [
        { what: 'secrets', count: 1 },
        { what: 'ages', count: 1 },
      ],
      clients: [{ name: null, secrets: null }],
    });
  });

  it('repositories and environments that GitHub does not show to github_token, each looked up once', async () => {
    emulator.github.addRepository(SERVICE, { id: SERVICE_ID, environments: ['production'] });
    const environment = (environment: string) => ({ fields: claims({ environment }) });
    const shown = put(ofService, {}, environment('Production'));
    const gone = put(ofService, {}, environment('staging'));
    const goneToo = put(ofService, {}, environment('staging'));
    const hidden = put({ repo: '99', by: '99' }, {}, environment('production'));
    const run = await audit({ github_token: emulator.github.token });
    expect(found(run)).toEqual({
      [gone]: ['environment_not_shown'],
      [goneToo]: ['environment_not_shown'],
      [hidden]: ['repository_not_shown'],
      [shown]: [],
    });
    expect(sentTo(emulator, 'getRepository')).toHaveLength(2);
    expect(sentTo(emulator, 'getEnvironment')).toHaveLength(2);
    const without = await audit();
    expect({ findings: without.outputs.findings, gaps: without.report.not_read }).toEqual({ findings: '0', gaps: [] });
  });

  it('a repository by its name, if a runner that knows no ids made the client', async () => {
    const unknown = { GITHUB_REPOSITORY_ID: undefined };
    const made = await runAction(emulator, { inputs: { lifetime: 'persistent' }, env: unknown });
    const shown = await audit({ github_token: emulator.github.token });
    expect(shown.report.clients).toMatchObject([{ repository: { id: null, name: REPOSITORY }, findings: [] }]);
    const hidden = await audit({ github_token: emulator.github.addToken('none') });
    expect(found(hidden)).toEqual({ [made.outputs.client_id ?? '']: ['repository_not_shown'] });
  });
});

describe('audit/ shows', () => {
  it('what the action made: repository, environment, run, lifetime, secrets and their last use', async () => {
    emulator.github.repository(REPOSITORY).addEnvironment('production');
    const made = await runAction(emulator, { inputs: { environment: 'production' } });
    emulator.seed({ name: 'By hand' }, {});
    const { report, ...run } = await audit({ github_token: emulator.github.token, max_secret_age: '90' }, {});
    const [GITHUB_RUN_ID, attempt] = [RUNNER_VARIABLES.GITHUB_RUN_ID, Number(RUNNER_VARIABLES.GITHUB_RUN_ATTEMPT)];
    const url = `https://github.com/${REPOSITORY}/actions/runs/${GITHUB_RUN_ID}/attempts/${attempt}`;
    const repository = { id: REPOSITORY_ID, name: REPOSITORY };
    expect(report).toMatchObject({
      version: 1,
      organization_id: emulator.organization.id,
      max_secret_age: 90,
      max_secrets: null,
      counts: { marked: 1, unmarked: 1, undescribed: 0 },
      not_read: [],
      clients: [
        {
          client_id: made.outputs.client_id,
          lifetime: 'persistent',
          repository,
          environment: 'production',
          created_by: { repository, run_id: GITHUB_RUN_ID, run_attempt: attempt, url },
          secrets: [
            { id: made.outputs.secret_id, active: true, last_used_time: expect.any(String), expire_time: null },
          ],
        },
      ],
    });
    expect(Math.abs(Date.parse(report.time ?? '') - Date.now())).toBeLessThan(60_000);
    expect(run.log).toContain(`${emulator.organization.id}: 1 client with an ownership marker, 1 without.`);
    const name = `GitHub Actions: ${REPOSITORY} (production)`;
    const creator = `${REPOSITORY} ${GITHUB_RUN_ID}.${attempt}`;
    const place = `${REPOSITORY}\nproduction`;
    expect(table(run)).toEqual([
      [made.outputs.client_id, '–', name, place, creator, 'persistent', '1 of 1 active', '0', '0'],
    ]);
    expect(run.summary).toContain(`<a href="${url}">`);
  });

  it.each<[what: string, inputs: () => Record<string, string>, name: string | null]>([
    [
      'by GitHub’s name, which is newer than that in the claims',
      () => ({ github_token: emulator.github.token }),
      'acme/payments',
    ],
    ['by the name in the claims without github_token', () => ({}), SERVICE],
  ])('a renamed repository %s, with a link to the run', async (_, inputs, name) => {
    emulator.github.addRepository(SERVICE, { id: SERVICE_ID });
    emulator.github.rename(SERVICE, 'acme/payments');
    put({ ...ofService, run: '7.2' }, {}, { fields: claims({ github_repository: SERVICE }) });
    const { report } = await audit(inputs());
    const url = `https://github.com/${name}/actions/runs/7/attempts/2`;
    expect(report.clients).toMatchObject([{ repository: { id: `${SERVICE_ID}`, name }, created_by: { url } }]);
  });

  it('the number of the run without a link, if nothing names the repository', async () => {
    put({ ...ofService, run: '7.2' });
    put({ by: `${SERVICE_ID}`, run: '8.1' }, {}, { fields: claims({ github_repository: REPOSITORY }) });
    const run = await audit();
    expect(run.report.clients).toMatchObject([{ created_by: { url: null } }, { created_by: { url: null } }]);
    expect(table(run).map((row) => row[4])).toEqual([`${SERVICE_ID} 7.2`, `${SERVICE_ID} 8.1`]);
    expect(run.summary).not.toContain('<a ');
  });

  it('clients with findings first', async () => {
    const ids = [put(), put({ lifetime: 'job' }, { ageMs: 2 * DAY }), put()];
    const run = await audit();
    const order = [ids[1], ids[0], ids[2]];
    expect(run.report.clients.map(({ client_id }) => client_id)).toEqual(order);
    expect(table(run).map(([id]) => id)).toEqual(order);
  });

  it.each([-400, 400])('ages by the time of Scalekit, and not by that of this machine (%d days off)', async (days) => {
    const skew = `data:text/javascript,const now = Date.now; Date.now = () => now() + ${days * DAY};`;
    put({}, { secrets: [{ ageMs: 29.5 * DAY }] });
    const step = { nodeOptions: ['--import', skew] };
    const { report } = await audit({ max_secret_age: '30' }, step);
    expect(report.clients).toMatchObject([{ secrets: [{ age_days: 29.5 }], findings: [] }]);
    expect((await audit({ max_secret_age: '29' }, step)).outputs.findings).toBe('1');
  });

  it('a report that only its user can read, and that does not overwrite an earlier one', async () => {
    const [first, second] = [await audit(), await audit()];
    const { report = '' } = first.outputs;
    expect(report).toMatch(/\/scalekit-audit-[0-9a-f]{24}\.json$/);
    expect(report).not.toBe(second.outputs.report);
    if (process.platform !== 'win32') expect((statSync(report).mode & 0o777).toString(8)).toBe('600');
  });
});

describe('audit/ says what it does not know, if', () => {
  it('lists have no descriptions: it reads the clients by id', async () => {
    emulator.behaviour.descriptionsInLists = false;
    const ids = [put(), put()];
    emulator.seed({ name: 'By hand' }, {});
    const run = await audit();
    expect(run.report).toMatchObject({ counts: { marked: 2, unmarked: 1, undescribed: 0 }, not_read: [] });
    expect(Object.keys(found(run)).sort()).toEqual(ids.sort());
    expect(sentTo(emulator, 'getClient')).toHaveLength(3);
  });

  it('lists have no secrets: it reads the clients with a marker by id', async () => {
    const edit = ({ clients, ...body }: { clients: object[] }) => ({
      ...body,
      clients: clients.map((one) => ({ ...one, secrets: undefined })),
    });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit } });
    put();
    emulator.seed({ name: 'By hand' }, {});
    const { report } = await audit();
    expect(report).toMatchObject({ not_read: [], clients: [{ secrets: [{ active: true }], findings: [] }] });
    expect(sentTo(emulator, 'getClient')).toHaveLength(1);
  });

  it('clients cannot be read: their number and the reason', async () => {
    emulator.behaviour.descriptionsInLists = false;
    for (let at = 0; at < 30; at++) put();
    emulator.behaviour.forbidden = ['getClient'];
    const run = await audit();
    expect(run.report).toMatchObject({
      counts: { marked: 0, unmarked: 0, undescribed: 30 },
      not_read: [{ what: 'descriptions', count: 30, reason: expect.stringContaining('HTTP 403') }],
    });
    expect(warnings(run)).toEqual([
      expect.stringMatching(
        /^The description of 30 clients was not read, so each may have an ownership marker\. .*HTTP 403/,
      ),
    ]);
    expect(run.summary).toContain('The description of 30 clients was not read');
    // It does not ask thirty times.
    expect(sentTo(emulator, 'getClient').length).toBeLessThan(20);
  });

  it('more than 1,000 clients would have to be read by id', async () => {
    emulator.behaviour.descriptionsInLists = false;
    for (let at = 0; at < 1_050; at++) emulator.seed({ name: `Other ${at}` }, {});
    const last = put({}, {}, { fields: { name: 'GitHub Actions: acme/app' } });
    const run = await audit();
    expect(run.report.counts).toEqual({ marked: 1, unmarked: 999, undescribed: 51 });
    expect(run.report.not_read).toEqual([{ what: 'descriptions', count: 51, reason: 'At most 1000 are looked up.' }]);
    // The one that this action may have named is read first.
    expect(Object.keys(found(run))).toEqual([last]);
    expect(sentTo(emulator, 'getClient')).toHaveLength(1_000);
  });

  it('GitHub refuses the token: no repository is a finding', async () => {
    put(ofService);
    const run = await audit({ github_token: ['ghp', 'x'.repeat(36)].join('_'), timeout: '20' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { findings: '0' } });
    expect(run.report.not_read).toEqual([
      { what: 'repositories', count: 1, reason: expect.stringContaining('HTTP 401') },
    ]);
    expect(warnings(run)).toEqual([
      expect.stringMatching(/^It is not known whether GitHub shows the repositories of 1 client to github_token\. /),
    ]);
  });

  it('the token may not read environments', async () => {
    emulator.github.addRepository(SERVICE, { id: SERVICE_ID });
    put(ofService, {}, { fields: claims({ environment: 'production' }) });
    const { report } = await audit({ github_token: emulator.github.addToken({ secrets: 'read' }) });
    const reason = expect.stringMatching(/HTTP 403.* Actions \(read\)/);
    expect(report).toMatchObject({ findings: 0, not_read: [{ what: 'environments', count: 1, reason }] });
  });

  it('there are more than 500 repositories', async () => {
    for (let at = 0; at < 510; at++) put({ repo: `${1_000 + at}`, by: `${1_000 + at}` });
    const { report } = await audit({ github_token: emulator.github.token });
    expect(report.not_read).toEqual([{ what: 'repositories', count: 10, reason: 'At most 500 are looked up.' }]);
    expect({ findings: report.findings, sent: sentTo(emulator, 'getRepository').length }).toEqual({
      findings: 500,
      sent: 500,
    });
  });

  it.each([
    ['no time', ''],
    ['the time of a clock that was never set', 'Thu, 01 Jan 1970 00:00:09 GMT'],
    ['a time after the year 9999', 'Fri, 31 Dec 9999 23:59:59 -1200'],
  ])('Scalekit sends %s', async (_, date) => {
    put({ lifetime: 'job' }, { ageMs: 9 * DAY });
    const body = JSON.stringify({ clients: emulator.clients() });
    const headers = { 'content-type': 'application/json', date };
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'body', body, headers } });
    const { report } = await audit({ max_secret_age: '1' });
    expect(report).toMatchObject({ time: null, findings: 0, not_read: [{ what: 'ages', count: 1 }] });
    expect(report.clients).toMatchObject([{ age_days: null, secrets: [{ age_days: null }] }]);
  });

  it('responses show no times of creation, or times that no report can have', async () => {
    put({ lifetime: 'job' }, { ageMs: 9 * DAY });
    editClients((client) => ({ ...client, create_time: undefined }));
    const reason = 'The responses show no valid create_time.';
    const ages = [{ what: 'ages', count: 1, reason }];
    expect((await audit()).report).toMatchObject({ findings: 0, not_read: ages });
    const secret = { create_time: '9999-12-31T23:59:59-01:00', expire_time: '9999-12-31T23:59:59-01:00' };
    editClients((client) => ({ ...client, secrets: [{ id: 'sks_1', ...secret }] }));
    const { report } = await audit({ max_secret_age: '1' });
    expect(report).toMatchObject({ not_read: ages, clients: [{ secrets: [{ active: true, expire_time: null }] }] });
  });

  it('neither the list nor the clients themselves show secrets: it does not say that none is active', async () => {
    put();
    editClients((client) => ({ ...client, secrets: undefined }));
    const run = await audit();
    expect(run.report).toMatchObject({
      findings: 0,
      not_read: [{ what: 'secrets', count: 1, reason: 'The responses do not show them.' }],
      clients: [{ secrets: null }],
    });
    expect(table(run)[0]).toContain('not read');
  });

  it('entries of the list cannot be read: they are counted', async () => {
    const id = put();
    const edit = ({ clients, ...body }: { clients: object[] }) => ({
      ...body,
      clients: [...clients, { ...clients[0], client_id: 'm2morg_..' }, { ...clients[0], description: 7 }, null],
    });
    emulator.faults.add({ operation: 'listClients', fault: { kind: 'edit', edit } });
    const { report } = await audit();
    expect(report).toMatchObject({
      counts: { marked: 1, unmarked: 0, undescribed: 3 },
      not_read: [{ what: 'descriptions', count: 3, reason: 'The list has entries that cannot be read.' }],
      clients: [{ client_id: id }],
    });
  });

  it('nothing names the repository of a client, so that GitHub cannot be asked about it or its environment', async () => {
    put({ repo: 'A'.repeat(16), by: 'A'.repeat(16) }, {}, { fields: claims({ environment: 'production' }) });
    const run = await audit({ github_token: emulator.github.token });
    const reason = 'Their markers and claims name none that can be looked up.';
    expect(run.report).toMatchObject({
      findings: 0,
      not_read: [
        { what: 'repositories', count: 1, reason },
        { what: 'environments', count: 1, reason },
      ],
    });
    expect(warnings(run)).toHaveLength(2);
  });

  it.each(['.', '..', '\ud800'])(
    'the environment %j cannot be in a URL: the other clients are looked up',
    async (name) => {
      emulator.github.addRepository(SERVICE, { id: SERVICE_ID });
      const [odd, other] = ['production', 'staging'].map((environment) =>
        put(ofService, {}, { fields: claims({ environment }) }),
      );
      editClients((client) => (client.client_id === odd ? { ...client, ...claims({ environment: name }) } : client));
      const run = await audit({ github_token: emulator.github.token });
      expect(found(run)).toEqual({ [`${other}`]: ['environment_not_shown'], [`${odd}`]: [] });
      expect(run.report.not_read).toMatchObject([{ what: 'environments', count: 1 }]);
    },
  );
});

it('audit/ counts a client once that two pages of the list show differently', async () => {
  put();
  const [client] = emulator.clients();
  const page = (body: object): Fault => ({ kind: 'status', status: 200, body });
  emulator.faults.add(
    { operation: 'listClients', call: 1, fault: page({ clients: [client], next_page_token: 'more' }) },
    { operation: 'listClients', call: 2, fault: page({ clients: [{ ...client, description: 'By hand.' }] }) },
  );
  const { report } = await audit();
  expect(report).toMatchObject({ counts: { marked: 0, unmarked: 1, undescribed: 0 }, clients: [] });
});

it('audit/ shows all clients, however long the texts of one are, and escapes invisible characters in the log', async () => {
  const long = 'a'.repeat(600_000);
  const texts = { github_repository: `acme/${long}`, environment: long };
  put({ ...ofService, lifetime: 'job' }, { ageMs: 9 * DAY }, { fields: { name: `a\u200b${long}`, ...claims(texts) } });
  put();
  const run = await audit();
  expect(table(run)).toHaveLength(2);
  expect(run.log).toContain('"a\\u200baaa');
  expect(Math.max(...plainLines(run).map((line) => line.length))).toBeLessThan(500);
});

describe('audit/ fails', () => {
  it('with one error that counts the findings, if that is requested, after everything was shown', async () => {
    put({ lifetime: 'job' }, { ageMs: 2 * DAY, secrets: 2 });
    const run = await audit({ fail_on_findings: 'true', max_secrets: '1' });
    const { id } = emulator.organization;
    const message = `2 findings about the clients of organization ${id}: 1 too_many_secrets, 1 old_job_client. The job summary and the report name the clients.`;
    expect(run).toMatchObject({ exitCode: 1, outputs: { findings: '2' }, annotations: [{ kind: 'error', message }] });
    expect({ clients: run.report.clients.length, rows: table(run).length }).toEqual({ clients: 1, rows: 1 });
    expect(await audit({ fail_on_findings: 'true' }, {})).toMatchObject({ exitCode: 1, outputs: { findings: '1' } });
  });

  it('not, if there are none', async () => {
    put();
    expect(await audit({ fail_on_findings: 'true' })).toMatchObject({
      exitCode: 0,
      annotations: [],
      outputs: { findings: '0' },
    });
  });

  it('before any request if inputs are bad, and names all of them', async () => {
    const run = await audit(
      { organization_id: 'acme', max_secret_age: '0', max_secrets: 'all', fail_on_findings: 'no' },
      { env: { RUNNER_TEMP: 'relative' } },
    );
    expect({ exitCode: run.exitCode, outputs: run.outputs, sent: emulator.requests }).toEqual({
      exitCode: 1,
      outputs: {},
      sent: [],
    });
    expect(errors(run)[0]?.match(/(?<=^- )\w+/gm)).toEqual([
      'organization_id',
      'max_secret_age',
      'max_secrets',
      'fail_on_findings',
      'RUNNER_TEMP',
    ]);
  });

  it('if the list cannot be read to its end', async () => {
    for (let at = 0; at < 101; at++) put();
    emulator.faults.add({
      operation: 'listClients',
      call: 2,
      times: 9,
      fault: { kind: 'status', status: 403, body: { code: 7, message: 'no' } },
    });
    const run = await audit();
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errors(run)).toEqual([expect.stringMatching(/^Could not list the organization's clients: HTTP 403/)]);
  });

  it('if the report cannot be written, after everything else was shown, what is not known as well', async () => {
    put({ lifetime: 'job' }, { ageMs: 2 * DAY });
    editClients((client) => ({ ...client, secrets: undefined }));
    const run = await audit({}, { env: { RUNNER_TEMP: '/nowhere' } });
    expect(warnings(run)).toEqual([expect.stringMatching(/^The secrets of 1 client were not read\./)]);
    expect(run).toMatchObject({ exitCode: 1, outputs: { findings: '1' } });
    expect(errors(run)).toEqual([expect.stringMatching(/^Could not write the report: ENOENT/)]);
    expect(table(run)).toHaveLength(1);
  });

  it('if the run is cancelled', async () => {
    put();
    const run = await audit({}, interruptedAt(emulator, 'listClients'));
    expect(run).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errors(run)).toEqual([expect.stringMatching(/^The run was cancelled\. /)]);
  });
});

describe('in an organization of 10,000 clients audit/', () => {
  /** Bytes that GitHub takes as the summary of a step. */
  const MAX_SUMMARY = 1024 * 1024;

  /** Audits an organization of that many clients. @returns the run, and the most memory that it used, in MB */
  async function auditMany(count: number): Promise<[Awaited<ReturnType<typeof audit>>, megabytes: number]> {
    const [preload, result] = [path.join(folder, 'memory.cjs'), path.join(folder, 'memory')];
    const note = 'require("fs").writeFileSync(process.env.MEMORY, String(process.resourceUsage().maxRSS))';
    writeFileSync(preload, `process.on('exit', () => ${note});`);
    for (let at = 0; at < count; at++) {
      const repository = `acme/service-${at}`;
      const repository_id = `${800_000_000 + at}`;
      const description = `Made by GitHub Actions for ${repository}, environment production.\n${markerLine({ repository_id }, { repo: repository_id, by: repository_id })}`;
      emulator.seed(
        {
          name: `GitHub Actions: ${repository} (production)`,
          description,
          scopes: ['deploy:applications', 'read:deployments'],
          audience: ['deployment-api.acmecorp.com'],
          ...claims({ github_repository: repository, github_repository_id: repository_id, environment: 'production' }),
        },
        { ageMs: 100 * DAY, secrets: 2 },
      );
    }
    // Debug logging would print a line for each request.
    const env = { MEMORY: result, RUNNER_DEBUG: undefined };
    const run = await audit({ max_secret_age: '90' }, { env, nodeOptions: ['--require', preload] });
    return [run, Number(readFileSync(result, 'utf8')) / 1024];
  }

  it('lists all of them with 101 requests, at most 64 MB more memory than for 100, and a summary that GitHub takes', async () => {
    const [few, fewMegabytes] = await auditMany(100);
    emulator.clear();
    const [many, megabytes] = await auditMany(10_000);
    expect({ few: few.report.clients.length, many: many.report.clients.length }).toEqual({ few: 100, many: 10_000 });
    expect({ findings: many.outputs.findings, requests: emulator.requests.length }).toEqual({
      findings: '10000',
      requests: 101,
    });
    expect(megabytes - fewMegabytes).toBeLessThan(64);
    expect(Buffer.byteLength(many.summary)).toBeLessThan(MAX_SUMMARY);
    const rows = table(many).length;
    expect(rows).toBeGreaterThan(500);
    expect(many.summary).toContain(`The table leaves out ${10_000 - rows} clients. The report has all of them.`);
    expect(many.log).toContain('The report has findings about 9800 more clients.');
    expect({ rows: table(few).length, complete: few.summary.includes('leaves out') }).toEqual({
      rows: 100,
      complete: false,
    });
  }, 120_000);
});
