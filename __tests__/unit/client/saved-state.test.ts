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
  it('formatSavedState writes the identity hash, the organization and the id of the secret', () => {
    expect(formatSavedState(OWNER, 'sks_1')).toBe('v1 key:key_56789-123456 organization:org_1 secret:sks_1');
  });

  it('formatSavedState writes secret:unknown if no response showed the id of the secret', () => {
    const state = formatSavedState(OWNER);
    expect(state).toBe('v1 key:key_56789-123456 organization:org_1 secret:unknown');
    expect(savedSecretId({ ...SAVED, state }, OWNER)).toBe('unknown');
  });

  it('reads the id of the secret from …_STATE for any owner and any secret', () => {
    fc.assert(
      fc.property(owners, secretIds, (owner, id) => {
        expect(savedSecretId({ ...SAVED, state: formatSavedState(owner, id) }, owner)).toBe(id);
      }),
    );
  });

  it('reads no secret from …_STATE if it names another identity hash or another organization', () => {
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

  it('ignores white space around the value of …_STATE', () => {
    for (const space of [' ', '\r\n'])
      expect(savedSecretId({ ...SAVED, state: `${space}${SAVED.state}${space}` }, OWNER)).toBe('sks_1');
  });

  it.each([
    ['that is empty', ''],
    ['that is an id', 'm2morg_1'],
    ['of another version', stateWith('v1', 'v2')],
    ['that is in another form', stateWith('key:', 'key=')],
    ['without an organization', stateWith(' organization:org_1', '')],
    ['without a secret', stateWith(' secret:sks_1', '')],
    ['with a secret that would address another path', stateWith('sks_1', '../sks_1')],
    ['with a secret that is too long', stateWith('sks_1', 'a'.repeat(129))],
    ['with an organization that has no id', stateWith('organization:org_1', 'organization:acme')],
    ['with more text after it', `${SAVED.state} more`],
    ['with more text before it', `x${SAVED.state}`],
    ['that is repeated on two lines', `${SAVED.state}\n${SAVED.state}`],
  ])("counts a …_STATE that this action would not write as another owner's: one %s", (_what, state) => {
    expect(savedSecretId({ ...SAVED, state }, OWNER)).toBeUndefined();
    expect(isOtherOwners({ ...SAVED, state }, OWNER)).toBe(true);
  });

  it('reads no secret if there is no variable …_STATE', () => {
    expect(savedSecretId({ ...SAVED, state: undefined }, OWNER)).toBeUndefined();
    expect(savedSecretId(undefined, OWNER)).toBeUndefined();
  });
});

