import {
  interceptedAdvice,
  invalidResponseError,
  redirectAdvice,
  refusedError,
  unansweredError,
} from '../net/api-error.ts';
import { decodeJwtPayload, InvalidResponseError, type Json, parseJsonObject, stringField } from '../net/json.ts';
import { NetworkError } from '../net/network-error.ts';
import type { HttpResponse, Transport } from '../net/transport.ts';
import { mayReceiveSecrets, parseUrl } from '../net/url.ts';
import { isMaskable, MASKABLE_FORMAT, maskToken } from '../output/mask.ts';
import { ID_TOKEN_TOKEN, ID_TOKEN_URL } from './runner.ts';

// Requests the ID token. client/target.ts decides what its claims mean, such as which environment the client is for.

/** Completes "Could not …". */
const OPERATION = "get GitHub's ID token";

const REMEDY =
  'The job needs permissions with id-token: write, and GitHub has to answer. Without that permission the claims come from the runner.';

/**
 * Requests the job's ID token from GitHub, and masks it.
 * @returns its claims
 * @throws {Error} synchronously, before a request is sent, if the runner's variables are invalid
 * @throws {ApiError} asynchronously, if the request fails
 */
export function getIdToken(transport: Transport, env: NodeJS.ProcessEnv): Promise<Json> {
  const token = env[ID_TOKEN_TOKEN]?.trim() ?? '';
  maskToken(token);
  if (!isMaskable(token)) throw new Error(`Could not ${OPERATION}: ${ID_TOKEN_TOKEN} holds no token. ${REMEDY}`);
  const url = parseUrl(env[ID_TOKEN_URL] ?? '');
  if (!url || !mayReceiveSecrets(url))
    throw new Error(`Could not ${OPERATION}: ${ID_TOKEN_URL} is no https address. ${REMEDY}`);
  return requestToken(transport, url, token);
}

async function requestToken(transport: Transport, url: URL, token: string): Promise<Json> {
  let response: HttpResponse;
  try {
    const headers = { authorization: `Bearer ${token}` };
    response = await transport.send({ method: 'GET', url, headers, repeatable: true });
  } catch (error) {
    throw error instanceof NetworkError ? unansweredError(OPERATION, error, ID_TOKEN_URL, REMEDY) : error;
  }
  const { status, body } = response;
  if (status >= 300 && status < 400) throw refusedError(OPERATION, response, [], redirectAdvice(response, REMEDY));
  if (status < 200 || status > 299) {
    // The form of this endpoint's errors is not documented, so both causes are named.
    const advice = [interceptedAdvice(response, ID_TOKEN_URL), REMEDY].filter(Boolean).join(' ');
    throw refusedError(OPERATION, response, [], advice);
  }
  try {
    const value = stringField(parseJsonObject(body), 'value').trim();
    maskToken(value);
    if (value && !isMaskable(value)) throw new InvalidResponseError(`the token is not ${MASKABLE_FORMAT}`);
    const payload = decodeJwtPayload(value);
    if (!payload) throw new InvalidResponseError('it holds no ID token');
    return payload;
  } catch (error) {
    throw error instanceof InvalidResponseError
      ? invalidResponseError(OPERATION, response, error.message, REMEDY)
      : error;
  }
}
