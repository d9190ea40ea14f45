import { expect, it } from 'vitest';
import type { Binding, BindingEvent } from '../../components/bindings/contract.ts';
import { TroupeError } from '../core/errors.ts';
import { bench } from '../core/resiliency.fixture.ts';
import { createBindingsApi } from './bindings.ts';

it('an event that the app did not take is given to it again, by status and inbound policy', async () => {
  const { resiliency, clock } = bench({
    retries: {
      r: {
        policy: 'constant',
        durationMs: 10,
        maxIntervalMs: 0,
        maxRetries: 5,
        httpStatusCodes: [[503, 503]],
      },
    },
    components: { queue: { inbound: { retry: 'r' } } },
  });
  let push: (event: BindingEvent) => Promise<unknown> = async () => undefined;
  const binding = {
    features: ['INPUT_BINDING'],
    operations: [],
    async read(handler: typeof push) {
      push = handler;
      return async () => {};
    },
  } as unknown as Binding;
  const api = createBindingsApi({
    bindings: new Map([['queue', { binding, direction: 'input', route: 'in' }]]),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    resiliency,
  });
  const statuses = [503, 503, 400, 503];
  let given = 0;
  const end = await api.start({
    app: {
      takes: async () => true,
      deliver: async () => {
        const status = statuses[given++];
        throw new TroupeError('UNAVAILABLE', `status ${status}`, { details: { status } });
      },
    },
  });
  const outcome = push({ data: new Uint8Array(), metadata: {} }).catch((error: Error) => error);
  await clock.advance(1000);
  expect(await outcome).toMatchObject({ message: 'status 400' });
  expect(given).toBe(3);
  await end();
});
