import { describe, expect, it } from '@jest/globals';
import { NetworkError } from '../../../src/net/network-error.ts';
import { json, MISSING, NO_RESPONSE, SAVED } from '../fixtures.ts';
import { type FakeResponse, KEY, PAGE, type Responses, savedWith, TOKEN } from './fake-saved-credentials.ts';

/** Responses after which a change may have been carried out, with the beginning of the error. */
const UNCLEAR: { after: string; response: FakeResponse; why: string }[] = [
  { after: 'no response', response: NO_RESPONSE, why: 'socket hang up' },
  { after: 'a failure of the server', response: { status: 502, mayBeDone: true }, why: 'HTTP 502' },
  { after: 'a success that GitHub does not document', response: { status: 200 }, why: 'HTTP 200' },
];

describe('writing a variable', () => {
  const CONFLICT = { status: 409, ...json({ message: 'Already exists' }) };
  const OK = { status: 204 };
  const CREATED = { status: 201 };
  const reads = (value: string) => ({ 'GET A_ID': json({ value, updated_at: '2026-11-24T08:00:00Z' }) });

  interface WriteCase {
    what: string;
    /** Whether the caller expects that the variable exists. */
    exists: boolean;
    responses: Responses;
    /** The methods of the requests, in order. */
    sent: string[];
  }

  /** Writes the variable, and checks which requests that sends. @returns the outcome */
  async function write({ exists, responses, sent }: WriteCase) {
    const { transport, savedCredentials } = savedWith(responses);
    const outcome = await savedCredentials.setVariable('A_ID', 'm2morg_1', exists);
    expect(transport.requests.map(({ method }) => method)).toEqual(sent);
    return outcome;
  }

  const failureWith = (kind: 'refused' | 'unknown', error: string) => ({
    kind,
    error: { message: expect.stringContaining(`Could not write variable A_ID of acme/app: ${error}`) },
  });

  it.each<WriteCase>([
    { what: 'a variable that exists', exists: true, responses: { 'PATCH A_ID': OK }, sent: ['PATCH'] },
    {
      what: 'a variable that was deleted in the meantime',
      exists: true,
      responses: { 'POST variables': CREATED },
      sent: ['PATCH', 'POST'],
    },
    { what: 'a new variable', exists: false, responses: { 'POST variables': CREATED }, sent: ['POST'] },
    {
      what: 'a variable that was created in the meantime',
      exists: false,
      responses: { 'POST variables': CONFLICT, 'PATCH A_ID': OK },
      sent: ['POST', 'PATCH'],
    },
    {
      what: 'a variable that was created in the meantime, although its update got no response',
      exists: false,
      responses: { 'POST variables': CONFLICT, 'PATCH A_ID': NO_RESPONSE, ...reads('m2morg_1') },
      sent: ['POST', 'PATCH', 'GET'],
    },
    ...UNCLEAR.flatMap(({ after, response }) => [
      {
        what: `a variable that exists, if a read shows the value after ${after}`,
        exists: true,
        responses: { 'PATCH A_ID': response, ...reads('m2morg_1') },
        sent: ['PATCH', 'GET'],
      },
      {
        what: `a new variable, if a read shows the value after ${after}`,
        exists: false,
        responses: { 'POST variables': response, ...reads('m2morg_1') },
        sent: ['POST', 'GET'],
      },
    ]),
  ])('SavedCredentials.setVariable reports that it wrote $what', async (given) => {
    expect(await write(given)).toMatchObject({ kind: 'done' });
  });

  it.each<WriteCase & { error: string }>([
    {
      what: 'an update is refused, and reads nothing',
      exists: true,
      responses: { 'PATCH A_ID': { status: 403 }, ...reads('m2morg_1') },
      sent: ['PATCH'],
      error: 'HTTP 403',
    },
    {
      what: 'an update meets a conflict',
      exists: true,
      responses: { 'PATCH A_ID': CONFLICT },
      sent: ['PATCH'],
      error: 'HTTP 409: Already exists',
    },
    {
      what: 'the variable was created and deleted in the meantime',
      exists: false,
      responses: { 'POST variables': CONFLICT },
      sent: ['POST', 'PATCH'],
      error: 'HTTP 404: Not Found',
    },
    {
      what: 'the location of a new variable does not exist',
      exists: false,
      responses: {},
      sent: ['POST'],
      error: 'HTTP 404: Not Found',
    },
  ])('SavedCredentials.setVariable reports a refusal if $what', async ({ error, ...given }) => {
    expect(await write(given)).toMatchObject(failureWith('refused', error));
  });

  it.each<WriteCase & { error: string }>([
    ...UNCLEAR.flatMap(({ after, response, why }) => [
      {
        what: `a read shows another value after ${after}`,
        exists: true,
        responses: { 'PATCH A_ID': response, ...reads('m2morg_0') },
        sent: ['PATCH', 'GET'],
        error: why,
      },
      {
        what: `a read finds no new variable after ${after}`,
        exists: false,
        responses: { 'POST variables': response },
        sent: ['POST', 'GET'],
        error: why,
      },
      {
        what: `the variable cannot be read after ${after}`,
        exists: true,
        responses: { 'PATCH A_ID': response, 'GET A_ID': NO_RESPONSE },
        sent: ['PATCH', 'GET'],
        error: why,
      },
    ]),
    {
      what: 'a creation gets the status of an update',
      exists: false,
      responses: { 'POST variables': OK },
      sent: ['POST', 'GET'],
      error: 'HTTP 204, but GitHub answers 201 after a success',
    },
    {
      what: 'an update gets the status of a creation',
      exists: true,
      responses: { 'PATCH A_ID': CREATED },
      sent: ['PATCH', 'GET'],
      error: 'HTTP 201, but GitHub answers 204 after a success',
    },
  ])('SavedCredentials.setVariable reports an unknown outcome if $what', async ({ error, ...given }) => {
    expect(await write(given)).toMatchObject(failureWith('unknown', error));
  });

  it('SavedCredentials.setVariable considers in its second request whether the first may have been carried out', async () => {
    for (const mayBeDone of [true, false]) {
      const { transport, savedCredentials } = savedWith({
        'PATCH A_ID': { ...MISSING, mayBeDone },
        'POST variables': { status: 422, mayBeDone },
      });
      expect(await savedCredentials.setVariable('A_ID', 'm2morg_1', true)).toMatchObject({
        kind: mayBeDone ? 'unknown' : 'refused',
      });
      expect(transport.requests.slice(0, 2)).toMatchObject([
        { method: 'PATCH', mayBeDone: false },
        { method: 'POST', mayBeDone },
      ]);
    }
  });
});

