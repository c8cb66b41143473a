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

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Scalekit's time. */
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

describe('a client is a finding', () => {
  const other = (changes: Partial<OwnershipMarker>, age = 100) =>
    client({ client_id: 'm2morg_2', marker: marker(changes), create_time: NOW - age * DAY });
  const nonce = 'o'.repeat(16);

  it.each<[what: string, found: FindingKind[], clients: AuditedClient[], limits?: Partial<AuditLimits>]>([
    ['never, if nothing is odd', [], [client()]],
    ['if it has several different markers', ['several_markers'], [client({ marker: undefined })]],
    ['if marker and claims contradict each other', ['contradictory_claims'], [client({ isContradictory: true })]],
    ['if it cannot be read as a whole', ['unreadable'], [client({ name: undefined, secrets: undefined })]],
    ['if another persistent one has its key', ['same_key'], [client(), other({ nonce })]],
    ['not if the other one has another key', [], [client(), other({ nonce, key: 'l'.repeat(16) })]],
    [
      'not if both are of jobs, each of which has its own',
      [],
      [job(0.5), { ...job(0.5), client_id: 'm2morg_2', marker: marker({ lifetime: 'job', nonce }) }],
    ],
    [
      'if it is more than an hour younger than one with its nonce',
      ['copy', 'same_key'],
      [client(), other({}, 100 + 1.01 / 24)],
    ],
    ['as the original only because of the key', ['same_key'], [client(), other({}, 99)]],
    [
      'not as a copy within an hour, since a lost answer makes those',
      ['same_key'],
      [client(), other({}, 100 + 0.99 / 24)],
    ],
    ['if it has no secret', ['no_active_secret'], [client({ secrets: [] })]],
    [
      'if all of its secrets are deactivated',
      ['no_active_secret'],
      [client({ secrets: [secret(1, { deactivated: true })] })],
    ],
    [
      'if all of its secrets are expired',
      ['no_active_secret'],
      [client({ secrets: [secret(9, { expire_time: NOW - 1 })] })],
    ],
    ['not if one expires now', [], [client({ secrets: [secret(9, { expire_time: NOW })] })]],
    [
      'not because of secrets that were not read',
      [],
      [client({ secrets: undefined })],
      { max_secret_age: 1, max_secrets: 1 },
    ],
    [
      'if it has more than max_secrets',
      ['too_many_secrets'],
      [client({ secrets: [secret(1), secret(2)] })],
      { max_secrets: 1 },
    ],
    ['not if it has as many', [], [client({ secrets: [secret(1), secret(2)] })], { max_secrets: 2 }],
    [
      'if its newest secret is older than max_secret_age',
      ['old_secret'],
      [client({ secrets: [secret(91), secret(10.1)] })],
      { max_secret_age: 10 },
    ],
    ['not if one is younger', [], [client({ secrets: [secret(91), secret(9.9)] })], { max_secret_age: 10 }],
    [
      'if only a deactivated one is younger',
      ['old_secret'],
      [client({ secrets: [secret(91), secret(1, { deactivated: true })] })],
      { max_secret_age: 10 },
    ],
    [
      'not if the age of one is not known',
      [],
      [client({ secrets: [secret(91), secret(undefined)] })],
      { max_secret_age: 10 },
    ],
    ['if it is a job’s and older than a day', ['old_job_client'], [job(1.01)]],
    ['not if it is a job’s and as old as a day', [], [job(1)]],
    ['not if it is a job’s and its age is not known', [], [job(undefined)]],
  ])('%s', (_what, found, clients, limits = {}) => {
    expect(kinds(clients, limits)).toEqual(found);
  });

  it.each<[Visibility, FindingKind[]]>([
    [NOT_ASKED, []],
    [{ repository: true, environment: true }, []],
    [{ repository: false, environment: undefined }, ['repository_not_shown']],
    [{ repository: true, environment: false }, ['environment_not_shown']],
  ])('by what GitHub shows: %j', (visibility, found) => {
    expect(kinds([client()], {}, { visibility })).toEqual(found);
  });

  it('for no age, if Scalekit’s time is not known', () => {
    const clients = [{ ...job(9), secrets: [secret(91, { expire_time: NOW - DAY })] }];
    expect(kinds(clients, { max_secret_age: 10 }, { now: undefined })).toEqual([]);
  });

  it('for several reasons at once, in the order of the kinds', () => {
    const odd = client({ marker: undefined, isContradictory: true, name: undefined, secrets: [secret(9), secret(8)] });
    const visibility = { repository: false, environment: false };
    const found = kinds([odd], { max_secrets: 1, max_secret_age: 1 }, { visibility });
    expect(found).toEqual(FINDING_KINDS.filter((kind) => found.includes(kind)));
    expect(found).toHaveLength(7);
  });

  it('with numbers in the text', () => {
    const { secrets = [] } = client({ secrets: [secret(400.9), secret(500)] });
    const findings = auditOf([client()], { max_secret_age: 90, max_secrets: 1 }, NOW);
    expect(findings(client({ secrets }), NOT_ASKED).map(({ text }) => text)).toEqual([
      'has 2 secrets, and max_secrets is 1',
      'has no active secret younger than 400.9 days, and max_secret_age is 90',
    ]);
  });
});

