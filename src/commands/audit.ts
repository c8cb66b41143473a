import {
  type AuditedClient,
  type AuditLimits,
  ageInDays,
  auditOf,
  FINDING_KINDS,
  type Finding,
  type FindingKind,
  isActiveAt,
} from '../client/audit.ts';
import { GitHub } from '../github/api.ts';
import { runUrl } from '../github/runner.ts';
import type { AuditInputs } from '../inputs/inputs.ts';
import type { Transport } from '../net/transport.ts';
import * as log from '../output/log.ts';
import { setOutputs } from '../output/outputs.ts';
import { writeReport } from '../output/report.ts';
import { cell, fittingRows, link, writeSummary } from '../output/summary.ts';
import { quote } from '../output/text.ts';
import { Scalekit } from '../scalekit/api.ts';
import { Places, type Repository } from '../steps/places.ts';
import { type Survey, surveyClients } from '../steps/survey.ts';
import { runWithTransport } from './session.ts';

/** Clients with findings that the log names at most. */
const MAX_LOGGED = 200;

/** A client and what was found out about it. */
interface Row {
  client: AuditedClient;
  findings: Finding[];
}

/** Something that the audit does not know, because it was not read. */
interface Gap {
  what: 'descriptions' | 'secrets' | 'repositories' | 'environments' | 'ages';
  /** Of how many clients. */
  count: number;
  /** Why, as a sentence. */
  reason: string;
}

/** What the audit found, for the log, the job summary and the report. */
interface Audit {
  organization_id: string;
  /** Scalekit's time in milliseconds since the epoch. */
  now: number | undefined;
  places: Places;
  /** How many clients have an ownership marker, none, or perhaps one. */
  counts: { marked: number; unmarked: number; undescribed: number };
  /** Yields the clients with a marker, those with findings first. */
  rows: () => Generator<Row>;
  gaps: Gap[];
  /** How many clients have findings, how many findings there are, and how many of each kind as text. */
  findings: { odd: number; count: number; kinds: string };
}

/** Runs `audit/`: lists the clients with an ownership marker, and what is odd about them. Sends only requests that read. */
export async function auditClients(inputs: AuditInputs): Promise<void> {
  await runWithTransport(inputs, run);
}

async function run(inputs: AuditInputs, transport: Transport): Promise<void> {
  const audit = await collect(inputs, transport);
  const { findings, organization_id, gaps } = audit;
  setOutputs({ findings: `${findings.count}` });
  logAudit(audit);
  showSummary(audit);
  for (const gap of gaps) log.warning(`${gapText(gap)} ${gap.reason}`);
  const report = writeReport(inputs.folder, reportHead(inputs, audit), 'clients', reportEntries(audit));
  setOutputs({ report });
  log.info(`The report is ${report}.`);
  if (findings.count === 0) return;
  const text = `${counted(findings.count, 'finding')} about the clients of organization ${organization_id}: ${findings.kinds}. The job summary and the report name the clients.`;
  if (inputs.fail_on_findings) throw new Error(text);
  log.warning(text);
}

/** Reads everything. The time that the transport keeps for roll-back is left for writing the report. */
async function collect(inputs: AuditInputs, transport: Transport): Promise<Audit> {
  const { github, runner } = inputs;
  const scalekit = await Scalekit.open(transport, inputs);
  const survey = await surveyClients(scalekit);
  const { time: now } = scalekit;
  const places = new Places(runner);
  if (github) await places.lookUp(new GitHub(transport, github), survey.clients.values());
  const rows = rowsOf(survey.clients, inputs, now, places);
  return {
    organization_id: scalekit.organization_id,
    now,
    places,
    counts: { marked: survey.clients.size, unmarked: survey.unmarked, undescribed: survey.undescribed },
    rows,
    gaps: gapsOf(survey, places, now),
    findings: countFindings(rows()),
  };
}

