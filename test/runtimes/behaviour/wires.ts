/** Refs of a caller outside, over Dapr's HTTP and gRPC APIs. */
import protobuf from 'protobufjs/minimal.js';
import type { CallOptions } from '../../../runtime/actor/index.ts';
import { copyOf, toBytes, toValue } from '../../../runtime/core/codec.ts';
import { fromWireError, TroupeError, type WireError } from '../../../runtime/core/errors.ts';
import type { PeerCall } from '../../../runtime/core/peer.ts';
import { createRef } from '../../../runtime/core/ref.ts';
import { createSystemClock } from '../../../runtime/hosts/system-clock.ts';
import { createDaprdPeer } from '../../../runtime/placement/daprd.ts';
import { askDaprd, textOf } from '../../../runtime/stores/daprd.ts';
import { createAppHttp } from '../../../runtime/targets/app-http.ts';
import { createGrpcClient } from '../../../runtime/transport/grpc/client.ts';
import { createProtos } from '../../../runtime/transport/grpc/proto.ts';
import { decodeDetails } from '../../../runtime/transport/grpc/status-details.ts';
import { CODES, GrpcError } from '../../../runtime/transport/grpc/status.ts';
import type { Opened } from './stage.ts';

type Refs = Pick<Opened, 'ref'> & AsyncDisposable;
type Address = { readonly host: string; readonly port: number };
type Send = (call: PeerCall, signal: AbortSignal) => Promise<unknown>;

const DEFAULT_MS = 60_000;

/** A ref as the product has it in a process: deadline and signal end the call here, whatever the other side does. */
function refOf(type: string, id: string, send: Send): object {
  return createRef((method, argument, options) => {
    const { signal, timeout = DEFAULT_MS } = (options ?? {}) as CallOptions;
    const payload = copyOf(argument);
    const ending = new AbortController();
    const call = { type, id, method, payload, kind: 'method', deadline: Date.now() + timeout };
    return new Promise((resolve, reject) => {
      const end = (error: TroupeError): void => {
        reject(error);
        ending.abort(error);
      };
      const late = setTimeout(() => end(new TroupeError('TIMEOUT', `${method} is late`)), timeout);
      signal?.addEventListener('abort', () => end(new TroupeError('CANCELLED', 'given up')));
      void send(call as PeerCall, ending.signal)
        .then(resolve, reject)
        .finally(() => clearTimeout(late));
    });
  });
}

export function httpRefs({ host, port }: Address): Refs {
  const http = createAppHttp({ host, port });
  const peer = createDaprdPeer({
    clock: createSystemClock(),
    ask: (request) => askDaprd(http, request),
    refused: (answer) => new TroupeError('INTERNAL', textOf(answer)),
  });
  const send: Send = async (call, signal) => toValue(await peer.call('', call, signal));
  return {
    ref: (type, id) => refOf(type, id, send) as never,
    [Symbol.asyncDispose]: () => http.close(),
  };
}

/** What the host put whole into the details of a status. */
function wireErrorOf(details: Uint8Array): WireError | undefined {
  for (const { value } of decodeDetails(details)) {
    const reader = protobuf.Reader.create(value);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 !== 3) {
        reader.skipType(tag & 7);
        continue;
      }
      const entry = protobuf.Reader.create(reader.bytes());
      const texts: string[] = [];
      while (entry.pos < entry.len) {
        entry.uint32();
        texts.push(entry.string());
      }
      if (texts[0] === 'error') return JSON.parse(texts[1]!) as WireError;
    }
  }
  return undefined;
}

export function grpcRefs({ host, port }: Address): Refs {
  const client = createGrpcClient({ host, port, maxMessageBytes: 4 * 1024 * 1024 });
  const protos = createProtos();
  const service = 'dapr.proto.runtime.v1.Dapr';
  const send: Send = async (call, signal) => {
    const { request, response } = protos.method<object, { data: Uint8Array }>(
      service,
      'InvokeActor',
    );
    const { type: actorType, id: actorId, method, payload, deadline } = call;
    const message = request.encode({ actorType, actorId, method, data: toBytes(payload) });
    const timeoutMs = deadline - Date.now();
    try {
      const path = `/${service}/InvokeActor`;
      const reply = await client.unary(path, message, { signal, timeoutMs });
      return toValue(response.decode(reply.message).data);
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      const { status } = error;
      if (status.code === CODES.DEADLINE_EXCEEDED) throw new TroupeError('TIMEOUT', 'late');
      const wire = status.details && wireErrorOf(status.details);
      throw wire ? fromWireError(wire) : error;
    }
  };
  return {
    ref: (type, id) => refOf(type, id, send) as never,
    [Symbol.asyncDispose]: () => client.close(),
  };
}
