/**
 * Where spans go and how many: the configuration's `tracing`, and OpenTelemetry's
 * environment where the configuration names no endpoint, as in daprd.
 */
import type { Configuration } from '../config/configuration.ts';
import { TroupeError } from '../core/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface OtlpSettings {
  readonly protocol: 'http' | 'grpc';
  /** Host and port. */
  readonly endpoint: string;
  readonly isSecure: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number | undefined;
}

export interface TracingSettings {
  readonly serviceName: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly samplingRate: number;
  readonly stdout: boolean;
  readonly zipkin: string | undefined;
  readonly otlp: OtlpSettings | undefined;
}

/** Of a configuration that says nothing. */
const DEFAULT_RATE = 0.0001;

/**
 * Undefined when no span is to be made: the rate is 0, or there is neither an
 * exporter nor a rate. Errors: INVALID_ARGUMENT for a timeout that is no number.
 */
export function tracingSettings(
  appId: string,
  tracing: Configuration['tracing'] | undefined,
  env: Environment,
): TracingSettings | undefined {
  const otlp = otlpOf(tracing, env);
  const rate = rateText(tracing, otlp);
  const samplingRate = rateOf(rate);
  const stdout = tracing?.stdout ?? false;
  const zipkin = tracing?.zipkin?.endpointAddress;
  const isWanted = otlp !== undefined || stdout || zipkin !== undefined || rate !== '';
  if (samplingRate === 0 || !isWanted) return undefined;
  return {
    serviceName: env['OTEL_SERVICE_NAME'] || appId,
    attributes: pairsOf((env['OTEL_RESOURCE_ATTRIBUTES'] ?? '').split(',')),
    samplingRate,
    stdout,
    zipkin,
    otlp,
  };
}

/** The share of traces that is sampled, whether or not spans are made. */
export const samplingRateOf = (
  tracing: Configuration['tracing'] | undefined,
  env: Environment,
): number => rateOf(rateText(tracing, otlpOf(tracing, env)));

function rateText(
  tracing: Configuration['tracing'] | undefined,
  otlp: OtlpSettings | undefined,
): string {
  const fromEnvironment = otlp !== undefined && !tracing?.otel.endpointAddress;
  return tracing?.samplingRate || (fromEnvironment ? '1' : '');
}

/** A rate that is no number is none, as in daprd. */
function rateOf(text: string): number {
  const rate = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(rate) ? DEFAULT_RATE : Math.min(Math.max(rate, 0), 1);
}

function otlpOf(
  tracing: Configuration['tracing'] | undefined,
  env: Environment,
): OtlpSettings | undefined {
  const ofTraces = (name: string): string | undefined =>
    env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`] || undefined;
  const otel = tracing?.otel;
  const headers = pairsOf(otel?.headers ?? []);
  if (otel?.endpointAddress) {
    if (!otel.protocol) return undefined;
    const { protocol, endpointAddress: endpoint, isSecure, timeoutMs } = otel;
    return { protocol, endpoint: bare(endpoint), isSecure, headers, timeoutMs };
  }
  const endpoint = ofTraces('ENDPOINT');
  if (endpoint === undefined) return undefined;
  const timeout = ofTraces('TIMEOUT');
  if (timeout !== undefined && !/^\d+$/.test(timeout)) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `OTEL_EXPORTER_OTLP_TIMEOUT "${timeout}" is no number of milliseconds`,
    );
  }
  return {
    protocol: ofTraces('PROTOCOL')?.startsWith('http') ? 'http' : 'grpc',
    endpoint: bare(endpoint),
    isSecure: env['OTEL_EXPORTER_OTLP_INSECURE'] !== 'true' && (otel?.isSecure ?? true),
    headers: { ...headers, ...pairsOf((ofTraces('HEADERS') ?? '').split(',')) },
    timeoutMs: timeout === undefined ? otel?.timeoutMs : Number(timeout),
  };
}

const bare = (endpoint: string): string => endpoint.replace(/^https?:\/\//, '').replace(/\/+$/, '');

function pairsOf(texts: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    const name = text.slice(0, Math.max(at, 0)).trim();
    if (name !== '') pairs[name] = decoded(text.slice(at + 1).trim());
  }
  return pairs;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
