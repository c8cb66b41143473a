import type http from 'node:http';
import { NetworkError } from './network-error.ts';

/** Bytes. A page of a hundred clients with long lists is smaller. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/**
 * Reads the body of a response as text, without a byte order mark. Never holds more than twice the maximum in memory,
 * however small the chunks are.
 * @throws {NetworkError} if the body is larger than 8 MiB
 */
export async function readBody(message: http.IncomingMessage): Promise<string> {
  let [body, size] = [Buffer.alloc(0), 0];
  for await (const chunk of message as AsyncIterable<Buffer>) {
    const needed = size + chunk.length;
    if (needed > MAX_BODY_BYTES) throw new NetworkError('the answer is larger than 8 MiB', 'TOO_LARGE', true);
    if (needed > body.length) body = Buffer.concat([body], 2 * needed);
    chunk.copy(body, size);
    size = needed;
  }
  return body.toString('utf8', 0, size).replace(/^\ufeff/, '');
}
