/**
 * The errors of the whole product: one base class, one table of codes. Callers
 * match on `code`; the class only tells the engine's own errors from an
 * application's. HTTP statuses and gRPC codes are not known here.
 */

/** Every code that the runtime itself can raise, and whether the same call may succeed later. */
export const ERROR_CODES = {
  INVALID_ARGUMENT: { retryable: false },
  NOT_FOUND: { retryable: false },
  METHOD_NOT_FOUND: { retryable: false },
  CONFLICT: { retryable: false },
  UNAVAILABLE: { retryable: true },
  MOVED: { retryable: true },
  FENCED: { retryable: false },
  TIMEOUT: { retryable: false },
  CANCELLED: { retryable: false },
  OVERLOADED: { retryable: true },
  DEADLOCK: { retryable: false },
  STACK_DEPTH: { retryable: false },
  READ_ONLY: { retryable: false },
  FORBIDDEN: { retryable: false },
  UNSUPPORTED: { retryable: false },
  COMPONENT: { retryable: false },
  INTERNAL: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ActorAddress {
  readonly type: string;
  readonly id: string;
}

/** The one shape of an error at every border: HTTP body, gRPC detail, durable log, peer wire. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
  readonly retryable: boolean;
  /** Set when the code belongs to the application and not to `ERROR_CODES`. */
  readonly application?: true;
  /** Status an application error asks for over HTTP. */
  readonly status?: number;
  readonly actor?: ActorAddress;
  readonly method?: string;
}

export interface ErrorOptions {
  readonly cause?: unknown;
  readonly details?: unknown;
  readonly retryable?: boolean;
  readonly actor?: ActorAddress;
  readonly method?: string;
}

const BRAND: unique symbol = Symbol.for('troupe.error') as never;

/** Base of every error that crosses a public surface of Troupe. */
export class TroupeError extends Error {
  static {
    this.prototype.name = 'TroupeError';
  }
  readonly [BRAND] = true;
  readonly code: string;
  readonly retryable: boolean;
  readonly details?: unknown;
  actor?: ActorAddress;
  method?: string;

  constructor(code: ErrorCode | (string & {}), message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable =
      options.retryable ?? (code in ERROR_CODES && ERROR_CODES[code as ErrorCode].retryable);
    if (options.details !== undefined) this.details = options.details;
    if (options.actor) this.actor = options.actor;
    if (options.method !== undefined) this.method = options.method;
  }

  toJSON(): WireError {
    return {
      code: this.code,
      message: this.message,
      ...(this.details === undefined ? {} : { details: this.details }),
      retryable: this.retryable,
      ...(this.actor ? { actor: this.actor } : {}),
      ...(this.method === undefined ? {} : { method: this.method }),
    };
  }
}

export interface ActorErrorOptions extends ErrorOptions {
  /** HTTP status for callers over HTTP, 400 to 599. Default 500. */
  readonly status?: number;
}

/**
 * An application's own error, thrown by an actor on purpose. It reaches the
 * caller of any runtime with code, message and details unchanged, and keeps
 * the actor's instance (any other throw drops it).
 */
export class ActorError extends TroupeError {
  static {
    this.prototype.name = 'ActorError';
  }
  readonly application = true as const;
  readonly status: number;

  constructor(code: string, message: string, options: ActorErrorOptions = {}) {
    super(code, message, { ...options, retryable: options.retryable ?? false });
    this.status = options.status ?? 500;
  }

  override toJSON(): WireError {
    return { ...super.toJSON(), application: true, status: this.status };
  }
}

/** A component failed: names it, its driver and what to do. */
export class ComponentError extends TroupeError {
  static {
    this.prototype.name = 'ComponentError';
  }
  readonly component: string;
  readonly componentType: string;
  /** The message without the name of the component, for texts that have it already. */
  readonly reason: string;

  constructor(
    component: { name: string; type: string },
    message: string,
    options: ErrorOptions & { code?: ErrorCode } = {},
  ) {
    super(
      options.code ?? 'COMPONENT',
      `component "${component.name}" (${component.type}): ${message}`,
      options,
    );
    this.component = component.name;
    this.componentType = component.type;
    this.reason = message;
  }
}

/** True for errors of this package, whichever copy of it made them. */
export function isTroupeError(error: unknown): error is TroupeError {
  return typeof error === 'object' && error !== null && BRAND in error;
}

export function isActorError(error: unknown): error is ActorError {
  return isTroupeError(error) && 'application' in error;
}

/** The error a border sends for anything thrown: typed errors as they are, the rest as INTERNAL without their text. */
export function toWireError(error: unknown, context = 'the call'): WireError {
  if (isTroupeError(error)) return error.toJSON();
  return {
    code: 'INTERNAL',
    message: `${context} failed with an unexpected error; the log of the host that ran it has the cause`,
    retryable: false,
  };
}

/** The typed error that a `WireError` stood for on the other side. */
export function fromWireError(wire: WireError): TroupeError {
  const options: ActorErrorOptions = {
    details: wire.details,
    retryable: wire.retryable,
    ...(wire.actor ? { actor: wire.actor } : {}),
    ...(wire.method === undefined ? {} : { method: wire.method }),
    ...(wire.status === undefined ? {} : { status: wire.status }),
  };
  return wire.application
    ? new ActorError(wire.code, wire.message, options)
    : new TroupeError(wire.code, wire.message, options);
}