describe('deleting a variable or the secret', () => {
  /** The response to a read of a variable, or of a secret, that exists. */
  const EXISTS = json({ value: 'm2morg_1', updated_at: '2026-11-24T08:00:00Z' });

  const deletions = (response: FakeResponse, read: FakeResponse) => {
    const { savedCredentials } = savedWith({
      'DELETE A_ID': response,
      'DELETE A_SECRET': response,
      'GET A_ID': read,
      'GET A_SECRET': read,
    });
    return {
      deleteVariable: () => savedCredentials.deleteVariable('A_ID'),
      deleteSecret: () => savedCredentials.deleteSecret(),
    };
  };

  const AFTER = [...UNCLEAR, { after: 'a 404 of a server in between', response: PAGE }];

  it.each<{ existed: boolean; what: string; response: FakeResponse; read: FakeResponse }>([
    { existed: true, what: 'a success', response: { status: 204 }, read: EXISTS },
    { existed: false, what: 'a 404', response: MISSING, read: EXISTS },
    {
      existed: true,
      what: 'a 404 that follows an attempt without a response',
      response: { ...MISSING, mayBeDone: true },
      read: EXISTS,
    },
    ...AFTER.map(({ after, response }) => ({
      existed: true,
      what: `${after}, if a read finds nothing`,
      response,
      read: MISSING,
    })),
  ])('deleteVariable and deleteSecret return $existed after $what', async ({ existed, response, read }) => {
    const { deleteVariable, deleteSecret } = deletions(response, read);
    expect(await deleteVariable()).toBe(existed);
    expect(await deleteSecret()).toBe(existed);
  });

  it.each<{ what: string; response: FakeResponse; read: FakeResponse }>([
    { what: 'the request is refused', response: { status: 403 }, read: MISSING },
    ...AFTER.flatMap(({ after, response }) => [
      { what: `it still exists after ${after}`, response, read: EXISTS },
      { what: `a read gets no response after ${after}`, response, read: NO_RESPONSE },
      { what: `a read is refused after ${after}`, response, read: { status: 403 } },
    ]),
  ])('deleteVariable and deleteSecret fail if $what', async ({ response, read }) => {
    const { deleteVariable, deleteSecret } = deletions(response, read);
    await expect(deleteVariable()).rejects.toThrow('Could not delete variable A_ID of acme/app: ');
    await expect(deleteSecret()).rejects.toThrow('Could not delete secret A_SECRET of acme/app: ');
  });
});

