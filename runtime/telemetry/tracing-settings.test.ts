import { expect, test } from 'vitest';
import type { Configuration } from '../config/configuration.ts';
import { parseTraceparent } from './traceparent.ts';
import { tracingSettings } from './tracing-settings.ts';

const tracing = (changes: Partial<Configuration['tracing']> = {}): Configuration['tracing'] => ({
  stdout: false,
  otel: { isSecure: true, headers: [] },
  ...changes,
});

test('without an exporter and a rate no span is made', () => {
  expect(tracingSettings('shop', tracing(), {})).toBeUndefined();
  expect(tracingSettings('shop', undefined, {})).toBeUndefined();
});

test('a rate of 0 turns tracing off, whatever exports', () => {
  expect(tracingSettings('shop', tracing({ samplingRate: '0', stdout: true }), {})).toBeUndefined();
});

test('an exporter without a rate samples one trace in ten thousand', () => {
  const zipkin = { endpointAddress: 'http://127.0.0.1:9411/api/v2/spans' };
  expect(tracingSettings('shop', tracing({ zipkin }), {})).toMatchObject({
    samplingRate: 0.0001,
    zipkin: zipkin.endpointAddress,
    serviceName: 'shop',
  });
});

test('an exporter of the environment alone samples every trace', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317',
    OTEL_EXPORTER_OTLP_INSECURE: 'true',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=two%20words',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '250',
    OTEL_SERVICE_NAME: 'named',
    OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=production',
  };
  expect(tracingSettings('shop', undefined, env)).toEqual({
    serviceName: 'named',
    attributes: { 'service.namespace': 'production' },
    samplingRate: 1,
    stdout: false,
    zipkin: undefined,
    otlp: {
      protocol: 'grpc',
      endpoint: 'collector:4317',
      isSecure: false,
      headers: { a: '1', b: 'two words' },
      timeoutMs: 250,
    },
  });
});

test('an endpoint of the configuration keeps the environment out', () => {
  const otel = {
    endpointAddress: 'here:4318',
    protocol: 'http',
    isSecure: false,
    headers: ['k=v'],
  } as const;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'there:1', OTEL_EXPORTER_OTLP_HEADERS: 'k=env' };
  expect(tracingSettings('shop', tracing({ samplingRate: '1', otel }), env)?.otlp).toMatchObject({
    protocol: 'http',
    endpoint: 'here:4318',
    headers: { k: 'v' },
  });
});

test('a timeout that is no number is refused', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'x:1', OTEL_EXPORTER_OTLP_TIMEOUT: '1s' };
  expect(() => tracingSettings('shop', undefined, env)).toThrow('"1s" is no number');
});

test.each([
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 1],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00', 0],
  ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', undefined],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', undefined],
  ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', undefined],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more', undefined],
  ['nonsense', undefined],
])('reads traceparent %s', (text, flags) => {
  expect(parseTraceparent(text)?.traceFlags).toBe(flags);
});
