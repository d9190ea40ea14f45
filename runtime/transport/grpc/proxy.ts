/**
 * The gRPC proxy: calls of services that this server does not know, passed on
 * as they are to the app that their metadata names. All four call types are
 * one here: messages both ways until either side ends.
 */
import type { IncomingHttpHeaders } from 'node:http2';
import type { Policy } from '../../core/resiliency-runner.ts';
import type { StreamCall } from './call.ts';
import type { OutgoingCall } from './client-call.ts';
import type { GrpcClient } from './client.ts';
import { onward } from './crossing.ts';
import { firstOf, metadataOf, type Metadata } from './metadata.ts';
import type { Handler } from './server.ts';
import { createReplay, type Replay } from './replay.ts';
import { CODES, GrpcError, type Status } from './status.ts';

/** Where calls for an app go. */
export interface ProxyTarget {
  readonly client: Pick<GrpcClient, 'call'>;
  /** Added to the caller's metadata, whose own values of these names are dropped. */
  readonly metadata?: Metadata | undefined;
  /**
   * Timeout, retries and circuit breaker of the callee. A call is begun again as
   * long as nothing of an answer went back to its caller, and not at all with
   * metadata `dapr-stream`. Default: none.
   */
  readonly policy?: Policy | undefined;
  /** The call runs inside. Default: at once. */
  readonly gate?: (<T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>) | undefined;
  /** Hears that the call is over; a second time counts for nothing. */
  readonly release?: (() => void) | undefined;
}

export interface ProxyOptions {
  readonly now: () => number;
  /** Asked for each way of a call. Errors: GrpcError or TroupeError for an app that cannot be reached. */
  readonly target: (appId: string, call: StreamCall) => ProxyTarget | Promise<ProxyTarget>;
}

async function upstream(messages: AsyncIterable<Buffer>, out: OutgoingCall): Promise<void> {
  try {
    for await (const message of messages) await out.write(message);
    out.end();
  } catch {
    out.cancel();
  }
}

/** One way of a call to the app and back; `answered` is told of the first message of an answer. */
async function pass(
  call: StreamCall,
  messages: AsyncIterable<Buffer>,
  target: ProxyTarget,
  now: () => number,
  { signal, answered }: { readonly signal: AbortSignal; readonly answered?: () => void },
): Promise<Status> {
  const { deadline } = call;
  const out = target.client.call(call.path, {
    metadata: { ...onward(metadataOf(call.headers)), ...target.metadata },
    signal,
    ...(deadline === undefined ? {} : { timeoutMs: Math.max(1, deadline - now()) }),
  });
  // Ends with the call: its stream is destroyed then, on either side.
  void upstream(messages, out);
  const headers = await out.headers;
  if (headers) {
    let isFirst = true;
    const begin = (): void => {
      if (!isFirst) return;
      isFirst = false;
      answered?.();
      call.addHeaders(headers);
      call.sendHeaders();
    };
    // Without a policy the head goes back before the first message.
    if (!answered) begin();
    for await (const message of out.messages()) {
      begin();
      await call.write(message);
    }
  }
  const { status, trailers } = await out.ended;
  if (answered && status.code !== CODES.OK) {
    const { code, message, details } = status;
    throw new GrpcError(code, message, { detailBytes: details, trailers });
  }
  call.addTrailers(trailers);
  return status;
}

/** The call under the policy of its callee. */
async function passUnder(
  policy: Policy,
  call: StreamCall,
  find: () => Promise<ProxyTarget>,
  now: () => number,
): Promise<Status> {
  const replay: Replay = createReplay(call.messages());
  let isAnswered = false;
  const answered = (): void => {
    isAnswered = true;
    replay.keepNoMore();
  };
  try {
    return await policy.run(
      async ({ signal = call.signal }) => {
        const target = await find();
        try {
          return await pass(call, replay.messages(), target, now, { signal, answered });
        } finally {
          target.release?.();
        }
      },
      {
        signal: call.signal,
        codeOf: (error) => (error instanceof GrpcError ? error.status.code : undefined),
        isFinal: () => isAnswered || !replay.isWhole,
      },
    );
  } catch (error) {
    if (!(error instanceof GrpcError)) throw error;
    call.addTrailers(error.trailers ?? {});
    return error.status;
  }
}

/** The app that a call is for; undefined when its metadata names none. */
function calleeOf(headers: IncomingHttpHeaders): string | undefined {
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
      const first = await options.target(callee, call);
      const { policy, gate, release } = first;
      let next: ProxyTarget | undefined = first;
      // A call that is begun again may be for another host by then.
      const find = async (): Promise<ProxyTarget> => {
        const target = next ?? (await options.target(callee, call));
        next = undefined;
        return target;
      };
      const isPlain = !policy?.active || call.headers['dapr-stream'] !== undefined;
      const work = (): Promise<Status> =>
        isPlain
          ? pass(call, call.messages(), first, options.now, { signal: call.signal })
          : passUnder(policy, call, find, options.now);
      try {
        return await (gate ? gate(call.signal, work) : work());
      } finally {
        release?.();
      }
    },
  };
  return () => handler;
}
