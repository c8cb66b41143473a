import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient, OnExisting } from '../../../src/client/desired.ts';
import { findDrift } from '../../../src/client/drift.ts';
import { appendMarker, formatMarker, MAX_DESCRIPTION_TEXT } from '../../../src/client/marker.ts';
import { planChanges, planForWinner } from '../../../src/client/plan.ts';
import type { Client, ClientFields } from '../../../src/scalekit/types.ts';
import {
  bareDesiredClient,
  client,
  desiredClient,
  LISTS,
  MARKER,
  NEW_MARKER_LINE,
  NO_LISTS,
  OLD_MARKER_LINE,
  secret,
} from '../fixtures.ts';
import { DRIFTED, FIVE_SECRETS, keepCounts, type Outline, outline, planFor, SUCCEEDING, secretLists } from './plans.ts';

describe('planChanges', () => {
  it.each([...SUCCEEDING, 'fail'] as const)('plans to create a client with on_existing: %s if none exists', (mode) => {
    expect(planChanges(desiredClient({ on_existing: mode }), { others: [] })).toEqual({
      result: 'created',
      beforePublish: [{ kind: 'create' }],
      afterPublish: [],
      notices: [],
      warnings: [],
    });
  });

  it.each<[which: string, Partial<Client>, Outline]>([
    ['is as requested', {}, { result: 'rotated', before: ['add-secret'], after: [] }],
    ['has no secrets', { secrets: [] }, { result: 'rotated', before: ['add-secret'], after: [] }],
    ['has drifted', DRIFTED, { result: 'rotated', before: ['update scopes, name', 'add-secret'], after: [] }],
    [
      'has no ownership marker',
      { description: 'What for' },
      { result: 'rotated', before: ['update description', 'add-secret'], after: [] },
    ],
    [
      'has two secrets',
      { secrets: [secret(2), secret(1)] },
      { result: 'rotated', before: ['add-secret, else delete sks_1'], after: ['delete sks_1 unless recent'] },
    ],
    [
      'has drifted and has five secrets',
      { ...DRIFTED, secrets: FIVE_SECRETS },
      {
        result: 'rotated',
        before: ['update scopes, name', 'add-secret, else delete sks_1'],
        after: [1, 2, 3, 4].map((id) => `delete sks_${id} unless recent`),
      },
    ],
  ])('plans with on_existing: rotate to add a secret to a client that %s', (_which, changes, expected) => {
    expect(outline(planFor(desiredClient({ on_existing: 'rotate' }), changes))).toEqual(expected);
  });

  it.each<[which: string, Partial<Client>, updates: string[]]>([
    ['is as requested', {}, []],
    ['has drifted', DRIFTED, ['update scopes, name']],
    ['has no ownership marker', { description: 'What for' }, ['update description']],
    ['has five secrets', { secrets: FIVE_SECRETS }, []],
  ])('plans with on_existing: reuse at most an update of a client that %s', (_which, changes, before) => {
    const plan = planFor(desiredClient({ on_existing: 'reuse' }), changes);
    expect(outline(plan)).toEqual({ result: 'reused', before, after: [] });
  });

  it('plans with on_existing: replace to create a client, and to delete the old one after publishing', () => {
    for (const changes of [{}, { ...DRIFTED, secrets: FIVE_SECRETS }]) {
      const plan = planFor(desiredClient({ on_existing: 'replace' }), changes);
      expect(outline(plan)).toEqual({ result: 'replaced', before: ['create'], after: ['delete-client'] });
    }
  });

  it('throws with on_existing: fail if a client exists, even if one of its lists cannot be emptied', () => {
    for (const changes of [{}, { scopes: ['x'] }]) {
      expect(() => planFor(bareDesiredClient({ on_existing: 'fail' }), changes)).toThrow(
        'Client m2morg_1 "Deployer" exists already, and on_existing is fail.',
      );
    }
  });

  it.each(SUCCEEDING)('uses one of several clients with on_existing: %s and warns of the others', (on_existing) => {
    const found = client(DRIFTED);
    const { warnings, ...plan } = planChanges(desiredClient({ on_existing }), {
      client: found,
      others: ['m2morg_2', 'm2morg_3'],
    });
    expect(warnings).toEqual([
      'Several clients of this repository have the same purpose. This run uses the oldest, m2morg_1, and does not change the others: m2morg_2, m2morg_3. Delete those that are not used. In a matrix, use lifetime: job, a name for each leg, or max-parallel: 1.',
    ]);
    expect(plan.client).toBe(found);
    expect({ ...plan, warnings: [] }).toEqual(planFor(desiredClient({ on_existing }), DRIFTED));
  });

  it.each<OnExisting>(['fail', 'rotate', 'reuse'])(
    'names the other clients in the error if there is no plan with on_existing: %s',
    (on_existing) => {
      const desired = desiredClient({ on_existing, fields: { ...desiredClient().fields, ...NO_LISTS } });
      const planning = () => planChanges(desired, { client: client(), others: ['m2morg_2'] });
      expect(planning).toThrow(/^Client m2morg_1 .*\nSeveral clients .* uses the oldest, m2morg_1, .*: m2morg_2\./s);
    },
  );

  it('changes neither the desired client nor the existing one', () => {
    fc.assert(
      fc.property(secretLists, fc.constantFrom(...SUCCEEDING), (secrets, on_existing) => {
        const desired = desiredClient({ on_existing });
        const existing = { client: client({ ...DRIFTED, secrets }), others: ['x'] };
        const before = structuredClone({ desired, existing });
        planChanges(desired, existing);
        planForWinner(desired, existing.client, {});
        expect({ desired, existing }).toEqual(before);
      }),
    );
  });
});

