import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { DesiredClient } from '../../../src/client/desired.ts';
import { formatMarker } from '../../../src/client/marker.ts';
import { NetworkError } from '../../../src/net/network-error.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { Scalekit } from '../../../src/scalekit/api.ts';
import type { Client, ClientFields } from '../../../src/scalekit/types.ts';
import { updateClient } from '../../../src/steps/update.ts';
import { Journal } from '../../../src/undo/journal.ts';
import {
  BLANK_STATE,
  client,
  desiredClient,
  FakeTransport,
  json,
  LISTS,
  LOCATION,
  MARKER,
  NEW_MARKER_LINE,
  NO_RESPONSE,
  OLD_MARKER_LINE,
} from '../fixtures.ts';

const FOREIGN = { ...MARKER, key: 'another_key-1234', by: '99', run: '7.1', nonce: 'older-nonce-1234' };
const FOREIGN_LINE = formatMarker(FOREIGN);

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/**
 * Updates a client in a Scalekit that carries the request out.
 * @param response the response to the update, if it is another
 * @param read the response to a read of the client, if it is another
 * @param isDone whether Scalekit carries the request out
 * @returns the client or the error message, the description that was sent, and the requests
 */
async function update(
  existing: Partial<Client>,
  fields: Partial<ClientFields>,
  {
    desired = {},
    response,
    read,
    isDone = true,
  }: {
    desired?: Partial<DesiredClient>;
    response?: Partial<FinalResponse> | Error;
    read?: Partial<FinalResponse>;
    isDone?: boolean;
  } = {},
) {
  const { descriptionText: _, marker: __, secrets: ___, create_time: ____, ...shown } = client(existing);
  let now: object = shown;
  const transport = new FakeTransport(({ method, body = '' }) => {
    if (method === 'PATCH' && isDone) now = { ...now, ...JSON.parse(body) };
    return (method === 'PATCH' ? response : read) ?? json({ client: now });
  });
  const journal = new Journal(BLANK_STATE, 'secret', undefined);
  const scalekit = new Scalekit(transport, BLANK_STATE.origin, 'org_1');
  const context = { scalekit, desired: desiredClient(desired), journal };
  const updated = await updateClient(context, client(existing), fields).catch(({ message }: Error) => message);
  const [patch] = transport.requests;
  return {
    updated,
    sent: JSON.parse(patch?.body ?? '{}'),
    methods: transport.requests.map(({ method }) => method),
    journal,
  };
}

describe('the ownership marker of an updated client', () => {
  it.each<{ what: string; before: string; desired: Partial<DesiredClient>; after: string }>([
    {
      what: 'a marker that has its identity hash',
      before: OLD_MARKER_LINE,
      desired: {},
      after: OLD_MARKER_LINE,
    },
    {
      what: 'a marker that has its identity hash if the credentials are saved',
      before: OLD_MARKER_LINE,
      desired: { location: LOCATION },
      after: OLD_MARKER_LINE,
    },
    {
      what: 'a marker with another identity hash if nothing is saved',
      before: FOREIGN_LINE,
      desired: {},
      after: FOREIGN_LINE,
    },
    {
      what: 'all of a marker but its identity hash, which becomes its own if the credentials are saved',
      before: FOREIGN_LINE,
      desired: { location: LOCATION },
      after: formatMarker({ ...FOREIGN, key: MARKER.key }),
    },
  ])('updates a client and keeps $what', async ({ before, desired, after }) => {
    const description = `Old\n${before}`;
    const { updated, sent, methods, journal } = await update({ description }, { description: 'What for' }, { desired });
    expect(sent).toEqual({ description: `What for\n${after}` });
    expect(updated).toMatchObject({
      client_id: 'm2morg_1',
      description: `What for\n${after}`,
      secrets: client().secrets,
    });
    expect(methods).toEqual(['PATCH']);
    expect(journal.pendingUpdate).toEqual({ before: client({ description }), fields: { description: 'What for' } });
  });

  it.each<[where: string, Partial<DesiredClient>]>([
    ['are not saved', {}],
    ['are saved', { location: LOCATION }],
  ])(
    'adds a marker with a new nonce to an updated client without one, if the credentials %s',
    async (_where, desired) => {
      const { updated, sent } = await update({ description: 'Old' }, { description: 'What for' }, { desired });
      const { nonce = '' } = /nonce:(?<nonce>[\w-]{16})\]$/.exec(sent.description)?.groups ?? {};
      expect(nonce).not.toBe(MARKER.nonce);
      expect(sent.description).toBe(`What for\n${NEW_MARKER_LINE.replace(MARKER.nonce, nonce)}`);
      expect(updated).toMatchObject({ description: sent.description });
    },
  );

  it('fails if the updated client does not have the marker that was sent', async () => {
    const response = json({ client: { client_id: 'm2morg_1', ...LISTS, name: 'Deployer', description: 'What for' } });
    const { updated } = await update({ description: 'Old' }, { description: 'What for' }, { response });
    expect(updated).toBe(
      'Client m2morg_1 still differs from what was requested after its update. Its description does not have the ownership marker that was sent. A shorter description may help, if Scalekit cuts it.',
    );
  });

  it('sends no description if an update changes only another field', async () => {
    const { sent } = await update({ name: 'Other' }, { name: 'Deployer' });
    expect(sent).toEqual({ name: 'Deployer' });
  });
});

