/**
 * Counts the errors that callers are told, by Dapr's code and its category.
 *
 * Source: Dapr's list of error codes.
 */
import { toWireError } from '../core/errors.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { rowOf } from './api-error.ts';
import type { ApiErrorName } from './error-map.ts';

/** The first that fits counts. */
const CATEGORIES: readonly (readonly [RegExp, string])[] = [
  [/^ERR_ACTOR_/, 'actor'],
  [/WORKFLOW|INSTANCE_ID/, 'workflow'],
  [/STATE/, 'state'],
  [/CONFIGURATION/, 'configuration'],
  [/CRYPTO/, 'crypto'],
  [/SECRET|^ERR_PERMISSION_DENIED$/, 'secret'],
  [/PUBSUB|TOPIC|PUBLISH/, 'pubsub'],
  [/CONVERSATION/, 'conversation'],
  [/DIRECT_INVOKE/, 'service-invocation'],
  [/BINDING/, 'binding'],
  [/LOCK/, 'lock'],
  [/^DAPR_SCHEDULER_/, 'job'],
  [/HEALTH/, 'health'],
];

/** What an error of this code is about. */
export function categoryOf(errorCode: string): string {
  return CATEGORIES.find(([pattern]) => pattern.test(errorCode))?.[1] ?? 'common';
}

/** Application errors are not counted: their codes are not Dapr's. `failure` stands in for what has no row of its own. */
export function countError(telemetry: Telemetry, error: unknown, failure?: ApiErrorName): void {
  if (toWireError(error, 'the request').application) return;
  const { errorCode } = rowOf(error, failure);
  telemetry.count('error_code_total', { category: categoryOf(errorCode), error_code: errorCode });
}
