/** The public surface for hosting a system: `troupe`. */
import { openHost } from './hosts/index.ts';
import type { System, SystemOptions } from './hosts/system.ts';

/**
 * Starts a system. Errors: INVALID_ARGUMENT for actors and components that are
 * not right, COMPONENT and UNAVAILABLE for backends that cannot be opened,
 * UNAVAILABLE when the HTTP port is taken.
 */
export function createSystem(options: SystemOptions): Promise<System> {
  return openHost(options);
}

export type {
  ControlPlane,
  EventSubscription,
  InvocationHandler,
  ModelServer,
  System,
  SystemOptions,
} from './hosts/system.ts';
export { openTracing } from './hosts/tracing.ts';
export type { Span, SpanOptions, Tracer } from './core/tracing.ts';
export { readResources } from './cli/resources.ts';
export { component } from './config/component.ts';
export type { ComponentSpec } from './config/component.ts';
export { parseResources } from './config/resources.ts';
export type { Interceptor, InterceptedCall } from './core/interceptors.ts';
export type { EngineStats } from './core/engine-options.ts';
export type { ActorRuntime, Clock, TaskRunner } from './core/ports.ts';
export { ActorError, isActorError, isTroupeError, TroupeError } from './core/errors.ts';
export type { ActorAddress, ErrorCode, WireError } from './core/errors.ts';
export type { ActorRef, CallOptions } from './actor/ref.ts';
export type { CloudEvent } from './actor/actor.ts';
