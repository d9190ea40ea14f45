/**
 * Damaged requests over HTTP and gRPC, CloudEvents and YAML: each is answered,
 * a 500 says its errorCode, and the sidecar stands as before. Some thousand in
 * npm test, 100,000 in npm run test:all. TROUPE_TEST_SEED repeats a run.
 */
import { globSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseResources } from '../../runtime/config/resources.ts';
import { isTroupeError } from '../../runtime/core/errors.ts';
import { DAPR_SERVICE } from '../../runtime/transport/grpc/dapr-methods.ts';
import { callRaw } from '../../runtime/transport/grpc/grpc.fixture.ts';
import { damaged, pick } from './fuzz/mutate.ts';
import { cloudEvent, grpcMessage, httpRequest, type Bytes } from './fuzz/requests.ts';
import { startFuzzed, type Fuzzed } from './fuzz/sidecar.ts';
import { createDice, seedOfRun } from './random.ts';

const all = process.env['TROUPE_TEST_ALL'] === '1';
const seed = seedOfRun();
const TIMES = all ? 1 : 0.02;
const HTTP = 55_000 * TIMES;
const GRPC = 25_000 * TIMES;
const EVENTS = 10_000 * TIMES;
const FILES = 10_000 * TIMES;
const AT_ONCE = 32;
const MB = 2 ** 20;
/** What a whole run may add to the resident memory after its first tenth. */
const MOST_GROWTH_MB = 96;
const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;

let fuzzed: Fuzzed;
/** Of clients that are slow from the start on, beside all that follows. */
let cutOff: Promise<void>;

beforeAll(async () => {
  fuzzed = await startFuzzed();
  cutOff = dripHeaders(await connectMany(200));
}, 60_000);

afterAll(() => fuzzed?.[Symbol.asyncDispose]());

/** Runs so many, a few at a time; the first failure says which one it was. */
async function times(count: number, one: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** What is wrong with an answer; undefined: nothing. */
function wrongWith({ status, body }: { status: number; body: string }): string | undefined {
  if (status < 200 || status > 599) return `the status ${status}`;
  if (status < 500) return undefined;
  // What the app itself answered is passed on as it is.
  if (body === 'as asked' || body === '') return undefined;
  try {
    const { errorCode, failedEntries } = JSON.parse(body) as Record<string, unknown>;
    if (typeof errorCode === 'string' || Array.isArray(failedEntries)) return undefined;
  } catch {
    // Said below.
  }
  return `${status} without an errorCode: ${body.slice(0, 200)}`;
}

async function stands(): Promise<void> {
  const body = JSON.stringify([{ key: 'good', value: 1 }]);
  const request = { verb: 'POST', path: '/v1.0/state/store', headers: {}, body };
  expect(await fuzzed.answer(request)).toMatchObject({ status: 204 });
}

function connectMany(count: number): Promise<Socket[]> {
  const connections = Array.from({ length: count }, () => {
    const socket = connect(fuzzed.sidecar.httpPort, '127.0.0.1');
    socket.on('error', () => {});
    return new Promise<Socket>((resolve) => socket.once('connect', () => resolve(socket)));
  });
  return Promise.all(connections);
}

/** Each sends one more byte now and then, and never the end of its header. Resolves when all are closed. */
async function dripHeaders(sockets: readonly Socket[]): Promise<void> {
  const closed = sockets.map((socket) => {
    socket.write('POST /v1.0/state/store HTTP/1.1\r\nHost: x\r\nX-A');
    socket.resume();
    return new Promise((resolve) => socket.once('close', resolve));
  });
  const dripping = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('b');
  }, 200);
  await Promise.all(closed);
  clearInterval(dripping);
}

