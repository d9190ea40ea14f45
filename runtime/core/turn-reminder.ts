/** The turn of a reminder: its handler, and what comes of the reminder then. */
import type { Activation } from './activation.ts';
import type { Call } from './call.ts';
import type { LocalValue } from './codec.ts';
import { TroupeError } from './errors.ts';
import { afterFiring } from './reminders.ts';
import type { Firing } from './timers.ts';
import type { Turn } from './turn.ts';

/** What the turn of a reminder gives whose handler ran. */
export const FIRED = true;

/** The firing that a service outside brought along. */
export function broughtBy(call: Call): Firing | undefined {
  return (call.payload as LocalValue).value as Firing | undefined;
}

/** Runs the handler of a reminder that is due; false when it is not, or not any more. */
export async function remind(activation: Activation, turn: Turn): Promise<boolean> {
  const { call } = turn;
  const brought = broughtBy(call);
  if (brought) {
    await handleReminder(activation, brought);
    return FIRED;
  }
  const record = await activation.state.readReminder(call.method);
  const now = activation.now();
  if (!record || (record.retryAt ?? record.due) > now) return false;
  const { name, due, data } = record;
  if (record.expires !== undefined && now > record.expires) {
    turn.mutable().reminders.set(name, null);
    return false;
  }
  await handleReminder(activation, { name, data, due });
  const { reminders } = turn.mutable();
  if (reminders.has(name)) return FIRED;
  if (!activation.host.target.outside) {
    reminders.set(name, afterFiring(record, now));
    return FIRED;
  }
  // The app may have set or deleted this very reminder while it handled it.
  turn.beforeCommit = async () => {
    const current = await activation.state.readReminder(name);
    if (JSON.stringify(current) === JSON.stringify(record)) {
      reminders.set(name, afterFiring(record, now));
    }
  };
  return FIRED;
}

async function handleReminder(activation: Activation, firing: Firing): Promise<void> {
  const instance = activation.instance();
  if (!instance.onReminder)
    throw new TroupeError(
      'METHOD_NOT_FOUND',
      `${activation.type} has reminder "${firing.name}" but no onReminder`,
    );
  await instance.onReminder(firing);
}

/** A firing of a service outside failed: counted and told here, tried again there. */
export function countFailure(
  { parts, type, address }: Activation,
  reminder: string,
  err: unknown,
): void {
  parts.counters.reminderFailures++;
  parts.told.reminderFired(type, false);
  parts.logger.warn(
    { actor: address, reminder, err },
    'reminder failed, it is tried again by whoever keeps it',
  );
}
