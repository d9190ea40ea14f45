/**
 * Turns resource files (Dapr's YAML, several documents a file) into validated
 * specs. It is given text and reads no file. Everything wrong in all files is
 * reported in one error; what Troupe does not serve yet is a warning that names
 * file and kind.
 */
import { TroupeError } from '../core/errors.ts';
import type { ComponentSpec } from './component.ts';
import { readComponent } from './component-yaml.ts';
import { suggestion } from './nearest.ts';
import { readDocuments } from './reader.ts';
import type { Problem, Reader, ResourceFile } from './reader.ts';

const API_VERSION = 'dapr.io/v1alpha1';

/** Dapr kinds that are read by daprd and not by Troupe yet, with their versions. */
const NOT_SERVED: Readonly<Record<string, readonly string[]>> = {
  Subscription: ['dapr.io/v1alpha1', 'dapr.io/v2alpha1'],
  Configuration: [API_VERSION],
  Resiliency: [API_VERSION],
  HTTPEndpoint: [API_VERSION],
  MCPServer: [API_VERSION],
  WorkflowAccessPolicy: [API_VERSION],
};

export interface ParseOptions {
  /** Leaves out components whose `scopes` do not name it. Absent: no component is left out for its scopes. */
  readonly appId?: string;
  /** Leaves out components of another `metadata.namespace`. Absent or empty: namespaces are not looked at, as in Dapr without NAMESPACE. */
  readonly namespace?: string;
}

export interface LeftOut {
  readonly name: string;
  readonly file: string;
  readonly reason: string;
}

export interface ParsedResources {
  /** In the order of the files. */
  readonly components: readonly ComponentSpec[];
  readonly warnings: readonly Problem[];
  /** Components that are for another app or another namespace. */
  readonly leftOut: readonly LeftOut[];
}

/** `file:line:column: field: message`. */
export function formatProblem(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.field === ''
    ? `${place}: ${problem.message}`
    : `${place}: ${problem.field}: ${problem.message}`;
}

/**
 * Parses and validates. Throws INVALID_ARGUMENT when anything is wrong: one
 * line a problem in the message, the problems themselves in `details.problems`.
 */
export function parseResources(
  files: readonly ResourceFile[],
  options: ParseOptions = {},
): ParsedResources {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const specs: { spec: ComponentSpec; reader: Reader }[] = [];
  for (const file of files) {
    for (const reader of readDocuments(file, problems, warnings)) {
      const spec = readResource(file, reader, warnings);
      if (spec) specs.push({ spec, reader });
    }
  }
  const leftOut: LeftOut[] = [];
  const components = select(specs, options, leftOut);
  if (problems.length > 0) {
    const order = files.map(({ path }) => path);
    problems.sort(
      (a, b) =>
        order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column,
    );
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `${count} in the resource files:\n${problems.map(formatProblem).join('\n')}`,
      {
        details: { problems },
      },
    );
  }
  return { components, warnings, leftOut };
}

function readResource(
  file: ResourceFile,
  reader: Reader,
  warnings: Problem[],
): ComponentSpec | undefined {
  const { root } = reader;
  const top = reader.fields(root, ['apiVersion', 'kind'], 'ignore unknown');
  if (!top) return undefined;
  const kindField = top.map.get('kind');
  const versionField = top.map.get('apiVersion');
  if (!kindField) reader.problem(root, 'kind is missing; write kind: Component');
  if (!versionField)
    reader.problem(root, `apiVersion is missing; write apiVersion: ${API_VERSION}`);
  const kind = kindField && reader.text(kindField);
  const version = versionField && reader.text(versionField);
  if (kind === undefined || version === undefined) return undefined;

  const served = kind === 'Component';
  const versions = served ? [API_VERSION] : NOT_SERVED[kind];
  if (!versions) {
    const kinds = ['Component', ...Object.keys(NOT_SERVED)];
    reader.problem(kindField!, `unknown kind "${kind}"${suggestion(kind, kinds)}`);
    return undefined;
  }
  if (!versions.includes(version)) {
    reader.problem(
      versionField!,
      `unknown version "${version}" of kind ${kind}; use ${versions.join(' or ')}`,
    );
    return undefined;
  }
  if (served) return readComponent(file.path, reader);
  warnings.push({
    file: file.path,
    line: reader.line(kindField!),
    column: reader.column(kindField!),
    field: 'kind',
    message: `kind ${kind} is not supported yet, ignored`,
  });
  return undefined;
}

/** Namespace, duplicates and scopes, in the order in which Dapr looks at them. */
function select(
  specs: readonly { spec: ComponentSpec; reader: Reader }[],
  { appId, namespace }: ParseOptions,
  leftOut: LeftOut[],
): ComponentSpec[] {
  const byName = new Map<string, ComponentSpec>();
  for (const { spec, reader } of specs) {
    const file = spec.source?.file ?? '';
    const foreign = namespace && spec.namespace && spec.namespace !== namespace;
    if (foreign) {
      leftOut.push({
        name: spec.name,
        file,
        reason: `it is in namespace ${spec.namespace}, this is ${namespace}`,
      });
      continue;
    }
    const first = byName.get(spec.name);
    if (first) {
      const where = first.source ? ` in ${first.source.file}:${first.source.line}` : '';
      reader.problem(
        { ...reader.root, path: 'metadata.name' },
        `a component named "${spec.name}" is already defined${where}; names are unique across all types, rename one`,
      );
      continue;
    }
    if (
      appId !== undefined &&
      spec.scopes &&
      spec.scopes.length > 0 &&
      !spec.scopes.includes(appId)
    ) {
      leftOut.push({ name: spec.name, file, reason: `its scopes do not name app id ${appId}` });
      continue;
    }
    byName.set(spec.name, spec);
  }
  return [...byName.values()];
}
