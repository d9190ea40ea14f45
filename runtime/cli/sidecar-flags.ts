/**
 * The flags of `troupe sidecar`: daprd's, with daprd's defaults and daprd's way
 * of reading them. The table is also what the documentation is checked against.
 */
import {
  duration,
  flag,
  list,
  type Parsed,
  parseFlags,
  quantity,
  text,
  whole,
} from './flag-table.ts';

const MI = 1024 * 1024;

export const SIDECAR_FLAGS = {
  mode: text('standalone'),
  'dapr-http-port': text('3500'),
  'dapr-listen-addresses': text(),
  'dapr-public-port': text(),
  'dapr-public-listen-address': text(),
  'dapr-grpc-port': text('50001'),
  'dapr-internal-grpc-port': text(),
  'dapr-internal-grpc-listen-address': text(),
  'app-port': text(),
  'profile-port': text('7777'),
  'app-protocol': text('http'),
  'components-path': text('', 'use --resources-path'),
  'resources-path': list(),
  config: list(),
  'app-id': text(),
  'control-plane-address': text(),
  'sentry-address': text(),
  'control-plane-trust-domain': text('localhost'),
  'control-plane-namespace': text('default'),
  'sentry-request-jwt-audiences': list(),
  'allowed-origins': text(),
  'enable-profiling': flag(),
  version: flag(),
  'build-info': flag(),
  wait: flag(),
  'app-max-concurrency': whole(-1),
  'enable-mtls': flag(),
  'app-ssl': flag(false, 'use --app-protocol https|grpcs'),
  'dapr-http-max-request-size': whole(4, 'use --max-body-size 4Mi'),
  'max-body-size': quantity(4 * MI),
  'dapr-http-read-buffer-size': whole(4, 'use --read-buffer-size 4Ki'),
  'read-buffer-size': quantity(4 * 1024),
  'unix-domain-socket': text(),
  'dapr-graceful-shutdown-seconds': whole(5),
  'dapr-block-shutdown-duration': duration(0),
  'enable-api-logging': flag(),
  'disable-builtin-k8s-secret-store': flag(),
  'enable-app-health-check': flag(),
  'app-health-check-path': text('/healthz'),
  'app-health-probe-interval': whole(5),
  'app-health-probe-timeout': whole(500),
  'app-health-threshold': whole(3),
  'app-channel-address': text('127.0.0.1'),
  'disable-init-endpoints': list(),
  'placement-host-address': text(),
  'scheduler-host-address': list(),
  'scheduler-job-streams': whole(3),
  'actors-disseminate-timeout': duration(30_000),
  'hot-reload-reconcile-interval': duration(0),
  'app-binding-options-timeout': duration(3000),
  'reminders-service': text('', 'it no longer has any effect'),
  'actors-service': text('', 'it no longer has any effect'),
  'log-level': text('info'),
  'log-as-json': flag(),
  'enable-metrics': flag(true),
  'metrics-port': text('9090'),
  'metrics-listen-address': text('0.0.0.0'),
} as const;

export type SidecarFlagName = keyof typeof SIDECAR_FLAGS;

export type ParsedFlags = Parsed<typeof SIDECAR_FLAGS>;

/** Errors: INVALID_ARGUMENT that names the flag. */
export function parseSidecarFlags(args: readonly string[]): ParsedFlags {
  return parseFlags(SIDECAR_FLAGS, args);
}
