/**
 * Streams by which Dapr's schedulers trigger what is due: one request tells what
 * this host takes, each trigger is answered with what became of it. A stream
 * that breaks is opened again; one that is left answers first what it was given.
 */
import type { EngineLogger } from '../core/ports.ts';
import type { AnyBytes } from '../transport/grpc/any.ts';
import type { OutgoingCall } from '../transport/grpc/client-call.ts';
import type { GrpcClient } from '../transport/grpc/client.ts';
import type { Protos } from '../transport/grpc/proto.ts';

export interface Watched {
  /** The app takes its jobs. */
  readonly jobs: boolean;
  /** Types whose reminders are taken here, in order of their names. */
  readonly actorTypes: readonly string[];
}

export interface Trigger {
  readonly name: string;
  readonly data?: AnyBytes | null;
}

/** Rejects when it failed; the scheduler tries again by the job's failure policy. */
export interface TriggerTarget {
  job(trigger: Trigger): Promise<void>;
  reminder(actor: { readonly type: string; readonly id: string }, trigger: Trigger): Promise<void>;
}

export interface TriggersOptions {
  /** One a stream. */
  readonly clients: readonly GrpcClient[];
  readonly appId: string;
  readonly namespace: string;
  readonly what: Watched;
  readonly target: TriggerTarget;
  /** Before a stream is opened again. */
  readonly pause: () => Promise<void>;
  readonly logger: EngineLogger;
  readonly protos: Protos;
}

export interface Triggers {
  /** No more triggers; resolves when those under way were answered. */
  leave(): Promise<void>;
}

interface TriggerMessage extends Trigger {
  readonly id: unknown;
  readonly metadata?: {
    readonly target?: {
      readonly job?: object | null;
      readonly actor?: { readonly type: string; readonly id: string } | null;
    } | null;
  } | null;
}

export const SCHEDULER = 'dapr.proto.scheduler.v1.Scheduler';
const JOB = 0;
const ACTOR_REMINDER = 1;
const SUCCESS = 0;
const FAILED = 1;

export function createTriggers(options: TriggersOptions): Triggers {
  const { what, target, logger, protos, pause } = options;
  const { request, response } = protos.method<object, TriggerMessage>(SCHEDULER, 'WatchJobs');
  const calls = new Set<OutgoingCall>();
  const working = new Set<Promise<void>>();
  let isLeaving = false;
  const initial = request.encode({
    initial: {
      appId: options.appId,
      namespace: options.namespace,
      actorTypes: what.actorTypes,
      acceptJobTypes: [
        ...(what.jobs ? [JOB] : []),
        ...(what.actorTypes.length > 0 ? [ACTOR_REMINDER] : []),
      ],
    },
  });

  async function work(message: TriggerMessage): Promise<void> {
    const { job, actor } = message.metadata?.target ?? {};
    if (actor) await target.reminder(actor, message);
    else if (job) await target.job(message);
    else throw new Error('the scheduler triggered something that is neither a job nor a reminder');
  }

  async function answer(call: OutgoingCall, message: TriggerMessage): Promise<void> {
    let status = SUCCESS;
    try {
      await work(message);
    } catch (error) {
      status = FAILED;
      const { name } = message;
      logger.error({ name, err: error }, 'failed to deliver what the scheduler triggered');
    }
    await call.write(request.encode({ result: { id: message.id, status } }));
  }

  async function once(client: GrpcClient): Promise<string> {
    const call = client.call(`/${SCHEDULER}/WatchJobs`);
    calls.add(call);
    try {
      void call.write(initial);
      for await (const bytes of call.messages()) {
        const done = answer(call, response.decode(bytes)).finally(() => working.delete(done));
        working.add(done);
      }
      return (await call.ended).status.message;
    } finally {
      calls.delete(call);
    }
  }

  async function keep(client: GrpcClient): Promise<void> {
    while (!isLeaving) {
      const why = await once(client).catch(String);
      if (isLeaving) return;
      logger.warn({}, `Scheduler stream disconnected: ${why}`);
      await pause();
    }
  }

  const running = Promise.all(options.clients.map(keep));
  const left = async (): Promise<void> => {
    isLeaving = true;
    await Promise.all(working);
    for (const call of calls) {
      call.end();
      call.cancel();
    }
    await running;
  };
  let leaving: Promise<void> | undefined;
  return {
    leave: () => (leaving ??= left()),
  };
}
