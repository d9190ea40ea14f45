/**
 * Turns resource files (Dapr's YAML, several documents a file) into validated
 * specs. It is given text and reads no file. Everything wrong in all files is
 * reported in one error, or listed beside what is sound; a kind that Troupe does
 * not serve yet is a warning that names file and kind.
 */
import type { ComponentSpec } from './component.ts';
import { readComponent } from './component-yaml.ts';
import type { RawConfiguration } from './configuration-shape.ts';
import { readConfiguration } from './configuration-yaml.ts';
import { readHttpEndpoint, type HttpEndpointSpec } from './http-endpoint.ts';
import { suggestion } from './nearest.ts';
import { readDocuments } from './reader.ts';
import { inOrder, refusal } from './problem.ts';
import type { Field, Problem, Reader, ResourceFile } from './reader.ts';
import { readResiliency, type ResiliencySpec } from './resiliency.ts';
import { readSubscription, type SubscriptionSpec } from './subscription.ts';

const API_VERSION = 'dapr.io/v1alpha1';

const V2 = 'dapr.io/v2alpha1';

export type ServedKind =
  | 'Component'
  | 'Subscription'
  | 'Resiliency'
  | 'HTTPEndpoint'
  | 'Configuration';

/** For `ParseOptions.kinds`: every kind that can be read. */
export const ALL_KINDS: readonly ServedKind[] = [
  'Component',
  'Subscription',
  'Resiliency',
  'HTTPEndpoint',
  'Configuration',
];

/** Dapr's kinds and their versions. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  Component: [API_VERSION],
  Subscription: [API_VERSION, V2],
  Resiliency: [API_VERSION],
  HTTPEndpoint: [API_VERSION],
  Configuration: [API_VERSION],
  MCPServer: [API_VERSION],
  WorkflowAccessPolicy: [API_VERSION],
};

export interface ParseOptions {
  /** Leaves out components whose `scopes` do not name it. Absent: no component is left out for its scopes. */
  readonly appId?: string;
  /** Leaves out components of another `metadata.namespace`. Absent or empty: namespaces are not looked at, as in Dapr without NAMESPACE. */
  readonly namespace?: string;
  /**
   * `report` gives what is wrong as `problems` and what is sound all the same,
   * and passes over fields that no kind has with a warning, as Dapr does.
   * Default `throw`.
   */
  readonly broken?: 'throw' | 'report';
  /** Kinds that the caller makes use of; every other one is a warning. Default: Component alone. */
  readonly kinds?: readonly ServedKind[];
}

export interface LeftOut {
  readonly name: string;
  readonly file: string;
  readonly reason: string;
}

export interface FoundConfiguration {
  readonly name: string;
  readonly document: RawConfiguration;
}

