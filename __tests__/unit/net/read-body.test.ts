import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
import { readBody } from '../../../src/net/read-body.ts';

const TEXT = JSON.stringify({ name: 'Läufer', id: 7 });

/** Returns what readBody() reads of a response with this body and content coding. */
async function read(body: Buffer | string, encoding?: string): Promise<string> {
  const headers = encoding === undefined ? {} : { 'content-encoding': encoding };
  const server = http.createServer((_request, response) => response.writeHead(200, headers).end(body));
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const request = http.get({ port: (server.address() as AddressInfo).port, agent: false });
    const [message] = await once(request, 'response');
    return await readBody(message);
  } finally {
    server.close();
  }
}

it.each<[what: string, body: Buffer | string, encoding: string | undefined]>([
  ['without compression', TEXT, undefined],
  ['with a byte order mark', `\ufeff${TEXT}`, undefined],
  ['with gzip', gzipSync(TEXT), 'gzip'],
  ['with gzip and its former name in the header', gzipSync(TEXT), 'X-GZIP'],
  ['with gzip and without a header, which a proxy removed', gzipSync(TEXT), undefined],
  ['with gzip and a header that names br', gzipSync(TEXT), 'br'],
  ['with deflate', deflateSync(TEXT), 'deflate'],
  ['with brotli', brotliCompressSync(TEXT), 'br'],
  ['without compression by a proxy that kept the header', TEXT, 'gzip'],
  ['with the content coding identity', TEXT, 'identity'],
  ['with gzip and a byte order mark', gzipSync(`\ufeff${TEXT}`), 'gzip'],
])('readBody returns the text of a body that was sent %s', async (_what, body, encoding) => {
  expect(await read(body, encoding)).toBe(TEXT);
});

it('readBody accepts an empty body although its header names a content coding', async () => {
  expect(await read('', 'gzip')).toBe('');
});

it('readBody returns a compressed body that is cut off without a change', async () => {
  const cut = gzipSync(TEXT.repeat(100)).subarray(0, 60);
  expect(await read(cut, 'gzip')).toBe(cut.toString());
});

it.each<[what: string, body: Buffer]>([
  ['gzip', gzipSync(Buffer.alloc(9 * 1024 * 1024))],
  ['br', brotliCompressSync(Buffer.alloc(9 * 1024 * 1024))],
])('readBody refuses a small body that decompression with %s makes larger than 8 MiB', async (encoding, body) => {
  expect(body.length).toBeLessThan(100_000);
  await expect(read(body, encoding)).rejects.toMatchObject({ code: 'TOO_LARGE', reached: true });
});