describe('reasonNotUsable', () => {
  const CUT_OFF = 'saving was cut off before the secret was written';

  it.each<[what: string, Partial<SavedSnapshot>, Partial<Client>]>([
    ['they belong to this owner and client', {}, {}],
    ['the secret was written in the same second as …_STATE', { secretTime: SAVED.stateTime }, {}],
    ['the secret was written a month after …_STATE', { secretTime: '2026-12-24T08:00:00Z' }, {}],
    ['the times have different offsets', { stateTime: '2026-11-24T09:00:01+01:00' }, {}],
    ['an editor added a line break to the id', { client_id: 'm2morg_1\n' }, {}],
    [
      'the client has other secrets, active or not',
      {},
      { secrets: [secret(2), secret(1), secret(3, { active: false })] },
    ],
    ['the age of the saved secret is not known', {}, { secrets: [secret(1, { create_time: undefined })] }],
  ])('counts the saved credentials as usable if %s', (_what, saved, changes) => {
    expect(reasonNotUsable({ ...SAVED, ...saved }, OWNER, client(changes))).toBeUndefined();
  });

  it.each<[what: string, SavedSnapshot | undefined]>([
    ['nothing is known to be saved', undefined],
    ['nothing is saved', NOTHING_SAVED],
    ['there is no …_STATE', { ...SAVED, state: undefined, stateTime: undefined }],
    ['there is no …_CLIENT_ID', { ...SAVED, client_id: undefined }],
    ['there is no …_CLIENT_SECRET', { ...SAVED, secretTime: undefined }],
  ])('counts the saved credentials as missing if %s', (_what, saved) => {
    expect(reasonNotUsable(saved, OWNER, client())).toBe('no credentials of it are saved');
  });

  it.each<[what: string, Partial<SavedSnapshot>]>([
    ['…_STATE has another identity hash', { state: stateWith('key_5', 'key_6') }],
    ['…_STATE has the identity hash in another case', { state: stateWith('key_', 'KEY_') }],
    ['…_STATE has another organization', { state: stateWith('org_1', 'org_2') }],
    ['…_STATE has another form', { state: 'mine' }],
    ['…_CLIENT_ID names another client', { client_id: 'm2morg_2' }],
    ['…_CLIENT_ID is in another case', { client_id: 'M2MORG_1' }],
    ['…_CLIENT_ID is empty', { client_id: '' }],
  ])("counts the saved credentials as another client's if %s", (_what, saved) => {
    const reason = reasonNotUsable({ ...SAVED, ...saved }, OWNER, client());
    expect(reason).toBe("the saved credentials are another client's");
  });

  it('never counts credentials with secret:unknown as usable, even if a secret has that id', () => {
    const saved = { ...SAVED, state: stateWith('sks_1', 'unknown') };
    for (const secrets of [[secret(1)], [secret(1, { id: 'unknown' })]])
      expect(reasonNotUsable(saved, OWNER, client({ secrets }))).toBe('it is not known which secret is saved');
  });

  it.each<[what: string, Partial<Client>]>([
    ['no secret', { secrets: [] }],
    ['only another secret', { secrets: [secret(2)] }],
    ['the saved secret, but inactive', { secrets: [secret(1, { active: false }), secret(2)] }],
  ])('counts the saved credentials as inactive if the client has %s', (_what, changes) => {
    expect(reasonNotUsable(SAVED, OWNER, client(changes))).toBe('the saved secret sks_1 is not active');
  });

  it.each<[what: string, Partial<SavedSnapshot>]>([
    ['the secret is a second older than …_STATE', { secretTime: '2026-11-24T07:59:59Z' }],
    ['the time of …_STATE is not known', { stateTime: undefined }],
    ['the time of …_STATE is empty', { stateTime: '' }],
  ])('counts saving as cut off if %s', (_what, saved) => {
    expect(reasonNotUsable({ ...SAVED, ...saved }, OWNER, client())).toBe(CUT_OFF);
  });

  it('counts the saved credentials as usable exactly if their secret was not written before …_STATE', () => {
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

describe('isOtherOwners', () => {
  const there = { client_id: undefined, secretTime: undefined };

  it.each<[what: string, SavedSnapshot]>([
    ['nothing is saved', NOTHING_SAVED],
    ['all belongs to this owner', SAVED],
    ['there is only the …_STATE of this owner', { ...SAVED, ...there }],
    ['the …_STATE of this owner is there with the id of another client', { ...SAVED, client_id: 'm2morg_9' }],
    ['the …_STATE of this owner is there without a secret', { ...SAVED, secretTime: undefined }],
    ['the …_STATE of this owner does not name the secret', { ...SAVED, state: stateWith('sks_1', 'unknown') }],
  ])("does not count what is saved as another owner's if %s", (_what, saved) => {
    expect(isOtherOwners(saved, OWNER)).toBe(false);
  });

  it.each<[what: string, SavedSnapshot]>([
    ['…_STATE has another identity hash', { ...SAVED, state: stateWith('key_5', 'key_6') }],
    ['…_STATE has another organization', { ...SAVED, state: stateWith('org_1', 'org_2') }],
    ['there is only the …_STATE of another owner', { ...SAVED, ...there, state: stateWith('org_1', 'org_2') }],
    ['there is an id without …_STATE', { ...NOTHING_SAVED, client_id: 'm2morg_1' }],
    ['there is an empty id without …_STATE', { ...NOTHING_SAVED, client_id: '' }],
    ['there is a secret without …_STATE', { ...NOTHING_SAVED, secretTime: SAVED.secretTime }],
    ['there are an id and a secret without …_STATE', { ...SAVED, state: undefined }],
  ])("counts what is saved as another owner's if %s", (_what, saved) => {
    expect(isOtherOwners(saved, OWNER)).toBe(true);
  });

  it('never counts the credentials of another owner as usable', () => {
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
    );
  });
});
