/**
 * Who may not simply wait: calls that come back to an actor of their own chain,
 * calls too many, and calls that would wait for each other for ever.
 */
import type { Activation } from './activation.ts';
import type { HostedType } from './actor-type.ts';
import { type Call, chainOf, describeChain } from './call.ts';
import { TroupeError } from './errors.ts';
import type { Turn } from './turn.ts';
import { findWaitCycle, youngest } from './wait-graph.ts';

/** The open turn of this activation that the call's own chain is inside of. */
export function turnOfChain(activation: Activation, call: Call): Turn | undefined {
  for (let turn = call.parent; turn; turn = turn.call.parent) {
    if (turn.activation === activation && !turn.closed) return turn;
  }
  if (call.chainId !== undefined) {
    for (const turn of activation.mailbox.running()) {
      if (turn.hasChainId(call.chainId)) return innermost(turn);
    }
  }
  return undefined;
}

/** Dapr's words, for an app that knows nothing else. */
export const TOO_DEEP = 'maximum stack depth exceeded';

/** Why a call may not run inside the turn that waits for it; undefined when it may. */
export function refusalToReenter(
  { type, id, host }: Activation,
  call: Call,
  enclosing: Turn,
): TroupeError | undefined {
  const { reentrancyDepth } = host.target;
  const chain = chainOf(call);
  if (reentrancyDepth === 0) return deadlock(call);
  if (enclosing.readOnly)
    return refused(call, 'DEADLOCK', 'a read-only turn waits for this call, which may write');
  const inMemory = chain.filter((link) => link.type === type && link.id === id).length;
  const depth = Math.max(inMemory, 1 + nestingOf(enclosing));
  if (depth > reentrancyDepth && host.target.outside)
    return new TroupeError('STACK_DEPTH', TOO_DEEP);
  return depth > reentrancyDepth
    ? refused(call, 'STACK_DEPTH', `deeper than ${reentrancyDepth} turns on ${type}/${id}`)
    : undefined;
}

function refused(call: Call, code: 'DEADLOCK' | 'STACK_DEPTH', why: string): TroupeError {
  const { type, id, method } = call;
  const chain = chainOf(call);
  return new TroupeError(code, `${describeChain(chain)}: ${why}`, {
    actor: { type, id },
    method,
    details: { chain },
  });
}

function deadlock(call: Call): TroupeError {
  const why = `${call.type}/${call.id} waits for this very call, and is not declared reentrant`;
  return refused(call, 'DEADLOCK', why);
}

/**
 * Why a call may not go to whoever gives out the turns: its chain comes back to an actor
 * that is not reentrant, or the type has no such method. Undefined for what may go, and
 * for types that only other hosts know.
 */
export function refusalAtGate(hosted: HostedType | undefined, call: Call): TroupeError | undefined {
  if (!hosted) return undefined;
  const { type, id, method } = call;
  if (call.kind === 'method' && !hosted.target.hasMethod(method)) return unknownMethod(call);
  if (hosted.target.reentrancyDepth > 0) return undefined;
  const active = hosted.find(id);
  if (active) {
    const enclosing = turnOfChain(active, call);
    return enclosing && refusalToReenter(active, call, enclosing);
  }
  const isInChain = call.chain?.some((link) => link.type === type && link.id === id);
  return isInChain ? deadlock(call) : undefined;
}

export function unknownMethod({ type, id, method }: Call): TroupeError {
  return new TroupeError('METHOD_NOT_FOUND', `actor type "${type}" has no method "${method}"`, {
    actor: { type, id },
    method,
  });
}

/** Turns of the actor that the chain is inside of; a chain over a wire is only known by these. */
function nestingOf(turn: Turn): number {
  let depth = 0;
  for (let at: Turn | undefined = turn; at; at = at.enclosing) depth++;
  return depth;
}

export function overloaded({ type, id, host, mailbox }: Activation, call: Call): TroupeError {
  const { mailboxLimit } = host.target;
  return new TroupeError(
    'OVERLOADED',
    `${mailboxLimit} calls already wait for ${type}/${id}; try again later`,
    {
      actor: { type, id },
      method: call.method,
      details: { waiting: mailbox.waiting, limit: mailboxLimit, retryAfterMs: 1000 },
    },
  );
}

/** Ends the youngest chain of each cycle that the call, just queued, closes. */
export function breakWaitCycle(call: Call): void {
  if (!call.parent) return;
  for (let cycle = findWaitCycle(call); cycle; cycle = findWaitCycle(call)) {
    const victim = youngest(cycle);
    const { type, id, method } = victim;
    const chains = cycle.map(chainOf);
    victim.abandon(
      new TroupeError(
        'DEADLOCK',
        `call chains wait for each other, the one that began last was ended: ${chains.map(describeChain).join('; ')}`,
        { actor: { type, id }, method, details: { chains } },
      ),
    );
    if (call.settled) return;
  }
}

function innermost(turn: Turn): Turn {
  let at = turn;
  while (at.inner) at = at.inner;
  return at;
}
