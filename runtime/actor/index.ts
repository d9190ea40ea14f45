/** What an actor author imports: `troupe/actor`. */
export { Actor } from './actor.ts';
export type { ActorClass, ActorOptions, CloudEvent, TopicSubscription } from './actor.ts';
export { daprActor } from './dapr-actor.ts';
export type { DaprActorClass, DaprActorOptions } from './dapr-actor.ts';
export type {
  ActorContext,
  DueTime,
  Duration,
  Firing,
  Logger,
  OffloadOptions,
  Outbox,
  PublishOptions,
  ReminderInfo,
  ReminderOptions,
  Reminders,
  TimerOptions,
  Timers,
} from './context.ts';
export type { StateEntry, StateOptions } from './state.ts';
export type { ActorRef, CallOptions, OutboxRef } from './ref.ts';
export { ActorError, isActorError, isTroupeError, TroupeError } from '../core/errors.ts';
export type { ActorAddress, ActorErrorOptions, ErrorCode, WireError } from '../core/errors.ts';