/** Returns a function that yields each client with its findings. No list of them is in memory, because it may be long. */
function rowsOf(
  clients: Map<string, AuditedClient>,
  limits: AuditLimits,
  now: number | undefined,
  places: Places,
): () => Generator<Row> {
  const findingsOf = auditOf(clients.values(), limits, now);
  return function* () {
    for (const isOdd of [true, false]) {
      for (const client of clients.values()) {
        const findings = findingsOf(client, places.visibilityOf(client));
        if (findings.length > 0 === isOdd) yield { client, findings };
      }
    }
  };
}

function countFindings(rows: Iterable<Row>): Audit['findings'] {
  const counts = new Map<FindingKind, number>(FINDING_KINDS.map((kind) => [kind, 0]));
  let odd = 0;
  for (const { findings } of rows) {
    if (findings.length > 0) odd++;
    for (const { kind } of findings) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return {
    odd,
    count: [...counts.values()].reduce((sum, count) => sum + count),
    kinds: [...counts].flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : [])).join(', '),
  };
}

function gapsOf({ clients, undescribed, reason }: Survey, { missed }: Places, now: number | undefined): Gap[] {
  const all = [...clients.values()];
  const withoutSecrets = all.filter(({ secrets }) => !secrets).length;
  const isUndated = (one: { create_time?: number | undefined }) => (now && one.create_time) === undefined;
  const undated = all.filter((client) => [client, ...(client.secrets ?? [])].some(isUndated)).length;
  const noTime = now === undefined ? 'Scalekit sent no valid Date header.' : 'The responses show no valid create_time.';
  const gaps: Gap[] = [
    { what: 'descriptions', count: undescribed, reason },
    { what: 'secrets', count: withoutSecrets, reason: reason || 'The responses do not show them.' },
    { what: 'repositories', ...missed.repositories },
    { what: 'environments', ...missed.environments },
    { what: 'ages', count: undated, reason: noTime },
  ];
  return gaps.filter(({ count }) => count > 0);
}

/** Returns what is not known, as a sentence. */
function gapText({ what, count }: Gap): string {
  const clients = counted(count, 'client');
  switch (what) {
    case 'descriptions':
      return `The description of ${clients} was not read, so each may have an ownership marker.`;
    case 'secrets':
      return `The secrets of ${clients} were not read.`;
    case 'ages':
      return `The ages of ${clients}, or of secrets of them, are not known.`;
    default:
      return `It is not known whether GitHub shows the ${what} of ${clients} to github_token.`;
  }
}

/** Returns a number and a noun, such as `2 clients`. */
function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns how many clients have an ownership marker, as a sentence. */
function countsText({ organization_id, counts: { marked, unmarked } }: Audit): string {
  return `Organization ${organization_id}: ${counted(marked, 'client')} with an ownership marker, ${unmarked} without.`;
}

function logAudit(audit: Audit): void {
  log.info(countsText(audit));
  let left = Math.min(audit.findings.odd, MAX_LOGGED);
  for (const { client, findings } of audit.rows()) {
    if (left-- === 0) break;
    const texts = findings.map(({ text }) => text).join('; ');
    log.info(`Client ${client.client_id} ${quote(client.name ?? '')} ${texts}.`);
  }
  const more = audit.findings.odd - MAX_LOGGED;
  if (more > 0) log.info(`The report has findings about ${counted(more, 'more client')}.`);
}

/** Writes the job summary: as many clients as GitHub allows, those with findings first. */
function showSummary(audit: Audit): void {
  const { counts, gaps, findings } = audit;
  const shown = fittingRows(summaryRows(audit));
  const omitted = counts.marked - shown.length;
  const notes = [
    countsText(audit),
    ...(findings.count > 0 ? [`Findings: ${findings.kinds}.`] : []),
    ...gaps.map((gap) => `${gapText(gap)} ${cell([gap.reason])}`),
    ...(omitted > 0 ? [`The table leaves out ${counted(omitted, 'client')}. The report has all of them.`] : []),
  ];
  const header = ['Client', 'Findings', 'Name', 'For', 'Created by', 'Lifetime', 'Secrets', 'Days old', 'Days unused'];
  const title = `Scalekit organization clients: ${counted(findings.count, 'finding')}`;
  writeSummary(title, [header.map((data) => ({ data, header: true })), ...shown], notes);
}

