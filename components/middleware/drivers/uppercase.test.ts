import { expect, it } from 'vitest';
import { testOptions } from '../../test-clock.ts';
import { middlewareConformance, through } from '../conformance/suite.ts';
import { driver } from './uppercase.ts';

const type = 'middleware.http.uppercase';
const { signal } = new AbortController();
const open = (metadata: Record<string, string>) =>
  driver.create(testOptions(type, metadata), { signal });

middlewareConformance({ name: 'middleware.http.uppercase', create: () => open({}), allowed: {} });

async function* chunks(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

async function text(body: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const all: Uint8Array[] = [];
  if (body) for await (const chunk of body) all.push(chunk);
  return Buffer.concat(all).toString();
}

it.each([
  [{}, 'HELLO', 'world'],
  [{ direction: 'response' }, 'hello', 'WORLD'],
  [{ direction: 'both' }, 'HELLO', 'WORLD'],
])('with %j makes upper case of the right bodies', async (metadata, asked, answered) => {
  await using upper = await open(metadata);
  const body = chunks(Buffer.from('hel'), Buffer.from('lo'));
  const { passed, answer } = await through(upper, { body }, { status: 200, body: 'world' });
  expect([await text(passed!.body), answer.body]).toEqual([asked, answered]);
});

it('keeps a character that is cut in two by a chunk', async () => {
  await using upper = await open({});
  const bytes = Buffer.from('é');
  const { passed } = await through(upper, {
    body: chunks(bytes.subarray(0, 1), bytes.subarray(1)),
  });
  expect(await text(passed!.body)).toBe('É');
});

it('refuses another direction', async () => {
  await expect(open({ direction: 'sideways' })).rejects.toThrow(/"direction" must be one of/);
});
