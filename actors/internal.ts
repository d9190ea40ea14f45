/** The saga's own messages are not for callers from outside: a forged reply would move money or goods. */
import { ActorError, type ActorContext } from 'troupe/actor';

/** Throws ActorError FORBIDDEN (403) unless the turn was called by an actor of one of these types. */
export function internal(ctx: ActorContext, ...senders: readonly string[]): void {
  const { caller } = ctx;
  if (caller && senders.includes(caller.type)) return;
  throw new ActorError(
    'FORBIDDEN',
    `only ${senders.join(' or ')} sends this message to ${ctx.type}/${ctx.id}`,
    {
      status: 403,
    },
  );
}