describe('a client of a response, as the audit needs it,', () => {
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

  it('has marker, name, claims, and times in milliseconds', () => {
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

  it('is none without a marker', () => {
    expect([read({ description: 'By hand.' }), read({ description: undefined })]).toEqual([undefined, undefined]);
  });

  it('has no marker if there are several different ones, and one if both are the same', () => {
    const twice = (second: OwnershipMarker) => ({ description: formatMarker(marker()) + formatMarker(second) });
    expect(read(twice(marker({ run: '8.1' })))?.marker).toBeUndefined();
    expect(read(twice(marker()))?.marker).toEqual(marker());
  });

  it('has unknown secrets if the response shows none, because each client has one', () => {
    for (const secrets of [undefined, []]) expect(read({ secrets })?.secrets).toBeUndefined();
  });

  it('has at most 300 characters of a name and of an environment, because the values of claims have no maximum', () => {
    const long = '😀'.repeat(301);
    const { name = '', environment = '' } =
      read({ name: long, custom_claims: [{ key: 'environment', value: long }] }) ?? {};
    expect([name, environment].map((text) => [...text].length)).toEqual([300, 300]);
  });

  it('contradicts itself if its claim names another id than its marker', () => {
    const claim = (value: string) => ({ custom_claims: [{ key: 'github_repository_id', value }] });
    expect([read(claim('1'))?.isContradictory, read(claim('2'))?.isContradictory]).toEqual([false, true]);
  });

  it('has no claim that it has twice', () => {
    const custom_claims = ['a', 'b'].map((value) => ({ key: 'environment', value }));
    expect(read({ custom_claims })?.environment).toBeUndefined();
  });

  it('has id and marker alone if its other fields cannot be read', () => {
    expect(read({ scopes: 7 })).toEqual({ client_id: 'm2morg_1', marker: marker(), isContradictory: false });
  });
});

it('an age is in days, is not negative, and is not known without both times', () => {
  expect([ageInDays(NOW - DAY / 2, NOW), ageInDays(NOW + DAY, NOW)]).toEqual([0.5, 0]);
  expect([ageInDays(undefined, NOW), ageInDays(NOW, undefined)]).toEqual([undefined, undefined]);
});

it('a secret that expires is active until then, and if the time is not known', () => {
  const expiring = secret(1, { expire_time: NOW });
  expect([NOW - 1, NOW, NOW + 1, undefined].map((now) => isActiveAt(expiring, now))).toEqual([true, true, false, true]);
});
