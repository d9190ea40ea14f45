/**
 * The end of an activation whose actor belongs to another host: what waits is
 * placed anew, what runs may end within the drain time and is given up then.
 * When it is over nothing of the activation can be committed any more.
 */
import type { Activation } from './activation.ts';
import { evictedError } from './call.ts';
import type { ClockTimer } from './ports.ts';

/** What turns of an actor that has to leave may take. */
const DRAIN_MS = 2000;
/** What its `onDeactivate` may take then; Dapr's placement drops a member that takes 8 s for a round. */
const DEACTIVATE_MS = 5000;

export async function evict(activation: Activation): Promise<void> {
  const { mailbox, parts, host, address } = activation;
  const relocate = (): void => {
    for (const call of mailbox.takeAll()) parts.relocate(call);
  };
  relocate();
  await within(activation, host.target.drainMs ?? DRAIN_MS, activation.idle());
  for (const { call } of [...mailbox.running()]) {
    parts.logger.warn(
      { actor: address },
      `Timed out waiting for actor type '${address.type}' in-flight lock claims to be released, its turns are given up`,
    );
    const reason = evictedError(call);
    call.abandon(reason);
    activation.giveUp(reason);
  }
  await within(activation, DEACTIVATE_MS, activation.deactivate()).catch((err: unknown) =>
    parts.logger.error({ actor: address, err }, 'onDeactivate failed'),
  );
  relocate();
  activation.generation++;
  activation.dropInstance();
  activation.state.forget();
  host.remove(activation);
}

/** Whoever gives out the turns has ended the actor: what still runs can commit no more. */
export async function dismiss(activation: Activation): Promise<void> {
  if (!activation.busy) {
    await activation.passivate();
    return;
  }
  const { mailbox, host } = activation;
  for (const { call } of [...mailbox.running()]) call.abandon(evictedError(call));
  mailbox.refuseAll(evictedError);
  activation.forgetEverything();
  host.remove(activation);
}

async function within({ parts }: Activation, ms: number, work: Promise<unknown>): Promise<void> {
  const { clock } = parts;
  let timer: ClockTimer | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = clock.timer(clock.now() + ms, resolve, { background: true });
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    timer?.cancel();
  }
}
