/** The Dapr API over gRPC: the rows of every block on a server, with reflection. */
import type { Api } from '../../api/index.ts';
import { DAPR_SERVICE, daprMethods } from './dapr-methods.ts';
import { createProtos, type Protos } from './proto.ts';
import { reflectionHandlers } from './reflection.ts';
import { handlersOf } from './registry.ts';
import {
  createGrpcServer,
  DEFAULT_MESSAGE_BYTES,
  type GrpcServer,
  type GrpcServerOptions,
} from './server.ts';

export interface DaprGrpcOptions extends Omit<GrpcServerOptions, 'handlers'> {
  readonly api: Api;
  /** Default: read when the first call comes. */
  readonly protos?: Protos | undefined;
}

/** Starts to listen; resolves when the port is open. Errors: UNAVAILABLE naming address and what to do. */
export function createDaprGrpcServer(options: DaprGrpcOptions): Promise<GrpcServer> {
  const { api, protos = createProtos(), ...server } = options;
  const maxBytes = options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES;
  const handlers = new Map([
    ...handlersOf(
      protos,
      DAPR_SERVICE,
      daprMethods(api, maxBytes > 0 ? maxBytes : Number.POSITIVE_INFINITY),
    ),
    ...reflectionHandlers(protos, [DAPR_SERVICE]),
  ]);
  return createGrpcServer({ ...server, handlers });
}
