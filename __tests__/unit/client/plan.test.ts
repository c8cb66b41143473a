import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DesiredClient, OnExisting } from '../../../src/client/desired.ts';
import {
  claimTexts,
  compareFields,
  compareSets,
  differences,
  formatDifferences,
  shortfalls,
} from '../../../src/client/drift.ts';
import { appendMarker, formatMarker, MAX_DESCRIPTION_TEXT, oldestFirst } from '../../../src/client/identity.ts';
import { type Plan, planChanges, planForWinner, type Step } from '../../../src/client/plan.ts';
import { evictions } from '../../../src/client/retirement.ts';
import type { SavedSnapshot, SecretLocation } from '../../../src/github/saved-credentials.ts';
import type { Client, ClientFields, Secret } from '../../../src/scalekit/types.ts';
import { byCreateTime } from '../../../src/scalekit/types.ts';
import { bareRequest, client, LISTS, NEW_LINE, NO_LISTS, OLD_LINE, request, secret, TRAILER } from '../fixtures.ts';

const ALL: OnExisting[] = ['rotate', 'reuse', 'replace', 'fail'];
const INACTIVE = { active: false };
const UNDATED = { create_time: undefined };

/** A step in words. */
function words(step: Step): string {
  if (step.kind === 'update') return `update ${Object.keys(step.fields).join(', ')}`;
  if (step.kind === 'delete-secret') return `delete ${step.secret.id}${step.spareRecent ? ' unless young' : ''}`;
  return step.kind;
}

function outline({
  result,
  beforePublish: before,
  afterPublish: after,
}: Plan): [result: string, before: string[], after: string[]] {
  return [result, before.map(words), after.map(words)];
}

/** The plan for a client that is there alone. */
function planFor(request: DesiredClient, changes: Partial<Client> = {}): Plan {
  return planChanges(request, { client: client(changes), others: [] });
}

function idsOf(steps: Step[]): string[] {
  return steps.flatMap((step) => (step.kind === 'delete-secret' ? [step.secret.id] : []));
}

const FIVE = [1, 2, 3, 4, 5].map((time) => secret(time));
const DRIFTED = { name: 'Another', scopes: ['read:apps'] };

describe('a plan', () => {
  it.each(ALL)('where nothing exists is to make a client, with on_existing: %s', (on_existing) => {
    expect(planChanges(request({ on_existing }), { others: [] })).toEqual({
      result: 'created',
      beforePublish: [{ kind: 'create' }],
      afterPublish: [],
      warnings: [],
    });
  });

  it('for a job is to make a client', () => {
    const marker = { ...TRAILER, lifetime: 'job' } as const;
    expect(outline(planChanges(request({ marker }), { others: [] }))).toEqual(['created', ['create'], []]);
  });

  it.each<[OnExisting, what: string, Partial<Client>, ...ReturnType<typeof outline>]>([
    ['rotate', 'as it was asked for', {}, 'rotated', ['add-secret'], []],
    ['rotate', 'without secrets', { secrets: [] }, 'rotated', ['add-secret'], []],
    ['rotate', 'that drifted', DRIFTED, 'rotated', ['update scopes, name', 'add-secret'], []],
    ['rotate', 'without a trailer', { description: 'What for' }, 'rotated', ['update description', 'add-secret'], []],
    [
      'rotate',
      'with two secrets',
      { secrets: [secret(2), secret(1)] },
      'rotated',
      ['add-secret'],
      ['delete sks_1 unless young'],
    ],
    [
      'rotate',
      'that drifted and has five secrets',
      { ...DRIFTED, secrets: FIVE },
      'rotated',
      ['update scopes, name', 'delete sks_1', 'add-secret'],
      ['delete sks_2 unless young', 'delete sks_3 unless young', 'delete sks_4 unless young'],
    ],
    ['reuse', 'as it was asked for', {}, 'reused', [], []],
    ['reuse', 'that drifted', DRIFTED, 'reused', ['update scopes, name'], []],
    ['reuse', 'without a trailer', { description: 'What for' }, 'reused', ['update description'], []],
    ['reuse', 'with five secrets', { secrets: FIVE }, 'reused', [], []],
    ['replace', 'as it was asked for', {}, 'replaced', ['create'], ['delete-client']],
    ['replace', 'that drifted', DRIFTED, 'replaced', ['create'], ['delete-client']],
    ['replace', 'without a trailer', { description: 'What for' }, 'replaced', ['create'], ['delete-client']],
    ['replace', 'with five secrets', { secrets: FIVE }, 'replaced', ['create'], ['delete-client']],
  ])('to %s a client %s', (on_existing, _what, changes, ...steps) => {
    expect(outline(planFor(request({ on_existing }), changes))).toEqual(steps);
  });

  it.each<[string, Partial<Client>]>([
    ['as it was asked for', {}],
    ['that drifted', DRIFTED],
    ['with a list that cannot be emptied', { scopes: ['x'] }],
    ['with five secrets', { secrets: FIVE }],
  ])('there is none with on_existing: fail where a client exists %s', (_what, changes) => {
    const { name = 'Deployer' } = changes;
    expect(() => planFor(bareRequest({ on_existing: 'fail' }), changes)).toThrow(
      `Client m2morg_1 "${name}" exists already, and on_existing is fail.`,
    );
  });

  it.each<OnExisting>(['rotate', 'reuse', 'replace'])('to %s goes on with the client that was found', (on_existing) => {
    const found = client(DRIFTED);
    expect(planChanges(request({ on_existing }), { client: found, others: [] }).client).toBe(found);
  });

  it.each<OnExisting>(['rotate', 'reuse', 'replace'])(
    'to %s one of several warns of the others, and is no other for that',
    (on_existing) => {
      const others = ['m2morg_2', 'm2morg_3'];
      const { warnings, ...alike } = planChanges(request({ on_existing }), { client: client(DRIFTED), others });
      expect(warnings).toEqual([
        "Several clients are this repository's for the same purpose. This run uses the oldest, m2morg_1, and touches none of the others: m2morg_2, m2morg_3. Delete those that nobody uses.",
      ]);
      expect({ ...alike, warnings: [] }).toEqual(planFor(request({ on_existing }), DRIFTED));
    },
  );

  it.each<OnExisting>(['fail', 'rotate', 'reuse'])('names the others where there is no way: %s', (on_existing) => {
    const asked = request({ on_existing, fields: { ...request().fields, ...NO_LISTS } });
    const end = () => planChanges(asked, { client: client(), others: ['m2morg_2'] });
    expect(end).toThrow(/^Client m2morg_1 .*\nSeveral clients .* uses the oldest, m2morg_1, .*: m2morg_2\./s);
  });

  it('says what has to go before a new secret is made', () => {
    const { warnings } = planChanges(request(), { client: client({ secrets: FIVE }), others: ['m2morg_2'] });
    expect(warnings).toEqual([
      expect.stringMatching(/^Several clients /),
      'Client m2morg_1 has 5 secrets, and 5 is the most: sks_1 has to go before a new one is made, however young it is.',
    ]);
  });
});

