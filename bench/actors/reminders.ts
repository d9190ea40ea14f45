/** How fast are durable reminders registered, and how fast do they fire when all are due at once? */
import { createSystem, type System } from 'troupe';
import { Actor } from 'troupe/actor';
import { interleave } from '../harness/fork.ts';
import { type Measurement, memory, meter } from '../harness/measure.ts';
import { type Measure, type Question, rateOf, resultOf } from '../harness/question.ts';
import { medianOf, percentile } from '../harness/stats.ts';
import { sqliteIn } from './disk.ts';
import { scratch } from '../harness/scratch.ts';

const CALLERS = 256;
const POLL_MS = 2;

/** Dapr's own published figures, for orientation; no run of this machine. */
const DAPR_PUBLISHED = { registered: 804, fired: 18_015 };

interface Sleeper {
  wake(at: { readonly due: number }): Promise<void>;
}

function sleeperType(fired: (lateMs: number) => void) {
  return class extends Actor implements Sleeper {
    static readonly type = 'Sleeper';

    async wake({ due }: { readonly due: number }): Promise<void> {
      await this.ctx.reminders.set('wake', { due: new Date(due) });
    }

    override onReminder({ due }: { readonly due: number }): void {
      fired(Date.now() - due);
    }
  };
}

/** Durable turns are counted once they are committed. */
async function committed(system: System, turns: number): Promise<void> {
  while (system.stats().durableTurns < turns)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

const troupe: Measure = async (params, scale) => {
  const count = Number(params['count']);
  const leadMs = Number(params['leadMs']);
  const late: number[] = [];
  await using folder = await scratch(scale.dir);
  await using system = await createSystem({
    actors: [sleeperType((lateMs) => late.push(lateMs))],
    components: sqliteIn(folder),
  });
  const due = Date.now() + leadMs;
  let next = 0;
  const stopRegistering = meter();
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (next < count) await system.ref<Sleeper>('Sleeper', `s-${next++}`).wake({ due });
    }),
  );
  const registered = stopRegistering();
  if (Date.now() >= due)
    throw new Error(`registering took longer than ${leadMs} ms; the reminders were due before`);
  await new Promise((resolve) => setTimeout(resolve, due - Date.now()));
  const stopFiring = meter();
  await committed(system, 2 * count);
  const fired = stopFiring();
  if (late.length !== count) throw new Error(`${late.length} of ${count} reminders fired`);
  if (late.some((ms) => ms < 0)) throw new Error('a reminder fired early');
  const sorted = Float64Array.from(late, (ms) => ms * 1000).sort();
  return {
    ops: count,
    ...fired,
    ...memory(),
    p50: percentile(sorted, 50),
    p99: percentile(sorted, 99),
    facts: { registerSeconds: registered.seconds, registerCpuMs: registered.cpuMs },
  };
};

export const contenders: Readonly<Record<string, Measure>> = { troupe };

/** The first phase of a round, which the second one's measurement carries along. */
function registering({ ops, rss, heap, facts }: Measurement): Measurement {
  return { ops, seconds: facts!['registerSeconds']!, cpuMs: facts!['registerCpuMs']!, rss, heap };
}

export const question: Question = {
  name: 'reminders',
  title:
    'Reminders on SQLite with full sync: registered by 256 callers, then all due at one moment',
  async ask(scale, progress) {
    const count = scale.short ? 2000 : 20_000;
    const leadMs = scale.short ? 2000 : 6000;
    const text = count.toLocaleString('en-US');
    const registered = `${text} registered, a durable turn each`;
    const fired = `${text} fired, until the last is committed`;
    const [run] = await interleave(
      import.meta.filename,
      [{ name: fired, run: 'troupe', params: { count, leadMs } }],
      scale,
      progress,
    );
    const results = [{ contender: registered, rounds: run!.rounds.map(registering) }, run!];
    const rate = (of: string): number => medianOf(resultOf(results, of).rounds, rateOf);
    return {
      results,
      aims: [
        {
          what: `${text} reminders registered`,
          unit: 'reminders/s',
          aim: DAPR_PUBLISHED.registered,
          better: 'higher',
          measured: rate(registered),
        },
        {
          what: `${text} reminders fired`,
          unit: 'reminders/s',
          aim: DAPR_PUBLISHED.fired,
          better: 'higher',
          measured: rate(fired),
        },
      ],
      notes: [
        'p50 and p99 of firing: how late after its due time a handler began.',
        `The aims are what Dapr publishes (${DAPR_PUBLISHED.registered} registered, ${DAPR_PUBLISHED.fired.toLocaleString('en-US')} fired a second), measured by Dapr on other machines: orientation, not a comparison.`,
      ],
    };
  },
};
