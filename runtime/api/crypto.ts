/** The cryptography building block: documents encrypted and decrypted with keys of a provider. */
import type { CryptoProvider } from '../../components/crypto/contract.ts';
import { bytesOf } from '../core/bytes.ts';
import { ApiError } from './api-error.ts';
import { decrypt, encrypt, type DecryptOptions, type EncryptOptions } from './encryption-scheme.ts';
import { headerOf, type HttpRequest, type HttpResponse, type HttpRoute } from './route.ts';

export type { DecryptOptions, EncryptOptions };

export interface CryptoOptions {
  readonly cryptoProviders: ReadonlyMap<string, CryptoProvider>;
}

type Bytes = AsyncIterable<Uint8Array>;

export interface CryptoApi {
  /** Resolves once the key is wrapped; what goes wrong later comes out of the stream. */
  encrypt(
    provider: string,
    input: Bytes,
    options: EncryptOptions,
    context?: { signal?: AbortSignal },
  ): Promise<Bytes>;
  decrypt(
    provider: string,
    input: Bytes,
    options: DecryptOptions,
    context?: { signal?: AbortSignal },
  ): Promise<Bytes>;
  /** Throws unless the provider is there, before anything else is looked at. */
  require(provider: string): void;
}

function failed(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ApiError('CRYPTO_OPERATION', `failed to perform operation: ${why}`, { cause });
}

async function* withErrors(bytes: Bytes): Bytes {
  try {
    yield* bytes;
  } catch (cause) {
    throw failed(cause);
  }
}

const missing = (what: string): ApiError =>
  new ApiError('BAD_REQUEST', `invalid request: missing ${what}`);

export function createCryptoApi({ cryptoProviders }: CryptoOptions): CryptoApi {
  function find(name: string): CryptoProvider {
    const provider = cryptoProviders.get(name);
    if (provider) return provider;
    if (cryptoProviders.size === 0)
      throw new ApiError('CRYPTO_NOT_CONFIGURED', 'crypto providers not configured');
    if (name === '') throw missing('component name');
    throw new ApiError('CRYPTO_NOT_FOUND', `crypto provider ${name} not found`);
  }

  return {
    require: (name) => void find(name),
    async encrypt(name, input, options, context) {
      const provider = find(name);
      try {
        const wrap = provider.wrapKey.bind(provider);
        return withErrors(await encrypt(input, options, (request) => wrap(request, context)));
      } catch (cause) {
        throw failed(cause);
      }
    },
    async decrypt(name, input, options, context) {
      const provider = find(name);
      try {
        const unwrap = provider.unwrapKey.bind(provider);
        return withErrors(await decrypt(input, options, (request) => unwrap(request, context)));
      } catch (cause) {
        throw failed(cause);
      }
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Collected, as daprd does: an error in the last segment must not come behind a status 200. */
async function answer(bytes: Bytes): Promise<HttpResponse> {
  return { status: 200, contentType: 'application/octet-stream', body: await bytesOf(bytes) };
}

const isTruthy = (text = ''): boolean =>
  ['y', 'yes', 'true', 't', 'on', '1'].includes(text.trim().toLowerCase());

async function encryptBody(api: CryptoApi, request: HttpRequest): Promise<HttpResponse> {
  const { params, headers, body } = request;
  const provider = params[0]!;
  api.require(provider);
  const keyName = headerOf(headers, 'dapr-key-name');
  if (!keyName) throw missing(`header 'dapr-key-name'`);
  const algorithm = headerOf(headers, 'dapr-key-wrap-algorithm');
  if (!algorithm) throw missing(`header 'dapr-key-wrap-algorithm'`);
  const options: EncryptOptions = {
    keyName,
    algorithm,
    cipher: headerOf(headers, 'dapr-data-encryption-cipher'),
    omitKeyName: isTruthy(headerOf(headers, 'dapr-omit-decryption-key-name')),
    decryptionKeyName: headerOf(headers, 'dapr-decryption-key-name'),
  };
  return answer(await api.encrypt(provider, once(body), options, request));
}

async function decryptBody(api: CryptoApi, request: HttpRequest): Promise<HttpResponse> {
  const { params, headers, body } = request;
  const keyName = headerOf(headers, 'dapr-key-name');
  return answer(await api.decrypt(params[0]!, once(body), { keyName }, request));
}

/** Left out of daprd's released builds; what it answers in their place. */
const SUBTLE = ['getkey', 'encrypt', 'decrypt', 'wrapkey', 'unwrapkey', 'sign', 'verify'];

export function cryptoRoutes(api: CryptoApi): HttpRoute[] {
  return [
    {
      methods: ['PUT'],
      pattern: 'v1.0-alpha1/crypto/{name}/encrypt',
      handle: (request) => encryptBody(api, request),
    },
    {
      methods: ['PUT'],
      pattern: 'v1.0-alpha1/crypto/{name}/decrypt',
      handle: (request) => decryptBody(api, request),
    },
    ...SUBTLE.map((operation): HttpRoute => ({
      methods: ['POST'],
      pattern: `v1.0-alpha1/subtlecrypto/{name}/${operation}`,
      handle: () => {
        throw new ApiError('API_UNIMPLEMENTED', 'this API is currently not implemented');
      },
    })),
  ];
}
