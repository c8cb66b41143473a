import {
  AnswerError,
  badAnswer,
  type Json,
  noAnswer,
  noRedirects,
  parseObject,
  refusal,
  string,
  tokenPayload,
} from '../answers.ts';
import { isSafe } from '../formats.ts';
import { type Answer, NetworkError, type Transport } from '../http.ts';
import { mask } from '../mask.ts';

const URL_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_URL';
const TOKEN_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
const OPERATION = "get GitHub's ID token";
const REMEDY =
  'The job needs permissions with id-token: write, and GitHub has to answer. Without that permission the claims come from the runner.';

/** Whether GitHub offers the job an ID token: it does where `permissions` has `id-token: write`. */
export function mayHaveIdToken(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env[URL_VARIABLE] && env[TOKEN_VARIABLE]);
}

/**
 * Gets the job's ID token.
 * @returns its claims
 * @throws {ApiError}
 */
export async function getIdToken(transport: Transport, env: NodeJS.ProcessEnv): Promise<Json> {
  const token = env[TOKEN_VARIABLE]?.trim() ?? '';
  mask(token);
  // Anything else would break the header that carries it.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new Error(`Could not ${OPERATION}: ${TOKEN_VARIABLE} holds no token. ${REMEDY}`);
  const url = URL.parse(env[URL_VARIABLE] ?? '');
  if (!url || !isSafe(url)) throw new Error(`Could not ${OPERATION}: ${URL_VARIABLE} is no https address. ${REMEDY}`);
  let answer: Answer;
  try {
    const headers = { authorization: `Bearer ${token}` };
    answer = await transport.send({ method: 'GET', url, headers, repeatable: true });
  } catch (error) {
    throw error instanceof NetworkError ? noAnswer(OPERATION, error, URL_VARIABLE, REMEDY) : error;
  }
  const { status, body } = answer;
  if (status >= 300 && status < 400) throw refusal(OPERATION, answer, [], noRedirects(answer, REMEDY));
  if (status < 200 || status > 299) throw refusal(OPERATION, answer, [], REMEDY);
  try {
    const value = string(parseObject(body), 'value');
    mask(value);
    const payload = tokenPayload(value);
    if (!payload) throw new AnswerError('it holds no ID token');
    return payload;
  } catch (error) {
    throw error instanceof AnswerError ? badAnswer(OPERATION, answer, error.message, REMEDY) : error;
  }
}
