import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient, Existing } from '../../../src/client/desired.ts';
import { decideRotation, nextRotation, type RotationDecision } from '../../../src/client/rotation.ts';
import type { Secret } from '../../../src/scalekit/types.ts';
import { DAY_NS } from '../../support/times.ts';
import { client, desiredClient, LOCATION, SAVED, secret } from '../fixtures.ts';

const NOW = 1_795_000_000_000_000_000n;

/** Returns a secret of this age in nanoseconds. */
const aged = (age: bigint | undefined, changes: Partial<Secret> = {}): Secret =>
  secret(1, { create_time: age === undefined ? undefined : NOW - age, ...changes });

/** Decides with `rotate_after: 30` at the time `NOW`. */
function decide(
  secrets: Secret[],
  changes: Partial<DesiredClient> = {},
  existing: Pick<Existing, 'saved' | 'now'> = { now: NOW },
): RotationDecision {
  const desired = desiredClient({ on_existing: 'reuse', rotate_after: 30, ...changes });
  return decideRotation(desired, client({ secrets }), existing);
}

describe('rotation by age', () => {
  it.each<[what: string, age: bigint, dueIn: bigint]>([
    ['is new', 0n, 30n * DAY_NS],
    ['has a creation time in the future', -DAY_NS, 31n * DAY_NS],
    ['is exactly 30 days old', 30n * DAY_NS, 0n],
  ])('keeps a secret that %s with rotate_after: 30, and dates the next rotation', (_what, age, dueIn) => {
    expect(decide([aged(age)])).toEqual({ due: NOW + dueIn, notices: [] });
  });

  it.each<[what: string, age: bigint, days: number]>([
    ['a nanosecond older than 30 days', 30n * DAY_NS + 1n, 30],
    ['a nanosecond younger than 31 days', 31n * DAY_NS - 1n, 30],
    ['31 days old', 31n * DAY_NS, 31],
  ])('rotates a secret that is %s with rotate_after: 30, and counts its whole days', (_what, age, days) => {
    expect(decide([aged(age)])).toEqual({
      reason: `secret sks_1 is ${days} days old, and rotate_after is 30`,
      notices: [],
    });
  });

  it('rotates exactly those secrets that are older than rotate_after', () => {
    const days = fc.integer({ min: 1, max: 3650 });
    fc.assert(
      fc.property(days, fc.bigInt({ min: -2n * DAY_NS, max: 4000n * DAY_NS }), (rotate_after, age) => {
        const limit = BigInt(rotate_after) * DAY_NS;
        const { reason, due } = decide([aged(age)], { rotate_after });
        expect(reason !== undefined).toBe(age > limit);
        expect(due).toBe(age > limit ? undefined : NOW - age + limit);
      }),
    );
  });

  it.each<[what: string, age: bigint | undefined, now: bigint | undefined]>([
    ['the creation time of the secret is not known', undefined, NOW],
    ['the time of Scalekit is not known', DAY_NS, undefined],
    ['neither time is known', undefined, undefined],
  ])('rotates a secret with a notice if %s', (_what, age, now) => {
    expect(decide([aged(age)], {}, { now })).toEqual({
      reason: 'the age of secret sks_1 is not known',
      notices: ['Client m2morg_1 gets a new secret: the age of secret sks_1 is not known.'],
    });
  });

  it('never rotates a secret because of its age without rotate_after', () => {
    for (const secrets of [[], [aged(undefined)], [aged(5000n * DAY_NS)]])
      for (const existing of [{ now: NOW }, {}])
        expect(decide(secrets, { rotate_after: undefined }, existing)).toEqual({ notices: [] });
  });
});

