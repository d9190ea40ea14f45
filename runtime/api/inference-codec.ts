/** The Open Inference Protocol's requests and answers: tensors in JSON and in binary, to and from typed arrays. */
import { TroupeError } from '../core/errors.ts';
import type { ModelServer, ServedTensor, TensorData } from './inference.ts';
import { isObject, type HttpRequest, type HttpResponse } from './route.ts';

interface Datatype {
  readonly type: string;
  readonly make: new (values: number | ArrayBuffer) => TensorData;
}

function datatype(type: string, make: unknown): Datatype {
  return { type, make: make as Datatype['make'] };
}

/** The protocol's datatypes that are served. */
const DATATYPES: Readonly<Record<string, Datatype>> = {
  BOOL: datatype('bool', Uint8Array),
  UINT8: datatype('uint8', Uint8Array),
  UINT16: datatype('uint16', Uint16Array),
  UINT32: datatype('uint32', Uint32Array),
  UINT64: datatype('uint64', BigUint64Array),
  INT8: datatype('int8', Int8Array),
  INT16: datatype('int16', Int16Array),
  INT32: datatype('int32', Int32Array),
  INT64: datatype('int64', BigInt64Array),
  FP32: datatype('float32', Float32Array),
  FP64: datatype('float64', Float64Array),
};

const NAMES = new Map(Object.entries(DATATYPES).map(([name, { type }]) => [type, name]));
const HEADER_LENGTH = 'inference-header-content-length';

export function datatypeOf(type: string): string {
  return NAMES.get(type) ?? type.toUpperCase();
}

function bad(message: string): TroupeError {
  return new TroupeError('INVALID_ARGUMENT', message);
}

export interface InferRequest {
  readonly id: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, { data: TensorData; shape: readonly number[] }>>;
  /** Absent: all, as `binary` says. */
  readonly outputs: readonly { readonly name: string; readonly binary: boolean }[] | undefined;
  /** What `binary_data_output` asks for. */
  readonly binary: boolean;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The values of a tensor in JSON, nested or flat. */
function fromJson(values: unknown, { make, type }: Datatype, size: number, name: string) {
  const data = new make(size);
  const whole = typeof data[0] === 'bigint';
  let at = 0;
  const take = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const one of value) take(one);
      return;
    }
    if (at === size) throw bad(`input ${name} has more values than its shape`);
    if (typeof value !== (type === 'bool' ? 'boolean' : 'number')) {
      throw bad(`input ${name} has a value that is no ${type}`);
    }
    if (whole && !Number.isSafeInteger(value)) {
      throw bad(`input ${name} has a value that JSON cannot hold exactly; send it in binary`);
    }
    data[at++] = whole ? BigInt(value as number) : Number(value);
  };
  take(values);
  if (at < size) throw bad(`input ${name} has ${at} values, fewer than its shape`);
  return data;
}

function shapeOf(value: unknown, name: string): number[] {
  const sizes = Array.isArray(value) ? (value as unknown[]) : undefined;
  if (!sizes?.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw bad(`input ${name} has no shape: a list of whole numbers`);
  }
  return sizes as number[];
}

function parametersOf(value: unknown, what: string): Record<string, unknown> {
  if (value === undefined) return {};
  if (!isObject(value)) throw bad(`${what} must be an object`);
  return value;
}

