/** Delivery to actors of an HTTP app, by Dapr's actor callbacks. */
import { bytesOfAnswer } from '../core/bytes.ts';
import { TroupeError } from '../core/errors.ts';
import type { AppHttpRequest, AppHttpResponse } from './app-wire.ts';
import type { AppActorCall, AppActorDelivery, AppActorFiring } from './app-actors.ts';

export interface HttpActorApp {
  invoke(request: AppHttpRequest): Promise<AppHttpResponse>;
}

type Headers = Record<string, string | readonly string[]>;

/** Of the caller's request, what is about its connection, its body or its address. */
const NOT_PASSED = new Set([
  'connection',
  'content-length',
  'dapr-api-token',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Of the app's answer, what the server of this host says itself. */
const NOT_RETURNED = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
]);

/** An app that does not answer the end of an actor must not keep its host from stopping, which has 5 s. */
const DEACTIVATE_MS = 4000;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function headersOf({ wire, headers, reentrancyId }: AppActorCall): Headers {
  const passed: Headers = { ...headers };
  for (const [name, value] of Object.entries(wire?.headers ?? {})) {
    if (value !== undefined && !NOT_PASSED.has(name)) passed[name] = value;
  }
  if (reentrancyId !== undefined) passed['dapr-reentrancy-id'] = reentrancyId;
  return passed;
}

const isTruthy = (value: string | readonly string[] | undefined): boolean =>
  ['y', 'yes', 'true', 't', 'on', '1'].includes(String(value ?? '').toLowerCase());

const pathOf = ({ type, id }: AppActorCall | { type: string; id: string }): string =>
  `/actors/${encodeURIComponent(type)}/${encodeURIComponent(id)}`;

/** A method may be a path. */
const stepsOf = (method: string): string => method.split('/').map(encodeURIComponent).join('/');

export function createHttpActorDelivery(app: HttpActorApp): AppActorDelivery {
  async function put(
    call: AppActorCall,
    what: string,
    body: Uint8Array,
  ): Promise<{ body: Uint8Array; headers: AppHttpResponse['headers'] }> {
    const answer = await app.invoke({
      method: 'PUT',
      path: `${pathOf(call)}/method/${what}`,
      query: call.wire?.query ?? '',
      headers: headersOf(call),
      body,
      signal: call.signal,
    });
    const bytes = await bytesOfAnswer(answer);
    if (answer.status === 200) return { body: bytes, headers: answer.headers };
    const actor = { type: call.type, id: call.id };
    if (answer.status === 404) {
      throw new TroupeError(
        'COMPONENT',
        `actor method not found: actors/${call.type}/${call.id}/method/${decodeURIComponent(what)}`,
        { actor },
      );
    }
    throw new TroupeError(
      'COMPONENT',
      `error from actor service: (${answer.status}) ${decoder.decode(bytes)}`,
      { actor, details: { status: answer.status } },
    );
  }

  async function fire(
    firing: AppActorFiring,
    kind: 'remind' | 'timer',
    more: Readonly<Record<string, string>>,
  ): Promise<{ cancel: boolean }> {
    const { name, data, dueTime, period } = firing;
    const body = encoder.encode(JSON.stringify({ data, ...more, dueTime, period }));
    const json = { ...firing, headers: { ...firing.headers, 'content-type': 'application/json' } };
    const { headers } = await put(json, `${kind}/${encodeURIComponent(name)}`, body);
    return { cancel: isTruthy(headers['x-daprremindercancel']) };
  }

  return {
    async invoke(call) {
      const { body, headers } = await put(call, stepsOf(call.method), call.body);
      const returned = Object.entries(headers).filter(([name]) => !NOT_RETURNED.has(name));
      return { body, headers: Object.fromEntries(returned) };
    },
    remind: (firing) => fire(firing, 'remind', {}),
    fireTimer: (firing) => fire(firing, 'timer', { callback: firing.callback }),
    async deactivate({ type, id }) {
      const signal = AbortSignal.timeout(DEACTIVATE_MS);
      const answer = await app.invoke({ method: 'DELETE', path: pathOf({ type, id }), signal });
      const text = decoder.decode(await bytesOfAnswer(answer));
      if (answer.status !== 200) {
        throw new TroupeError('COMPONENT', `error from actor service: (${answer.status}) ${text}`, {
          actor: { type, id },
        });
      }
    },
  };
}
