/**
 * What a call ends with: gRPC's codes, the error that carries one, and the
 * status that anything thrown becomes, by the table of api/error-map.ts.
 */
import { ApiError, rowOf } from '../../api/api-error.ts';
import type { ApiErrorName } from '../../api/error-map.ts';
import { isTroupeError, toWireError } from '../../core/errors.ts';
import type { Metadata } from './metadata.ts';
import { encodeStatus, errorDetails, wireDetail, type AnyMessage } from './status-details.ts';

export const CODES = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** A code as Go prints it, which is how daprd tells of another's error. */
export function goCodeName(code: number): string {
  if (code === CODES.CANCELLED) return 'Canceled';
  const name = Object.entries(CODES).find(([, one]) => one === code)?.[0] ?? 'UNKNOWN';
  return name.replaceAll(
    /([A-Z])([A-Z]*)_?/g,
    (_, first: string, rest: string) => first + rest.toLowerCase(),
  );
}

export type CodeName = keyof typeof CODES;

export interface Status {
  readonly code: number;
  readonly message: string;
  /** Bytes of google.rpc.Status, for `grpc-status-details-bin`. */
  readonly details?: Uint8Array | undefined;
}

export const OK: Status = Object.freeze({ code: CODES.OK, message: '' });

/** A call that ends with a status of its own choice. */
export class GrpcError extends Error {
  static {
    this.prototype.name = 'GrpcError';
  }
  readonly status: Status;
  /** Sent with the status. */
  readonly trailers: Metadata | undefined;
  /** What must go to the log because the message hides it. */
  readonly hidden: unknown;
  /** True: the other side cannot have begun with the call. */
  readonly unsent: boolean;

  constructor(
    code: CodeName | number,
    message: string,
    options: {
      cause?: unknown;
      details?: readonly AnyMessage[];
      detailBytes?: Uint8Array | undefined;
      trailers?: Metadata | undefined;
      hidden?: unknown;
      unsent?: boolean | undefined;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const number = typeof code === 'number' ? code : CODES[code];
    const details = options.details
      ? encodeStatus(number, message, options.details)
      : options.detailBytes;
    this.status = { code: number, message, details };
    this.trailers = options.trailers;
    this.hidden = options.hidden;
    this.unsent = options.unsent === true;
  }
}

/** dapr's map of HTTP statuses, and back; 2xx is OK. */
export function codeOfHttp(status: number): number {
  if (status >= 200 && status < 300) return CODES.OK;
  const known: Readonly<Record<number, CodeName>> = {
    400: 'INTERNAL',
    401: 'UNAUTHENTICATED',
    403: 'PERMISSION_DENIED',
    404: 'NOT_FOUND',
    408: 'CANCELLED',
    409: 'ALREADY_EXISTS',
    429: 'RESOURCE_EXHAUSTED',
    501: 'UNIMPLEMENTED',
    503: 'UNAVAILABLE',
    504: 'DEADLINE_EXCEEDED',
  };
  return CODES[known[status] ?? 'UNKNOWN'];
}

/** The table is the API's, which cannot look here. */
export { httpOfCode } from '../../api/grpc-codes.ts';

export interface Failure {
  readonly status: Status;
  readonly trailers?: Metadata | undefined;
  /** Set when it must go to the log because the message hides it. */
  readonly cause?: unknown;
}

/**
 * The status of anything thrown. An unexpected throw gives its text to nobody.
 * `failure` stands in for what has no row of its own; `explain` gives daprd's
 * words for a runtime code, to stand before the message.
 */
export function failureOf(
  error: unknown,
  failure?: ApiErrorName,
  explain?: (code: string) => string | undefined,
): Failure {
  if (error instanceof GrpcError) {
    const { status, trailers, hidden } = error;
    return { status, trailers, cause: hidden };
  }
  const row = rowOf(error, failure);
  const code = CODES[row.grpc];
  if (error instanceof ApiError) {
    const { message, rich } = error;
    if (row.reason === undefined && !row.informs) return { status: { code, message } };
    const details = encodeStatus(code, message, errorDetails(row, rich));
    return { status: { code, message, details } };
  }
  const wire = toWireError(error, 'the call');
  if (wire.application) {
    const own = codeOfHttp(wire.status ?? 500);
    const number = own === CODES.OK ? CODES.UNKNOWN : own;
    const details = encodeStatus(number, wire.message, [wireDetail(wire)]);
    return { status: { code: number, message: wire.message, details } };
  }
  const words = explain?.(wire.code);
  const message = words === undefined ? wire.message : `${words}: ${wire.message}`;
  return {
    status: { code, message, details: encodeStatus(code, message, [wireDetail(wire)]) },
    ...(isTroupeError(error) ? {} : { cause: error }),
  };
}

/** The error with daprd's words for a runtime code before its message. */
export function explained(
  error: unknown,
  failure: ApiErrorName | undefined,
  explain: (code: string) => string | undefined,
): GrpcError {
  if (error instanceof GrpcError) return error;
  const { status, trailers, cause } = failureOf(error, failure, explain);
  const { code, message, details } = status;
  return new GrpcError(code, message, {
    cause: error,
    detailBytes: details,
    trailers,
    hidden: cause,
  });
}
