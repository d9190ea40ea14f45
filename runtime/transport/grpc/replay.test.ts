import { expect, it } from 'vitest';
import { createReplay } from './replay.ts';

async function* texts(...all: string[]): AsyncGenerator<Buffer, void, undefined> {
  for (const text of all) yield Buffer.from(text);
}

async function read(messages: AsyncIterable<Buffer>): Promise<string[]> {
  const found: string[] = [];
  for await (const one of messages) found.push(one.toString());
  return found;
}

it('gives every reading all messages from the first on', async () => {
  const replay = createReplay(texts('a', 'b'));
  expect(await read(replay.messages())).toEqual(['a', 'b']);
  expect(await read(replay.messages())).toEqual(['a', 'b']);
});

it('loses no message that came while one reading took over from another', async () => {
  const gate = Promise.withResolvers<void>();
  const replay = createReplay(
    (async function* () {
      yield Buffer.from('a');
      await gate.promise;
      yield Buffer.from('b');
    })(),
  );
  const first = read(replay.messages());
  await new Promise(setImmediate);
  const second = read(replay.messages());
  await new Promise(setImmediate);
  gate.resolve();
  expect(await first).toEqual(['a']);
  expect(await second).toEqual(['a', 'b']);
});

it('keeps nothing of a call that sent more than 4 MiB, and says so', async () => {
  const replay = createReplay(texts('x'.repeat(3 * 1024 * 1024), 'y'.repeat(2 * 1024 * 1024)));
  await read(replay.messages());
  expect(replay.isWhole).toBe(false);
});
