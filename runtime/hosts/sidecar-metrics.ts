/** Metrics of a sidecar: the collector and its port, loaded only where they are asked for. */
import type { Configuration } from '../config/configuration.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { SidecarOptions } from './sidecar-options.ts';

export interface SidecarMetrics extends AsyncDisposable {
  readonly telemetry: Telemetry;
  /** Told each time before the metrics are read, to set gauges. */
  onRead(listener: () => void): void;
  readonly port: number;
}

/** Without a configuration. */
const DEFAULTS: Configuration['metrics'] = {
  enabled: true,
  recordErrorCodes: false,
  http: { increasedCardinality: true, pathMatching: [], excludeVerbs: false },
  rules: [],
};

/** Undefined when metrics are off. Errors: UNAVAILABLE when the port cannot be had. */
export async function openSidecarMetrics({
  appId,
  metrics: at,
  configuration,
  log,
}: SidecarOptions): Promise<SidecarMetrics | undefined> {
  const settings = configuration?.metrics ?? DEFAULTS;
  if (!at || !settings.enabled) return undefined;
  log.scoped('dapr.runtime.diagnostics').info({}, `metric spec: ${JSON.stringify(settings)}`);
  const [{ createMetrics }, { openMetricsServer }] = await Promise.all([
    import('../telemetry/metrics.ts'),
    import('../telemetry/metrics-server.ts'),
  ]);
  const telemetry = createMetrics({ appId, settings });
  const server = await openMetricsServer(telemetry, at);
  log.scoped('dapr.metrics').info({}, `metrics server started on ${at.host}:${server.port}/`);
  const { onRead } = telemetry;
  return {
    telemetry,
    onRead,
    port: server.port,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
