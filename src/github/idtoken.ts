import { badAnswer, noAnswer, noRedirects, refusal } from '../answers.ts';
import { isSafe } from '../formats.ts';
import { type Answer, NetworkError, type Transport } from '../http.ts';
import { AnswerError, type Json, parseObject, string, tokenPayload } from '../json.ts';
import { mask } from '../mask.ts';
import { ID_TOKEN_TOKEN, ID_TOKEN_URL } from './runner.ts';

const OPERATION = "get GitHub's ID token";
const REMEDY =
  'The job needs permissions with id-token: write, and GitHub has to answer. Without that permission the claims come from the runner.';

/**
 * Gets the job's ID token.
 * @returns its claims
 * @throws {ApiError} later, and at once, with nothing sent, where the runner's variables cannot be used
 */
export function getIdToken(transport: Transport, env: NodeJS.ProcessEnv): Promise<Json> {
  const token = env[ID_TOKEN_TOKEN]?.trim() ?? '';
  mask(token);
  // Anything else would break the header that carries it.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new Error(`Could not ${OPERATION}: ${ID_TOKEN_TOKEN} holds no token. ${REMEDY}`);
  const url = URL.parse(env[ID_TOKEN_URL] ?? '');
  if (!url || !isSafe(url)) throw new Error(`Could not ${OPERATION}: ${ID_TOKEN_URL} is no https address. ${REMEDY}`);
  return requestToken(transport, url, token);
}

async function requestToken(transport: Transport, url: URL, token: string): Promise<Json> {
  let answer: Answer;
  try {
    const headers = { authorization: `Bearer ${token}` };
    answer = await transport.send({ method: 'GET', url, headers, repeatable: true });
  } catch (error) {
    throw error instanceof NetworkError ? noAnswer(OPERATION, error, ID_TOKEN_URL, REMEDY) : error;
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
