/**
 * The store's actor as an edge calls it: one connection that is kept, JSON over
 * the runtime's HTTP API, every byte at the socket counted.
 */
import { Agent, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import type { Socket } from 'node:net';
import { TroupeError } from '../../runtime/core/errors.ts';

export interface CentreOptions {
  /** Such as `http://127.0.0.1:3500`. */
  readonly url: string;
  readonly store: string;
  /** Sent as `dapr-api-token`. */
  readonly apiToken?: string;
  /** Milliseconds for an answer. Default 10,000. */
  readonly timeout?: number;
}

export interface Answer {
  readonly through: Readonly<Record<string, number>>;
  /** Settings that the camera does not have yet. */
  readonly desired?: { readonly version: number; readonly settings: unknown };
}

export interface Centre extends Disposable {
  /**
   * @throws TroupeError UNAVAILABLE when there was no answer; with the actor's
   * own code in `details.code` when it refused.
   */
  report(body: object, signal: AbortSignal): Promise<Answer>;
  /** Bytes at the socket so far. */
  bytes(): { sent: number; received: number };
}

const DEFAULT_TIMEOUT = 10_000;
const MOST_ANSWER = 1024 * 1024;

export function openCentre({
  url,
  store,
  apiToken,
  timeout = DEFAULT_TIMEOUT,
}: CentreOptions): Centre {
  const address = new URL(`/v1.0/actors/Store/${encodeURIComponent(store)}/method/report`, url);
  const isSecure = address.protocol === 'https:';
  const agent = new (isSecure ? SecureAgent : Agent)({ keepAlive: true, maxSockets: 1 });
  const ask = isSecure ? secureRequest : request;
  const closed = { sent: 0, received: 0 };
  const sockets = new Set<Socket>();
  const watch = (socket: Socket): void => {
    if (sockets.has(socket)) return;
    sockets.add(socket);
    socket.once('close', () => {
      closed.sent += socket.bytesWritten;
      closed.received += socket.bytesRead;
      sockets.delete(socket);
    });
  };
  return {
    report: (body, signal) =>
      new Promise((resolve, reject) => {
        const text = JSON.stringify(body);
        const fail = (cause: unknown): void =>
          reject(new TroupeError('UNAVAILABLE', `the centre at ${url} does not answer`, { cause }));
        const call = ask(address, {
          method: 'PUT',
          agent,
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            ...(apiToken ? { 'dapr-api-token': apiToken } : {}),
          },
        });
        call.on('socket', watch);
        call.on('error', fail);
        call.on('response', (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MOST_ANSWER) call.destroy(new Error('the answer is too long'));
            chunks.push(chunk);
          });
          response.on('error', fail);
          response.on('end', () => {
            try {
              const answer: unknown = JSON.parse(Buffer.concat(chunks).toString());
              if (response.statusCode === 200) resolve(answer as Answer);
              else reject(refused(store, response.statusCode, answer));
            } catch (error) {
              fail(error);
            }
          });
        });
        call.end(text);
      }),
    bytes() {
      const open = [...sockets];
      return {
        sent: open.reduce((sum, { bytesWritten }) => sum + bytesWritten, closed.sent),
        received: open.reduce((sum, { bytesRead }) => sum + bytesRead, closed.received),
      };
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function refused(store: string, status: number | undefined, answer: unknown): TroupeError {
  const { errorCode, message, details } = (answer ?? {}) as {
    errorCode?: string;
    message?: string;
    details?: { details?: Readonly<Record<string, unknown>> };
  };
  const text = `the store ${store} refused a report: ${message ?? `status ${status}`}`;
  return new TroupeError('UNAVAILABLE', text, {
    details: { code: errorCode, ...details?.details },
  });
}
