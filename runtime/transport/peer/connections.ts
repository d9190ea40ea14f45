/** Connections to other sidecars, one an address, kept while they are used. */
import type { Telemetry } from '../../core/telemetry.ts';
import { createGrpcClient, type GrpcClient } from '../grpc/client.ts';

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

export interface PeerConnectionsOptions {
  /** Default 4 MiB; 0 or less: no limit. */
  readonly maxMessageBytes?: number | undefined;
  readonly telemetry?: Telemetry | undefined;
}

export interface PeerConnections extends AsyncDisposable {
  to(address: PeerAddress): GrpcClient;
  close(): Promise<void>;
}

export const MAX_BYTES = 4 * 1024 * 1024;
/** A connection that no call used for so long is closed. */
const IDLE_MS = 60_000;

export function createPeerConnections({
  maxMessageBytes: limit = MAX_BYTES,
  telemetry,
}: PeerConnectionsOptions): PeerConnections {
  const maxMessageBytes = limit > 0 ? limit : Number.POSITIVE_INFINITY;
  const clients = new Map<string, { readonly client: GrpcClient; usedAt: number }>();
  const sweep = setInterval(() => {
    for (const [key, { client, usedAt }] of clients) {
      if (client.calls > 0 || Date.now() - usedAt < IDLE_MS) continue;
      clients.delete(key);
      void client.close();
    }
  }, IDLE_MS);
  sweep.unref();
  const close = async (): Promise<void> => {
    clearInterval(sweep);
    await Promise.all([...clients.values()].map(({ client }) => client.close()));
    clients.clear();
  };
  return {
    to({ host, port }) {
      const key = `${host}:${port}`;
      let open = clients.get(key);
      if (!open) {
        open = { client: createGrpcClient({ host, port, maxMessageBytes, telemetry }), usedAt: 0 };
        clients.set(key, open);
      }
      open.usedAt = Date.now();
      return open.client;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
