/** Two ends of a connection between sidecars, on a free port, and what apps say through it. */
import { afterEach } from 'vitest';
import type { AppRequest, AppResponse } from '../../api/invoke.ts';
import { TroupeError } from '../../core/errors.ts';
import { protos } from '../grpc/grpc.fixture.ts';
import { createPeers, type OpenPeers, type PeersOptions } from './client.ts';
import { createPeerServer, type PeerServerOptions } from './server.ts';

export const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** Closed after each test, the last one first. */
export const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

export async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

export async function textOf({ body }: Pick<AppResponse, 'body'>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** An app that tells what it was sent. */
export const telling = async (request: AppRequest): Promise<AppResponse> => {
  const { method, path, query, headers } = request;
  const body = await textOf({ body: request.body as AsyncIterable<Uint8Array> });
  const answer = JSON.stringify({ method, path, query, headers, body });
  return {
    status: 201,
    headers: { 'content-type': 'application/json', 'x-app': ['a', 'b'] },
    body: chunks(answer),
  };
};

export async function pair(
  deliver: PeerServerOptions['deliver'],
  options: Partial<PeerServerOptions> & Pick<PeersOptions, 'maxMessageBytes'> = {},
): Promise<{ peers: OpenPeers; port: number }> {
  const actors: PeerServerOptions['actors'] = {
    call: ({ type, id, method, payload }) => {
      if (type !== 'Cart') return Promise.reject(new TroupeError('NOT_FOUND', 'no such type'));
      const text = Buffer.from(payload as Uint8Array).toString();
      return Promise.resolve({ data: JSON.stringify(`${id}.${method}(${text})`), binary: false });
    },
  };
  const server = await createPeerServer({ logger: silent, protos, deliver, actors, ...options });
  const peers = createPeers({
    protos,
    resolver: { resolve: () => Promise.resolve({ host: server.host, port: server.port }) },
    maxMessageBytes: options.maxMessageBytes,
  });
  open.push(server, peers);
  return { peers, port: server.port };
}

export const callee = { appId: 'stock', namespace: 'default' };
