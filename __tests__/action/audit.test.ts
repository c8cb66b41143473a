import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Fault } from '../../emulator/index.ts';
import { RUNNER_VARIABLES } from '../../emulator/runner.ts';
import type { FindingKind } from '../../src/client/audit.ts';
import { createNonce } from '../../src/inputs/desired-client.ts';
import { errors, markerLine, plainLines, runAction, warnings } from '../support/action.ts';
import {
  type Audited,
  audit,
  claims,
  kindsById,
  OF_SERVICE,
  SERVICE,
  SERVICE_ID,
  seedMarked,
  tableRows,
} from '../support/audits.ts';
import { editClients } from '../support/clients.ts';
import { useEmulator } from '../support/emulators.ts';
import { useFolder } from '../support/folders.ts';
import { expectFailed } from '../support/outcomes.ts';
import { interruptedAt, sentTo } from '../support/requests.ts';
import { DAY, HOUR } from '../support/times.ts';

// audit/ reports the clients of an organization and what is odd about them. What it cannot read is in
// audit-not-read.test.ts.

const emulator = useEmulator();
const inFolder = useFolder();

const { GITHUB_REPOSITORY: REPOSITORY, GITHUB_REPOSITORY_ID: REPOSITORY_ID } = RUNNER_VARIABLES;

