import type { Block, Case } from '../case.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const CLOUD_EVENT = { 'content-type': 'application/cloudevents+json' };

const publish = (
  topic: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = JSON_TYPE,
): Case => ({ verb: 'POST', path: `/v1.0/publish/pubsub/${topic}`, headers, body });

const event = (more: object) => ({
  specversion: '1.0',
  id: 'e-1',
  source: 'shop',
  type: 'order',
  ...more,
});

export const events: Block[] = [
  {
    name: 'publishing over HTTP and delivery',
    cases: [
      publish('plain', { n: 1 }),
      { app: '/events/plain', count: 1 },
      publish('plain', 'text', { 'content-type': 'text/plain' }),
      { app: '/events/plain', count: 1 },
      publish('plain', 'no type', {}),
      { app: '/events/plain', count: 1 },
      publish('plain', 'bytes', { 'content-type': 'application/octet-stream' }),
      { app: '/events/plain', count: 1 },
      publish('plain', '<a/>', { 'content-type': 'application/xml' }),
      { app: '/events/plain', count: 1 },
      publish('plain', '[1,2]'),
      { app: '/events/plain', count: 1 },
      publish('plain', '"a string"'),
      { app: '/events/plain', count: 1 },
      publish('plain', 'null'),
      { app: '/events/plain', count: 1 },
      publish('plain', '', {}),
      { app: '/events/plain', count: 1 },
      publish('plain', '{broken'),
      { app: '/events/plain', count: 1 },
      publish('plain?metadata.ttlInSeconds=60', { n: 2 }),
      { app: '/events/plain', count: 1 },
      publish('plain?metadata.cloudevent.type=custom&metadata.cloudevent.id=mine', { n: 3 }),
      { app: '/events/plain', count: 1 },
      publish('plain?metadata.cloudevent.subject=s&metadata.cloudevent.source=src', { n: 4 }),
      { app: '/events/plain', count: 1 },
      publish('plain', event({ data: { n: 5 } }), CLOUD_EVENT),
      { app: '/events/plain', count: 1 },
      publish('plain', event({ data: 'text', datacontenttype: 'text/plain' }), CLOUD_EVENT),
      { app: '/events/plain', count: 1 },
      publish('plain', event({ data_base64: 'AAEC', extra: 'kept' }), CLOUD_EVENT),
      { app: '/events/plain', count: 1 },
      publish('plain', '{"specversion":', CLOUD_EVENT),
      publish('plain?metadata.rawPayload=true', { raw: 1 }),
      { app: '/events/plain', count: 1 },
      publish('raw?metadata.rawPayload=true', { raw: 2 }),
      { app: '/events/raw', count: 1 },
      publish('raw', { raw: 3 }),
      { app: '/events/raw', count: 1 },
      publish('dropped', { n: 1 }),
      { app: '/events/d', count: 2 },
      publish('missing', { n: 1 }),
      { app: '/events/', count: 2 },
    ],
  },
  {
    name: 'routing by rules',
    cases: [
      publish('routed?metadata.cloudevent.type=order', { size: 1 }),
      publish('routed', { size: 9 }),
      publish('routed', { size: 2 }),
      publish('routed', 'text', { 'content-type': 'text/plain' }),
      { app: '/events/', count: 4 },
    ],
  },
  {
    name: 'bulk publishing and bulk subscriptions',
    cases: [
      {
        verb: 'POST',
        path: '/v1.0/publish/bulk/pubsub/bulk',
        body: [
          { entryId: '1', event: { n: 1 }, contentType: 'application/json' },
          { entryId: '2', event: 'two', contentType: 'text/plain' },
        ],
      },
      { app: '/events/bulk', count: 2 },
      {
        verb: 'POST',
        path: '/v1.0-alpha1/publish/bulk/pubsub/plain',
        body: [
          { entryId: 'a', event: { n: 1 }, contentType: 'application/json', metadata: { k: 'v' } },
          { entryId: 'b', event: 'AAEC', contentType: 'application/octet-stream' },
        ],
      },
      { app: '/events/plain', count: 2 },
      ...[
        '',
        '{}',
        '[]',
        [{ event: 1 }],
        [
          { entryId: '1', event: 1, contentType: 'application/json' },
          { entryId: '1', event: 2, contentType: 'application/json' },
        ],
        [{ entryId: '1', contentType: 'application/json' }],
        [{ entryId: '1', event: { n: 1 }, contentType: 'text/plain' }],
      ].map((body): Case => ({
        verb: 'POST',
        path: '/v1.0/publish/bulk/pubsub/nobody',
        body,
        words: false,
      })),
      { verb: 'POST', path: '/v1.0/publish/bulk/nowhere/plain', body: [] },
      { verb: 'POST', path: '/v1.0/publish/bulk/pubsub/', body: [] },
    ],
  },
  {
    name: 'publishing that is refused',
    cases: [
      publish('', { n: 1 }),
      { verb: 'POST', path: '/v1.0/publish/nowhere/plain', body: { n: 1 } },
      { verb: 'POST', path: '/v1.0/publish/pubsub', body: { n: 1 } },
      { verb: 'GET', path: '/v1.0/publish/pubsub/plain' },
      { verb: 'POST', path: '/v1.0/publish/scoped/forbidden', body: { n: 1 } },
      { verb: 'POST', path: '/v1.0/publish/scoped/allowed', body: { n: 1 } },
      { verb: 'POST', path: '/v1.0/publish/scoped/protected', body: { n: 1 } },
      { verb: 'POST', path: '/v1.0/publish/bulk/scoped/forbidden', body: [] },
      publish('plain?metadata.ttlInSeconds=soon', { n: 1 }),
      { app: '/events/plain', count: 1 },
      publish('with/slash', { n: 1 }),
      { verb: 'PUT', path: '/v1.0/publish/pubsub/nobody', headers: JSON_TYPE, body: '1' },
    ],
  },
  {
    name: 'publishing over gRPC',
    cases: [
      ...['', 'text/plain', 'application/json', 'application/octet-stream'].flatMap(
        (dataContentType): Case[] => [
          {
            grpc: 'PublishEvent',
            request: {
              pubsubName: 'pubsub',
              topic: 'plain',
              data: { bytes: '{"n":1}' },
              dataContentType,
            },
          },
          { app: '/events/plain', count: 1 },
        ],
      ),
      { grpc: 'PublishEvent', request: { pubsubName: 'nowhere', topic: 'plain' } },
      { grpc: 'PublishEvent', request: { pubsubName: '', topic: 'plain' } },
      { grpc: 'PublishEvent', request: { pubsubName: 'pubsub', topic: '' } },
      { grpc: 'PublishEvent', request: { pubsubName: 'scoped', topic: 'forbidden' } },
      {
        grpc: 'PublishEvent',
        request: {
          pubsubName: 'pubsub',
          topic: 'plain',
          data: { bytes: '{broken' },
          dataContentType: 'application/cloudevents+json',
        },
        words: false,
      },
      {
        grpc: 'BulkPublishEventAlpha1',
        request: {
          pubsubName: 'pubsub',
          topic: 'plain',
          entries: [
            { entryId: '1', event: { bytes: '1' }, contentType: 'application/json' },
            { entryId: '2', event: { bytes: 'b' }, contentType: 'text/plain' },
          ],
        },
      },
      { app: '/events/plain', count: 2 },
      {
        grpc: 'BulkPublishEventAlpha1',
        request: {
          pubsubName: 'pubsub',
          topic: 'plain',
          entries: [
            { entryId: '1', event: { bytes: '1' } },
            { entryId: '1', event: { bytes: '1' } },
          ],
        },
      },
      {
        grpc: 'BulkPublishEvent',
        request: {
          pubsubName: 'pubsub',
          topic: 'plain',
          entries: [{ entryId: '1', event: { bytes: 'b' }, contentType: 'text/plain' }],
        },
      },
      { app: '/events/plain', count: 1 },
      { grpc: 'BulkPublishEventAlpha1', request: { pubsubName: 'nowhere', topic: 'plain' } },
      { grpc: 'BulkPublishEventAlpha1', request: { pubsubName: 'pubsub', topic: '' } },
    ],
  },
];
