/** Ports of a host whose reminders and timers another runtime keeps, and fires as turns. */
import type { ActorAddress } from './errors.ts';
import type { ReminderRecord, ReminderSpec, TimerSpec } from './ports.ts';

/**
 * Keeps reminders outside the actor store, and calls the host back when one is
 * due, by a call of kind `reminder` that brings its firing along. Errors:
 * INVALID_ARGUMENT, CONFLICT with overwrite false, UNAVAILABLE.
 */
export interface ReminderService {
  set(actor: ActorAddress, name: string, spec: ReminderSpec): Promise<void>;
  get(actor: ActorAddress, name: string): Promise<ReminderRecord | undefined>;
  delete(actor: ActorAddress, name: string): Promise<void>;
  /** Of one actor, or of a type. */
  list(
    type: string,
    id?: string,
  ): Promise<{ readonly actor: ActorAddress; readonly record: ReminderRecord }[]>;
  deleteAll(type: string, id?: string): Promise<void>;
}

/**
 * Keeps timers outside the activation, and calls the host back when one is due,
 * by a call of kind `timer`. Errors: INVALID_ARGUMENT, UNAVAILABLE.
 */
export interface TimerService {
  set(actor: ActorAddress, name: string, spec: TimerSpec): Promise<void>;
  delete(actor: ActorAddress, name: string): Promise<void>;
}
