/** A request to an app and its answer, whatever version of HTTP carries them. */
import type { ArrivingBody } from '../core/bytes.ts';
import { TroupeError } from '../core/errors.ts';

type Values = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface AppHttpRequest {
  readonly method: string;
  /** Percent-encoded, with a leading slash. */
  readonly path: string;
  readonly query?: string;
  readonly headers?: Values;
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
  /** Aborting ends the request. */
  readonly signal?: AbortSignal | undefined;
}

/** Its body must be read to the end, or ended by `return`, so that the connection is free again. */
export interface AppHttpResponse extends ArrivingBody {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** What came behind the body, once it was read to its end. Absent: the app announced none. */
  readonly trailers?: (() => Readonly<Record<string, string>>) | undefined;
}

export interface AppHttp extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Errors: UNAVAILABLE when the app does not answer, CANCELLED when the signal aborted. */
  invoke(request: AppHttpRequest): Promise<AppHttpResponse>;
  close(): Promise<void>;
}

/** The error of a request that got no answer. */
export function noAnswer(
  host: string,
  port: number,
  cause: Error,
  signal?: AbortSignal,
): TroupeError {
  if (signal?.aborted) return new TroupeError('CANCELLED', 'the caller went away', { cause });
  return new TroupeError(
    'UNAVAILABLE',
    `the app at http://${host}:${port} does not answer: ${cause.message}; is it running and on this port?`,
    { cause },
  );
}
