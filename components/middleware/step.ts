/** What all middleware has in common: nothing to reach and nothing to close. */
import { ComponentError } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';
import type { Middleware, MiddlewareResponse } from './contract.ts';

/** A middleware of its one function. */
export function createStep(options: ComponentOptions, handle: Middleware['handle']): Middleware {
  let closed = false;
  const requireOpen = (): void => {
    if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
  };
  const close = async (): Promise<void> => {
    closed = true;
  };
  return {
    features: [],
    handle,
    ping: async () => requireOpen(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** An answer in plain words. */
export function refusal(status: number, message: string): MiddlewareResponse {
  return { status, contentType: 'text/plain; charset=utf-8', body: message };
}