describe('a plan with a place where the pair is kept', () => {
  const location: SecretLocation = { repository: 'acme/app', environment: '', variable: 'A_ID', secret: 'A_SECRET' };
  const SAVED: SavedSnapshot = {
    client_id: 'm2morg_1',
    variableTime: '2026-11-24T08:00:00Z',
    secretTime: '2026-11-24T08:00:02Z',
  };
  /** The plan for a client that is there alone, and what is kept of an earlier pair. */
  const planSaved = (on_existing: OnExisting, saved: SavedSnapshot | undefined, changes: Partial<Client> = {}) =>
    planChanges(request({ on_existing, location }), { client: client(changes), others: [], saved });

  it.each<[OnExisting, what: string, Partial<Client> | undefined, ...ReturnType<typeof outline>]>([
    ['rotate', 'nothing', undefined, 'created', ['create', 'save'], []],
    ['reuse', 'nothing', undefined, 'created', ['create', 'save'], []],
    ['fail', 'nothing', undefined, 'created', ['create', 'save'], []],
    ['rotate', 'a client', {}, 'rotated', ['add-secret', 'save'], []],
    ['replace', 'a client', {}, 'replaced', ['create', 'save'], ['delete-client']],
    [
      'rotate',
      'a client that drifted and has five secrets',
      { ...DRIFTED, secrets: FIVE },
      'rotated',
      ['update scopes, name', 'delete sks_1', 'add-secret', 'save'],
      ['delete sks_2 unless young', 'delete sks_3 unless young', 'delete sks_4 unless young'],
    ],
    ['reuse', 'a client', {}, 'reused', [], []],
    ['reuse', 'a client that drifted', DRIFTED, 'reused', ['update scopes, name'], []],
  ])('saves last, before anything is retired: %s where there is %s', (on_existing, _what, changes, ...steps) => {
    const planned = changes
      ? planSaved(on_existing, SAVED, changes)
      : planChanges(request({ on_existing, location }), { others: [], saved: SAVED });
    expect(outline(planned)).toEqual(steps);
  });

  it.each<[what: string, SavedSnapshot | undefined, heals: boolean]>([
    ['variable and secret are there', SAVED, false],
    ['variable and secret are of one second', { ...SAVED, variableTime: SAVED.secretTime }, false],
    ['the secret is much younger', { ...SAVED, secretTime: '2026-12-24T08:00:00Z' }, false],
    ['the variable is a little younger', { ...SAVED, variableTime: '2026-11-24T08:01:02Z' }, false],
    [
      'the variable is so much younger that its secret never came',
      { ...SAVED, variableTime: '2026-11-24T08:01:03Z' },
      true,
    ],
    ['nobody says when the variable was written', { ...SAVED, variableTime: undefined }, false],
    ['its time is none', { ...SAVED, variableTime: '' }, false],
    ["the secret's time is none", { ...SAVED, secretTime: '' }, false],
    ['nothing is kept', undefined, true],
    ['neither is there', { client_id: undefined, secretTime: undefined }, true],
    ['there is no variable', { ...SAVED, client_id: undefined }, true],
    ["the variable is another client's", { ...SAVED, client_id: 'm2morg_2' }, true],
    ['the variable is in another case', { ...SAVED, client_id: 'M2MORG_1' }, true],
    ['the variable is empty', { ...SAVED, client_id: '' }, true],
    ['there is no secret', { ...SAVED, secretTime: undefined }, true],
  ])('with on_existing: reuse heals what is kept, and else touches nothing: %s', (_what, saved, heals) => {
    const expected = heals ? ['rotated', ['add-secret', 'save'], []] : ['reused', [], []];
    expect(outline(planSaved('reuse', saved))).toEqual(expected);
    expect(outline(planForWinner(request({ on_existing: 'reuse', location }), client(), saved))).toEqual(expected);
  });

  it.each<OnExisting>(['rotate', 'replace'])('with on_existing: %s does not ask what is kept', (on_existing) => {
    for (const saved of [undefined, { ...SAVED, client_id: 'm2morg_2' }])
      expect(planSaved(on_existing, saved)).toEqual(planSaved(on_existing, SAVED));
  });

  it('with on_existing: fail fails where a client exists, whatever is kept', () => {
    for (const saved of [undefined, SAVED]) expect(() => planSaved('fail', saved)).toThrow('exists already');
  });

  it('is the same for a dry run, which only shows it', () => {
    for (const on_existing of ALL.slice(0, 3)) {
      for (const saved of [undefined, SAVED]) {
        const dry = request({ on_existing, location, dry_run: true });
        expect(planChanges(dry, { client: client(), others: [], saved })).toEqual(planSaved(on_existing, saved));
      }
    }
  });

  it('heals by the rules of a rotation', () => {
    const healed = planSaved('reuse', undefined, { ...DRIFTED, secrets: FIVE });
    expect(healed).toEqual(planSaved('rotate', undefined, { ...DRIFTED, secrets: FIVE }));
  });

  it('saves nothing where no place is asked for, whatever is kept', () => {
    for (const on_existing of ['rotate', 'reuse', 'replace'] as const) {
      const found = { client: client(), others: [] };
      const asked = request({ on_existing });
      expect(planChanges(asked, { ...found, saved: undefined })).toEqual(
        planChanges(asked, { ...found, saved: SAVED }),
      );
      expect(JSON.stringify(outline(planChanges(asked, found)))).not.toContain('save');
    }
  });

  it('saves once, last, and exactly where there is a new secret', () => {
    const saved = fc.option(fc.constantFrom(SAVED, { ...SAVED, client_id: 'x' }), { nil: undefined });
    const found = fc.option(fc.constantFrom<Partial<Client>>({}, DRIFTED, { secrets: FIVE }), { nil: undefined });
    fc.assert(
      fc.property(fc.constantFrom<OnExisting[]>('rotate', 'reuse', 'replace'), found, saved, (how, changes, kept) => {
        const existing = { client: changes && client(changes), others: [], saved: kept };
        const { beforePublish: before, afterPublish: after } = planChanges(
          request({ on_existing: how, location }),
          existing,
        );
        const makes = before.some(({ kind }) => kind === 'create' || kind === 'add-secret');
        expect(before.flatMap(({ kind }, at) => (kind === 'save' ? [at] : []))).toEqual(
          makes ? [before.length - 1] : [],
        );
        expect(after.map(({ kind }) => kind)).not.toContain('save');
      }),
    );
  });
});

