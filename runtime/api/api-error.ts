/**
 * Errors on their way out: the API's own error class, and the HTTP answer to
 * anything thrown, by the table of error-map.ts.
 */
import { isTroupeError, toWireError, TroupeError, type ErrorCode } from '../core/errors.ts';
import { API_ERRORS, RUNTIME_ERRORS, type ApiErrorName, type ErrorRow } from './error-map.ts';

/** Facts of the rich form: what the ErrorInfo and the ResourceInfo of the details say. */
export interface RichDetails {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly resource?: {
    readonly type: string;
    readonly name: string;
    readonly description?: string;
  };
  readonly field?: { readonly name: string; readonly description: string };
  readonly help?: { readonly url: string; readonly description: string };
}

/** The runtime's code for a row, so that a program without HTTP in between can match on it. */
function codeOf(row: ErrorRow, cause: unknown): string {
  if (isTroupeError(cause)) return cause.code;
  if (row.errorCode.endsWith('NOT_FOUND') || row.status === 404) return 'NOT_FOUND';
  const byStatus: Readonly<Record<number, ErrorCode>> = {
    400: 'INVALID_ARGUMENT',
    403: 'FORBIDDEN',
    408: 'CANCELLED',
    409: 'CONFLICT',
    413: 'INVALID_ARGUMENT',
    431: 'INVALID_ARGUMENT',
    501: 'UNSUPPORTED',
  };
  return byStatus[row.status] ?? 'COMPONENT';
}

/** Why something failed, for a message that names the component itself. */
export function reasonOf(error: unknown): string {
  const { reason, message } = (error ?? {}) as { reason?: unknown; message?: unknown };
  if (isTroupeError(error) && typeof reason === 'string') return reason;
  return typeof message === 'string' ? message : String(error);
}

/** An error that the API itself raises: one row of `API_ERRORS`. `code` is the cause's, or the nearest of the runtime's. */
export class ApiError extends TroupeError {
  static {
    this.prototype.name = 'ApiError';
  }
  readonly row: ErrorRow;
  readonly rich: RichDetails;

  constructor(
    name: ApiErrorName,
    message: string,
    options: { cause?: unknown; rich?: RichDetails } = {},
  ) {
    const { cause, rich = {} } = options;
    const row: ErrorRow = API_ERRORS[name];
    super(codeOf(row, cause), message, {
      ...(cause === undefined ? {} : { cause }),
      ...(isTroupeError(cause) ? { retryable: cause.retryable } : {}),
    });
    this.row = row;
    this.rich = rich;
  }
}

/** An error ready for HTTP. `cause` is set when it must go to the log because the body hides it. */
export interface WireResponse {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: boolean;
  readonly cause?: unknown;
}

const GOOGLE = 'type.googleapis.com/google.rpc.';

function richDetails(row: ErrorRow, rich: RichDetails): unknown[] {
  const { metadata, resource, field, help } = rich;
  return [
    {
      '@type': `${GOOGLE}ErrorInfo`,
      domain: 'dapr.io',
      metadata: metadata ?? null,
      reason: row.reason,
    },
    ...(resource
      ? [
          {
            '@type': `${GOOGLE}ResourceInfo`,
            description: resource.description ?? '',
            owner: '',
            resource_name: resource.name,
            resource_type: resource.type,
          },
        ]
      : []),
    ...(field
      ? [
          {
            '@type': `${GOOGLE}BadRequest`,
            field_violations: [
              { field: field.name, description: `${row.httpPrefix ?? ''}${field.description}` },
            ],
          },
        ]
      : []),
    ...(help
      ? [{ '@type': `${GOOGLE}Help`, links: [{ url: help.url, description: help.description }] }]
      : []),
  ];
}

/** The row of a thrown value. `failure` stands in for what has no row of its own. */
export function rowOf(error: unknown, failure?: ApiErrorName): ErrorRow {
  if (error instanceof ApiError) return error.row;
  const known = isTroupeError(error) && Object.hasOwn(RUNTIME_ERRORS, error.code);
  const code = known ? (error.code as ErrorCode) : 'INTERNAL';
  const general = code === 'INTERNAL' || code === 'COMPONENT';
  return general && failure !== undefined ? API_ERRORS[failure] : RUNTIME_ERRORS[code];
}

/**
 * The HTTP answer to anything thrown. An unexpected throw gives its text to
 * nobody. `explain` gives daprd's words for a runtime code, to stand before
 * the message; the error under `details` keeps its own.
 */
export function toHttpError(
  error: unknown,
  failure?: ApiErrorName,
  explain?: (code: string) => string | undefined,
): WireResponse {
  if (error instanceof ApiError) {
    const { row, message, rich } = error;
    const body = JSON.stringify({
      errorCode: row.errorCode,
      message: `${row.httpPrefix ?? ''}${message}`,
      ...(row.reason === undefined ? {} : { details: richDetails(row, rich) }),
    });
    return { status: row.status, body, retryAfter: false };
  }
  const wire = toWireError(error, 'the request');
  if (wire.application) {
    const body = JSON.stringify({ errorCode: wire.code, message: wire.message, details: wire });
    const status = wire.status ?? 500;
    return { status: status >= 400 && status <= 599 ? status : 500, body, retryAfter: false };
  }
  const row = rowOf(error, failure);
  const words = explain?.(wire.code);
  const message = words === undefined ? wire.message : `${words}: ${wire.message}`;
  return {
    status: row.status,
    body: JSON.stringify({ errorCode: row.errorCode, message, details: wire }),
    retryAfter: row.status === 429,
    ...(isTroupeError(error) ? {} : { cause: error }),
  };
}
