/**
 * Streams that stay: opened again with growing pauses when the connection is
 * lost, until they are closed or the sidecar says that it will not have them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { TroupeError } from '../core/errors.ts';
import type { OutgoingCall } from '../transport/grpc/client-call.ts';
import type { Subscription } from './types.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

export interface StayingOptions {
  readonly open: (signal: AbortSignal) => OutgoingCall;
  /** Says what is wanted, on a stream that was just opened. */
  readonly begin: (call: OutgoingCall) => void;
  /** Gets what comes; true: the sidecar has accepted the stream. */
  readonly receive: (message: Buffer, call: OutgoingCall, signal: AbortSignal) => boolean;
  readonly failureOf: (call: OutgoingCall) => Promise<TroupeError>;
  readonly signal: AbortSignal | undefined;
}

/** Codes that another attempt may not meet; an OK of the sidecar ends a stream as UNAVAILABLE too. */
const PASSING = new Set(['UNAVAILABLE', 'OVERLOADED', 'MOVED', 'INTERNAL', 'CANCELLED']);

/** Resolves when the sidecar has accepted it the first time, and rejects when it does not. */
export async function keepOpen(options: StayingOptions): Promise<Subscription> {
  const { open, begin, receive, failureOf, signal: given } = options;
  const own = new AbortController();
  const signal = given ? AbortSignal.any([given, own.signal]) : own.signal;
  const accepted = Promise.withResolvers<void>();
  let wasAccepted = false;

  async function once(): Promise<TroupeError> {
    const call = open(signal);
    begin(call);
    for await (const message of call.messages()) {
      if (!receive(message, call, signal)) continue;
      wasAccepted = true;
      accepted.resolve();
    }
    return failureOf(call);
  }

  async function run(): Promise<void> {
    let wait = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const before = Date.now();
      const failure = await once();
      if (signal.aborted) break;
      if (!wasAccepted || !PASSING.has(failure.code)) throw failure;
      // A stream that stood for a while was no failed attempt.
      if (Date.now() - before > LONGEST_PAUSE_MS) wait = FIRST_PAUSE_MS;
      await pause(wait, undefined, { signal }).catch(() => {});
      wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
    }
  }

  const ended = run();
  ended.then(
    () => accepted.reject(new TroupeError('CANCELLED', 'the subscription was closed')),
    accepted.reject,
  );
  await accepted.promise;
  // Whoever does not look at `ended` must not be ended by it.
  ended.catch(() => {});
  const close = async (): Promise<void> => {
    own.abort();
    await ended.catch(() => {});
  };
  return { ended, close, [Symbol.asyncDispose]: close };
}
