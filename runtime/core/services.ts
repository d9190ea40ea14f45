/** Ports of a host whose reminders and timers another runtime keeps, and fires as turns. */
import type { ActorAddress } from './errors.ts';
import type { ActorRuntime, ReminderRecord, ReminderSpec, TimerSpec } from './ports.ts';

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

/** Operations on reminders that a service keeps. No turn of the actor: which host has it makes no difference to them. */
export function servedReminders(
  service: ReminderService,
): Pick<
  ActorRuntime,
  'setReminder' | 'getReminder' | 'deleteReminder' | 'deleteReminders' | 'reminders'
> {
  return {
    setReminder: (actor, name, spec) => service.set(actor, name, spec),
    getReminder: (actor, name) => service.get(actor, name),
    deleteReminder: (actor, name) => service.delete(actor, name),
    deleteReminders: (type, id) => service.deleteAll(type, id),
    reminders: (type, id) => service.list(type, id),
  };
}
