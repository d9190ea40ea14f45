/** The rooms hold: every real import of every file against the table in architecture/table.ts. */
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, it, describe } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { type Breach, checkSource, type Rule } from './architecture/check.ts';
import { readSource } from './architecture/read.ts';

const surfaces = new Map(
  Object.entries(packageJson.exports).map(([name, path]) => [
    posix.join('troupe', name),
    posix.normalize(path),
  ]),
);

function check(file: string, text: string): Breach[] {
  return checkSource({ file, text }, { surfaces });
}

function rulesOf(file: string, text: string): Rule[] {
  return check(file, text).map(({ rule }) => rule);
}

const root = posix.join(import.meta.dirname, '..');
const files = globSync('**/*.ts', {
  cwd: root,
  exclude: (path) => /(?:^|\/)(?:node_modules|dist|out|coverage)$|^\./.test(String(path)),
}).toSorted();

describe('the tree', () => {
  it('has files in its rooms', () => {
    expect(files).toContain('runtime/core/errors.ts');
    expect(files).toContain('components/component.ts');
    expect(files).toContain('test/architecture.test.ts');
  });

  it('keeps every rule of the table', () => {
    const breaches = files.flatMap((file) =>
      check(file, readFileSync(posix.join(root, file), 'utf8')),
    );
    const report = breaches.map(
      ({ file, line, rule, message }) => `${file}:${line} ${message} [${rule}]`,
    );
    expect(report).toEqual([]);
    // It reads every file of the tree, which takes its time beside other work.
  }, 60_000);
});

describe('a file is read by its syntax', () => {
  const read = (text: string) => readSource({ file: 'x.ts', text });

  it('finds static, dynamic, re-exported, type and worker imports with their lines', () => {
    const { imports } = read(
      [
        "import { a } from './a.ts';",
        "import type { B } from './b.ts';",
        "import { type C } from './c.ts';",
        "import { type D, e } from './d.ts';",
        "import './side.ts';",
        "export { f } from './f.ts';",
        "export type { G } from './g.ts';",
        "const h = await import('./h.ts');",
        "type I = import('./i.ts').I;",
        "const j = new URL('./j.ts', import.meta.url);",
        'const k = await import(a);',
      ].join('\n'),
    );
    expect(imports.toSorted((x, y) => x.line - y.line)).toEqual([
      { specifier: './a.ts', line: 1, typeOnly: false },
      { specifier: './b.ts', line: 2, typeOnly: true },
      { specifier: './c.ts', line: 3, typeOnly: true },
      { specifier: './d.ts', line: 4, typeOnly: false },
      { specifier: './side.ts', line: 5, typeOnly: false },
      { specifier: './f.ts', line: 6, typeOnly: false },
      { specifier: './g.ts', line: 7, typeOnly: true },
      { specifier: './h.ts', line: 8, typeOnly: false },
      { specifier: './i.ts', line: 9, typeOnly: true },
      { specifier: './j.ts', line: 10, typeOnly: false },
      { specifier: undefined, line: 11, typeOnly: false },
    ]);
  });

  it('takes no notice of comments, texts and members of the same name', () => {
    const text = [
      "// import './a.ts'; Date.now()",
      'const text = "import(\'./b.ts\') process.env.HOME";',
      'const clock = { setTimeout: 1, process: 2 };',
      'clock.setTimeout + clock.process;',
      'interface Timers { setTimeout(): void; now(): number }',
      'const { process: renamed } = clock;',
    ].join('\n');
    expect(read(text).imports).toEqual([]);
    expect(rulesOf('runtime/core/x.ts', text)).toEqual([]);
  });
});