describe('a correction', () => {
  const description = 'What for';
  const everything = { name: 'x', description: `y\n${OLD_LINE}`, scopes: [], audience: [], custom_claims: [] };

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
    ['expiry', { expiry: undefined }, { expiry: 3600 }],
    ['name', { name: 'deployer' }, { name: 'Deployer' }],
    ['description', { description: `Another\n${OLD_LINE}` }, { description }],
    ['description', { description: OLD_LINE }, { description }],
    ['all', { ...everything, expiry: 1 }, { ...LISTS, expiry: 3600, name: 'Deployer', description }],
  ])('sends what drifted alone, in whole: %s', (_what, changes, fields) => {
    for (const on_existing of ['rotate', 'reuse'] as const) {
      const wanted = request({ on_existing });
      const [step] = planFor(wanted, changes).beforePublish;
      expect(step).toEqual({ kind: 'update', fields, differences: differences(wanted, client(changes)) });
    }
  });

  it('leaves name, description and expiry alone where they were not given', () => {
    const changes = { ...NO_LISTS, name: 'x', description: `y\n${OLD_LINE}`, expiry: 1 };
    expect(planFor(bareRequest({ on_existing: 'reuse' }), changes).beforePublish).toEqual([]);
  });

  it.each<[list: keyof typeof NO_LISTS, Partial<Client>, got: string]>([
    ['scopes', { scopes: ['x'] }, 'scopes: wanted none; got "x"'],
    ['audience', { audience: ['x', 'y'] }, 'audience: wanted none; got "x", "y"'],
    ['custom_claims', { custom_claims: [{ key: 'a', value: 'b' }] }, 'custom_claims: wanted none; got "a=b"'],
  ])('cannot empty a list, which only a new client is without: %s', (_list, changes, got) => {
    const found = { ...NO_LISTS, ...changes, name: 'drifted' };
    for (const on_existing of ['rotate', 'reuse'] as const) {
      expect(() => planFor(bareRequest({ on_existing }), found)).toThrow(
        `Client m2morg_1 has what was not asked for, and the API cannot empty a list: use on_existing: replace, which makes a new client and then deletes this one.\n${got}`,
      );
    }
    expect(outline(planFor(bareRequest({ on_existing: 'replace' }), found))[0]).toBe('replaced');
  });

  it('names every list that it cannot empty, and no other drift', () => {
    const wanted = bareRequest({ given: { name: true, description: false } });
    const message = () => planFor(wanted, { ...LISTS, name: 'drifted' });
    expect(message).toThrow(/\nscopes: .*\naudience: .*\ncustom_claims: [^\n]*$/);
  });
});

