import { describe, expect, it } from '@jest/globals';
import { isDeletable } from '../../../src/commands/delete.ts';
import type { SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import { MARKER, NOTHING_SAVED, SAVED } from '../fixtures.ts';

const OWNER = { key: MARKER.key, organization_id: 'org_1' };
/** What another owner saved. */
const OTHERS: SavedSnapshot = { ...SAVED, state: SAVED.state.replace('org_1', 'org_2') };

describe('delete/', () => {
  it.each<[what: string, SavedSnapshot, client_id: string]>([
    ['the state is ours', SAVED, ''],
    ['the state is ours, whichever client the id names', { ...SAVED, client_id: 'm2morg_9' }, ''],
    ['the state is ours, and a run that was cut off deleted the rest', { ...NOTHING_SAVED, state: SAVED.state }, ''],
    [
      'the state is ours, and does not name the secret',
      { ...SAVED, state: SAVED.state.replace('sks_1', 'unknown') },
      '',
    ],
    ['client_id names the saved id', SAVED, 'm2morg_1'],
    ["client_id names the saved id, whose state is another owner's", OTHERS, 'm2morg_1'],
    ['client_id names the saved id, and there is no state', { ...SAVED, state: undefined }, 'm2morg_1'],
    ['client_id names the saved id, which has a line break', { ...SAVED, client_id: 'm2morg_1\n' }, 'm2morg_1'],
    ['client_id is given, and only our state is left', { ...SAVED, client_id: undefined }, 'm2morg_1'],
  ])('deletes saved credentials if %s', (_what, saved, client_id) => {
    expect(isDeletable(saved, OWNER, client_id)).toBe(true);
  });

  it.each<[what: string, SavedSnapshot, client_id: string]>([
    ['nothing is saved', NOTHING_SAVED, ''],
    ['nothing is saved, and client_id is given', NOTHING_SAVED, 'm2morg_1'],
    ['the state has another organization', OTHERS, ''],
    ['the state has another identity hash', { ...SAVED, state: SAVED.state.replace('key_5', 'key_6') }, ''],
    ['the state is not ours', { ...SAVED, state: 'mine' }, ''],
    ['there is no state', { ...SAVED, state: undefined }, ''],
    ['there is an empty id without a state', { ...NOTHING_SAVED, client_id: '' }, ''],
    ['there is a secret without a state', { ...NOTHING_SAVED, secretTime: SAVED.secretTime }, ''],
    ['client_id names another client', SAVED, 'm2morg_2'],
    ['client_id names the saved id in another case', SAVED, 'M2MORG_1'],
    ["client_id is given, and only another owner's state is left", { ...OTHERS, client_id: undefined }, 'm2morg_1'],
  ])('does not delete saved credentials if %s', (_what, saved, client_id) => {
    expect(isDeletable(saved, OWNER, client_id)).toBe(false);
  });
});
