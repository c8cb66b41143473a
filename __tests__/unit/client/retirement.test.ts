import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planChanges, type Step } from '../../../src/client/plan.ts';
import { retirements, secretToMakeRoom } from '../../../src/client/retirement.ts';
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
const [one, two, three, four, five] = FIVE_SECRETS as [Secret, Secret, Secret, Secret, Secret];

/** Returns the ids of the secrets that the steps delete. */
function deletedIds(steps: Step[]): string[] {
  return steps.flatMap((step) => (step.kind === 'delete-secret' ? [step.secret.id] : []));
}

/** Returns the ids of the secrets that a rotation deletes after publishing, in order. */
function retiredIds(secrets: Secret[], keep: number, savedId?: string): string[] {
  return retirements(secrets, keep, savedId).map(({ id }) => id);
}

describe('secretToMakeRoom', () => {
  it.each<[what: string, Secret[], deletedId: string]>([
    ['the older of two', [one, two], 'sks_1'],
    ['the oldest of five', [three, five, one, two, four], 'sks_1'],
    ['an inactive one before an older one', [one, two, { ...three, ...INACTIVE }, four], 'sks_3'],
    ['the oldest of the inactive ones', [three, { ...two, ...INACTIVE }, { ...one, ...INACTIVE }], 'sks_1'],
    ['an inactive one of unknown age', [one, { ...two, ...INACTIVE, ...UNDATED }], 'sks_2'],
    ['the oldest active one of known age', [{ ...one, ...UNDATED }, two, three], 'sks_2'],
    [
      'the older one by a nanosecond',
      [
        { ...two, create_time: 1n },
        { ...one, create_time: 2n },
      ],
      'sks_2',
    ],
  ])('makes room with %s if no secret is saved', (_what, secrets, deletedId) => {
    expect(secretToMakeRoom(secrets)?.id).toBe(deletedId);
    expect(secretToMakeRoom([...secrets].reverse())?.id).toBe(deletedId);
  });

  it.each<[what: string, Secret[]]>([
    ['there is no secret', []],
    ['there is only one', [one]],
    ['there is only one, which is inactive', [{ ...one, ...INACTIVE }]],
    ['only the newest one has a known age', [one, { ...two, ...UNDATED }]],
  ])('makes no room if %s', (_what, secrets) => {
    expect(secretToMakeRoom(secrets)).toBeUndefined();
  });

  it.each<{ what: string; secrets: Secret[]; savedId: string; deletedId: string }>([
    { what: 'the newer one if the older one is saved', secrets: [one, two], savedId: 'sks_1', deletedId: 'sks_2' },
    { what: 'the oldest one that is not saved', secrets: FIVE_SECRETS, savedId: 'sks_1', deletedId: 'sks_2' },
    { what: 'the oldest one if the newest one is saved', secrets: FIVE_SECRETS, savedId: 'sks_5', deletedId: 'sks_1' },
    {
      what: 'the saved one if it is inactive',
      secrets: [one, { ...two, ...INACTIVE }, three],
      savedId: 'sks_2',
      deletedId: 'sks_2',
    },
    {
      what: 'the oldest one if the client does not have the saved one',
      secrets: [one, two],
      savedId: 'sks_9',
      deletedId: 'sks_1',
    },
    {
      what: 'another one if the age of the saved one is not known',
      secrets: [{ ...one, ...UNDATED }, two],
      savedId: 'sks_1',
      deletedId: 'sks_2',
    },
  ])('secretToMakeRoom makes room with $what', ({ secrets, savedId, deletedId }) => {
    expect(secretToMakeRoom(secrets, savedId)?.id).toBe(deletedId);
    expect(secretToMakeRoom([...secrets].reverse(), savedId)?.id).toBe(deletedId);
  });

  it('makes room with the secret that a rotation would retire first', () => {
    fc.assert(
      fc.property(datedSecrets, fc.nat(7), (secrets, at) => {
        const savedId = secrets[at]?.id;
        const deleted = secretToMakeRoom(secrets, savedId);
        expect(deleted).toBe(secrets.length > 1 ? retirements(secrets, 1, savedId)[0] : undefined);
      }),
    );
  });

  it('makes room neither with the active saved secret nor, if none is saved, with the newest active one', () => {
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

  it('makes no room with the secret that …_STATE names', () => {
    const existing = { client: client({ secrets: [one, two, three] }), others: [], saved: SAVED };
    const steps = planChanges(desiredClient({ location: LOCATION }), existing).beforePublish.map(stepText);
    expect(steps).toEqual(['add-secret, else delete sks_2', 'save']);
  });
});

describe('retirement after a rotation', () => {
  const four = [1, 2, 3, 4].map((time) => secret(time));
  const inactive = { ...secret(3), ...INACTIVE };
  const undated = { ...secret(1), ...UNDATED };

  it.each<[what: string, Secret[], after: string[]]>([
    ['all four that existed', four, ['delete sks_1', 'delete sks_2', 'delete sks_3', 'delete sks_4']],
    ['one of unknown age', [undated], ['delete sks_1']],
  ])('deletes %s after a rotation with keep_secrets: 1, recent ones included', (_what, secrets, after) => {
    expect(planFor(desiredClient({ keep_secrets: 1 }), { secrets }).afterPublish.map(stepText)).toEqual(after);
  });

  it.each<{ what: string; keep_secrets: number; secrets: Secret[]; ids: string[] }>([
    { what: 'all but the newest of four', keep_secrets: 2, secrets: four, ids: ['sks_1', 'sks_2', 'sks_3'] },
    { what: 'the two oldest of four', keep_secrets: 3, secrets: four, ids: ['sks_1', 'sks_2'] },
    { what: 'the oldest of four', keep_secrets: 4, secrets: [...four].reverse(), ids: ['sks_1'] },
    { what: 'none of four', keep_secrets: 5, secrets: four, ids: [] },
    { what: 'none of one', keep_secrets: 2, secrets: [secret(1)], ids: [] },
    { what: 'an inactive one', keep_secrets: 2, secrets: [secret(1), inactive], ids: ['sks_3'] },
    {
      what: 'those of known age before one of unknown age',
      keep_secrets: 2,
      secrets: [undated, secret(2), secret(3)],
      ids: ['sks_2', 'sks_3'],
    },
  ])('deletes $what after a rotation with keep_secrets: $keep_secrets, except recent ones', (row) => {
    const { keep_secrets, secrets, ids } = row;
    const { afterPublish } = planFor(desiredClient({ keep_secrets }), { secrets });
    expect(afterPublish.map(stepText)).toEqual(ids.map((id) => `delete ${id} unless recent`));
  });

  it('deletes as many secrets as there are too many, each once', () => {
    fc.assert(
      fc.property(secretLists, keepCounts, (secrets, keep_secrets) => {
        const deleted = deletedIds(planFor(desiredClient({ keep_secrets }), { secrets }).afterPublish);
        expect(deleted).toHaveLength(Math.max(0, secrets.length + 1 - keep_secrets));
        expect(new Set(deleted).size).toBe(deleted.length);
        expect(secrets.map(({ id }) => id)).toEqual(expect.arrayContaining(deleted));
      }),
    );
  });

  it('keeps an active secret as new as any, unless keep_secrets is 1', () => {
    fc.assert(
      fc.property(datedSecrets, fc.integer({ min: 2, max: 5 }), (secrets, keep_secrets) => {
        const deleted = deletedIds(planFor(desiredClient({ keep_secrets }), { secrets }).afterPublish);
        const active = secrets.filter(({ active }) => active).sort(byCreateTime);
        const remaining = active.filter(({ id }) => !deleted.includes(id));
        expect(remaining.at(-1)?.create_time).toBe(active.at(-1)?.create_time);
      }),
    );
  });

  it('keeps no inactive secret in place of an active one, and no older one in place of a newer one', () => {
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

  it('deletes the same secrets whatever order they are listed in', () => {
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

describe('retirement of the secret that was saved until now', () => {
  const three = [1, 2, 3].map((time) => secret(time));

  it.each<{ what: string; secrets: Secret[]; keep: number; savedId: string; retired: string[] }>([
    {
      what: 'keeps the saved one although it is the oldest',
      secrets: three,
      keep: 2,
      savedId: 'sks_1',
      retired: ['sks_2', 'sks_3'],
    },
    {
      what: 'keeps the saved one although it deletes one of unknown age',
      secrets: [...three, secret(4, UNDATED)],
      keep: 2,
      savedId: 'sks_2',
      retired: ['sks_1', 'sks_3', 'sks_4'],
    },
    {
      what: 'deletes the saved one last if it keeps none',
      secrets: three,
      keep: 1,
      savedId: 'sks_1',
      retired: ['sks_2', 'sks_3', 'sks_1'],
    },
    {
      what: 'deletes the saved one first if it is inactive',
      secrets: [...three, secret(4, INACTIVE)],
      keep: 3,
      savedId: 'sks_4',
      retired: ['sks_4', 'sks_1'],
    },
    {
      what: 'keeps the newest if the client does not have the saved one',
      secrets: three,
      keep: 2,
      savedId: 'sks_9',
      retired: ['sks_1', 'sks_2'],
    },
    { what: 'keeps all if there are few', secrets: three, keep: 5, savedId: 'sks_1', retired: [] },
  ])('retires old secrets and $what', ({ secrets, keep, savedId, retired }) => {
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
        if (!saved?.active || !retired.includes(saved.id)) return;
        expect(retired).toHaveLength(secrets.length);
        expect(retired.at(-1)).toBe(saved.id);
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

  it.each([
    ['last if …_STATE names it for this owner', SAVED, ['sks_2', 'sks_3']],
    ['like any other if nothing is saved', undefined, ['sks_1', 'sks_2']],
    [
      'like any other if …_STATE names it for another owner',
      { ...SAVED, state: SAVED.state.replace('org_1', 'org_2') },
      ['sks_1', 'sks_2'],
    ],
  ])('retires an active secret after a rotation %s', (_what, saved, retired) => {
    const existing = { client: client({ secrets: three }), others: [], saved };
    expect(deletedIds(planChanges(desiredClient({ location: LOCATION }), existing).afterPublish)).toEqual(retired);
  });
});
