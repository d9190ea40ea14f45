/**
 * HTTP/2 without TLS beside HTTP/1.1 on one port, for clients that begin with
 * it ("prior knowledge"). A connection is looked at once: its first bytes say
 * which of the two it speaks.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** How every HTTP/2 connection begins; three bytes tell it from any method of HTTP/1.1. */
const PREFACE = Buffer.from('PRI');

export interface CleartextHttp2 {
  /** Lets open streams end within the grace, then cuts them. */
  close(graceMs: number): Promise<void>;
}

export function serveCleartextHttp2(
  server: Server,
  onRequest: (message: IncomingMessage, response: ServerResponse) => void,
  firstBytesTimeoutMs: number,
): CleartextHttp2 {
  const first = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const sessions = new Set<ServerHttp2Session>();
  const undecided = new Set<Socket>();
  const second = createServer((message, response) =>
    onRequest(message as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  second.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });

  server.on('connection', (socket) => {
    undecided.add(socket);
    const giveUp = (): void => void socket.destroy();
    const late = setTimeout(giveUp, firstBytesTimeoutMs).unref();
    socket.once('error', giveUp);
    socket.once('close', () => {
      clearTimeout(late);
      undecided.delete(socket);
    });
    socket.once('data', (chunk: Buffer) => {
      clearTimeout(late);
      undecided.delete(socket);
      socket.removeListener('error', giveUp);
      socket.pause();
      socket.unshift(chunk);
      // An HTTP/2 session takes what was read before it by itself, and only from a socket that stands still.
      if (chunk.subarray(0, PREFACE.length).equals(PREFACE)) {
        // A server of HTTP/1.1 lets sockets stand half open; a session waits for the close.
        socket.allowHalfOpen = false;
        second.emit('connection', socket);
        return;
      }
      for (const listener of first) listener.call(server, socket);
      socket.resume();
    });
  });

  return {
    async close(graceMs) {
      for (const socket of undecided) socket.destroy();
      const cut = setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, graceMs);
      await Promise.all(
        [...sessions].map((session) => new Promise<void>((resolve) => session.close(resolve))),
      );
      clearTimeout(cut);
    },
  };
}
