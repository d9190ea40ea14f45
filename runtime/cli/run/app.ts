/**
 * One app with its sidecar, as it is to be run: every port chosen, every path
 * resolved. From it come the sidecar's arguments and the app's environment, in
 * the form and order that Dapr's command line gives them.
 */
import type { LogDestination } from '../../config/run-file.ts';

export interface RunPorts {
  /** 0 with a Unix domain socket. */
  readonly http: number;
  readonly grpc: number;
  readonly internal: number;
  readonly metrics: number;
  /** Undefined without profiling. */
  readonly profile: number | undefined;
}

export interface RunHealth {
  readonly path: string;
  /** 0: the sidecar's own default, as for the next two. */
  readonly intervalSeconds: number;
  readonly timeoutMs: number;
  readonly threshold: number;
}

export interface AppRun {
  readonly appId: string;
  /** 0: the app listens on none. */
  readonly appPort: number;
  readonly appChannelAddress: string;
  readonly appProtocol: string;
  readonly appSsl: boolean;
  /** -1: no limit. */
  readonly maxConcurrency: number;
  readonly ports: RunPorts;
  readonly listenAddresses: string;
  readonly logLevel: string;
  readonly logAsJson: boolean;
  readonly apiLogging: boolean;
  readonly maxBodySize: string;
  readonly readBufferSize: string;
  /** Folder of the sockets that take the place of ports; empty: ports. */
  readonly unixDomainSocket: string;
  readonly health: RunHealth | undefined;
  /** Empty: none. */
  readonly placement: string;
  /** Empty: none. */
  readonly scheduler: string;
  /** Empty: none. */
  readonly configPath: string;
  readonly resourcesPaths: readonly string[];
  /** The configuration asks for mutual TLS. */
  readonly mtls: boolean;
  /** The official daprd's program; undefined: the sidecar of Troupe. */
  readonly daprd: string | undefined;
  /** No sidecar: the app hosts the runtime itself. */
  readonly embedded: boolean;
  /** Empty: the sidecar alone. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly daprdLog: LogDestination;
  readonly appLog: LogDestination;
}

/** What the app's side of a scheme is called when TLS was asked for the older way. */
function protocolOf({ appProtocol, appSsl }: AppRun): string {
  const protocol = appProtocol.toLowerCase() || 'http';
  if (!appSsl) return protocol;
  return protocol === 'http' ? 'https' : protocol === 'grpc' ? 'grpcs' : protocol;
}

/** The arguments of daprd, and so of `troupe sidecar`. */
export function sidecarArguments(run: AppRun): string[] {
  const { ports, health } = run;
  const args: string[] = [];
  const put = (name: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== '') args.push(`--${name}`, String(value));
  };
  const flag = (name: string, on: boolean): void => {
    if (on) args.push(`--${name}`);
  };
  put('app-id', run.appId);
  if (run.appChannelAddress !== '127.0.0.1') put('app-channel-address', run.appChannelAddress);
  put('app-port', run.appPort);
  put('app-protocol', run.appProtocol);
  flag('app-ssl', run.appSsl);
  put('app-max-concurrency', run.maxConcurrency);
  put('dapr-http-port', ports.http);
  put('dapr-grpc-port', ports.grpc);
  put('dapr-internal-grpc-port', ports.internal);
  put('dapr-internal-grpc-listen-address', '127.0.0.1');
  put('dapr-listen-addresses', run.listenAddresses);
  put('metrics-port', ports.metrics);
  put('metrics-listen-address', '127.0.0.1');
  put('profile-port', ports.profile ?? -1);
  flag('enable-profiling', ports.profile !== undefined);
  put('unix-domain-socket', run.unixDomainSocket);
  put('config', run.configPath);
  for (const path of run.resourcesPaths) put('resources-path', path);
  put('log-level', run.logLevel);
  put('max-body-size', run.maxBodySize);
  put('read-buffer-size', run.readBufferSize);
  flag('enable-app-health-check', health !== undefined);
  put('app-health-check-path', health?.path);
  put('app-health-probe-interval', health?.intervalSeconds || undefined);
  put('app-health-probe-timeout', health?.timeoutMs || undefined);
  put('app-health-threshold', health?.threshold || undefined);
  flag('enable-api-logging', run.apiLogging);
  put('placement-host-address', run.placement);
  put('scheduler-host-address', run.scheduler);
  if (run.mtls) args.push('--enable-mtls', '--sentry-address', 'localhost:50001');
  flag('log-as-json', run.logAsJson);
  return args;
}

/** What the app finds in its environment beside that of the command; the user's own variables win. */
export function appEnvironment(run: AppRun): Record<string, string> {
  const { ports } = run;
  return {
    APP_ID: run.appId,
    APP_CHANNEL_ADDRESS: run.appChannelAddress,
    APP_PROTOCOL: protocolOf(run),
    ...(run.appPort > 0 ? { APP_PORT: String(run.appPort) } : {}),
    ...(ports.http > 0 ? { DAPR_HTTP_PORT: String(ports.http) } : {}),
    ...(ports.grpc > 0 ? { DAPR_GRPC_PORT: String(ports.grpc) } : {}),
    ...(ports.metrics > 0 && !run.embedded ? { DAPR_METRICS_PORT: String(ports.metrics) } : {}),
    TROUPE_RUNTIME: 'dapr',
    ...run.env,
    // A flag of this run counts against what the run file says for all.
    ...(run.embedded
      ? { TROUPE_RUNTIME: 'embedded', TROUPE_RESOURCES_PATH: run.resourcesPaths.join(',') }
      : {}),
  };
}
