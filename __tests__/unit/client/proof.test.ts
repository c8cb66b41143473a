import { describe, expect, it } from '@jest/globals';
import { appendMarker } from '../../../src/client/marker.ts';
import { type CreateRequest, proofOf } from '../../../src/client/proof.ts';
import type { Client } from '../../../src/scalekit/types.ts';
import { client, desiredClient } from '../fixtures.ts';

const SECOND = 1_000_000_000n;
const SENT_AT = 1_795_507_200n * SECOND;
const { marker } = desiredClient();
const request: CreateRequest = { organization_id: 'org_1', marker, sentAt: SENT_AT, seenIds: new Set(['m2morg_9']) };
const SECRET = { id: 'sks_1', create_time: SENT_AT, suffix: 'abcd', active: true };
const unmarked = (changes: Partial<Client> = {}) =>
  client({ description: 'What for', create_time: SENT_AT, secrets: [SECRET], ...changes });

describe('the client in the response to a create request', () => {
  it("is this step's by its marker, wherever the server put it", () => {
    const description = `${appendMarker('What for', marker).replaceAll(' ', '\n')} (changed)`;
    expect(proofOf(unmarked({ description }), request)).toEqual({ isOwn: true, isMarked: true, isProven: true });
  });

  it("is this step's by its marker even if the rest contradicts, but that is no proof", () => {
    const description = appendMarker('What for', marker);
    const changes = { description, client_id: 'm2morg_9' };
    expect(proofOf(unmarked(changes), request)).toEqual({ isOwn: true, isMarked: true, isProven: false });
  });

  it.each<[what: string, changes: Partial<Client>]>([
    ['nothing contradicts', {}],
    ['the response shows no organization', { organization_id: '' }],
    ['the response shows no creation time', { create_time: undefined }],
    ['the clocks differ by a minute', { create_time: SENT_AT - 60n * SECOND }],
    ['the server finished late', { create_time: SENT_AT + 3_600n * SECOND }],
    ['the response shows no secret', { secrets: [] }],
  ])("is this step's without a marker if %s", (_what, changes) => {
    expect(proofOf(unmarked(changes), request)).toEqual({ isOwn: true, isMarked: false, isProven: true });
  });

  it("is this step's without a marker if the time of the request is not known by the server's clock", () => {
    const { isOwn } = proofOf(unmarked({ create_time: SECOND }), { ...request, sentAt: undefined });
    expect(isOwn).toBe(true);
  });

  it("is this step's without a marker if nothing was searched before", () => {
    const { isOwn } = proofOf(unmarked({ client_id: 'm2morg_9' }), { ...request, seenIds: undefined });
    expect(isOwn).toBe(true);
  });

  it.each<[reason: string, changes: Partial<Client>]>([
    ['it belongs to another organization', { organization_id: 'org_2' }],
    ['it existed before the request', { client_id: 'm2morg_9' }],
    ['it was created before the request', { create_time: SENT_AT - 61n * SECOND }],
    ['it has several secrets', { secrets: [SECRET, { ...SECRET, id: 'sks_2' }] }],
    [
      'its description has the ownership marker of another step',
      { description: appendMarker('', { ...marker, nonce: 'another-nonce-16' }) },
    ],
    [
      'its description has the ownership marker of another step',
      { description: `${appendMarker('', marker)} ${appendMarker('', { ...marker, nonce: 'another-nonce-16' })}` },
    ],
  ])('may be another one: %s', (reason, changes) => {
    expect(proofOf(unmarked(changes), request)).toEqual({ isOwn: false, reason });
  });
});
