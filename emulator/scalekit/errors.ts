import { create, toJson } from '@bufbuild/protobuf';
import {
  type ErrorInfo,
  ErrorInfoSchema,
} from '@scalekit-sdk/node/lib/pkg/grpc/scalekit/v1/errdetails/errdetails_pb.js';

/** Text in the `debug_info` of every error. Tests fail if a log contains it. */
export const DEBUG_MARKER = 'emulator-internals-never-to-be-logged';

/** A field that breaks a rule: its path, the reason, and the id of the rule. */
export type FieldViolation = { field: string; description: string; constraint: string };

/** HTTP status and `error_code` for each gRPC code that the API uses. */
const codes = {
  3: [400, 'INVALID_ARGUMENT'],
  5: [404, 'NOT_FOUND'],
  6: [409, 'RESOURCE_ALREADY_EXISTS'],
  7: [403, 'PERMISSION_DENIED'],
  8: [429, 'RATE_LIMITED'],
  9: [400, 'FAILED_PRECONDITION'],
  12: [501, 'UNIMPLEMENTED'],
  16: [401, 'UNAUTHENTICATED'],
} as const;

type ErrorOptions = {
  violations?: FieldViolation[];
  headers?: Record<string, string>;
  /** The HTTP status and the `error_code`. By default those of the gRPC code. */
  status?: number | undefined;
  errorCode?: string | undefined;
  /** A page to send instead of the JSON. */
  html?: string | undefined;
};

/** An error of the Scalekit API: a gRPC code, a message, and the violation of each invalid field. */
export class ApiError extends Error {
  readonly code: keyof typeof codes;
  readonly violations: FieldViolation[];
  readonly headers: Record<string, string>;
  readonly status: number;
  readonly errorCode: string;
  readonly html: string | undefined;

  constructor(code: keyof typeof codes, message: string, options: ErrorOptions = {}) {
    super(message);
    const [status, errorCode] = codes[code];
    this.code = code;
    this.violations = options.violations ?? [];
    this.headers = options.headers ?? {};
    this.status = options.status ?? status;
    this.errorCode = options.errorCode ?? errorCode;
    this.html = options.html;
  }

  /** Returns the detail of the error: its `error_code`, the violations, and internals that no log may show. */
  info(): ErrorInfo {
    return create(ErrorInfoSchema, {
      errorCode: this.errorCode,
      debugInfo: { detail: DEBUG_MARKER, stackEntries: [`${DEBUG_MARKER} at internal/server`] },
      ...(this.violations.length ? { validationErrorInfo: { fieldViolations: this.violations } } : {}),
    });
  }

  /** Returns the error as JSON: Google's Status with one ErrorInfo, or only the ErrorInfo. */
  body(form: 'status' | 'bare'): unknown {
    const json = toJson(ErrorInfoSchema, this.info(), { useProtoFieldName: true }) as object;
    if (form === 'bare') return json;
    const detail = { '@type': `type.googleapis.com/${ErrorInfoSchema.typeName}`, ...json };
    return { code: this.code, message: this.message, details: [detail] };
  }
}