describe('an update whose outcome is unknown or a failure', () => {
  const NAME = { name: 'Deployer' };
  const OTHER = { name: 'Other' };

  it.each<[what: string, response: Partial<FinalResponse> | Error]>([
    ['no response arrived', NO_RESPONSE],
    ['the server failed', { status: 502, mayBeDone: true }],
    ['the server refused it after an attempt that it may have carried out', { status: 409, mayBeDone: true }],
    ['the response shows no client', { body: '<html>' }],
  ])('counts an update as done if %s, but the client then has the new fields', async (_what, response) => {
    const { updated, methods } = await update(OTHER, NAME, { response });
    expect(updated).toMatchObject({ client_id: 'm2morg_1', name: 'Deployer' });
    expect(methods).toEqual(['PATCH', 'GET']);
  });

  it.each<[what: string, response: Partial<FinalResponse> | Error, methods: string[]]>([
    ['the server refused it', { status: 403 }, ['PATCH']],
    ['it never reached the server', new NetworkError('refused', 'ECONNREFUSED', false), ['PATCH']],
    ['no response arrived, and the client has its former fields', NO_RESPONSE, ['PATCH', 'GET']],
  ])('fails with the error of the update if %s', async (_what, response, expected) => {
    const { updated, methods, journal } = await update(OTHER, NAME, { response, isDone: false });
    expect(updated).toMatch(/^Could not update client m2morg_1: /);
    expect(methods).toEqual(expected);
    expect(journal.pendingUpdate).toMatchObject({ fields: NAME });
  });

  it('fails with the error of the update if no response arrived, and the client has its former marker', async () => {
    const description = `What for\n${FOREIGN_LINE}`;
    const changes = { desired: { location: LOCATION }, response: NO_RESPONSE, isDone: false };
    const { updated } = await update({ description }, { description: 'What for' }, changes);
    expect(updated).toMatch(/^Could not update client m2morg_1: socket hang up\./);
  });

  it('fails with the error of the update if no response arrived, and the client cannot be read', async () => {
    const { updated } = await update(OTHER, NAME, { response: NO_RESPONSE, read: { status: 403 } });
    expect(updated).toMatch(/^Could not update client m2morg_1: socket hang up\./);
  });

  it('fails with the differences if the update succeeds, but the client does not have the new fields', async () => {
    const { updated } = await update({ scopes: ['x'] }, { scopes: LISTS.scopes }, { isDone: false });
    expect(updated).toBe(
      'Client m2morg_1 still differs from what was requested after its update. A scope must exist in the environment. on_existing: replace creates a new client. If an entry is a default of the environment, list it among the inputs.\nscopes: wanted "deploy:apps", "read:apps"; got "x"',
    );
  });

  it('does not fail if the update changes all fields but the name', async () => {
    const { updated } = await update(OTHER, NAME, { isDone: false });
    expect(updated).toMatchObject({ name: 'Other' });
  });

  it('names on_existing: replace if the server refuses an update with 400', async () => {
    const { updated } = await update(OTHER, NAME, { response: { status: 400 }, isDone: false });
    expect(updated).toMatch(/HTTP 400\. on_existing: replace creates a new client instead\.$/);
  });
});
