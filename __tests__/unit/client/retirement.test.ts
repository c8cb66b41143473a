import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient } from '../../../src/client/desired.ts';
import { planChanges, type Step } from '../../../src/client/plan.ts';
import { retirements, secretToMakeRoom } from '../../../src/client/retirement.ts';
import type { SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import { byCreateTime, type Secret } from '../../../src/scalekit/types.ts';
import { client, desiredClient, LOCATION, SAVED, secret } from '../fixtures.ts';
import {
  createTimes,
  datedSecrets,
  FIVE_SECRETS,
  keepCounts,
  outline,
  planFor,
  secretLists,
  stepText,
} from './plans.ts';

const INACTIVE = { active: false };
const UNDATED = { create_time: undefined };

/** Returns the ids of the secrets that the steps delete. */
function deletedIds(steps: Step[]): string[] {
  return steps.flatMap((step) => (step.kind === 'delete-secret' ? [step.secret.id] : []));
}

describe('if Scalekit refuses another secret', () => {
  const [one, two, three, four, five] = FIVE_SECRETS as [Secret, Secret, Secret, Secret, Secret];

  it.each<[what: string, Secret[], savedId: string | undefined, deletedId: string | undefined]>([
    ['none of none', [], undefined, undefined],
    ['not the only one', [one], undefined, undefined],
    ['not the only one though it is inactive', [{ ...one, ...INACTIVE }], undefined, undefined],
    ['the older of two', [one, two], undefined, 'sks_1'],
    ['the oldest of five', FIVE_SECRETS, undefined, 'sks_1'],
    ['the oldest in any order', [three, five, one, two, four], undefined, 'sks_1'],
    ['an inactive one before an older one', [one, two, { ...three, ...INACTIVE }, four], undefined, 'sks_3'],
    ['the newest if it is inactive', [one, two, { ...three, ...INACTIVE }], undefined, 'sks_3'],
    ['the oldest of the inactive ones', [three, { ...two, ...INACTIVE }, { ...one, ...INACTIVE }], undefined, 'sks_1'],
    ['an inactive one of unknown age', [one, { ...two, ...INACTIVE, ...UNDATED }], undefined, 'sks_2'],
    ['no active one of unknown age', [{ ...one, ...UNDATED }, two, three], undefined, 'sks_2'],
    ['not the newest of known age', [one, { ...two, ...UNDATED }], undefined, undefined],
    [
      'the older by a nanosecond',
      [
        { ...two, create_time: 1n },
        { ...one, create_time: 2n },
      ],
      undefined,
      'sks_2',
    ],
    ['not the saved one though it is the oldest', [one, two], 'sks_1', 'sks_2'],
    ['the oldest that is not saved', FIVE_SECRETS, 'sks_1', 'sks_2'],
    ['the oldest if the newest is saved', FIVE_SECRETS, 'sks_5', 'sks_1'],
    ['the saved one if it is inactive', [one, { ...two, ...INACTIVE }, three], 'sks_2', 'sks_2'],
    ['not the newest if the saved one is inactive', [{ ...one, ...INACTIVE }, two, three], 'sks_1', 'sks_1'],
    ['not the newest if the saved one is not there', [one, two], 'sks_9', 'sks_1'],
    ['not the saved one though its age is unknown', [{ ...one, ...UNDATED }, two], 'sks_1', 'sks_2'],
  ])('a rotation deletes %s', (_what, secrets, savedId, deletedId) => {
    expect(secretToMakeRoom(secrets, savedId)?.id).toBe(deletedId);
    expect(secretToMakeRoom([...secrets].reverse(), savedId)?.id).toBe(deletedId);
  });

  it('a rotation deletes the secret that it would retire first', () => {
    fc.assert(
      fc.property(datedSecrets, fc.nat(7), (secrets, at) => {
        const savedId = secrets[at]?.id;
        const deleted = secretToMakeRoom(secrets, savedId);
        expect(deleted).toBe(secrets.length > 1 ? retirements(secrets, 1, savedId)[0] : undefined);
      }),
    );
  });

  it('a rotation deletes neither the saved one nor, if none is saved, the newest active one', () => {
    fc.assert(
      fc.property(secretLists, fc.nat(7), (secrets, at) => {
        const saved = secrets[at];
        const deleted = secretToMakeRoom(secrets, saved?.id);
        if (!deleted?.active) return;
        expect(deleted.id).not.toBe(saved?.id);
        expect(deleted.create_time).toBeDefined();
        const others = secrets.filter(({ id, active }) => active && id !== deleted.id);
        if (!saved?.active) expect(others.some((other) => byCreateTime(deleted, other) <= 0)).toBe(true);
      }),
    );
  });

  it('a rotation keeps the secret that …_STATE names', () => {
    const existing = { client: client({ secrets: [one, two, three] }), others: [], saved: SAVED };
    const steps = (desired: DesiredClient) => planChanges(desired, existing).beforePublish.map(stepText);
    expect(steps(desiredClient({ location: LOCATION }))).toEqual(['add-secret, else delete sks_2', 'save']);
  });
});

describe('after a rotation', () => {
  const four = [1, 2, 3, 4].map((time) => secret(time));
  const inactive = { ...secret(3), ...INACTIVE };
  const undated = { ...secret(1), ...UNDATED };

  it.each<[keep: number, string, Secret[], string[]]>([
    [1, 'all that existed', four, ['delete sks_1', 'delete sks_2', 'delete sks_3', 'delete sks_4']],
    [1, 'one of unknown age', [undated], ['delete sks_1']],
    [2, 'all but the newest', four, ['sks_1', 'sks_2', 'sks_3'].map((id) => `delete ${id} unless recent`)],
    [3, 'the two oldest of four', four, ['sks_1', 'sks_2'].map((id) => `delete ${id} unless recent`)],
    [4, 'the oldest of four', [...four].reverse(), ['delete sks_1 unless recent']],
    [5, 'none of four', four, []],
    [5, 'the oldest of five', FIVE_SECRETS, ['delete sks_1 unless recent']],
    [1, 'all of five', FIVE_SECRETS, FIVE_SECRETS.map(({ id }) => `delete ${id}`)],
    [2, 'none of one', [secret(1)], []],
    [2, 'one that is switched off, before an older one', [secret(1), inactive], ['delete sks_3 unless recent']],
    [
      2,
      'those of unknown age last',
      [undated, secret(2), secret(3)],
      ['sks_2', 'sks_3'].map((id) => `delete ${id} unless recent`),
    ],
    [2, 'none of none', [], []],
  ])('with keep_secrets: %i goes %s', (keep_secrets, _what, secrets, after) => {
    expect(planFor(desiredClient({ keep_secrets }), { secrets }).afterPublish.map(stepText)).toEqual(after);
  });
});

describe('the secret that was saved until now', () => {
  /** Returns the ids of the secrets that a rotation deletes after publishing, in order. */
  const retiredIds = (secrets: Secret[], keep: number, savedId?: string) =>
    retirements(secrets, keep, savedId).map(({ id }) => id);
  const three = [1, 2, 3].map((time) => secret(time));

  it.each<[what: string, Secret[], keep: number, savedId: string, string[]]>([
    ['keeps the saved one although it is the oldest', three, 2, 'sks_1', ['sks_2', 'sks_3']],
    [
      'keeps the saved one although one of unknown age goes',
      [...three, secret(4, UNDATED)],
      2,
      'sks_2',
      ['sks_1', 'sks_3', 'sks_4'],
    ],
    ['deletes the saved one last if no secret stays', three, 1, 'sks_1', ['sks_2', 'sks_3', 'sks_1']],
    [
      'deletes the saved one first if it is not active',
      [...three, secret(4, INACTIVE)],
      3,
      'sks_4',
      ['sks_4', 'sks_1'],
    ],
    ['keeps the newest if the client does not have the saved one', three, 2, 'sks_9', ['sks_1', 'sks_2']],
    ['keeps the saved one if there are few', three, 5, 'sks_1', []],
    ['keeps the saved one if it is the newest', three, 2, 'sks_3', ['sks_1', 'sks_2']],
  ])('retires old secrets and %s', (_what, secrets, keep, savedId, retired) => {
    expect(retiredIds(secrets, keep, savedId)).toEqual(retired);
    expect(retiredIds([...secrets].reverse(), keep, savedId)).toEqual(retired);
  });

  it('deletes an active saved secret only after every other secret', () => {
    fc.assert(
      fc.property(secretLists, keepCounts, fc.nat(7), (secrets, keep, at) => {
        const saved = secrets[at];
        const retired = retiredIds(secrets, keep, saved?.id);
        expect(new Set(retired).size).toBe(retired.length);
        expect(retired).toHaveLength(Math.max(0, secrets.length + 1 - keep));
        if (saved?.active && retired.includes(saved.id))
          expect([retired.length, retired.at(-1)]).toEqual([secrets.length, saved.id]);
      }),
    );
  });

  it('deletes the other secrets in the same order whichever is saved', () => {
    fc.assert(
      fc.property(datedSecrets, fc.nat(7), (secrets, at) => {
        const savedId = secrets[at]?.id;
        const others = (ids: string[]) => ids.filter((id) => id !== savedId);
        expect(others(retiredIds(secrets, 1, savedId))).toEqual(others(retiredIds(secrets, 1)));
      }),
    );
  });

  it('takes the secret that …_STATE names for this owner as the saved one', () => {
    const planWith = (saved: SavedSnapshot | undefined) =>
      planChanges(desiredClient({ location: LOCATION }), { client: client({ secrets: three }), others: [], saved });
    expect(deletedIds(planWith(SAVED).afterPublish)).toEqual(['sks_2', 'sks_3']);
    for (const saved of [undefined, { ...SAVED, state: SAVED.state.replace('org_1', 'org_2') }])
      expect(deletedIds(planWith(saved).afterPublish)).toEqual(['sks_1', 'sks_2']);
  });
});

describe('of the secrets of a client, a rotation', () => {
  it('retires as many as there are too many, each once, and no other', () => {
    fc.assert(
      fc.property(secretLists, keepCounts, (secrets, keep_secrets) => {
        const deleted = deletedIds(planFor(desiredClient({ keep_secrets }), { secrets }).afterPublish);
        expect(deleted).toHaveLength(Math.max(0, secrets.length + 1 - keep_secrets));
        expect(new Set(deleted).size).toBe(deleted.length);
        expect(secrets.map(({ id }) => id)).toEqual(expect.arrayContaining(deleted));
      }),
    );
  });

  it('spares an active one as new as any, unless keep_secrets is 1', () => {
    fc.assert(
      fc.property(datedSecrets, fc.integer({ min: 2, max: 5 }), (secrets, keep_secrets) => {
        const deleted = deletedIds(planFor(desiredClient({ keep_secrets }), { secrets }).afterPublish);
        const active = secrets.filter(({ active }) => active).sort(byCreateTime);
        const remaining = active.filter(({ id }) => !deleted.includes(id));
        expect(remaining.at(-1)?.create_time).toBe(active.at(-1)?.create_time);
      }),
    );
  });

  it('retires no active one while one that is switched off stays, nor a newer one while an older one does', () => {
    fc.assert(
      fc.property(datedSecrets, keepCounts, (secrets, keep_secrets) => {
        const retired = deletedIds(planFor(desiredClient({ keep_secrets }), { secrets }).afterPublish);
        for (const one of secrets.filter(({ id }) => retired.includes(id))) {
          for (const other of secrets.filter(({ id }) => !retired.includes(id))) {
            expect(one.active && !other.active).toBe(false);
            if (one.active === other.active) expect(byCreateTime(one, other)).toBeLessThanOrEqual(0);
          }
        }
      }),
    );
  });

  it('spares the recent ones, unless keep_secrets is 1', () => {
    fc.assert(
      fc.property(secretLists, keepCounts, (secrets, keep_secrets) => {
        const { afterPublish } = planFor(desiredClient({ keep_secrets }), { secrets });
        const spares = afterPublish.flatMap((step) => (step.kind === 'delete-secret' ? [step.spareRecent] : []));
        expect(spares).not.toContain(keep_secrets === 1);
      }),
    );
  });

  it('deletes the same whatever order they are listed in', () => {
    const distinct = fc
      .uniqueArray(fc.tuple(createTimes, fc.boolean()), { selector: ([time]) => time })
      .map((list) => list.map(([time, active]) => secret(Number(time), { active })));
    const twice = distinct.chain((secrets) =>
      fc.tuple(fc.constant(secrets), fc.shuffledSubarray(secrets, { minLength: secrets.length })),
    );
    fc.assert(
      fc.property(twice, keepCounts, ([secrets, shuffled], keep_secrets) => {
        const desired = desiredClient({ keep_secrets });
        expect(outline(planFor(desired, { secrets: shuffled }))).toEqual(outline(planFor(desired, { secrets })));
      }),
    );
  });
});
