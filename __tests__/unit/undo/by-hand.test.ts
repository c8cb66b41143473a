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

describe('the call for a client and for a secret', () => {
  it.each<[what: string, Partial<PendingState>, string]>([
    ['by its id', { client: PENDING_CLIENT }, REMOVE_CLIENT],
    ['by its nonce if its id is not known', { client: UNANSWERED_CLIENT }, FIND_CLIENT],
    ['by its nonce if not even the request is recorded', {}, FIND_CLIENT],
  ])('removes the client %s', (_what, pending, sentence) => {
    expect(manualClientCall(scalekit, { ...BLANK_STATE, ...pending })).toBe(sentence);
  });

  it.each<[what: string, PendingSecret, string]>([
    ['by its id', PENDING_SECRET, REMOVE_SECRET],
    ['by its time if its id is not known', UNANSWERED_SECRET, FIND_SECRET],
  ])('removes the secret %s', (_what, pending, sentence) => {
    expect(manualSecretCall(scalekit, pending)).toBe(sentence);
  });

  it.each<[what: string, string[], string]>([
    [
      'the call that deletes one of several secrets',
      ['sks_1', 'sks_2'],
      `, or delete an unused secret by hand: DELETE ${CLIENTS}/m2morg_2/secrets/ID, where ID is one of sks_1, sks_2.`,
    ],
    ['no call that deletes the only secret', ['sks_1'], '.'],
    ['no call that deletes a secret that is not known', [], '.'],
  ])('names replace as a way to make room, and %s', (_what, ids, rest) => {
    const replace = 'Use on_existing: replace, which creates a new client and then deletes this one';
    expect(waysToMakeRoom(scalekit, 'm2morg_2', ids)).toBe(`${replace}${rest}`);
  });

  it('names a possible leftover with the call that removes it', () => {
    expect(possibleLeftover(scalekit, UNANSWERED_SECRET, 'sks_7')).toBe(
      `Secret sks_7 of client m2morg_2 may be left over from a request whose answer was lost, or it may be another run's. A later rotation retires it. To remove it by hand: DELETE ${CLIENTS}/m2morg_2/secrets/sks_7`,
    );
  });

  it('encodes ids, so that the call stays below the organization', () => {
    const pending = { ...PENDING_SECRET, client_id: '../..', id: '..?x' };
    expect(manualSecretCall(scalekit, pending)).toContain(`DELETE ${CLIENTS}/..%2F../secrets/..%3Fx`);
  });

  it('names the fields that may stay updated', () => {
    expect(mayStayUpdated({ before: client(), fields: { scopes: [], name: 'a' } })).toBe(
      'Client m2morg_1 may still have updated fields: scopes, name.',
    );
  });
});

describe('the calls for variables', () => {
  it.each<[what: string, Partial<PendingVariables>, calls: string[]]>([
    [
      'restore the id, and last the state',
      {},
      [
        `PATCH ${ACTIONS}/variables/A_ID with the value "m2morg_1"`,
        `PATCH ${ACTIONS}/variables/A_STATE with the value ${JSON.stringify(SAVED.state)}`,
      ],
    ],
    [
      'delete what did not exist before',
      { before: NOTHING_SAVED },
      [`DELETE ${ACTIONS}/variables/A_ID`, `DELETE ${ACTIONS}/variables/A_STATE`],
    ],
    [
      'restore a value that was empty',
      { before: { ...SAVED, client_id: '', state: '' } },
      [`PATCH ${ACTIONS}/variables/A_ID with the value ""`, `PATCH ${ACTIONS}/variables/A_STATE with the value ""`],
    ],
    [
      'restore the state alone if the id did not change',
      { before: { ...SAVED, client_id: 'm2morg_2' } },
      [`PATCH ${ACTIONS}/variables/A_STATE with the value ${JSON.stringify(SAVED.state)}`],
    ],
    [
      'encode the name of an environment',
      { before: NOTHING_SAVED, location: { ...LOCATION, environment: 'preview/pr-7' } },
      ['A_ID', 'A_STATE'].map(
        (name) =>
          `DELETE https://ghes.acme.example/api/v3/repos/acme/app/environments/preview%2Fpr-7/variables/${name}`,
      ),
    ],
    [
      'keep a former value on one line',
      { before: { ...SAVED, client_id: 'a\n"b"' } },
      [
        `PATCH ${ACTIONS}/variables/A_ID with the value "a\\n\\"b\\""`,
        `PATCH ${ACTIONS}/variables/A_STATE with the value ${JSON.stringify(SAVED.state)}`,
      ],
    ],
  ])('the calls for variables %s', (_what, changes, calls) => {
    expect(manualVariableCalls({ ...PENDING_VARIABLES, ...changes })).toBe(
      `To restore them by hand: ${calls.join('; ')}`,
    );
  });
});