describe('the last line of a description', () => {
  const stranger = formatMarker({ ...TRAILER, key: 'another_key-1234', by: '99', run: '1.1' });

  it.each<[string, Partial<DesiredClient>, string, string | undefined]>([
    ['stays as it is where nothing drifted', {}, `What for\n${OLD_LINE}`, undefined],
    ['stays as it is below a new description', {}, `Another\n${OLD_LINE}`, `What for\n${OLD_LINE}`],
    ['stays as it is where it stands alone', {}, OLD_LINE, `What for\n${OLD_LINE}`],
    ['stays as it is where its key is another', {}, `Another\n${stranger}`, `What for\n${stranger}`],
    ['stays as it is, whatever ends it', {}, `Another\n${OLD_LINE}\n `, `What for\n${OLD_LINE}`],
    ['is added to a description made by hand', {}, 'What for', `What for\n${NEW_LINE}`],
    ['is added to a new description', {}, 'By hand', `What for\n${NEW_LINE}`],
    ['is all where there was no description', { given: { name: true, description: false } }, '', NEW_LINE],
    [
      'is added to what stands there, where no description was given',
      { given: { name: true, description: false } },
      'By hand\nin two lines',
      `By hand\nin two lines\n${NEW_LINE}`,
    ],
    [
      'is added below one that counts for nothing, since something follows it',
      { given: { name: true, description: false } },
      `${OLD_LINE}\nby hand`,
      `${OLD_LINE}\nby hand\n${NEW_LINE}`,
    ],
    [
      'has room, for which a description made by hand is cut',
      { given: { name: true, description: false } },
      '😀'.repeat(512),
      `${'😀'.repeat(MAX_DESCRIPTION_TEXT)}\n${NEW_LINE}`,
    ],
  ])('%s', (_what, changes, description, sent) => {
    const { beforePublish: before } = planFor(request({ on_existing: 'reuse', ...changes }), { description });
    const { marker = TRAILER } = client({ description });
    const own = before.map((step) => (step.kind === 'update' ? step.fields.description : undefined));
    expect(own.map((text = '') => appendMarker(text, marker))).toEqual(sent === undefined ? [] : [sent]);
  });

  it('is named as what a client made by hand is without', () => {
    const [step] = planFor(request(), { description: 'What for' }).beforePublish;
    expect(step).toMatchObject({
      differences: [
        { field: 'description', wanted: 'a last line by which this action knows the client again', got: 'none' },
      ],
    });
  });

  it('is no second difference where the description drifted anyway', () => {
    const [step] = planFor(request(), { description: 'By hand' }).beforePublish;
    expect(step).toMatchObject({ differences: [{ field: 'description', wanted: '"What for"', got: '"By hand"' }] });
  });
});

describe('before a client gets one more secret', () => {
  const [one, two, three, four, five] = FIVE as [Secret, Secret, Secret, Secret, Secret];

  it.each<[string, Secret[], string[]]>([
    ['none of none', [], []],
    ['none of four', [one, two, three, four], []],
    ['the oldest of five', FIVE, ['sks_1']],
    ['the oldest of five in any order', [three, five, one, two, four], ['sks_1']],
    ['the two oldest of six', [...FIVE, secret(6)], ['sks_1', 'sks_2']],
    ['one that is switched off, before an older one', [one, two, { ...three, ...INACTIVE }, four, five], ['sks_3']],
    [
      'the oldest of those that are switched off',
      [one, two, four, five].map((s) => ({ ...s, ...INACTIVE })).concat(three),
      ['sks_1'],
    ],
    ['the newest, where it is switched off', [one, two, three, four, { ...five, ...INACTIVE }], ['sks_5']],
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
    ['none where no age is known', FIVE.map((s) => ({ ...s, ...UNDATED })), []],
    [
      'the older by a nanosecond',
      [{ ...two, create_time: 1n }, { ...one, create_time: 2n }, three, four, five],
      ['sks_2'],
    ],
  ])('goes %s', (_what, secrets, gone) => {
    expect(evictions(secrets).map(({ id }) => id)).toEqual(gone);
    const { beforePublish: before, warnings } = planFor(request(), { secrets });
    expect(before.map(words)).toEqual([...gone.map((id) => `delete ${id}`), 'add-secret']);
    expect(warnings.map((text) => /: (sks_\d+) has to go/.exec(text)?.[1])).toEqual(gone);
  });
});

