// The API as Scalekit's SDKs call it: gRPC sends protobuf messages in frames over HTTP/2, and the status in the
// trailers.

import { create, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { AnySchema, anyPack } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/errdetails/errdetails_pb.js';
import type { HttpResponse } from '../exchange.ts';
import { type ApiOperation, checked, methods, type RequestOf } from './descriptors.ts';
import { ApiError } from './errors.ts';

const HEADERS = { 'content-type': 'application/grpc+proto' };
/** Number of bytes before a message: the compression flag, and the length of the message in four bytes. */
const PREFIX_BYTES = 5;

/** The operations that the environment serves, by their gRPC path. */
const OPERATIONS = new Map(
  Object.entries(methods).map(([operation, method]) => [
    `/${method.parent.typeName}/${method.name}`,
    operation as ApiOperation,
  ]),
);

/** Returns the operation that a gRPC path calls, or undefined if the environment does not serve it. */
export function grpcOperation(path: string): ApiOperation | undefined {
  return OPERATIONS.get(path);
}

/** Returns whether a path is a gRPC path of Scalekit's API. */
export function isGrpcPath(path: string): boolean {
  return /^\/scalekit\.v\d[\w.]*\/\w+$/.test(path);
}

/**
 * Parses the single message of a request.
 * @throws {ApiError} (400) if the message cannot be parsed, or if fields break a rule. (501) if it is compressed
 */
export function readMessage<Operation extends ApiOperation>(operation: Operation, bytes: Buffer): RequestOf<Operation> {
  const { input } = methods[operation];
  if (bytes[0] === 1) throw new ApiError(12, 'compressed messages are not supported');
  let message: MessageShape<typeof input>;
  try {
    message = fromBinary(input, bytes.subarray(PREFIX_BYTES));
  } catch (error) {
    throw new ApiError(3, error instanceof Error ? error.message : String(error));
  }
  return checked(input, message) as RequestOf<Operation>;
}

/** Returns the response of a successful call: one message, and the status in the trailers. */
export function grpcResponse(operation: ApiOperation, result: object): HttpResponse {
  const { output } = methods[operation];
  const message = toBinary(output, create(output, result));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return { status: 200, headers: HEADERS, body: Buffer.concat([prefix, message]), trailers: { 'grpc-status': '0' } };
}

/**
 * Returns the response of a failed call. Strict clients require that it consists of headers alone, which have the status.
 * The HTTP status is 200.
 */
export function grpcFailure(error: ApiError): HttpResponse {
  return {
    status: 200,
    headers: {
      ...HEADERS,
      'grpc-status': `${error.code}`,
      'grpc-message': encodeURIComponent(error.message),
      'grpc-status-details-bin': Buffer.from(statusBytes(error)).toString('base64'),
    },
  };
}

/** Returns the error as a `google.rpc.Status` message, whose descriptor the SDK does not contain. */
function statusBytes(error: ApiError): Uint8Array {
  const detail = toBinary(AnySchema, anyPack(ErrorInfoSchema, error.info()));
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int32(error.code);
  writer.tag(2, WireType.LengthDelimited).string(error.message);
  writer.tag(3, WireType.LengthDelimited).bytes(detail);
  return writer.finish();
}
