import { describe, expect, it } from 'vitest';
import { decrypt, encrypt, type EncryptOptions } from './encryption-scheme.ts';

const SEGMENT = 64 * 1024;
const options: EncryptOptions = { keyName: 'my-key', algorithm: 'A256KW' };
const same = async ({ key }: { key: Uint8Array }): Promise<Uint8Array> => key;

/** The bytes in pieces of `size`. */
async function* pieces(bytes: Buffer, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const sealed = async (bytes: Buffer, more: Partial<EncryptOptions> = {}): Promise<Buffer> =>
  collect(await encrypt(pieces(bytes), { ...options, ...more }, same));
const opened = async (bytes: Buffer, keyName?: string, size?: number): Promise<Buffer> =>
  collect(await decrypt(pieces(bytes, size), { keyName }, same));

/** Where the header ends. */
function headerEnd(document: Buffer): number {
  let at = 0;
  for (let line = 0; line < 3; line++) at = document.indexOf('\n', at) + 1;
  return at;
}

describe('a document of dapr.io/enc/v1', () => {
  it.each(
    ['aes-gcm', 'chacha20-poly1305'].flatMap((cipher) =>
      [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 5 * SEGMENT + 7].map(
        (length) => [cipher, length] as const,
      ),
    ),
  )('by %s of %i bytes is what it was', async (cipher, length) => {
    const bytes = Buffer.alloc(length, 'troupe ');
    const document = await sealed(bytes, { cipher });
    const segments = Math.ceil(length / SEGMENT);
    expect(document.length).toBe(headerEnd(document) + length + 16 * segments);
    expect((await opened(document)).equals(bytes)).toBe(true);
    expect((await opened(document, undefined, SEGMENT * 3)).equals(bytes)).toBe(true);
  });

  it('begins with scheme, manifest and its signature, a line each', async () => {
    const document = await sealed(Buffer.from('x'), {
      cipher: 'chacha20-poly1305',
      algorithm: 'rsa',
    });
    const [scheme, manifest, mac] = document
      .subarray(0, headerEnd(document))
      .toString()
      .split('\n');
    expect(scheme).toBe('dapr.io/enc/v1');
    expect(JSON.parse(manifest!)).toEqual({
      k: 'my-key',
      kw: 5,
      wfk: expect.stringMatching(/^[\w+/]{43}=$/) as string,
      cph: 2,
      np: expect.stringMatching(/^[\w+/]{10}==$/) as string,
    });
    expect(Buffer.from(mac!, 'base64')).toHaveLength(32);
  });

  it('names another key, or none, as it was told', async () => {
    const unwrapped: string[] = [];
    const read = async (document: Buffer, keyName?: string): Promise<void> => {
      await decrypt(pieces(document), { keyName }, (request) => {
        unwrapped.push(request.keyName);
        return same(request);
      });
    };
    const other = await sealed(Buffer.from('x'), { decryptionKeyName: 'other' });
    await read(other);
    await read(other, 'mine');
    const nameless = await sealed(Buffer.from('x'), { omitKeyName: true });
    await read(nameless, 'mine');
    await expect(read(nameless)).rejects.toThrow(/no key name was provided/);
    expect(unwrapped).toEqual(['other', 'mine', 'mine']);
  });

  it('is refused when a bit of it has changed, or a segment is gone', async () => {
    const document = await sealed(Buffer.alloc(3 * SEGMENT, 'a'));
    const end = headerEnd(document);
    const flipped = (at: number): Buffer => {
      const copy = Buffer.from(document);
      copy[at]! ^= 1;
      return copy;
    };
    await expect(opened(flipped(end - 5))).rejects.toThrow(/signature/);
    await expect(opened(flipped(20))).rejects.toThrow(/manifest|signature/);
    await expect(opened(flipped(end))).rejects.toThrow(/segment 0: failed to decrypt/);
    await expect(opened(flipped(document.length - 1))).rejects.toThrow(/segment 2: failed/);
    const size = SEGMENT + 16;
    const cut = document.subarray(0, document.length - size);
    await expect(opened(cut)).rejects.toThrow(/segment 1: failed/);
    const second = document.subarray(end + size, end + 2 * size);
    const swapped = Buffer.concat([
      document.subarray(0, end),
      second,
      document.subarray(end, end + size),
    ]);
    await expect(opened(swapped)).rejects.toThrow(/segment 0: failed/);
  });

  it('says the same of a wrong key as of one that cannot be had', async () => {
    const document = await sealed(Buffer.from('x'));
    const read = (unwrap: () => Promise<Uint8Array>) => decrypt(pieces(document), {}, unwrap);
    const wrong = read(async () => Buffer.alloc(32, 7));
    await expect(wrong).rejects.toThrow("failed to validate the document's signature");
    const gone = read(() => Promise.reject(new Error('no such key')));
    await expect(gone).rejects.toThrow("failed to validate the document's signature");
  });

  it.each([
    ['', /scheme name not found/],
    ['hello', /scheme name not found/],
    ['dapr.io/enc/v2\n{}\nx\n', /unsupported scheme/],
    ['dapr.io/enc/v1\n', /manifest not found/],
    ['dapr.io/enc/v1\n{}\n', /authentication code not found/],
    ['dapr.io/enc/v1\n{}\nx\n', /invalid manifest/],
    ['dapr.io/enc/v1\nnull\nx\n', /invalid manifest/],
    [`dapr.io/enc/v1\n${'x'.repeat(70_000)}`, /too long/],
  ])('%j is none', async (text, why) => {
    await expect(opened(Buffer.from(text))).rejects.toThrow(why);
  });

  it('is not made by an unknown algorithm or cipher', async () => {
    await expect(sealed(Buffer.alloc(1), { algorithm: 'rot13' })).rejects.toThrow(/ROT13/);
    await expect(sealed(Buffer.alloc(1), { cipher: 'des' })).rejects.toThrow(/DES/);
  });
});
