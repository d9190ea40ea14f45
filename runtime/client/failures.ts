/** Answers that are no success, as the typed error that they stand for, whichever sidecar gave them. */
import { fromWireError, TroupeError, type ErrorCode, type WireError } from '../core/errors.ts';

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_ARGUMENT',
  401: 'FORBIDDEN',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  408: 'CANCELLED',
  409: 'CONFLICT',
  413: 'INVALID_ARGUMENT',
  429: 'OVERLOADED',
  501: 'UNSUPPORTED',
  503: 'UNAVAILABLE',
  504: 'TIMEOUT',
};

/** By gRPC's number. */
const BY_CODE: Readonly<Record<number, ErrorCode>> = {
  1: 'CANCELLED',
  3: 'INVALID_ARGUMENT',
  4: 'TIMEOUT',
  5: 'NOT_FOUND',
  6: 'CONFLICT',
  7: 'FORBIDDEN',
  8: 'OVERLOADED',
  10: 'CONFLICT',
  12: 'UNSUPPORTED',
  14: 'UNAVAILABLE',
  16: 'FORBIDDEN',
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Our own error inside of a body; undefined for what is none. */
function ownError(value: unknown): WireError | undefined {
  return isObject(value) &&
    typeof value['code'] === 'string' &&
    typeof value['message'] === 'string' &&
    typeof value['retryable'] === 'boolean'
    ? (value as unknown as WireError)
    : undefined;
}

/** daprd's names for what is not there, which it answers under statuses of all kinds. */
const ABSENT = /NOT_FOUND$|NOT_CONFIGURED$|NO_ADDRESS$/;
const NO_ADDRESS = 'did not find address for actor';

interface Answer {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  /** Dapr's own code or reason; empty when there is none. */
  readonly reason: string;
  readonly details?: unknown;
}

function daprError({ code, message, reason, details }: Answer): TroupeError {
  const absent = ABSENT.test(reason) || message.includes(NO_ADDRESS);
  return new TroupeError(absent ? 'NOT_FOUND' : (code ?? 'INTERNAL'), message, {
    details: { ...(reason === '' ? {} : { errorCode: reason }), ...(details as object) },
  });
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}

/** The error of an HTTP answer of 400 and above. */
export function httpFailure(status: number, body: Uint8Array): TroupeError {
  const value = parsed(body);
  const members = isObject(value) ? value : {};
  const own = ownError(members['details']);
  if (own) return fromWireError(own);
  const { errorCode, message } = members;
  return daprError({
    code: BY_STATUS[status],
    message:
      typeof message === 'string' && message !== ''
        ? message
        : `the sidecar answered ${status}: ${Buffer.from(body).toString().slice(0, 500)}`,
    reason: typeof errorCode === 'string' ? errorCode : '',
    details: { status, ...(Array.isArray(members['details']) ? { dapr: members['details'] } : {}) },
  });
}

/** The error of a gRPC status that is not OK; `own` and `reason` are out of its details. */
export function grpcFailure(
  code: number,
  message: string,
  own: WireError | undefined,
  reason: string,
): TroupeError {
  if (own) return fromWireError(own);
  return daprError({ code: BY_CODE[code], message, reason, details: { grpc: code } });
}

/**
 * An error that an actor's app gave as an answer, the only way through a real
 * daprd: our own whole, another SDK's as it is.
 */
export function answeredFailure(body: Uint8Array): TroupeError {
  const value = parsed(body);
  const own = ownError(value) ?? (isObject(value) ? ownError(value['details']) : undefined);
  if (own) return fromWireError(own);
  const message = isObject(value) && typeof value['message'] === 'string' ? value['message'] : '';
  const text = message || Buffer.from(body).toString().slice(0, 500);
  return new TroupeError('INTERNAL', `the actor failed: ${text}`, { details: value });
}

const ERROR_START = Buffer.from('{"errorCode":');

/**
 * The error of ours that an answer of an actor is. daprd leaves the header that
 * says so away over gRPC, so the whole form has to be there.
 */
export function failureInside(body: Uint8Array): TroupeError | undefined {
  if (Buffer.compare(body.subarray(0, ERROR_START.length), ERROR_START) !== 0) return undefined;
  const value = parsed(body);
  const own = isObject(value) ? ownError(value['details']) : undefined;
  return own && fromWireError(own);
}

export function timedOut(timeoutMs: number): TroupeError {
  return new TroupeError(
    'TIMEOUT',
    `the sidecar did not answer within ${timeoutMs} ms; whether the call took effect is not known`,
  );
}

export function cancelled(signal: AbortSignal): TroupeError {
  return new TroupeError(
    'CANCELLED',
    'the caller gave up; whether the call took effect is not known',
    { cause: signal.reason },
  );
}

export function unreachable(address: string, cause: unknown): TroupeError {
  return new TroupeError('UNAVAILABLE', `nothing listens at ${address}; is the sidecar running?`, {
    cause,
  });
}

/** The call may have begun, so that only the caller can say whether it may be made again. */
export function brokenOff(address: string, cause: unknown): TroupeError {
  return new TroupeError(
    'UNAVAILABLE',
    `the connection to ${address} broke off; whether the call took effect is not known`,
    { cause, retryable: false },
  );
}
