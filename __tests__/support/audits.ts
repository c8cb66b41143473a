import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import type { Emulator } from '../../emulator/index.ts';
import type { Executed, Step } from '../../emulator/runner.ts';
import type { FindingKind } from '../../src/client/audit.ts';
import type { Identity } from '../../src/client/identity.ts';
import type { OwnershipMarker } from '../../src/client/marker.ts';
import { createNonce } from '../../src/inputs/desired-client.ts';
import { markerLine, readable, runAction, secretsOf } from './action.ts';
import { isChange } from './requests.ts';

// What the tests of audit/ share.

export const SERVICE = 'acme/billing-service';
export const SERVICE_ID = 4711;
/** What the marker of a client for SERVICE refers to. */
export const OF_SERVICE = { repo: `${SERVICE_ID}`, by: `${SERVICE_ID}` };

/** The parts of the report that the tests read. audit/report.schema.json has all of them. */
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

/** A run of `audit/` and its report. */
export type Audited = Executed & { report: Report };

/** Takes the place of the report if a run wrote none. */
const NO_REPORT: Report = {
  version: 0,
  time: null,
  findings: 0,
  counts: { marked: 0, unmarked: 0, undescribed: 0 },
  not_read: [],
  clients: [],
};

/** Compiles the schema of the report. Returns a function that returns what is wrong with a report, or undefined. */
async function compileSchema(): Promise<(report: unknown) => string | undefined> {
  const [{ Ajv2020 }, formats] = await Promise.all([import('ajv/dist/2020.js'), import('ajv-formats')]);
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  formats.default.default(ajv);
  const schema = new URL('../../audit/report.schema.json', import.meta.url);
  const check = ajv.compile(JSON.parse(readFileSync(schema, 'utf8')));
  return (report) => (check(report) ? undefined : ajv.errorsText(check.errors));
}

let compiled: ReturnType<typeof compileSchema> | undefined;

/**
 * Runs `audit/`, and checks what is true of each run: it changes nothing and sends only requests that read, it shows no
 * secret, and its report has the documented form.
 */
export async function audit(
  emulator: Emulator,
  inputs: Record<string, string> = {},
  step: Step = {},
): Promise<Audited> {
  const [before, from] = [JSON.stringify(emulator.clients()), emulator.requests.length];
  const run = await runAction(emulator, { ...step, action: 'audit', inputs });
  const sent = emulator.requests.slice(from);
  const changes = sent.filter(isChange);
  expect({ changes, stderr: run.stderr }).toEqual({ changes: [], stderr: '' });
  expect(JSON.stringify(emulator.clients()) === before).toBe(true);
  const text = run.outputs.report ? readFileSync(run.outputs.report, 'utf8') : '';
  const shown = readable(run) + text;
  const secrets = secretsOf(emulator);
  // A search for each of 20,000 secrets would take minutes.
  const sample = secrets.filter((_, at) => secrets.length < 2_000 || at % 200 === 0);
  expect(sample.filter((secret) => shown.includes(secret))).toEqual([]);
  if (!text) return { ...run, report: NO_REPORT };
  const report: Report = JSON.parse(text);
  compiled ??= compileSchema();
  const faultsOf = await compiled;
  expect(faultsOf(report)).toBeUndefined();
  expect(run.outputs.findings).toBe(`${report.findings}`);
  expect(report.clients.flatMap(({ findings }) => findings)).toHaveLength(report.findings);
  return { ...run, report };
}

type Seed = Parameters<Emulator['seed']>;

/** Adds a client with an ownership marker to the emulator. By default each has another identity. @returns its id */
export function seedMarked(
  emulator: Emulator,
  marker: Partial<OwnershipMarker> = {},
  options: Seed[1] = {},
  { fields = {}, identity = {} }: { fields?: Partial<Seed[0]>; identity?: Partial<Identity> } = {},
): string {
  const lifetime = marker.lifetime ?? 'persistent';
  const description = `Ours.\n${markerLine({ name: createNonce(), lifetime, ...identity }, marker)}`;
  return emulator.seed({ name: 'Deployer', description, ...fields }, options).client.client_id;
}

/** Returns the field of a client that has these claims. */
export const claims = (values: Record<string, string>) => ({
  custom_claims: Object.entries(values).map(([key, value]) => ({ key, value })),
});

/** Returns the kinds of findings of a report, by the id of the client. */
export const kindsById = ({ report }: Audited): Record<string, FindingKind[]> =>
  Object.fromEntries(report.clients.map(({ client_id, findings }) => [client_id, findings.map(({ kind }) => kind)]));

/** Returns the rows of the summary's table without its head, each as a list of the cells' texts. */
export function tableRows({ summary }: Executed): string[][] {
  const rows = [...summary.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) => row);
  const text = (cell: string) => cell.replaceAll('<br>', '\n').replace(/<[^>]*>/g, '');
  return rows.slice(1).map((row) => [...row.matchAll(/<td>(.*?)<\/td>/gs)].map(([, cell = '']) => text(cell)));
}
