import type { HttpResponse } from '../net/transport.ts';

/** What the body of an error says. `debug_info` is not part of it, because it may contain internals. */
export interface ErrorBody {
  /** The values of `error_code`. */
  codes: string[];
  /** The server's own messages. */
  texts: string[];
  /** The fields that break a rule. */
  violations: { field: string; description: string }[];
}

/**
 * Parses the body of an error: a status object with details, a bare ErrorInfo, an OAuth error (RFC 6749, section 5.2) or
 * plain text. Any other body says nothing.
 */
export function parseErrorBody({ body, headers }: Pick<HttpResponse, 'body' | 'headers'>): ErrorBody {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    const plainText = body.trim();
    const isPlainText =
      String(headers['content-type'] ?? 'text/plain').startsWith('text/plain') && !/^[{[<]|debug_info/.test(plainText);
    return { codes: [], texts: isPlainText && plainText ? [plainText] : [], violations: [] };
  }
  const status = Object(parsed);
  const infos = [...listOf(status.details).map(Object), status];
  const violations = infos
    .flatMap((info) => listOf(Object(info.validation_error_info).field_violations).map(Object))
    .map(({ field, description }) => ({ field: text(field), description: text(description) }));
  return {
    codes: infos.map(({ error_code }) => text(error_code)).filter(Boolean),
    texts: [status.error, status.error_description, status.message].map(text).filter(Boolean),
    violations,
  };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}
