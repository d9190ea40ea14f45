import { expect, it } from 'vitest';
import { createMetrics, type MetricsSettings } from './metrics.ts';
import { openMetricsServer } from './metrics-server.ts';
import { createPathMatcher } from './path-matching.ts';

const SETTINGS: MetricsSettings = {
  enabled: true,
  recordErrorCodes: false,
  http: { increasedCardinality: true, pathMatching: [], excludeVerbs: false },
  rules: [],
};

const metricsWith = (settings: Partial<MetricsSettings> = {}) =>
  createMetrics({ appId: 'shop', settings: { ...SETTINGS, ...settings } });

/** The sample lines of one metric. */
function linesOf(metrics: { text(): string }, name: string): string[] {
  return metrics
    .text()
    .split('\n')
    .filter((line) => line.startsWith(name));
}

const GET = { method: 'GET', path: '/v1.0/state/store/key', status: '200' };

it('counts under labels that are sorted and complete', () => {
  const metrics = metricsWith();
  metrics.count('http_server_request_count', GET);
  metrics.count('http_server_request_count', GET);
  metrics.count('component_state_count', { component: 'store', operation: 'get', success: 'true' });
  expect(linesOf(metrics, 'dapr_http_server_request_count')).toEqual([
    'dapr_http_server_request_count{app_id="shop",method="GET",path="/v1.0/state/store",status="200"} 2',
  ]);
  expect(linesOf(metrics, 'dapr_component_state_count')).toEqual([
    'dapr_component_state_count{app_id="shop",component="store",namespace="",operation="get",success="true"} 1',
  ]);
});

it('has the figures of the process', () => {
  expect(linesOf(metricsWith(), 'process_resident_memory_bytes ')).toHaveLength(1);
});

it('puts latencies in the buckets that the configuration names', () => {
  const metrics = metricsWith({ latencyDistributionBuckets: [5, 50] });
  metrics.observe('http_server_latency', GET, 7);
  const lines = linesOf(metrics, 'dapr_http_server_latency_bucket');
  expect(lines.map((line) => line.replace(/.*le="([^"]+)".* (\d+)$/, '$1:$2'))).toEqual([
    '5:0',
    '50:1',
    '+Inf:1',
  ]);
});

it('leaves out paths, verbs and error codes as the configuration says', () => {
  const http = { increasedCardinality: false, pathMatching: [], excludeVerbs: true };
  const metrics = metricsWith({ http });
  metrics.count('http_server_request_count', GET);
  metrics.count('http_server_response_count', GET);
  metrics.count('error_code_total', { category: 'state', error_code: 'ERR_STATE_GET' });
  const text = metrics.text();
  expect(text).toContain('{app_id="shop",method="",path="",status="200"} 1');
  expect(text).not.toContain('dapr_http_server_response_count{');
  expect(text).not.toContain('dapr_error_code_total{');
  const recording = metricsWith({ recordErrorCodes: true });
  recording.count('error_code_total', { category: 'state', error_code: 'ERR_STATE_GET' });
  expect(recording.text()).toContain('category="state",error_code="ERR_STATE_GET"} 1');
});

it('changes labels by rules, and unknown verbs to one', () => {
  const rules = [
    {
      name: 'dapr_http_server_request_count',
      labels: [{ name: 'path', regex: { '/orders': '/orders/.+' } }],
    },
  ];
  const metrics = metricsWith({ rules });
  metrics.count('http_server_request_count', {
    method: 'BREW',
    path: '/orders/17',
    status: '200',
  });
  expect(linesOf(metrics, 'dapr_http_server_request_count')).toEqual([
    'dapr_http_server_request_count{app_id="shop",method="UNKNOWN",path="/orders",status="200"} 1',
  ]);
});

it('keeps the number of series of a family within bounds', () => {
  const metrics = metricsWith();
  for (let i = 0; i < 10_100; i++) {
    metrics.count('runtime_actor_deactivated_total', { actor_type: `t${i}` });
  }
  const lines = linesOf(metrics, 'dapr_runtime_actor_deactivated_total');
  expect(lines).toHaveLength(10_001);
  expect(lines.find((line) => line.includes('actor_type=""'))).toMatch(/ 100$/);
});

it('matches the most specific pattern of a path', () => {
  const match = createPathMatcher({
    increasedCardinality: false,
    pathMatching: ['/orders/{id}', '/orders/1', '/orders', '/files/{rest...}', '/v1.0/state/s/{k}'],
  });
  expect(match('/v1.0/invoke/shop/method/orders/7')).toBe(
    '/v1.0/invoke/{app_id}/method/orders/{id}',
  );
  expect(match('//orders/1')).toBe('/orders/1');
  expect(match('/orders')).toBe('/orders');
  expect(match('/files/a/b')).toBe('/files/{rest...}');
  expect(match('/v1.0/state/s/key')).toBe('/v1.0/state/s/{k}');
  expect(match('/other')).toBe('');
  const raw = createPathMatcher({ increasedCardinality: true, pathMatching: [] });
  expect(raw('/v1.0/actors/Order/o-1/method/ship')).toBe('/v1.0/actors/Order/{id}/method');
  expect(raw('/v1.0/invoke/shop/method/a/b')).toBe('/v1.0/invoke/shop/method/a/b');
});

it('is served under every path of a port of its own', async () => {
  const metrics = metricsWith();
  await using server = await openMetricsServer(metrics, { host: '127.0.0.1', port: 0 });
  const response = await fetch(`http://127.0.0.1:${server.port}/any/path`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  expect(await response.text()).toContain('process_resident_memory_bytes');
});
