import { describe, expect, it } from 'vitest';
import { isTroupeError } from '../core/errors.ts';
import { component } from './component.ts';
import { parseResources } from './resources.ts';
import type { ParseOptions } from './resources.ts';

const HEAD = 'apiVersion: dapr.io/v1alpha1\nkind: Component\n';

function parse(text: string, options?: ParseOptions) {
  return parseResources([{ path: 'a.yaml', text }], options);
}

function one(text: string) {
  const { components } = parse(text);
  expect(components).toHaveLength(1);
  return components[0]!;
}

/** The problems of the error as its message prints them, one a line. */
function problems(...texts: string[]): string[] {
  const files = texts.map((text, i) => ({ path: `${'abc'[i]}.yaml`, text }));
  let thrown: unknown;
  try {
    parseResources(files);
  } catch (error) {
    thrown = error;
  }
  if (!isTroupeError(thrown)) throw new Error('the YAML was accepted', { cause: thrown });
  const lines = thrown.message.split('\n').slice(1);
  expect(thrown.code).toBe('INVALID_ARGUMENT');
  expect(thrown.details).toMatchObject({ problems: { length: lines.length } });
  return lines;
}

const minimal = (name: string, rest = '') =>
  `${HEAD}metadata:\n  name: ${name}\nspec:\n  type: state.in-memory\n  version: v1\n${rest}`;

const metadata = (items: string) => `${minimal('store')}  metadata:\n${items}`;

describe('a component document', () => {
  it('gives every field of the component', () => {
    const spec = one(`# a comment
${HEAD}metadata:
  name: orders
  namespace: shop
  labels: { team: orders }
spec:
  type: state.sqlite
  version: v1
  ignoreErrors: true
  initTimeout: 1m30s
  metadata:
  - name: connectionString
    value: data.db
  - name: password
    secretKeyRef: { name: db, key: pass }
  - name: token
    secretKeyRef:
      name: db-token
  - name: tableName
    envRef: TABLE
auth:
  secretStore: vault
scopes:
- orders
- audit
`);
    expect(spec).toEqual({
      name: 'orders',
      type: 'state.sqlite',
      version: 'v1',
      namespace: 'shop',
      scopes: ['orders', 'audit'],
      ignoreErrors: true,
      initTimeoutMs: 90_000,
      secretStore: 'vault',
      metadata: [
        { name: 'connectionString', value: 'data.db', line: 14 },
        { name: 'password', secretKeyRef: { name: 'db', key: 'pass' }, line: 16 },
        { name: 'token', secretKeyRef: { name: 'db-token', key: 'db-token' }, line: 18 },
        { name: 'tableName', envRef: 'TABLE', line: 21 },
      ],
      source: { file: 'a.yaml', line: 2 },
    });
  });

  it('defaults to version v1 and five seconds to open, as daprd does', () => {
    const spec = one(`${HEAD}metadata: {name: store}\nspec: {type: state.in-memory}`);
    expect(spec).toMatchObject({
      version: 'v1',
      initTimeoutMs: 5000,
      ignoreErrors: false,
      metadata: [],
    });
    expect(spec).toEqual({ ...component('store', 'state.in-memory'), source: spec.source });
  });

  it.each([
    ['text', 'text'],
    ['"quoted: {text}"', 'quoted: {text}'],
    ['5', '5'],
    ['12345678901234567890', '12345678901234567890'],
    ['0x10', '16'],
    ['1.50', '1.5'],
    ['true', 'true'],
    ['yes', 'true'],
    ['"yes"', 'yes'],
    ['', ''],
    ['~', ''],
    ['2026-01-02', '2026-01-02'],
    ['12:30', '12:30'],
    ['localhost:6379', 'localhost:6379'],
    ['{b: 1, a: [x, false]}', '{"b":1,"a":["x",false]}'],
    ['|\n      two\n      lines', 'two\nlines\n'],
  ])('makes text of the metadata value %s', (yaml, text) => {
    expect(one(metadata(`  - name: x\n    value: ${yaml}\n`)).metadata[0]).toMatchObject({
      value: text,
    });
  });

  it('follows anchors, aliases and merge keys', () => {
    const text = `${HEAD}metadata: {name: store}
spec:
  type: &type state.in-memory
  version: v1
  metadata:
  - &first {name: a, value: *type}
  - <<: *first
    name: b
`;
    expect(one(text).metadata).toMatchObject([
      { name: 'a', value: 'state.in-memory' },
      { name: 'b', value: 'state.in-memory' },
    ]);
  });

  it('stands beside others in one file, and empty documents are nothing', () => {
    const { components } = parse(
      `---\n${minimal('a')}\n---\n# only a comment\n---\n${minimal('b')}---\n`,
    );
    expect(components.map(({ name, source }) => [name, source?.line])).toEqual([
      ['a', 2],
      ['b', 13],
    ]);
  });

  it('an empty file has no components', () => {
    expect(parse('').components).toEqual([]);
  });
});

