/**
 * Actor calls from outside under the policies of their type: retries and
 * circuit breaker around the whole call, its wait for the turn included. The
 * time that a turn may take is `Resiliency.turn`, for whoever runs the turn.
 */
import { isActorError, isTroupeError } from './errors.ts';
import type { ActorRuntime } from './ports.ts';
import type { Resiliency } from './resiliency.ts';
import { statusIn } from './resiliency-retry.ts';

/** What trying again does not change. */
const FINAL = new Set([
  'CANCELLED',
  'DEADLOCK',
  'FORBIDDEN',
  'INVALID_ARGUMENT',
  'METHOD_NOT_FOUND',
  'NOT_FOUND',
  'READ_ONLY',
  'STACK_DEPTH',
]);

const isFinal = (error: unknown): boolean =>
  isActorError(error) || (isTroupeError(error) && FINAL.has(error.code));

/** Timers, reminders and durable sends are repeated by rules of their own, so they pass. */
export function underActorPolicies(actors: ActorRuntime, resiliency: Resiliency): ActorRuntime {
  return {
    ...actors,
    call(call) {
      const { type, id, kind = 'method', once, isForwarded, signal: given } = call;
      // The host that forwarded it has the policies of it.
      const isOwn = kind === 'method' && !once && !isForwarded;
      const policy = isOwn ? resiliency.actor(type, id) : undefined;
      if (!policy) return actors.call(call);
      return policy.run(({ signal }) => actors.call({ ...call, signal }), {
        signal: given,
        isFinal,
        codeOf: statusIn,
      });
    },
  };
}
