import { truncate } from '../output/text.ts';
import type { Client, ClientSummary, Secret } from '../scalekit/types.ts';
import { COPY_AGE_NS, claimValues, contradictsItself, parseOrUndefined } from './identity.ts';
import { type OwnershipMarker, parseMarkers } from './marker.ts';

// What audit/ says about a client: pure functions from what Scalekit and GitHub show to findings. All times are
// milliseconds since the epoch by Scalekit's clock. An undefined one is not known.

const DAY = 86_400_000;
const COPY_AGE = Number(COPY_AGE_NS / 1_000_000n);

/** Milliseconds after which the client of a job is a finding. Its job should have deleted it. */
const MAX_JOB_CLIENT_AGE = DAY;

/** Characters of a name or an environment. GitHub's environments have at most 255, and the values of claims no maximum. */
const MAX_TEXT = 300;

/** A client with an ownership marker, reduced to what the audit needs: an organization may have thousands of them. */
export interface AuditedClient {
  client_id: string;
  /** Undefined if the description has several different markers. */
  marker?: OwnershipMarker | undefined;
  /** Like the fields below, undefined if the client cannot be read as a whole. */
  name?: string | undefined;
  create_time?: number | undefined;
  /** The claims `github_repository` and `environment`, if the client has exactly one. */
  repository?: string | undefined;
  environment?: string | undefined;
  /** Whether marker and claims name different repositories. */
  isContradictory: boolean;
  /** Undefined if no response shows them. */
  secrets?: AuditedSecret[] | undefined;
}

export interface AuditedSecret {
  id: string;
  deactivated: boolean;
  create_time?: number | undefined;
  expire_time?: number | undefined;
  last_used_time?: number | undefined;
}

/** What is compared with ages and numbers. An undefined limit is not checked. */
export interface AuditLimits {
  /** Days. */
  max_secret_age: number | undefined;
  max_secrets: number | undefined;
}

/** Whether GitHub shows the repository and the environment of a client. Undefined if that is not known. */
export interface Visibility {
  repository: boolean | undefined;
  environment: boolean | undefined;
}

