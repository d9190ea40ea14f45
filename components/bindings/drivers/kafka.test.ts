import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startKafka } from '../../../test/servers/kafka.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import type { ComponentMetadata } from '../../component.ts';
import { createTestClock, type LogEntry, testOptions } from '../../test-clock.ts';
import { bindingConformance } from '../conformance/suite.ts';
import type { Binding, BindingEvent } from '../contract.ts';
import { driver } from './kafka.ts';

let server: TestServer;
beforeAll(async () => void (server = await startKafka()));
afterAll(() => server.stop());

let topics = 0;
const clock = createTestClock();

function open(metadata: ComponentMetadata, log: LogEntry[] = []): Promise<Binding> {
  const address = { brokers: `127.0.0.1:${server.port}`, authType: 'none' };
  const given = { ...address, consumerGroup: `group-${topics}`, ...metadata };
  const options = testOptions('bindings.kafka', given, clock, log);
  return driver.create(options, { signal: new AbortController().signal });
}

/** A binding that reads what it writes. */
function openBoth(metadata: ComponentMetadata = {}, log?: LogEntry[]): Promise<Binding> {
  const topic = `topic-${topics++}`;
  return open({ topics: topic, publishTopic: topic, ...metadata }, log);
}

const create = (data: string, metadata = {}) => ({
  operation: 'create',
  data: new TextEncoder().encode(data),
  metadata,
});
const textOf = ({ data }: BindingEvent): string => new TextDecoder().decode(data);

/** What each binding of the suite was given; its events come from outside the binding. */
const seen = new WeakMap<Binding, { count: number; reads: boolean }>();

bindingConformance({
  name: 'bindings.kafka',
  features: ['INPUT_BINDING', 'OUTPUT_BINDING'],
  async create() {
    const binding = await openBoth();
    const state = { count: 0, reads: false };
    const counted: Binding = {
      ...binding,
      async read(handler) {
        const stop = await binding.read((event) => {
          state.count++;
          return handler(event);
        });
        state.reads = true;
        return async () => {
          await stop();
          state.reads = false;
        };
      },
    };
    seen.set(counted, state);
    return counted;
  },
  async trigger(binding) {
    const state = seen.get(binding)!;
    const before = state.count;
    await binding.invoke(create('x'));
    if (!state.reads) return;
    await vi.waitFor(() => {
      if (state.count === before) throw new Error('no event has come');
    });
  },
});

describe('events of bindings.kafka', () => {
  it('carry headers and the place of their record', async () => {
    await using binding = await openBoth();
    const events: BindingEvent[] = [];
    await binding.read(async (event) => {
      events.push(event);
      return undefined;
    });
    await binding.invoke(create('one', { partitionKey: 'k', colour: 'red' }));
    await vi.waitFor(() => expect(events).toHaveLength(1));
    expect(textOf(events[0]!)).toBe('one');
    expect(events[0]!.metadata).toMatchObject({
      __key: 'k',
      __offset: '0',
      __partition: '0',
      colour: 'red',
    });
  });

  it('are passed over when they are not taken, and logged', async () => {
    const log: LogEntry[] = [];
    await using binding = await openBoth({}, log);
    const events: string[] = [];
    await binding.read(async (event) => {
      events.push(textOf(event));
      if (events.length === 1) throw new Error('no');
      return undefined;
    });
    await binding.invoke(create('one'));
    await binding.invoke(create('two'));
    await vi.waitFor(() => expect(events).toEqual(['one', 'two']));
    expect(log.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'event handler failed; the event is passed over', fields: { offset: '0' } },
    ]);
  });

  it('come again with consumeRetryEnabled', async () => {
    await using binding = await openBoth({ consumeRetryEnabled: 'true' });
    const events: string[] = [];
    await binding.read(async (event) => {
      events.push(textOf(event));
      if (events.length < 3) throw new Error('no');
      return undefined;
    });
    await binding.invoke(create('one'));
    await vi.waitFor(() => {
      clock.advance(5_000);
      expect(events).toEqual(['one', 'one', 'one']);
    });
  });
});

describe('the settings of bindings.kafka', () => {
  it('are half a binding where half is given', async () => {
    await using output = await open({ publishTopic: 'out' });
    expect(output.features).toEqual(['OUTPUT_BINDING']);
    await expect(output.read(async () => undefined)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await using input = await open({ topics: 'in' });
    expect(input.features).toEqual(['INPUT_BINDING']);
    await expect(input.invoke(create('x'))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it.each([
    [{}, /"topics" is missing/],
    [{ topics: 'a b' }, /a topic must be/],
    [{ topics: 'a', authType: 'oidc' }, /"authType" is oidc/],
  ])('%j are refused by name', async (metadata, message) => {
    await expect(open(metadata)).rejects.toThrow(message);
  });
});
