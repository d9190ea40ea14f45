/** HTTP rows of the jobs block: JSON as protobuf has it, names in camel or snake case. */
import type { JobData, JobSpec } from '../core/jobs.ts';
import type { FailurePolicy } from '../core/ports.ts';
import { parseInterval } from '../core/jobs.ts';
import { ApiError } from './api-error.ts';
import type { JobsApi } from './jobs.ts';
import {
  empty,
  isObject,
  json,
  jsonOf,
  malformed,
  textOf,
  type HttpRequest,
  type HttpRoute,
} from './route.ts';

const VALUE_TYPE = 'type.googleapis.com/google.protobuf.Value';
const LARGEST_UINT32 = 2 ** 32 - 1;

type Body = Readonly<Record<string, unknown>>;

/** A member under its camel case name or the snake case one. */
function member(body: Body, name: string): unknown {
  const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return body[name] ?? body[snake] ?? undefined;
}

function uint32(value: unknown, what: string): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const fits = typeof number === 'number' && Number.isInteger(number);
  if (!fits || number < 0 || number > LARGEST_UINT32) {
    throw malformed(`${what} must be a whole number from 0 to ${LARGEST_UINT32}`);
  }
  return number;
}

/** A failure policy as its JSON has it. Errors: ERR_MALFORMED_REQUEST. */
export function policyOf(value: unknown): FailurePolicy | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value)) throw malformed('failurePolicy must be an object');
  const { drop, constant } = value;
  if (drop !== undefined && constant !== undefined)
    throw malformed('failurePolicy has both drop and constant');
  if (drop !== undefined) return { kind: 'drop' };
  if (constant === undefined || constant === null) return undefined;
  if (!isObject(constant)) throw malformed('failurePolicy.constant must be an object');
  const interval = textOf(constant['interval'], 'failurePolicy.constant.interval');
  const maxRetries = uint32(member(constant, 'maxRetries'), 'failurePolicy.constant.maxRetries');
  let intervalMs = 0;
  try {
    if (interval !== undefined) intervalMs = parseInterval(interval);
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
  return { kind: 'constant', intervalMs, ...(maxRetries === undefined ? {} : { maxRetries }) };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function specOf(body: Body): JobSpec {
  const spec: Mutable<JobSpec> = {};
  for (const name of ['schedule', 'dueTime', 'ttl'] as const) {
    const text = textOf(member(body, name), name);
    if (text !== undefined) spec[name] = text;
  }
  const repeats = uint32(member(body, 'repeats'), 'repeats');
  if (repeats !== undefined) spec.repeats = repeats;
  const failurePolicy = policyOf(member(body, 'failurePolicy'));
  if (failurePolicy) spec.failurePolicy = failurePolicy;
  if (body['data'] !== undefined && body['data'] !== null)
    spec.data = { json: JSON.stringify(body['data']) };
  return spec;
}

async function schedule(api: JobsApi, request: HttpRequest): Promise<void> {
  const body = request.body.byteLength === 0 ? {} : jsonOf(request.body);
  if (!isObject(body)) throw malformed('the body must be an object');
  if (textOf(body['name'], 'name'))
    throw new ApiError('JOB_NAME_IN_BODY', 'Set the job name in the url only');
  const overwrite = body['overwrite'] ?? false;
  if (typeof overwrite !== 'boolean') throw malformed('overwrite must be true or false');
  await api.schedule(request.params[0]!.trim(), specOf(body), { overwrite });
}

/** Types of protobuf whose value is one length-delimited field of number 1. */
const TEXT_TYPES: Readonly<Record<string, BufferEncoding>> = {
  'type.googleapis.com/google.protobuf.StringValue': 'utf8',
  'type.googleapis.com/google.protobuf.BytesValue': 'base64',
};

/** The only field of a StringValue or BytesValue; empty when it is left out. */
function fieldOf(bytes: Buffer): Buffer | undefined {
  if (bytes.length === 0) return bytes;
  if (bytes[0] !== 0x0a) return undefined;
  let [length, at, shift] = [0, 1, 0];
  for (let byte = 0x80; (byte & 0x80) !== 0; at++, shift += 7) {
    byte = bytes[at] ?? 0;
    length += (byte & 0x7f) * 2 ** shift;
  }
  return at + length === bytes.length ? bytes.subarray(at) : undefined;
}

/** Protobuf's JSON of an Any. Errors: DAPR_SCHEDULER_GET_JOB for a type that is not known here. */
function anyOf(data: JobData): unknown {
  if ('json' in data) return { '@type': VALUE_TYPE, value: JSON.parse(data.json) as unknown };
  const encoding = TEXT_TYPES[data.typeUrl];
  const field = fieldOf(Buffer.from(data.base64, 'base64'));
  if (encoding && field) return { '@type': data.typeUrl, value: field.toString(encoding) };
  const text = `failed to get job due to: its data of type ${JSON.stringify(data.typeUrl)} has no JSON; read it over gRPC`;
  throw new ApiError('JOB_GET', text);
}

function jobJson(name: string, spec: JobSpec): unknown {
  const { schedule: text, repeats, dueTime, ttl, data, failurePolicy } = spec;
  return {
    name,
    ...(text === undefined ? {} : { schedule: text }),
    ...(repeats === undefined ? {} : { repeats }),
    ...(dueTime === undefined ? {} : { dueTime }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(data === undefined ? {} : { data: anyOf(data) }),
    ...(failurePolicy === undefined ? {} : { failurePolicy: policyJson(failurePolicy) }),
  };
}

function policyJson(policy: FailurePolicy): unknown {
  if (policy.kind === 'drop') return { drop: {} };
  const { intervalMs, maxRetries } = policy;
  return {
    constant: {
      interval: `${intervalMs / 1000}s`,
      ...(maxRetries === undefined ? {} : { maxRetries }),
    },
  };
}

export function jobRoutes(api: JobsApi): HttpRoute[] {
  return ['v1.0', 'v1.0-alpha1'].flatMap((version): HttpRoute[] => {
    const pattern = `${version}/jobs/{name}`;
    return [
      {
        methods: ['POST'],
        pattern,
        async handle(request) {
          await schedule(api, request);
          return empty();
        },
      },
      {
        methods: ['GET'],
        pattern,
        async handle({ params }) {
          const { name, record } = await api.get(params[0]!);
          return json(jobJson(name, record.spec));
        },
      },
      {
        methods: ['DELETE'],
        pattern,
        async handle({ params }) {
          await api.delete(params[0]!);
          return empty();
        },
      },
    ];
  });
}
