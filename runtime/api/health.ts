/** Health and shutdown: is this host ready, and the request to end it. */
import { ApiError } from './api-error.ts';
import { empty, headerOf, queryOf, type HttpRoute } from './route.ts';

/** What a host still waits for, by name. Both empty: ready. */
export interface Readiness {
  /** Components, actor state store: what outbound calls of an app need. */
  readonly outbound: readonly string[];
  /** Everything else, for example the app's port. */
  readonly inbound: readonly string[];
}

export interface HealthOptions {
  readonly appId: string;
  /** Absent: always ready. */
  readonly ready?: (() => Readiness) | undefined;
  /** Ends the host, after the answer was sent. Absent: the shutdown API is refused with ERR_API_UNIMPLEMENTED. */
  readonly shutdown?: ((options: { force: boolean }) => void) | undefined;
}

export interface HealthApi {
  /** Throws ERR_HEALTH_NOT_READY, or ERR_HEALTH_APPID_NOT_MATCH when `appId` is another app. */
  check(appId?: string): void;
  checkOutbound(): void;
  shutdown(options: { force: boolean }): void;
}

export function createHealthApi({ appId: own, ready, shutdown }: HealthOptions): HealthApi {
  return {
    check(appId) {
      const state = ready?.();
      const waiting = state ? [...state.outbound, ...state.inbound] : [];
      if (waiting.length > 0) {
        throw new ApiError('HEALTH_NOT_READY', `dapr is not ready: [${waiting.join(' ')}]`);
      }
      if (appId !== undefined && appId !== own) {
        throw new ApiError('HEALTH_APPID_NOT_MATCH', 'dapr app-id does not match');
      }
    },
    checkOutbound() {
      if ((ready?.().outbound.length ?? 0) > 0) {
        throw new ApiError('OUTBOUND_HEALTH_NOT_READY', 'dapr outbound is not ready');
      }
    },
    shutdown(options) {
      if (!shutdown) {
        throw new ApiError(
          'API_UNIMPLEMENTED',
          'this system belongs to a program; end it there with close()',
        );
      }
      setImmediate(shutdown, options);
    },
  };
}

export function healthRoutes(api: HealthApi): HttpRoute[] {
  return [
    {
      methods: ['GET'],
      pattern: 'v1.0/healthz',
      open: true,
      handle: ({ query }) => {
        api.check(queryOf(query, 'appid'));
        return empty();
      },
    },
    {
      methods: ['GET'],
      pattern: 'v1.0/healthz/outbound',
      open: true,
      handle: () => {
        api.checkOutbound();
        return empty();
      },
    },
    {
      methods: ['POST'],
      pattern: 'v1.0/shutdown',
      handle: ({ headers }) => {
        api.shutdown({ force: headerOf(headers, 'dapr-force-shutdown') === 'true' });
        return empty();
      },
    },
  ];
}
