/** What the gRPC API of a host needs beside the API itself: actors over streams, and where the proxy leads. */
import type { Engine } from '../core/engine.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { AppGrpc } from '../targets/app-grpc.ts';
import type { DaprGrpcOptions } from '../transport/grpc/dapr-server.ts';
import type { ProxyTarget } from '../transport/grpc/proxy.ts';
import { GrpcError } from '../transport/grpc/status.ts';
import { createStreamActors } from './stream-actors.ts';

/** A channel of the app that takes raw gRPC calls. */
export type GrpcApp = Pick<AppGrpc, 'client' | 'gate'>;

export interface GrpcPartsOptions {
  readonly appId: string;
  /** Namespace of this host. Default `default`. */
  readonly namespace?: string | undefined;
  /** Undefined: the app has no gRPC port. */
  readonly app: GrpcApp | undefined;
  /** True: the app is behind HTTP, so it cannot host actors over a stream. */
  readonly isHttpApp: boolean;
  readonly engine: Engine | undefined;
  /** Policies of calls that are passed on. Absent: a call is made once. */
  readonly resiliency?: Resiliency | undefined;
  /** Sidecars of other apps. Absent: only this app is known. */
  readonly peers?:
    | {
        /** Errors: NOT_FOUND, UNAVAILABLE. */
        target(
          callee: { appId: string; namespace: string },
          options?: { signal?: AbortSignal },
        ): Promise<ProxyTarget>;
      }
    | undefined;
}

export function grpcParts(
  options: GrpcPartsOptions,
): Pick<DaprGrpcOptions, 'hostActors' | 'proxyTarget'> {
  const { appId, namespace = 'default', app, isHttpApp, engine, peers, resiliency } = options;
  return {
    hostActors: engine && !isHttpApp ? createStreamActors(engine) : undefined,
    async proxyTarget(target, { path, signal }) {
      const policy = resiliency?.app(target, `${target}:${path}`);
      const [name = '', ns = namespace, ...more] = target.split('.');
      if (name === '' || more.length > 0) {
        throw new GrpcError('INVALID_ARGUMENT', `invalid app id ${target}`);
      }
      if (name === appId && ns === namespace) {
        if (!app) {
          throw new GrpcError(
            'UNAVAILABLE',
            'failed to proxy request: this app has no gRPC port; start it with --app-protocol grpc',
          );
        }
        const { client, gate } = app;
        return { client, gate, policy };
      }
      if (!peers) throw new GrpcError('INTERNAL', `couldn't find service: ${name}`);
      const found = await peers.target({ appId: name, namespace: ns }, { signal });
      const ids = {
        'dapr-caller-app-id': appId,
        'dapr-caller-namespace': namespace,
        'dapr-callee-app-id': name,
      };
      return { ...found, policy, metadata: { ...found.metadata, ...ids } };
    },
  };
}
