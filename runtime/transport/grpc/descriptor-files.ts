/** The loaded protos as file descriptors: one file a package, with what it imports. */
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import type { DescriptorFiles } from './reflection.ts';

interface FileDescriptor {
  name: string;
  package: string;
  dependency?: string[];
  syntax?: string;
}

/** Names of the messages and enums that a file's fields and methods refer to. */
function* references(namespace: protobuf.NamespaceBase): Generator<protobuf.ReflectionObject> {
  if (namespace instanceof protobuf.Type) {
    for (const { resolvedType } of namespace.fieldsArray) if (resolvedType) yield resolvedType;
  }
  if (namespace instanceof protobuf.Service) {
    for (const method of namespace.methodsArray) {
      method.resolve();
      yield method.resolvedRequestType!;
      yield method.resolvedResponseType!;
    }
  }
  for (const nested of namespace.nestedArray) {
    if (nested instanceof protobuf.Type || nested instanceof protobuf.Service) {
      yield* references(nested);
    }
  }
}

function packageOf(object: protobuf.ReflectionObject): string {
  let at: protobuf.ReflectionObject | null = object;
  while (
    at instanceof protobuf.Type ||
    at instanceof protobuf.Service ||
    at instanceof protobuf.Enum
  ) {
    at = at.parent;
  }
  return at?.fullName.replace(/^\./, '') ?? '';
}

const fileOf = (name: string): string => `${name.replaceAll('.', '/')}.proto`;

export function createDescriptorFiles(root: protobuf.Root): DescriptorFiles {
  const set = (
    root as unknown as { toDescriptor(syntax: string): { file: FileDescriptor[] } }
  ).toDescriptor('proto3');
  const files = new Map<string, { descriptor: FileDescriptor; imports: string[] }>();
  for (const file of set.file) {
    const imports = new Set<string>();
    for (const object of references(root.lookup(file.package) as protobuf.NamespaceBase)) {
      const name = packageOf(object);
      if (name !== file.package) imports.add(fileOf(name));
    }
    file.name = fileOf(file.package);
    file.dependency = [...imports];
    files.set(file.name, { descriptor: file, imports: [...imports] });
  }

  function withImports(name: string, seen = new Set<string>()): Uint8Array[] {
    const file = files.get(name);
    if (!file || seen.has(name)) return [];
    seen.add(name);
    const bytes = descriptor.FileDescriptorProto.encode(file.descriptor as object).finish();
    return [bytes, ...file.imports.flatMap((one) => withImports(one, seen))];
  }

  return {
    byName: (name) => (files.has(name) ? withImports(name) : undefined),
    bySymbol(symbol) {
      // A method is asked for as package.Service.Method; the service's file has it.
      const found = root.lookup(symbol) ?? root.lookup(symbol.split('.').slice(0, -1).join('.'));
      return found ? withImports(fileOf(packageOf(found))) : undefined;
    },
  };
}
