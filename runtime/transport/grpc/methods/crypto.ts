/** gRPC methods of the cryptography block: chunks in and out, numbered from 0, the options with the first. */
import { ApiError } from '../../../api/api-error.ts';
import type { CryptoApi } from '../../../api/crypto.ts';
import { duplex, type DuplexCall, type MethodRow } from '../registry.ts';

interface Options {
  readonly componentName: string;
  readonly keyName: string;
  readonly keyWrapAlgorithm?: string;
  readonly dataEncryptionCipher?: string;
  readonly omitDecryptionKeyName?: boolean;
  readonly decryptionKeyName?: string;
}

interface Chunk {
  readonly options?: Options | null;
  readonly payload?: { readonly data: Uint8Array; readonly seq: unknown } | null;
}

type Stream = DuplexCall<Chunk, object>;
type Work = (
  options: Options,
  input: AsyncIterable<Uint8Array>,
) => Promise<AsyncIterable<Uint8Array>>;

/** Larger pieces than this leave in several messages. */
const CHUNK = 64 * 1024;

const refuse = (why: string): ApiError => new ApiError('BAD_REQUEST', `invalid request: ${why}`);

async function* payloads(first: Chunk, rest: AsyncGenerator<Chunk>): AsyncGenerator<Uint8Array> {
  let expected = 0;
  function* bytesOf({ payload }: Chunk): Generator<Uint8Array> {
    if (!payload) return;
    const seq = Number(payload.seq);
    if (seq !== expected)
      throw new Error(`invalid sequence number received: ${seq} (expected: ${expected})`);
    expected++;
    // The message shares its memory with the socket.
    yield new Uint8Array(payload.data);
  }
  yield* bytesOf(first);
  for await (const chunk of rest) {
    if (chunk.options) throw new Error('options found in non-leading message');
    yield* bytesOf(chunk);
  }
}

async function serve(call: Stream, work: Work): Promise<void> {
  const requests = call.requests();
  const { value } = await requests.next();
  const first = value as Chunk | undefined;
  if (!first?.options) throw refuse('first message does not contain the required options');
  let seq = 0;
  for await (const bytes of await work(first.options, payloads(first, requests))) {
    for (let at = 0; at < bytes.byteLength; at += CHUNK)
      await call.send({ payload: { data: bytes.subarray(at, at + CHUNK), seq: seq++ } });
  }
}

export function cryptoMethods(api: CryptoApi): MethodRow[] {
  return [
    duplex<Chunk, object>(
      'EncryptAlpha1',
      (call) =>
        serve(call, (options, input) => {
          const { componentName, keyName, keyWrapAlgorithm: algorithm = '' } = options;
          if (keyName === '') throw refuse("missing property 'keyName' in the options message");
          if (algorithm === '')
            throw refuse("missing property 'keyWrapAlgorithm' in the options message");
          const asked = {
            keyName,
            algorithm,
            cipher: options.dataEncryptionCipher,
            omitKeyName: options.omitDecryptionKeyName ?? false,
            decryptionKeyName: options.decryptionKeyName,
          };
          return api.encrypt(componentName, input, asked, call);
        }),
      { failure: 'CRYPTO_OPERATION' },
    ),
    duplex<Chunk, object>(
      'DecryptAlpha1',
      (call) =>
        serve(call, ({ componentName, keyName }, input) =>
          api.decrypt(componentName, input, { keyName }, call),
        ),
      { failure: 'CRYPTO_OPERATION' },
    ),
  ];
}
