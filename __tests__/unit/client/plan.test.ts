import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient, OnExisting } from '../../../src/client/desired.ts';
import { findDrift } from '../../../src/client/drift.ts';
import { appendMarker, formatMarker, MAX_DESCRIPTION_TEXT } from '../../../src/client/marker.ts';
import { planChanges, planForWinner } from '../../../src/client/plan.ts';
import type { SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import type { Client, ClientFields } from '../../../src/scalekit/types.ts';
import {
  bareDesiredClient,
  client,
  desiredClient,
  LISTS,
  LOCATION,
  MARKER,
  NEW_MARKER_LINE,
  NO_LISTS,
  NOTHING_SAVED,
  OLD_MARKER_LINE,
  SAVED,
  secret,
} from '../fixtures.ts';
import { DRIFTED, FIVE_SECRETS, keepCounts, outline, planFor, secretLists } from './plans.ts';

const ALL: OnExisting[] = ['rotate', 'reuse', 'replace', 'fail'];

describe('a plan', () => {
  it.each(ALL)('if nothing exists is to create a client, with on_existing: %s', (on_existing) => {
    expect(planChanges(desiredClient({ on_existing }), { others: [] })).toEqual({
      result: 'created',
      beforePublish: [{ kind: 'create' }],
      afterPublish: [],
      notices: [],
      warnings: [],
    });
  });

  it('for a job is to create a client', () => {
    const marker = { ...MARKER, lifetime: 'job' } as const;
    expect(outline(planChanges(desiredClient({ marker }), { others: [] }))).toEqual(['created', ['create'], []]);
  });

  it.each<[OnExisting, what: string, Partial<Client>, ...ReturnType<typeof outline>]>([
    ['rotate', 'as it was asked for', {}, 'rotated', ['add-secret'], []],
    ['rotate', 'without secrets', { secrets: [] }, 'rotated', ['add-secret'], []],
    ['rotate', 'that drifted', DRIFTED, 'rotated', ['update scopes, name', 'add-secret'], []],
    [
      'rotate',
      'without an ownership marker',
      { description: 'What for' },
      'rotated',
      ['update description', 'add-secret'],
      [],
    ],
    [
      'rotate',
      'with two secrets',
      { secrets: [secret(2), secret(1)] },
      'rotated',
      ['add-secret, else delete sks_1'],
      ['delete sks_1 unless recent'],
    ],
    [
      'rotate',
      'that drifted and has five secrets',
      { ...DRIFTED, secrets: FIVE_SECRETS },
      'rotated',
      ['update scopes, name', 'add-secret, else delete sks_1'],
      [1, 2, 3, 4].map((id) => `delete sks_${id} unless recent`),
    ],
    ['reuse', 'as it was asked for', {}, 'reused', [], []],
    ['reuse', 'that drifted', DRIFTED, 'reused', ['update scopes, name'], []],
    ['reuse', 'without an ownership marker', { description: 'What for' }, 'reused', ['update description'], []],
    ['reuse', 'with five secrets', { secrets: FIVE_SECRETS }, 'reused', [], []],
    ['replace', 'as it was asked for', {}, 'replaced', ['create'], ['delete-client']],
    ['replace', 'that drifted', DRIFTED, 'replaced', ['create'], ['delete-client']],
    ['replace', 'without an ownership marker', { description: 'What for' }, 'replaced', ['create'], ['delete-client']],
    ['replace', 'with five secrets', { secrets: FIVE_SECRETS }, 'replaced', ['create'], ['delete-client']],
  ])('to %s a client %s', (on_existing, _what, changes, ...steps) => {
    expect(outline(planFor(desiredClient({ on_existing }), changes))).toEqual(steps);
  });

  it.each<[string, Partial<Client>]>([
    ['as it was asked for', {}],
    ['that drifted', DRIFTED],
    ['with a list that cannot be emptied', { scopes: ['x'] }],
    ['with five secrets', { secrets: FIVE_SECRETS }],
  ])('there is none with on_existing: fail if a client exists %s', (_what, changes) => {
    const { name = 'Deployer' } = changes;
    expect(() => planFor(bareDesiredClient({ on_existing: 'fail' }), changes)).toThrow(
      `Client m2morg_1 "${name}" exists already, and on_existing is fail.`,
    );
  });

  it.each<OnExisting>(['rotate', 'reuse', 'replace'])('to %s goes on with the client that was found', (on_existing) => {
    const found = client(DRIFTED);
    expect(planChanges(desiredClient({ on_existing }), { client: found, others: [] }).client).toBe(found);
  });

  it.each<OnExisting>(['rotate', 'reuse', 'replace'])(
    'to %s one of several warns of the others, and is no other for that',
    (on_existing) => {
      const others = ['m2morg_2', 'm2morg_3'];
      const { warnings, ...plan } = planChanges(desiredClient({ on_existing }), { client: client(DRIFTED), others });
      expect(warnings).toEqual([
        'Several clients of this repository have the same purpose. This run uses the oldest, m2morg_1, and does not change the others: m2morg_2, m2morg_3. Delete those that are not used. In a matrix, use lifetime: job, a name for each leg, or max-parallel: 1.',
      ]);
      expect({ ...plan, warnings: [] }).toEqual(planFor(desiredClient({ on_existing }), DRIFTED));
    },
  );

  it.each<OnExisting>(['fail', 'rotate', 'reuse'])('names the others if there is no plan: %s', (on_existing) => {
    const desired = desiredClient({ on_existing, fields: { ...desiredClient().fields, ...NO_LISTS } });
    const planning = () => planChanges(desired, { client: client(), others: ['m2morg_2'] });
    expect(planning).toThrow(/^Client m2morg_1 .*\nSeveral clients .* uses the oldest, m2morg_1, .*: m2morg_2\./s);
  });
});

describe('a plan with a secret location', () => {
  /** Returns the plan if one client exists. @param saved what GitHub Actions has from an earlier run */
  const planSaved = (on_existing: OnExisting, saved: SavedSnapshot | undefined, changes: Partial<Client> = {}) =>
    planChanges(desiredClient({ on_existing, location: LOCATION }), { client: client(changes), others: [], saved });

  it.each<[OnExisting, what: string, Partial<Client> | undefined, ...ReturnType<typeof outline>]>([
    ['rotate', 'nothing', undefined, 'created', ['create', 'save'], []],
    ['reuse', 'nothing', undefined, 'created', ['create', 'save'], []],
    ['fail', 'nothing', undefined, 'created', ['create', 'save'], []],
    ['rotate', 'a client', {}, 'rotated', ['add-secret', 'save'], []],
    ['replace', 'a client', {}, 'replaced', ['create', 'save'], ['delete-client']],
    [
      'rotate',
      'a client that drifted and has five secrets',
      { ...DRIFTED, secrets: FIVE_SECRETS },
      'rotated',
      ['update scopes, name', 'add-secret, else delete sks_2', 'save'],
      [2, 3, 4, 5].map((id) => `delete sks_${id} unless recent`),
    ],
    ['reuse', 'a client', {}, 'reused', [], []],
    ['reuse', 'a client that drifted', DRIFTED, 'reused', ['update scopes, name'], []],
  ])('saves last, before anything is retired: %s if there is %s', (on_existing, _what, changes, ...steps) => {
    const plan = changes
      ? planSaved(on_existing, SAVED, changes)
      : planChanges(desiredClient({ on_existing, location: LOCATION }), { others: [], saved: SAVED });
    expect(outline(plan)).toEqual(steps);
  });

  const UNUSABLE: [what: string, SavedSnapshot | undefined, reason: string][] = [
    ['nothing is known to be saved', undefined, 'no credentials of it are saved'],
    ['nothing is saved', NOTHING_SAVED, 'no credentials of it are saved'],
    [
      'the variable names another client',
      { ...SAVED, client_id: 'm2morg_2' },
      "the saved credentials are another client's",
    ],
    [
      'the saved secret is not active',
      { ...SAVED, state: SAVED.state.replace('sks_1', 'sks_0') },
      'the saved secret sks_0 is not active',
    ],
  ];

  it.each(UNUSABLE)('with on_existing: reuse adds and saves a new secret if %s', (_what, saved, reason) => {
    const plan = planSaved('reuse', saved);
    expect(plan).toMatchObject({ reason, notices: [], warnings: [] });
    expect(plan).not.toHaveProperty('nextRotation');
    expect(outline(plan)).toEqual(['rotated', ['add-secret', 'save'], []]);
  });

  it.each(UNUSABLE)('for a run that lost a race adds and saves a new secret if %s', (_what, saved, reason) => {
    const plan = planForWinner(desiredClient({ on_existing: 'reuse', location: LOCATION }), client(), { saved });
    expect(plan).toMatchObject({ reason, notices: [], warnings: [] });
    expect(outline(plan)).toEqual(['rotated', ['add-secret', 'save'], []]);
  });

  it('with on_existing: reuse changes nothing if the saved credentials are usable', () => {
    for (const plan of [
      planSaved('reuse', SAVED),
      planForWinner(desiredClient({ on_existing: 'reuse', location: LOCATION }), client(), { saved: SAVED }),
    ]) {
      expect(outline(plan)).toEqual(['reused', [], []]);
      expect(plan.reason).toBeUndefined();
    }
  });

  it.each<OnExisting>(['rotate', 'replace'])('with on_existing: %s ignores what is saved', (on_existing) => {
    for (const saved of [undefined, { ...SAVED, client_id: 'm2morg_2' }])
      expect(planSaved(on_existing, saved)).toEqual(planSaved(on_existing, SAVED));
  });

  it('with on_existing: fail fails if a client exists, whatever is saved', () => {
    for (const saved of [undefined, SAVED]) expect(() => planSaved('fail', saved)).toThrow('exists already');
  });

  it('is the same for a dry run, which only shows it', () => {
    for (const on_existing of ALL.slice(0, 3)) {
      for (const saved of [undefined, SAVED]) {
        const desired = desiredClient({ on_existing, location: LOCATION, dry_run: true });
        expect(planChanges(desired, { client: client(), others: [], saved })).toEqual(planSaved(on_existing, saved));
      }
    }
  });

  it('saves again by the rules of a rotation', () => {
    const { reason, ...plan } = planSaved('reuse', undefined, { ...DRIFTED, secrets: FIVE_SECRETS });
    expect(plan).toEqual(planSaved('rotate', undefined, { ...DRIFTED, secrets: FIVE_SECRETS }));
    expect(reason).toBe('no credentials of it are saved');
  });

  it('saves nothing if there is no secret location, whatever is saved', () => {
    for (const on_existing of ['rotate', 'reuse', 'replace'] as const) {
      const found = { client: client(), others: [] };
      const desired = desiredClient({ on_existing });
      expect(planChanges(desired, { ...found, saved: undefined })).toEqual(
        planChanges(desired, { ...found, saved: SAVED }),
      );
      expect(JSON.stringify(outline(planChanges(desired, found)))).not.toContain('save');
    }
  });

  it('saves once, last, and exactly if there is a new secret', () => {
    const snapshots = fc.option(fc.constantFrom(SAVED, { ...SAVED, client_id: 'x' }), { nil: undefined });
    const clients = fc.option(fc.constantFrom<Partial<Client>>({}, DRIFTED, { secrets: FIVE_SECRETS }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(
        fc.constantFrom<OnExisting[]>('rotate', 'reuse', 'replace'),
        clients,
        snapshots,
        (on_existing, changes, saved) => {
          const existing = { client: changes && client(changes), others: [], saved };
          const { beforePublish, afterPublish } = planChanges(
            desiredClient({ on_existing, location: LOCATION }),
            existing,
          );
          const hasNewSecret = beforePublish.some(({ kind }) => kind === 'create' || kind === 'add-secret');
          expect(beforePublish.flatMap(({ kind }, at) => (kind === 'save' ? [at] : []))).toEqual(
            hasNewSecret ? [beforePublish.length - 1] : [],
          );
          expect(afterPublish.map(({ kind }) => kind)).not.toContain('save');
        },
      ),
    );
  });
});

describe('a correction', () => {
  const description = 'What for';
  const everything = { name: 'x', description: `y\n${OLD_MARKER_LINE}`, scopes: [], audience: [], custom_claims: [] };

  it.each<[what: string, Partial<Client>, Partial<ClientFields>]>([
    ['scopes', { scopes: ['deploy:apps'] }, { scopes: LISTS.scopes }],
    ['scopes', { scopes: [...LISTS.scopes, 'x'] }, { scopes: LISTS.scopes }],
    ['audience', { audience: [] }, { audience: LISTS.audience }],
    [
      'custom_claims',
      { custom_claims: [{ key: 'environment', value: 'staging' }] },
      { custom_claims: LISTS.custom_claims },
    ],
    ['expiry', { expiry: 86_400 }, { expiry: 3600 }],
    ['name', { name: 'deployer' }, { name: 'Deployer' }],
    ['description', { description: `Another\n${OLD_MARKER_LINE}` }, { description }],
    ['description', { description: OLD_MARKER_LINE }, { description }],
    ['all', { ...everything, expiry: 1 }, { ...LISTS, expiry: 3600, name: 'Deployer', description }],
  ])('sends what drifted alone, in whole: %s', (_what, changes, fields) => {
    for (const on_existing of ['rotate', 'reuse'] as const) {
      const desired = desiredClient({ on_existing });
      const [step] = planFor(desired, changes).beforePublish;
      expect(step).toEqual({ kind: 'update', fields, differences: findDrift(desired, client(changes)) });
    }
  });

  it('leaves name, description and expiry alone if they were not given', () => {
    const changes = { ...NO_LISTS, name: 'x', description: `y\n${OLD_MARKER_LINE}`, expiry: 1 };
    expect(planFor(bareDesiredClient({ on_existing: 'reuse' }), changes).beforePublish).toEqual([]);
  });

  it.each<[list: keyof typeof NO_LISTS, Partial<Client>, got: string]>([
    ['scopes', { scopes: ['x'] }, 'scopes: wanted none; got "x"'],
    ['custom_claims', { custom_claims: [{ key: 'a', value: 'b' }] }, 'custom_claims: wanted none; got "a=b"'],
  ])('cannot empty a list, which only a new client is without: %s', (_list, changes, got) => {
    const found = { ...NO_LISTS, ...changes, name: 'drifted' };
    for (const on_existing of ['rotate', 'reuse'] as const) {
      expect(() => planFor(bareDesiredClient({ on_existing }), found)).toThrow(
        `Client m2morg_1 has what was not requested, and the API cannot empty a list. on_existing: replace creates a new client. If an entry is a default of the environment, list it among the inputs.\n${got}`,
      );
    }
    expect(outline(planFor(bareDesiredClient({ on_existing: 'replace' }), found))[0]).toBe('replaced');
  });

  it('names every list that it cannot empty, and no other drift', () => {
    const desired = bareDesiredClient({ given: { name: true, description: false } });
    const planning = () => planFor(desired, { ...LISTS, name: 'drifted' });
    expect(planning).toThrow(/\nscopes: .*\ncustom_claims: .*\n.* an audience that was not requested: [^\n]*$/);
  });
});

describe('the ownership marker', () => {
  const foreignMarkerLine = formatMarker({ ...MARKER, key: 'another_key-1234', by: '99', run: '1.1' });

  it.each<[string, Partial<DesiredClient>, string, string | undefined]>([
    ['stays as it is if nothing drifted', {}, `What for\n${OLD_MARKER_LINE}`, undefined],
    ['stays as it is below a new description', {}, `Another\n${OLD_MARKER_LINE}`, `What for\n${OLD_MARKER_LINE}`],
    ['stays as it is if it stands alone', {}, OLD_MARKER_LINE, `What for\n${OLD_MARKER_LINE}`],
    [
      'stays as it is if its identity hash is another',
      {},
      `Another\n${foreignMarkerLine}`,
      `What for\n${foreignMarkerLine}`,
    ],
    ['stays as it is, whatever ends it', {}, `Another\n${OLD_MARKER_LINE}\n `, `What for\n${OLD_MARKER_LINE}`],
    ['is added to a description made by hand', {}, 'What for', `What for\n${NEW_MARKER_LINE}`],
    ['is added to a new description', {}, 'By hand', `What for\n${NEW_MARKER_LINE}`],
    ['is all if there was no description', { given: { name: true, description: false } }, '', NEW_MARKER_LINE],
    [
      'is added to what stands there, if no description was given',
      { given: { name: true, description: false } },
      'By hand\nin two lines',
      `By hand\nin two lines\n${NEW_MARKER_LINE}`,
    ],
    [
      'goes back to the end when the text is corrected',
      {},
      `${OLD_MARKER_LINE}\nby hand`,
      `What for\n${OLD_MARKER_LINE}`,
    ],
    [
      'has room, for which a description made by hand is cut',
      { given: { name: true, description: false } },
      '😀'.repeat(512),
      `${'😀'.repeat(MAX_DESCRIPTION_TEXT)}\n${NEW_MARKER_LINE}`,
    ],
  ])('%s', (_what, changes, description, sent) => {
    const { beforePublish } = planFor(desiredClient({ on_existing: 'reuse', ...changes }), { description });
    const { marker = MARKER } = client({ description });
    const descriptions = beforePublish.map((step) => (step.kind === 'update' ? step.fields.description : undefined));
    expect(descriptions.map((text = '') => appendMarker(text, marker))).toEqual(sent === undefined ? [] : [sent]);
  });

  it('is named as what a client made by hand is without', () => {
    const [step] = planFor(desiredClient(), { description: 'What for' }).beforePublish;
    expect(step).toMatchObject({
      differences: [{ field: 'description', wanted: ['the ownership marker of this action'], got: [] }],
    });
  });

  it('is no second difference if the description drifted anyway', () => {
    const [step] = planFor(desiredClient(), { description: 'By hand' }).beforePublish;
    expect(step).toMatchObject({ differences: [{ field: 'description', wanted: ['"What for"'], got: ['"By hand"'] }] });
  });
});

describe('a client that client_id takes over', () => {
  const foreign = `By hand\n${formatMarker({ ...MARKER, key: 'another_key-1234', nonce: 'older-nonce-1234' })}`;
  const given = { name: true, description: false };
  const takeOver = (changes: Partial<DesiredClient>, description = foreign) =>
    planFor(desiredClient({ client_id: 'm2morg_1', given, ...changes }), { description });

  it.each<OnExisting>(['rotate', 'reuse'])(
    'gives a client that client_id takes over the identity hash before it adds and saves a secret, with on_existing: %s',
    (on_existing) => {
      const plan = takeOver({ on_existing, location: LOCATION });
      expect(outline(plan)).toEqual(['rotated', ['update description', 'add-secret', 'save'], []]);
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

  it('keeps the identity hash of a client that client_id names if nothing is saved', () => {
    expect(outline(takeOver({}))).toEqual(['rotated', ['add-secret'], []]);
    expect(outline(takeOver({ on_existing: 'reuse' }))).toEqual(['reused', [], []]);
  });

  it('keeps the description of a client that has the identity hash already', () => {
    const plan = takeOver({ location: LOCATION }, `By hand\n${OLD_MARKER_LINE}`);
    expect(outline(plan)).toEqual(['rotated', ['add-secret', 'save'], []]);
  });

  it('writes the description that is asked for together with the identity hash', () => {
    const [step] = takeOver({ location: LOCATION, given: { name: true, description: true } }).beforePublish;
    expect(step).toMatchObject({
      fields: { description: 'What for' },
      differences: [{ field: 'description', wanted: ['"What for"'], got: ['"By hand"'] }],
    });
  });
});

describe('a plan with rotate_after', () => {
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

  it('plans no new secret and dates the next rotation if the secret is young enough', () => {
    const plan = planChanges(desired(), existing(30n * DAY));
    expect(plan).toMatchObject({ nextRotation: created + 30n * DAY, notices: [], warnings: [] });
    expect(outline(plan)).toEqual(['reused', [], []]);
    expect(plan.reason).toBeUndefined();
  });

  it('dates the next rotation although a field has drifted', () => {
    const found = existing(DAY);
    const drifted = client({ ...DRIFTED, secrets: found.client.secrets });
    const plan = planChanges(desired(), { ...found, client: drifted });
    expect(plan).toMatchObject({ nextRotation: created + 30n * DAY });
    expect(outline(plan)).toEqual(['reused', ['update scopes, name'], []]);
  });

  it('plans a new secret and says why if the secret is too old', () => {
    const plan = planChanges(desired(), existing(30n * DAY + 1n));
    expect(plan).toMatchObject({ reason: 'secret sks_1 is 30 days old, and rotate_after is 30', notices: [] });
    expect(outline(plan)).toEqual(['rotated', ['add-secret'], []]);
    expect(plan.nextRotation).toBeUndefined();
  });

  it('plans a new secret with a notice if the age of the secret is not known', () => {
    const plan = planChanges(desired(), existing(undefined));
    expect(plan).toMatchObject({
      reason: 'the age of secret sks_1 is not known',
      notices: ['Client m2morg_1 gets a new secret: the age of secret sks_1 is not known.'],
    });
    expect(outline(plan)).toEqual(['rotated', ['add-secret'], []]);
  });

  it('plans to save the new secret and to retire the saved one last', () => {
    const found = existing(31n * DAY, SAVED);
    const secrets = [...found.client.secrets, secret(0, { create_time: created + 1n })];
    const plan = planChanges(desired({ location: LOCATION }), { ...found, client: client({ secrets }) });
    expect(plan).toMatchObject({ reason: 'secret sks_1 is 31 days old, and rotate_after is 30' });
    expect(outline(plan)).toEqual([
      'rotated',
      ['add-secret, else delete sks_0', 'save'],
      ['delete sks_0 unless recent'],
    ]);
  });

  it('applies rotate_after to the client of the winner of a race', () => {
    const { client: winner, now } = existing(DAY);
    const young = planForWinner(desired(), winner, { now });
    expect(young).toMatchObject({ result: 'reused', nextRotation: created + 30n * DAY });
    const old = planForWinner(desired(), winner, { now: created + 31n * DAY });
    expect(old).toMatchObject({ result: 'rotated', reason: expect.stringContaining('31 days old') });
  });

  it('ignores rotate_after with another on_existing', () => {
    for (const on_existing of ['rotate', 'replace'] as const) {
      const found = existing(365n * DAY);
      const plan = planChanges(desired({ on_existing }), found);
      expect(plan).toEqual(planChanges(desiredClient({ on_existing }), found));
    }
  });
});

describe('a run that lost a race', () => {
  it.each<[OnExisting, string, Partial<Client>, ...ReturnType<typeof outline>]>([
    ['rotate', 'as it was asked for', {}, 'rotated', ['add-secret'], []],
    ['rotate', 'that drifted', DRIFTED, 'rotated', ['update scopes, name', 'add-secret'], []],
    ['rotate', 'with five secrets', { secrets: FIVE_SECRETS }, 'rotated', ['add-secret'], []],
    ['replace', 'as it was asked for', {}, 'rotated', ['add-secret'], []],
    ['replace', 'with five secrets', { secrets: FIVE_SECRETS }, 'rotated', ['add-secret'], []],
    ['reuse', 'as it was asked for', {}, 'reused', [], []],
    ['reuse', 'that drifted', DRIFTED, 'reused', ['update scopes, name'], []],
  ])('goes on, with on_existing: %s, with a client %s', (on_existing, _what, changes, ...steps) => {
    const plan = planForWinner(desiredClient({ on_existing, keep_secrets: 1 }), client(changes), {});
    expect(outline(plan)).toEqual(steps);
    expect(plan).toMatchObject({ client: client(changes), warnings: [] });
  });

  it('fails with on_existing: fail', () => {
    expect(() => planForWinner(desiredClient({ on_existing: 'fail' }), client(), {})).toThrow(
      'Client m2morg_1 "Deployer" exists already',
    );
  });

  it.each<OnExisting>(['rotate', 'replace', 'reuse'])(
    'fails with on_existing: %s if the client has a list that cannot be emptied',
    (on_existing) => {
      expect(() => planForWinner(bareDesiredClient({ on_existing }), client(), {})).toThrow(
        'the API cannot empty a list',
      );
    },
  );

  it('deletes nothing', () => {
    fc.assert(
      fc.property(
        secretLists,
        keepCounts,
        fc.constantFrom<OnExisting[]>('rotate', 'reuse', 'replace'),
        (secrets, keep_secrets, on_existing) => {
          const { beforePublish, afterPublish } = planForWinner(
            desiredClient({ on_existing, keep_secrets }),
            client({ ...DRIFTED, secrets }),
            {},
          );
          expect(beforePublish.filter(({ kind }) => /delete|create/.test(kind))).toEqual([]);
          expect(afterPublish).toEqual([]);
        },
      ),
    );
  });
});

it('planning changes nothing in what it is given', () => {
  fc.assert(
    fc.property(secretLists, fc.constantFrom<OnExisting[]>('rotate', 'reuse', 'replace'), (secrets, on_existing) => {
      const [desired, existing] = [
        desiredClient({ on_existing }),
        { client: client({ ...DRIFTED, secrets }), others: ['x'] },
      ];
      const before = structuredClone([desired, existing]);
      planChanges(desired, existing);
      planForWinner(desired, existing.client, {});
      expect([desired, existing]).toEqual(before);
    }),
  );
});
