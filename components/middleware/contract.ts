/**
 * The contract of HTTP middleware: a step that a request takes on its way to
 * the API or to the app, and its answer on the way back. A step answers by
 * itself, or lets `next` answer; it may change what goes in and what comes out.
 */
import type { Component } from '../component.ts';

export interface MiddlewareRequest {
  readonly method: string;
  /** Percent-encoded, with a leading slash. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Address of the client; undefined when the request began here. */
  readonly remoteAddress: string | undefined;
  /** As it arrives; undefined when there is none. */
  readonly body: AsyncIterable<Uint8Array> | undefined;
}

export interface MiddlewareResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Default `application/json` when there is a body. */
  readonly contentType?: string;
  readonly body?: Uint8Array | string;
  /** Sent chunk by chunk instead of `body`. */
  readonly stream?: AsyncIterable<Uint8Array>;
}

export type Next = (request: MiddlewareRequest) => Promise<MiddlewareResponse>;

export interface Middleware extends Component {
  /** Calls `next` at most once. */
  handle(request: MiddlewareRequest, next: Next): Promise<MiddlewareResponse>;
}
