/** Measures of the building blocks: events, bindings, jobs and calls between apps, with Dapr's labels. */
import { isTroupeError } from '../core/errors.ts';
import type { FamilyName, Labels, Telemetry } from '../core/telemetry.ts';
import { headerOf } from './route.ts';
import type { InvokeApi, Peers } from './invoke.ts';

/** Runs the work and tells how it went. */
export async function timed<T>(
  work: () => Promise<T>,
  done: (success: boolean, elapsedMs: number, result: T | undefined) => void,
): Promise<T> {
  const startedAt = performance.now();
  let result: T;
  try {
    result = await work();
  } catch (error) {
    done(false, performance.now() - startedAt, undefined);
    throw error;
  }
  done(true, performance.now() - startedAt, result);
  return result;
}

/** One more of a family that is counted and timed alike. */
export function countAndTime(
  telemetry: Telemetry,
  [count, latencies]: readonly [FamilyName, FamilyName],
  labels: Labels,
  elapsedMs: number,
): void {
  telemetry.count(count, labels);
  telemetry.observe(latencies, labels, elapsedMs);
}

export const EGRESS = [
  'component_pubsub_egress_count',
  'component_pubsub_egress_latencies',
] as const;
export const EGRESS_BULK = [
  'component_pubsub_egress_bulk_count',
  'component_pubsub_egress_bulk_latencies',
] as const;
export const INGRESS = [
  'component_pubsub_ingress_count',
  'component_pubsub_ingress_latencies',
] as const;
export const INGRESS_BULK = [
  'component_pubsub_ingress_bulk_count',
  'component_pubsub_ingress_bulk_latencies',
] as const;
export const INPUT_BINDING = [
  'component_input_binding_count',
  'component_input_binding_latencies',
] as const;

export function measuredPeers(peers: Peers, telemetry: Telemetry): Peers {
  return {
    ...peers,
    invoke: (callee, request) => {
      const { appId } = callee;
      telemetry.count('runtime_service_invocation_req_sent_total', {
        dst_app_id: appId,
        type: 'unary',
      });
      return timed(
        () => peers.invoke(callee, request),
        (_success, elapsedMs, answer) => {
          if (!answer) return;
          const labels = { src_app_id: appId, status: String(answer.status) };
          telemetry.count('runtime_service_invocation_res_recv_total', {
            ...labels,
            type: 'unary',
          });
          telemetry.observe('runtime_service_invocation_res_recv_latency_ms', labels, elapsedMs);
        },
      );
    },
  };
}

/** What other sidecars ask of this app. */
export function measuredDeliver(
  deliver: InvokeApi['deliver'],
  telemetry: Telemetry,
): InvokeApi['deliver'] {
  return async (request) => {
    const caller = headerOf(request.headers, 'dapr-caller-app-id');
    telemetry.count('runtime_service_invocation_req_recv_total', { src_app_id: caller });
    const sent = (status: number): void =>
      telemetry.count('runtime_service_invocation_res_sent_total', {
        dst_app_id: caller,
        status: String(status),
      });
    try {
      const answer = await deliver(request);
      sent(answer.status);
      return answer;
    } catch (error) {
      sent(isTroupeError(error) && error.code === 'FORBIDDEN' ? 403 : 500);
      throw error;
    }
  };
}
