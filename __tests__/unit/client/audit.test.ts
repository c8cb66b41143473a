import { describe, expect, it } from '@jest/globals';
import {
  type AuditedClient,
  type AuditedSecret,
  type AuditLimits,
  ageInDays,
  auditedClient,
  auditOf,
  FINDING_KINDS,
  type FindingKind,
  isActiveAt,
  type Visibility,
} from '../../../src/client/audit.ts';
import { formatMarker, type OwnershipMarker } from '../../../src/client/marker.ts';
import { parseClientSummary } from '../../../src/scalekit/types.ts';
import { DAY } from '../../support/times.ts';

/** Scalekit's time in the tests, in milliseconds. */
const NOW = Date.UTC(2026, 10, 30);
const NOT_CHECKED: AuditLimits = { max_secret_age: undefined, max_secrets: undefined };
const NOT_ASKED: Visibility = { repository: undefined, environment: undefined };

const marker = (changes: Partial<OwnershipMarker> = {}): OwnershipMarker => ({
  key: 'k'.repeat(16),
  repo: '1',
  by: '1',
  run: '7.1',
  lifetime: 'persistent',
  nonce: 'n'.repeat(16),
  ...changes,
});
const secret = (age: number | undefined, changes: Partial<AuditedSecret> = {}): AuditedSecret => ({
  id: `sks_${age}`,
  deactivated: false,
  create_time: age === undefined ? undefined : NOW - age * DAY,
  ...changes,
});
const client = (changes: Partial<AuditedClient> = {}): AuditedClient => ({
  client_id: 'm2morg_1',
  marker: marker(),
  name: 'Deployer',
  create_time: NOW - 100 * DAY,
  isContradictory: false,
  secrets: [secret(10)],
  ...changes,
});
const job = (age: number | undefined) =>
  client({ marker: marker({ lifetime: 'job' }), create_time: age === undefined ? undefined : NOW - age * DAY });

/** Returns the kinds of findings about the first of some clients. */
function kinds(
  clients: AuditedClient[],
  limits: Partial<AuditLimits> = {},
  options: { now?: number | undefined; visibility?: Visibility } = {},
): FindingKind[] {
  const [first = client()] = clients;
  const { now, visibility } = { now: NOW, visibility: NOT_ASKED, ...options };
  return auditOf(clients, { ...NOT_CHECKED, ...limits }, now)(first, visibility).map(({ kind }) => kind);
}

