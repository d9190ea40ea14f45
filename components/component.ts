/**
 * What every component driver is, whatever its kind. A driver is one file that
 * exports `createDriver`; the kind's table maps its Dapr type name to a lazy
 * import of that file. Public as `troupe/component`.
 */

/** Metadata of a component after secrets, env and templates were resolved: names as written, values as strings. */
export type ComponentMetadata = Readonly<Record<string, string>>;

export interface ComponentLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a driver is given. `name` and `type` are there so that its errors can name the component. */
export interface ComponentOptions {
  readonly name: string;
  /** Dapr type name, for example `state.sqlite`. */
  readonly type: string;
  readonly version: string;
  readonly metadata: ComponentMetadata;
  readonly appId: string;
  readonly logger: ComponentLogger;
  /** Milliseconds since the epoch. Drivers that expire or schedule use this clock and no other. */
  readonly now: () => number;
  /**
   * Calls `fire` once, `delayMs` from now on the same clock. Every delay of a
   * driver goes through here; an outstanding timer keeps no process alive.
   */
  readonly timer: (delayMs: number, fire: () => void) => { cancel(): void };
}

/** What a component has going with its server at this moment. */
export interface ComponentUsage {
  /** Open connections. */
  readonly connections: number;
  /** Requests and events that are not answered or done with, those that wait for a connection too. */
  readonly inFlight: number;
}

/** Base of every component instance. */
export interface Component extends AsyncDisposable {
  /** Capability names as Dapr prints them in `/v1.0/metadata`, for example `ETAG`, `TRANSACTIONAL`. */
  readonly features: readonly string[];
  /** Resolves when the backend answers; rejects with a ComponentError that names the component. */
  ping(options?: { signal?: AbortSignal }): Promise<void>;
  /** Absent: it has no server. */
  usage?(): ComponentUsage;
  /** Idempotent; the same function as `Symbol.asyncDispose`. */
  close(): Promise<void>;
}

/** A metadata field of a driver, so that unknown and malformed fields can be named with what was meant. */
export interface MetadataField {
  readonly name: string;
  readonly required?: boolean;
  readonly description: string;
  /** Other spellings Dapr accepts. */
  readonly aliases?: readonly string[];
}

/** What a driver's module exports as `driver`. */
export interface Driver<C extends Component> {
  readonly fields: readonly MetadataField[];
  /** It takes metadata of any name beside its fields. Default false. */
  readonly openMetadata?: boolean;
  /** Connects and checks; resolves to a ready instance. Must give up when `signal` aborts. */
  create(options: ComponentOptions, context: { signal: AbortSignal }): Promise<C>;
}

/** One line of a kind's table: Dapr type name -> lazy import of the driver's module. */
export interface DriverEntry<C extends Component> {
  readonly type: string;
  /** Versions accepted in YAML. Dapr's default is `v1`. */
  readonly versions: readonly string[];
  load(): Promise<Driver<C>>;
}

/** A kind of component: its table of drivers, and the metadata fields that the runtime itself reads from any of them. */
export interface Kind<C extends Component> {
  readonly drivers: readonly DriverEntry<C>[];
  readonly fields: readonly MetadataField[];
}
