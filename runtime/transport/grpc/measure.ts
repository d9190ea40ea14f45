/** Measures gRPC calls served and made: their number and latency, by method and status. */
import { countError } from '../../api/error-telemetry.ts';
import type { ApiErrorName } from '../../api/error-map.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import type { ServerCall } from './call.ts';
import { CODES, GrpcError } from './status.ts';

const HEALTH = '/dapr.proto.runtime.v1.AppCallbackHealthCheck/HealthCheck';

/** Names of the codes as metrics have them: `NotFound`. */
const NAMES = new Map(
  Object.entries(CODES).map(([name, code]) => [
    code as number,
    name === 'OK'
      ? name
      : name === 'CANCELLED'
        ? 'Canceled'
        : name
            .toLowerCase()
            .replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  ]),
);

const nameOf = (code: number): string => NAMES.get(code) ?? `Code(${code})`;

/** A call on its way in. */
export function measureCall(telemetry: Telemetry, call: ServerCall): void {
  const startedAt = performance.now();
  call.whenEnded((code) => {
    const labels = { grpc_server_method: call.path, grpc_server_status: nameOf(code) };
    telemetry.count('grpc_io_server_completed_rpcs', labels);
    telemetry.observe('grpc_io_server_server_latency', labels, performance.now() - startedAt);
  });
}

/** A call on its way out; health probes of the app have families of their own. */
export async function measured<T>(
  telemetry: Telemetry,
  path: string,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const done = (code: number): void => {
    const elapsed = performance.now() - startedAt;
    const grpc_client_status = nameOf(code);
    if (path === HEALTH) {
      telemetry.count('grpc_io_healthprobes_completed_count', { grpc_client_status });
      telemetry.observe('grpc_io_healthprobes_roundtrip_latency', { grpc_client_status }, elapsed);
      return;
    }
    const labels = { grpc_client_method: path, grpc_client_status };
    telemetry.count('grpc_io_client_completed_rpcs', labels);
    telemetry.observe('grpc_io_client_roundtrip_latency', labels, elapsed);
  };
  try {
    const result = await work();
    done(CODES.OK);
    return result;
  } catch (error) {
    done(error instanceof GrpcError ? error.status.code : CODES.UNAVAILABLE);
    throw error;
  }
}

/** What a call of the API failed with. A status that a peer or an app chose is no error of this API. */
export function countFailure(telemetry: Telemetry, error: unknown, failure?: ApiErrorName): void {
  if (!(error instanceof GrpcError)) countError(telemetry, error, failure);
  else if (error.cause !== undefined) countError(telemetry, error.cause, failure);
}