describe('auditOf', () => {
  const nonce = 'o'.repeat(16);
  const other = (changes: Partial<OwnershipMarker>, age = 100) =>
    client({ client_id: 'm2morg_2', marker: marker(changes), create_time: NOW - age * DAY });
  const otherOfJob = { ...job(0.5), client_id: 'm2morg_2', marker: marker({ lifetime: 'job', nonce }) };
  const deactivated = { deactivated: true };

  it.each<[found: FindingKind[], which: string, clients: AuditedClient[]]>([
    [[], 'in which nothing is odd', [client()]],
    [['several_markers'], 'with several different markers', [client({ marker: undefined })]],
    [['contradictory_claims'], 'whose marker and claims contradict each other', [client({ isContradictory: true })]],
    [['unreadable'], 'that cannot be read as a whole', [client({ name: undefined, secrets: undefined })]],
    [['same_key'], 'whose key another persistent client has', [client(), other({ nonce })]],
    [[], 'whose key no other client has', [client(), other({ nonce, key: 'l'.repeat(16) })]],
    [[], 'of a job whose key the client of another job has', [job(0.5), otherOfJob]],
    [
      ['copy', 'same_key'],
      'that is more than an hour younger than one with its nonce',
      [client(), other({}, 100 + 1.01 / 24)],
    ],
    [['same_key'], 'that is older than one with its nonce', [client(), other({}, 99)]],
    [['same_key'], 'that is less than an hour younger than one with its nonce', [client(), other({}, 100 + 0.99 / 24)]],
    [['no_active_secret'], 'without a secret', [client({ secrets: [] })]],
    [['no_active_secret'], 'with only a deactivated secret', [client({ secrets: [secret(1, deactivated)] })]],
    [['no_active_secret'], 'with only an expired secret', [client({ secrets: [secret(9, { expire_time: NOW - 1 })] })]],
    [[], 'with a secret that expires now', [client({ secrets: [secret(9, { expire_time: NOW })] })]],
    [['old_job_client'], 'of a job that is older than a day', [job(1.01)]],
    [[], 'of a job that is a day old', [job(1)]],
    [[], 'of a job and of unknown age', [job(undefined)]],
  ])('finds %j in a client %s', (found, _which, clients) => {
    expect(kinds(clients)).toEqual(found);
  });

  it.each<{ which: string; secrets: AuditedSecret[] | undefined; limits: Partial<AuditLimits>; found: FindingKind[] }>([
    {
      which: 'whose secrets are not known',
      secrets: undefined,
      limits: { max_secret_age: 1, max_secrets: 1 },
      found: [],
    },
    {
      which: 'with more secrets than max_secrets',
      secrets: [secret(1), secret(2)],
      limits: { max_secrets: 1 },
      found: ['too_many_secrets'],
    },
    {
      which: 'with more secrets than max_secrets, one of them deactivated',
      secrets: [secret(1), secret(2, { deactivated: true })],
      limits: { max_secrets: 1 },
      found: ['too_many_secrets'],
    },
    {
      which: 'with as many secrets as max_secrets',
      secrets: [secret(1), secret(2)],
      limits: { max_secrets: 2 },
      found: [],
    },
    {
      which: 'whose newest secret is older than max_secret_age',
      secrets: [secret(91), secret(10.1)],
      limits: { max_secret_age: 10 },
      found: ['old_secret'],
    },
    {
      which: 'with one secret younger than max_secret_age',
      secrets: [secret(91), secret(9.9)],
      limits: { max_secret_age: 10 },
      found: [],
    },
    {
      which: 'with only a deactivated secret younger than max_secret_age',
      secrets: [secret(91), secret(1, deactivated)],
      limits: { max_secret_age: 10 },
      found: ['old_secret'],
    },
    {
      which: 'with a secret of unknown age and one older than max_secret_age',
      secrets: [secret(91), secret(undefined)],
      limits: { max_secret_age: 10 },
      found: [],
    },
  ])('finds $found in a client $which', ({ secrets, limits, found }) => {
    expect(kinds([client({ secrets })], limits)).toEqual(found);
  });

  it.each<[Visibility, FindingKind[]]>([
    [NOT_ASKED, []],
    [{ repository: true, environment: true }, []],
    [{ repository: false, environment: undefined }, ['repository_not_shown']],
    [{ repository: true, environment: false }, ['environment_not_shown']],
  ])('finds a repository or an environment that GitHub does not show: %j', (visibility, found) => {
    expect(kinds([client()], {}, { visibility })).toEqual(found);
  });

  it("makes no finding that needs Scalekit's time if that is not known", () => {
    const clients = [{ ...job(9), secrets: [secret(91, { expire_time: NOW - DAY })] }];
    expect(kinds(clients, { max_secret_age: 10 }, { now: undefined })).toEqual([]);
  });

  it('lists several findings about a client in the order of the kinds', () => {
    const odd = client({ marker: undefined, isContradictory: true, name: undefined, secrets: [secret(9), secret(8)] });
    const visibility = { repository: false, environment: false };
    const found = kinds([odd], { max_secrets: 1, max_secret_age: 1 }, { visibility });
    expect(found).toEqual(FINDING_KINDS.filter((kind) => found.includes(kind)));
    expect(found).toHaveLength(7);
  });

  it('says in a finding how many secrets there are and how old they are', () => {
    const findings = auditOf([client()], { max_secret_age: 90, max_secrets: 1 }, NOW);
    expect(findings(client({ secrets: [secret(400.9), secret(500)] }), NOT_ASKED).map(({ text }) => text)).toEqual([
      'has 2 secrets, and max_secrets is 1',
      'has no active secret younger than 400.9 days, and max_secret_age is 90',
    ]);
  });
});

