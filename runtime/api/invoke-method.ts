/** Which methods of an app can be called, by Dapr's rules, and the error of those that cannot. */
import { ApiError } from './api-error.ts';

// oxlint-disable-next-line no-control-regex -- Control characters are what the method is checked for.
export const FORBIDDEN_IN_METHOD = /[#?\x00-\x1f\x7f]/;

/** A percent sign that begins no escape: daprd cannot make a URL of it. An app over gRPC takes it. */
const LONE_PERCENT = /%(?![0-9a-f]{2})/i;

/** The method path without steps to elsewhere. Errors: ERR_DIRECT_INVOKE, as in daprd. */
export function cleanMethod(path: string, target = ''): string {
  if (FORBIDDEN_IN_METHOD.test(path)) {
    throw failure(
      target,
      `invalid method ${JSON.stringify(path)}: it must not hold # ? or control characters`,
    );
  }
  return withoutSteps(path);
}

/** A path whose steps up and in place are taken. */
export function withoutSteps(path: string): string {
  const steps: string[] = [];
  for (const step of path.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return steps.join('/');
}

export function failure(
  target: string,
  why: string,
  cause?: unknown,
  name: 'DIRECT_INVOKE' | 'DIRECT_INVOKE_FORBIDDEN' = 'DIRECT_INVOKE',
): ApiError {
  return new ApiError(name, `failed to invoke, id: ${target}, err: ${why}`, { cause });
}

/** Holds a method for an app over HTTP to what a URL may have. Errors: ERR_DIRECT_INVOKE. */
export function needUrl(path: string, app: { readonly events?: unknown }, target: string): void {
  if (app.events || !LONE_PERCENT.test(path)) return;
  throw failure(target, `invalid method ${JSON.stringify(path)}: a lone % is no part of a URL`);
}
