import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { expect, test, vi } from 'vitest';
import { Actor } from '../actor/index.ts';
import { createSystem, openTracing } from '../index.ts';

class Seller extends Actor {
  static readonly type = 'Seller';

  async sell(): Promise<void> {
    await this.ctx.ref<Ledger>('Ledger', 'l-1').note();
    this.ctx.outbox.ref<Ledger>('Ledger', 'l-2').note();
    this.ctx.outbox.publish('sold', { item: 'x' });
  }
}

class Ledger extends Actor {
  static readonly type = 'Ledger';
  static readonly subscriptions = [{ topic: 'sold', method: 'sold', id: () => 'l-3' }];

  note(): void {}

  sold(): void {}
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

const idOf = (span: ReadableSpan): string => span.spanContext().spanId;

test('one trace goes from a request through actor calls, durable sends and an event', async () => {
  const exporter = new InMemorySpanExporter();
  await using tracer = await openTracing({
    serviceName: 'shop',
    samplingRate: 0,
    exporters: [exporter],
    immediate: true,
  });
  await using system = await createSystem({ actors: [Seller, Ledger], http: { port: 0 }, tracer });

  const answer = await fetch(
    `http://127.0.0.1:${system.http!.port}/v1.0/actors/Seller/s-1/method/sell`,
    { method: 'POST', headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` } },
  );
  expect(answer.status).toBe(200);
  await system.outboxIdle();

  await vi.waitFor(() => expect(exporter.getFinishedSpans()).toHaveLength(6));
  const spans = exporter.getFinishedSpans();
  expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE]));
  const parents = (span: ReadableSpan): string | undefined =>
    spans.find((one) => idOf(one) === span.parentSpanContext?.spanId)?.name;
  expect(spans.map((span) => `${span.name} < ${parents(span)}`).toSorted()).toEqual([
    'CallActor/Ledger/note < CallActor/Seller/sell',
    'CallActor/Ledger/note < CallActor/Seller/sell',
    'CallActor/Ledger/sold < pubsub/sold',
    'CallActor/Seller/sell < CallActor/Seller/sell',
    'CallActor/Seller/sell < undefined',
    'pubsub/sold < CallActor/Seller/sell',
  ]);
  // The caller gets the context of its request's own span.
  const request = spans.find((span) => span.parentSpanContext?.spanId === '00f067aa0ba902b7')!;
  expect(answer.headers.get('traceparent')).toBe(`00-${TRACE}-${idOf(request)}-01`);
});

test('a trace that its caller does not sample is passed on and exported nowhere', async () => {
  const exporter = new InMemorySpanExporter();
  await using tracer = await openTracing({
    serviceName: 'shop',
    samplingRate: 1,
    exporters: [exporter],
    immediate: true,
  });
  await using system = await createSystem({ actors: [Ledger], http: { port: 0 }, tracer });

  const answer = await fetch(
    `http://127.0.0.1:${system.http!.port}/v1.0/actors/Ledger/l-1/method/note`,
    { method: 'POST', headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-00` } },
  );

  expect(answer.headers.get('traceparent')).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  expect(exporter.getFinishedSpans()).toEqual([]);
});
