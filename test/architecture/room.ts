/**
 * What a row of the table says about its room. In `may` and `types` stand globs
 * of repository paths, where `$1` and `$2` are the groups of `files`; `types`
 * are targets that only a type import may name.
 */

export interface Room {
  readonly room: string;
  readonly files: RegExp;
  /** False: files of this room may not import each other unless `may` says so. Default true. */
  readonly own?: false;
  readonly may: readonly string[];
  readonly types?: readonly string[];
  /** npm packages. `any` where a room picks its own libraries. */
  readonly packages: readonly string[] | 'any';
  /** Built-in modules: a list is all there is; `no-io` is everything that opens nothing; `any`. */
  readonly node: readonly string[] | 'no-io' | 'any';
  /** No clock, timer, chance or process of the machine: they come through ports. */
  readonly pure?: true;
  /** May not ask the machine for the time; the clock is handed in. */
  readonly givenTime?: true;
  /** May read `process.env` and `process.argv`. */
  readonly env?: true;
  /** May import a module whose name is only known at run time. */
  readonly openImport?: true;
}

/** Built-in modules that reach outside the process, tell the time or read its surroundings. */
export const IO_MODULES: readonly string[] = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'dns/promises',
  'fs',
  'fs/promises',
  'http',
  'http2',
  'https',
  'inspector',
  'net',
  'os',
  'process',
  'readline',
  'readline/promises',
  'repl',
  'sqlite',
  'timers',
  'timers/promises',
  'tls',
  'worker_threads',
];

/** What a test or a fixture beside its source may use on top of its room's row. */
export const BESIDE_TESTS = {
  files: /\.(?:test|fixture)\.ts$/,
  may: [
    'runtime/index.ts',
    'runtime/actor/index.ts',
    'runtime/testing/**',
    'runtime/hosts/**',
    'runtime/core/**',
    'components/**',
    // An actor's planner is tried with the threads that it is made for.
    'workers/pool.ts',
    'workers/planning.ts',
    // A store is told what an edge really packs.
    'workers/edge/*.ts',
    'test/servers/**',
  ],
  packages: [
    'vitest',
    'fast-check',
    'yaml',
    '@dapr/dapr',
    '@grpc/grpc-js',
    '@opentelemetry/sdk-trace',
  ],
} as const;

/** Longest file, in lines. */
export const LONGEST = { code: 300, test: 400 } as const;
