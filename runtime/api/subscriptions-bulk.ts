/**
 * Several messages at a time, for a subscription that asked for it: gathered
 * until there are enough or the first has waited long enough, delivered by
 * path, and each message answered for itself.
 */
import { randomUUID } from 'node:crypto';
import type { BrokerMessage } from '../../components/pubsub/contract.ts';
import { countAndTime, INGRESS_BULK } from './block-telemetry.ts';
import {
  DeliveryFailure,
  route,
  statusOf,
  textOf,
  toDeadLetter,
  type DeliveryParts,
  type Routed,
} from './subscriptions-deliver.ts';
import type { BulkDelivery, DeliverBulk, DeliveryStatus, Timer } from './subscriptions.ts';

/** Messages that a batch has at most, unless the subscription says otherwise. */
export const MAX_MESSAGES = 100;
const MAX_AWAIT_MS = 1000;

export interface BulkOptions {
  /** Default 100. */
  readonly maxMessagesCount?: number | undefined;
  /** Default 1000. */
  readonly maxAwaitDurationMs?: number | undefined;
}

interface Waiting {
  readonly entryId: string;
  readonly message: BrokerMessage;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers messages; one batch is delivered at a time. */
export function createBatcher(
  options: BulkOptions,
  timer: Timer,
  deliver: (batch: readonly Waiting[]) => Promise<void>,
): { add(message: BrokerMessage): Promise<void> } {
  const most = options.maxMessagesCount || MAX_MESSAGES;
  const longest = options.maxAwaitDurationMs || MAX_AWAIT_MS;
  let gathered: Waiting[] = [];
  let wake: { cancel(): void } | undefined;
  let last: Promise<void> = Promise.resolve();

  function flush(): void {
    wake?.cancel();
    wake = undefined;
    const batch = gathered;
    gathered = [];
    last = last.then(() => deliver(batch));
  }

  return {
    add: (message) =>
      new Promise((resolve, reject) => {
        gathered.push({ entryId: randomUUID(), message, resolve, reject });
        if (gathered.length >= most) flush();
        else wake ??= timer(longest, flush);
      }),
  };
}

interface Entry extends Routed {
  readonly waiting: Waiting;
}

/** Delivers one batch; every message of it is resolved or rejected, and the promise never rejects. */
export async function deliverBatch(
  parts: DeliveryParts,
  batch: readonly Waiting[],
  deliver: DeliverBulk,
  closing: AbortSignal,
  isClosing: () => boolean,
): Promise<void> {
  const byPath = new Map<string, Entry[]>();
  for (const waiting of batch) {
    try {
      const routed = await route(parts, waiting.message);
      if (!routed) waiting.resolve();
      else {
        const group = byPath.get(routed.path) ?? [];
        byPath.set(routed.path, [...group, { ...routed, waiting }]);
      }
    } catch (error) {
      waiting.reject(error);
    }
  }
  for (const [path, entries] of byPath) {
    await deliverGroup(parts, path, entries, deliver, closing, isClosing);
  }
}

async function deliverGroup(
  parts: DeliveryParts,
  path: string,
  entries: readonly Entry[],
  deliver: DeliverBulk,
  closing: AbortSignal,
  isClosing: () => boolean,
): Promise<void> {
  const left = new Map(entries.map((entry) => [entry.waiting.entryId, entry]));

  const attempt = async (signal: AbortSignal): Promise<void> => {
    const startedAt = performance.now();
    const { statuses, code, why } = await deliver(
      envelope(parts, path, [...left.values()], signal),
    );
    tellBatch(parts, [...left.keys()], statuses, performance.now() - startedAt);
    for (const [id, entry] of left) {
      const status: DeliveryStatus = statuses.get(id) ?? 'RETRY';
      if (status === 'RETRY') continue;
      if (status === 'DROP') await toDeadLetter(parts, entry.message);
      left.delete(id);
      entry.waiting.resolve();
    }
    if (left.size > 0) throw new DeliveryFailure({ status: 'RETRY', code, why }, parts.topic);
  };

  try {
    const policy = parts.policy();
    await (policy
      ? policy.run(({ signal = closing }) => attempt(signal), {
          signal: closing,
          codeOf: statusOf,
        })
      : attempt(closing));
  } catch (error) {
    const { pubsub, topic } = parts;
    const fields = { pubsub, topic, count: left.size, error: textOf(error) };
    parts.logger.warn(fields, 'events of a batch were not taken');
    for (const { message, waiting } of left.values()) {
      if (!isClosing() && (await toDeadLetter(parts, message))) waiting.resolve();
      else waiting.reject(error);
    }
  }
}

function envelope(
  { pubsub, topic, raw }: DeliveryParts,
  path: string,
  entries: readonly Entry[],
  signal: AbortSignal,
): BulkDelivery {
  return {
    id: randomUUID(),
    pubsub,
    topic,
    path,
    metadata: { pubsubName: pubsub },
    signal,
    entries: entries.map(({ received, message, waiting }) => ({
      entryId: waiting.entryId,
      ...received,
      raw,
      message,
      contentType:
        message.contentType ?? (raw ? 'application/octet-stream' : 'application/cloudevents+json'),
      metadata: message.metadata ?? {},
    })),
  };
}

/** The batch as a whole, and how many events of each outcome it had. */
function tellBatch(
  { telemetry, namespace, pubsub, topic }: DeliveryParts,
  ids: readonly string[],
  statuses: ReadonlyMap<string, DeliveryStatus>,
  elapsedMs: number,
): void {
  if (!telemetry) return;
  const labels = { component: pubsub, namespace, topic };
  countAndTime(telemetry, INGRESS_BULK, labels, elapsedMs);
  for (const id of ids) {
    const process_status = (statuses.get(id) ?? 'RETRY').toLowerCase();
    telemetry.count('component_pubsub_ingress_bulk_event_count', { ...labels, process_status });
  }
}
