/**
 * From flags and environment to what a sidecar is asked to be: the rules of
 * daprd's own start, and clear refusals of what Troupe does not serve.
 */
import { TroupeError } from '../core/errors.ts';
import {
  APP_PROTOCOLS,
  type AppProtocol,
  type ControlPlaneOptions,
  type SidecarAppOptions,
  type SidecarListenOptions,
} from '../hosts/sidecar-options.ts';
import type { ParsedFlags, SidecarFlagName } from './sidecar-flags.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface SidecarSettings {
  readonly appId: string;
  readonly namespace: string | undefined;
  readonly mode: string;
  readonly listen: SidecarListenOptions;
  readonly app: SidecarAppOptions | undefined;
  /** Undefined: no metrics. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  /** A placement was named. */
  readonly actorsEnabled: boolean;
  /** Undefined: none was named. */
  readonly controlPlane: ControlPlaneOptions | undefined;
  readonly resourcesPaths: readonly string[];
  readonly configPaths: readonly string[];
  readonly gracefulShutdownMs: number;
  /** How often resources are read again; 0: as often as Troupe likes. */
  readonly reloadIntervalMs: number;
  /** Undefined: a shutdown does not wait. */
  readonly blockShutdownMs: number | undefined;
}

const INIT_ENDPOINTS = ['config', 'subscribe'] as const;

const refuse = (message: string): never => {
  throw new TroupeError('INVALID_ARGUMENT', message);
};

const unsupported = (message: string): never => {
  throw new TroupeError('UNSUPPORTED', message);
};

function portOf(name: SidecarFlagName, value: string): number {
  const port = Number(value);
  if (/^[+-]?\d+$/.test(value) && port <= 65_535) return port;
  return refuse(`error parsing ${name} flag: "${value}" is not a port`);
}

/** What Dapr takes for true. */
const isTruthy = (value: string | undefined): boolean =>
  ['y', 'yes', 'true', 't', 'on', '1'].includes((value ?? '').trim().toLowerCase());

function refuseForeign({ flags }: ParsedFlags): void {
  if (flags.mode === 'kubernetes' || flags['control-plane-address'] !== '') {
    unsupported(
      '--mode kubernetes and --control-plane-address are not supported: resources are read from --resources-path; use --mode standalone',
    );
  }
  if (flags.mode !== 'standalone') refuse(`invalid value for 'mode': ${flags.mode}`);
  if (flags['enable-mtls'] || flags['sentry-address'] !== '') {
    unsupported(
      '--enable-mtls and --sentry-address are not supported: there is no mutual TLS between sidecars; leave them out',
    );
  }
}