describe('rotation by age without a secret location', () => {
  it.each<[what: string, Secret[], Partial<RotationDecision>]>([
    [
      'is the newest',
      [aged(90n * DAY_NS), secret(2, { create_time: NOW }), aged(40n * DAY_NS)],
      { due: NOW + 30n * DAY_NS },
    ],
    [
      'is active, and not a newer inactive one',
      [aged(40n * DAY_NS), secret(2, { create_time: NOW, active: false })],
      { reason: 'secret sks_1 is 40 days old, and rotate_after is 30' },
    ],
    [
      'has an unknown age, because it may be the newest',
      [aged(0n), secret(2, { create_time: undefined })],
      { reason: 'the age of secret sks_2 is not known' },
    ],
    [
      'is active, and not an inactive one of unknown age',
      [aged(0n), secret(2, { create_time: undefined, active: false })],
      { due: NOW + 30n * DAY_NS },
    ],
  ])('decides by the age of the secret that %s', (_what, secrets, expected) => {
    expect(decide(secrets)).toMatchObject(expected);
    expect(decide([...secrets].reverse())).toMatchObject(expected);
  });

  it.each<[what: string, Secret[]]>([
    ['the client has no secret', []],
    ['the client has no active secret', [aged(0n, { active: false })]],
  ])('adds a secret with rotate_after if %s', (_what, secrets) => {
    expect(decide(secrets)).toEqual({ reason: 'the client has no active secret', notices: [] });
  });

  it('ignores what is saved if there is no secret location', () => {
    const saved = { ...SAVED, client_id: 'm2morg_9' };
    expect(decide([aged(0n)], {}, { now: NOW, saved })).toEqual({ due: NOW + 30n * DAY_NS, notices: [] });
  });
});

describe('rotation by age with a secret location', () => {
  const location = LOCATION;
  const existing = { now: NOW, saved: SAVED };

  it('decides by the age of the saved secret although a newer one is active', () => {
    const secrets = [aged(31n * DAY_NS), secret(2, { create_time: NOW })];
    expect(decide(secrets, { location }, existing)).toEqual({
      reason: 'secret sks_1 is 31 days old, and rotate_after is 30',
      notices: [],
    });
  });

  it('decides by the age of the saved secret although an older one is active', () => {
    const secrets = [secret(2, { create_time: NOW - 90n * DAY_NS }), aged(DAY_NS)];
    expect(decide(secrets, { location }, existing)).toEqual({ due: NOW + 29n * DAY_NS, notices: [] });
  });

  it('rotates with a notice if the age of the saved secret is not known', () => {
    const secrets = [aged(undefined), secret(2, { create_time: NOW })];
    expect(decide(secrets, { location }, existing)).toMatchObject({
      reason: 'the age of secret sks_1 is not known',
      notices: [expect.stringContaining('m2morg_1')],
    });
  });

  it('adds a secret whatever the age of the others if the saved credentials are not usable', () => {
    for (const rotate_after of [undefined, 30]) {
      const decision = decide([aged(0n)], { location, rotate_after }, { now: NOW });
      expect(decision).toEqual({ reason: 'no credentials of it are saved', notices: [] });
    }
    expect(decide([aged(0n)], { location, organization_id: 'org_2' }, existing)).toEqual({
      reason: "the saved credentials are another client's",
      notices: [],
    });
  });

  it('keeps usable credentials of any age without rotate_after', () => {
    expect(decide([aged(5000n * DAY_NS)], { location, rotate_after: undefined }, existing)).toEqual({ notices: [] });
  });
});

it.each<[what: string, Pick<DesiredClient, 'rotate_after'>, Secret | undefined]>([
  ['rotate_after is not given', { rotate_after: undefined }, aged(DAY_NS)],
  ['there is no secret', { rotate_after: 30 }, undefined],
  ['the creation time of the secret is not known', { rotate_after: 30 }, aged(undefined)],
])('nextRotation returns no date if %s', (_what, desired, of) => {
  expect(nextRotation(desired, of)).toBeUndefined();
});

it('nextRotation returns the date rotate_after days after the secret was created', () => {
  expect(nextRotation({ rotate_after: 30 }, aged(DAY_NS))).toBe(NOW + 29n * DAY_NS);
});
