/** Trace context of a call: W3C texts, or gRPC's binary form of the same. */
import type { Call } from './call.ts';
import { binaryOf, firstOf } from './metadata.ts';

const SIZE = 29;

/** `grpc-trace-bin` as a traceparent; undefined when it is none. */
function traceparentOf(bytes: Uint8Array): string | undefined {
  // Version, then fields by number: 0 trace id, 1 span id, 2 options.
  if (bytes.byteLength < SIZE || bytes[0] !== 0) return undefined;
  if (bytes[1] !== 0 || bytes[18] !== 1 || bytes[27] !== 2) return undefined;
  const hex = Buffer.from(bytes).toString('hex');
  return `00-${hex.slice(4, 36)}-${hex.slice(38, 54)}-${hex.slice(56, 58)}`;
}

/** A traceparent as `grpc-trace-bin`; undefined when it is none. */
export function traceBytes(traceparent: string): Buffer | undefined {
  const match = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(traceparent);
  return match ? Buffer.from(`0000${match[1]}01${match[2]}02${match[3]}`, 'hex') : undefined;
}

export interface Trace {
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

export function traceOf({ headers }: Pick<Call, 'headers'>): Trace {
  const binary = binaryOf(headers['grpc-trace-bin']);
  // Metadata given twice comes as one value; the first counts.
  const text = firstOf(headers['traceparent'])?.split(',')[0]!.trim();
  const traceparent = text ?? (binary && traceparentOf(binary));
  const tracestate = firstOf(headers['tracestate']);
  const baggage = firstOf(headers['baggage']);
  return {
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
    ...(baggage === undefined ? {} : { baggage }),
  };
}
