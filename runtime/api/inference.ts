/** What the API needs of a model server. A host is handed one; the API runs no model itself. */

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

export interface ServedTensor {
  /** By ONNX Runtime's name: `float32`. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export interface ServedSpec {
  readonly name: string;
  readonly type: string;
  /** -1 is any size. */
  readonly shape: readonly number[];
}

/** A server of models, as `troupe/worker` makes one. Errors: those of the runtime. */
export interface ModelServer {
  predict(
    model: string,
    inputs: Readonly<
      Record<string, { readonly data: TensorData; readonly shape: readonly number[] }>
    >,
    options: {
      readonly version?: string;
      readonly signal?: AbortSignal;
      /** Milliseconds since the epoch. */
      readonly deadline?: number;
      readonly priority?: number;
    },
  ): Promise<{
    readonly model: string;
    readonly version: string;
    readonly outputs: Readonly<Record<string, ServedTensor>>;
  }>;
  load(model: string): Promise<void>;
  unload(model: string): Promise<void>;
  isReady(model: string, version?: string): boolean;
  model(
    model: string,
    version?: string,
  ): {
    readonly versions: readonly string[];
    readonly inputs: readonly ServedSpec[];
    readonly outputs: readonly ServedSpec[];
  };
  index(): Promise<
    readonly {
      readonly name: string;
      readonly version?: string;
      readonly state: string;
      readonly reason: string;
    }[]
  >;
  /** Prometheus' text format. */
  metrics(): string;
}