/** Manifests give empty addresses in quotes or as blanks; daprd takes them for none. */
const isAddress = (text: string): boolean => /[^\s'"]/.test(text);

const addressesOf = (texts: readonly string[]): string[] =>
  texts.filter(isAddress).map((text) => text.trim().replaceAll(/^["']|["']$/g, ''));

/** The flag with a kind before its address is the older one. */
function placementOf({ flags }: ParsedFlags): string[] {
  const older = flags['actors-service'].replace(/^placement:/, '');
  return addressesOf((flags['placement-host-address'] || older).split(','));
}

function controlPlaneOf(parsed: ParsedFlags): ControlPlaneOptions | undefined {
  const { flags } = parsed;
  const placement = placementOf(parsed);
  const scheduler = addressesOf(flags['scheduler-host-address']);
  if (placement.length + scheduler.length === 0) return undefined;
  const schedulerStreams = flags['scheduler-job-streams'];
  if (scheduler.length > 0 && schedulerStreams < 1) {
    refuse(`must define at least 1 scheduler stream, got ${schedulerStreams}`);
  }
  return {
    placement,
    scheduler,
    schedulerStreams,
    disseminateTimeoutMs: flags['actors-disseminate-timeout'],
  };
}

function protocolOf({ flags }: ParsedFlags): AppProtocol {
  const asked = flags['app-protocol'].toLowerCase();
  const protocol = asked === '' ? 'http' : APP_PROTOCOLS.find((known) => known === asked);
  if (!protocol) return refuse(`invalid value for 'app-protocol': ${flags['app-protocol']}`);
  if (!flags['app-ssl']) return protocol;
  return protocol === 'http' ? 'https' : protocol === 'grpc' ? 'grpcs' : protocol;
}

function appOf(parsed: ParsedFlags, env: Environment): SidecarAppOptions | undefined {
  const { flags } = parsed;
  const protocol = protocolOf(parsed);
  const port = flags['app-port'] === '' ? 0 : portOf('app-port', flags['app-port']);
  const intervalMs = positive(flags['app-health-probe-interval'], 5) * 1000;
  const timeoutMs = positive(flags['app-health-probe-timeout'], 500);
  if (timeoutMs > intervalMs) {
    refuse("value for 'health-probe-timeout' must be smaller than 'health-probe-interval'");
  }
  const disabledInitEndpoints = flags['disable-init-endpoints']
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
    .map(
      (name) =>
        INIT_ENDPOINTS.find((known) => known === name) ??
        refuse(`invalid value for 'disable-init-endpoints': ${name}`),
    );
  if (port <= 0) return undefined;
  return {
    port,
    host: flags['app-channel-address'],
    protocol,
    maxConcurrency: Math.max(0, flags['app-max-concurrency']),
    token: env['APP_API_TOKEN'] || undefined,
    disabledInitEndpoints,
    ...(flags['enable-app-health-check']
      ? {
          health: {
            path: flags['app-health-check-path'],
            intervalMs,
            timeoutMs,
            threshold: positive(flags['app-health-threshold'], 3),
          },
        }
      : {}),
  };
}

const positive = (value: number, fallback: number): number => (value > 0 ? value : fallback);

function listenOf({ flags, given }: ParsedFlags, env: Environment): SidecarListenOptions {
  const httpPort = portOf('dapr-http-port', flags['dapr-http-port']);
  const grpcPort = portOf('dapr-grpc-port', flags['dapr-grpc-port']);
  const profilePort = portOf('profile-port', flags['profile-port']);
  const publicPort = flags['dapr-public-port'];
  const internalPort = flags['dapr-internal-grpc-port'];
  const body = given.has('max-body-size')
    ? flags['max-body-size']
    : flags['dapr-http-max-request-size'] * (flags['dapr-http-max-request-size'] > 0 ? 2 ** 20 : 1);
  const headers = given.has('read-buffer-size')
    ? flags['read-buffer-size']
    : flags['dapr-http-read-buffer-size'] * (flags['dapr-http-read-buffer-size'] > 0 ? 1024 : 1);
  return {
    addresses: flags['dapr-listen-addresses'].split(',').map((address) => address.trim()),
    httpPort,
    grpcPort,
    internalPort:
      internalPort === '' || internalPort === '0'
        ? undefined
        : portOf('dapr-internal-grpc-port', internalPort),
    internalAddress: flags['dapr-internal-grpc-listen-address'],
    publicPort: publicPort === '' ? undefined : portOf('dapr-public-port', publicPort),
    publicAddress: flags['dapr-public-listen-address'],
    socketFolder: flags['unix-domain-socket'] || undefined,
    profilePort: flags['enable-profiling'] && profilePort >= 0 ? profilePort : undefined,
    h2c: !isTruthy(env['DAPR_HTTP_DISABLE_H2C']),
    apiToken: env['DAPR_API_TOKEN'] || undefined,
    maxBodyBytes: body === -1 ? 4 * 2 ** 20 : body,
    maxHeaderBytes: headers > 0 ? headers : 4 * 1024,
    allowedOrigins: flags['allowed-origins'],
    apiLogging: given.has('enable-api-logging') ? flags['enable-api-logging'] : undefined,
  };
}

/** Errors: INVALID_ARGUMENT in daprd's words, UNSUPPORTED for what Troupe does not serve. */
export function sidecarSettings(parsed: ParsedFlags, env: Environment): SidecarSettings {
  const { flags, given } = parsed;
  refuseForeign(parsed);
  const appId = flags['app-id'];
  if (appId === '') refuse('parameter app-id cannot be empty');
  if (appId.includes('.')) refuse('parameter app-id cannot contain dots');
  if (flags['actors-disseminate-timeout'] <= 0) {
    refuse("invalid value for 'actors-disseminate-timeout' option: must be positive");
  }
  const listen = listenOf(parsed, env);
  const app = appOf(parsed, env);
  for (const [name, port] of [
    ['dapr-http-port', listen.httpPort],
    ['dapr-grpc-port', listen.grpcPort],
  ] as const) {
    if (app?.port === port) {
      refuse(`the '${name}' argument value ${port} conflicts with 'app-port'`);
    }
  }
  const seconds = flags['dapr-graceful-shutdown-seconds'];
  const paths = flags['resources-path'];
  return {
    appId,
    namespace: env['NAMESPACE'] || undefined,
    mode: flags.mode,
    listen,
    app,
    metrics: flags['enable-metrics']
      ? {
          host: flags['metrics-listen-address'],
          port: portOf('metrics-port', flags['metrics-port']),
        }
      : undefined,
    resourcesPaths:
      paths.length === 0 && flags['components-path'] !== '' ? [flags['components-path']] : paths,
    configPaths: flags.config,
    reloadIntervalMs: flags['hot-reload-reconcile-interval'],
    actorsEnabled: placementOf(parsed).length > 0,
    controlPlane: controlPlaneOf(parsed),
    gracefulShutdownMs: (seconds < 0 ? 5 : seconds) * 1000,
    blockShutdownMs: given.has('dapr-block-shutdown-duration')
      ? flags['dapr-block-shutdown-duration']
      : undefined,
  };
}
