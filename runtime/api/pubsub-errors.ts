/** Errors of publishing with the details that daprd gives them. */
import { ApiError } from './api-error.ts';

export function topicError(
  name: 'PUBSUB_FORBIDDEN' | 'PUBSUB_PUBLISH',
  { pubsub, topic }: { pubsub: string; topic: string },
  message: string,
  why: string,
  cause?: unknown,
): ApiError {
  return new ApiError(name, message, {
    cause,
    rich: {
      metadata: { topic, error: why },
      resource: { type: 'pubsub', name: pubsub, description: message },
    },
  });
}

/** Refuses ids of entries that the failures could not name. */
export function assertEntryIds(
  { pubsub, topic }: { pubsub: string; topic: string },
  entries: readonly { readonly entryId: string }[],
  appId: string,
): void {
  const seen = new Set(entries.map(({ entryId }) => entryId));
  if (seen.size === entries.length && !seen.has('')) return;
  const why = 'entryId is duplicated or not present for entry';
  const message = `error marshaling events to bytes for topic ${topic} pubsub ${pubsub}. error: ${why}`;
  throw new ApiError('PUBSUB_MARSHAL_EVENTS', message, {
    rich: {
      metadata: { appID: appId, error: why },
      resource: { type: 'pubsub', name: pubsub, description: message },
    },
  });
}

type BulkFailure = 'PUBSUB_UNMARSHAL_EVENTS' | 'PUBSUB_MARSHAL_ENVELOPE';

const BULK_TEXTS: Readonly<Record<BulkFailure, string>> = {
  PUBSUB_UNMARSHAL_EVENTS: 'error when unmarshaling the request for',
  PUBSUB_MARSHAL_ENVELOPE: 'error when marshalling cloud event envelope for',
};

export function bulkError(
  name: BulkFailure,
  { appId }: { readonly appId: string },
  [pubsub, topic]: readonly [string, string],
  why: string,
): ApiError {
  const message = `${BULK_TEXTS[name]} topic ${topic} pubsub ${pubsub}: ${why}`;
  return new ApiError(name, message, {
    rich: {
      metadata: { appID: appId, ...(name === 'PUBSUB_MARSHAL_ENVELOPE' ? { error: why } : {}) },
      resource: { type: 'pubsub', name: pubsub, description: message },
    },
  });
}
