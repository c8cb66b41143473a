import type http from 'node:http';
import { NetworkError } from './network-error.ts';

/** Bytes. A page of a hundred clients with long lists is smaller. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/**
 * Reads the body of a response as text, decompressed and without a byte order mark. Never holds more than twice the maximum
 * in memory, however small the chunks are.
 * @throws {NetworkError} if the body is larger than 8 MiB, compressed or not
 */
export async function readBody(message: http.IncomingMessage): Promise<string> {
  let [body, size] = [Buffer.alloc(0), 0];
  for await (const chunk of message as AsyncIterable<Buffer>) {
    const needed = size + chunk.length;
    if (needed > MAX_BODY_BYTES) throw tooLarge();
    if (needed > body.length) body = Buffer.concat([body], 2 * needed);
    chunk.copy(body, size);
    size = needed;
  }
  const plain = await decompress(body.subarray(0, size), message.headers['content-encoding']);
  return plain.toString('utf8').replace(/^\ufeff/, '');
}

/**
 * Returns a body decompressed. No request asks for compression, but a server in between may compress all the same, and may
 * remove the header that says so. A body that cannot be decompressed is returned as it is: JSON may have such a header too.
 * @throws {NetworkError} if the result is larger than 8 MiB
 */
async function decompress(body: Buffer, encoding = ''): Promise<Buffer> {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  if (!isGzip && !/^(gzip|x-gzip|deflate|br)$/i.test(encoding)) return body;
  const { brotliDecompressSync, unzipSync } = await import('node:zlib');
  try {
    const decode = !isGzip && /^br$/i.test(encoding) ? brotliDecompressSync : unzipSync;
    return decode(body, { maxOutputLength: MAX_BODY_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    return body;
  }
}

function tooLarge(): NetworkError {
  return new NetworkError('the answer is larger than 8 MiB', 'TOO_LARGE', true);
}
