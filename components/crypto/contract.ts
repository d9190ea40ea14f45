/** The contract of a cryptographic provider: it wraps data keys with keys that never leave it. */
import type { Component } from '../component.ts';

/** Names of algorithms as in Dapr, in upper case: `A256KW`, `A128CBC`, `A192CBC`, `RSA-OAEP-256`. */
export interface KeyRequest {
  /** Name of the key in the provider. */
  readonly keyName: string;
  readonly algorithm: string;
  /** The data key, in clear to be wrapped, wrapped to be unwrapped. */
  readonly key: Uint8Array;
}

/** Errors: NOT_FOUND for an unknown key, INVALID_ARGUMENT for an algorithm that the key cannot do. */
export interface CryptoProvider extends Component {
  wrapKey(request: KeyRequest, options?: { signal?: AbortSignal }): Promise<Uint8Array>;
  unwrapKey(request: KeyRequest, options?: { signal?: AbortSignal }): Promise<Uint8Array>;
}
