/** Writes tiny ONNX models, field by field of the format's protocol buffers, into model repositories of tests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Part = Uint8Array;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

const number = (field: number, value: number): Part =>
  Uint8Array.from([...varint(field * 8), ...varint(value)]);

function message(field: number, ...parts: readonly Part[]): Part {
  const body = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(body.length)]), body]);
}

const text = (field: number, value: string): Part => message(field, Buffer.from(value));

const TYPES = { float32: 1, int64: 7, string: 8 } as const;
type Type = keyof typeof TYPES;

/** A size that is a name may be anything. */
function value(field: number, name: string, type: Type, shape: readonly (number | string)[]): Part {
  const sizes = shape.map((size) =>
    message(1, typeof size === 'number' ? number(1, size) : text(2, size)),
  );
  const tensor = message(1, number(1, TYPES[type]), message(2, ...sizes));
  return message(field, text(1, name), message(2, tensor));
}

function constant(
  name: string,
  shape: readonly number[],
  values: Float32Array | BigInt64Array,
): Part {
  const sizes = shape.map((size) => number(1, size));
  const type = values instanceof Float32Array ? TYPES.float32 : TYPES.int64;
  const raw = message(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return message(5, ...sizes, number(2, type), text(8, name), raw);
}

function node(operator: string, inputs: readonly string[], output: string): Part {
  const from = inputs.map((name) => text(1, name));
  return message(1, ...from, text(2, output), text(4, operator));
}

function model(...graph: readonly Part[]): Uint8Array {
  const opset = message(8, number(2, 17));
  return Buffer.concat([number(1, 8), opset, message(7, text(2, 'graph'), ...graph)]);
}

/** y = x * factor, for rows of so many values. */
export function scaleModel(factor: number, width = 2): Uint8Array {
  return model(
    node('Mul', ['x', 'factor'], 'y'),
    constant('factor', [1], Float32Array.of(factor)),
    value(11, 'x', 'float32', ['batch', width]),
    value(12, 'y', 'float32', ['batch', width]),
  );
}

/** Looks up row `index` of ten; an index beyond them fails the whole batch in the session. */
export function lookUpModel(): Uint8Array {
  return model(
    node('Gather', ['table', 'index'], 'y'),
    constant(
      'table',
      [10, 1],
      Float32Array.from({ length: 10 }, (_, at) => at * 10),
    ),
    value(11, 'index', 'int64', ['batch', 1]),
    value(12, 'y', 'float32', ['batch', 1, 1]),
  );
}

/** Multiplies rows by a matrix of ones over and over, to take its time. */
export function slowModel(times: number, width = 256): Uint8Array {
  const steps = Array.from({ length: times }, (_, at) =>
    node('MatMul', [at === 0 ? 'x' : `h${at}`, 'w'], at === times - 1 ? 'y' : `h${at + 1}`),
  );
  return model(
    ...steps,
    constant('w', [width, width], new Float32Array(width * width).fill(1 / width)),
    value(11, 'x', 'float32', ['batch', width]),
    value(12, 'y', 'float32', ['batch', width]),
  );
}

/** y = x + x, for any shape. */
export function doubleModel(): Uint8Array {
  return model(
    node('Add', ['x', 'x'], 'y'),
    value(11, 'x', 'float32', ['rows', 'columns']),
    value(12, 'y', 'float32', ['rows', 'columns']),
  );
}

export function textModel(): Uint8Array {
  return model(
    node('Identity', ['x'], 'y'),
    value(11, 'x', 'string', ['batch', 1]),
    value(12, 'y', 'string', ['batch', 1]),
  );
}

export interface TestRepository extends AsyncDisposable {
  readonly path: string;
  put(name: string, version: string, bytes: Uint8Array, config?: string): Promise<void>;
}

/** A model repository in a new folder, deleted when disposed. */
export async function makeRepository(): Promise<TestRepository> {
  const path = await mkdtemp(join(tmpdir(), 'troupe-models-'));
  return {
    path,
    async put(name, version, bytes, config) {
      await mkdir(join(path, name, version), { recursive: true });
      await writeFile(join(path, name, version, 'model.onnx'), bytes);
      if (config !== undefined) await writeFile(join(path, name, 'config.yaml'), config);
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
