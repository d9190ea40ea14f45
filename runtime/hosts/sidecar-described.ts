/** What `/v1.0/metadata` tells of the options of a sidecar. */
import type { ApiOptions } from '../api/index.ts';
import { goText } from '../core/go-text.ts';
import type { SidecarOptions } from './sidecar-options.ts';

export function describe({
  app,
  configuration,
  httpEndpoints = [],
  resiliencies = [],
}: SidecarOptions): Pick<
  ApiOptions,
  'appConnection' | 'enabledFeatures' | 'httpEndpoints' | 'resiliencies' | 'actorStateTtl'
> {
  const features = configuration?.features ?? {};
  const { health } = app ?? {};
  const isHttp = !app?.protocol.startsWith('grpc');
  return {
    httpEndpoints: httpEndpoints.map(({ name }) => name),
    resiliencies: resiliencies.map(({ name }) => name),
    enabledFeatures: Object.keys(features).filter((name) => features[name]),
    actorStateTtl: features['ActorStateTTL'] === true,
    appConnection: {
      ...(app ? { port: app.port } : {}),
      protocol: app?.protocol ?? 'http',
      channelAddress: app?.host ?? '127.0.0.1',
      ...(app && app.maxConcurrency > 0 ? { maxConcurrency: app.maxConcurrency } : {}),
      ...(health
        ? {
            health: {
              ...(isHttp ? { healthCheckPath: health.path } : {}),
              healthProbeInterval: goText(health.intervalMs),
              healthProbeTimeout: goText(health.timeoutMs),
              healthThreshold: health.threshold,
            },
          }
        : {}),
    },
  };
}