/** @throws TroupeError INVALID_ARGUMENT, UNSUPPORTED */
export function decodeInfer({ body, headers }: HttpRequest): InferRequest {
  if (headers['content-encoding'] !== undefined) {
    throw new TroupeError('UNSUPPORTED', 'compressed requests are not taken; send it as it is');
  }
  const declared = headers[HEADER_LENGTH];
  const length = declared === undefined ? body.byteLength : Number(declared);
  if (!Number.isInteger(length) || length < 0 || length > body.byteLength) {
    throw bad(`header ${HEADER_LENGTH} is not the length of the JSON in the body`);
  }
  let request: unknown;
  try {
    request = JSON.parse(decoder.decode(body.subarray(0, length)));
  } catch (cause) {
    throw bad(`the request is not JSON: ${(cause as Error).message}`);
  }
  if (!isObject(request)) throw bad('the request must be an object');
  const parameters = parametersOf(request['parameters'], 'parameters');
  const list: unknown = request['inputs'];
  if (!Array.isArray(list)) throw bad('inputs must be a list of tensors');
  const inputs: Record<string, { data: TensorData; shape: readonly number[] }> = {};
  let from = length;
  for (const input of list as unknown[]) {
    if (!isObject(input) || typeof input['name'] !== 'string') throw bad('an input has no name');
    const { name, datatype: kind } = input;
    if (Object.hasOwn(inputs, name)) throw bad(`input ${name} is given twice`);
    const known = typeof kind === 'string' ? DATATYPES[kind] : undefined;
    if (!known) {
      const text = `input ${name} is of datatype ${String(kind)}; taken are ${Object.keys(DATATYPES).join(', ')}`;
      throw new TroupeError('UNSUPPORTED', text);
    }
    const shape = shapeOf(input['shape'], name);
    const size = shape.reduce((product, one) => product * one, 1);
    const bytes = parametersOf(input['parameters'], `parameters of ${name}`)['binary_data_size'];
    // Every value takes a byte at least, so that a shape cannot ask for more than was sent.
    if (size > body.byteLength)
      throw bad(`input ${name} has a shape of more values than were sent`);
    let data: TensorData;
    if (bytes === undefined) {
      data = fromJson(input['data'], known, size, name);
    } else {
      const end = from + Number(bytes);
      const each = known.make.prototype.BYTES_PER_ELEMENT as number;
      if (bytes !== size * each || end > body.byteLength) {
        throw bad(
          `input ${name} does not have the bytes that it names; its shape needs ${size * each}`,
        );
      }
      // A copy, because the bytes in the body stand at any offset.
      const copy = new Uint8Array(end - from);
      copy.set(body.subarray(from, end));
      data = new known.make(copy.buffer);
      from = end;
    }
    inputs[name] = { data, shape };
  }
  if (from !== body.byteLength) throw bad('the body has more bytes than its inputs');
  const id = request['id'];
  if (id !== undefined && typeof id !== 'string') throw bad('id must be a string');
  const binary = parameters['binary_data_output'] === true;
  return { id, parameters, inputs, outputs: outputsOf(request['outputs'], binary), binary };
}

function outputsOf(list: unknown, binary: boolean): InferRequest['outputs'] {
  if (list === undefined) return undefined;
  if (!Array.isArray(list)) throw bad('outputs must be a list');
  return (list as unknown[]).map((output) => {
    if (!isObject(output) || typeof output['name'] !== 'string') throw bad('an output has no name');
    const parameters = parametersOf(output['parameters'], `parameters of ${output['name']}`);
    if (Number(parameters['classification'] ?? 0) > 0) {
      throw new TroupeError('UNSUPPORTED', 'the classification extension is not served');
    }
    const own = parameters['binary_data'];
    return { name: output['name'], binary: own === undefined ? binary : own === true };
  });
}

function toJson({ type, data }: ServedTensor): unknown[] {
  if (type === 'bool') return Array.from(data as Uint8Array, (value) => value !== 0);
  // The whole numbers of 64 bits are JSON numbers in the protocol, exact only up to 2^53.
  return Array.from(data as Float64Array, Number);
}

/** @throws TroupeError INVALID_ARGUMENT for an output that the model does not have. */
export function encodeInfer(
  { id, outputs, binary }: InferRequest,
  prediction: Awaited<ReturnType<ModelServer['predict']>>,
): HttpResponse {
  const wanted = outputs ?? Object.keys(prediction.outputs).map((name) => ({ name, binary }));
  const parts: Uint8Array[] = [];
  const tensors = wanted.map(({ name, binary: asBytes }) => {
    const tensor = prediction.outputs[name];
    if (!tensor) {
      const known = Object.keys(prediction.outputs).join(', ');
      throw bad(`model ${prediction.model} has no output ${name}; it gives ${known}`);
    }
    const { type, shape, data } = tensor;
    const head = { name, datatype: datatypeOf(type), shape };
    if (!asBytes) return { ...head, data: toJson(tensor) };
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { ...head, parameters: { binary_data_size: data.byteLength } };
  });
  const text = JSON.stringify({
    model_name: prediction.model,
    model_version: prediction.version,
    ...(id === undefined ? {} : { id }),
    outputs: tensors,
  });
  if (parts.length === 0) return { status: 200, body: text };
  const json = Buffer.from(text);
  return {
    status: 200,
    contentType: 'application/octet-stream',
    headers: { [HEADER_LENGTH]: String(json.byteLength) },
    body: Buffer.concat([json, ...parts]),
  };
}
