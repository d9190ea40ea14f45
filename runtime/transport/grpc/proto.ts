/**
 * Dapr's messages: the protos that @dapr/dapr ships, what they lack from
 * proto/additions.proto, and a codec for each method. Read when the first call
 * of a schema comes, because parsing costs more than starting a server.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type protobuf from 'protobufjs';
import { GrpcError } from './status.ts';

const DAPR = [
  'dapr/proto/runtime/v1/dapr.proto',
  'dapr/proto/runtime/v1/appcallback.proto',
  'dapr/proto/internals/v1/service_invocation.proto',
];
const OWN = ['additions.proto', 'reflection.proto'];
/** What a pluggable component serves. */
const COMPONENTS = ['components.proto', 'reflection.proto'];
/** What Dapr's placement and scheduler serve. */
const CONTROL_PLANE = [
  'dapr/proto/placement/v1/placement.proto',
  'dapr/proto/scheduler/v1/scheduler.proto',
];
const ADDITIONS = '_Additions';

/** Names of proto fields in camel case; what is unset has proto3's default. */
export interface Codec<T> {
  decode(bytes: Uint8Array): T;
  encode(message: T): Uint8Array;
}

export interface MethodCodec<I, O> {
  readonly request: Codec<I>;
  readonly response: Codec<O>;
}

export interface Protos {
  readonly root: protobuf.Root;
  /** Read anew with the names that the files have, for descriptors. */
  original(): protobuf.Root;
  /** By full name, for example `dapr.proto.runtime.v1.Job`. */
  message<T>(name: string): Codec<T>;
  method<I, O>(service: string, method: string): MethodCodec<I, O>;
  /** Method names of a service in the order of its proto. */
  methods(service: string): string[];
}

const NO_BYTES = Buffer.alloc(0);

/** Gives what `X_Additions` declares to `X`. */
function merge({ Type, Service }: typeof protobuf, root: protobuf.Root): void {
  const namespace = root.lookup('dapr.proto.runtime.v1') as protobuf.Namespace;
  for (const more of namespace.nestedArray.filter(({ name }) => name.endsWith(ADDITIONS))) {
    const base = namespace.get(more.name.slice(0, -ADDITIONS.length));
    if (more instanceof Type && base instanceof Type) {
      for (const field of more.fieldsArray) {
        more.remove(field);
        base.add(field);
      }
    } else if (more instanceof Service && base instanceof Service) {
      for (const method of more.methodsArray) {
        more.remove(method);
        base.add(method);
      }
    }
    namespace.remove(more);
  }
}

function load(files: readonly string[], keepCase: boolean): protobuf.Root {
  // Loading the library costs as much as the rest of a server's start.
  const require = createRequire(import.meta.url);
  const library = require('protobufjs') as typeof protobuf;
  const shipped = join(dirname(require.resolve('@dapr/dapr/package.json')), 'proto');
  const own = join(dirname(fileURLToPath(import.meta.url)), 'proto');
  const root = new library.Root();
  root.resolvePath = (_from, target) => join(target.includes('/') ? shipped : own, target);
  root.loadSync([...files], { keepCase });
  if (files.includes('additions.proto')) merge(library, root);
  root.resolveAll();
  return root;
}

/** Makes an unset field of bytes read as an empty buffer and not as an empty array, in a type and below it. */
function withBytes(type: protobuf.Type, seen: Set<protobuf.Type>): void {
  if (seen.has(type)) return;
  seen.add(type);
  for (const field of type.fieldsArray) {
    const { resolvedType } = field;
    if (resolvedType && 'fields' in resolvedType) withBytes(resolvedType, seen);
    else if (field.type === 'bytes' && !field.repeated && !field.map) {
      (type.ctor.prototype as Record<string, unknown>)[field.name] = NO_BYTES;
    }
  }
}

/** The messages of pluggable components, and of the reflection by which they are found. */
export const createComponentProtos = (): Protos => createProtos(COMPONENTS);

/** The messages of Dapr's placement and scheduler. */
export const createControlPlaneProtos = (): Protos => createProtos(CONTROL_PLANE);

export function createProtos(files: readonly string[] = [...DAPR, ...OWN]): Protos {
  let loaded: protobuf.Root | undefined;
  const codecs = new Map<string, Codec<unknown>>();
  const prepared = new Set<protobuf.Type>();
  const root = (): protobuf.Root => (loaded ??= load(files, false));

  function codecOf<T>(type: protobuf.Type): Codec<T> {
    const known = codecs.get(type.fullName);
    if (known) return known as Codec<T>;
    withBytes(type, prepared);
    const codec: Codec<T> = {
      decode(bytes) {
        try {
          return type.decode(bytes) as T;
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw new GrpcError('INTERNAL', `grpc: error unmarshalling request: ${why}`, { cause });
        }
      },
      encode: (message) => type.encode(message as Record<string, unknown>).finish(),
    };
    codecs.set(type.fullName, codec as Codec<unknown>);
    return codec;
  }

  return {
    get root() {
      return root();
    },
    original: () => load(files, true),
    message: (name) => codecOf(root().lookupType(name)),
    method(service, method) {
      const found = root().lookupService(service).methods[method];
      if (!found) throw new Error(`the protos have no method ${service}/${method}`);
      found.resolve();
      return {
        request: codecOf(found.resolvedRequestType!),
        response: codecOf(found.resolvedResponseType!),
      };
    },
    methods: (service) => Object.keys(root().lookupService(service).methods),
  };
}