describe('auditedClient', () => {
  const response = {
    client_id: 'm2morg_1',
    name: 'Deployer',
    description: `Ours.\n${formatMarker(marker())}`,
    create_time: '2026-11-24T08:00:00.123456789Z',
    custom_claims: [
      { key: 'github_repository', value: 'acme/app' },
      { key: 'environment', value: 'production' },
    ],
    secrets: [{ id: 'sks_1', status: 'INACTIVE', last_used_time: '2026-11-25T08:00:00Z' }],
  };
  const read = (changes: object = {}) => auditedClient(parseClientSummary({ ...response, ...changes }));

  it('keeps marker, name and claims of a client, and its times in milliseconds', () => {
    expect(read()).toEqual({
      client_id: 'm2morg_1',
      marker: marker(),
      name: 'Deployer',
      create_time: Date.UTC(2026, 10, 24, 8) + 123,
      repository: 'acme/app',
      environment: 'production',
      isContradictory: false,
      secrets: [{ id: 'sks_1', deactivated: true, last_used_time: Date.UTC(2026, 10, 25, 8) }],
    });
  });

  it('ignores a client without an ownership marker', () => {
    expect(read({ description: 'By hand.' })).toBeUndefined();
    expect(read({ description: undefined })).toBeUndefined();
  });

  it('keeps no marker of several different ones, and one of two equal ones', () => {
    const twice = (second: OwnershipMarker) => ({ description: formatMarker(marker()) + formatMarker(second) });
    expect(read(twice(marker({ run: '8.1' })))?.marker).toBeUndefined();
    expect(read(twice(marker()))?.marker).toEqual(marker());
  });

  it.each([undefined, []])('counts the secrets of a client as unknown if the response shows %j', (secrets) => {
    expect(read({ secrets })?.secrets).toBeUndefined();
  });

  it('keeps at most 300 characters of a name and of an environment', () => {
    const long = '😀'.repeat(301);
    const audited = read({ name: long, custom_claims: [{ key: 'environment', value: long }] });
    expect([...(audited?.name ?? '')]).toHaveLength(300);
    expect([...(audited?.environment ?? '')]).toHaveLength(300);
  });

  it('notices that the claim github_repository_id and the marker name different repositories', () => {
    const claim = (value: string) => ({ custom_claims: [{ key: 'github_repository_id', value }] });
    expect(read(claim('1'))?.isContradictory).toBe(false);
    expect(read(claim('2'))?.isContradictory).toBe(true);
    // Several markers name no one repository.
    const description = formatMarker(marker()) + formatMarker(marker({ run: '8.1' }));
    expect(read({ description, ...claim('2') })?.isContradictory).toBe(false);
  });

  it('ignores a claim that a client has twice', () => {
    const custom_claims = ['a', 'b'].map((value) => ({ key: 'environment', value }));
    expect(read({ custom_claims })?.environment).toBeUndefined();
  });

  it('keeps only id and marker of a client whose other fields cannot be read', () => {
    expect(read({ scopes: 7 })).toEqual({ client_id: 'm2morg_1', marker: marker(), isContradictory: false });
  });
});

it('ageInDays returns days that are not negative, and nothing if one of the times is not known', () => {
  expect(ageInDays(NOW - DAY / 2, NOW)).toBe(0.5);
  expect(ageInDays(NOW + DAY, NOW)).toBe(0);
  expect(ageInDays(undefined, NOW)).toBeUndefined();
  expect(ageInDays(NOW, undefined)).toBeUndefined();
});

it('isActiveAt counts a secret as active until it expires, or if the time is not known', () => {
  const expiring = secret(1, { expire_time: NOW });
  for (const now of [NOW - 1, NOW, undefined]) expect(isActiveAt(expiring, now)).toBe(true);
  expect(isActiveAt(expiring, NOW + 1)).toBe(false);
});
