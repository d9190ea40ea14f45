/** What a sidecar tells of its settings, its requests and its events, in daprd's words. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { expect, it, vi } from 'vitest';
import { freePorts } from './run/ports.fixture.ts';
import { startApp, startSidecar } from './sidecar.fixture.ts';

const head = (kind: string, name: string) =>
  `apiVersion: dapr.io/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
const CONFIGURATION = `${head('Configuration', 'c')}spec:
  tracing: { samplingRate: "0" }
  metrics: { http: { increasedCardinality: false } }
  logging: { apiLogging: { enabled: true, obfuscateURLs: true, omitHealthChecks: true } }
`;

/** One call with a request that has nothing set. */
async function callOverGrpc(port: number, path: string): Promise<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  try {
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  } finally {
    client.close();
  }
}

it('logs requests by what they are of, and counts events by what became of them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-logging-'));
  try {
    const config = join(folder, 'config.yaml');
    await writeFile(config, CONFIGURATION);
    const [metricsPort] = (await freePorts(1)) as [number];
    await using app = await startApp(({ url }, response) => {
      if (url !== '/events') return undefined;
      response.end();
      return true;
    });
    await using sidecar = await startSidecar({
      args: [`--app-port=${app.port}`, `--config=${config}`, `--metrics-port=${metricsPort}`],
      resources: [
        `${head('Component', 'p')}spec: { type: pubsub.in-memory, version: v1 }\n`,
        `${head('Subscription', 's')}spec: { pubsubname: p, topic: t, route: /events }\n`,
        `${head('Resiliency', 'limits')}spec: { policies: { timeouts: { t: 5s } } }\n`,
      ],
    });
    await sidecar.healthy();
    await sidecar.said('dapr initialized');
    await fetch(`${sidecar.base}/v1.0/invoke/shop/method/secret/path`);
    await fetch(`${sidecar.base}/v1.0/publish/p/t`, { method: 'POST', body: 'x' });
    await sidecar.said('method=InvokeService/shop');
    await sidecar.said('method="POST /v1.0/publish"');
    await callOverGrpc(sidecar.grpcPort, '/dapr.proto.runtime.v1.Dapr/GetMetadata');
    await sidecar.said('method=/dapr.proto.runtime.v1.Dapr/GetMetadata scope=dapr.runtime.grpc.');
    await vi.waitFor(() => expect(app.seen.map(({ url }) => url)).toContain('/events'));
    const event = app.seen.find(({ url }) => url === '/events')!;
    // Without a trace the event has an empty text, and the header says that there is none.
    expect(JSON.parse(event.body)).toMatchObject({ traceparent: '' });
    expect(event.headers['traceparent']).toMatch(/^00-0{32}-0{16}-00$/);
    const output = sidecar.output();
    expect(output).not.toContain('secret/path');
    expect(output).not.toContain('healthz');
    expect(output).toContain('Loading Resiliency configuration: limits');
    expect(output).toContain('sampler initialized: ParentBased{root:TraceIDRatioBased{0},');
    expect(output).toContain(String.raw`\"increasedCardinality\":false`);
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}`)).text();
      expect(metrics).toContain(
        'dapr_component_pubsub_ingress_count{app_id="shop",component="p",namespace="",process_status="success",status="success",topic="t"} 1',
      );
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
