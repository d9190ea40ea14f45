/** The questions that a row asks of a target: one request, over HTTP or gRPC. */
import { createProtos } from '../../runtime/transport/grpc/proto.ts';
import { DAPR_SERVICE } from '../../runtime/transport/grpc/dapr-methods.ts';
import {
  loadGrpc,
  loadHttp,
  type GrpcRequest,
  type HttpRequest,
  type Load,
  type Offered,
} from '../harness/load.ts';
import type { Kind } from './sidecars.ts';
import { appIdOf, type Target, type World } from './worlds.ts';

export interface Row {
  readonly name: string;
  readonly transport: 'HTTP' | 'gRPC';
  /** Which target of a world it is sent to. */
  readonly of: Exclude<keyof World, symbol>;
  readonly request: HttpRequest | GrpcRequest;
  /** Every request is one event that the app must get. */
  readonly delivers?: true;
}

const KEYS = 1000;
const protos = createProtos();

function grpc(method: string, request: (at: number) => object): GrpcRequest {
  const { request: codec } = protos.method<object, object>(DAPR_SERVICE, method);
  const messages = Array.from({ length: KEYS }, (_, at) => codec.encode(request(at)));
  return { method: `/${DAPR_SERVICE}/${method}`, messages };
}

const VALUE = { name: 'a value of some length', amount: 42, tags: ['a', 'b', 'c'] };
const bytes = Buffer.from(JSON.stringify(VALUE));
// The SDK sends arguments as an array.
const ADD = Buffer.from('[1]');
const actor = (actorType: string): GrpcRequest =>
  grpc('InvokeActor', (at) => ({ actorType, actorId: `a-${at}`, method: 'add', data: ADD }));
const actorHttp = (type: string): HttpRequest => ({
  verb: 'PUT',
  path: `/v1.0/actors/${type}/a-{i}/method/add`,
  body: '[1]',
});

const SET: Row = {
  name: 'state set',
  transport: 'HTTP',
  of: 'shop',
  request: {
    verb: 'POST',
    path: '/v1.0/state/store',
    body: JSON.stringify([{ key: 'k-{i}', value: VALUE }]),
    status: 204,
  },
};

/** Actors are called alike wherever they live. */
export const ACTOR: Readonly<Record<'HTTP' | 'gRPC', HttpRequest | GrpcRequest>> = {
  HTTP: actorHttp('Counter'),
  gRPC: actor('Counter'),
};

/** The rows of one kind, in one order for both; the apps have ids of their own. */
export const rowsOf = (kind: Kind): readonly Row[] => [
  SET,
  {
    name: 'state get',
    transport: 'HTTP',
    of: 'shop',
    request: { verb: 'GET', path: '/v1.0/state/store/k-{i}' },
  },
  {
    name: 'publish and deliver',
    transport: 'HTTP',
    of: 'shop',
    request: {
      verb: 'POST',
      path: '/v1.0/publish/pubsub/news',
      body: JSON.stringify(VALUE),
      status: 204,
    },
    delivers: true,
  },
  {
    name: 'invoke, one sidecar',
    transport: 'HTTP',
    of: 'shop',
    request: {
      verb: 'POST',
      path: `/v1.0/invoke/${appIdOf(kind, 'shop')}/method/echo`,
      body: JSON.stringify(VALUE),
    },
  },
  {
    name: 'invoke, two sidecars',
    transport: 'HTTP',
    of: 'far',
    request: {
      verb: 'POST',
      path: `/v1.0/invoke/${appIdOf(kind, 'other')}/method/echo`,
      body: JSON.stringify(VALUE),
    },
  },
  {
    name: 'actor call, bare app',
    transport: 'HTTP',
    of: 'shop',
    request: actorHttp('Bare'),
  },
  { name: 'actor call, SDK app', transport: 'HTTP', of: 'sdk', request: ACTOR['HTTP'] },
  {
    name: 'state set',
    transport: 'gRPC',
    of: 'shop',
    request: grpc('SaveState', (at) => ({
      storeName: 'store',
      states: [{ key: `k-${at}`, value: bytes }],
    })),
  },
  {
    name: 'state get',
    transport: 'gRPC',
    of: 'shop',
    request: grpc('GetState', (at) => ({ storeName: 'store', key: `k-${at}` })),
  },
  {
    name: 'publish and deliver',
    transport: 'gRPC',
    of: 'shop',
    request: grpc('PublishEvent', () => ({
      pubsubName: 'pubsub',
      topic: 'news',
      data: bytes,
      dataContentType: 'application/json',
    })),
    delivers: true,
  },
  {
    name: 'invoke, one sidecar',
    transport: 'gRPC',
    of: 'shop',
    request: grpc('InvokeService', () => ({
      id: appIdOf(kind, 'shop'),
      message: {
        method: 'echo',
        data: { value: bytes },
        contentType: 'application/json',
        httpExtension: { verb: 3 },
      },
    })),
  },
  {
    name: 'proxied call, two sidecars',
    transport: 'gRPC',
    of: 'far',
    request: {
      method: '/bench.Echo/Say',
      messages: [bytes],
      metadata: { 'dapr-app-id': appIdOf(kind, 'remote') },
    },
  },
  { name: 'actor call, bare app', transport: 'gRPC', of: 'shop', request: actor('Bare') },
  { name: 'actor call, SDK app', transport: 'gRPC', of: 'sdk', request: ACTOR['gRPC'] },
];

export function send(
  { httpPort, grpcPort }: Pick<Target, 'httpPort' | 'grpcPort'>,
  request: HttpRequest | GrpcRequest,
  offered: Offered,
): Promise<Load> {
  return 'verb' in request
    ? loadHttp(httpPort, request, offered)
    : loadGrpc(grpcPort, request, offered);
}