describe('correction of drift', () => {
  const description = 'What for';
  const everything = { name: 'x', description: `y\n${OLD_MARKER_LINE}`, scopes: [], audience: [], custom_claims: [] };

  it.each<[what: string, Partial<Client>, Partial<ClientFields>]>([
    ['a missing scope', { scopes: ['deploy:apps'] }, { scopes: LISTS.scopes }],
    ['one more scope', { scopes: [...LISTS.scopes, 'x'] }, { scopes: LISTS.scopes }],
    ['a missing audience', { audience: [] }, { audience: LISTS.audience }],
    [
      'a claim with another value',
      { custom_claims: [{ key: 'environment', value: 'staging' }] },
      { custom_claims: LISTS.custom_claims },
    ],
    ['another expiry', { expiry: 86_400 }, { expiry: 3600 }],
    ['another name', { name: 'deployer' }, { name: 'Deployer' }],
    ['another description', { description: `Another\n${OLD_MARKER_LINE}` }, { description }],
    [
      'a difference in every field',
      { ...everything, expiry: 1 },
      { ...LISTS, expiry: 3600, name: 'Deployer', description },
    ],
  ])('sends only the fields that drifted, and complete lists, after %s', (_what, changes, fields) => {
    for (const on_existing of ['rotate', 'reuse'] as const) {
      const desired = desiredClient({ on_existing });
      const [step] = planFor(desired, changes).beforePublish;
      expect(step).toEqual({ kind: 'update', fields, differences: findDrift(desired, client(changes)) });
    }
  });

  it('does not change name, description and expiry if they were not given', () => {
    const changes = { ...NO_LISTS, name: 'x', description: `y\n${OLD_MARKER_LINE}`, expiry: 1 };
    expect(planFor(bareDesiredClient({ on_existing: 'reuse' }), changes).beforePublish).toEqual([]);
  });

  it.each<[list: keyof typeof NO_LISTS, Partial<Client>, got: string]>([
    ['scopes', { scopes: ['x'] }, 'scopes: wanted none; got "x"'],
    ['custom_claims', { custom_claims: [{ key: 'a', value: 'b' }] }, 'custom_claims: wanted none; got "a=b"'],
  ])('fails if it would have to empty the list %s, and only replace has a plan', (_list, changes, got) => {
    const found = { ...NO_LISTS, ...changes, name: 'drifted' };
    for (const on_existing of ['rotate', 'reuse'] as const) {
      expect(() => planFor(bareDesiredClient({ on_existing }), found)).toThrow(
        `Client m2morg_1 has what was not requested, and the API cannot empty a list. on_existing: replace creates a new client. If an entry is a default of the environment, list it among the inputs.\n${got}`,
      );
    }
    expect(planFor(bareDesiredClient({ on_existing: 'replace' }), found).result).toBe('replaced');
  });

  it('names every list that it cannot empty, and no other drift', () => {
    const desired = bareDesiredClient({ given: { name: true, description: false } });
    const planning = () => planFor(desired, { ...LISTS, name: 'drifted' });
    expect(planning).toThrow(/\nscopes: .*\ncustom_claims: .*\n.* an audience that was not requested: [^\n]*$/);
  });
});

