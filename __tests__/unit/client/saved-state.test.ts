import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  formatSavedState,
  isOtherOwners,
  reasonNotUsable,
  type SavedOwner,
  savedSecretId,
} from '../../../src/client/saved-state.ts';
import type { SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import type { Client } from '../../../src/scalekit/types.ts';
import { client, MARKER, NOTHING_SAVED, SAVED, secret } from '../fixtures.ts';

const OWNER: SavedOwner = { key: MARKER.key, organization_id: 'org_1' };
/** Returns the value of `…_STATE` with one part replaced. */
const stateWith = (part: string, by: string): string => SAVED.state.replace(part, by);

const letter = fc.constantFrom(...'abzAZ059_-');
const idOf = (minLength: number, maxLength: number) => fc.string({ unit: letter, minLength, maxLength });
const owners: fc.Arbitrary<SavedOwner> = fc.record({
  key: idOf(16, 16),
  organization_id: idOf(1, 124).map((id) => `org_${id}`),
});
const secretIds = idOf(1, 128);

describe('the variable …_STATE', () => {
  it('writes the identity hash, the organization and the id of the secret into …_STATE', () => {
    expect(formatSavedState(OWNER, 'sks_1')).toBe('v1 key:key_56789-123456 organization:org_1 secret:sks_1');
  });

  it('writes secret:unknown into …_STATE if no response showed the id of the secret', () => {
    const state = formatSavedState(OWNER);
    expect(state).toBe('v1 key:key_56789-123456 organization:org_1 secret:unknown');
    expect(savedSecretId({ ...SAVED, state }, OWNER)).toBe('unknown');
  });

  it('reads …_STATE as it was written, for any owner and any secret', () => {
    fc.assert(
      fc.property(owners, secretIds, (owner, id) => {
        expect(savedSecretId({ ...SAVED, state: formatSavedState(owner, id) }, owner)).toBe(id);
      }),
    );
  });

  it('reads no secret from a …_STATE of another identity hash or another organization', () => {
    fc.assert(
      fc.property(owners, owners, secretIds, (owner, other, id) => {
        const saved = { ...SAVED, state: formatSavedState(owner, id) };
        for (const stranger of [
          { ...owner, key: other.key },
          { ...owner, organization_id: other.organization_id },
        ]) {
          const isSame = stranger.key === owner.key && stranger.organization_id === owner.organization_id;
          expect(savedSecretId(saved, stranger)).toBe(isSame ? id : undefined);
        }
      }),
    );
  });

  it.each([' ', '\n', '\r\n', '\t'])('ignores white space around …_STATE: %j', (space) => {
    expect(savedSecretId({ ...SAVED, state: `${space}${SAVED.state}${space}` }, OWNER)).toBe('sks_1');
  });

  it.each([
    ['', 'empty'],
    ['m2morg_1', 'an id'],
    [stateWith('v1', 'v2'), 'of another version'],
    [stateWith('v1 ', ''), 'without a version'],
    [stateWith('key:', 'key='), 'in another form'],
    [stateWith(' organization:org_1', ''), 'without an organization'],
    [stateWith(' secret:sks_1', ''), 'without a secret'],
    [stateWith('sks_1', ''), 'with an empty secret'],
    [stateWith('sks_1', '../sks_1'), 'with a secret that would address another path'],
    [stateWith('sks_1', 'a'.repeat(129)), 'with a secret that is too long'],
    [stateWith('organization:org_1', 'organization:acme'), 'with an organization that has no id'],
    [stateWith(' secret:', '  secret:'), 'with two spaces'],
    [`${SAVED.state} more`, 'with more behind it'],
    [`x${SAVED.state}`, 'with more before it'],
    [`${SAVED.state}\n${SAVED.state}`, 'of two lines'],
  ])("treats a …_STATE that this action would not write as another owner's: %j (%s)", (state) => {
    expect(savedSecretId({ ...SAVED, state }, OWNER)).toBeUndefined();
    expect(isOtherOwners({ ...SAVED, state }, OWNER)).toBe(true);
  });

  it('reads no secret if there is no …_STATE', () => {
    expect(savedSecretId({ ...SAVED, state: undefined }, OWNER)).toBeUndefined();
    expect(savedSecretId(undefined, OWNER)).toBeUndefined();
  });
});

describe('saved credentials', () => {
  const OTHER_CLIENT = "the saved credentials are another client's";
  const NONE_SAVED = 'no credentials of it are saved';
  const CUT_OFF = 'saving was cut off before the secret was written';

  it.each<[what: string, Partial<SavedSnapshot>, Partial<Client>]>([
    ['everything fits', {}, {}],
    ['the secret was written in the same second as the state', { secretTime: SAVED.stateTime }, {}],
    ['the secret was written a month after the state', { secretTime: '2026-12-24T08:00:00Z' }, {}],
    ['the times have different offsets', { stateTime: '2026-11-24T09:00:01+01:00' }, {}],
    ['an editor added a line break to the id', { client_id: 'm2morg_1\n' }, {}],
    [
      'the client has other secrets, active or not',
      {},
      { secrets: [secret(2), secret(1), secret(3, { active: false })] },
    ],
    ['the age of the saved secret is not known', {}, { secrets: [secret(1, { create_time: undefined })] }],
  ])('uses the saved credentials if %s', (_what, saved, changes) => {
    expect(reasonNotUsable({ ...SAVED, ...saved }, OWNER, client(changes))).toBeUndefined();
  });

  it.each<[what: string, SavedSnapshot | undefined, Partial<Client>, reason: string]>([
    ['nothing is known to be saved', undefined, {}, NONE_SAVED],
    ['nothing is saved', NOTHING_SAVED, {}, NONE_SAVED],
    ['there is no state', { ...SAVED, state: undefined, stateTime: undefined }, {}, NONE_SAVED],
    ['there is no id', { ...SAVED, client_id: undefined }, {}, NONE_SAVED],
    ['there is no secret', { ...SAVED, secretTime: undefined }, {}, NONE_SAVED],
    ['the state has another identity hash', { ...SAVED, state: stateWith('key_5', 'key_6') }, {}, OTHER_CLIENT],
    [
      'the state has the identity hash in another case',
      { ...SAVED, state: stateWith('key_', 'KEY_') },
      {},
      OTHER_CLIENT,
    ],
    ['the state has another organization', { ...SAVED, state: stateWith('org_1', 'org_2') }, {}, OTHER_CLIENT],
    ['the state is not ours', { ...SAVED, state: 'mine' }, {}, OTHER_CLIENT],
    ["the id is another client's", { ...SAVED, client_id: 'm2morg_2' }, {}, OTHER_CLIENT],
    ['the id is in another case', { ...SAVED, client_id: 'M2MORG_1' }, {}, OTHER_CLIENT],
    ['the id is empty', { ...SAVED, client_id: '' }, {}, OTHER_CLIENT],
    [
      'it is not known which secret is saved',
      { ...SAVED, state: stateWith('sks_1', 'unknown') },
      {},
      'it is not known which secret is saved',
    ],
    [
      'it is not known which secret is saved, although a secret is called so',
      { ...SAVED, state: stateWith('sks_1', 'unknown') },
      { secrets: [secret(1, { id: 'unknown' })] },
      'it is not known which secret is saved',
    ],
    ['the client has no secret', SAVED, { secrets: [] }, 'the saved secret sks_1 is not active'],
    ['the client has another secret', SAVED, { secrets: [secret(2)] }, 'the saved secret sks_1 is not active'],
    [
      'the saved secret is not active',
      SAVED,
      { secrets: [secret(1, { active: false }), secret(2)] },
      'the saved secret sks_1 is not active',
    ],
    ['the secret is a second older than the state', { ...SAVED, secretTime: '2026-11-24T07:59:59Z' }, {}, CUT_OFF],
    ['it is not known when the state was written', { ...SAVED, stateTime: undefined }, {}, CUT_OFF],
    ['the time of the state is not a time', { ...SAVED, stateTime: '' }, {}, CUT_OFF],
  ])('does not use the saved credentials if %s', (_what, saved, changes, reason) => {
    expect(reasonNotUsable(saved, OWNER, client(changes))).toBe(reason);
  });

  it('uses the saved credentials exactly if their secret was not written before …_STATE', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 100_000 }), (seconds) => {
        const time = Date.parse(SAVED.stateTime) + seconds * 1000;
        const secretTime = new Date(time).toISOString().replace('.000Z', 'Z');
        const reason = reasonNotUsable({ ...SAVED, secretTime }, OWNER, client());
        expect(reason).toBe(seconds < 0 ? CUT_OFF : undefined);
      }),
    );
  });
});