/** One small breach of every kind; a checker that cannot fail proves nothing. */
const breaches: [title: string, file: string, text: string, rule: Rule][] = [
  ['a file outside every room', 'lib/x.ts', 'export const a = 1;', 'room'],
  [
    'an actor that imports a component',
    'actors/order/x.ts',
    "import '../../components/registry.ts';",
    'import',
  ],
  [
    'an actor that imports the engine',
    'actors/order/x.ts',
    "import { x } from '../../runtime/core/x.ts';",
    'import',
  ],
  [
    'an actor that hosts a system',
    'actors/order/x.ts',
    "import { createSystem } from 'troupe';",
    'import',
  ],
  [
    'an actor that imports the protocol of workers as a value',
    'actors/order/x.ts',
    "import { x } from '../../workers/protocol.ts';",
    'import',
  ],
  [
    'an actor that opens files',
    'actors/order/x.ts',
    "import { readFileSync } from 'node:fs';",
    'built-in',
  ],
  [
    'an actor that imports a package',
    'actors/order/x.ts',
    "import { parse } from 'csv-parse/sync';",
    'package',
  ],
  [
    'an actor that asks the machine for the time',
    'actors/order/x.ts',
    'export const at = Date.now();',
    'pure',
  ],
  ['a core that leaves its room', 'runtime/core/x.ts', "import '../stores/x.ts';", 'import'],
  [
    'a core that leaves its room dynamically',
    'runtime/core/x.ts',
    "await import('../stores/x.ts');",
    'import',
  ],
  [
    'a core that leaves its room for a type',
    'runtime/core/x.ts',
    "import type { S } from '../stores/x.ts';",
    'import',
  ],
  [
    'a core that leaves its room by a type expression',
    'runtime/core/x.ts',
    "export type S = import('../stores/x.ts').S;",
    'import',
  ],
  [
    'a core that leaves its room by re-export',
    'runtime/core/x.ts',
    "export { S } from '../stores/x.ts';",
    'import',
  ],
  ['a core with a socket', 'runtime/core/x.ts', "import { connect } from 'node:net';", 'built-in'],
  ['a core with events', 'runtime/core/x.ts', "import { once } from 'node:events';", 'built-in'],
  ['a core with a package', 'runtime/core/x.ts', "import pino from 'pino';", 'package'],
  ['a core with a timer', 'runtime/core/x.ts', 'setTimeout(() => {}, 1);', 'pure'],
  [
    'a core with an interval of globalThis',
    'runtime/core/x.ts',
    'globalThis.setInterval(() => {}, 1);',
    'pure',
  ],
  ['a core with chance', 'runtime/core/x.ts', 'export const p = Math.random();', 'pure'],
  [
    'a core with the date of today',
    'runtime/core/x.ts',
    'export const today = new Date();',
    'pure',
  ],
  [
    'a core that reads the environment',
    'runtime/core/x.ts',
    'export const home = process.env.HOME;',
    'pure',
  ],
  [
    'a core that takes the process apart',
    'runtime/core/x.ts',
    'export const { env } = process;',
    'pure',
  ],
  [
    'an author surface with the values of the engine',
    'runtime/actor/x.ts',
    "import { x } from '../core/router.ts';",
    'import',
  ],
  [
    'an API that knows its transport',
    'runtime/api/x.ts',
    "import '../transport/http-server.ts';",
    'import',
  ],
  [
    'a transport that knows a host',
    'runtime/transport/x.ts',
    "import '../hosts/embedded.ts';",
    'import',
  ],
  [
    'a host with a driver file',
    'runtime/hosts/x.ts',
    "import '../../components/state/drivers/memory.ts';",
    'import',
  ],
  ['a host with the business', 'runtime/hosts/x.ts', "import '../../actors/index.ts';", 'import'],
  [
    'a test kit with a driver file',
    'runtime/testing/x.ts',
    "await import('../../components/state/drivers/memory.ts');",
    'import',
  ],
  [
    'a loader that opens files',
    'runtime/config/x.ts',
    "import { readFile } from 'node:fs/promises';",
    'built-in',
  ],
  [
    'a host that reads the environment',
    'runtime/hosts/x.ts',
    'export const home = process.env.HOME;',
    'env',
  ],
  [
    'a host that reads arguments by index',
    'runtime/hosts/x.ts',
    "export const home = process['argv'];",
    'env',
  ],
  [
    'a driver with another driver',
    'components/state/drivers/sqlite.ts',
    "import './memory.ts';",
    'import',
  ],
  [
    'a driver with another kind',
    'components/state/drivers/sqlite.ts',
    "import '../../pubsub/contract.ts';",
    'import',
  ],
  [
    'a driver with the registry',
    'components/state/drivers/sqlite.ts',
    "import '../../registry.ts';",
    'import',
  ],
  [
    'a driver with the table of its kind',
    'components/state/drivers/sqlite.ts',
    "import '../index.ts';",
    'import',
  ],
  [
    'a driver with the runtime',
    'components/state/drivers/sqlite.ts',
    "import '../../../runtime/core/ports.ts';",
    'import',
  ],
  [
    'a driver with a clock of its own',
    'components/state/drivers/sqlite.ts',
    'export const at = Date.now();',
    'given time',
  ],
  [
    'a worker task with an actor',
    'workers/tasks/x.ts',
    "import '../../actors/index.ts';",
    'import',
  ],
  [
    'a worker started from another room',
    'workers/tasks/x.ts',
    "new URL('../../actors/index.ts', import.meta.url);",
    'import',
  ],
  [
    'an example with internals',
    'examples/09-x/main.ts',
    "import '../../runtime/core/router.ts';",
    'import',
  ],
  ['a built-in without node:', 'runtime/hosts/x.ts', "import 'fs';", 'built-in'],
  ['an import without its extension', 'runtime/core/x.ts', "import './y';", 'extension'],
  [
    'an import that nobody can check',
    'runtime/api/x.ts',
    'export const load = (name: string) => import(name);',
    'open import',
  ],
  ['a default export', 'runtime/core/x.ts', 'export default 1;', 'default export'],
  [
    'a default export by name',
    'runtime/core/x.ts',
    'const a = 1; export { a as default };',
    'default export',
  ],
  ['a wildcard export', 'runtime/core/x.ts', "export * from './y.ts';", 'wildcard export'],
  [
    'a wildcard export with a name',
    'runtime/core/x.ts',
    "export * as y from './y.ts';",
    'wildcard export',
  ],
  ['a file that is too long', 'runtime/core/x.ts', '\n'.repeat(301), 'length'],
  [
    'a mocked module',
    'runtime/core/x.test.ts',
    "import { vi } from 'vitest';\nvi.mock('./y.ts');",
    'module mock',
  ],
];