async function answersAll(count: number, make: (at: number) => Bytes): Promise<void> {
  let afterTenth = 0;
  await times(count, async (at) => {
    if (at === Math.floor(count / 10)) afterTenth = await fuzzed.rss();
    const request = make(at);
    const what = `${request.verb} ${request.path} ${request.body.slice(0, 300)} (seed ${seed})`;
    const answer = await fuzzed.answer(request).catch((error: Error) => {
      throw new Error(`no answer to ${what}: ${error.message}`);
    });
    const wrong = wrongWith(answer);
    if (wrong !== undefined) throw new Error(`${wrong} to ${what}`);
  });
  const grown = ((await fuzzed.rss()) - afterTenth) / MB;
  process.stdout.write(`${count} requests: memory grew by ${grown.toFixed(0)} MB (seed ${seed})\n`);
  expect(grown).toBeLessThan(MOST_GROWTH_MB);
  await stands();
}

describe('the sidecar stands', () => {
  it(`${HTTP} damaged HTTP requests`, async () => {
    const dice = createDice(seed);
    await answersAll(HTTP, () => httpRequest(dice));
  });

  it(`${EVENTS} damaged CloudEvents`, async () => {
    const dice = createDice(seed);
    await answersAll(EVENTS, () => cloudEvent(dice));
  });

  it(`${GRPC} damaged gRPC messages`, async () => {
    const dice = createDice(seed);
    const client = new Client(`127.0.0.1:${fuzzed.sidecar.grpcPort}`, credentials.createInsecure());
    await times(GRPC, async () => {
      const { method, bytes } = grpcMessage(dice);
      const path = `/${DAPR_SERVICE}/${method}`;
      const { code, message } = await callRaw(client, path, Buffer.from(bytes), {
        call: { deadline: Date.now() + 30_000 },
      });
      if ([UNKNOWN, DEADLINE_EXCEEDED, UNAVAILABLE].includes(code)) {
        const sent = Buffer.from(bytes).toString('base64');
        throw new Error(`${code} ${message} to ${method} ${sent} (seed ${seed})`);
      }
    });
    client.close();
    await stands();
  });

  it('limits hold', async () => {
    const post = (headers: Bytes['headers'], body: string) =>
      fuzzed.answer({ verb: 'POST', path: '/v1.0/state/store', headers, body });
    expect((await post({}, 'x'.repeat(4 * MB + 1))).status).toBe(413);
    const late = await post({ 'x-large': 'x'.repeat(20_000) }, '[]').catch(() => ({ status: 431 }));
    expect(late.status).toBe(431);
    const depth = 200_000;
    const nested = `[{"key":"deep","value":${'['.repeat(depth)}${']'.repeat(depth)}}]`;
    expect((await post({}, nested)).status).toBe(400);
    await stands();
  });

  it('a gRPC client that opens streams without end leaves the others theirs', async () => {
    const client = new Client(`127.0.0.1:${fuzzed.sidecar.grpcPort}`, credentials.createInsecure());
    const raw = (bytes: Buffer): Buffer => bytes;
    const streams = Array.from({ length: 3000 }, () => {
      const path = `/${DAPR_SERVICE}/SubscribeTopicEventsAlpha1`;
      const stream = client.makeBidiStreamRequest<Buffer, Buffer>(path, raw, raw);
      stream.on('error', () => {});
      return stream;
    });
    await stands();
    for (const stream of streams) stream.cancel();
    client.close();
    await stands();
  });

  it('slow clients did not hold the server, and are cut off', async () => {
    await cutOff;
    await stands();
  });
});

it(`${FILES} damaged YAML files are read or refused with typed problems`, () => {
  const dice = createDice(seed);
  const root = join(import.meta.dirname, '../..');
  const texts = globSync('{dapr,examples,test}/**/*.yaml', {
    cwd: root,
    exclude: ['**/node_modules/**'],
  })
    .toSorted()
    .map((file) => readFileSync(join(root, file), 'utf8'));
  expect(texts.length).toBeGreaterThan(1);
  for (let at = 0; at < FILES; at++) {
    const text = damaged(dice, pick(dice, texts));
    try {
      parseResources([{ path: 'fuzz.yaml', text }], {
        kinds: ['Component', 'Subscription', 'Resiliency', 'HTTPEndpoint', 'Configuration'],
      });
    } catch (error) {
      if (!isTroupeError(error))
        throw new Error(`${String(error)} of (seed ${seed}):\n${text}`, { cause: error });
    }
  }
});