describe('correction of the ownership marker', () => {
  const foreignMarkerLine = formatMarker({ ...MARKER, key: 'another_key-1234', by: '99', run: '1.1' });
  const withoutDescription = { given: { name: true, description: false } };

  /** Returns the descriptions that a plan sends for a client with this description. */
  function sentFor(description: string, changes: Partial<DesiredClient> = {}): string[] {
    const { beforePublish } = planFor(desiredClient({ on_existing: 'reuse', ...changes }), { description });
    const { marker = MARKER } = client({ description });
    return beforePublish.flatMap((step) =>
      step.kind === 'update' ? [appendMarker(step.fields.description ?? '', marker)] : [],
    );
  }

  it.each<[what: string, description: string, sent: string]>([
    ['the marker is below another text', `Another\n${OLD_MARKER_LINE}`, `What for\n${OLD_MARKER_LINE}`],
    ['there is only the marker', OLD_MARKER_LINE, `What for\n${OLD_MARKER_LINE}`],
    ['the marker has another identity hash', `Another\n${foreignMarkerLine}`, `What for\n${foreignMarkerLine}`],
    ['the marker is before the text', `${OLD_MARKER_LINE}\nby hand`, `What for\n${OLD_MARKER_LINE}`],
  ])('sends the given description above the same ownership marker if %s', (_what, description, sent) => {
    expect(sentFor(description)).toEqual([sent]);
  });

  it.each(['What for', 'By hand'])('adds the ownership marker below the given description of "%s"', (description) => {
    expect(sentFor(description)).toEqual([`What for\n${NEW_MARKER_LINE}`]);
  });

  it.each<[what: string, description: string, sent: string]>([
    ['is empty', '', NEW_MARKER_LINE],
    ['has two lines', 'By hand\nin two lines', `By hand\nin two lines\n${NEW_MARKER_LINE}`],
    ['is so long that it has to be cut', '😀'.repeat(512), `${'😀'.repeat(MAX_DESCRIPTION_TEXT)}\n${NEW_MARKER_LINE}`],
  ])('adds the ownership marker, if no description was given, to one that %s', (_what, description, sent) => {
    expect(sentFor(description, withoutDescription)).toEqual([sent]);
  });

  it('names the missing ownership marker as the difference', () => {
    const [step] = planFor(desiredClient(), { description: 'What for' }).beforePublish;
    expect(step).toMatchObject({
      differences: [{ field: 'description', wanted: ['the ownership marker of this action'], got: [] }],
    });
  });

  it('names only the text as the difference if text and ownership marker differ', () => {
    const [step] = planFor(desiredClient(), { description: 'By hand' }).beforePublish;
    expect(step).toMatchObject({ differences: [{ field: 'description', wanted: ['"What for"'], got: ['"By hand"'] }] });
  });
});

describe('planForWinner', () => {
  it.each<[OnExisting, which: string, Partial<Client>]>([
    ['rotate', 'as requested', {}],
    ['rotate', 'with five secrets', { secrets: FIVE_SECRETS }],
    ['replace', 'as requested', {}],
    ['replace', 'with five secrets', { secrets: FIVE_SECRETS }],
  ])(
    'adds a secret after a lost race with on_existing: %s, and deletes none of a client %s',
    (mode, _which, changes) => {
      const plan = planForWinner(desiredClient({ on_existing: mode, keep_secrets: 1 }), client(changes), {});
      expect(outline(plan)).toEqual({ result: 'rotated', before: ['add-secret'], after: [] });
      expect(plan).toMatchObject({ client: client(changes), warnings: [] });
    },
  );

  it('adds no secret after a lost race with on_existing: reuse', () => {
    const plan = planForWinner(desiredClient({ on_existing: 'reuse' }), client(), {});
    expect(outline(plan)).toEqual({ result: 'reused', before: [], after: [] });
  });

  it.each<[OnExisting, Outline]>([
    ['rotate', { result: 'rotated', before: ['update scopes, name', 'add-secret'], after: [] }],
    ['reuse', { result: 'reused', before: ['update scopes, name'], after: [] }],
  ])('corrects the drift of the client of the winner with on_existing: %s', (on_existing, expected) => {
    expect(outline(planForWinner(desiredClient({ on_existing }), client(DRIFTED), {}))).toEqual(expected);
  });

  it('throws after a lost race with on_existing: fail', () => {
    expect(() => planForWinner(desiredClient({ on_existing: 'fail' }), client(), {})).toThrow(
      'Client m2morg_1 "Deployer" exists already',
    );
  });

  it.each(SUCCEEDING)('throws after a lost race with on_existing: %s if a list cannot be emptied', (on_existing) => {
    expect(() => planForWinner(bareDesiredClient({ on_existing }), client(), {})).toThrow(
      'the API cannot empty a list',
    );
  });

  it('deletes and creates nothing after a lost race, for any secrets', () => {
    fc.assert(
      fc.property(secretLists, keepCounts, fc.constantFrom(...SUCCEEDING), (secrets, keep_secrets, on_existing) => {
        const desired = desiredClient({ on_existing, keep_secrets });
        const { before, after } = outline(planForWinner(desired, client({ ...DRIFTED, secrets }), {}));
        expect(before.filter((step) => /delete|create/.test(step))).toEqual([]);
        expect(after).toEqual([]);
      }),
    );
  });
});