export interface ParsedResources {
  /** In the order of the files. */
  readonly components: readonly ComponentSpec[];
  readonly subscriptions: readonly SubscriptionSpec[];
  readonly resiliencies: readonly ResiliencySpec[];
  readonly httpEndpoints: readonly HttpEndpointSpec[];
  /** Configuration documents among the resources, to see whether they change; what counts is given by `parseConfiguration`. */
  readonly configurations: readonly FoundConfiguration[];
  readonly warnings: readonly Problem[];
  /** What is wrong with documents that were passed over; always empty unless `broken` is `report`. */
  readonly problems: readonly Problem[];
  /** Resources that are for another app or another namespace. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * Parses and validates. Throws INVALID_ARGUMENT when anything is wrong: one
 * line a problem in the message, the problems themselves in `details.problems`.
 * Two components of one name are refused in every case.
 */
export function parseResources(
  files: readonly ResourceFile[],
  options: ParseOptions = {},
): ParsedResources {
  const lenient = options.broken === 'report';
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const found: Found = { Component: [], Subscription: [], Resiliency: [], HTTPEndpoint: [] };
  const configurations: FoundConfiguration[] = [];
  for (const file of files) {
    for (const reader of readDocuments(file, problems, warnings, lenient ? 'warn' : 'refuse')) {
      if (isNoResource(reader)) continue;
      const kind = kindOf(reader);
      if (!kind) continue;
      const { kinds = ['Component'] } = options;
      if (!kinds.includes(kind.name as ServedKind)) {
        warnings.push(notServed(file, reader, kind));
        continue;
      }
      const sound = problems.length;
      readResource(file, reader, kind, found, configurations);
      if (kind.name !== 'Resiliency') continue;
      const daprd = `Could not read resiliency policy ${nameIn(reader)}`;
      problems.push(...problems.splice(sound).map((problem) => ({ ...problem, daprd })));
    }
  }
  const leftOut: LeftOut[] = [];
  const duplicates: Problem[] = [];
  const chosen = {
    components: select(found.Component, options, leftOut, duplicates, 'component'),
    subscriptions: select(found.Subscription, options, leftOut),
    resiliencies: select(found.Resiliency, options, leftOut),
    httpEndpoints: select(found.HTTPEndpoint, options, leftOut, duplicates, 'HTTP endpoint'),
  };
  const fatal = lenient ? duplicates : [...problems, ...duplicates];
  if (fatal.length > 0) throw refusal(inOrder(fatal, files), 'the resource files');
  return { ...chosen, configurations, warnings, problems, leftOut };
}

/** The name of a document that may be broken elsewhere. */
function nameIn(reader: Reader): string {
  const { metadata } = (reader.json(reader.root) ?? {}) as { metadata?: { name?: unknown } | null };
  return typeof metadata?.name === 'string' ? metadata.name : '';
}

interface Entry<T> {
  readonly spec: T;
  readonly reader: Reader;
}

interface Found {
  readonly Component: Entry<ComponentSpec>[];
  readonly Subscription: Entry<SubscriptionSpec>[];
  readonly Resiliency: Entry<ResiliencySpec>[];
  readonly HTTPEndpoint: Entry<HttpEndpointSpec>[];
}

interface Kind {
  readonly name: string;
  readonly version: string;
  readonly at: Field;
}

/** Dapr passes such documents over without a word: a run file may lie among resources. */
function isNoResource(reader: Reader): boolean {
  const read = reader.json(reader.root);
  return typeof read === 'object' && read !== null && !('kind' in read) && !('apiVersion' in read);
}

/** The kind of a document; undefined when it is none that Dapr has, which the reader was told. */
function kindOf(reader: Reader): Kind | undefined {
  const { root } = reader;
  const top = reader.fields(root, ['apiVersion', 'kind'], 'ignore unknown');
  if (!top) return undefined;
  const at = top.map.get('kind');
  const versionField = top.map.get('apiVersion');
  if (!at) reader.problem(root, 'kind is missing; write kind: Component');
  if (!versionField)
    reader.problem(root, `apiVersion is missing; write apiVersion: ${API_VERSION}`);
  const name = at && reader.text(at);
  const version = versionField && reader.text(versionField);
  if (name === undefined || version === undefined) return undefined;
  const versions = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (!versions) {
    reader.problem(at!, `unknown kind "${name}"${suggestion(name, Object.keys(KINDS))}`);
    return undefined;
  }
  if (versions.includes(version)) return { name, version, at: at! };
  reader.problem(
    versionField!,
    `unknown version "${version}" of kind ${name}; use ${versions.join(' or ')}`,
  );
  return undefined;
}

function notServed({ path }: ResourceFile, reader: Reader, { name, at }: Kind): Problem {
  return {
    file: path,
    line: reader.line(at),
    column: reader.column(at),
    field: 'kind',
    message: `kind ${name} is not supported yet, ignored`,
  };
}

function readResource(
  { path }: ResourceFile,
  reader: Reader,
  { name, version }: Kind,
  found: Found,
  configurations: FoundConfiguration[],
): void {
  switch (name as ServedKind) {
    case 'Component':
      keep(found.Component, readComponent(path, reader), reader);
      return;
    case 'Subscription':
      keep(found.Subscription, readSubscription(path, reader, version), reader);
      return;
    case 'Resiliency':
      keep(found.Resiliency, readResiliency(path, reader), reader);
      return;
    case 'HTTPEndpoint':
      keep(found.HTTPEndpoint, readHttpEndpoint(path, reader), reader);
      return;
    case 'Configuration': {
      const read = readConfiguration(reader);
      if (read) configurations.push({ name: read.metadata?.name ?? '', document: read });
    }
  }
}

function keep<T>(into: Entry<T>[], spec: T | undefined, reader: Reader): void {
  if (spec !== undefined) into.push({ spec, reader });
}

interface Selectable {
  readonly name: string;
  readonly namespace?: string;
  readonly scopes?: readonly string[];
  readonly source?: { readonly file: string; readonly line: number };
  /** Of a component. */
  readonly type?: string;
  readonly version?: string;
}

const logName = ({ name, type, version }: Selectable): string => `${name} (${type}/${version})`;

/** Namespace, duplicates and scopes, in the order in which Dapr looks at them. With `noun`, names must differ. */
function select<T extends Selectable>(
  entries: readonly Entry<T>[],
  { appId, namespace }: ParseOptions,
  leftOut: LeftOut[],
  duplicates: Problem[] = [],
  noun?: string,
): T[] {
  const byName = new Map<string, T>();
  const chosen: T[] = [];
  for (const { spec, reader } of entries) {
    const { name, source, scopes = [] } = spec;
    const file = source?.file ?? '';
    if (namespace && spec.namespace && spec.namespace !== namespace) {
      const reason = `it is in namespace ${spec.namespace}, this is ${namespace}`;
      leftOut.push({ name, file, reason });
      continue;
    }
    const first = noun === undefined ? undefined : byName.get(name);
    if (first) {
      const where = first.source ? ` in ${first.source.file}:${first.source.line}` : '';
      const types = noun === 'component' ? ' across all types' : '';
      duplicates.push({
        file,
        line: reader.line(reader.root),
        column: reader.column(reader.root),
        field: 'metadata.name',
        ...(spec.type === undefined
          ? {}
          : {
              daprd: `duplicate definition of Component name ${logName(spec)} with existing ${logName(first)}`,
            }),
        message: `a ${noun} named "${name}" is already defined${where}; names are unique${types}, rename one`,
      });
      continue;
    }
    if (appId !== undefined && scopes.length > 0 && !scopes.includes(appId)) {
      leftOut.push({ name, file, reason: `its scopes do not name app id ${appId}` });
      continue;
    }
    byName.set(name, spec);
    chosen.push(spec);
  }
  return chosen;
}
