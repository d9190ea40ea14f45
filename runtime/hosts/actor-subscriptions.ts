/** Topics that actor classes ask for, delivered into their actors. */
import type { ActorClass, CloudEvent, TopicSubscription } from '../actor/actor.ts';
import { copyOf } from '../core/codec.ts';
import type { Engine } from '../core/engine.ts';
import { isActorError } from '../core/errors.ts';
import type { TopicsApi } from './composition.ts';

/** How long an actor remembers an event that a topic delivered, to drop repetitions. */
const EVENT_WINDOW_MS = 86_400_000;

/** Resolves when all subscriptions of the classes are in place. */
export async function subscribeActors(
  api: Pick<TopicsApi, 'subscriptions'>,
  engine: Engine,
  actors: readonly ActorClass[],
): Promise<void> {
  // All at once: a broker whose consumer group must be joined anew for each joins it once.
  await Promise.all(
    actors.flatMap((actorClass) =>
      (actorClass.subscriptions ?? []).map((one) => subscribeOne(api, engine, actorClass, one)),
    ),
  );
}

/** Delivers a topic into the actors of a type: each event a turn, repetitions dropped by the actor. */
async function subscribeOne(
  api: Pick<TopicsApi, 'subscriptions'>,
  engine: Engine,
  { type }: ActorClass,
  { pubsub = 'pubsub', topic, method, id, deadLetterTopic }: TopicSubscription,
): Promise<void> {
  const deliver = async (
    event: CloudEvent,
    { signal, traceparent }: { signal: AbortSignal; traceparent: string | undefined },
  ): Promise<'SUCCESS' | 'DROP'> => {
    const once = {
      key: `event||${pubsub}||${event.source}||${event.id}||${method}`,
      stream: '',
      seq: 0,
      windowMs: EVENT_WINDOW_MS,
    };
    try {
      await engine.actors.call({
        type,
        id: id(event),
        method,
        payload: copyOf(event),
        once,
        signal,
        headers: traceparent === undefined ? undefined : { traceparent },
      });
      return 'SUCCESS';
    } catch (error) {
      if (!isActorError(error)) throw error;
      engine.parts.logger.warn(
        { type, topic, event: event.id, err: error },
        'actor refused an event',
      );
      return 'DROP';
    }
  };
  await api.subscriptions.subscribe(
    { pubsub, topic, deadLetterTopic, path: `actor:${type}/${method}` },
    deliver,
  );
}
