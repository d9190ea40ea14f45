/** The contract of a binding: events that come in from outside, operations that go out, or both. */
import type { Component } from '../component.ts';

export interface BindingEvent {
  readonly data: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface BindingRequest {
  /** One of the driver's operations; the others are refused. */
  readonly operation: string;
  readonly data: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface BindingResponse {
  readonly data?: Uint8Array;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The other side refused; `data` and `metadata` are its answer. */
  readonly failure?: string;
}

/** What the app answered to an event, for drivers that pass it on. */
export type BindingReply = Uint8Array | undefined;

/**
 * Features: `INPUT_BINDING` when it has `read`, `OUTPUT_BINDING` when it has
 * `operations`. The other half rejects with a ComponentError of code UNSUPPORTED.
 */
export interface Binding extends Component {
  readonly operations: readonly string[];
  /** Errors: UNSUPPORTED for an operation that it lacks, INVALID_ARGUMENT for data or metadata that it cannot use. */
  invoke(request: BindingRequest, options?: { signal?: AbortSignal }): Promise<BindingResponse>;
  /**
   * Delivers events until the returned function is called or the component is
   * closed. An event whose handler rejects was not taken; whether it comes
   * again is the driver's. One reader at a time.
   */
  read(handler: (event: BindingEvent) => Promise<BindingReply>): Promise<() => Promise<void>>;
}