describe('the calls for saved credentials', () => {
  const API = PENDING_VARIABLES.api;

  it.each<[what: string, SavedSnapshot, paths: string[]]>([
    ['delete the secret first and the state last', SAVED, ['secrets/A_SECRET', 'variables/A_ID', 'variables/A_STATE']],
    ['delete a secret alone', { ...NOTHING_SAVED, secretTime: SAVED.secretTime }, ['secrets/A_SECRET']],
    ['delete an id alone, even if it is empty', { ...NOTHING_SAVED, client_id: '' }, ['variables/A_ID']],
    ['delete a state alone, even if it is empty', { ...NOTHING_SAVED, state: '' }, ['variables/A_STATE']],
    ['delete nothing if nothing is there', NOTHING_SAVED, []],
  ])('the calls for saved credentials %s', (_what, saved, paths) => {
    const calls = paths.map((path) => `DELETE ${ACTIONS}/${path}`).join('; ');
    expect(manualSavedCalls(API, LOCATION, saved)).toBe(calls);
  });

  it('the calls for saved credentials address the environment if they are saved there', () => {
    const location = { ...LOCATION, environment: 'a b' };
    expect(manualSavedCalls(API, location, { ...NOTHING_SAVED, state: '' })).toBe(
      'DELETE https://ghes.acme.example/api/v3/repos/acme/app/environments/a%20b/variables/A_STATE',
    );
  });
});

describe('the calls for everything that is pending', () => {
  it.each<[what: string, Partial<PendingState>, sentences: string[]]>([
    ['a client', { client: PENDING_CLIENT }, [REMOVE_CLIENT]],
    ['a client of which only the nonce is known', { client: UNANSWERED_CLIENT }, [FIND_CLIENT]],
    ['a secret', { secret: PENDING_SECRET }, [REMOVE_SECRET]],
    ['a secret whose id is not known', { secret: UNANSWERED_SECRET }, [FIND_SECRET]],
    ['variables', { variables: PENDING_VARIABLES }, [RESTORE_VARIABLES]],
    [
      'all of them, the last one last',
      { client: PENDING_CLIENT, secret: PENDING_SECRET, variables: PENDING_VARIABLES },
      [REMOVE_SECRET, REMOVE_CLIENT, RESTORE_VARIABLES],
    ],
    [
      'a client and variables',
      { client: PENDING_CLIENT, variables: PENDING_VARIABLES },
      [REMOVE_CLIENT, RESTORE_VARIABLES],
    ],
    ['a client that may exist although none is recorded', {}, [FIND_CLIENT]],
  ])('names the calls for %s', (_what, pending, sentences) => {
    expect(manualCalls(scalekit, { ...BLANK_STATE, ...pending })).toBe(sentences.join(' '));
  });
});

describe('the sentence about a state that is not trusted', () => {
  const trusted = { client: PENDING_CLIENT, secret: PENDING_SECRET, variables: PENDING_VARIABLES };

  it.each<[what: string, Partial<PendingState>, named: string[]]>([
    ['which nonce to look for', {}, ['/api/v1/organizations/org_1/clients', MARKER.nonce]],
    ['which client to delete', { client: PENDING_CLIENT }, ['/api/v1/organizations/org_1/clients/m2morg_2']],
    [
      'which secret to delete',
      { secret: PENDING_SECRET },
      ['/api/v1/organizations/org_1/clients/m2morg_2/secrets/sks_1'],
    ],
    ['whose secrets to check', { secret: UNANSWERED_SECRET }, ['/api/v1/organizations/org_1/clients/m2morg_2/secrets']],
    ['which variables to check', { variables: PENDING_VARIABLES }, ['A_ID', 'A_STATE', MARKER.nonce]],
    [
      'which nonce to look for without an organization',
      { organization_id: '' },
      ['/api/v1/organizations/clients', MARKER.nonce],
    ],
  ])('says, of a state that is not trusted, %s', (_what, pending, named) => {
    const sentence = whereToLook({ ...BLANK_STATE, ...pending });
    for (const text of named) expect(sentence).toContain(text);
    expect(sentence).toMatch(/^To remove it by hand.*\.$/);
    expect(sentence).not.toMatch(/undefined|\[object|, ,/);
  });

  it('names no host for a state that is not trusted, because users send a token to the address in a call', () => {
    fc.assert(
      fc.property(fc.subarray(Object.keys(trusted) as (keyof typeof trusted)[]), (names) => {
        const pending = Object.fromEntries(names.map((name) => [name, trusted[name]]));
        const evil = { ...BLANK_STATE, ...pending, origin: 'https://evil.example' };
        expect(whereToLook(evil)).not.toMatch(/https?:|evil|ghes/);
      }),
    );
  });
});
