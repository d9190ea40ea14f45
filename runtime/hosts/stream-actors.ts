/**
 * Actor types whose apps host them over an event stream. An app that restarts
 * opens its new stream before the old one is gone, so of several streams with a
 * type the newest has it, and the type ends with the last.
 */
import type { Engine } from '../core/engine.ts';
import { createAppActorTarget } from '../targets/app-actors.ts';
import type {
  HostActors,
  StreamActorDelivery,
  StreamActorType,
} from '../transport/grpc/methods/actor-events.ts';

export function createStreamActors(engine: Engine): HostActors {
  const streams = new Map<string, StreamActorDelivery[]>();

  function newest(type: string): StreamActorDelivery {
    return streams.get(type)!.at(-1)!;
  }

  function forwarding(type: string): StreamActorDelivery {
    return {
      invoke: (call) => newest(type).invoke(call),
      remind: (firing) => newest(type).remind(firing),
      fireTimer: (firing) => newest(type).fireTimer(firing),
      deactivate: (actor) => newest(type).deactivate(actor),
    };
  }

  const host = (kept: StreamActorType): void =>
    engine.host(createAppActorTarget(kept, forwarding(kept.type)));

  async function leave(kept: StreamActorType, delivery: StreamActorDelivery): Promise<void> {
    const { type } = kept;
    const all = streams.get(type)!;
    if (all.length === 1) {
      // The last one stays in its place until its actors have ended.
      await engine.unhost(type);
      all.splice(all.indexOf(delivery), 1);
      if (all.at(-1)) host(kept);
      else streams.delete(type);
    } else all.splice(all.indexOf(delivery), 1);
  }

  return async (types, delivery) => {
    const joined: StreamActorType[] = [];
    const release = async (): Promise<void> => {
      await Promise.all(joined.map((kept) => leave(kept, delivery)));
    };
    try {
      for (const kept of types) {
        const all = streams.get(kept.type);
        if (all) all.push(delivery);
        else {
          host(kept);
          streams.set(kept.type, [delivery]);
        }
        joined.push(kept);
      }
    } catch (error) {
      await release();
      throw error;
    }
    return release;
  };
}
