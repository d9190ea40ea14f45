/**
 * The flags of `troupe sidecar`: daprd's, with daprd's defaults and daprd's way
 * of reading them (one or two dashes, `--flag value` or `--flag=value`, bare
 * booleans, lists by comma and by repetition). The table is also what the
 * documentation is checked against.
 */
import { suggestion } from '../config/nearest.ts';
import { TroupeError } from '../core/errors.ts';

interface Row<K extends string, D> {
  readonly kind: K;
  readonly fallback: D;
  /** daprd takes it and warns; what to use instead. */
  readonly deprecated?: string;
}

const text = (fallback = '', deprecated?: string): Row<'text', string> => ({
  kind: 'text',
  fallback,
  ...(deprecated === undefined ? {} : { deprecated }),
});
const flag = (fallback = false, deprecated?: string): Row<'flag', boolean> => ({
  kind: 'flag',
  fallback,
  ...(deprecated === undefined ? {} : { deprecated }),
});
const whole = (fallback: number, deprecated?: string): Row<'whole', number> => ({
  kind: 'whole',
  fallback,
  ...(deprecated === undefined ? {} : { deprecated }),
});
const list = (): Row<'list', readonly string[]> => ({ kind: 'list', fallback: [] });
/** A Go duration, in milliseconds. */
const duration = (fallback: number): Row<'duration', number> => ({ kind: 'duration', fallback });
/** A resource quantity such as 4Mi, in bytes. */
const quantity = (fallback: number): Row<'quantity', number> => ({ kind: 'quantity', fallback });

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

type ValueOf<R> = R extends Row<string, infer D> ? D : never;

export type SidecarFlags = { readonly [N in SidecarFlagName]: ValueOf<(typeof SIDECAR_FLAGS)[N]> };

export interface ParsedFlags {
  readonly flags: SidecarFlags;
  /** Flags that were on the command line. */
  readonly given: ReadonlySet<SidecarFlagName>;
  /** What is right and not advised any more. */
  readonly warnings: readonly string[];
}

function wrong(name: string, value: string, why: string): TroupeError {
  return new TroupeError(
    'INVALID_ARGUMENT',
    `invalid argument "${value}" for "--${name}" flag: ${why}`,
  );
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

function booleanOf(name: string, value: string): boolean {
  if (TRUE.has(value)) return true;
  if (FALSE.has(value)) return false;
  throw wrong(name, value, 'write true or false');
}

function wholeOf(name: string, value: string): number {
  if (/^[+-]?\d+$/.test(value) && Number.isSafeInteger(Number(value))) return Number(value);
  throw wrong(name, value, 'write a whole number');
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A Go duration such as `1h30m` or `250ms`, in milliseconds. Undefined when it is none. */
export function goDuration(value: string): number | undefined {
  const sign = value.startsWith('-') ? -1 : 1;
  const body = value.replace(/^[+-]/, '');
  if (body === '0') return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let total = 0;
  for (const [, amount, unit] of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(amount) * UNITS[unit!]!;
  }
  return sign * total;
}

const SCALES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 1024,
  Mi: MI,
  Gi: 1024 * MI,
  Ti: MI * MI,
  Pi: 1024 * MI * MI,
};

/** Bytes of a resource quantity such as `4Mi`, `10k`, `1e6` or `-1`. Undefined when it is none. */
export function quantityBytes(value: string): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?)$/.exec(
    value,
  );
  if (!match) return undefined;
  const scale = match[2] === undefined ? SCALES[match[3] ?? '']! : 10 ** Number(match[2]);
  const bytes = Number(match[1]) * scale;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function valueOf(name: SidecarFlagName, value: string, before: unknown): unknown {
  switch (SIDECAR_FLAGS[name].kind) {
    case 'text':
      return value;
    case 'flag':
      return booleanOf(name, value);
    case 'whole':
      return wholeOf(name, value);
    case 'list':
      return [...((before as string[] | undefined) ?? []), ...value.split(',')];
    case 'duration': {
      const ms = goDuration(value);
      if (ms === undefined)
        throw wrong(name, value, 'write a duration such as 500ms, 10s or 1h30m');
      return ms;
    }
    case 'quantity': {
      const bytes = quantityBytes(value);
      if (bytes !== undefined) return bytes;
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `invalid value for '${name}' option: "${value}" is no quantity such as 4Mi or 512Ki`,
      );
    }
  }
}

/** Errors: INVALID_ARGUMENT that names the flag. */
export function parseSidecarFlags(args: readonly string[]): ParsedFlags {
  const values: Record<string, unknown> = {};
  const given = new Set<SidecarFlagName>();
  const warnings: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const match = /^--?([^-=][^=]*)(?:=([^]*))?$/.exec(arg);
    if (!match) throw new TroupeError('INVALID_ARGUMENT', `"${arg}" is not a flag; see --help`);
    const [, name = '', attached] = match;
    if (!Object.hasOwn(SIDECAR_FLAGS, name)) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `unknown flag: --${name}${suggestion(name, Object.keys(SIDECAR_FLAGS))}`,
      );
    }
    const known = name as SidecarFlagName;
    const row: Row<string, unknown> = SIDECAR_FLAGS[known];
    let value = attached;
    if (value === undefined && row.kind === 'flag') value = 'true';
    if (value === undefined) {
      value = args[++i];
      if (value === undefined) {
        throw new TroupeError('INVALID_ARGUMENT', `flag needs an argument: --${name}`);
      }
    }
    values[name] = valueOf(known, value, values[name]);
    given.add(known);
    if (row.deprecated) {
      warnings.push(`Flag --${name} has been deprecated, ${row.deprecated}`);
    }
  }
  const flags = Object.fromEntries(
    Object.entries(SIDECAR_FLAGS).map(([name, { fallback }]) => [name, values[name] ?? fallback]),
  ) as SidecarFlags;
  return { flags, given, warnings };
}
