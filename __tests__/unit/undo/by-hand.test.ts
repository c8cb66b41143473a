import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SavedSnapshot } from '../../../src/github/saved-credentials.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import {
  manualCalls,
  manualClientCall,
  manualSavedCalls,
  manualSecretCall,
  manualVariableCalls,
  mayStayUpdated,
  possibleLeftover,
  waysToMakeRoom,
  whereToLook,
} from '../../../src/undo/by-hand.ts';
import type { PendingSecret, PendingState, PendingVariables } from '../../../src/undo/pending.ts';
import {
  BLANK_STATE,
  client,
  FakeTransport,
  LOCATION,
  MARKER,
  NOTHING_SAVED,
  PENDING_CLIENT,
  PENDING_SECRET,
  PENDING_VARIABLES,
  SAVED,
} from '../fixtures.ts';

const CLIENTS = 'https://acme.scalekit.com/api/v1/organizations/org_1/clients';
const ACTIONS = 'https://ghes.acme.example/api/v3/repos/acme/app/actions';
const scalekit = new Scalekit(new FakeTransport(() => ({})), BLANK_STATE.origin, 'org_1');
const { id: _, ...UNANSWERED_SECRET } = PENDING_SECRET;
const UNANSWERED_CLIENT = { sent_at: 1, sent_again: false };

const REMOVE_CLIENT = `To remove it by hand: DELETE ${CLIENTS}/m2morg_2`;
const FIND_CLIENT = `To remove it by hand, find the client that GET ${CLIENTS} shows with "nonce:${MARKER.nonce}" in its description; then DELETE ${CLIENTS}/ID`;
const REMOVE_SECRET = `To remove it by hand: DELETE ${CLIENTS}/m2morg_2/secrets/sks_1`;
const FIND_SECRET = `To remove it by hand, find it by its time among the secrets of client m2morg_2; then DELETE ${CLIENTS}/m2morg_2/secrets/ID`;
const RESTORE_VARIABLES = `To restore them by hand: PATCH ${ACTIONS}/variables/A_ID with the value "m2morg_1"; PATCH ${ACTIONS}/variables/A_STATE with the value ${JSON.stringify(SAVED.state)}`;

describe('the calls that remove a client or a secret', () => {
  it.each<[how: string, Partial<PendingState>, string]>([
    ['by its id', { client: PENDING_CLIENT }, REMOVE_CLIENT],
    ['by its nonce if its id is unknown', { client: UNANSWERED_CLIENT }, FIND_CLIENT],
    ['by its nonce if no request is recorded', {}, FIND_CLIENT],
  ])('manualClientCall names the client %s', (_how, pending, sentence) => {
    expect(manualClientCall(scalekit, { ...BLANK_STATE, ...pending })).toBe(sentence);
  });

  it.each<[how: string, PendingSecret, string]>([
    ['by its id', PENDING_SECRET, REMOVE_SECRET],
    ['by its time if its id is unknown', UNANSWERED_SECRET, FIND_SECRET],
  ])('manualSecretCall names the secret %s', (_how, pending, sentence) => {
    expect(manualSecretCall(scalekit, pending)).toBe(sentence);
  });

  it('manualSecretCall encodes ids, so that the call is about the organization', () => {
    const pending = { ...PENDING_SECRET, client_id: '../..', id: '..?x' };
    expect(manualSecretCall(scalekit, pending)).toContain(`DELETE ${CLIENTS}/..%2F../secrets/..%3Fx`);
  });

  it.each<[what: string, ids: string[], rest: string]>([
    [
      'the call that deletes one of several secrets',
      ['sks_1', 'sks_2'],
      `, or delete an unused secret by hand: DELETE ${CLIENTS}/m2morg_2/secrets/ID, where ID is one of sks_1, sks_2.`,
    ],
    ['no call if the client has one secret', ['sks_1'], '.'],
  ])('waysToMakeRoom names on_existing: replace, and %s', (_what, ids, rest) => {
    const replace = 'Use on_existing: replace, which creates a new client and then deletes this one';
    expect(waysToMakeRoom(scalekit, 'm2morg_2', ids)).toBe(`${replace}${rest}`);
  });

  it('possibleLeftover names a secret that may be left over, with the call that removes it', () => {
    expect(possibleLeftover(scalekit, UNANSWERED_SECRET, 'sks_7')).toBe(
      `Secret sks_7 of client m2morg_2 may be left over from a request whose answer was lost, or it may be another run's. A later rotation retires it. To remove it by hand: DELETE ${CLIENTS}/m2morg_2/secrets/sks_7`,
    );
  });

  it('mayStayUpdated names the fields that may stay updated', () => {
    expect(mayStayUpdated({ before: client(), fields: { scopes: [], name: 'a' } })).toBe(
      'Client m2morg_1 may still have updated fields: scopes, name.',
    );
  });
});

