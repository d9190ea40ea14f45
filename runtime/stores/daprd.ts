/**
 * Requests to daprd's HTTP API, and what its refusals are here. Whoever opens
 * the host brings the connection; nothing here knows what is asked.
 */
import { bytesOfAnswer, type ArrivingBody } from '../core/bytes.ts';
import { TroupeError, type ActorAddress, type ErrorCode } from '../core/errors.ts';

export interface DaprdRequest {
  readonly method: string;
  /** Percent-encoded, with a leading slash. */
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

/** An open connection to daprd. Errors: UNAVAILABLE when it does not answer, CANCELLED when the signal aborted. */
export interface DaprdHttp {
  invoke(request: DaprdRequest): Promise<
    ArrivingBody & {
      readonly status: number;
      readonly headers: Readonly<Record<string, string | readonly string[]>>;
    }
  >;
}

export interface DaprdAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly bytes: Uint8Array;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What daprd's codes are here, where they are more than a failure of its own. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  ERR_ACTOR_INSTANCE_MISSING: 'UNAVAILABLE',
  ERR_ACTOR_STACK_DEPTH: 'STACK_DEPTH',
  ERR_ACTOR_REMINDER_ALREADY_EXISTS: 'CONFLICT',
  ERR_ACTOR_REMINDER_NON_HOSTED: 'FORBIDDEN',
  ERR_PUBSUB_NOT_FOUND: 'NOT_FOUND',
  ERR_PUBSUB_FORBIDDEN: 'FORBIDDEN',
  ERR_MALFORMED_REQUEST: 'INVALID_ARGUMENT',
  ERR_ACTOR_RUNTIME_NOT_FOUND: 'UNAVAILABLE',
  ERR_ACTOR_NO_PLACEMENT: 'UNAVAILABLE',
};

export async function askDaprd(http: DaprdHttp, request: DaprdRequest): Promise<DaprdAnswer> {
  const answer = await http.invoke(request);
  const { status, headers } = answer;
  return { status, headers, bytes: await bytesOfAnswer(answer) };
}

export const jsonBytes = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));
export const textOf = ({ bytes }: DaprdAnswer): string => decoder.decode(bytes);

/** The first value of a header. */
export function headerOf(
  { headers }: Pick<DaprdAnswer, 'headers'>,
  name: string,
): string | undefined {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}

/** What daprd's answer says when it is not what was asked for. */
export function daprdError(answer: DaprdAnswer, what: string, actor?: ActorAddress): TroupeError {
  const text = textOf(answer);
  let errorCode: string | undefined;
  let message = text;
  try {
    ({ errorCode, message = text } = JSON.parse(text) as { errorCode?: string; message?: string });
  } catch {
    // Not every answer is an error of the API: a proxy in between speaks text.
  }
  const isUnknown = /did not find address for actor/.test(message);
  const known = isUnknown ? 'NOT_FOUND' : CODES[errorCode ?? ''];
  const code = known ?? (answer.status === 400 ? 'INVALID_ARGUMENT' : 'UNAVAILABLE');
  return new TroupeError(code, `daprd refused ${what} (${answer.status}): ${message}`, {
    details: { status: answer.status, ...(errorCode === undefined ? {} : { errorCode }) },
    ...(actor ? { actor } : {}),
  });
}

export const actorPath = ({ type, id }: ActorAddress): string =>
  `/v1.0/actors/${encodeURIComponent(type)}/${encodeURIComponent(id)}`;
