/** What an engine tells of its actors, by type. */
import type { HostedType } from './actor-type.ts';
import type { Telemetry } from './telemetry.ts';

export interface EngineTelemetry {
  deactivated(type: string): void;
  /** The promise as it is, its outcome counted. */
  timerFired<T>(type: string, firing: Promise<T>): Promise<T>;
  reminderFired(type: string, success: boolean): void;
}

const SILENT: EngineTelemetry = {
  deactivated() {},
  timerFired: (_, firing) => firing,
  reminderFired() {},
};

export function createEngineTelemetry(telemetry: Telemetry | undefined): EngineTelemetry {
  if (!telemetry) return SILENT;
  const fired = (
    family: 'runtime_actor_timers_fired_total' | 'runtime_actor_reminders_fired_total',
    actor_type: string,
    success: boolean,
  ): void => telemetry.count(family, { actor_type, success: String(success) });
  return {
    deactivated: (actor_type) => telemetry.count('runtime_actor_deactivated_total', { actor_type }),
    timerFired(type, firing) {
      firing.then(
        () => fired('runtime_actor_timers_fired_total', type, true),
        () => fired('runtime_actor_timers_fired_total', type, false),
      );
      return firing;
    },
    reminderFired: (type, success) => fired('runtime_actor_reminders_fired_total', type, success),
  };
}

/** Sets the gauges of each type to what is so now. */
export function gaugeActors(telemetry: Telemetry, types: Iterable<HostedType>): void {
  for (const hosted of types) {
    let pending = 0;
    let timers = 0;
    for (const { mailbox, timerCount } of hosted.activations()) {
      pending += mailbox.waiting + [...mailbox.running()].length;
      timers += timerCount;
    }
    const labels = { actor_type: hosted.target.type };
    telemetry.set('runtime_actor_pending_actor_calls', labels, pending);
    telemetry.set('runtime_actor_timers', labels, timers);
  }
}
