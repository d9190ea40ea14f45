/** A real system with its gRPC API on a free port, and a plain client that knows only paths and messages. */
import { credentials, Client, Metadata, type CallOptions, type ServiceError } from '@grpc/grpc-js';
import { component, createSystem, type System, type SystemOptions } from '../../index.ts';
import { Counter } from '../api.fixture.ts';
import { DAPR_SERVICE } from './dapr-methods.ts';
import { createProtos, type Protos } from './proto.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export type Reply = Record<string, unknown>;

/** The outcome of a call: what came back, whatever it was. */
export interface Outcome {
  readonly code: number;
  readonly message: string;
  readonly reply: Reply;
  readonly headers: Metadata;
  readonly trailers: Metadata;
}

export interface GrpcFixture extends AsyncDisposable {
  readonly system: System;
  readonly address: string;
  readonly protos: Protos;
  readonly client: Client;
  /** Calls a method of the Dapr service; never rejects. */
  call(
    method: string,
    request: object,
    options?: { metadata?: Record<string, string>; call?: CallOptions },
  ): Promise<Outcome>;
}

export const protos = createProtos();

const identity = (bytes: Buffer): Buffer => bytes;

/** One unary call of raw bytes. */
export function callRaw(
  client: Client,
  path: string,
  bytes: Buffer,
  { metadata = {}, call = {} }: { metadata?: Record<string, string>; call?: CallOptions } = {},
): Promise<Omit<Outcome, 'reply'> & { bytes: Buffer | undefined }> {
  const sent = new Metadata();
  for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
  return new Promise((resolve) => {
    let headers = new Metadata();
    const running = client.makeUnaryRequest(
      path,
      identity,
      identity,
      bytes,
      sent,
      call,
      (error: ServiceError | null, reply?: Buffer) => {
        resolve({
          code: error?.code ?? 0,
          message: error?.details ?? '',
          bytes: reply,
          headers,
          trailers: error?.metadata ?? new Metadata(),
        });
      },
    );
    running.on('metadata', (received: Metadata) => {
      headers = received;
    });
  });
}

export async function openGrpc(options: Partial<SystemOptions> = {}): Promise<GrpcFixture> {
  const system = await createSystem({
    appId: 'shop',
    actors: [Counter],
    grpc: { port: 0 },
    logger: silent,
    components: [
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
      component('pubsub', 'pubsub.in-memory'),
    ],
    ...options,
  });
  const address = `${system.grpc!.host}:${system.grpc!.port}`;
  const client = new Client(address, credentials.createInsecure());
  return {
    system,
    address,
    protos,
    client,
    async call(method, request, sent) {
      const { request: input, response } = protos.method<object, Reply>(DAPR_SERVICE, method);
      const { bytes, ...rest } = await callRaw(
        client,
        `/${DAPR_SERVICE}/${method}`,
        Buffer.from(input.encode(request)),
        sent,
      );
      return { ...rest, reply: bytes ? response.decode(bytes) : ({} as Reply) };
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await system.close();
    },
  };
}