describe('after a rotation', () => {
  const old = [1, 2, 3, 4].map((time) => secret(time));
  const off = { ...secret(3), ...INACTIVE };
  const undated = { ...secret(1), ...UNDATED };

  it.each<[keep: number, string, Secret[], string[]]>([
    [1, 'all that were there', old, ['delete sks_1', 'delete sks_2', 'delete sks_3', 'delete sks_4']],
    [1, 'one of unknown age too', [undated], ['delete sks_1']],
    [2, 'all but the newest', old, ['sks_1', 'sks_2', 'sks_3'].map((id) => `delete ${id} unless young`)],
    [3, 'the two oldest of four', old, ['sks_1', 'sks_2'].map((id) => `delete ${id} unless young`)],
    [4, 'the oldest of four', [...old].reverse(), ['delete sks_1 unless young']],
    [5, 'none of four', old, []],
    [5, 'none that is left of five', FIVE, []],
    [4, 'one more than had to go before', FIVE, ['delete sks_2 unless young']],
    [1, 'all that are left of five', FIVE, ['sks_2', 'sks_3', 'sks_4', 'sks_5'].map((id) => `delete ${id}`)],
    [2, 'none of one', [secret(1)], []],
    [2, 'one that is switched off, before an older one', [secret(1), off], ['delete sks_3 unless young']],
    [
      2,
      'those of unknown age last',
      [undated, secret(2), secret(3)],
      ['sks_2', 'sks_3'].map((id) => `delete ${id} unless young`),
    ],
    [2, 'none of none', [], []],
  ])('with keep_secrets: %i goes %s', (keep_secrets, _what, secrets, after) => {
    expect(planFor(request({ keep_secrets }), { secrets }).afterPublish.map(words)).toEqual(after);
  });
});

/** Secrets with few different times, so that equal ones meet. */
const anySecrets = (time: fc.Arbitrary<bigint | undefined>) =>
  fc
    .array(fc.record({ create_time: time, active: fc.boolean() }), { maxLength: 7 })
    .map((list) => list.map((entry, at): Secret => ({ id: `sks_${at}`, suffix: '', ...entry })));
const times = fc.bigInt({ min: 0n, max: 5n });
const dated = anySecrets(times);
const datedOrNot = anySecrets(fc.option(times, { nil: undefined }));
const keeps = fc.integer({ min: 1, max: 5 });

describe('of the secrets of a client, a rotation', () => {
  it('deletes as many as there are too many, each once, and no other', () => {
    fc.assert(
      fc.property(datedOrNot, keeps, (secrets, keep_secrets) => {
        const { beforePublish: before, afterPublish: after } = planFor(request({ keep_secrets }), { secrets });
        const gone = idsOf([...before, ...after]);
        expect(gone).toHaveLength(Math.max(0, secrets.length + 1 - keep_secrets));
        expect(new Set(gone).size).toBe(gone.length);
        expect(secrets.map(({ id }) => id)).toEqual(expect.arrayContaining(gone));
      }),
    );
  });

  it('makes room for one more wherever the ages are known', () => {
    fc.assert(
      fc.property(dated, (secrets) => {
        const gone = idsOf(planFor(request(), { secrets }).beforePublish);
        expect(secrets.length - gone.length).toBeLessThan(5);
      }),
    );
  });

  it('deletes before the new pair works neither the newest active one nor one of unknown age', () => {
    fc.assert(
      fc.property(datedOrNot, keeps, (secrets, keep_secrets) => {
        const gone = idsOf(planFor(request({ keep_secrets }), { secrets }).beforePublish);
        const stays = secrets.filter(({ id }) => !gone.includes(id));
        const known = secrets.flatMap(({ create_time: time, active }) => (time === undefined || !active ? [] : [time]));
        const newest = known.reduce((one, other) => (one > other ? one : other), -1n);
        if (known.length > 0) expect(stays.some(({ create_time }) => create_time === newest)).toBe(true);
        expect(stays.filter(({ create_time }) => create_time === undefined)).toEqual(
          secrets.filter(({ create_time }) => create_time === undefined),
        );
      }),
    );
  });

  it('spares an active one as new as any, unless keep_secrets is 1', () => {
    fc.assert(
      fc.property(dated, fc.integer({ min: 2, max: 5 }), (secrets, keep_secrets) => {
        const { beforePublish: before, afterPublish: after } = planFor(request({ keep_secrets }), { secrets });
        const gone = idsOf([...before, ...after]);
        const active = secrets.filter(({ active }) => active).sort(byCreateTime);
        const stays = active.filter(({ id }) => !gone.includes(id));
        expect(stays.at(-1)?.create_time).toBe(active.at(-1)?.create_time);
      }),
    );
  });

  it('retires no active one while one that is switched off stays, nor a younger one while an older one does', () => {
    fc.assert(
      fc.property(dated, keeps, (secrets, keep_secrets) => {
        const { beforePublish: before, afterPublish: after } = planFor(request({ keep_secrets }), { secrets });
        const [evicted, retired] = [idsOf(before), idsOf(after)];
        for (const one of secrets.filter(({ id }) => retired.includes(id))) {
          for (const other of secrets.filter(({ id }) => !retired.includes(id) && !evicted.includes(id))) {
            expect(one.active && !other.active).toBe(false);
            if (one.active === other.active) expect(byCreateTime(one, other)).toBeLessThanOrEqual(0);
          }
        }
      }),
    );
  });

  it('spares the young ones, unless one has to make room or keep_secrets is 1', () => {
    fc.assert(
      fc.property(datedOrNot, keeps, (secrets, keep_secrets) => {
        const { beforePublish: before, afterPublish: after } = planFor(request({ keep_secrets }), { secrets });
        const spares = (steps: Step[]) =>
          steps.flatMap((step) => (step.kind === 'delete-secret' ? [step.spareRecent] : []));
        expect(spares(before)).not.toContain(true);
        expect(spares(after)).not.toContain(keep_secrets === 1);
      }),
    );
  });

  it('deletes the same whatever order they are listed in', () => {
    const distinct = fc
      .uniqueArray(fc.tuple(times, fc.boolean()), { selector: ([time]) => time })
      .map((list) => list.map(([time, active]) => secret(Number(time), { active })));
    const twice = distinct.chain((secrets) =>
      fc.tuple(fc.constant(secrets), fc.shuffledSubarray(secrets, { minLength: secrets.length })),
    );
    fc.assert(
      fc.property(twice, keeps, ([secrets, shuffled], keep_secrets) => {
        const wanted = request({ keep_secrets });
        expect(outline(planFor(wanted, { secrets: shuffled }))).toEqual(outline(planFor(wanted, { secrets })));
      }),
    );
  });
});

