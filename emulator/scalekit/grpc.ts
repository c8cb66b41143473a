// The API as Scalekit's SDK calls it: gRPC sends protobuf messages in frames over HTTP/2, and the status in the
// trailers.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { HttpResponse } from '../exchange.ts';
import { type ApiOperation, checked, methods, type RequestOf } from './descriptors.ts';
import type { ApiError } from './errors.ts';

const HEADERS = { 'content-type': 'application/grpc+proto' };
/** Number of bytes before a message. They contain a compression flag and the length of the message. */
const PREFIX = 5;

/** Returns the operation that a gRPC path calls, or undefined if the environment does not serve it. */
export function grpcOperation(path: string): ApiOperation | undefined {
  return paths.get(path);
}

const paths = new Map(
  Object.entries(methods).map(([operation, method]) => [
    `/${method.parent.typeName}/${method.name}`,
    operation as ApiOperation,
  ]),
);

/**
 * Parses the single message of a request.
 * @throws {ApiError} (400) if fields break a rule
 */
export function readMessage<Operation extends ApiOperation>(operation: Operation, bytes: Buffer): RequestOf<Operation> {
  const { input } = methods[operation];
  return checked(input, fromBinary(input, bytes.subarray(PREFIX))) as RequestOf<Operation>;
}

export function grpcResponse(operation: ApiOperation, result: object): HttpResponse {
  const { output } = methods[operation];
  const message = toBinary(output, create(output, result));
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32BE(message.length, 1);
  return { status: 200, headers: HEADERS, body: Buffer.concat([prefix, message]), trailers: { 'grpc-status': '0' } };
}

/** Returns the response of a failed call. gRPC reports the error in headers; the HTTP status is 200. */
export function grpcFailure({ code, message }: ApiError): HttpResponse {
  return {
    status: 200,
    headers: { ...HEADERS, 'grpc-status': `${code}`, 'grpc-message': encodeURIComponent(message) },
  };
}
