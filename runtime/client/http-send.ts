/** One request to the sidecar's HTTP API, over connections that are kept. */
import { Agent, request as plain, type IncomingHttpHeaders } from 'node:http';
import { Agent as SecureAgent, request as secure } from 'node:https';
import { brokenOff, cancelled, httpFailure, timedOut, unreachable } from './failures.ts';
import type { Limits } from './wire.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Outgoing {
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Sender {
  /** Errors: those that the answer stands for, UNAVAILABLE, TIMEOUT, CANCELLED. */
  send(method: string, path: string, outgoing: Outgoing, limits: Limits): Promise<Answer>;
  close(): void;
}

/** Refused or not found: no connection stood, so that nothing was sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']);

export function createSender(base: URL, apiToken: string | undefined): Sender {
  const isSecure = base.protocol === 'https:';
  const agent = isSecure ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const open = isSecure ? secure : plain;
  const token = apiToken === undefined ? {} : { 'dapr-api-token': apiToken };

  function exchange(
    method: string,
    path: string,
    { body, headers }: Outgoing,
    signal: AbortSignal,
  ): { answer: Promise<Answer>; isReused(): boolean } {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const length = body === undefined ? 0 : Buffer.byteLength(body);
    const outgoing = open(
      new URL(path, base),
      {
        method,
        agent,
        signal,
        headers: {
          ...token,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
          ...(length > 0 || method !== 'GET' ? { 'content-length': length } : {}),
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () => {
          const { statusCode: status = 0, headers: answered } = incoming;
          resolve({ status, headers: answered, body: Buffer.concat(chunks) });
        });
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
    return { answer: promise, isReused: () => outgoing.reusedSocket };
  }

  async function attempt(
    method: string,
    path: string,
    outgoing: Outgoing,
    limits: Limits,
    mayRepeat: boolean,
  ): Promise<Answer> {
    const late = AbortSignal.timeout(limits.timeoutMs);
    const signal = limits.signal ? AbortSignal.any([limits.signal, late]) : late;
    const { answer, isReused } = exchange(method, path, outgoing, signal);
    try {
      return await answer;
    } catch (cause) {
      if (limits.signal?.aborted) throw cancelled(limits.signal);
      if (late.aborted) throw timedOut(limits.timeoutMs);
      if (NOT_SENT.has((cause as NodeJS.ErrnoException).code ?? '')) {
        throw unreachable(base.origin, cause);
      }
      // The server may close a kept connection while a request is on its way; reading twice harms nobody.
      if (mayRepeat && isReused() && method === 'GET') {
        return attempt(method, path, outgoing, limits, false);
      }
      throw brokenOff(base.origin, cause);
    }
  }

  return {
    async send(method, path, outgoing, limits) {
      const answer = await attempt(method, path, outgoing, limits, true);
      if (answer.status >= 400) throw httpFailure(answer.status, answer.body);
      return answer;
    },
    close: () => agent.destroy(),
  };
}