describe('a run that lost a race', () => {
  it.each<[OnExisting, string, Partial<Client>, ...ReturnType<typeof outline>]>([
    ['rotate', 'as it was asked for', {}, 'rotated', ['add-secret'], []],
    ['rotate', 'that drifted', DRIFTED, 'rotated', ['update scopes, name', 'add-secret'], []],
    ['rotate', 'with five secrets', { secrets: FIVE }, 'rotated', ['add-secret'], []],
    ['replace', 'as it was asked for', {}, 'rotated', ['add-secret'], []],
    ['replace', 'with five secrets', { secrets: FIVE }, 'rotated', ['add-secret'], []],
    ['reuse', 'as it was asked for', {}, 'reused', [], []],
    ['reuse', 'that drifted', DRIFTED, 'reused', ['update scopes, name'], []],
  ])('goes on, with on_existing: %s, with a client %s', (on_existing, _what, changes, ...steps) => {
    const adoption = planForWinner(request({ on_existing, keep_secrets: 1 }), client(changes), undefined);
    expect(outline(adoption)).toEqual(steps);
    expect(adoption).toMatchObject({ client: client(changes), warnings: [] });
  });

  it('fails with on_existing: fail', () => {
    expect(() => planForWinner(request({ on_existing: 'fail' }), client(), undefined)).toThrow(
      'Client m2morg_1 "Deployer" exists already',
    );
  });

  it.each<OnExisting>(['rotate', 'replace', 'reuse'])(
    'fails with on_existing: %s where the client has a list that cannot be emptied',
    (on_existing) => {
      expect(() => planForWinner(bareRequest({ on_existing }), client(), undefined)).toThrow(
        'the API cannot empty a list',
      );
    },
  );

  it('deletes nothing', () => {
    fc.assert(
      fc.property(
        datedOrNot,
        keeps,
        fc.constantFrom<OnExisting[]>('rotate', 'reuse', 'replace'),
        (secrets, keep_secrets, on_existing) => {
          const { beforePublish: before, afterPublish: after } = planForWinner(
            request({ on_existing, keep_secrets }),
            client({ ...DRIFTED, secrets }),
            undefined,
          );
          expect(before.filter(({ kind }) => /delete|create/.test(kind))).toEqual([]);
          expect(after).toEqual([]);
        },
      ),
    );
  });
});

