/** Messages read from a real HTTP/2 stream, whose other side is a plain client that may send and cut as it likes. */
import { once } from 'node:events';
import {
  connect,
  constants,
  createServer,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { frame } from './framing.ts';
import { IncomingMessages, mapped, type IncomingOptions } from './incoming.ts';

interface Pair {
  readonly session: ClientHttp2Session;
  readonly sender: ClientHttp2Stream;
  readonly stream: ServerHttp2Stream;
  readonly messages: IncomingMessages;
}

const MAX_BYTES = 64 * 1024;

/** One stream with its two ends. What broke messages off goes to the reader, as the users of this class have it. */
async function open(options: Partial<IncomingOptions> = {}): Promise<Pair> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  session.on('error', () => {});
  server.on('sessionError', () => {});
  const sender = session.request({ ':method': 'POST' });
  sender.on('error', () => {});
  const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream];
  stream.on('error', () => {});
  stream.respond({ ':status': 200 });
  const messages = new IncomingMessages(stream, {
    limits: () => ({ maxBytes: MAX_BYTES, encoding: 'gzip' }),
    over(deframer, error) {
      if (error) throw error;
      deframer.end();
    },
    ...options,
  });
  return { session, sender, stream, messages };
}

/** As a client of another make cancels: a reset, and no end before it. */
const cut = (sender: ClientHttp2Stream): void => void addAbortSignal(AbortSignal.abort(), sender);

async function textsOf(messages: AsyncIterable<Buffer>): Promise<string[]> {
  const texts: string[] = [];
  for await (const message of messages) texts.push(message.toString());
  return texts;
}

const nextText = async (messages: AsyncIterator<Buffer, void>): Promise<string | undefined> =>
  (await messages.next()).value?.toString();

describe('messages that come in', () => {
  it('are the same in one piece and byte by byte', async () => {
    const texts = ['one', '', 'x'.repeat(300), ''];
    const bytes = Buffer.concat(texts.map((text) => frame(Buffer.from(text))));
    const whole = await open();
    whole.sender.end(bytes);
    expect(await textsOf(whole.messages)).toEqual(texts);
    const slow = await open();
    const read = textsOf(slow.messages);
    for (const byte of bytes) {
      slow.sender.write(Buffer.of(byte));
      await nextTurn();
    }
    slow.sender.end();
    expect(await read).toEqual(texts);
  });

  it('are handed over as they come, to as many as ask', async () => {
    const { sender, messages } = await open();
    const asked = [nextText(messages), nextText(messages), nextText(messages)];
    sender.write(frame(Buffer.from('first')));
    expect(await asked[0]).toBe('first');
    sender.end(frame(Buffer.from('second')));
    expect(await asked[1]).toBe('second');
    expect(await asked[2]).toBeUndefined();
    expect(await nextText(messages)).toBeUndefined();
  });

  it('are unpacked within the limit, and end with the first beyond it', async () => {
    const packed = (size: number): Buffer => {
      const bytes = frame(gzipSync(Buffer.alloc(size, 'x')));
      bytes[0] = 1;
      return bytes;
    };
    const { sender, messages } = await open();
    sender.end(Buffer.concat([packed(MAX_BYTES), packed(MAX_BYTES + 1), packed(1)]));
    expect((await messages.next()).value?.byteLength).toBe(MAX_BYTES);
    await expect(messages.next()).rejects.toMatchObject({ message: /larger than max/ });
    expect(await nextText(messages)).toBeUndefined();
  });

  it('that announce more than the limit are refused before they are there', async () => {
    const { sender, messages } = await open();
    const head = Buffer.alloc(5);
    head.writeUInt32BE(MAX_BYTES + 1, 1);
    sender.write(Buffer.concat([frame(Buffer.from('good')), head]));
    expect(await nextText(messages)).toBe('good');
    await expect(messages.next()).rejects.toMatchObject({ message: /larger than max/ });
  });

  it('are held back at the other side while nobody reads', async () => {
    const { sender, messages } = await open();
    const count = 200;
    let sent = 0;
    for (let i = 0; i < count; i++) sender.write(frame(Buffer.alloc(16_000)), () => sent++);
    sender.end();
    await messages.next();
    for (let i = 0; i < 100; i++) await nextTurn();
    // A window of 64 KiB, and what is on the way between buffers.
    expect(sent).toBeLessThan(count / 4);
    let read = 1;
    for await (const _message of messages) read++;
    expect(read).toBe(count);
  });
});

