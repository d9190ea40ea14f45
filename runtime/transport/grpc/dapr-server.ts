/** The Dapr API over gRPC: the rows of every block on a server, with reflection. */
import type { Api } from '../../api/index.ts';
import { apiOf } from './api-names.ts';
import { DAPR_SERVICE, daprMethods } from './dapr-methods.ts';
import type { HostActors } from './methods/actor-events.ts';
import { createProxy, type ProxyOptions } from './proxy.ts';
import { createProtos, type Protos } from './proto.ts';
import { reflectionHandlers } from './reflection.ts';
import { handlersOf, unary, type MethodRow } from './registry.ts';
import {
  createGrpcServer,
  DEFAULT_MESSAGE_BYTES,
  type GrpcServer,
  type GrpcServerOptions,
} from './server.ts';
import { httpErrorInfo } from './status-details.ts';
import { GrpcError } from './status.ts';

export interface DaprGrpcOptions extends Omit<GrpcServerOptions, 'handlers' | 'fallback'> {
  readonly api: Api;
  /** Default: read when the first call comes. */
  readonly protos?: Protos | undefined;
  /** Hosts the actors of apps that open an event stream. Absent: such streams are refused. */
  readonly hostActors?: HostActors | undefined;
  /** False for an API that the Configuration takes away. Default: all are there. */
  readonly allows?: ((api: { name: string; version: string }) => boolean) | undefined;
  /** Where calls of unknown services go, by the app id in their metadata. Absent: they are refused. */
  readonly proxyTarget?: ProxyOptions['target'] | undefined;
}

function unavailable(name: string): MethodRow {
  return unary(name, () => {
    const details = [httpErrorInfo(501, 'Not Implemented', 'requested endpoint is not available')];
    throw new GrpcError('UNIMPLEMENTED', 'Not Implemented', { details });
  });
}

/** Starts to listen; resolves when the port is open. Errors: UNAVAILABLE naming address and what to do. */
export function createDaprGrpcServer(options: DaprGrpcOptions): Promise<GrpcServer> {
  const { api, protos = createProtos(), hostActors, proxyTarget, allows, ...server } = options;
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
      }).map((row) => (!allows || allows(apiOf(row.name)) ? row : unavailable(row.name))),
    ),
    ...reflectionHandlers(protos, [DAPR_SERVICE]),
  ]);
  const fallback = proxyTarget && createProxy({ now, target: proxyTarget });
  return createGrpcServer({ ...server, handlers, fallback });
}
