/** The Dapr API over gRPC: the rows of every block on a server, with reflection. */
import type { Api } from '../../api/index.ts';
import { DAPR_SERVICE, daprMethods } from './dapr-methods.ts';
import type { HostActors } from './methods/actor-events.ts';
import { createProxy, type ProxyOptions } from './proxy.ts';
import { createProtos, type Protos } from './proto.ts';
import { reflectionHandlers } from './reflection.ts';
import { handlersOf } from './registry.ts';
import {
  createGrpcServer,
  DEFAULT_MESSAGE_BYTES,
  type GrpcServer,
  type GrpcServerOptions,
} from './server.ts';

export interface DaprGrpcOptions extends Omit<GrpcServerOptions, 'handlers' | 'fallback'> {
  readonly api: Api;
  /** Default: read when the first call comes. */
  readonly protos?: Protos | undefined;
  /** Hosts the actors of apps that open an event stream. Absent: such streams are refused. */
  readonly hostActors?: HostActors | undefined;
  /** Where calls of unknown services go, by the app id in their metadata. Absent: they are refused. */
  readonly proxyTarget?: ProxyOptions['target'] | undefined;
}

/** Starts to listen; resolves when the port is open. Errors: UNAVAILABLE naming address and what to do. */
export function createDaprGrpcServer(options: DaprGrpcOptions): Promise<GrpcServer> {
  const { api, protos = createProtos(), hostActors, proxyTarget, ...server } = options;
  const now = options.now ?? Date.now;
  const maxBytes = options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES;
  const handlers = new Map([
    ...handlersOf(
      protos,
      DAPR_SERVICE,
      daprMethods({
        api,
        maxBytes: maxBytes > 0 ? maxBytes : Number.POSITIVE_INFINITY,
        hostActors,
      }),
    ),
    ...reflectionHandlers(protos, [DAPR_SERVICE]),
  ]);
  const fallback = proxyTarget && createProxy({ now, target: proxyTarget });
  return createGrpcServer({ ...server, handlers, fallback });
}
