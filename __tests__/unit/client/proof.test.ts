import { describe, expect, it } from '@jest/globals';
import { appendMarker } from '../../../src/client/marker.ts';
import { type CreateRequest, proofOf } from '../../../src/client/proof.ts';
import type { Client } from '../../../src/scalekit/types.ts';
import { SECOND_NS } from '../../support/times.ts';
import { client, desiredClient } from '../fixtures.ts';

const SENT_AT = 1_795_507_200n * SECOND_NS;
const { marker } = desiredClient();
const request: CreateRequest = { organization_id: 'org_1', marker, sentAt: SENT_AT, seenIds: new Set(['m2morg_9']) };
const SECRET = { id: 'sks_1', create_time: SENT_AT, suffix: 'abcd', active: true };
const unmarked = (changes: Partial<Client> = {}) =>
  client({ description: 'What for', create_time: SENT_AT, secrets: [SECRET], ...changes });

describe('proofOf', () => {
  it("recognizes this step's client by its marker anywhere in the description", () => {
    const description = `${appendMarker('What for', marker).replaceAll(' ', '\n')} (changed)`;
    expect(proofOf(unmarked({ description }), request)).toEqual({ isOwn: true, isMarked: true, isProven: true });
  });

  it("recognizes this step's client by its marker without a proof if the rest of the response contradicts it", () => {
    const description = appendMarker('What for', marker);
    const changes = { description, client_id: 'm2morg_9' };
    expect(proofOf(unmarked(changes), request)).toEqual({ isOwn: true, isMarked: true, isProven: false });
  });

  it.each<[what: string, changes: Partial<Client>]>([
    ['nothing contradicts it', {}],
    ['the response shows no organization', { organization_id: '' }],
    ['the response shows no creation time', { create_time: undefined }],
    ['the clocks differ by a minute', { create_time: SENT_AT - 60n * SECOND_NS }],
    ['the server finished late', { create_time: SENT_AT + 3_600n * SECOND_NS }],
    ['the response shows no secret', { secrets: [] }],
  ])("recognizes this step's client without a marker if %s", (_what, changes) => {
    expect(proofOf(unmarked(changes), request)).toEqual({ isOwn: true, isMarked: false, isProven: true });
  });

  it.each<[what: string, Client, Partial<CreateRequest>]>([
    ["server's clock is not known", unmarked({ create_time: SECOND_NS }), { sentAt: undefined }],
    ['list of earlier clients is not known', unmarked({ client_id: 'm2morg_9' }), { seenIds: undefined }],
  ])("recognizes this step's client without a marker although the %s", (_what, found, changes) => {
    expect(proofOf(found, { ...request, ...changes })).toEqual({ isOwn: true, isMarked: false, isProven: true });
  });

  it.each<[reason: string, changes: Partial<Client>]>([
    ['it belongs to another organization', { organization_id: 'org_2' }],
    ['it existed before the request', { client_id: 'm2morg_9' }],
    ['it was created before the request', { create_time: SENT_AT - 61n * SECOND_NS }],
    ['it has several secrets', { secrets: [SECRET, { ...SECRET, id: 'sks_2' }] }],
  ])("does not recognize a client as this step's own because %s", (reason, changes) => {
    expect(proofOf(unmarked(changes), request)).toEqual({ isOwn: false, reason });
  });

  const otherMarker = { ...marker, nonce: 'another-nonce-16' };

  it.each([
    ['only the ownership marker of another step', appendMarker('', otherMarker)],
    ['the ownership markers of this and another step', `${appendMarker('', marker)} ${appendMarker('', otherMarker)}`],
  ])("does not recognize a client as this step's own if it has %s", (_what, description) => {
    const reason = 'its description has the ownership marker of another step';
    expect(proofOf(unmarked({ description }), request)).toEqual({ isOwn: false, reason });
  });
});
