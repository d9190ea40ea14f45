/** Tracing of a sidecar, loaded only where spans are to be made. */
import type { Tracer } from '../core/tracing.ts';
import type { SidecarOptions } from './sidecar-options.ts';

export interface SidecarTracing extends AsyncDisposable {
  readonly tracer: Tracer;
}

/** Names in the environment that ask for tracing without a configuration. */
const ASKING = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];

/** Undefined: trace contexts are passed on, and no span is made. Errors: INVALID_ARGUMENT. */
export async function openSidecarTracing({
  appId,
  configuration,
  env,
  log,
}: SidecarOptions): Promise<SidecarTracing | undefined> {
  if (!configuration && !ASKING.some((name) => env[name])) return undefined;
  const { tracingSettings } = await import('../telemetry/tracing-settings.ts');
  const settings = tracingSettings(appId, configuration?.tracing, env);
  if (!settings) return undefined;
  const [{ createTracing }, { openExporters }] = await Promise.all([
    import('../telemetry/tracing.ts'),
    import('../telemetry/exporters.ts'),
  ]);
  const print = log.scoped('dapr.runtime.trace').info;
  const exporters = await openExporters(settings, print);
  log.info({}, `Dapr trace sampler initialized: rate ${settings.samplingRate}`);
  const tracing = createTracing({ ...settings, exporters });
  return { tracer: tracing, [Symbol.asyncDispose]: () => tracing[Symbol.asyncDispose]() };
}
