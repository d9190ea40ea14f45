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
  const { samplingRateOf, tracingSettings } = await import('../telemetry/tracing-settings.ts');
  const sampler = samplerOf(samplingRateOf(configuration?.tracing, env));
  log.info({}, `Dapr trace sampler initialized: ${sampler}`);
  const settings = tracingSettings(appId, configuration?.tracing, env);
  if (!settings) return undefined;
  const [{ createTracing }, { openExporters }] = await Promise.all([
    import('../telemetry/tracing.ts'),
    import('../telemetry/exporters.ts'),
  ]);
  const print = log.scoped('dapr.runtime.trace').info;
  const exporters = await openExporters(settings, print);
  const tracing = createTracing({ ...settings, exporters });
  return { tracer: tracing, [Symbol.asyncDispose]: () => tracing[Symbol.asyncDispose]() };
}

/** As OpenTelemetry for Go describes it, which is what daprd prints. */
function samplerOf(rate: number): string {
  const root = rate >= 1 ? 'AlwaysOnSampler' : `TraceIDRatioBased{${rate}}`;
  return `ParentBased{root:${root},remoteParentSampled:AlwaysOnSampler,remoteParentNotSampled:AlwaysOffSampler,localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler}`;
}
