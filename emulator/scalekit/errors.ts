import { create, toJson } from '@bufbuild/protobuf';
import { ErrorInfoSchema } from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/errdetails/errdetails_pb.js';

/** Text in the `debug_info` of every error. Tests fail if a log contains it. */
export const DEBUG_MARKER = 'emulator-internals-never-to-be-logged';

/** A field that breaks a rule: its path, the reason, and the id of the rule. */
export type FieldViolation = { field: string; description: string; constraint: string };

/** HTTP status and `error_code` for each gRPC code that the API uses. */
const codes = {
  3: [400, 'INVALID_ARGUMENT'],
  5: [404, 'NOT_FOUND'],
  7: [403, 'PERMISSION_DENIED'],
  8: [429, 'RATE_LIMITED'],
  9: [400, 'FAILED_PRECONDITION'],
  16: [401, 'UNAUTHENTICATED'],
} as const;

/** An error of the Scalekit API: a gRPC code, a message, and the violation of each invalid field. */
export class ApiError extends Error {
  readonly code: keyof typeof codes;
  readonly violations: FieldViolation[];
  readonly headers: Record<string, string>;

  constructor(
    code: keyof typeof codes,
    message: string,
    violations: FieldViolation[] = [],
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.code = code;
    this.violations = violations;
    this.headers = headers;
  }

  get status(): number {
    return codes[this.code][0];
  }

  /** Returns the error as JSON: Google's Status with one ErrorInfo, or only the ErrorInfo. */
  body(form: 'status' | 'bare'): unknown {
    const info = create(ErrorInfoSchema, {
      errorCode: codes[this.code][1],
      debugInfo: { detail: DEBUG_MARKER, stackEntries: [`${DEBUG_MARKER} at internal/server`] },
      ...(this.violations.length ? { validationErrorInfo: { fieldViolations: this.violations } } : {}),
    });
    const json = toJson(ErrorInfoSchema, info, { useProtoFieldName: true }) as object;
    if (form === 'bare') return json;
    const detail = { '@type': `type.googleapis.com/${ErrorInfoSchema.typeName}`, ...json };
    return { code: this.code, message: this.message, details: [detail] };
  }
}