describe('findings of audit/', () => {
  it('reports no findings about a client within all limits', async () => {
    const id = seedMarked(emulator);
    const run = await audit(emulator, { max_secrets: '1', max_secret_age: '1' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { findings: '0' }, annotations: [] });
    expect(kindsById(run)).toEqual({ [id]: [] });
  });

  it('reports each finding about a client in the log, the job summary and the report', async () => {
    const nonce = createNonce();
    const twoMarkers = { description: `${markerLine()}\n${markerLine()}` };
    const old = [{ ageMs: 91 * DAY }, { ageMs: 400 * DAY }, { ageMs: DAY, inactive: true }];
    const sameIdentity = { identity: { name: 'a' } };
    const expected: Record<string, FindingKind[]> = {
      [seedMarked(emulator)]: [],
      [seedMarked(emulator, {}, {}, sameIdentity)]: ['same_key'],
      [seedMarked(emulator, {}, {}, sameIdentity)]: ['same_key'],
      [seedMarked(emulator, {}, {}, { fields: twoMarkers })]: ['several_markers'],
      [seedMarked(emulator, {}, {}, { fields: claims({ github_repository_id: '99' }) })]: ['contradictory_claims'],
      [seedMarked(emulator, { nonce }, { ageMs: 2 * DAY })]: [],
      [seedMarked(emulator, { nonce }, { ageMs: DAY })]: ['copy'],
      [seedMarked(emulator, {}, { secrets: [{ ageMs: DAY, inactive: true }] })]: ['no_active_secret'],
      [seedMarked(emulator, {}, { secrets: 4 })]: ['too_many_secrets'],
      [seedMarked(emulator, {}, { secrets: old })]: ['old_secret'],
      [seedMarked(emulator, { lifetime: 'job' }, { ageMs: 25 * HOUR })]: ['old_job_client'],
      [seedMarked(emulator, { lifetime: 'job' }, { ageMs: 91 * DAY, secrets: 4 })]: [
        'too_many_secrets',
        'old_secret',
        'old_job_client',
      ],
    };
    const run = await audit(emulator, { max_secrets: '3', max_secret_age: '90' });
    expect(kindsById(run)).toEqual(expected);
    const count = Object.values(expected).flat().length;
    expect(run).toMatchObject({ exitCode: 0, outputs: { findings: `${count}` } });
    expect(warnings(run)).toEqual([expect.stringMatching(`^${count} findings about the clients of organization `)]);
    expectShown(run);
  });

  it('reports a marked client with fields that cannot be read', async () => {
    const id = seedMarked(emulator);
    editClients(emulator, (one) => ({ ...one, scopes: 7 }));
    const run = await audit(emulator);
    expect(kindsById(run)).toEqual({ [id]: ['unreadable'] });
    expect(run.report).toMatchObject({
      not_read: [
        { what: 'secrets', count: 1 },
        { what: 'ages', count: 1 },
      ],
      clients: [{ name: null, secrets: null }],
    });
  });

  it('reports repositories and environments that GitHub does not show to github_token, and reads each once', async () => {
    emulator.github.addRepository(SERVICE, { id: SERVICE_ID, environments: ['production'] });
    const inEnvironment = (environment: string) => ({ fields: claims({ environment }) });
    const shown = seedMarked(emulator, OF_SERVICE, {}, inEnvironment('Production'));
    const gone = seedMarked(emulator, OF_SERVICE, {}, inEnvironment('staging'));
    const goneToo = seedMarked(emulator, OF_SERVICE, {}, inEnvironment('staging'));
    const hidden = seedMarked(emulator, { repo: '99', by: '99' }, {}, inEnvironment('production'));
    const run = await audit(emulator, { github_token: emulator.github.token });
    expect(kindsById(run)).toEqual({
      [gone]: ['environment_not_shown'],
      [goneToo]: ['environment_not_shown'],
      [hidden]: ['repository_not_shown'],
      [shown]: [],
    });
    expect(sentTo(emulator, 'getRepository')).toHaveLength(2);
    expect(sentTo(emulator, 'getEnvironment')).toHaveLength(2);
    const without = await audit(emulator);
    expect(without.report).toMatchObject({ findings: 0, not_read: [] });
    expect(sentTo(emulator, 'getRepository')).toHaveLength(2);
  });

  it('reads a repository by its name if a runner that knows no ids created the client', async () => {
    const env = { GITHUB_REPOSITORY_ID: undefined };
    const created = await runAction(emulator, { inputs: { lifetime: 'persistent' }, env });
    const shown = await audit(emulator, { github_token: emulator.github.token });
    expect(shown.report.clients).toMatchObject([{ repository: { id: null, name: REPOSITORY }, findings: [] }]);
    const hidden = await audit(emulator, { github_token: emulator.github.addToken('none') });
    expect(kindsById(hidden)).toEqual({ [created.outputs.client_id ?? '']: ['repository_not_shown'] });
  });

  it('counts a client once if two pages of the list show it differently to audit/', async () => {
    seedMarked(emulator);
    const [client] = emulator.clients();
    const page = (body: object): Fault => ({ kind: 'status', status: 200, body });
    emulator.faults.add(
      { operation: 'listClients', call: 1, fault: page({ clients: [client], next_page_token: 'more' }) },
      {
        operation: 'listClients',
        call: 2,
        fault: page({ clients: [{ ...client, description: 'Created manually.' }] }),
      },
    );
    const { report } = await audit(emulator);
    expect(report).toMatchObject({ counts: { marked: 0, unmarked: 1, undescribed: 0 }, clients: [] });
  });
});

/** Checks that log and job summary show the text of each finding in the report. */
function expectShown(run: Audited): void {
  const cells = new Map(tableRows(run).map(([id, findings]) => [id, findings]));
  for (const { client_id, findings } of run.report.clients)
    for (const { text } of findings) {
      expect(run.log).toMatch(new RegExp(`^Client ${client_id} "Deployer" .*${text}`, 'm'));
      expect(cells.get(client_id)).toContain(text);
    }
}

