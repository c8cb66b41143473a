import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planChanges, type Step } from '../../../src/client/plan.ts';
import { evictions, retirements } from '../../../src/client/retirement.ts';
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

describe('before a client gets one more secret', () => {
  const [one, two, three, four, five] = FIVE_SECRETS as [Secret, Secret, Secret, Secret, Secret];

  it.each<[string, Secret[], string[]]>([
    ['none of none', [], []],
    ['none of four', [one, two, three, four], []],
    ['the oldest of five', FIVE_SECRETS, ['sks_1']],
    ['the oldest of five in any order', [three, five, one, two, four], ['sks_1']],
    ['the two oldest of six', [...FIVE_SECRETS, secret(6)], ['sks_1', 'sks_2']],
    ['one that is switched off, before an older one', [one, two, { ...three, ...INACTIVE }, four, five], ['sks_3']],
    [
      'the oldest of those that are switched off',
      [one, two, four, five].map((s) => ({ ...s, ...INACTIVE })).concat(three),
      ['sks_1'],
    ],
    ['the newest, if it is switched off', [one, two, three, four, { ...five, ...INACTIVE }], ['sks_5']],
    [
      'never the newest active one, though it is the only one',
      [
        { ...one, ...INACTIVE, create_time: undefined },
        { ...two, create_time: undefined },
        { ...three, create_time: undefined },
        { ...four, create_time: undefined },
        five,
      ],
      [],
    ],
    ['none of unknown age', [{ ...one, ...UNDATED }, two, three, four, five], ['sks_2']],
    [
      'none of unknown age, though it is switched off',
      [one, two, three, four, { ...five, ...UNDATED, ...INACTIVE }],
      ['sks_1'],
    ],
    [
      'never the newest of those with a known age',
      [one, ...[two, three, four, five].map((s) => ({ ...s, ...UNDATED }))],
      [],
    ],
    ['none if no age is known', FIVE_SECRETS.map((s) => ({ ...s, ...UNDATED })), []],
    [
      'the older by a nanosecond',
      [{ ...two, create_time: 1n }, { ...one, create_time: 2n }, three, four, five],
      ['sks_2'],
    ],
  ])('goes %s', (_what, secrets, evictedIds) => {
    expect(evictions(secrets).map(({ id }) => id)).toEqual(evictedIds);
    const { beforePublish, warnings } = planFor(desiredClient(), { secrets });
    expect(beforePublish.map(stepText)).toEqual([...evictedIds.map((id) => `delete ${id}`), 'add-secret']);
    expect(warnings.map((text) => /Secret (sks_\d+) is deleted before the new one is added/.exec(text)?.[1])).toEqual(
      evictedIds,
    );
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
    [5, 'none that remains of five', FIVE_SECRETS, []],
    [4, 'one more than had to go before', FIVE_SECRETS, ['delete sks_2 unless recent']],
    [1, 'all that remain of five', FIVE_SECRETS, ['sks_2', 'sks_3', 'sks_4', 'sks_5'].map((id) => `delete ${id}`)],
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
  it('deletes as many as there are too many, each once, and no other', () => {
    fc.assert(
      fc.property(secretLists, keepCounts, (secrets, keep_secrets) => {
        const { beforePublish, afterPublish } = planFor(desiredClient({ keep_secrets }), { secrets });
        const deleted = deletedIds([...beforePublish, ...afterPublish]);
        expect(deleted).toHaveLength(Math.max(0, secrets.length + 1 - keep_secrets));
        expect(new Set(deleted).size).toBe(deleted.length);
        expect(secrets.map(({ id }) => id)).toEqual(expect.arrayContaining(deleted));
      }),
    );
  });

  it('makes room for one more if the ages are known', () => {
    fc.assert(
      fc.property(datedSecrets, (secrets) => {
        const deleted = deletedIds(planFor(desiredClient(), { secrets }).beforePublish);
        expect(secrets.length - deleted.length).toBeLessThan(5);
      }),
    );
  });

  it('deletes before the new credentials work neither the newest active one nor one of unknown age', () => {
    fc.assert(
      fc.property(secretLists, keepCounts, (secrets, keep_secrets) => {
        const deleted = deletedIds(planFor(desiredClient({ keep_secrets }), { secrets }).beforePublish);
        const remaining = secrets.filter(({ id }) => !deleted.includes(id));
        const known = secrets.flatMap(({ create_time: time, active }) => (time === undefined || !active ? [] : [time]));
        const newest = known.reduce((one, other) => (one > other ? one : other), -1n);
        if (known.length > 0) expect(remaining.some(({ create_time }) => create_time === newest)).toBe(true);
        expect(remaining.filter(({ create_time }) => create_time === undefined)).toEqual(
          secrets.filter(({ create_time }) => create_time === undefined),
        );
      }),
    );
  });

  it('spares an active one as new as any, unless keep_secrets is 1', () => {
    fc.assert(
      fc.property(datedSecrets, fc.integer({ min: 2, max: 5 }), (secrets, keep_secrets) => {
        const { beforePublish, afterPublish } = planFor(desiredClient({ keep_secrets }), { secrets });
        const deleted = deletedIds([...beforePublish, ...afterPublish]);
        const active = secrets.filter(({ active }) => active).sort(byCreateTime);
        const remaining = active.filter(({ id }) => !deleted.includes(id));
        expect(remaining.at(-1)?.create_time).toBe(active.at(-1)?.create_time);
      }),
    );
  });

  it('retires no active one while one that is switched off stays, nor a newer one while an older one does', () => {
    fc.assert(
      fc.property(datedSecrets, keepCounts, (secrets, keep_secrets) => {
        const { beforePublish, afterPublish } = planFor(desiredClient({ keep_secrets }), { secrets });
        const [evicted, retired] = [deletedIds(beforePublish), deletedIds(afterPublish)];
        for (const one of secrets.filter(({ id }) => retired.includes(id))) {
          for (const other of secrets.filter(({ id }) => !retired.includes(id) && !evicted.includes(id))) {
            expect(one.active && !other.active).toBe(false);
            if (one.active === other.active) expect(byCreateTime(one, other)).toBeLessThanOrEqual(0);
          }
        }
      }),
    );
  });

  it('spares the recent ones, unless one has to make room or keep_secrets is 1', () => {
    fc.assert(
      fc.property(secretLists, keepCounts, (secrets, keep_secrets) => {
        const { beforePublish, afterPublish } = planFor(desiredClient({ keep_secrets }), { secrets });
        const spares = (steps: Step[]) =>
          steps.flatMap((step) => (step.kind === 'delete-secret' ? [step.spareRecent] : []));
        expect(spares(beforePublish)).not.toContain(true);
        expect(spares(afterPublish)).not.toContain(keep_secrets === 1);
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
