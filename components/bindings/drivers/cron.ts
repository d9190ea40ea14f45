/**
 * `bindings.cron`: an event at each time of a schedule, five fields or six with
 * seconds, or `@every 1h`; in the zone of the machine unless the schedule names
 * one. It keeps nothing: what is due while nobody reads does not happen. For
 * work that must not be missed there are jobs.
 */
import { ComponentError, isTroupeError } from '../../../runtime/core/errors.ts';
import { parseCron, type CronSchedule } from '../../../runtime/core/cron.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { Binding, BindingEvent } from '../contract.ts';
import { closedError, noOperation } from '../refusals.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'schedule',
    required: true,
    description:
      'When events come: `@every 15m`, `@daily` and its like, or a cron expression of five fields, six with seconds in front. `CRON_TZ=Europe/Berlin` may go before it.',
  },
];

function scheduleOf(options: ComponentOptions): CronSchedule {
  const metadata = readMetadata(options, fields);
  const text = metadata.text('schedule');
  if (text === undefined)
    throw metadata.refuse('schedule', 'is missing; write it like "@every 15m"');
  try {
    return parseCron(text, {
      secondsOptional: true,
      zone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
    });
  } catch (error) {
    throw metadata.refuse('schedule', isTroupeError(error) ? `: ${error.message}` : 'is not valid');
  }
}

const nothing = new Uint8Array();

export const driver: Driver<Binding> = {
  fields,
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    const schedule = scheduleOf(options);
    let reading: { cancel(): void } | undefined;
    let closed = false;

    function requireOpen(): void {
      if (closed) throw closedError(options);
    }

    function eventAt(now: number): BindingEvent {
      const readTimeUTC = new Date(now).toISOString().replace('T', ' ').replace('Z', ' +0000 UTC');
      return { data: nothing, metadata: { timeZone: 'Local', readTimeUTC } };
    }

    const close = async (): Promise<void> => {
      closed = true;
      reading?.cancel();
      reading = undefined;
    };

    return {
      features: ['INPUT_BINDING'],
      operations: [],
      async invoke({ operation }) {
        requireOpen();
        throw noOperation(options, operation, []);
      },
      async read(handler) {
        requireOpen();
        if (reading) throw new ComponentError(options, 'is read already');
        const running = new Set<Promise<void>>();
        let timer: { cancel(): void } | undefined;
        const mine = { cancel: () => timer?.cancel() };
        reading = mine;

        function fire(): void {
          const event = handler(eventAt(options.now())).then(
            () => {},
            (err: unknown) =>
              options.logger.error({ component: options.name, err }, 'cron event was not taken'),
          );
          running.add(event);
          void event.finally(() => running.delete(event));
        }

        function arm(after: number): void {
          const at = schedule.next(after);
          if (at === undefined) return;
          timer = options.timer(Math.max(0, at - options.now()), () => {
            if (reading !== mine) return;
            // A timer may fire a little early by the clock; the tick is then still ahead.
            if (options.now() < at) return arm(after);
            fire();
            arm(Math.max(at, options.now()));
          });
        }
        arm(options.now());
        return async () => {
          mine.cancel();
          if (reading === mine) reading = undefined;
          await Promise.all(running);
        };
      },
      async ping() {
        requireOpen();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
