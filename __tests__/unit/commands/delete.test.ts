import { expect, it } from '@jest/globals';
import { isDeletable } from '../../../src/commands/delete.ts';
import type { SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import { MARKER, NOTHING_SAVED, SAVED } from '../fixtures.ts';

const OWNER = { key: MARKER.key, organization_id: 'org_1' };
/** What another owner has saved. */
const OTHERS: SavedSnapshot = { ...SAVED, state: SAVED.state.replace('org_1', 'org_2') };

it.each<[what: string, SavedSnapshot, client_id: string]>([
  ['the state names this owner', SAVED, ''],
  ['the state names this owner, whichever client the id names', { ...SAVED, client_id: 'm2morg_9' }, ''],
  ['only the state of this owner is left, after a run was cut off', { ...NOTHING_SAVED, state: SAVED.state }, ''],
  ['the state names this owner and no secret', { ...SAVED, state: SAVED.state.replace('sks_1', 'unknown') }, ''],
  ['client_id equals the saved id', SAVED, 'm2morg_1'],
  ['client_id equals the saved id, although the state names another owner', OTHERS, 'm2morg_1'],
  ['client_id equals the saved id, and there is no state', { ...SAVED, state: undefined }, 'm2morg_1'],
  ['client_id equals the saved id without its line break', { ...SAVED, client_id: 'm2morg_1\n' }, 'm2morg_1'],
  ['client_id is given, and only the state of this owner is left', { ...SAVED, client_id: undefined }, 'm2morg_1'],
])('isDeletable accepts saved credentials if %s', (_what, saved, client_id) => {
  expect(isDeletable(saved, OWNER, client_id)).toBe(true);
});

it.each<[what: string, SavedSnapshot, client_id: string]>([
  ['nothing is saved', NOTHING_SAVED, ''],
  ['nothing is saved, and client_id is given', NOTHING_SAVED, 'm2morg_1'],
  ['the state has another organization', OTHERS, ''],
  ['the state has another identity hash', { ...SAVED, state: SAVED.state.replace('key_5', 'key_6') }, ''],
  ['the state has another form', { ...SAVED, state: 'mine' }, ''],
  ['there is no state', { ...SAVED, state: undefined }, ''],
  ['an empty id is saved without a state', { ...NOTHING_SAVED, client_id: '' }, ''],
  ['a secret is saved without a state', { ...NOTHING_SAVED, secretTime: SAVED.secretTime }, ''],
  ['client_id names another client', SAVED, 'm2morg_2'],
  ['client_id differs from the saved id in its case', SAVED, 'M2MORG_1'],
  ['client_id is given, and only the state of another owner is left', { ...OTHERS, client_id: undefined }, 'm2morg_1'],
])('isDeletable refuses saved credentials if %s', (_what, saved, client_id) => {
  expect(isDeletable(saved, OWNER, client_id)).toBe(false);
});