describe('the place of saved credentials', () => {
  const there = { client_id: undefined, secretTime: undefined };

  it.each<[what: string, SavedSnapshot]>([
    ['nothing is there', NOTHING_SAVED],
    ['our credentials are there', SAVED],
    ['our state alone is there', { ...SAVED, ...there }],
    ['our state is there with the id of another client', { ...SAVED, client_id: 'm2morg_9' }],
    ['our state is there without a secret', { ...SAVED, secretTime: undefined }],
    ['our state does not name the secret', { ...SAVED, state: stateWith('sks_1', 'unknown') }],
  ])("does not count the place as another owner's if %s", (_what, saved) => {
    expect(isOtherOwners(saved, OWNER)).toBe(false);
  });

  it.each<[what: string, SavedSnapshot]>([
    ['the state has another identity hash', { ...SAVED, state: stateWith('key_5', 'key_6') }],
    ['the state has another organization', { ...SAVED, state: stateWith('org_1', 'org_2') }],
    ['the state of another owner is there alone', { ...SAVED, ...there, state: stateWith('org_1', 'org_2') }],
    ['an id is there without a state', { ...NOTHING_SAVED, client_id: 'm2morg_1' }],
    ['an empty id is there without a state', { ...NOTHING_SAVED, client_id: '' }],
    ['a secret is there without a state', { ...NOTHING_SAVED, secretTime: SAVED.secretTime }],
    ['an id and a secret are there without a state', { ...SAVED, state: undefined }],
  ])("counts the place as another owner's if %s", (_what, saved) => {
    expect(isOtherOwners(saved, OWNER)).toBe(true);
  });

  it('never uses credentials whose place counts as that of another owner', () => {
    const optional = (...values: string[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
    const snapshots = fc.record({
      client_id: optional('m2morg_1', 'm2morg_2', ''),
      state: optional(SAVED.state, stateWith('key_5', 'key_6'), stateWith('org_1', 'org_2'), 'mine', ''),
      stateTime: optional(SAVED.stateTime, ''),
      secretTime: optional(SAVED.secretTime, '2026-11-24T07:59:59Z'),
    });
    fc.assert(
      fc.property(snapshots, (saved) => {
        const isUsable = reasonNotUsable(saved, OWNER, client()) === undefined;
        expect(isUsable && isOtherOwners(saved, OWNER)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