/** The kinds of findings, in the order in which a client's findings are listed. */
export const FINDING_KINDS = [
  'several_markers',
  'contradictory_claims',
  'unreadable',
  'copy',
  'same_key',
  'no_active_secret',
  'too_many_secrets',
  'old_secret',
  'old_job_client',
  'repository_not_shown',
  'environment_not_shown',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** Something odd about a client. */
export interface Finding {
  kind: FindingKind;
  /** A clause whose subject is the client. */
  text: string;
}

/** Returns a client as the audit needs it. Undefined if its description has no ownership marker. */
export function auditedClient({ client_id, description, parse }: ClientSummary): AuditedClient | undefined {
  const [marker, ...others] = parseMarkers(description);
  if (!marker) return undefined;
  const client = parseOrUndefined(parse);
  const environment = client && onlyClaim(client, 'environment');
  const audited: AuditedClient = {
    client_id,
    marker: others.length > 0 ? undefined : marker,
    name: client && truncate(client.name, MAX_TEXT),
    create_time: milliseconds(client?.create_time),
    repository: client && onlyClaim(client, 'github_repository'),
    environment: environment && truncate(environment, MAX_TEXT),
    isContradictory: others.length === 0 && client !== undefined && contradictsItself(client, marker),
    // Scalekit does not delete a client's last secret, so a response without any leaves them out.
    secrets: client?.secrets.length ? client.secrets.map(auditedSecret) : undefined,
  };
  // A copy, because the parts of the marker would keep the whole description in memory.
  return JSON.parse(JSON.stringify(audited));
}

function onlyClaim(client: Client, key: string): string | undefined {
  const [value, ...others] = claimValues(client, key);
  return others.length === 0 ? value : undefined;
}

function auditedSecret({ id, deactivated = false, create_time, expire_time, last_used_time }: Secret): AuditedSecret {
  return {
    id,
    deactivated,
    create_time: milliseconds(create_time),
    expire_time: milliseconds(expire_time),
    last_used_time: milliseconds(last_used_time),
  };
}

function milliseconds(nanoseconds: bigint | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : Number(nanoseconds / 1_000_000n);
}

/** Returns a function that returns the findings of a client. @param clients all clients with a marker */
export function auditOf(
  clients: Iterable<AuditedClient>,
  limits: AuditLimits,
  now: number | undefined,
): (client: AuditedClient, visibility: Visibility) => Finding[] {
  const oldest = new Map<string, number>();
  const sharing = new Map<string, number>();
  for (const { marker, create_time = Number.POSITIVE_INFINITY } of clients) {
    if (!marker) continue;
    oldest.set(marker.nonce, Math.min(oldest.get(marker.nonce) ?? create_time, create_time));
    sharing.set(marker.key, (sharing.get(marker.key) ?? 0) + 1);
  }
  return (client, visibility) => {
    const { key = '', nonce = '' } = client.marker ?? {};
    const isCopy = (ageBetween(oldest.get(nonce), client.create_time) ?? 0) > COPY_AGE;
    return [
      ...ownerFindings(client, isCopy, sharing.get(key) ?? 0),
      ...secretFindings(client, limits, now),
      ...lifeFindings(client, visibility, now),
    ];
  };
}

/** @param sharing how many clients have the identity hash of this one. Each job has a client of its own, with the same hash */
function ownerFindings({ marker, isContradictory, name }: AuditedClient, isCopy: boolean, sharing: number): Finding[] {
  return findings(
    [!marker, 'several_markers', 'has several different ownership markers'],
    [isContradictory, 'contradictory_claims', 'has a claim github_repository_id that names another repository'],
    [name === undefined, 'unreadable', 'has fields that cannot be read'],
    [isCopy, 'copy', 'has the nonce of a client that is more than an hour older, so it is a copy'],
    [
      marker?.lifetime === 'persistent' && sharing > 1,
      'same_key',
      `is one of ${sharing} persistent clients with the same identity hash`,
    ],
  );
}

function secretFindings({ secrets }: AuditedClient, limits: AuditLimits, now: number | undefined): Finding[] {
  if (!secrets) return [];
  const { max_secrets = Number.POSITIVE_INFINITY, max_secret_age = Number.POSITIVE_INFINITY } = limits;
  const active = secrets.filter((secret) => isActiveAt(secret, now));
  // A secret of unknown age may be the newest one.
  const age = Math.min(...active.map(({ create_time }) => ageInDays(create_time, now) ?? 0));
  return findings(
    [active.length === 0, 'no_active_secret', 'has no active secret'],
    [
      secrets.length > max_secrets,
      'too_many_secrets',
      `has ${secrets.length} secrets, and max_secrets is ${max_secrets}`,
    ],
    [
      active.length > 0 && age > max_secret_age,
      'old_secret',
      `has no active secret younger than ${age.toFixed(1)} days, and max_secret_age is ${max_secret_age}`,
    ],
  );
}

function lifeFindings({ marker, create_time }: AuditedClient, visibility: Visibility, now: number | undefined) {
  const age = ageBetween(create_time, now) ?? 0;
  return findings(
    [
      marker?.lifetime === 'job' && age > MAX_JOB_CLIENT_AGE,
      'old_job_client',
      `belongs to a job and is ${(age / DAY).toFixed(1)} days old`,
    ],
    [
      visibility.repository === false,
      'repository_not_shown',
      'is for a repository that GitHub does not show to github_token',
    ],
    [
      visibility.environment === false,
      'environment_not_shown',
      'is for an environment that GitHub does not show to github_token',
    ],
  );
}

function findings(...checks: [isFound: boolean, kind: FindingKind, text: string][]): Finding[] {
  return checks.flatMap(([isFound, kind, text]) => (isFound ? [{ kind, text }] : []));
}

/** Returns whether a secret is active. If Scalekit's time is not known, no secret counts as expired. */
export function isActiveAt({ deactivated, expire_time }: AuditedSecret, now: number | undefined): boolean {
  return !deactivated && (expire_time === undefined || now === undefined || expire_time >= now);
}

/** Returns the days between two times, with fractions. Undefined if one is not known. */
export function ageInDays(time: number | undefined, now: number | undefined): number | undefined {
  const age = ageBetween(time, now);
  return age === undefined ? undefined : age / DAY;
}

function ageBetween(time: number | undefined, now: number | undefined): number | undefined {
  return time === undefined || now === undefined ? undefined : Math.max(0, now - time);
}