describe('the calls for variables and saved credentials', () => {
  const STATE_CALL = `PATCH ${ACTIONS}/variables/A_STATE with the value ${JSON.stringify(SAVED.state)}`;

  it.each<[what: string, Partial<PendingVariables>, calls: string[]]>([
    [
      'restores the id, and then one that restores the state',
      {},
      [`PATCH ${ACTIONS}/variables/A_ID with the value "m2morg_1"`, STATE_CALL],
    ],
    [
      'deletes a variable that did not exist before',
      { before: NOTHING_SAVED },
      [`DELETE ${ACTIONS}/variables/A_ID`, `DELETE ${ACTIONS}/variables/A_STATE`],
    ],
    [
      'restores a former value that was empty',
      { before: { ...SAVED, client_id: '', state: '' } },
      [`PATCH ${ACTIONS}/variables/A_ID with the value ""`, `PATCH ${ACTIONS}/variables/A_STATE with the value ""`],
    ],
    [
      'restores the state, and none for an id that has not changed',
      { before: { ...SAVED, client_id: 'm2morg_2' } },
      [STATE_CALL],
    ],
    [
      'encodes the name of the environment',
      { before: NOTHING_SAVED, location: { ...LOCATION, environment: 'preview/pr-7' } },
      ['A_ID', 'A_STATE'].map(
        (name) =>
          `DELETE https://ghes.acme.example/api/v3/repos/acme/app/environments/preview%2Fpr-7/variables/${name}`,
      ),
    ],
    [
      'shows a former value with a line break on one line',
      { before: { ...SAVED, client_id: 'a\n"b"' } },
      [`PATCH ${ACTIONS}/variables/A_ID with the value "a\\n\\"b\\""`, STATE_CALL],
    ],
  ])('manualVariableCalls names a call that %s', (_what, changes, calls) => {
    expect(manualVariableCalls({ ...PENDING_VARIABLES, ...changes })).toBe(
      `To restore them by hand: ${calls.join('; ')}`,
    );
  });

  it.each<[what: string, SavedSnapshot, paths: string[]]>([
    ['the secret first and the state last', SAVED, ['secrets/A_SECRET', 'variables/A_ID', 'variables/A_STATE']],
    ['only a secret', { ...NOTHING_SAVED, secretTime: SAVED.secretTime }, ['secrets/A_SECRET']],
    ['only an id, even if it is empty', { ...NOTHING_SAVED, client_id: '' }, ['variables/A_ID']],
    ['only a state, even if it is empty', { ...NOTHING_SAVED, state: '' }, ['variables/A_STATE']],
    ['nothing if nothing is saved', NOTHING_SAVED, []],
  ])('manualSavedCalls names calls that delete %s', (_what, saved, paths) => {
    const calls = paths.map((path) => `DELETE ${ACTIONS}/${path}`).join('; ');
    expect(manualSavedCalls(PENDING_VARIABLES.api, LOCATION, saved)).toBe(calls);
  });

  it('manualSavedCalls addresses the environment if the credentials are saved there', () => {
    const location = { ...LOCATION, environment: 'a b' };
    expect(manualSavedCalls(PENDING_VARIABLES.api, location, { ...NOTHING_SAVED, state: '' })).toBe(
      'DELETE https://ghes.acme.example/api/v3/repos/acme/app/environments/a%20b/variables/A_STATE',
    );
  });
});

it.each<[what: string, Partial<PendingState>, sentences: string[]]>([
  ['a client', { client: PENDING_CLIENT }, [REMOVE_CLIENT]],
  ['a secret', { secret: PENDING_SECRET }, [REMOVE_SECRET]],
  ['variables', { variables: PENDING_VARIABLES }, [RESTORE_VARIABLES]],
  [
    'a secret, a client and variables, in this order',
    { client: PENDING_CLIENT, secret: PENDING_SECRET, variables: PENDING_VARIABLES },
    [REMOVE_SECRET, REMOVE_CLIENT, RESTORE_VARIABLES],
  ],
  ['a client that may exist although none is recorded', {}, [FIND_CLIENT]],
])('manualCalls names the calls for %s', (_what, pending, sentences) => {
  expect(manualCalls(scalekit, { ...BLANK_STATE, ...pending })).toBe(sentences.join(' '));
});

describe('whereToLook, for a state that is not trusted', () => {
  const trusted = { client: PENDING_CLIENT, secret: PENDING_SECRET, variables: PENDING_VARIABLES };

  it.each<[what: string, Partial<PendingState>, named: string[]]>([
    ['the nonce to search for', {}, ['/api/v1/organizations/org_1/clients', MARKER.nonce]],
    ['the client to delete', { client: PENDING_CLIENT }, ['/api/v1/organizations/org_1/clients/m2morg_2']],
    [
      'the secret to delete',
      { secret: PENDING_SECRET },
      ['/api/v1/organizations/org_1/clients/m2morg_2/secrets/sks_1'],
    ],
    [
      'the client whose secrets to check',
      { secret: UNANSWERED_SECRET },
      ['/api/v1/organizations/org_1/clients/m2morg_2/secrets'],
    ],
    ['the variables to check', { variables: PENDING_VARIABLES }, ['A_ID', 'A_STATE', MARKER.nonce]],
    [
      'the nonce to search for if no organization is recorded',
      { organization_id: '' },
      ['/api/v1/organizations/clients', MARKER.nonce],
    ],
  ])('whereToLook names, for an untrusted state, %s', (_what, pending, named) => {
    const sentence = whereToLook({ ...BLANK_STATE, ...pending });
    for (const text of named) expect(sentence).toContain(text);
    expect(sentence).toMatch(/^To remove it by hand.*\.$/);
    expect(sentence).not.toMatch(/undefined|\[object|, ,/);
  });

  it('whereToLook names no host, because users send a token to the address in a call', () => {
    fc.assert(
      fc.property(fc.subarray(Object.keys(trusted) as (keyof typeof trusted)[]), (names) => {
        const pending = Object.fromEntries(names.map((name) => [name, trusted[name]]));
        const evil = { ...BLANK_STATE, ...pending, origin: 'https://evil.example' };
        expect(whereToLook(evil)).not.toMatch(/https?:|evil|ghes/);
      }),
      { numRuns: 30 },
    );
  });
});
