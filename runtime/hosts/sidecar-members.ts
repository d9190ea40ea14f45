/**
 * What the API of a member of a placement does on top of its engine, as daprd
 * does: a call whose host went away while it ran is made again, unless the type
 * has a policy of its own, and a timer may be set for an actor of another
 * member; it is kept here and fires there.
 */
import { LocalValue } from '../core/codec.ts';
import type { Engine } from '../core/engine.ts';
import { isTroupeError, type ActorAddress } from '../core/errors.ts';
import type { ActorRuntime, Clock, EngineLogger, OutgoingCall } from '../core/ports.ts';
import { MOST_MOVES, movePause } from '../core/relocation.ts';
import type { Resiliency } from '../core/resiliency.ts';
import { planTimer, Timers } from '../core/timers.ts';

export interface MemberParts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly resiliency: Resiliency;
}

/** The actors of all members, as the API of this one has them. */
export function memberActors(parts: MemberParts): ActorRuntime & AsyncDisposable {
  const { actors } = parts.engine;
  const timers = createRemoteTimers(parts);
  return {
    ...actors,
    call: (call) => callAgain(call, parts),
    async setTimer(actor, name, spec) {
      try {
        await actors.setTimer(actor, name, spec);
        timers.delete(actor, name);
      } catch (error) {
        if (!isTroupeError(error) || error.code !== 'MOVED') throw error;
        timers.set(actor, name, spec);
      }
    },
    async deleteTimer(actor, name) {
      timers.delete(actor, name);
      await actors.deleteTimer(actor, name).catch((error: unknown) => {
        if (!isTroupeError(error) || error.code !== 'MOVED') throw error;
      });
    },
    async [Symbol.asyncDispose]() {
      timers.clear();
    },
  };
}

/** Its outcome is unknown, and whoever lost it is gone. */
const wasLost = (error: unknown): boolean =>
  isTroupeError(error) &&
  error.code === 'UNAVAILABLE' &&
  (error.details as { started?: unknown } | undefined)?.started === true;

async function callAgain(
  call: OutgoingCall,
  { engine, clock, resiliency }: MemberParts,
): ReturnType<ActorRuntime['call']> {
  const { type, id, kind = 'method', once, isForwarded } = call;
  const isOurs = kind === 'method' && !once && !isForwarded && !resiliency.actor(type, id);
  for (let attempt = 0; ; attempt++) {
    try {
      return await engine.actors.call(call);
    } catch (error) {
      if (!isOurs || !wasLost(error) || attempt >= MOST_MOVES) throw error;
      await new Promise<void>((resolve) => {
        clock.timer(clock.now() + movePause(attempt), resolve, { background: true });
      });
    }
  }
}

interface RemoteTimers {
  set(actor: ActorAddress, name: string, spec: Parameters<ActorRuntime['setTimer']>[2]): void;
  delete(actor: ActorAddress, name: string): void;
  clear(): void;
}

function createRemoteTimers({ engine, clock, logger }: MemberParts): RemoteTimers {
  const kept = new Map<string, Timers>();
  const keyOf = ({ type, id }: ActorAddress): string => `${type}||${id}`;

  function fresh({ type, id }: ActorAddress): Timers {
    return new Timers(clock, async (firing, method) => {
      const payload = new LocalValue({ firing, method });
      const name = method ?? firing.name;
      await engine.router
        .call({ type, id, method: name, kind: 'timer', payload })
        .catch((err: unknown) =>
          logger.warn({ actor: { type, id }, timer: firing.name, err }, 'timer failed'),
        );
    });
  }

  return {
    set(actor, name, spec) {
      const key = keyOf(actor);
      const timers = kept.get(key) ?? fresh(actor);
      kept.set(key, timers);
      timers.set(name, planTimer(name, spec, clock.now()));
    },
    delete(actor, name) {
      const timers = kept.get(keyOf(actor));
      timers?.delete(name);
      if (timers?.count === 0) kept.delete(keyOf(actor));
    },
    clear() {
      for (const timers of kept.values()) timers.clear();
      kept.clear();
    },
  };
}