describe('the end', () => {
  it('is known after short messages that came with it', async () => {
    const { sender, stream, messages } = await open();
    sender.end(frame(Buffer.from('all')));
    expect(await nextText(messages)).toBe('all');
    if (!stream.readableEnded) await once(stream, 'end');
    await messages.settled();
    expect(messages.isComplete).toBe(true);
  });

  it('is not known while another message waits or may come', async () => {
    const { sender, stream, messages } = await open();
    sender.write(Buffer.concat([frame(Buffer.from('a')), frame(Buffer.from('b'))]));
    await nextText(messages);
    await messages.settled();
    expect(messages.isComplete).toBe(false);
    await nextText(messages);
    await messages.settled();
    expect(messages.isComplete).toBe(false);
    sender.end();
    await once(stream, 'end');
    expect(messages.isComplete).toBe(true);
  });

  it.each([
    ['between two messages', frame(Buffer.from('a'))],
    ['inside a message', Buffer.concat([frame(Buffer.from('a')), Buffer.of(0, 0, 0)])],
  ])('of a sender that goes away %s is an error', async (_where, bytes) => {
    const { sender, stream, messages } = await open();
    sender.write(bytes);
    expect(await nextText(messages)).toBe('a');
    const waiting = messages.next();
    cut(sender);
    await expect(waiting).rejects.toThrow('the stream closed before its end');
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect(messages.isComplete).toBe(false);
    expect(await nextText(messages)).toBeUndefined();
  });

  it('of a sender that goes away comes after what it had sent', async () => {
    const { sender, stream, messages } = await open();
    sender.write(Buffer.concat(['a', 'b', 'c'].map((text) => frame(Buffer.from(text)))));
    expect(await nextText(messages)).toBe('a');
    const closed = once(stream, 'close');
    cut(sender);
    expect(await nextText(messages)).toBe('b');
    expect(await nextText(messages)).toBe('c');
    await expect(messages.next()).rejects.toThrow('the stream closed before its end');
    await closed;
  });

  it('of a connection that breaks is an error', async () => {
    const { session, sender, messages } = await open();
    sender.write(frame(Buffer.from('a')));
    expect(await nextText(messages)).toBe('a');
    const waiting = messages.next();
    session.socket.destroy();
    await expect(waiting).rejects.toThrow('the stream closed before its end');
  });

  it('inside a message is an error', async () => {
    const { sender, messages } = await open();
    sender.end(Buffer.of(0, 0, 0, 0, 9, 1));
    await expect(messages.next()).rejects.toThrow('inside a message');
  });
});

describe('a reader that leaves', () => {
  it('is told of once, leaves the stream as it is, and reads no more', async () => {
    let left = 0;
    const { sender, stream, messages } = await open({ left: () => left++ });
    sender.write(Buffer.concat([frame(Buffer.from('a')), frame(Buffer.from('b'))]));
    for await (const message of messages) {
      expect(message.toString()).toBe('a');
      break;
    }
    await messages.return();
    expect([left, stream.destroyed, stream.isPaused()]).toEqual([1, false, true]);
    expect(await nextText(messages)).toBeUndefined();
    stream.end('bye');
    const [bye] = (await once(sender, 'data')) as [Buffer];
    expect(bye.toString()).toBe('bye');
  });

  it('because a message has no form leaves the stream, too', async () => {
    let left = 0;
    const { sender, messages } = await open({ left: () => left++ });
    const numbers = mapped(messages, (message) => JSON.parse(message.toString()) as unknown);
    sender.write(Buffer.concat([frame(Buffer.from('1')), frame(Buffer.from('{'))]));
    expect((await numbers.next()).value).toBe(1);
    await expect(numbers.next()).rejects.toThrow(SyntaxError);
    expect(left).toBe(1);
    expect((await numbers.next()).done).toBe(true);
  });
});
