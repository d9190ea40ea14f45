/** The behaviour that every HTTP middleware shows. */
import { describe, expect, it } from 'vitest';
import type { Middleware, MiddlewareRequest, MiddlewareResponse } from '../contract.ts';

export interface MiddlewareSubject {
  /** Shown in the names of the tests. */
  readonly name: string;
  create(): Promise<Middleware>;
  /** A request that goes through. */
  readonly allowed: Partial<MiddlewareRequest>;
}

/** A request as a server gives it. */
export function requestOf(given: Partial<MiddlewareRequest>): MiddlewareRequest {
  return {
    method: 'POST',
    path: '/v1.0/state/store',
    query: '',
    headers: {},
    remoteAddress: '127.0.0.1',
    body: undefined,
    ...given,
  };
}

/** Sends a request through; `passed` is what came out at the other end. */
export async function through(
  middleware: Middleware,
  request: Partial<MiddlewareRequest>,
  answer: MiddlewareResponse = { status: 204 },
): Promise<{ answer: MiddlewareResponse; passed: MiddlewareRequest | undefined }> {
  let passed: MiddlewareRequest | undefined;
  const given = await middleware.handle(requestOf(request), async (next) => {
    passed = next;
    return answer;
  });
  return { answer: given, passed };
}

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function middlewareConformance({ name, create, allowed }: MiddlewareSubject): void {
  describe(`${name} as middleware`, () => {
    it('lets a request through once, with its method and headers, and gives the answer', async () => {
      await using middleware = await create();
      let calls = 0;
      const request = requestOf(allowed);
      const answer = await middleware.handle(request, async (next) => {
        calls += 1;
        expect(next).toMatchObject({ method: request.method, headers: request.headers });
        return { status: 418, headers: { kept: 'yes' } };
      });
      expect(calls).toBe(1);
      expect(answer).toMatchObject({ status: 418, headers: { kept: 'yes' } });
    });

    it('passes on what goes wrong behind it', async () => {
      await using middleware = await create();
      const failing = middleware.handle(requestOf(allowed), () => Promise.reject(new Error('no')));
      await expect(failing).rejects.toThrow('no');
    });

    it('closes twice, and says then that it is closed', async () => {
      const middleware = await create();
      await middleware.ping();
      await middleware.close();
      await middleware.close();
      await expect(middleware.ping()).rejects.toThrow(/closed/);
    });
  });
}
