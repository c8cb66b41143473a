import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient, OnExisting } from '../../../src/client/desired.ts';
import { formatMarker } from '../../../src/client/marker.ts';
import { planChanges, planForWinner } from '../../../src/client/plan.ts';
import type { SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import type { Client } from '../../../src/scalekit/types.ts';
import { client, desiredClient, LOCATION, MARKER, NOTHING_SAVED, OLD_MARKER_LINE, SAVED, secret } from '../fixtures.ts';
import { DRIFTED, FIVE_SECRETS, type Outline, outline, planFor, SUCCEEDING } from './plans.ts';

// Plans that depend on more than the client: on saved credentials, on client_id, and on rotate_after.

describe('plan with a secret location', () => {
  /** Returns the plan if one client exists. @param saved what GitHub Actions has from an earlier run */
  const planSaved = (on_existing: OnExisting, saved: SavedSnapshot | undefined, changes: Partial<Client> = {}) =>
    planChanges(desiredClient({ on_existing, location: LOCATION }), { client: client(changes), others: [], saved });

  it.each<OnExisting>(['rotate', 'reuse', 'fail'])(
    'plans to save the credentials of a new client with on_existing: %s if none exists',
    (on_existing) => {
      const plan = planChanges(desiredClient({ on_existing, location: LOCATION }), { others: [], saved: SAVED });
      expect(outline(plan)).toEqual({ result: 'created', before: ['create', 'save'], after: [] });
    },
  );

  it.each<[OnExisting, Outline]>([
    ['rotate', { result: 'rotated', before: ['add-secret', 'save'], after: [] }],
    ['replace', { result: 'replaced', before: ['create', 'save'], after: ['delete-client'] }],
  ])('plans to save the new credentials before anything is deleted with on_existing: %s', (on_existing, expected) => {
    expect(outline(planSaved(on_existing, SAVED))).toEqual(expected);
  });

  it('plans to save after drift is corrected and a secret is added, and to keep the saved secret', () => {
    expect(outline(planSaved('rotate', SAVED, { ...DRIFTED, secrets: FIVE_SECRETS }))).toEqual({
      result: 'rotated',
      before: ['update scopes, name', 'add-secret, else delete sks_2', 'save'],
      after: [2, 3, 4, 5].map((id) => `delete sks_${id} unless recent`),
    });
  });

  it('plans with on_existing: reuse only to correct drift if the saved credentials are usable', () => {
    expect(outline(planSaved('reuse', SAVED, DRIFTED))).toEqual({
      result: 'reused',
      before: ['update scopes, name'],
      after: [],
    });
    const desired = desiredClient({ on_existing: 'reuse', location: LOCATION });
    for (const plan of [planSaved('reuse', SAVED), planForWinner(desired, client(), { saved: SAVED })]) {
      expect(outline(plan)).toEqual({ result: 'reused', before: [], after: [] });
      expect(plan.reason).toBeUndefined();
    }
  });

  const UNUSABLE: [what: string, SavedSnapshot | undefined, reason: string][] = [
    ['no credentials are saved', NOTHING_SAVED, 'no credentials of it are saved'],
    [
      'the variable names another client',
      { ...SAVED, client_id: 'm2morg_2' },
      "the saved credentials are another client's",
    ],
  ];

  it.each(UNUSABLE)('plans with on_existing: reuse to add and save a secret if %s', (_what, saved, reason) => {
    const plan = planSaved('reuse', saved);
    expect(plan).toMatchObject({ reason, notices: [], warnings: [] });
    expect(plan).not.toHaveProperty('nextRotation');
    expect(outline(plan)).toEqual({ result: 'rotated', before: ['add-secret', 'save'], after: [] });
  });

  it.each(UNUSABLE)('plans after a lost race with on_existing: reuse to add and save a secret if %s', (...row) => {
    const [, saved, reason] = row;
    const plan = planForWinner(desiredClient({ on_existing: 'reuse', location: LOCATION }), client(), { saved });
    expect(plan).toMatchObject({ reason, notices: [], warnings: [] });
    expect(outline(plan)).toEqual({ result: 'rotated', before: ['add-secret', 'save'], after: [] });
  });

  it('plans a reuse whose saved credentials are not usable like a rotation', () => {
    const { reason, ...plan } = planSaved('reuse', undefined, { ...DRIFTED, secrets: FIVE_SECRETS });
    expect(plan).toEqual(planSaved('rotate', undefined, { ...DRIFTED, secrets: FIVE_SECRETS }));
    expect(reason).toBe('no credentials of it are saved');
  });

  it.each<OnExisting>(['rotate', 'replace'])('plans the same with on_existing: %s whatever is saved', (on_existing) => {
    for (const saved of [undefined, { ...SAVED, client_id: 'm2morg_2' }])
      expect(planSaved(on_existing, saved)).toEqual(planSaved(on_existing, SAVED));
  });

  it('throws with on_existing: fail if a client exists, whatever is saved', () => {
    for (const saved of [undefined, SAVED]) expect(() => planSaved('fail', saved)).toThrow('exists already');
  });

  it.each(SUCCEEDING)('plans the same for a dry run with on_existing: %s', (on_existing) => {
    for (const saved of [undefined, SAVED]) {
      const desired = desiredClient({ on_existing, location: LOCATION, dry_run: true });
      expect(planChanges(desired, { client: client(), others: [], saved })).toEqual(planSaved(on_existing, saved));
    }
  });

  it.each(SUCCEEDING)('plans to save nothing without a secret location with on_existing: %s', (on_existing) => {
    const found = { client: client(), others: [] };
    const desired = desiredClient({ on_existing });
    const plan = planChanges(desired, { ...found, saved: SAVED });
    expect(plan).toEqual(planChanges(desired, { ...found, saved: undefined }));
    expect(outline(plan).before).not.toContain('save');
  });

  it('plans to save once, last, and exactly if there is a new secret', () => {
    const snapshots = fc.option(fc.constantFrom(SAVED, { ...SAVED, client_id: 'x' }), { nil: undefined });
    const clients = fc.option(fc.constantFrom<Partial<Client>>({}, DRIFTED, { secrets: FIVE_SECRETS }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(fc.constantFrom(...SUCCEEDING), clients, snapshots, (on_existing, changes, saved) => {
        const existing = { client: changes && client(changes), others: [], saved };
        const plan = planChanges(desiredClient({ on_existing, location: LOCATION }), existing);
        const kinds = plan.beforePublish.map(({ kind }) => kind);
        const hasNewSecret = kinds.includes('create') || kinds.includes('add-secret');
        expect(kinds.indexOf('save')).toBe(hasNewSecret ? kinds.length - 1 : -1);
        expect(plan.afterPublish.map(({ kind }) => kind)).not.toContain('save');
      }),
    );
  });
});

describe('plan for a client that client_id names', () => {
  const foreign = `By hand\n${formatMarker({ ...MARKER, key: 'another_key-1234', nonce: 'older-nonce-1234' })}`;
  const given = { name: true, description: false };
  const takeOver = (changes: Partial<DesiredClient>, description = foreign) =>
    planFor(desiredClient({ client_id: 'm2morg_1', given, ...changes }), { description });

  it.each<OnExisting>(['rotate', 'reuse'])(
    'gives the client that client_id names the identity hash before it adds and saves a secret, with on_existing: %s',
    (on_existing) => {
      const plan = takeOver({ on_existing, location: LOCATION });
      expect(outline(plan)).toEqual({
        result: 'rotated',
        before: ['update description', 'add-secret', 'save'],
        after: [],
      });
      expect(plan.beforePublish[0]).toEqual({
        kind: 'update',
        fields: { description: 'By hand' },
        differences: [
          {
            field: 'description',
            wanted: ['the ownership marker of this action'],
            got: ['one of another repository, environment or name'],
          },
        ],
      });
    },
  );

  it('keeps the identity hash of the client that client_id names if nothing is saved', () => {
    expect(outline(takeOver({}))).toEqual({ result: 'rotated', before: ['add-secret'], after: [] });
    expect(outline(takeOver({ on_existing: 'reuse' }))).toEqual({ result: 'reused', before: [], after: [] });
  });

  it('keeps the description of the client that client_id names if it has the identity hash already', () => {
    const plan = takeOver({ location: LOCATION }, `By hand\n${OLD_MARKER_LINE}`);
    expect(outline(plan)).toEqual({ result: 'rotated', before: ['add-secret', 'save'], after: [] });
  });

  it('writes the requested description together with the identity hash', () => {
    const [step] = takeOver({ location: LOCATION, given: { name: true, description: true } }).beforePublish;
    expect(step).toMatchObject({
      fields: { description: 'What for' },
      differences: [{ field: 'description', wanted: ['"What for"'], got: ['"By hand"'] }],
    });
  });
});

describe('plan with rotate_after', () => {
  const DAY = 86_400_000_000_000n;
  const created = 1_795_000_000_000_000_000n;
  const existing = (age: bigint | undefined, saved?: SavedSnapshot) => ({
    client: client({ secrets: [secret(1, { create_time: age === undefined ? undefined : created })] }),
    others: [],
    now: created + (age ?? 0n),
    saved,
  });
  const desired = (changes: Partial<DesiredClient> = {}) =>
    desiredClient({ on_existing: 'reuse', rotate_after: 30, ...changes });

  it('plans no new secret and dates the next rotation if the secret is not older than rotate_after', () => {
    const plan = planChanges(desired(), existing(30n * DAY));
    expect(plan).toMatchObject({ nextRotation: created + 30n * DAY, notices: [], warnings: [] });
    expect(outline(plan)).toEqual({ result: 'reused', before: [], after: [] });
    expect(plan.reason).toBeUndefined();
  });

  it('dates the next rotation although a field has drifted', () => {
    const found = existing(DAY);
    const drifted = client({ ...DRIFTED, secrets: found.client.secrets });
    const plan = planChanges(desired(), { ...found, client: drifted });
    expect(plan).toMatchObject({ nextRotation: created + 30n * DAY });
    expect(outline(plan)).toEqual({ result: 'reused', before: ['update scopes, name'], after: [] });
  });

  it('plans a new secret and says why if the secret is older than rotate_after', () => {
    const plan = planChanges(desired(), existing(30n * DAY + 1n));
    expect(plan).toMatchObject({ reason: 'secret sks_1 is 30 days old, and rotate_after is 30', notices: [] });
    expect(outline(plan)).toEqual({ result: 'rotated', before: ['add-secret'], after: [] });
    expect(plan.nextRotation).toBeUndefined();
  });

  it('plans a new secret with a notice if the age of the secret is not known', () => {
    const plan = planChanges(desired(), existing(undefined));
    expect(plan).toMatchObject({
      reason: 'the age of secret sks_1 is not known',
      notices: ['Client m2morg_1 gets a new secret: the age of secret sks_1 is not known.'],
    });
    expect(outline(plan)).toEqual({ result: 'rotated', before: ['add-secret'], after: [] });
  });

  it('plans to save the new secret and to retire the saved one last if it is older than rotate_after', () => {
    const found = existing(31n * DAY, SAVED);
    const secrets = [...found.client.secrets, secret(0, { create_time: created + 1n })];
    const plan = planChanges(desired({ location: LOCATION }), { ...found, client: client({ secrets }) });
    expect(plan).toMatchObject({ reason: 'secret sks_1 is 31 days old, and rotate_after is 30' });
    expect(outline(plan)).toEqual({
      result: 'rotated',
      before: ['add-secret, else delete sks_0', 'save'],
      after: ['delete sks_0 unless recent'],
    });
  });

  it('applies rotate_after to the client of the winner of a race', () => {
    const { client: winner, now } = existing(DAY);
    const young = planForWinner(desired(), winner, { now });
    expect(young).toMatchObject({ result: 'reused', nextRotation: created + 30n * DAY });
    const old = planForWinner(desired(), winner, { now: created + 31n * DAY });
    expect(old).toMatchObject({ result: 'rotated', reason: expect.stringContaining('31 days old') });
  });

  it.each<OnExisting>(['rotate', 'replace'])('ignores rotate_after with on_existing: %s', (on_existing) => {
    const found = existing(365n * DAY);
    expect(planChanges(desired({ on_existing }), found)).toEqual(planChanges(desiredClient({ on_existing }), found));
  });
});
