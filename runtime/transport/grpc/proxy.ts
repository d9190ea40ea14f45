/**
 * The gRPC proxy: calls of services that this server does not know, passed on
 * as they are to the app that their metadata names. All four call types are
 * one here: messages both ways until either side ends.
 */
import type { IncomingHttpHeaders } from 'node:http2';
import type { StreamCall } from './call.ts';
import type { OutgoingCall } from './client-call.ts';
import type { GrpcClient } from './client.ts';
import { onward } from './crossing.ts';
import { firstOf, metadataOf, type Metadata } from './metadata.ts';
import type { Handler } from './server.ts';
import { CODES, GrpcError, type Status } from './status.ts';

/** Where calls for an app go. */
export interface ProxyTarget {
  readonly client: Pick<GrpcClient, 'call'>;
  /** Added to the caller's metadata, whose own values of these names are dropped. */
  readonly metadata?: Metadata | undefined;
  /** The call runs inside. Default: at once. */
  readonly gate?: (<T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>) | undefined;
}

export interface ProxyOptions {
  readonly now: () => number;
  /** Errors: GrpcError or TroupeError for an app that cannot be reached. */
  readonly target: (appId: string, call: StreamCall) => ProxyTarget | Promise<ProxyTarget>;
}

async function upstream(call: StreamCall, out: OutgoingCall): Promise<void> {
  try {
    for await (const message of call.messages()) await out.write(message);
    out.end();
  } catch {
    out.cancel();
  }
}

async function pass(call: StreamCall, target: ProxyTarget, now: () => number): Promise<Status> {
  const { deadline } = call;
  const out = target.client.call(call.path, {
    metadata: { ...onward(metadataOf(call.headers)), ...target.metadata },
    signal: call.signal,
    ...(deadline === undefined ? {} : { timeoutMs: Math.max(1, deadline - now()) }),
  });
  // Ends with the call: its stream is destroyed then, on either side.
  void upstream(call, out);
  const headers = await out.headers;
  if (headers) {
    call.addHeaders(headers);
    call.sendHeaders();
    for await (const message of out.messages()) await call.write(message);
  }
  const { status, trailers } = await out.ended;
  call.addTrailers(trailers);
  return status;
}

/** The app that a call is for; undefined when its metadata names none. */
export function calleeOf(headers: IncomingHttpHeaders): string | undefined {
  return firstOf(headers['dapr-callee-app-id']) ?? firstOf(headers['dapr-app-id']);
}

/** Takes every call that the server has no handler for. */
export function createProxy(
  options: ProxyOptions,
): (path: string, headers: IncomingHttpHeaders) => Handler {
  const handler: Handler = {
    kind: 'stream',
    failure: 'DIRECT_INVOKE',
    async handle(call) {
      const callee = calleeOf(call.headers);
      if (callee === undefined) {
        throw new GrpcError(
          CODES.UNKNOWN,
          'failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found',
        );
      }
      const target = await options.target(callee, call);
      const work = (): Promise<Status> => pass(call, target, options.now);
      return target.gate ? target.gate(call.signal, work) : work();
    },
  };
  return () => handler;
}
