/** The loaded protos as file descriptors: one file a package, with what it imports. */
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import type { DescriptorFiles } from './reflection.ts';

interface FileDescriptor {
  name: string;
  package: string;
  dependency?: string[];
  syntax?: string;
  messageType: MessageDescriptor[];
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
  const { Namespace, Service, Type } = protobuf;
  let at: protobuf.ReflectionObject | null = object;
  // Types and services are namespaces too; a package is one that is nothing else.
  while (at && (!(at instanceof Namespace) || at instanceof Type || at instanceof Service)) {
    at = at.parent;
  }
  return at?.fullName.replace(/^\./, '') ?? '';
}

const fileOf = (name: string): string => `${name.replaceAll('.', '/')}.proto`;

interface MessageDescriptor {
  name: string;
  field: { name: string; typeName?: string }[];
  nestedType: MessageDescriptor[];
  options?: { mapEntry?: boolean } | null;
}

/** Names the types of map entries as protoc does: readers of descriptors insist on it. */
function nameEntries(messages: readonly MessageDescriptor[]): void {
  for (const { field, nestedType } of messages) {
    for (const entry of nestedType.filter(({ options }) => options?.mapEntry)) {
      const user = field.find(({ typeName }) => typeName?.split('.').at(-1) === entry.name);
      if (!user) continue;
      const name = `${user.name.replace(/(?:^|_)(.)/g, (_all, first: string) => first.toUpperCase())}Entry`;
      user.typeName = `${user.typeName!.slice(0, -entry.name.length)}${name}`;
      entry.name = name;
    }
    nameEntries(nestedType);
  }
}

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
    nameEntries(file.messageType);
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
      // Of a method, package.Service.Method, the file of its service.
      const found = root.lookup(symbol) ?? root.lookup(symbol.split('.').slice(0, -1).join('.'));
      return found ? withImports(fileOf(packageOf(found))) : undefined;
    },
  };
}
