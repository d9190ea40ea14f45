/**
 * One message at a time: decoded, held against the rules, delivered under the
 * inbound policy, and what cannot be delivered put on the dead letter topic.
 * Resolves when the message is done with, rejects to have it from the broker again.
 */
import type { BrokerMessage } from '../../components/pubsub/contract.ts';
import { TroupeError } from '../core/errors.ts';
import type { EngineLogger } from '../core/ports.ts';
import type { Policy } from '../core/resiliency-runner.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { traced, type SpanOptions, type Tracer } from '../core/tracing.ts';
import { countAndTime, INGRESS, timed } from './block-telemetry.ts';
import { hasExpired, type Received } from './cloudevents.ts';
import { decodeMessage } from './cloudevents-decode.ts';
import type { PubSubApi } from './pubsub.ts';
import type { FindRoute } from './subscriptions-routes.ts';
import type { Deliver, DeliveryResult } from './subscriptions.ts';

export interface DeliveryParts {
  readonly pubsub: string;
  /** As the app knows it. */
  readonly topic: string;
  readonly raw: boolean;
  readonly deadLetterTopic: string | undefined;
  readonly findRoute: FindRoute;
  readonly policy: () => Policy | undefined;
  readonly api: PubSubApi;
  readonly now: () => number;
  readonly logger: EngineLogger;
  readonly telemetry?: Telemetry | undefined;
  readonly tracer?: Tracer | undefined;
  readonly namespace: string;
}

/** A message on its way to the app. */
export interface Routed {
  readonly message: BrokerMessage;
  readonly received: Received;
  readonly path: string;
}

/** A delivery that failed, with the status that the app gave, if it gave one. */
export class DeliveryFailure extends TroupeError {
  readonly status: number | undefined;

  constructor({ why, code }: DeliveryResult, topic: string) {
    super('UNAVAILABLE', why ?? `the subscriber of topic "${topic}" asked for a retry`);
    this.status = code;
  }
}

export const statusOf = (error: unknown): number | undefined =>
  error instanceof DeliveryFailure ? error.status : undefined;

/** Puts the message on the dead letter topic; false when there is none or that failed. */
export async function toDeadLetter(parts: DeliveryParts, message: BrokerMessage): Promise<boolean> {
  const { api, pubsub, topic, deadLetterTopic, logger } = parts;
  if (!deadLetterTopic) return false;
  try {
    await api.forward(pubsub, deadLetterTopic, message);
    return true;
  } catch (error) {
    const fields = { pubsub, topic, deadLetterTopic, error: textOf(error) };
    logger.error(fields, 'event could not be put on the dead letter topic');
    return false;
  }
}

/**
 * Decodes and routes; undefined when the message is done with without a
 * delivery: expired, or taken by no rule. Rejects when it is not readable or a
 * rule failed, and there is no dead letter topic for it.
 */
export async function route(
  parts: DeliveryParts,
  message: BrokerMessage,
): Promise<Routed | undefined> {
  const { pubsub, topic, raw, findRoute, now, logger } = parts;
  const where = { pubsub, topic };
  try {
    const received = decodeMessage(message, { pubsub, topic, raw });
    if (hasExpired(received.event, now())) {
      logger.warn({ ...where, id: received.event.id }, 'expired event dropped');
      await toDeadLetter(parts, message);
      return undefined;
    }
    const path = findRoute(received.event);
    if (path !== undefined) return { message, received, path };
    logger.debug({ ...where, id: received.event.id }, 'event dropped: no rule takes it');
    await toDeadLetter(parts, message);
    return undefined;
  } catch (error) {
    logger.error({ ...where, error: textOf(error) }, 'event cannot be read or routed');
    if (await toDeadLetter(parts, message)) return undefined;
    throw error;
  }
}

export async function deliverOne(
  parts: DeliveryParts,
  message: BrokerMessage,
  deliver: Deliver,
  closing: AbortSignal,
  isClosing: () => boolean,
): Promise<void> {
  const routed = await route(parts, message);
  if (!routed) return;
  const { received, path } = routed;
  const { tracer } = parts;
  const attempt = async (signal: AbortSignal): Promise<void> => {
    const result = await tellOutcome(parts, async () => {
      const given = { ...received, path, topic: parts.topic, message, signal };
      const answer = await (tracer
        ? traced(tracer, `pubsub/${parts.topic}`, spanOf(received), (traceparent) =>
            deliver({ ...given, traceparent }),
          )
        : deliver(given));
      return typeof answer === 'string' ? { status: answer } : answer;
    });
    switch (result.status) {
      case 'SUCCESS':
        return;
      case 'DROP':
        parts.logger.warn({ pubsub: parts.pubsub, topic: parts.topic }, 'event dropped');
        if (parts.deadLetterTopic && !(await toDeadLetter(parts, message)))
          throw new DeliveryFailure(result, parts.topic);
        return;
      case 'RETRY':
        throw new DeliveryFailure(result, parts.topic);
    }
    result.status satisfies never;
  };
  const policy = parts.policy();
  try {
    await (policy
      ? policy.run(({ signal = closing }) => attempt(signal), {
          signal: closing,
          codeOf: statusOf,
        })
      : attempt(closing));
  } catch (error) {
    if (!isClosing() && (await toDeadLetter(parts, message))) return;
    if (isClosing() || !policy?.repeats) throw error;
    const text = `${textOf(error)}; the inbound retries of "${parts.pubsub}" are used up`;
    throw new TroupeError('UNAVAILABLE', text, { cause: error, retryable: false });
  }
}

/** What throws counts as a retry. Of a dropped event Dapr says that the app answered well. */
async function tellOutcome(
  { telemetry, namespace, pubsub, topic }: DeliveryParts,
  deliver: () => Promise<DeliveryResult>,
): Promise<DeliveryResult> {
  if (!telemetry) return deliver();
  return timed(deliver, (_success, elapsedMs, result) => {
    const status = result?.status ?? 'RETRY';
    const labels = {
      component: pubsub,
      namespace,
      process_status: status.toLowerCase(),
      // An app that drops an event has answered well; one without the route has not.
      status: status === 'DROP' && !isMissing(result) ? 'success' : status.toLowerCase(),
      topic,
    };
    countAndTime(telemetry, INGRESS, labels, elapsedMs);
  });
}

/** HTTP's 404, gRPC's UNIMPLEMENTED. */
const isMissing = (result: DeliveryResult | undefined): boolean =>
  result?.code === 404 || result?.code === 12;

function spanOf({ event: { traceparent, topic } }: Received): SpanOptions {
  return {
    kind: 'client',
    parent: traceparent === undefined ? undefined : { traceparent },
    attributes: { 'messaging.system': 'pubsub', 'messaging.destination': topic },
  };
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