describe('age', () => {
  const anyTime = fc.option(fc.bigInt({ min: -5n, max: 5n }), { nil: undefined });
  const thing = fc.record({ create_time: anyTime });

  it.each<[bigint | undefined, bigint | undefined, number]>([
    [1n, 2n, -1],
    [2n, 1n, 1],
    [1n, 1n, 0],
    [1_795_000_000_000_000_000n, 1_795_000_000_000_000_001n, -1],
    [undefined, 1n, 1],
    [1n, undefined, -1],
    [undefined, undefined, 0],
  ])('%s to %s: %i', (one, other, order) => {
    expect(byCreateTime({ create_time: one }, { create_time: other })).toBe(order);
  });

  it('is an order to the nanosecond, in which what is not known comes last', () => {
    fc.assert(
      fc.property(fc.array(thing), (things) => {
        const sorted = [...things].sort(byCreateTime).map(({ create_time }) => create_time);
        const known = sorted.filter((time) => time !== undefined);
        expect(sorted.slice(0, known.length)).toEqual(known);
        expect(known.every((time, at) => at === 0 || Number(known[at - 1]) <= Number(time))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(thing, thing, (one, other) => {
        expect(byCreateTime(one, other) + byCreateTime(other, one)).toBe(0);
      }),
    );
  });

  it.each<[string, Partial<Client>, Partial<Client>]>([
    ['the older', { create_time: 1n }, { create_time: 2n, client_id: 'm2morg_0' }],
    ['the older by a nanosecond', { create_time: 10n ** 18n }, { create_time: 10n ** 18n + 1n, client_id: 'm2morg_0' }],
    ['the one whose age is known', { create_time: 9n }, { create_time: undefined, client_id: 'm2morg_0' }],
    ['of two of one age the one with the lesser id', { client_id: 'm2morg_10' }, { client_id: 'm2morg_9' }],
    [
      'of two of unknown age the one with the lesser id',
      { create_time: undefined },
      { create_time: undefined, client_id: 'm2morg_2' },
    ],
  ])('says that the first of two clients is %s', (_what, one, other) => {
    expect(oldestFirst(client(one), client(other))).toBeLessThan(0);
    expect(oldestFirst(client(other), client(one))).toBeGreaterThan(0);
  });

  it('lets every run agree on the first client, whatever order they are listed in', () => {
    const clients = fc
      .uniqueArray(fc.tuple(fc.nat(20), anyTime), { selector: ([id]) => id, maxLength: 8 })
      .map((list) => list.map(([id, create_time]) => client({ client_id: `m2morg_${id}`, create_time })));
    const twice = clients.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(twice, ([list, shuffled]) => {
        expect(shuffled.sort(oldestFirst)).toEqual([...list].sort(oldestFirst));
      }),
    );
  });
});

describe('a client that is what was asked for', () => {
  it('shows no difference', () => {
    expect(differences(request(), client())).toEqual([]);
    expect(differences(bareRequest(), client({ ...NO_LISTS, expiry: undefined }))).toEqual([]);
  });

  it('may have its lists in another order, with entries repeated', () => {
    const shuffled = <T>(entries: T[]) =>
      fc
        .tuple(fc.shuffledSubarray(entries, { minLength: entries.length }), fc.shuffledSubarray(entries))
        .map((parts) => parts.flat());
    const { scopes, audience, custom_claims } = LISTS;
    fc.assert(
      fc.property(shuffled(scopes), shuffled(audience), shuffled(custom_claims), (scopes, audience, custom_claims) => {
        expect(differences(request(), client({ scopes, audience, custom_claims }))).toEqual([]);
      }),
    );
  });

  it('may leave out the organization and the expiry in the answer to a request', () => {
    expect(shortfalls(request(), client({ organization_id: '', expiry: undefined }))).toEqual([]);
  });

  it.each<[string, DesiredClient, Partial<Client>]>([
    ['the name', request({ given: { name: false, description: true } }), { name: 'Another' }],
    ['the description', request({ given: { name: true, description: false } }), { description: 'Another' }],
    ['the expiry', bareRequest(), { ...NO_LISTS, expiry: 86_400 }],
    ['the last line of the description', request(), { description: 'What for' }],
  ])('may have what it likes for %s where that was not given', (_what, request, changes) => {
    expect(differences(request, client(changes))).toEqual([]);
    expect(shortfalls(request, client(changes))).toEqual([]);
  });
});

describe('a difference', () => {
  it.each<[string, Partial<Client>, string, string]>([
    ['scopes', { scopes: ['read:apps'] }, '"deploy:apps", "read:apps"', '"read:apps"'],
    [
      'scopes',
      { scopes: ['read:apps', 'x', 'deploy:apps'] },
      '"deploy:apps", "read:apps"',
      '"deploy:apps", "read:apps", "x"',
    ],
    ['scopes', { scopes: [] }, '"deploy:apps", "read:apps"', 'none'],
    ['scopes', { scopes: ['deploy:apps read:apps'] }, '"deploy:apps", "read:apps"', '"deploy:apps read:apps"'],
    ['audience', { audience: [] }, '"api.acme.example", "https://b.acme.example"', 'none'],
    [
      'custom_claims',
      { custom_claims: [{ key: 'environment', value: 'production' }] },
      '"environment=production", "github_repository=acme/app"',
      '"environment=production"',
    ],
    ['expiry', { expiry: 86_400 }, '"3600"', '"86400"'],
    ['expiry', { expiry: 0 }, '"3600"', '"0"'],
    ['name', { name: 'deployer' }, '"Deployer"', '"deployer"'],
    ['name', { name: '' }, '"Deployer"', 'none'],
    ['description', { description: `What else\n${OLD_LINE}` }, '"What for"', '"What else"'],
    ['description', { description: `What\nfor\n${OLD_LINE}` }, '"What for"', '"What\\nfor"'],
    ['description', { description: OLD_LINE }, '"What for"', 'none'],
    ['description', { description: '' }, '"What for"', 'none'],
  ])('in %s names field, wanted and got', (field, changes, wanted, got) => {
    expect(differences(request(), client(changes))).toEqual([{ field, wanted, got }]);
    expect(shortfalls(request(), client(changes))).toEqual([{ field, wanted, got }]);
  });

  it.each<[string, Partial<Client>, string]>([
    ['scopes', { scopes: ['read:apps'] }, '"read:apps"'],
    ['audience', { audience: ['a'] }, '"a"'],
    ['custom_claims', { custom_claims: [{ key: 'a', value: 'b' }] }, '"a=b"'],
  ])('is that %s has entries where none were asked for', (field, changes, got) => {
    const found = client({ ...NO_LISTS, expiry: undefined, ...changes });
    expect(differences(bareRequest(), found)).toEqual([{ field, wanted: 'none', got }]);
  });

  it('is that an expiry is not shown, which says nothing in an answer', () => {
    const found = client({ expiry: undefined });
    expect(differences(request(), found)).toEqual([{ field: 'expiry', wanted: '"3600"', got: 'none' }]);
    expect(shortfalls(request(), found)).toEqual([]);
  });

  it('is that the answer is about another organization', () => {
    expect(shortfalls(request(), client({ organization_id: 'org_2' }))).toEqual([
      { field: 'organization_id', wanted: '"org_1"', got: '"org_2"' },
    ]);
  });

  it.each([
    { key: 'environment', value: 'Production' },
    { key: 'Environment', value: 'production' },
    { key: 'environment', value: '' },
  ])('is that a claim has another value, or its key another case: %j', (changed) => {
    const custom_claims = [...LISTS.custom_claims.slice(0, 1), changed];
    expect(differences(request(), client({ custom_claims })).map(({ field }) => field)).toEqual(['custom_claims']);
  });

  it('hides no other one', () => {
    const other = client({ ...NO_LISTS, organization_id: 'org_2', name: 'x', description: 'y', expiry: 1 });
    const fields = ['scopes', 'audience', 'custom_claims', 'expiry', 'name', 'description'];
    expect(differences(request(), other).map(({ field }) => field)).toEqual(fields);
    expect(shortfalls(request(), other).map(({ field }) => field)).toEqual([...fields, 'organization_id']);
  });

  it('has a line of its own in a message', () => {
    const found = differences(request(), client({ scopes: ['x'], name: 'y' }));
    expect(formatDifferences(found)).toBe(
      'scopes: wanted "deploy:apps", "read:apps"; got "x"\nname: wanted "Deployer"; got "y"',
    );
    expect(formatDifferences([])).toBe('');
  });
});

describe('a comparison', () => {
  const entries = fc.array(fc.oneof(fc.constantFrom('', ' ', 'none', '"', '", "', 'a', 'b'), fc.string()));

  it('is one of sets, in which no two entries run together', () => {
    const sameSet = (one: string[], other: string[]) =>
      one.every((entry) => other.includes(entry)) && other.every((entry) => one.includes(entry));
    fc.assert(
      fc.property(entries, entries, (one, other) => {
        expect(compareSets([['field', one, other]]).length === 0).toBe(sameSet(one, other));
        expect(compareSets([['field', one, [...one, ...one].reverse()]])).toEqual([]);
      }),
    );
  });

  it('tells an entry that is the word none from no entry', () => {
    expect(compareSets([['field', ['none'], []]])).toEqual([{ field: 'field', wanted: '"none"', got: 'none' }]);
  });

  it('of fields looks at those that are named, and shows each as it came', () => {
    const { fields } = request();
    expect(compareFields([], fields, {})).toEqual([]);
    expect(compareFields(['expiry', 'custom_claims', 'name'], fields, { name: 'Deployer' })).toEqual([
      { field: 'expiry', wanted: '"3600"', got: 'none' },
      { field: 'custom_claims', wanted: '"environment=production", "github_repository=acme/app"', got: 'none' },
    ]);
  });

  it('shows a claim as key=value', () => {
    expect(claimTexts(LISTS.custom_claims)).toEqual(['github_repository=acme/app', 'environment=production']);
    expect(claimTexts()).toEqual([]);
  });
});

it('planning changes nothing in what it is given', () => {
  fc.assert(
    fc.property(datedOrNot, fc.constantFrom<OnExisting[]>('rotate', 'reuse', 'replace'), (secrets, on_existing) => {
      const [wanted, existing] = [request({ on_existing }), { client: client({ ...DRIFTED, secrets }), others: ['x'] }];
      const before = structuredClone([wanted, existing]);
      planChanges(wanted, existing);
      planForWinner(wanted, existing.client, undefined);
      expect([wanted, existing]).toEqual(before);
    }),
  );
});
