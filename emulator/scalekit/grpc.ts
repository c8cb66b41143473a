import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Answer } from '../exchange.ts';
import { type ApiOperation, checked, methods, type RequestOf } from './descriptors.ts';
import type { ApiError } from './errors.ts';

// The API as Scalekit's SDK calls it: gRPC, which is protobuf in frames over HTTP/2, with the outcome in the trailers.

const HEADERS = { 'content-type': 'application/grpc+proto' };
/** Bytes before a message: whether it is compressed, and its length. */
const PREFIX = 5;

/** @returns the operation that a path calls */
export function grpcOperation(path: string): ApiOperation | undefined {
  return paths.get(path);
}

const paths = new Map(
  Object.entries(methods).map(([operation, method]) => [
    `/${method.parent.typeName}/${method.name}`,
    operation as ApiOperation,
  ]),
);

/** The one message of a request. */
export function readMessage<Operation extends ApiOperation>(operation: Operation, bytes: Buffer): RequestOf<Operation> {
  const { input } = methods[operation];
  return checked(input, fromBinary(input, bytes.subarray(PREFIX))) as RequestOf<Operation>;
}

export function grpcAnswer(operation: ApiOperation, result: object): Answer {
  const { output } = methods[operation];
  const message = toBinary(output, create(output, result));
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32BE(message.length, 1);
  return { status: 200, headers: HEADERS, body: Buffer.concat([prefix, message]), trailers: { 'grpc-status': '0' } };
}

export function grpcFailure({ code, message }: ApiError): Answer {
  return {
    status: 200,
    headers: { ...HEADERS, 'grpc-status': `${code}`, 'grpc-message': encodeURIComponent(message) },
  };
}
