import { once } from 'node:events';
import http2 from 'node:http2';
import { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import tls from 'node:tls';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { AnySchema, anyUnpack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import {
  GetOrganizationClientRequestSchema,
  GetOrganizationClientResponseSchema,
} from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/clients/clients_pb.js';
import { ErrorInfoSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/errdetails/errdetails_pb.js';
import { DEBUG_MARKER } from '../../emulator/index.ts';
import { useEmulator } from '../support/emulators.ts';

// The emulator's gRPC, frame by frame: strict clients go by where a response ends, which no HTTP library shows.

const GET_CLIENT = '/scalekit.v1.clients.ClientService/GetOrganizationClient';
const FRAME_TYPES = ['DATA', 'HEADERS'];
const HEADER_BYTES = 9;
const END_STREAM = 1;

/** A frame of a response: its type, whether it ends the stream, and the number of bytes that it carries. */
type Frame = { type: string; ends: boolean; length: number };

/** Returns the DATA and HEADERS frames in what a server sent. Layout: RFC 9113, section 4.1. */
function framesIn(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let offset = 0; offset + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUIntBE(offset, 3);
    const type = FRAME_TYPES[bytes.readUInt8(offset + 3)];
    if (type) frames.push({ type, ends: (bytes.readUInt8(offset + 4) & END_STREAM) > 0, length });
    offset += HEADER_BYTES + length;
  }
  return frames;
}

type GrpcReply = {
  frames: Frame[];
  headers: http2.IncomingHttpHeaders;
  trailers: http2.IncomingHttpHeaders;
  body: Buffer;
};

const emulator = useEmulator({ tls: true, http2: true, issuer: 'https://acme.scalekit.invalid' });

/**
 * Sends a message over gRPC on a connection of its own, and records the frames of the response.
 * @param flag 1 if the message is compressed
 */
async function call(path: string, message: Uint8Array, token?: string, flag = 0): Promise<GrpcReply> {
  const { hostname: host, port } = new URL(emulator.tlsUrl ?? '');
  const socket = tls.connect({ host, port: Number(port), ca: emulator.ca, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  const received: Buffer[] = [];
  // Node's HTTP/2 client reads from this stream, so everything that it gets can be recorded.
  const recorder = new Duplex({
    read: () => socket.resume(),
    write: (chunk, encoding, done) => socket.write(chunk, encoding, done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk);
    recorder.push(chunk);
  });
  socket.on('end', () => recorder.push(null));
  const session = http2.connect(emulator.tlsUrl ?? '', { createConnection: () => recorder });
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on('trailers', (sent) => {
    trailers = sent;
  });
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  const body = await buffer(stream);
  session.close();
  await once(session, 'close');
  return { frames: framesIn(Buffer.concat(received)), headers, trailers, body };
}

async function signIn(): Promise<string> {
  const { clientId: client_id, clientSecret: client_secret } = emulator.credentials;
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  const response = await fetch(`${emulator.url}/oauth/token`, { method: 'POST', body: form });
  return ((await response.json()) as { access_token: string }).access_token;
}

const getClient = (clientId: string) =>
  toBinary(
    GetOrganizationClientRequestSchema,
    create(GetOrganizationClientRequestSchema, { organizationId: emulator.organization.id, clientId }),
  );

/** Parses a `google.rpc.Status`: its code, its message, and the error that its only detail holds. */
function statusIn(header: string | string[] | undefined) {
  const reader = new BinaryReader(Buffer.from(String(header), 'base64'));
  const status = { code: 0, message: '', info: undefined as unknown };
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    if (field === 1) status.code = reader.int32();
    else if (field === 2) status.message = reader.string();
    else status.info = anyUnpack(fromBinary(AnySchema, reader.bytes()), ErrorInfoSchema);
  }
  return status;
}

const HEADERS_ALONE = [{ type: 'HEADERS', ends: true, length: expect.any(Number) }];

describe('gRPC', () => {
  it('gRPC sends an error as headers that end the stream, without a DATA frame', async () => {
    const { frames, headers } = await call(GET_CLIENT, getClient('m2morg_1'));
    expect(frames).toEqual(HEADERS_ALONE);
    expect(headers).toMatchObject({ ':status': 200, 'grpc-status': '16' });
  });

  it('gRPC sends a message in a DATA frame, and then the status in trailers', async () => {
    const { client } = emulator.seed({ name: 'a' });
    const { frames, headers, trailers, body } = await call(GET_CLIENT, getClient(client.client_id), await signIn());
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc+proto' });
    expect(headers).not.toHaveProperty('grpc-status');
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect(fromBinary(GetOrganizationClientResponseSchema, body.subarray(5)).client?.name).toBe('a');
    expect(frames.map(({ type }) => type).join(' ')).toMatch(/^HEADERS( DATA)+ HEADERS$/);
    expect(frames[1]).toMatchObject({ length: body.length });
    expect(frames.filter(({ ends }) => ends)).toEqual(frames.slice(-1));
  });

  it("gRPC sends the details of an error in the form that Scalekit's SDKs read", async () => {
    const { frames, headers } = await call(GET_CLIENT, getClient('not-a-client'), await signIn());
    expect(frames).toEqual(HEADERS_ALONE);
    expect(headers).toMatchObject({ 'grpc-status': '3', 'grpc-message': 'invalid%20request' });
    expect(statusIn(headers['grpc-status-details-bin'])).toMatchObject({
      code: 3,
      message: 'invalid request',
      info: {
        errorCode: 'INVALID_ARGUMENT',
        validationErrorInfo: { fieldViolations: [{ field: 'client_id', constraint: 'string.prefix' }] },
        debugInfo: { detail: DEBUG_MARKER },
      },
    });
  });

  it.each([
    { what: 'a call that it does not serve', path: '/scalekit.v1.domains.DomainService/ListDomains', status: '12' },
    { what: 'a compressed message', path: GET_CLIENT, flag: 1, status: '12' },
    { what: 'a message that cannot be parsed', path: GET_CLIENT, status: '3' },
  ])('gRPC answers $what with an error that has a status', async ({ path, flag, status }) => {
    const { frames, headers } = await call(path, Uint8Array.of(255), await signIn(), flag);
    expect(frames).toEqual(HEADERS_ALONE);
    expect(headers).toMatchObject({ 'grpc-status': status });
  });
});
