/**
 * What a call between hosts says beside its argument, as headers that daprd
 * passes on untouched: the one codec of both ends.
 */
import { TIMEOUT_HEADER } from '../api/actor-routes.ts';
import { IDEMPOTENCY_HEADER, onceOf as onceOfKey } from '../api/actors.ts';
import type { ActorAddress } from '../core/errors.ts';
import type { PeerCall } from '../core/peer.ts';
import type { OutgoingCall } from '../core/ports.ts';

const REENTRANCY_HEADER = 'dapr-reentrancy-id';
const CHAIN_HEADER = 'troupe-chain';
const ONCE_HEADER = 'troupe-once';

/** daprd takes 4 KiB of headers in all; of a longer chain the innermost links go. */
const LONGEST_CHAIN = 1500;

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

function chainText(chain: readonly ActorAddress[]): string {
  const links = chain.map(
    ({ type, id }) => `${encodeURIComponent(type)}/${encodeURIComponent(id)}`,
  );
  while (links.join(',').length > LONGEST_CHAIN) links.shift();
  return links.join(',');
}

function chainOf(text: string): ActorAddress[] {
  return text.split(',').map((link) => {
    const [type = '', id = ''] = link.split('/').map(decodeURIComponent);
    return { type, id };
  });
}

export function callHeaders(call: PeerCall, now: number): Record<string, string> {
  const { headers, chainId, chain, once, deadline } = call;
  return {
    ...headers,
    [TIMEOUT_HEADER]: String(Math.max(1, Math.ceil(deadline - now))),
    ...(chainId === undefined ? {} : { [REENTRANCY_HEADER]: chainId }),
    ...(chain && chain.length > 0 ? { [CHAIN_HEADER]: chainText(chain) } : {}),
    ...(once ? { [ONCE_HEADER]: encodeURIComponent(JSON.stringify(once)) } : {}),
  };
}

const first = (headers: Headers, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
};

/** True for a call of a ref or of `troupe/client`: each says how long it may take. */
export const isFromTroupe = (headers: Headers): boolean => headers[TIMEOUT_HEADER] !== undefined;

/** What `callHeaders` said. A header that is not of its making counts as absent. */
export function callOf(
  headers: Headers,
  now: number,
): Pick<OutgoingCall, 'chainId' | 'chain' | 'once' | 'deadline' | 'headers'> {
  const ms = Number(first(headers, TIMEOUT_HEADER));
  const chain = first(headers, CHAIN_HEADER);
  const once = first(headers, ONCE_HEADER);
  const trace: Record<string, string> = {};
  for (const name of ['traceparent', 'tracestate', 'baggage']) {
    const value = first(headers, name);
    if (value !== undefined) trace[name] = value;
  }
  return {
    chainId: first(headers, REENTRANCY_HEADER),
    ...(Number.isInteger(ms) && ms > 0 ? { deadline: now + ms } : {}),
    ...orAbsent('chain', () => chain && chainOf(chain)),
    // What the caller itself asked for; a durable send has a mark of its own.
    ...orAbsent('once', () =>
      once ? onceOf(once) : onceOfKey(first(headers, IDEMPOTENCY_HEADER)),
    ),
    ...(Object.keys(trace).length > 0 ? { headers: trace } : {}),
  };
}

function onceOf(text: string): OutgoingCall['once'] {
  const once = JSON.parse(decodeURIComponent(text)) as Record<string, unknown>;
  const { key, stream, seq, windowMs } = once;
  const isGood = typeof key === 'string' && typeof stream === 'string' && Number.isSafeInteger(seq);
  if (!isGood || key.includes('\n') || key === '') return undefined;
  return {
    key,
    stream,
    seq: seq as number,
    ...(typeof windowMs === 'number' && windowMs > 0 ? { windowMs } : {}),
  };
}

function orAbsent<K extends string, T>(name: K, read: () => T | '' | undefined): { [P in K]?: T } {
  try {
    const value = read();
    return (value ? { [name]: value } : {}) as { [P in K]?: T };
  } catch {
    return {};
  }
}
