/** The way from host to host, where actors are shared by several. */
import type { Payload } from './codec.ts';
import type { CallKind, OutgoingCall } from './ports.ts';

/** A call on its way to the host that owns the actor. */
export interface PeerCall extends Pick<
  OutgoingCall,
  'type' | 'id' | 'method' | 'payload' | 'chainId' | 'chain' | 'once' | 'headers' | 'wire'
> {
  readonly kind: CallKind;
  readonly deadline: number;
}

/**
 * Carries a call to the host that owns the actor. Errors: MOVED when that host
 * does not have it any more, UNAVAILABLE, whose details say `started: false` when
 * the call cannot have begun there, and what the turn there ended with.
 */
export interface Peer {
  call(address: string, call: PeerCall, signal: AbortSignal): Promise<Payload>;
}