describe('what is wrong is said with file, line, column and field', () => {
  it.each(
    [
      [
        metadata('  - name: x\n    vlaue: 1\n'),
        'a.yaml:10:5: spec.metadata[0].vlaue: unknown field, did you mean "value"?',
      ],
      [
        minimal('store').replace('version:', 'verison:'),
        'a.yaml:7:3: spec.verison: unknown field, did you mean "version"?',
      ],
      [
        minimal('store').replace('spec:', 'sepc:'),
        'a.yaml:5:1: sepc: unknown field, did you mean "spec"?',
      ],
      [
        minimal('store', 'secretStore: vault\n'),
        'a.yaml:8:1: secretStore: unknown field; known: apiVersion, kind, metadata, spec, auth, scopes',
      ],
      [
        minimal('store', '  ignoreErrors: "yes"\n'),
        'a.yaml:8:17: spec.ignoreErrors: must be true or false without quotes, not text',
      ],
      [
        minimal('store', '  initTimeout: 5 minutes\n'),
        'a.yaml:8:16: spec.initTimeout: "5 minutes" is not a duration above zero; write for example 5s, 1m30s or 500ms',
      ],
      [
        minimal('store', '  initTimeout: 3d\n'),
        'a.yaml:8:16: spec.initTimeout: "3d" is not a duration above zero; write for example 5s, 1m30s or 500ms',
      ],
      [
        minimal('store', '  initTimeout: 0s\n'),
        'a.yaml:8:16: spec.initTimeout: "0s" is not a duration above zero; write for example 5s, 1m30s or 500ms',
      ],
      [
        minimal('store', '  metadata: {a: b}\n'),
        'a.yaml:8:13: spec.metadata: must be a list (lines that start with "- "), not a mapping',
      ],
      [
        minimal('store', 'scopes: app\n'),
        'a.yaml:8:9: scopes: must be a list (lines that start with "- "), not text',
      ],
      [
        minimal('store', 'scopes: [yes]\n'),
        'a.yaml:8:10: scopes[0]: must be text, not the boolean true; put it in quotes',
      ],
      [
        minimal('store', 'auth: vault\n'),
        'a.yaml:8:7: auth: must be a mapping of secretStore, not text',
      ],
      [minimal('a/b'), 'a.yaml:4:9: metadata.name: must not be "." or ".." nor contain "/" or "%"'],
      [minimal('""'), 'a.yaml:4:9: metadata.name: must not be empty; give the component a name'],
      [
        `${HEAD}metadata: {namespace: x}\nspec: {type: state.in-memory}`,
        'a.yaml:3:11: metadata: name is missing; give the component a name',
      ],
      [
        `${HEAD}spec: {type: state.in-memory}`,
        'a.yaml:1:1: metadata is missing; a component needs metadata and spec',
      ],
      [
        `${HEAD}metadata: {name: a}\nspec: {version: v1}`,
        'a.yaml:4:7: spec: type is missing; for example state.sqlite',
      ],
      [
        `${HEAD}metadata: {name: a}\nspec: {type: sqlite}`,
        'a.yaml:4:14: spec.type: "sqlite" is not a type; it is KIND.NAME, for example state.sqlite',
      ],
      [
        metadata('  - value: 1\n'),
        'a.yaml:9:5: spec.metadata[0]: name is missing; each entry has a name and a value',
      ],
      [
        metadata('  - name: x\n'),
        'a.yaml:9:5: spec.metadata[0]: has no value; give one of value, secretKeyRef, envRef',
      ],
      [
        metadata('  - name: x\n    value: 1\n    envRef: Z\n'),
        'a.yaml:9:5: spec.metadata[0]: has value and envRef; keep one of them',
      ],
      [
        metadata('  - name: x\n    value: .inf\n'),
        'a.yaml:10:12: spec.metadata[0].value: the number Infinity has no text that Dapr would give it; put it in quotes',
      ],
      [
        metadata('  - name: x\n    secretKeyRef: {key: z}\n'),
        'a.yaml:10:19: spec.metadata[0].secretKeyRef: name is missing; name the secret',
      ],
      [
        metadata('  - {name: x, value: 1}\n  - {name: X, value: 2}\n'),
        'a.yaml:10:5: spec.metadata[1]: "X" is already given in line 9; keep one of them',
      ],
      ['kind: Component', 'a.yaml:1:1: apiVersion is missing; write apiVersion: dapr.io/v1alpha1'],
      ['apiVersion: dapr.io/v1alpha1', 'a.yaml:1:1: kind is missing; write kind: Component'],
      [
        'apiVersion: dapr.io/v1\nkind: Component',
        'a.yaml:1:13: apiVersion: unknown version "dapr.io/v1" of kind Component; use dapr.io/v1alpha1',
      ],
      [
        'apiVersion: dapr.io/v1alpha1\nkind: Componet',
        'a.yaml:2:7: kind: unknown kind "Componet", did you mean "Component"?',
      ],
      ['just text', 'a.yaml:1:1: must be a mapping of apiVersion, kind, not text'],
    ].map(([text, line]) => ({ text: text!, line: line! })),
  )('$line', ({ text, line }) => {
    expect(problems(text)).toEqual([line]);
  });

  it('YAML that cannot be parsed names its place', () => {
    expect(problems(`${HEAD}metadata: {name: [}\n`)[0]).toMatch(/^a\.yaml:3:\d+: not YAML: /);
    expect(problems('a: 1\na: 2\n')[0]).toMatch(/^a\.yaml:2:1: not YAML: .*unique/);
  });

  it('reports the problems of all documents and files at once', () => {
    expect(
      problems(
        `${minimal('a/b', '  initTimeout: x\n')}---\n${minimal('..')}`,
        'kind: Pod\napiVersion: v1\n',
      ),
    ).toEqual([
      expect.stringMatching(/^a\.yaml:4:9: metadata\.name: /),
      expect.stringMatching(/^a\.yaml:8:16: spec\.initTimeout: /),
      expect.stringMatching(/^a\.yaml:13:9: metadata\.name: /),
      expect.stringMatching(
        /^b\.yaml:1:7: kind: unknown kind "Pod"; known: Component, Subscription, /,
      ),
    ]);
  });

  it('two components of one name, whatever their types, are refused with both places', () => {
    expect(
      problems(minimal('a'), minimal('a').replace('state.in-memory', 'pubsub.in-memory')),
    ).toEqual([
      'b.yaml:1:1: metadata.name: a component named "a" is already defined in a.yaml:1; names are unique across all types, rename one',
    ]);
  });
});

