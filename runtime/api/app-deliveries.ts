/** Bindings and jobs on their way to an app behind gRPC, in the shape that their blocks deliver by. */
import type { JobDelivery } from '../core/job-scheduler.ts';
import type { AppEvents } from './app-port.ts';
import type { BindingApp } from './bindings.ts';

/** The app lists the bindings it takes; what it answers may go on to output bindings. */
export function bindingAppOf(events: AppEvents): BindingApp {
  return {
    async takes({ name }, { signal }) {
      return (await events.inputBindings({ signal })).includes(name);
    },
    async deliver({ name }, { data, metadata }, { signal }) {
      const reply = await events.binding({ name, data, metadata, signal });
      if (reply.states.length > 0) {
        throw new Error(
          `the app's answer to binding "${name}" holds states, which are not saved here; save them with SaveState`,
        );
      }
      return reply;
    },
  };
}

/** A job without a handler in the app is over with this tick, as in Dapr. */
export function jobDeliveryOf(events: AppEvents): JobDelivery {
  return async ({ name, spec }, { signal }) => {
    await events.job({ name, data: spec.data, signal });
  };
}
