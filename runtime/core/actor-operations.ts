/**
 * What the API rooms do on an actor besides calling its methods: state, timers,
 * reminders. Each is a turn of the actor, so order, ownership and commit are
 * the same as for its own methods.
 */
import type { Activation } from './activation.ts';
import { StoredText } from './codec.ts';
import { TroupeError, type ActorAddress } from './errors.ts';
import type { ActorRuntime, ActorStore, ReminderSpec } from './ports.ts';
import { listReminders, planReminder } from './reminders.ts';
import type { Router } from './router.ts';
import { planTimer } from './timers.ts';
import type { Turn } from './turn.ts';

export type ActorOperations = Omit<ActorRuntime, 'call' | 'types' | 'list'>;

export interface ActorOperationsOptions {
  readonly router: Router;
  readonly store: ActorStore;
  readonly find: (actor: ActorAddress) => Activation | undefined;
}

export function createActorOperations({
  router,
  store,
  find,
}: ActorOperationsOptions): ActorOperations {
  const deleteReminder = ({ type, id }: ActorAddress, name: string): Promise<void> =>
    router.system(type, id, 'deleteReminder', async (turn) => {
      turn.mutable().reminders.set(name, null);
    });

  return {
    isActive: (actor) => find(actor)?.activated ?? false,

    getState: ({ type, id }, name) =>
      router.system(type, id, 'getState', async ({ activation }) => {
        const cell = activation.state.anyCell(name);
        await cell.ensureLoaded();
        const json = cell.committed();
        if (json === undefined) return undefined;
        return { json, ...(cell.expiresAt === undefined ? {} : { expiresAt: cell.expiresAt }) };
      }),

    changeState: ({ type, id }, operations) =>
      router.system(type, id, 'changeState', async ({ activation }) => {
        for (const operation of operations) {
          assertEntryName(operation.name);
          const cell = activation.state.anyCell(operation.name);
          if (operation.kind === 'delete') {
            cell.delete();
            continue;
          }
          const { name, json, ttlSeconds } = operation;
          const value = activation.host.target.outside ? new StoredText(json) : parsed(name, json);
          cell.set(value, ttlSeconds === undefined ? undefined : ttlSeconds * 1000);
        }
      }),

    setTimer: ({ type, id }, name, spec) =>
      router.system(type, id, 'setTimer', async (turn) => {
        planTimer(name, spec, turn.activation.now());
        turn.mutable().timers.set(name, spec);
      }),

    deleteTimer: ({ type, id }, name) =>
      router.system(type, id, 'deleteTimer', async (turn) => {
        turn.mutable().timers.set(name, null);
      }),

    setReminder: ({ type, id }, name, spec) =>
      router.system(type, id, 'setReminder', (turn) => planReminderIn(turn, name, spec)),

    getReminder: ({ type, id }, name) =>
      router.system(type, id, 'getReminder', ({ activation }) =>
        activation.state.readReminder(name),
      ),

    deleteReminder,

    reminders: (type, id) => listReminders(store, type, id),

    async deleteReminders(type, id) {
      for (const { actor, record } of await listReminders(store, type, id)) {
        await deleteReminder(actor, record.name);
      }
    },
  };
}

/** What an actor of this process reads its entries as. */
function parsed(name: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    const text = `value of "${name}" must be JSON: ${(cause as Error).message}`;
    throw new TroupeError('INVALID_ARGUMENT', text, { cause });
  }
}

/** Names that the engine keeps its own rows under are not for entries. */
export function assertEntryName(name: string): void {
  if (name === '' || /^[$|]/.test(name) || name.includes('||')) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `name "${name}" of state, or of a reminder, must not be empty, begin with "$" or "|", or contain "||"`,
    );
  }
}

/** Plans a reminder in the changes of a turn. Errors: INVALID_ARGUMENT; CONFLICT with overwrite false. */
export async function planReminderIn(turn: Turn, name: string, spec: ReminderSpec): Promise<void> {
  assertEntryName(name);
  const { activation } = turn;
  const record = planReminder(name, spec, activation.now());
  if (spec.overwrite === false) {
    const planned = turn.changes?.reminders.get(name);
    const existing = planned === undefined ? await activation.state.readReminder(name) : planned;
    if (existing)
      throw new TroupeError(
        'CONFLICT',
        `reminder "${name}" of ${activation.type}/${activation.id} exists already`,
        { actor: activation.address },
      );
  }
  turn.mutable().reminders.set(name, record);
}
