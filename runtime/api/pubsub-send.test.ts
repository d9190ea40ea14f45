import { expect, it } from 'vitest';
import type { BulkFailure, PubSub } from '../../components/pubsub/contract.ts';
import { bench } from '../core/resiliency.fixture.ts';
import { createSender } from './pubsub-send.ts';

const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;

/** A broker behind gRPC that refuses everything with one status. */
function refusing(code: number): { readonly broker: PubSub; tried: number } {
  const seen = { tried: 0 };
  const fail = (): Error => {
    seen.tried += 1;
    return new Error('refused', { cause: { status: { code } } });
  };
  const broker = {
    features: ['BULK_PUBSUB'],
    publish: () => Promise.reject(fail()),
    bulkPublish: (): Promise<BulkFailure[]> => Promise.reject(fail()),
  } as unknown as PubSub;
  return Object.assign(seen, { broker });
}

it.each([
  ['http', UNAVAILABLE, 4],
  ['http', FAILED_PRECONDITION, 1],
  ['grpc', UNAVAILABLE, 1],
  ['grpc', FAILED_PRECONDITION, 4],
] as const)(
  'a publish over %s that ends with status %i of gRPC is tried %i times under a policy that matches codes',
  async (wire, code, times) => {
    const { resiliency, clock } = bench({
      retries: {
        r: {
          policy: 'constant',
          durationMs: 10,
          maxIntervalMs: 0,
          maxRetries: 3,
          httpStatusCodes: [[500, 599]],
          grpcStatusCodes: [[FAILED_PRECONDITION, FAILED_PRECONDITION]],
        },
      },
      components: { p: { outbound: { retry: 'r' } } },
    });
    const { send, sendBulk } = createSender(resiliency);
    const message = { topic: 't', data: new Uint8Array() };
    const one = refusing(code);
    const sent = send('p', one.broker, message, { wire }).catch((error: unknown) => error);
    await clock.advance(100);
    expect(await sent).toMatchObject({ message: 'refused' });
    expect(one.tried).toBe(times);
    const many = refusing(code);
    const bulk = sendBulk('p', many.broker, [message], { signal: undefined, wire });
    await clock.advance(100);
    expect([...(await bulk).keys()]).toEqual([0]);
    expect(many.tried).toBe(times);
  },
);
