/** A binding in a component process: its input half, its output half, or both. */
import type { BindingReply, Binding, BindingEvent } from '../../components/bindings/contract.ts';
import type { ComponentOptions, Driver } from '../../components/component.ts';
import { ComponentError } from '../core/errors.ts';
import {
  connectPluggable,
  PACKAGE,
  type Pluggable,
  type PluggableConnection,
  type PluggableStream,
} from './pluggable-connection.ts';

const INPUT = 'InputBinding';
const OUTPUT = 'OutputBinding';

interface Read {
  readonly data: Buffer;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly messageId: string;
}

interface Invoked {
  readonly data: Buffer;
  readonly metadata?: Readonly<Record<string, string>>;
}

type Handler = (event: BindingEvent) => Promise<BindingReply>;

export const pluggableBinding = (pluggable: Pluggable): Driver<Binding> => ({
  fields: [],
  openMetadata: true,
  async create(options, { signal }) {
    const connection = connectPluggable(pluggable, options);
    try {
      const request = { metadata: { properties: options.metadata } };
      const isInput = pluggable.services.has(`${PACKAGE}.${INPUT}`);
      const isOutput = pluggable.services.has(`${PACKAGE}.${OUTPUT}`);
      if (isInput) await connection.call(INPUT, 'Init', request, { signal });
      let operations: readonly string[] = [];
      if (isOutput) {
        await connection.call(OUTPUT, 'Init', request, { signal });
        const listed = await connection.call<object, { operations?: string[] }>(
          OUTPUT,
          'ListOperations',
          {},
          { signal },
        );
        operations = listed.operations ?? [];
      }
      return bindingOf(options, connection, { isInput, isOutput, operations });
    } catch (error) {
      await connection.close();
      throw error;
    }
  },
});

function bindingOf(
  options: ComponentOptions,
  connection: PluggableConnection,
  has: { isInput: boolean; isOutput: boolean; operations: readonly string[] },
): Binding {
  let stop: (() => Promise<void>) | undefined;
  const close = async (): Promise<void> => {
    await stop?.();
    await connection.close();
  };
  const lacking = (half: string): ComponentError =>
    new ComponentError(options, `the component process serves no ${half}`, { code: 'UNSUPPORTED' });
  return {
    features: [
      ...(has.isInput ? ['INPUT_BINDING'] : []),
      ...(has.isOutput ? ['OUTPUT_BINDING'] : []),
    ],
    operations: has.operations,
    ping: (given) => connection.ping(has.isInput ? INPUT : OUTPUT, given),
    async invoke({ operation, data, metadata }, given) {
      if (!has.isOutput) throw lacking('output binding');
      const reply = await connection.call<object, Invoked>(
        OUTPUT,
        'Invoke',
        { operation, data, metadata },
        given,
      );
      return { data: Buffer.from(reply.data), metadata: { ...reply.metadata } };
    },
    read(handler) {
      if (!has.isInput) return Promise.reject(lacking('input binding'));
      stop = reading(options, connection.stream<object, Read>(INPUT, 'Read'), handler);
      return Promise.resolve(stop);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Events are handled side by side; each answer names its event. */
function reading(
  { name, logger, timer }: ComponentOptions,
  stream: PluggableStream<object, Read>,
  handler: Handler,
): () => Promise<void> {
  const running = new Set<Promise<void>>();
  let isClosing = false;

  async function handle({ data, metadata, contentType, messageId }: Read): Promise<void> {
    try {
      if (isClosing) throw new Error('input binding is closed');
      const event = {
        data: Buffer.from(data),
        metadata: { ...metadata, ...(contentType ? { 'content-type': contentType } : {}) },
      };
      const reply = await handler(event);
      await stream.send({ messageId, ...(reply ? { responseData: reply } : {}) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await stream.send({ messageId, responseError: { message } });
    }
  }

  async function pull(): Promise<void> {
    for await (const message of stream.messages()) {
      const one = handle(message).finally(() => running.delete(one));
      running.add(one);
    }
    const broken = await stream.ended;
    if (!isClosing) logger.error({ name, err: broken }, 'pluggable input binding was lost');
  }

  void pull().catch((error: unknown) => {
    logger.error({ name, err: error }, 'pluggable input binding failed');
  });
  return async () => {
    isClosing = true;
    await Promise.all(running);
    await stream.close(timer);
  };
}
