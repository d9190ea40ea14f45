/**
 * The subscriptions of the app: those that it lists itself and those declared
 * beside it, kept in place while the app takes events. What changes is
 * replaced, what stays is not touched.
 */
import type { SubscriptionSpec } from '../config/subscription.ts';
import { isTroupeError, TroupeError } from '../core/errors.ts';
import type { EngineLogger } from '../core/ports.ts';
import type { Subscription } from '../../components/pubsub/contract.ts';
import type { AppChannel } from './invoke.ts';
import { bodyOf, createHttpEvents } from './subscriptions-http.ts';
import { parseAppSubscriptions, type AppSubscription } from './subscriptions-list.ts';
import type { SubscriptionInfo } from './metadata.ts';
import { infoOf, type EventTarget, type Subscriptions } from './subscriptions.ts';

export interface AppSubscriptionsOptions {
  readonly app: AppChannel;
  readonly appId: string;
  readonly subscriptions: Subscriptions;
  readonly logger: EngineLogger;
  readonly signal?: AbortSignal;
  /** Declared beside the app. */
  readonly declared?: readonly SubscriptionSpec[];
  /** How events reach the app. Default: by HTTP over `app`. */
  readonly events?: EventTarget;
  /** What the app subscribes to. Default: asked of it with `GET /dapr/subscribe`. */
  readonly list?: () => Promise<readonly AppSubscription[]>;
  /** True when the component is there; one that comes later is told by `refresh`. Default: all are. */
  readonly hasPubSub?: (name: string) => boolean;
  /** False: there is no pub/sub component, so the app is not asked before `refresh` tells of one. Default: there is. */
  readonly hasAny?: () => boolean;
}

export interface AppSubscriptions {
  /** What is in place. */
  readonly topics: readonly { readonly pubsub: string; readonly topic: string }[];
  /** Puts other declared subscriptions in the place of all. */
  declare(specs: readonly SubscriptionSpec[]): Promise<void>;
  /** The component is another one now, or gone: its subscriptions are made anew. */
  refresh(pubsub: string): Promise<void>;
  /** Ends them and waits for the deliveries that run. Idempotent. */
  close(): Promise<void>;
}

const ATTEMPTS = 3;

async function ask({ app, appId, logger, signal }: AppSubscriptionsOptions): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await app.invoke({
        method: 'GET',
        path: '/dapr/subscribe',
        query: '',
        headers: { 'dapr-app-id': appId },
        signal,
      });
      const body = await bodyOf(answer);
      if (answer.status === 404) return '';
      if (answer.status >= 200 && answer.status < 300) return body;
      throw new TroupeError('UNAVAILABLE', `GET /dapr/subscribe answered ${answer.status}`);
    } catch (error) {
      if (attempt === ATTEMPTS || signal?.aborted) throw error;
      logger.warn({ attempt, error: textOf(error) }, 'app did not list its subscriptions');
    }
  }
}

const textOf = (error: unknown): string =>
  error instanceof Error ? error.message : 'something that is no error was thrown';

const keyOf = ({ pubsub, topic }: AppSubscription): string => `${pubsub}||${topic}`;

function declaredOnes(specs: readonly SubscriptionSpec[]): AppSubscription[] {
  return specs
    .filter(({ rules }) => rules.length > 0)
    .map(({ pubsubname, topic, rules, deadLetterTopic, metadata, bulkSubscribe }) => ({
      pubsub: pubsubname,
      topic,
      rules,
      deadLetterTopic,
      metadata,
      ...(bulkSubscribe?.enabled ? { bulk: bulkSubscribe } : {}),
      type: 'DECLARATIVE',
    }));
}

/** Declared subscriptions as `/v1.0/metadata` shows them, also when there is no app to deliver to. */
export function describeDeclared(specs: readonly SubscriptionSpec[]): SubscriptionInfo[] {
  return [...wantedOf(declaredOnes(specs), []).values()].map(infoOf);
}

