/** `bindings.redis`: keys of a Redis server, with Dapr's operations. The key is in the metadata of each request. */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import { Connection } from '../../redis/connection.ts';
import { connectionFields, readConnection } from '../../redis/settings.ts';
import type { Binding, BindingRequest, BindingResponse } from '../contract.ts';
import { closedError, noOperation, notAnInput } from '../refusals.ts';

const OPERATIONS = ['create', 'get', 'delete', 'increment'] as const;

async function open(options: ComponentOptions, signal: AbortSignal): Promise<Binding> {
  const settings = readConnection(options);
  const connection = await Connection.open(options, settings, { scripts: [], signal });
  let closed = false;

  function requireOpen(): void {
    if (closed) throw closedError(options);
  }

  function refuse(problem: string): ComponentError {
    return new ComponentError(options, problem, { code: 'INVALID_ARGUMENT' });
  }

  function ttlOf({ metadata }: BindingRequest): string | undefined {
    const text = metadata['ttlInSeconds'];
    if (text === undefined || text === '') return undefined;
    if (/^[1-9]\d{0,8}$/.test(text)) return text;
    throw refuse('the metadata "ttlInSeconds" of a request must be a whole number of seconds');
  }

  async function invoke(request: BindingRequest): Promise<BindingResponse> {
    const { operation, data, metadata } = request;
    const known = OPERATIONS.find((one) => one === operation);
    if (!known) throw noOperation(options, operation, OPERATIONS);
    const { key } = metadata;
    if (!key) throw refuse('a request needs the metadata "key"');
    const ttl = ttlOf(request);
    switch (known) {
      case 'create': {
        const expiry = ttl === undefined ? [] : ['EX', ttl];
        await connection.send(['SET', key, Buffer.from(data), ...expiry], true);
        return {};
      }
      case 'get': {
        const takes = metadata['delete'] === 'true';
        const found = await connection.send([takes ? 'GETDEL' : 'GET', key], takes);
        return found === null ? {} : { data: found as Buffer };
      }
      case 'delete':
        await connection.send(['DEL', key], true);
        return {};
      case 'increment':
        await connection.send(['INCR', key], true);
        if (ttl !== undefined) await connection.send(['EXPIRE', key, ttl], true);
        return {};
    }
    return known satisfies never;
  }

  async function close(): Promise<void> {
    closed = true;
    await connection.close();
  }

  return {
    features: ['OUTPUT_BINDING'],
    usage: () => connection.usage(),
    operations: OPERATIONS,
    async invoke(request) {
      requireOpen();
      return invoke(request);
    },
    async read() {
      requireOpen();
      throw notAnInput(options);
    },
    async ping() {
      requireOpen();
      await connection.send(['PING'], false);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<Binding> = {
  fields: connectionFields,
  create: (options, { signal }) => open(options, signal),
};
