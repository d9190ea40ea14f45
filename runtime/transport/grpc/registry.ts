/**
 * Methods of a proto service as rows, and their handlers for the server.
 *
 * To add a method of `dapr.proto.runtime.v1.Dapr`:
 * 1. write, or open, `methods/<block>.ts`, which exports `<block>Methods(api)`;
 * 2. declare the members of request and reply that you use as interfaces:
 *    camel case of the proto's names, unset ones have proto3's defaults, bytes
 *    are Buffers that share memory with the socket (copy what you keep);
 * 3. add a row: `unary<Request, Reply>('GetLock', (request, call) => reply, { failure: 'LOCK_TRY' })`
 *    or `duplex<Request, Reply>('Watch', async (call) => { for await (const one of call.requests()) … })`,
 *    which serves server, client and bidirectional streams alike;
 * 4. add `...<block>Methods(api.<block>)` to dapr-methods.ts and take the names out of
 *    methods/unserved.ts. A test fails for a method of the proto that is in neither.
 * Throw ApiError or TroupeError: the one table of errors gives the gRPC code.
 */
import type { ApiErrorName } from '../../api/error-map.ts';
import type { Call, StreamCall } from './call.ts';
import { mapped, type Incoming } from './incoming.ts';
import type { Metadata } from './metadata.ts';
import type { MethodCodec, Protos } from './proto.ts';
import type { Handler } from './server.ts';
import { explained } from './status.ts';

export interface RowOptions<I = never> {
  /** Row of the error table for failures that have none of their own. */
  readonly failure?: ApiErrorName;
  /** daprd's words for an error code of the runtime, put before its message. */
  readonly explain?: (code: string, request: I) => string | undefined;
}

export type MethodRow = RowOptions & { readonly name: string } & (
    | { readonly kind: 'unary'; readonly handle: (request: never, call: Call) => unknown }
    | {
        readonly kind: 'duplex';
        readonly handle: (call: DuplexCall<never, unknown>) => Promise<void>;
      }
  );

/** A streaming call in messages of its method. */
export interface DuplexCall<I, O> extends Call {
  requests(): Incoming<I>;
  /** Sends the headers before there is a reply. */
  sendHeaders(): void;
  /** Resolves when the client has room for more. */
  send(reply: O): Promise<void>;
}

export function unary<I, O>(
  name: string,
  handle: (request: I, call: Call) => O | Promise<O>,
  options: RowOptions<I> = {},
): MethodRow {
  return { ...options, name, kind: 'unary', handle };
}

export function duplex<I, O>(
  name: string,
  handle: (call: DuplexCall<I, O>) => Promise<void>,
  options: RowOptions = {},
): MethodRow {
  return { ...options, name, kind: 'duplex', handle: handle as never };
}

/** A reply without content: google.protobuf.Empty. */
export const EMPTY: object = Object.freeze({});

class TypedCall<I, O> implements DuplexCall<I, O> {
  readonly #call: StreamCall;
  readonly #codec: MethodCodec<I, O>;

  constructor(call: StreamCall, codec: MethodCodec<I, O>) {
    this.#call = call;
    this.#codec = codec;
  }

  get path(): string {
    return this.#call.path;
  }

  get headers(): StreamCall['headers'] {
    return this.#call.headers;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get leaving(): AbortSignal {
    return this.#call.leaving;
  }

  get deadline(): number | undefined {
    return this.#call.deadline;
  }

  get peer(): string {
    return this.#call.peer;
  }

  addHeaders(metadata: Metadata): void {
    this.#call.addHeaders(metadata);
  }

  addTrailers(metadata: Metadata): void {
    this.#call.addTrailers(metadata);
  }

  requests(): Incoming<I> {
    return mapped(this.#call.messages(), (message) => this.#codec.request.decode(message));
  }

  sendHeaders(): void {
    this.#call.sendHeaders();
  }

  send(reply: O): Promise<void> {
    return this.#call.write(this.#codec.response.encode(reply));
  }
}

/** Handlers of a service by path. Schemas are read at the first call. */
export function handlersOf(
  protos: Protos,
  service: string,
  rows: readonly MethodRow[],
): Map<string, Handler> {
  const handlers = new Map<string, Handler>();
  for (const row of rows) {
    const { name, failure, explain } = row;
    const path = `/${service}/${name}`;
    if (handlers.has(path)) throw new Error(`two rows for ${path}`);
    let known: MethodCodec<never, unknown> | undefined;
    const codec = (): MethodCodec<never, unknown> => (known ??= protos.method(service, name));
    if (row.kind === 'duplex') {
      const { handle } = row;
      handlers.set(path, {
        kind: 'stream',
        failure,
        async handle(call) {
          await handle(new TypedCall(call, codec()));
        },
      });
      continue;
    }
    const { handle } = row;
    handlers.set(path, {
      kind: 'unary',
      failure,
      handle(message, call) {
        const { request, response } = codec();
        const input = request.decode(message);
        const answer = handle(input, call);
        if (!(answer instanceof Promise)) return response.encode(answer);
        const encoded = answer.then((reply: unknown) => response.encode(reply));
        if (!explain) return encoded;
        return encoded.catch((error: unknown) => {
          throw explained(error, failure, (code) => explain(code, input));
        });
      },
    });
  }
  return handlers;
}
