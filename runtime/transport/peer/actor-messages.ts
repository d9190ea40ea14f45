/** Actor calls and firings as `dapr.proto.internals.v1` carries them between sidecars. */
import type { HeaderValues } from '../../api/route.ts';
import type { ActorAddress } from '../../core/errors.ts';
import { bytesOfAny, bytesValue, type AnyBytes } from '../grpc/any.ts';
import { metadataMessage, type ValuesMessage } from './messages.ts';

/** Said by a sidecar that does not have the actor any more; the caller looks it up again. */
export const MOVED = 'remote actor moved';
export const CALL_MOVED = `error invoke actor method: ${MOVED}`;
/** Said while a sidecar does not know who has the actor. */
export const DISSEMINATING = ': placement is disseminating';
/** Said when the app wants no more firings. */
export const REMINDER_CANCELED = 'reminder has been canceled';

export interface ReminderMessage {
  readonly actorType: string;
  readonly actorId: string;
  readonly name: string;
  readonly data?: AnyBytes | null;
  readonly period: string;
  readonly dueTime: string;
  readonly isTimer: boolean;
}

/** Meant for the sidecar that took the request, and for no other. */
const OWN = new Set(['dapr-api-token', 'host']);

/** A header's name as Go has it in its maps, where daprd looks it up by its exact text. */
const canonical = (name: string): string =>
  name.toLowerCase().replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());

export function actorMetadata(headers: HeaderValues): Record<string, ValuesMessage> {
  const named = Object.entries(metadataMessage(headers)).filter(
    ([name]) => !OWN.has(name.toLowerCase()),
  );
  return Object.fromEntries(named.map(([name, values]) => [canonical(name), values]));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The JSON value that a firing brings; bytes that are none come as the base64 of them. */
export function firingData(any: AnyBytes | null | undefined): unknown {
  if (!any) return undefined;
  const bytes = bytesOfAny(any);
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(decoder.decode(bytes)) as unknown;
  } catch {
    return Buffer.from(bytes).toString('base64');
  }
}

export function reminderMessage(
  { type, id }: ActorAddress,
  { name, data }: { readonly name: string; readonly data: unknown },
): Partial<ReminderMessage> {
  return {
    actorType: type,
    actorId: id,
    name,
    ...(data === undefined ? {} : { data: bytesValue(encoder.encode(JSON.stringify(data))) }),
  };
}