/** One a topic: of the declared ones the first, and what the app lists goes before them. */
function wantedOf(
  declared: readonly AppSubscription[],
  listed: readonly AppSubscription[],
): Map<string, AppSubscription> {
  const wanted = new Map<string, AppSubscription>();
  for (const one of declared) if (!wanted.has(keyOf(one))) wanted.set(keyOf(one), one);
  for (const one of listed) wanted.set(keyOf(one), one);
  return wanted;
}

async function listOf(options: AppSubscriptionsOptions): Promise<readonly AppSubscription[]> {
  const { app, list, signal } = options;
  if (list) return list();
  if (app.events) return app.events.subscriptions({ signal });
  return parseAppSubscriptions(await ask(options));
}

/**
 * Asks the app for its subscriptions and puts them in place with the declared
 * ones. Rejects when the app does not answer or its answer is not readable; a
 * subscription that cannot be made is logged and left out.
 */
export async function subscribeApp(options: AppSubscriptionsOptions): Promise<AppSubscriptions> {
  const { app, subscriptions, logger, events = app.events ?? createHttpEvents(app) } = options;
  const { hasPubSub = () => true, hasAny = () => true } = options;
  let asked: readonly AppSubscription[] | undefined = hasAny() ? await listOf(options) : undefined;
  const listed = (): readonly AppSubscription[] => asked ?? [];
  let declared = declaredOnes(options.declared ?? []);
  const open = new Map<string, { readonly made: string; readonly subscription: Subscription }>();
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  async function start(key: string, request: AppSubscription): Promise<void> {
    const { pubsub, topic } = request;
    try {
      const { deliver, deliverBulk } = events;
      const announced = { ...request, announced: true };
      const subscription = await subscriptions.subscribeBytes(announced, deliver, deliverBulk);
      open.set(key, { made: JSON.stringify(request), subscription });
    } catch (error) {
      const code = isTroupeError(error) ? error.code : undefined;
      logger.error({ pubsub, topic, code, error: textOf(error) }, 'topic cannot be subscribed');
    }
  }

  async function end(key: string): Promise<void> {
    const one = open.get(key);
    open.delete(key);
    await one?.subscription.close();
  }

  async function reconcile(): Promise<void> {
    const wanted = closed ? new Map<string, AppSubscription>() : wantedOf(declared, listed());
    const stale = [...open].filter(([key, { made }]) => {
      const now = wanted.get(key);
      return !now || JSON.stringify(now) !== made;
    });
    await Promise.all(stale.map(([key]) => end(key)));
    // All at once: a broker whose consumer group must be joined anew for each joins it once.
    const starts = Array.from(wanted, async ([key, request]) => {
      if (open.has(key)) return;
      if (hasPubSub(request.pubsub)) return start(key, request);
      const { pubsub, topic } = request;
      logger.warn({ pubsub, topic }, 'topic waits for its pub/sub component, which is not there');
    });
    await Promise.all(starts);
  }

  /** Changes happen one after the other. */
  function inTurn(change: () => Promise<void>): Promise<void> {
    const done = last.then(change);
    last = done.catch(() => {});
    return done;
  }

  subscriptions.announce(() => [...wantedOf(declared, listed()).values()].map(infoOf));
  await inTurn(reconcile);
  return {
    get topics() {
      return [...wantedOf(declared, listed())]
        .filter(([key]) => open.has(key))
        .map(([, { pubsub, topic }]) => ({ pubsub, topic }));
    },
    declare(specs) {
      declared = declaredOnes(specs);
      return inTurn(reconcile);
    },
    refresh: (pubsub) =>
      inTurn(async () => {
        const of = [...open.keys()].filter((key) => key.startsWith(`${pubsub}||`));
        await Promise.all(of.map(end));
        if (!asked && hasAny()) asked = await listOf(options);
        await reconcile();
      }),
    close() {
      closed = true;
      subscriptions.announce(() => declared.map(infoOf));
      return inTurn(reconcile);
    },
  };
}