describe('what audit/ shows of a client', () => {
  it('shows repository, environment, run, lifetime and secrets of a client in an audit', async () => {
    emulator.github.repository(REPOSITORY).addEnvironment('production');
    const created = await runAction(emulator, { inputs: { environment: 'production' } });
    emulator.seed({ name: 'Created by a person' }, {});
    const { report, ...run } = await audit(emulator, { github_token: emulator.github.token, max_secret_age: '90' });
    const [GITHUB_RUN_ID, attempt] = [RUNNER_VARIABLES.GITHUB_RUN_ID, Number(RUNNER_VARIABLES.GITHUB_RUN_ATTEMPT)];
    const url = `https://github.com/${REPOSITORY}/actions/runs/${GITHUB_RUN_ID}/attempts/${attempt}`;
    const repository = { id: REPOSITORY_ID, name: REPOSITORY };
    const { client_id, secret_id } = created.outputs;
    expect(report).toMatchObject({
      version: 1,
      organization_id: emulator.organization.id,
      max_secret_age: 90,
      max_secrets: null,
      counts: { marked: 1, unmarked: 1, undescribed: 0 },
      not_read: [],
      clients: [
        {
          client_id,
          lifetime: 'persistent',
          repository,
          environment: 'production',
          created_by: { repository, run_id: GITHUB_RUN_ID, run_attempt: attempt, url },
          secrets: [{ id: secret_id, active: true, last_used_time: expect.any(String), expire_time: null }],
        },
      ],
    });
    expect(Math.abs(Date.parse(report.time ?? '') - Date.now())).toBeLessThan(60_000);
    expect(run.log).toContain(`${emulator.organization.id}: 1 client with an ownership marker, 1 without.`);
    const name = `GitHub Actions: ${REPOSITORY} (production)`;
    const creator = `${REPOSITORY} ${GITHUB_RUN_ID}.${attempt}`;
    const location = `${REPOSITORY}\nproduction`;
    expect(tableRows({ ...run })).toEqual([
      [client_id, '–', name, location, creator, 'persistent', '1 of 1 active', '0', '0'],
    ]);
    expect(run.summary).toContain(`<a href="${url}">`);
  });

  it.each<{ title: string; inputs: () => Record<string, string>; name: string }>([
    {
      title: "by GitHub's name with github_token",
      inputs: () => ({ github_token: emulator.github.token }),
      name: 'acme/payments',
    },
    { title: 'by the name in the claims without github_token', inputs: () => ({}), name: SERVICE },
  ])('shows a renamed repository and a link to the run $title', async ({ inputs, name }) => {
    emulator.github.addRepository(SERVICE, { id: SERVICE_ID });
    emulator.github.rename(SERVICE, 'acme/payments');
    seedMarked(emulator, { ...OF_SERVICE, run: '7.2' }, {}, { fields: claims({ github_repository: SERVICE }) });
    const { report } = await audit(emulator, inputs());
    const url = `https://github.com/${name}/actions/runs/7/attempts/2`;
    expect(report.clients).toMatchObject([{ repository: { id: `${SERVICE_ID}`, name }, created_by: { url } }]);
  });

  it('shows the number of the run without a link if nothing names the repository', async () => {
    seedMarked(emulator, { ...OF_SERVICE, run: '7.2' });
    const fields = claims({ github_repository: REPOSITORY });
    seedMarked(emulator, { by: `${SERVICE_ID}`, run: '8.1' }, {}, { fields });
    const run = await audit(emulator);
    expect(run.report.clients).toMatchObject([{ created_by: { url: null } }, { created_by: { url: null } }]);
    expect(tableRows(run).map((row) => row[4])).toEqual([`${SERVICE_ID} 7.2`, `${SERVICE_ID} 8.1`]);
    expect(run.summary).not.toContain('<a ');
  });

  it('shows clients with findings first in job summary and report of audit/', async () => {
    const first = seedMarked(emulator);
    const odd = seedMarked(emulator, { lifetime: 'job' }, { ageMs: 2 * DAY });
    const last = seedMarked(emulator);
    const run = await audit(emulator);
    expect(run.report.clients.map(({ client_id }) => client_id)).toEqual([odd, first, last]);
    expect(tableRows(run).map(([id]) => id)).toEqual([odd, first, last]);
  });

  it("shows ages by Scalekit's time if the clock of the runner is 400 days fast", async () => {
    const skew = `data:text/javascript,const now = Date.now; Date.now = () => now() + ${400 * DAY};`;
    const id = seedMarked(emulator, {}, { secrets: [{ ageMs: 29.5 * DAY }] });
    const run = await audit(emulator, { max_secret_age: '29' }, { nodeOptions: ['--import', skew] });
    expect(run.report.clients).toMatchObject([{ secrets: [{ age_days: 29.5 }] }]);
    expect(kindsById(run)).toEqual({ [id]: ['old_secret'] });
  });

  it('shows all clients in an audit if the texts of one are very long, and escapes invisible characters in the log', async () => {
    const long = 'a'.repeat(20_000);
    const fields = { name: `a\u200b${long}`, ...claims({ github_repository: `acme/${long}`, environment: long }) };
    seedMarked(emulator, { ...OF_SERVICE, lifetime: 'job' }, { ageMs: 9 * DAY }, { fields });
    seedMarked(emulator);
    const run = await audit(emulator);
    expect(tableRows(run)).toHaveLength(2);
    expect(run.log).toContain('"a\\u200baaa');
    expect(Math.max(...plainLines(run).map((line) => line.length))).toBeLessThan(500);
  });

  it('writes a report that only its user can read, and overwrites no earlier report', async () => {
    const [first, second] = [await audit(emulator), await audit(emulator)];
    const { report = '' } = first.outputs;
    expect(report).toMatch(/\/scalekit-audit-[0-9a-f]{24}\.json$/);
    expect(report).not.toBe(second.outputs.report);
    if (process.platform !== 'win32') expect((statSync(report).mode & 0o777).toString(8)).toBe('600');
  });
});

