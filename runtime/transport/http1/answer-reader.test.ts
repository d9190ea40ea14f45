import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AnswerReader } from './answer-reader.ts';
import type { AnswerHead } from './head.ts';

/** What a reader says of these pieces of a connection, which ends behind them. */
function read(pieces: readonly Buffer[], toHead = false) {
  const chunks: Buffer[] = [];
  let head: AnswerHead | undefined;
  let trailers: object | undefined;
  const reader = new AnswerReader(toHead, {
    head(given) {
      head = given;
    },
    data: (bytes) => void chunks.push(bytes),
    end(given) {
      trailers = given;
    },
  });
  for (const piece of pieces) reader.push(piece);
  const { isDone, keepsConnection, idleMs } = reader;
  const isWhole = reader.finish(false);
  const { status, headers } = head ?? {};
  const body = Buffer.concat(chunks).toString('latin1');
  return { status, headers, body, trailers, isDone, isWhole, keepsConnection, idleMs };
}

const one = (text: string): Buffer[] => [Buffer.from(text, 'latin1')];
const OK = 'HTTP/1.1 200 OK\r\n';

const ANSWERS: [what: string, text: string, expected: object, toHead?: boolean][] = [
  [
    'a counted body',
    `${OK}content-length: 5\r\n\r\nhello`,
    { status: 200, body: 'hello', isDone: true, keepsConnection: true, idleMs: Infinity },
  ],
  [
    'a body in chunks with trailers',
    `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n3;a=b\r\nhel\r\n02 \r\nlo\r\n0\r\nX-A: 1\r\n\r\n`,
    { body: 'hello', trailers: { 'x-a': '1' }, isDone: true, keepsConnection: true },
  ],
  [
    'chunks without trailers',
    `${OK}transfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n`,
    { body: '0123456789', trailers: {}, isDone: true },
  ],
  [
    'a body up to the end of the connection',
    `${OK}\r\nhello`,
    { body: 'hello', isDone: false, isWhole: true, keepsConnection: false },
  ],
  [
    'a body that is shorter than its length',
    `${OK}content-length: 9\r\n\r\nhello`,
    { body: 'hello', isDone: false, isWhole: true },
  ],
  [
    'chunks that are cut off',
    `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhel`,
    { body: 'hel', isWhole: false },
  ],
  [
    'no body to HEAD',
    `${OK}content-length: 5\r\n\r\n`,
    { body: '', isDone: true, headers: { 'content-length': '5' } },
    true,
  ],
  ['no body of 204', 'HTTP/1.1 204\r\n\r\n', { status: 204, body: '', isDone: true }],
  [
    'no body of 304',
    'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n',
    { status: 304, body: '', isDone: true, keepsConnection: true },
  ],
  [
    'a switch of protocols, and nothing of what follows it',
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n\x01\x02',
    { status: 101, headers: { upgrade: 'x' }, body: '', isDone: true, keepsConnection: false },
  ],
  [
    'the answer behind interim ones',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${OK}content-length: 0\r\n\r\n`,
    { status: 200, headers: { 'content-length': '0' }, isDone: true },
  ],
  [
    'headers that come several times, blanks around values, and bytes past ASCII',
    `${OK}A:\t 1 \t\r\na: 2\r\nSet-Cookie: a=1, b\r\nset-cookie: c\r\ntoString: \xc3\xa0\r\nserver: x\r\nserver: y\r\nb:\r\ncontent-length: 0\r\n\r\n`,
    {
      headers: {
        a: '1, 2',
        'set-cookie': ['a=1, b', 'c'],
        tostring: '\xc3\xa0',
        server: 'x',
        b: '',
        'content-length': '0',
      },
    },
  ],
  [
    'the last answer of a connection',
    `${OK}connection: x, Close\r\ncontent-length: 0\r\n\r\n`,
    { isDone: true, keepsConnection: false },
  ],
  [
    'HTTP/1.0, which keeps no connection unless it says so',
    'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n',
    { keepsConnection: false },
  ],
  [
    'HTTP/1.0 that keeps it',
    'HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\nkeep-alive: timeout=5\r\ncontent-length: 0\r\n\r\n',
    { keepsConnection: true, idleMs: 4000 },
  ],
  [
    'more than one answer, of which the rest is nobody’s',
    `${OK}content-length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n`,
    { body: 'a', isDone: true, keepsConnection: false },
  ],
];

it.each(ANSWERS)('reads %s, wherever its bytes are cut', (_what, text, expected, toHead) => {
  const bytes = Buffer.from(text, 'latin1');
  expect(read([bytes], toHead)).toMatchObject(expected);
  expect(
    read(
      [...bytes].map((byte) => Buffer.of(byte)),
      toHead,
    ),
  ).toMatchObject(expected);
  const cuts = fc.uniqueArray(fc.nat(bytes.length), { maxLength: 6 });
  fc.assert(
    fc.property(cuts, (given) => {
      const at = [0, ...given.toSorted((a, b) => a - b), bytes.length];
      const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      expect(read(pieces, toHead)).toMatchObject(expected);
    }),
    { numRuns: 50 },
  );
});

it.each([
  ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ['two lengths', `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\n`],
  ['a length that is no number', `${OK}content-length: +1\r\n\r\n`],
  ['a length and chunks', `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`],
  ['a header without a name', `${OK}: a\r\n\r\n`],
  ['a header without a colon', `${OK}content-length\r\n\r\n`],
  ['a blank behind a name', `${OK}content-length : 1\r\n\r\n`],
  ['a folded header', `${OK}a: b\r\n c\r\n\r\n`],
  ['a control character in a value', `${OK}a: b\rc\r\n\r\n`],
  ['a chunk without a size', `${OK}transfer-encoding: chunked\r\n\r\n-1\r\n`],
  ['a chunk that is longer than its size', `${OK}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`],
  ['a head without end', `${OK}a: ${'b'.repeat(20_000)}`],
])('refuses %s', (_what, text) => {
  expect(() => read(one(text))).toThrow(/answer|protocol/);
});
