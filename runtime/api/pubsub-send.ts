/** Hands messages to a broker under the component's outbound policy. */
import type {
  BrokerMessage,
  BulkFailure,
  PublishOptions,
  PubSub,
} from '../../components/pubsub/contract.ts';
import { TroupeError } from '../core/errors.ts';
import type { Resiliency } from '../core/resiliency.ts';

export interface Sender {
  send(name: string, pubsub: PubSub, message: BrokerMessage, given: PublishOptions): Promise<void>;
  /** Publishes what is left until nothing is; resolves to the errors by index. */
  sendBulk(
    name: string,
    pubsub: PubSub,
    messages: readonly BrokerMessage[],
    given: AbortSignal | undefined,
  ): Promise<Map<number, unknown>>;
}

export function createSender(resiliency: Resiliency | undefined): Sender {
  async function send(
    name: string,
    pubsub: PubSub,
    message: BrokerMessage,
    given: PublishOptions,
  ): Promise<void> {
    const policy = resiliency?.outbound(name, 'Pubsub');
    if (!policy) return pubsub.publish(message, given);
    return policy.run(
      ({ signal }) => pubsub.publish(message, { ...given, ...(signal ? { signal } : {}) }),
      { signal: given.signal },
    );
  }

  async function sendBulk(
    name: string,
    pubsub: PubSub,
    messages: readonly BrokerMessage[],
    given: AbortSignal | undefined,
  ): Promise<Map<number, unknown>> {
    let left = messages.map((message, index) => ({ message, index }));
    let errors = new Map<number, unknown>();
    const attempt = async (signal: AbortSignal | undefined): Promise<void> => {
      const failures = await bulkOnce(
        pubsub,
        left.map(({ message }) => message),
        signal,
      );
      errors = new Map(failures.map(({ index, error }) => [left[index]!.index, error]));
      left = left.filter(({ index }) => errors.has(index));
      if (left.length > 0) throw new TroupeError('COMPONENT', `${left.length} entries failed`);
    };
    try {
      const policy = resiliency?.outbound(name, 'Pubsub');
      await (policy
        ? policy.run(({ signal }) => attempt(signal), { signal: given })
        : attempt(given));
    } catch (error) {
      for (const { index } of left) if (!errors.has(index)) errors.set(index, error);
    }
    return errors;
  }

  return { send, sendBulk };
}

/** A broker without bulk publishing gets the messages one by one, all at once. */
async function bulkOnce(
  pubsub: PubSub,
  messages: readonly BrokerMessage[],
  signal: AbortSignal | undefined,
): Promise<readonly BulkFailure[]> {
  const options = signal ? { signal } : {};
  if (pubsub.bulkPublish) return pubsub.bulkPublish(messages, options);
  const outcomes = await Promise.allSettled(
    messages.map(async (message) => pubsub.publish(message, options)),
  );
  return outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [{ index, error: outcome.reason as unknown }] : [],
  );
}