describe('the checker reports', () => {
  it.each(breaches)('%s', (_title, file, text, rule) => {
    expect(rulesOf(file, text)).toContain(rule);
  });

  it('the line of a breach and the rule that it breaks', () => {
    expect(check('runtime/core/x.ts', "\n\nimport '../stores/x.ts';\n")).toEqual([
      {
        file: 'runtime/core/x.ts',
        line: 3,
        rule: 'import',
        message:
          'imports runtime/stores/x.ts, which runtime/core may import neither as a value nor as a type',
      },
    ]);
  });
});

describe('the checker lets pass', () => {
  it.each([
    [
      'an actor with the author surface',
      'actors/order/x.ts',
      "import { Actor } from 'troupe/actor';",
    ],
    [
      'an actor with types of workers',
      'actors/order/x.ts',
      "import type { T } from '../../workers/protocol.ts';",
    ],
    [
      'a kind with its drivers, lazily',
      'components/state/index.ts',
      "export const load = () => import('./drivers/sqlite.ts');",
    ],
    [
      'a driver with its contract and library',
      'components/state/drivers/redis.ts',
      "import '../contract.ts'; import 'ioredis';",
    ],
    [
      'a test beside its source with the test kit',
      'actors/order/x.test.ts',
      "import { createTestHost } from 'troupe/test';",
    ],
    [
      'a core with async context',
      'runtime/core/x.ts',
      "import { AsyncLocalStorage } from 'node:async_hooks';",
    ],
    ['a date from a number', 'runtime/core/x.ts', 'export const at = new Date(0);'],
  ])('%s', (_title, file, text) => {
    expect(check(file, text)).toEqual([]);
  });
});
