import { GitHub } from '../../../src/github/api.ts';
import { SavedCredentials, type SecretLocation } from '../../../src/github/saved-credentials.ts';
import type { FinalResponse } from '../../../src/net/transport.ts';
import { FakeTransport, json, LOCATION, MISSING } from '../fixtures.ts';

// Saved credentials whose requests get responses that a test names.

export const API = 'https://ghes.acme.example/api/v3';
export const TOKEN = ['fake', 'github', 'token'].join('-');
/** A public key in the form of GitHub's API. */
export const KEY = Buffer.alloc(32, 7).toString('base64');

export type FakeResponse = Partial<FinalResponse> | Error;
/** Responses by method and the last part of the path, or by `public-key`. */
export type Responses = Record<string, FakeResponse>;

/** A 404 of a server in between. */
export const PAGE = { status: 404, body: '<html>' };

/** Returns saved credentials whose requests get these responses. The default is a valid public key, or 404. */
export function savedWith(responses: Responses = {}, location: SecretLocation = LOCATION) {
  const transport = new FakeTransport(({ method, url }) => {
    const name = url.pathname.split('/').at(-1);
    if (name === 'public-key') return responses['public-key'] ?? json({ key: KEY, key_id: '7' });
    return responses[`${method} ${name}`] ?? MISSING;
  });
  const github = new GitHub(transport, { api: API, token: TOKEN });
  return { transport, savedCredentials: new SavedCredentials(github, location) };
}
