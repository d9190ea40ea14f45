/**
 * The actors of a system behind daprd, as its program sees them: calls take
 * the way of every call; state, timers and reminders are asked of daprd
 * itself, because only daprd gives out turns.
 */
import type { Engine } from '../core/engine.ts';
import { TroupeError, type ActorAddress } from '../core/errors.ts';
import type { ActorRuntime, ActorStore } from '../core/ports.ts';
import type { ReminderService, TimerService } from '../core/services.ts';

export interface DaprActorsParts {
  readonly engine: Engine;
  readonly store: Pick<ActorStore, 'read' | 'list'>;
  readonly reminders: ReminderService;
  readonly timers: TimerService;
}

export function daprActors({ engine, store, reminders, timers }: DaprActorsParts): ActorRuntime {
  return {
    call: (call) => engine.actors.call(call),
    isActive: (actor) => engine.actors.isActive(actor),
    types: () => engine.actors.types(),
    list: (type) => store.list(type, { limit: 1 }).then(() => []),

    async getState(actor, name) {
      const [row] = await store.read(actor, [name]);
      if (row?.json === undefined) return undefined;
      const { json, expiresAt } = row;
      return { json, ...(expiresAt === undefined ? {} : { expiresAt }) };
    },

    changeState({ type, id }: ActorAddress) {
      const text = `the state of ${type}/${id} can only be changed by its own methods: Dapr gives no turn for it from outside`;
      return Promise.reject(new TroupeError('UNSUPPORTED', text, { actor: { type, id } }));
    },

    setTimer: (actor, name, spec) => timers.set(actor, name, spec),
    deleteTimer: (actor, name) => timers.delete(actor, name),
    setReminder: (actor, name, spec) => reminders.set(actor, name, spec),
    getReminder: (actor, name) => reminders.get(actor, name),
    deleteReminder: (actor, name) => reminders.delete(actor, name),
    deleteReminders: (type, id) => reminders.deleteAll(type, id),
    reminders: (type, id) => reminders.list(type, id),
  };
}
