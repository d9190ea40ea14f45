/**
 * The way to the app: a channel by the app's protocol, and the two rules that
 * hold for every call to it, whoever makes it: no more at once than the app
 * takes, and none while it is unwell.
 */
import type { AppChannel, AppRequest, AppResponse } from '../api/invoke.ts';
import { drain } from '../core/bytes.ts';
import { TroupeError } from '../core/errors.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { createAppGrpc } from '../targets/app-grpc.ts';
import { createAppHttp } from '../targets/app-http.ts';
import type { GrpcApp } from './grpc-parts.ts';
import type { SidecarAppOptions } from './sidecar-options.ts';

/** A channel that the host owns and closes. */
export interface OpenAppChannel extends AppChannel {
  /** Raw calls to an app over gRPC. */
  readonly grpc?: GrpcApp | undefined;
  /** Why the app is not well, past all limits; undefined when it is. */
  probe(signal: AbortSignal): Promise<string | undefined>;
  close(): Promise<void>;
}

export function openAppChannel(
  options: SidecarAppOptions,
  isHealthy: () => boolean,
  maxMessageBytes?: number,
  telemetry?: Telemetry,
): OpenAppChannel {
  const { host, port, protocol, token, health } = options;
  const gate = createGate(options.maxConcurrency, isHealthy);
  if (protocol === 'grpc' || protocol === 'grpcs') {
    const app = createAppGrpc({
      host,
      port,
      protocol,
      token,
      maxMessageBytes,
      telemetry,
      async gate(signal, work) {
        const leave = await gate(signal);
        try {
          return await work();
        } finally {
          leave?.();
        }
      },
    });
    return { ...app, grpc: app };
  }
  const app = createAppHttp({ host, port, protocol, token });
  const path = `/${(health?.path ?? '/healthz').replace(/^\/+/, '')}`;
  return {
    ...limited(telemetry ? measuredChannel(app, telemetry) : app, gate),
    async probe(signal) {
      let status = 500;
      const startedAt = performance.now();
      try {
        const answer = await app.invoke({ method: 'GET', path, signal });
        ({ status } = answer);
        await drain(answer);
      } catch (error) {
        return `Network error: ${error instanceof Error ? error.message : String(error)}`;
      } finally {
        const labels = { status: String(status) };
        const elapsed = performance.now() - startedAt;
        telemetry?.count('http_healthprobes_completed_count', labels);
        telemetry?.observe('http_healthprobes_roundtrip_latency', labels, elapsed);
      }
      return status >= 200 && status < 300
        ? undefined
        : `Health check failed with status code: ${status}`;
    },
    close: () => app.close(),
  };
}

/** Counts requests to the app; one without an answer counts as 500, as in Dapr. */
function measuredChannel(channel: AppChannel, telemetry: Telemetry): AppChannel {
  return {
    ...channel,
    async invoke(request) {
      const { method, path, body } = request;
      const startedAt = performance.now();
      const size = body instanceof Uint8Array ? body.byteLength : 0;
      telemetry.observe('http_client_sent_bytes', { method, path }, size);
      let status = 500;
      try {
        const answer = await channel.invoke(request);
        ({ status } = answer);
        return answer;
      } finally {
        const labels = { method, path, status: String(status) };
        telemetry.count('http_client_completed_count', labels);
        telemetry.observe('http_client_roundtrip_latency', labels, performance.now() - startedAt);
      }
    },
  };
}

/**
 * Waits for a slot and resolves to what gives it back, undefined where slots have
 * no end. Errors: UNAVAILABLE while the app is unwell, CANCELLED.
 */
type Gate = (signal: AbortSignal | undefined) => Promise<(() => void) | undefined>;

function createGate(maxConcurrency: number, isHealthy: () => boolean): Gate {
  let free = maxConcurrency;
  const waiting: (() => void)[] = [];

  function leave(): void {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }

  return async (signal) => {
    if (!isHealthy()) {
      throw new TroupeError('UNAVAILABLE', 'app is not in a healthy state');
    }
    if (maxConcurrency <= 0) return undefined;
    if (free > 0) {
      free--;
      return leave;
    }
    await new Promise<void>((resolve, reject) => {
      const granted = (): void => {
        signal?.removeEventListener('abort', gaveUp);
        resolve();
      };
      const gaveUp = (): void => {
        waiting.splice(waiting.indexOf(granted), 1);
        reject(new TroupeError('CANCELLED', 'the caller went away'));
      };
      waiting.push(granted);
      signal?.addEventListener('abort', gaveUp, { once: true });
    });
    return leave;
  };
}

/** A slot is held until the response body is read to its end or given up. */
function limited(channel: AppChannel, gate: Gate): AppChannel {
  async function* until<T>(body: AsyncIterable<T>, done: () => void): AsyncGenerator<T> {
    try {
      yield* body;
    } finally {
      done();
    }
  }

  async function invoke(request: AppRequest): Promise<AppResponse> {
    const leave = await gate(request.signal);
    if (!leave) return channel.invoke(request);
    try {
      const answer = await channel.invoke(request);
      const whole = (): Uint8Array | undefined => {
        const bytes = answer.whole?.();
        if (bytes) leave();
        return bytes;
      };
      return { ...answer, body: until(answer.body, leave), whole };
    } catch (error) {
      leave();
      throw error;
    }
  }
  return { ...channel, invoke };
}
