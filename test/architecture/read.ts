/**
 * What one source file imports and which names of its surroundings it uses,
 * read from its syntax tree: comments and texts never count.
 */
import { parseSync, visitorKeys } from 'oxc-parser';

export interface Source {
  /** Repository path with forward slashes. */
  readonly file: string;
  readonly text: string;
}

export interface Import {
  /** Undefined for a dynamic import whose name is not a literal. */
  readonly specifier: string | undefined;
  readonly line: number;
  readonly typeOnly: boolean;
}

export interface Use {
  /** A name such as `setTimeout`, `Date.now`, `new Date()`, `process`, `process.env`. */
  readonly name: string;
  readonly line: number;
}

export interface Reading {
  readonly file: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly uses: readonly Use[];
  readonly defaultExport: number | undefined;
  readonly wildcardExports: readonly number[];
  /** Lines of `vi.mock` and its kin on modules. */
  readonly moduleMocks: readonly number[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function literal(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node.type === 'TSLiteralType') return literal(node['literal']);
  return undefined;
}

/** `a.b` as text, with a leading `globalThis.` taken off; undefined when it is not that plain. */
function dotted(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Identifier') return node['name'] as string;
  if (node.type !== 'MemberExpression') return undefined;
  const owner = dotted(node['object']);
  const property = node['property'];
  const name = node['computed'] ? literal(property) : dotted(property);
  if (owner === undefined || name === undefined) return undefined;
  return owner === 'globalThis' ? name : `${owner}.${name}`;
}

/** Names of members, keys and labels: identifiers that refer to nothing. */
function isMerelyNamed(node: Node, parent: Node | undefined): boolean {
  if (!parent) return false;
  if (parent.type === 'MemberExpression') {
    return parent['property'] === node && !parent['computed'];
  }
  if (parent['key'] === node && !parent['computed'] && !parent['shorthand']) return true;
  return (
    parent.type.startsWith('TS') &&
    parent.type !== 'TSNonNullExpression' &&
    parent.type !== 'TSAsExpression'
  );
}

/** True when every name that the declaration brings in is a type. */
function allTypes(entries: readonly { isType: boolean }[]): boolean {
  return entries.length > 0 && entries.every((entry) => entry.isType);
}

export function readSource({ file, text }: Source): Reading {
  const { program, module, errors } = parseSync(file, text);
  const [error] = errors;
  if (error) throw new Error(`${file} does not parse: ${error.message}`);

  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  const imports: Import[] = [];
  const uses: Use[] = [];
  const moduleMocks: number[] = [];

  for (const { moduleRequest, entries, start } of module.staticImports) {
    imports.push({
      specifier: moduleRequest.value,
      line: lineAt(start),
      typeOnly: allTypes(entries),
    });
  }
  let defaultExport: number | undefined;
  const wildcardExports: number[] = [];
  for (const { entries, start } of module.staticExports) {
    const line = lineAt(start);
    const from = entries.find((entry) => entry.moduleRequest)?.moduleRequest;
    if (from) imports.push({ specifier: from.value, line, typeOnly: allTypes(entries) });
    for (const { exportName, importName } of entries) {
      if (exportName.kind === 'Default' || exportName.name === 'default') defaultExport = line;
      if (importName.kind === 'AllButDefault' || importName.kind === 'All')
        wildcardExports.push(line);
    }
  }

  const visit = (node: Node, parent: Node | undefined): void => {
    const line = (): number => lineAt(node.start);
    switch (node.type) {
      case 'ImportExpression':
        imports.push({ specifier: literal(node['source']), line: line(), typeOnly: false });
        break;
      case 'TSImportType':
        imports.push({
          specifier: literal(node['source'] ?? node['argument']),
          line: line(),
          typeOnly: true,
        });
        break;
      case 'NewExpression': {
        const [first, second] = node['arguments'] as unknown[];
        const callee = dotted(node['callee']);
        if (callee === 'Date' && first === undefined)
          uses.push({ name: 'new Date()', line: line() });
        const module = literal(first);
        const fromHere =
          isNode(second) && isNode(second['object']) && second['object'].type === 'MetaProperty';
        if (callee === 'URL' && fromHere && module?.endsWith('.ts')) {
          imports.push({ specifier: module, line: line(), typeOnly: false });
        }
        break;
      }
      case 'CallExpression': {
        const callee = dotted(node['callee']);
        if (callee === 'vi.mock' || callee === 'vi.doMock') moduleMocks.push(line());
        break;
      }
      case 'MemberExpression': {
        const name = dotted(node);
        if (name !== undefined) uses.push({ name, line: line() });
        break;
      }
      case 'Identifier':
        if (!isMerelyNamed(node, parent)) uses.push({ name: node['name'] as string, line: line() });
        break;
      default:
    }
    for (const key of visitorKeys[node.type] ?? []) {
      const child = node[key];
      for (const item of Array.isArray(child) ? child : [child])
        if (isNode(item)) visit(item, node);
    }
  };
  visit(program as unknown as Node, undefined);

  return {
    file,
    lines: text.endsWith('\n') ? text.split('\n').length - 1 : text.split('\n').length,
    imports,
    uses,
    defaultExport,
    wildcardExports,
    moduleMocks,
  };
}
