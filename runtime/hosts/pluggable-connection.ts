/**
 * One pluggable component: a process of its own that serves Dapr's component
 * protocols over gRPC on a Unix socket. It owns the connection and what its
 * failures are called here; what the messages mean is its kind's.
 */
import type { Component, ComponentOptions, Driver } from '../../components/component.ts';
import { ComponentError, type ErrorCode } from '../core/errors.ts';
import type { OutgoingCall } from '../transport/grpc/client-call.ts';
import { createGrpcClient } from '../transport/grpc/client.ts';
import { createComponentProtos, type Protos } from '../transport/grpc/proto.ts';
import { CODES, GrpcError } from '../transport/grpc/status.ts';

/** A component process that was found. */
export interface Pluggable {
  /** File name of the socket without its extension: the second part of the type name. */
  readonly name: string;
  readonly socket: string;
  /** Full names of the gRPC services that it has. */
  readonly services: ReadonlySet<string>;
}

/** A bidirectional stream in messages of its method. */
export interface PluggableStream<I, O> {
  send(message: I): Promise<void>;
  messages(): AsyncGenerator<O, void, undefined>;
  /** Ends this side behind what was sent. The call is over when the component has ended its own, or takes too long. */
  close(timer: ComponentOptions['timer']): Promise<void>;
  /** Resolves to what broke it; undefined when it ended well. */
  readonly ended: Promise<Error | undefined>;
}

export interface PluggableConnection extends AsyncDisposable {
  call<I, O>(
    service: string,
    method: string,
    request: I,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<O>;
  stream<I, O>(service: string, method: string): PluggableStream<I, O>;
  /** The component's own answer to whether it is well. */
  ping(service: string, options?: { signal?: AbortSignal | undefined }): Promise<void>;
  close(): Promise<void>;
}

export const PACKAGE = 'dapr.proto.components.v1';

const MAX_BYTES = Number.POSITIVE_INFINITY;
/** How long a component may take to end a stream after this side has. */
const END_MS = 1_000;

const GO_NAMES = Object.entries(CODES).map(
  ([name, code]) =>
    [
      code,
      name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
    ] as const,
);
const goNames = new Map<number, string>([
  ...GO_NAMES,
  [CODES.OK, 'OK'],
  [CODES.CANCELLED, 'Canceled'],
]);

/** As grpc-go prints it, which is what daprd puts into its answers. */
const goStatus = ({ code, message }: { code: number; message: string }): string =>
  `rpc error: code = ${goNames.get(code) ?? `Code(${code})`} desc = ${message}`;

const KINDS: Readonly<Record<number, ErrorCode>> = {
  [CODES.UNAVAILABLE]: 'UNAVAILABLE',
  [CODES.CANCELLED]: 'CANCELLED',
  [CODES.DEADLINE_EXCEEDED]: 'TIMEOUT',
  [CODES.NOT_FOUND]: 'NOT_FOUND',
  [CODES.UNIMPLEMENTED]: 'UNSUPPORTED',
};

/** What a failed call is for the callers of the component. */
export function failureOf(options: ComponentOptions, error: unknown): Error {
  if (!(error instanceof GrpcError)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  const code = KINDS[error.status.code] ?? 'COMPONENT';
  return new ComponentError(options, goStatus(error.status), { code, cause: error });
}

export function connectPluggable(
  { socket }: Pick<Pluggable, 'socket'>,
  options: ComponentOptions,
  protos: Protos = createComponentProtos(),
): PluggableConnection {
  const client = createGrpcClient({
    host: 'localhost',
    port: 80,
    socket,
    maxMessageBytes: MAX_BYTES,
  });
  // A process that serves several components tells them apart by this name.
  const metadata = { 'x-component-instance': options.name };
  const pathOf = (service: string, method: string): string => `/${PACKAGE}.${service}/${method}`;

  async function call<I, O>(
    service: string,
    method: string,
    request: I,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<O> {
    const codec = protos.method<I, O>(`${PACKAGE}.${service}`, method);
    try {
      const path = pathOf(service, method);
      const reply = await client.unary(path, codec.request.encode(request), { metadata, signal });
      return codec.response.decode(reply.message);
    } catch (error) {
      throw failureOf(options, error);
    }
  }

  function stream<I, O>(service: string, method: string): PluggableStream<I, O> {
    const codec = protos.method<I, O>(`${PACKAGE}.${service}`, method);
    const running: OutgoingCall = client.call(pathOf(service, method), { metadata });
    return {
      send: (message) => running.write(codec.request.encode(message)),
      async *messages() {
        for await (const bytes of running.messages()) yield codec.response.decode(bytes);
      },
      async close(timer) {
        running.end();
        const limit = timer(END_MS, () => running.cancel());
        await running.ended;
        limit.cancel();
      },
      ended: running.ended.then(({ status }) =>
        status.code === CODES.OK
          ? undefined
          : failureOf(options, new GrpcError(status.code, status.message)),
      ),
    };
  }

  return {
    call,
    stream,
    async ping(service, given) {
      await call(service, 'Ping', {}, given);
    },
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** A driver of a kind whose service begins with Init and Features, as all do but bindings. */
export const pluggableDriver = <C extends Component>(
  pluggable: Pluggable,
  service: string,
  form: (
    options: ComponentOptions,
    connection: PluggableConnection,
    features: readonly string[],
  ) => C,
): Driver<C> => ({
  fields: [],
  openMetadata: true,
  async create(options, { signal }) {
    const connection = connectPluggable(pluggable, options);
    try {
      const metadata = { properties: options.metadata };
      await connection.call(service, 'Init', { metadata }, { signal });
      const { features = [] } = await connection.call<object, { features?: string[] }>(
        service,
        'Features',
        {},
        { signal },
      );
      return form(options, connection, features);
    } catch (error) {
      await connection.close();
      throw error;
    }
  },
});
