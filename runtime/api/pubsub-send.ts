/** Hands messages to a broker under the component's outbound policy. */
import type {
  BrokerMessage,
  BulkFailure,
  PublishOptions,
  PubSub,
} from '../../components/pubsub/contract.ts';
import { TroupeError } from '../core/errors.ts';
import type { Resiliency } from '../core/resiliency.ts';
import { grpcCodeOf, httpOfCode } from './grpc-codes.ts';

/** Whose status codes a policy is matched by: those of the API that the publish came through. */
export type PublishWire = 'http' | 'grpc';

export interface SendOptions extends PublishOptions {
  readonly wire: PublishWire;
}

export interface Sender {
  send(name: string, pubsub: PubSub, message: BrokerMessage, given: SendOptions): Promise<void>;
  /** Publishes what is left until nothing is; resolves to the errors by index. */
  sendBulk(
    name: string,
    pubsub: PubSub,
    messages: readonly BrokerMessage[],
    given: { readonly signal: AbortSignal | undefined; readonly wire: PublishWire },
  ): Promise<Map<number, unknown>>;
}

const codeOn =
  (wire: PublishWire) =>
  (error: unknown): number | undefined => {
    const code = grpcCodeOf(error);
    return code === undefined || wire === 'grpc' ? code : httpOfCode(code);
  };

export function createSender(resiliency: Resiliency | undefined): Sender {
  async function send(
    name: string,
    pubsub: PubSub,
    message: BrokerMessage,
    { wire, ...given }: SendOptions,
  ): Promise<void> {
    const policy = resiliency?.outbound(name, 'Pubsub');
    if (!policy) return pubsub.publish(message, given);
    return policy.run(
      ({ signal }) => pubsub.publish(message, { ...given, ...(signal ? { signal } : {}) }),
      { signal: given.signal, codeOf: codeOn(wire) },
    );
  }

  async function sendBulk(
    name: string,
    pubsub: PubSub,
    messages: readonly BrokerMessage[],
    { signal: given, wire }: Parameters<Sender['sendBulk']>[3],
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
        ? policy.run(({ signal }) => attempt(signal), { signal: given, codeOf: codeOn(wire) })
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
