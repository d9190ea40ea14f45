/**
 * Subscriptions of the app behind its HTTP port: asked for with
 * `GET /dapr/subscribe`, delivered by POST, by Dapr's pub/sub API reference.
 */
import { TroupeError } from '../core/errors.ts';
import type { EngineLogger } from '../core/ports.ts';
import type { Subscription } from '../../components/pubsub/contract.ts';
import { CLOUD_EVENT_TYPE } from './cloudevents.ts';
import type { AppChannel, AppResponse } from './invoke.ts';
import { isObject } from './route.ts';
import type { Delivery, DeliveryStatus, SubscribeRequest, Subscriptions } from './subscriptions.ts';

export interface AppSubscriptionsOptions {
  readonly app: AppChannel;
  readonly appId: string;
  readonly subscriptions: Subscriptions;
  readonly logger: EngineLogger;
  readonly signal?: AbortSignal;
}

export interface AppSubscriptions {
  readonly topics: readonly { readonly pubsub: string; readonly topic: string }[];
  /** Ends them and waits for the deliveries that run. Idempotent. */
  close(): Promise<void>;
}

const ATTEMPTS = 3;
const decoder = new TextDecoder();

async function bodyOf({ body }: AppResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return decoder.decode(Buffer.concat(chunks));
}

function refuse(why: string): never {
  throw new TroupeError('INVALID_ARGUMENT', `the app's answer to GET /dapr/subscribe: ${why}`);
}

function text(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? value : refuse(`${what} must be a string`);
}

interface AppSubscription extends SubscribeRequest {
  readonly path: string;
}

function pathOf(entry: Record<string, unknown>, what: string): string {
  const { route, routes } = entry;
  if (routes === undefined || routes === null) {
    return text(route, `${what}.route`) ?? refuse(`${what} has neither route nor routes`);
  }
  if (!isObject(routes)) return refuse(`${what}.routes must be an object`);
  if (Array.isArray(routes['rules']) && routes['rules'].length > 0) {
    throw new TroupeError(
      'UNSUPPORTED',
      `the app's answer to GET /dapr/subscribe: ${what}.routes.rules (CEL routing) is not supported yet; use "route", or "routes" with a "default" alone`,
    );
  }
  return text(routes['default'], `${what}.routes.default`) ?? refuse(`${what}.routes is empty`);
}

function parse(body: string): AppSubscription[] {
  let parsed: unknown;
  try {
    parsed = body.trim() === '' ? [] : JSON.parse(body);
  } catch (cause) {
    return refuse(`not JSON: ${(cause as Error).message}`);
  }
  if (parsed === null) return [];
  if (!Array.isArray(parsed)) return refuse('must be an array');
  return parsed.map((entry: unknown, index) => {
    const what = `[${index}]`;
    if (!isObject(entry)) return refuse(`${what} must be an object`);
    const bulk = entry['bulkSubscribe'];
    if (isObject(bulk) && bulk['enabled'] === true) {
      throw new TroupeError(
        'UNSUPPORTED',
        `the app's answer to GET /dapr/subscribe: ${what}.bulkSubscribe is not supported yet; leave it out to get events one by one`,
      );
    }
    const metadata = entry['metadata'] ?? {};
    if (!isObject(metadata)) return refuse(`${what}.metadata must be an object`);
    return {
      pubsub: text(entry['pubsubname'], `${what}.pubsubname`) ?? refuse(`${what} lacks pubsubname`),
      topic: text(entry['topic'], `${what}.topic`) ?? refuse(`${what} lacks topic`),
      path: pathOf(entry, what),
      deadLetterTopic: text(entry['deadLetterTopic'], `${what}.deadLetterTopic`),
      metadata: Object.fromEntries(
        Object.entries(metadata).map(([name, value]) => [name, String(value)]),
      ),
    };
  });
}

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
      logger.warn({ attempt, error: String(error) }, 'app did not list its subscriptions');
    }
  }
}

/** What the app's answer to a delivery means; a 2xx without a readable status is a success. */
export function deliveryStatus(status: number, body: string): DeliveryStatus {
  if (status === 404) return 'DROP';
  if (status < 200 || status > 299) return 'RETRY';
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return 'SUCCESS';
  }
  const named = isObject(parsed) ? parsed['status'] : undefined;
  if (named === undefined || named === '' || typeof named !== 'string') return 'SUCCESS';
  return named === 'SUCCESS' || named === 'DROP' ? named : 'RETRY';
}

/** Asks the app for its subscriptions and puts them in place. */
export async function subscribeApp(options: AppSubscriptionsOptions): Promise<AppSubscriptions> {
  const { app, subscriptions, logger } = options;
  const wanted = parse(await ask(options));
  const open: Subscription[] = [];
  for (const request of wanted) {
    const path = `/${request.path.replace(/^\/+/, '')}`;
    const deliver = async ({ event, bytes, signal }: Delivery): Promise<DeliveryStatus> => {
      const answer = await app.invoke({
        method: 'POST',
        path,
        query: '',
        headers: {
          'content-type': CLOUD_EVENT_TYPE,
          ...(event.traceparent ? { traceparent: event.traceparent } : {}),
        },
        body: bytes,
        signal,
      });
      const status = deliveryStatus(answer.status, await bodyOf(answer));
      if (status !== 'SUCCESS') {
        logger.warn(
          {
            pubsub: request.pubsub,
            topic: request.topic,
            id: event.id,
            code: answer.status,
            status,
          },
          'app did not take the event',
        );
      }
      return status;
    };
    open.push(await subscriptions.subscribeBytes(request, deliver));
  }
  return {
    topics: wanted.map(({ pubsub, topic }) => ({ pubsub: pubsub ?? 'pubsub', topic })),
    async close() {
      await Promise.all(open.splice(0).map((one) => one.close()));
    },
  };
}
