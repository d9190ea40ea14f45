/** An invocation under the policy of its target: a body that can be sent again is kept for that. */
import { bytesOf, drain } from '../core/bytes.ts';
import { isTroupeError, type TroupeError } from '../core/errors.ts';
import type { Resiliency } from '../core/resiliency.ts';
import { isBreakerError } from '../core/resiliency-breaker.ts';
import type { AppResponse, InvokeRequest } from './invoke.ts';

/** Runs `call` as often as the policy says; a status below 200 or above 399 is a failure. */
export async function underPolicy(
  resiliency: Resiliency | undefined,
  request: InvokeRequest,
  path: string,
  call: (request: InvokeRequest) => Promise<AppResponse>,
): Promise<AppResponse> {
  const { target, body, headers } = request;
  const policy = resiliency?.app(target, `${target}:${path}`);
  if (!policy?.active) return call(request);
  const isWhole = body === undefined || headers['content-length'] !== undefined;
  const kept = body && isWhole && policy.repeats ? await bytesOf(body) : undefined;
  return policy.run(
    ({ signal = request.signal }) => call({ ...request, signal, body: kept ?? body }),
    {
      signal: request.signal,
      once: !isWhole,
      failureOf,
      isFinal: (error) => isTroupeError(error) && error.code === 'FORBIDDEN',
      discard,
    },
  );
}

/** An app over gRPC is held to its own code. */
function failureOf({ status, grpc }: AppResponse): number | undefined {
  if (grpc) return grpc.status.code === 0 ? undefined : grpc.status.code;
  return status < 200 || status > 399 ? status : undefined;
}

/** Reads an answer that nobody gets to its end, so that its connection is free again. */
export function discard(answer: AppResponse): void {
  void drain(answer).catch(() => {});
}

/** True for what the policy itself says: its time was up, or its circuit breaker is open. */
export function isPolicyError(error: TroupeError): boolean {
  return isBreakerError(error) || (error.code === 'TIMEOUT' && error.message.startsWith(DEADLINE));
}

const DEADLINE = 'context deadline exceeded';

/** Dapr's words for it. */
export const policyWords = (error: TroupeError): string =>
  isBreakerError(error) ? error.message : DEADLINE;