function* summaryRows({ rows, places, now }: Audit): Generator<string[]> {
  for (const { client, findings } of rows()) {
    const { client_id, name, environment, marker } = client;
    const creator = places.creatorOf(client);
    yield [
      cell([client_id]),
      cell(findings.map(({ text }) => text)),
      cell(name ? [name] : []),
      cell([repositoryText(places.repositoryOf(client)), environment ?? ''].filter(Boolean)),
      marker ? link([repositoryText(creator), marker.run].filter(Boolean).join(' '), urlOf(client, creator)) : cell([]),
      cell(marker ? [marker.lifetime] : []),
      ...secretCells(client, now),
    ];
  }
}

function repositoryText({ name, id }: Repository): string {
  return name ?? id ?? '';
}

/** Returns how many secrets are active, the ages of all, and the time since one was last used, each as a cell. */
function secretCells({ secrets }: AuditedClient, now: number | undefined): string[] {
  if (!secrets) return [cell(['not read']), cell([]), cell([])];
  const active = secrets.filter((secret) => isActiveAt(secret, now)).length;
  const ages = secrets.map(({ create_time }) => ageInDays(create_time, now)?.toFixed(0) ?? '?');
  const uses = secrets.flatMap(({ last_used_time }) => ageInDays(last_used_time, now) ?? []);
  const lastUse = uses.length > 0 ? [Math.min(...uses).toFixed(0)] : [];
  return [
    cell([`${active} of ${secrets.length} active`]),
    cell(ages.length > 0 ? [ages.join(', ')] : []),
    cell(lastUse),
  ];
}

/** Returns the URL of the attempt of the run that created a client, or an empty text if its repository has no name. */
function urlOf({ marker }: AuditedClient, { name }: Repository): string {
  if (!name) return '';
  const [GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT] = marker?.run.split('.') ?? [];
  return runUrl({ ...process.env, GITHUB_REPOSITORY: name, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT });
}

/** Returns everything of the report except its clients. audit/report.schema.json describes the form. */
function reportHead({ max_secret_age, max_secrets }: AuditInputs, audit: Audit): object {
  const { organization_id, now, counts, findings, gaps } = audit;
  const head = { version: 1, organization_id, time: isoTime(now), max_secret_age, max_secrets };
  return { ...head, findings: findings.count, counts, not_read: gaps };
}

function* reportEntries({ rows, places, now }: Audit): Generator<object> {
  const timesOf = (create_time: number | undefined) => {
    const age = ageInDays(create_time, now);
    return { create_time: isoTime(create_time), age_days: age === undefined ? age : Math.round(age * 100) / 100 };
  };
  for (const { client, findings } of rows()) {
    const { client_id, name, create_time, marker, environment, secrets } = client;
    const creator = places.creatorOf(client);
    const [run_id, attempt] = marker?.run.split('.') ?? [];
    yield {
      client_id,
      name,
      ...timesOf(create_time),
      key: marker?.key,
      lifetime: marker?.lifetime,
      repository: places.repositoryOf(client),
      environment,
      created_by: marker && {
        repository: creator,
        run_id,
        run_attempt: Number(attempt),
        url: urlOf(client, creator) || undefined,
      },
      secrets: secrets?.map((secret) => ({
        id: secret.id,
        active: isActiveAt(secret, now),
        ...timesOf(secret.create_time),
        expire_time: isoTime(secret.expire_time),
        last_used_time: isoTime(secret.last_used_time),
      })),
      findings,
    };
  }
}

/** Formats a time in milliseconds since the epoch by ISO 8601, in UTC. */
function isoTime(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}
