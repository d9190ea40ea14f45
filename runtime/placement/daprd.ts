/**
 * Placement by a daprd beside this process: it knows who owns an actor and
 * gives out the turns, so every call goes to it, and what comes back from it is
 * this host's. Dapr does not fence; all activations here are of one term.
 */
import { TroupeError, fromWireError, type WireError } from '../core/errors.ts';
import { LocalValue, toBytes, type Payload } from '../core/codec.ts';
import type { Peer, PeerCall } from '../core/peer.ts';
import type { Clock, Owner, Placement } from '../core/ports.ts';
import { callHeaders } from '../transport/call-headers.ts';

const HERE: Owner = { kind: 'here', term: 1 };
/** What daprd passes on as the actor's own error; its body is ours then. */
export const ERROR_HEADER = 'x-daprerrorresponseheader';

export function createDaprdPlacement(address: string): Placement {
  return {
    gate: address,
    owner: () => HERE,
    fenced() {},
    async [Symbol.asyncDispose]() {},
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly bytes: Uint8Array;
}

export interface DaprdPeerOptions {
  readonly clock: Clock;
  /** One request to daprd. Errors: UNAVAILABLE, CANCELLED. */
  readonly ask: (request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array;
    readonly signal: AbortSignal;
  }) => Promise<Answer>;
  /** The error that an answer of daprd's own stands for. */
  readonly refused: (answer: Answer, call: PeerCall) => TroupeError;
}

export function createDaprdPeer({ clock, ask, refused }: DaprdPeerOptions): Peer {
  return {
    async call(_address, call, signal): Promise<Payload> {
      const { type, id, method } = call;
      const path = [type, id, 'method', method].map(encodeURIComponent).join('/');
      const answer = await ask({
        method: 'PUT',
        path: `/v1.0/actors/${path}`,
        headers: { 'content-type': contentTypeOf(call.payload), ...callHeaders(call, clock.now()) },
        body: toBytes(call.payload),
        signal,
      });
      const isError = answer.headers[ERROR_HEADER] !== undefined;
      if (isError || answer.status !== 200) {
        throw thrownBy(answer) ?? (isError ? foreign(answer, call) : refused(answer, call));
      }
      return payloadOf(answer);
    },
  };
}

/** Bytes that are a value of their own, and no JSON. */
export const BYTES = 'application/octet-stream';

function contentTypeOf(payload: Payload): string {
  const isBytes = payload instanceof LocalValue && payload.value instanceof Uint8Array;
  return isBytes ? BYTES : 'application/json';
}

/** Bytes of a method's own come under another content type than JSON. */
function payloadOf({ headers, bytes }: Answer): Payload {
  return headers['content-type'] === BYTES ? new LocalValue(bytes) : bytes;
}

/** The error as it was thrown by a Troupe on the way, be it the actor or a sidecar. */
function thrownBy({ bytes }: Answer): TroupeError | undefined {
  try {
    const { details } = JSON.parse(new TextDecoder().decode(bytes)) as { details?: WireError };
    const isOurs = typeof details?.code === 'string' && typeof details.message === 'string';
    return isOurs ? fromWireError(details) : undefined;
  } catch {
    return undefined;
  }
}

/** An actor of another SDK failed; it is told by what it wrote. */
function foreign({ bytes }: Answer, { type, id, method }: PeerCall): TroupeError {
  const text = new TextDecoder().decode(bytes);
  return new TroupeError('COMPONENT', `${type}/${id} ${method} failed in its app: ${text}`, {
    actor: { type, id },
    method,
  });
}
