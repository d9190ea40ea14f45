/** Where a server listens, and what a user is told when it cannot. */
import { createServer, type Server } from 'node:net';
import { TroupeError } from '../core/errors.ts';

/** A TCP port, or the path of a Unix socket. */
export type ListenAt = { readonly host: string; readonly port: number } | { readonly path: string };

function listenError(cause: NodeJS.ErrnoException, at: ListenAt): TroupeError {
  const place = 'path' in at ? at.path : `${at.host}:${at.port}`;
  const why: Record<string, string> =
    'path' in at
      ? {
          EADDRINUSE: `the socket ${place} is in use by another program; stop it, or remove the file it left`,
          EACCES: `this user may not create the socket ${place}; choose a folder of your own`,
          ENOENT: `the folder of the socket ${place} does not exist; create it first`,
        }
      : {
          EADDRINUSE: `port ${at.port} on ${at.host} is in use by another program; stop it, or choose another port (0 picks a free one)`,
          EACCES: `this user may not listen on ${place}; choose a port above 1023`,
          EADDRNOTAVAIL: `${at.host} is no address of this machine; use 127.0.0.1, or 0.0.0.0 for all`,
        };
  const text = why[cause.code ?? ''] ?? `listening on ${place} failed: ${cause.message}`;
  return new TroupeError('UNAVAILABLE', text, { cause, retryable: false });
}

/** Resolves when the server takes connections. Errors: UNAVAILABLE naming the place and what to do. */
export function listen(server: Server, at: ListenAt): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(listenError(cause, at));
    server.once('error', fail);
    server.listen(at, () => {
      server.removeListener('error', fail);
      resolve();
    });
  });
}

/**
 * Keeps a port from being taken, by a connection of this process that needs one
 * of its own for instance, until the server that it is for comes. Who connects
 * before then is hung up on. Errors: as `listen`.
 */
export async function reservePort(at: ListenAt): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  await listen(server, at);
  return {
    async [Symbol.asyncDispose]() {
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
