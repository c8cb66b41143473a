// Reads Scalekit's protobuf descriptors, as the SDK ships them: the HTTP path of each call, and the rules for its
// request.

import { type DescMessage, type DescMethod, fromJson, type JsonValue, type MessageShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { createValidator } from '@bufbuild/protovalidate';
import { ClientService } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/clients/clients_pb.js';
import { OrganizationService } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/organizations/organizations_pb.js';
import { ApiError, type FieldViolation } from './errors.ts';

/** The API calls that this environment serves, by the name that fault rules and recorded requests use. */
export const methods = {
  createClient: ClientService.method.createOrganizationClient,
  listClients: ClientService.method.listOrganizationClients,
  getClient: ClientService.method.getOrganizationClient,
  updateClient: ClientService.method.updateOrganizationClient,
  deleteClient: ClientService.method.deleteOrganizationClient,
  addSecret: ClientService.method.createOrganizationClientSecret,
  deleteSecret: ClientService.method.deleteOrganizationClientSecret,
  createOrganization: OrganizationService.method.createOrganization,
  getOrganization: OrganizationService.method.getOrganization,
  listOrganizations: OrganizationService.method.listOrganization,
  deleteOrganization: OrganizationService.method.deleteOrganization,
  organizationByExternalId: OrganizationService.method.getOrganizationByExternalId,
};

export type ApiOperation = keyof typeof methods;
export type RequestOf<Operation extends ApiOperation> = MessageShape<(typeof methods)[Operation]['input']>;

/** How an RPC is called over HTTP. `path` captures the values of `parameters` in order. `success` is a status. */
export type HttpRule = {
  method: string;
  path: RegExp;
  parameters: string[];
  body: string | undefined;
  success: number;
};

/**
 * Returns the string and message fields of a protobuf message, by field number. Options contain no other fields of use.
 */
function lengthDelimited(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType === 2) fields.set(number, [...(fields.get(number) ?? []), reader.bytes()]);
    else reader.skip(wireType, number);
  }
  return fields;
}

/**
 * Returns how an RPC is called over HTTP. Reads its google.api.http rule, and the success status from its OpenAPI
 * annotation. The SDK contains only empty stubs of these two extensions, so both are unknown fields of the method's
 * options.
 */
export function httpRule(method: DescMethod): HttpRule {
  const option = (extension: number) => {
    const unknown = method.proto.options?.$unknown?.find(({ no }) => no === extension);
    if (!unknown) throw new Error(`${method.name} has no option ${extension}`);
    return lengthDelimited(new BinaryReader(unknown.data).bytes());
  };
  const text = (bytes: Uint8Array[] | undefined) => bytes?.[0] && Buffer.from(bytes[0]).toString('utf8');
  const rule = option(72295728);
  const [verb, template] = verbs.map(([verb, number]) => [verb, text(rule.get(number))]).find(([, path]) => path) ?? [];
  if (!verb || !template) throw new Error(`${method.name} has no HTTP path`);
  const responses = option(1042).get(9) ?? [];
  const statuses = responses.map((response) => Number(text(lengthDelimited(response).get(1))));
  return {
    method: verb,
    path: new RegExp(`^${template.replace(/\{\w+\}/g, '([^/]+)')}$`),
    parameters: [...template.matchAll(/\{(\w+)\}/g)].map((match) => String(match[1])),
    body: text(rule.get(7)),
    success: statuses.find((status) => status >= 200 && status < 300) ?? 200,
  };
}

/** The HTTP methods, each with the number of the google.api.HttpRule field that contains its path. */
const verbs = [
  ['GET', 2],
  ['PUT', 3],
  ['POST', 4],
  ['DELETE', 5],
  ['PATCH', 6],
] as const;

const validator = createValidator();

/**
 * Parses the JSON of a request into the RPC's request message. Applies protobuf's JSON rules and Scalekit's
 * `buf.validate` rules.
 * @throws {ApiError} (400) if the JSON is not a valid message. Names each field that breaks a `buf.validate` rule.
 */
export function decode<Desc extends DescMessage>(schema: Desc, json: JsonValue, ignoreUnknownFields: boolean) {
  let message: MessageShape<Desc>;
  try {
    message = fromJson(schema, json, { ignoreUnknownFields });
  } catch (error) {
    throw new ApiError(3, error instanceof Error ? error.message : String(error));
  }
  return checked(schema, message);
}

/**
 * Returns the message if it satisfies Scalekit's `buf.validate` rules.
 * @throws {ApiError} (400) if fields break a rule. Names each of them.
 */
export function checked<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): MessageShape<Desc> {
  const result = validator.validate(schema, message);
  if (result.kind === 'error') throw result.error;
  if (result.kind === 'invalid') {
    throw invalid(
      result.violations.map(({ field, message, ruleId }) => ({
        field: pathToString(field),
        description: message,
        constraint: ruleId,
      })),
    );
  }
  return message;
}

/** Returns the documented error (400) for a request that breaks a rule. */
export function invalid(violations: FieldViolation[]): ApiError {
  return new ApiError(3, 'invalid request', { violations });
}