describe('writing the secret', () => {
  const SEALED = { encrypted_value: 'sealed', key_id: '7' };

  /** Sends the secret, and checks that nothing is read to find the outcome. @returns the outcome */
  async function sendSecret(response: FakeResponse) {
    const { transport, savedCredentials } = savedWith({
      'PUT A_SECRET': response,
      'GET A_SECRET': json({ updated_at: SAVED.secretTime }),
    });
    const outcome = await savedCredentials.setSecret(SEALED);
    expect(transport.requests).toMatchObject([{ method: 'PUT', repeatable: true }]);
    return outcome;
  }

  it.each<[what: string, response: FakeResponse]>([
    ['a creation', { status: 201 }],
    ['a replacement', { status: 204 }],
    ['a replacement that follows an attempt that may have arrived', { status: 204, mayBeDone: true }],
  ])('SavedCredentials.setSecret reports the outcome done after %s', async (_what, response) => {
    expect(await sendSecret(response)).toMatchObject({ kind: 'done' });
  });

  it.each<{ what: string; response: FakeResponse; kind: 'refused' | 'unknown'; message: string }>([
    {
      what: 'a refusal',
      response: { status: 422, ...json({ message: 'Bad key' }) },
      kind: 'refused',
      message: 'HTTP 422: Bad key.',
    },
    { what: 'a 404', response: MISSING, kind: 'refused', message: 'HTTP 404: Not Found. ' },
    {
      what: 'a connection that was refused',
      response: new NetworkError('a', 'ECONNREFUSED', false),
      kind: 'refused',
      message: 'a. ',
    },
    ...UNCLEAR.map(({ after, response, why }) => ({ what: after, response, kind: 'unknown' as const, message: why })),
    {
      what: 'a refusal that follows an attempt that may have arrived',
      response: { status: 422, mayBeDone: true },
      kind: 'unknown',
      message: 'HTTP 422.',
    },
    {
      what: 'a 404 of a server in between',
      response: PAGE,
      kind: 'unknown',
      message: "HTTP 404, but it is not GitHub's. ",
    },
  ])('SavedCredentials.setSecret reports the outcome $kind after $what', async ({ response, kind, message }) => {
    const outcome = await sendSecret(response);
    expect(outcome).toMatchObject({ kind });
    const start = `Could not write secret A_SECRET of acme/app: ${message}`;
    expect(outcome.kind === 'done' ? '' : outcome.error.message.slice(0, start.length)).toBe(start);
  });

  it('SavedCredentials.seal shows nothing of a secret that cannot be sealed, and sends nothing', async () => {
    const { transport, savedCredentials } = savedWith();
    await savedCredentials.open();
    const sealing = () =>
      savedCredentials.seal(() => {
        throw new Error(TOKEN);
      });
    expect(sealing).toThrow('Could not seal the secret for acme/app: its public key is not usable.');
    expect(sealing).toThrow(expect.objectContaining({ name: 'ApiError' }));
    expect(transport.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('SavedCredentials.seal encrypts with the public key that GitHub showed, and names the id of the key', async () => {
    const { savedCredentials } = savedWith();
    await savedCredentials.open();
    expect(savedCredentials.seal((key) => `for ${key}`)).toEqual({ encrypted_value: `for ${KEY}`, key_id: '7' });
  });
});