describe('failures of audit/', () => {
  it('fails with one error that counts the findings if fail_on_findings is true, after everything is shown', async () => {
    seedMarked(emulator, { lifetime: 'job' }, { ageMs: 2 * DAY, secrets: 2 });
    const run = await audit(emulator, { fail_on_findings: 'true', max_secrets: '1' });
    const { id } = emulator.organization;
    const message = `2 findings about the clients of organization ${id}: 1 too_many_secrets, 1 old_job_client. The job summary and the report name the clients.`;
    expect(run).toMatchObject({ exitCode: 1, outputs: { findings: '2' }, annotations: [{ kind: 'error', message }] });
    expect(run.report.clients).toHaveLength(1);
    expect(tableRows(run)).toHaveLength(1);
  });

  it('succeeds with fail_on_findings if there are no findings', async () => {
    seedMarked(emulator);
    const run = await audit(emulator, { fail_on_findings: 'true' });
    expect(run).toMatchObject({ exitCode: 0, annotations: [], outputs: { findings: '0' } });
  });

  it('fails before any request if inputs of audit/ are bad, and names all of them', async () => {
    const inputs = { organization_id: 'acme', max_secret_age: '0', max_secrets: 'all', fail_on_findings: 'no' };
    const run = await audit(emulator, inputs, { env: { RUNNER_TEMP: 'relative' } });
    expect({ exitCode: run.exitCode, outputs: run.outputs, sent: emulator.requests }).toEqual({
      exitCode: 1,
      outputs: {},
      sent: [],
    });
    expect(errors(run)[0]?.match(/(?<=^- )\w+/gm)).toEqual([...Object.keys(inputs), 'RUNNER_TEMP']);
  });

  it('fails if audit/ cannot read the list of clients to its end', async () => {
    for (let at = 0; at < 101; at++) seedMarked(emulator);
    const fault: Fault = { kind: 'status', status: 403, body: { code: 7, message: 'no' } };
    emulator.faults.add({ operation: 'listClients', call: 2, times: 9, fault });
    const run = await audit(emulator);
    expectFailed(run);
    expect(errors(run)).toEqual([expect.stringMatching(/^Could not list the organization's clients: HTTP 403/)]);
  });

  it('fails if the report cannot be written, after findings and gaps are shown', async () => {
    seedMarked(emulator, { lifetime: 'job' }, { ageMs: 2 * DAY });
    editClients(emulator, (client) => ({ ...client, secrets: undefined }));
    const run = await audit(emulator, {}, { env: { RUNNER_TEMP: inFolder('missing') } });
    expect(warnings(run)).toEqual([expect.stringMatching(/^The secrets of 1 client were not read\./)]);
    expect(run).toMatchObject({ exitCode: 1, outputs: { findings: '1' } });
    expect(errors(run)).toEqual([expect.stringMatching(/^Could not write the report: ENOENT/)]);
    expect(tableRows(run)).toHaveLength(1);
  });

  it('fails without outputs if a run of audit/ is cancelled', async () => {
    seedMarked(emulator);
    const run = await audit(emulator, {}, interruptedAt(emulator, 'listClients'));
    expectFailed(run);
    expect(errors(run)).toEqual([expect.stringMatching(/^The run was cancelled\. /)]);
  });
});

describe('audit/ of a large organization', () => {
  /** Bytes that GitHub takes as the summary of a step. */
  const MAX_SUMMARY = 1024 * 1024;

  /** Audits an organization of that many clients. @returns the run, and the most memory that it used, in MB */
  async function auditMany(count: number): Promise<{ run: Audited; megabytes: number }> {
    const [preload, result] = [inFolder('memory.cjs'), inFolder('memory')];
    const note = 'require("fs").writeFileSync(process.env.MEMORY, String(process.resourceUsage().maxRSS))';
    writeFileSync(preload, `process.on('exit', () => ${note});`);
    for (let at = 0; at < count; at++) {
      const repository = `acme/service-${at}`;
      const repository_id = `${800_000_000 + at}`;
      const marker = markerLine({ repository_id }, { repo: repository_id, by: repository_id });
      const fields = {
        name: `GitHub Actions: ${repository} (production)`,
        description: `Made by GitHub Actions for ${repository}, environment production.\n${marker}`,
        scopes: ['deploy:applications', 'read:deployments'],
        audience: ['deployment-api.acmecorp.com'],
        ...claims({ github_repository: repository, github_repository_id: repository_id, environment: 'production' }),
      };
      emulator.seed(fields, { ageMs: 100 * DAY });
    }
    // Debug logging would print a line for each request.
    const env = { MEMORY: result, RUNNER_DEBUG: undefined };
    const run = await audit(emulator, { max_secret_age: '90' }, { env, nodeOptions: ['--require', preload] });
    return { run, megabytes: Number(readFileSync(result, 'utf8')) / 1024 };
  }

  it('audits 10,000 clients with 101 requests and at most 64 MB more memory than 100 clients', async () => {
    const few = await auditMany(100);
    expect(few.run.report.clients).toHaveLength(100);
    expect(tableRows(few.run)).toHaveLength(100);
    expect(few.run.summary).not.toContain('leaves out');
    emulator.clear();

    const many = await auditMany(10_000);
    expect(many.run.report.clients).toHaveLength(10_000);
    expect(many.run.outputs.findings).toBe('10000');
    expect(emulator.requests).toHaveLength(101);
    expect(many.megabytes - few.megabytes).toBeLessThan(64);
    // The summary has as many clients as GitHub allows, and says how many are missing.
    expect(Buffer.byteLength(many.run.summary)).toBeLessThan(MAX_SUMMARY);
    const rows = tableRows(many.run).length;
    expect(rows).toBeGreaterThan(500);
    expect(many.run.summary).toContain(`The table leaves out ${10_000 - rows} clients. The report has all of them.`);
    expect(many.run.log).toContain('The report has findings about 9800 more clients.');
  }, 120_000);
});