describe('what is not for this app', () => {
  const text = `${minimal('a', 'scopes: [one]\n')}---\n${minimal('b').replace('name: b', 'name: b\n  namespace: prod')}`;

  it('is left out by scopes when the app id is known', () => {
    const { components, leftOut } = parse(text, { appId: 'two' });
    expect(components.map(({ name }) => name)).toEqual(['b']);
    expect(leftOut).toEqual([
      { name: 'a', file: 'a.yaml', reason: 'its scopes do not name app id two' },
    ]);
    expect(parse(text, { appId: 'one' }).components).toHaveLength(2);
  });

  it('is left out by namespace only when this process has one', () => {
    expect(parse(text, { namespace: 'test' }).components.map(({ name }) => name)).toEqual(['a']);
    expect(parse(text, { namespace: 'prod' }).components).toHaveLength(2);
    expect(parse(text, { namespace: '' }).components).toHaveLength(2);
  });

  it('may have the name of one that is', () => {
    const both = `${minimal('a', 'scopes: [one]\n')}---\n${minimal('a', 'scopes: [two]\n')}`;
    expect(parse(both, { appId: 'two' }).components).toHaveLength(1);
  });
});

it('a kind that is not served yet is a warning that names file, line and kind', () => {
  const { components, warnings } = parse(
    `${minimal('a')}---\napiVersion: dapr.io/v2alpha1\nkind: Subscription\nspec: {anything: goes}\n`,
  );
  expect(components).toHaveLength(1);
  expect(warnings).toEqual([
    {
      file: 'a.yaml',
      line: 10,
      column: 7,
      field: 'kind',
      message: 'kind Subscription is not supported yet, ignored',
    },
  ]);
});
