/**
 * Who may import whom: one row a room, as data. A file belongs to the first row
 * that its path matches; a room may always import itself.
 */
import type { Room } from './room.ts';

const CONTRACTS = ['components/component.ts', 'components/*/contract.ts'];
/** Files that every driver shares, and those that the drivers of one kind share. */
const SHARED = ['components/!(registry).ts', 'components/$1/!(index).ts'];
const REGISTRY = ['components/registry.ts', 'components/*/index.ts'];

export const ROOMS: readonly Room[] = [
  {
    room: 'actors',
    files: /^actors\//,
    may: ['runtime/actor/index.ts'],
    types: ['workers/protocol.ts'],
    packages: [],
    node: 'no-io',
    pure: true,
  },
  {
    room: 'runtime/core',
    files: /^runtime\/core\//,
    may: [],
    packages: [],
    node: ['async_hooks'],
    pure: true,
  },
  {
    room: 'runtime/actor',
    files: /^runtime\/actor\//,
    may: ['runtime/core/errors.ts'],
    types: ['runtime/core/*.ts'],
    packages: [],
    node: [],
    pure: true,
  },
  {
    room: 'runtime/targets',
    files: /^runtime\/targets\//,
    may: ['runtime/core/**', 'runtime/actor/**', 'runtime/transport/**', ...CONTRACTS],
    packages: [],
    node: 'any',
  },
  {
    room: 'runtime/placement',
    files: /^runtime\/placement\//,
    may: ['runtime/core/**', 'runtime/transport/**', ...CONTRACTS],
    packages: [],
    node: 'no-io',
  },
  {
    room: 'runtime/stores',
    files: /^runtime\/stores\//,
    may: ['runtime/core/**', 'runtime/transport/**', ...CONTRACTS],
    packages: [],
    node: 'no-io',
  },
  {
    room: 'runtime/api',
    files: /^runtime\/api\//,
    may: ['runtime/core/**', ...CONTRACTS],
    types: ['runtime/actor/*.ts'],
    packages: [],
    node: 'no-io',
  },
  {
    room: 'runtime/transport',
    files: /^runtime\/transport\//,
    may: ['runtime/api/**', 'runtime/core/errors.ts'],
    types: ['runtime/core/**', ...CONTRACTS],
    packages: [],
    node: 'any',
  },
  {
    room: 'runtime/config',
    files: /^runtime\/config\//,
    may: ['runtime/core/errors.ts', 'runtime/core/schedule.ts'],
    types: ['runtime/hosts/*.ts', ...CONTRACTS],
    packages: ['yaml'],
    node: 'no-io',
  },
  {
    room: 'runtime/hosts',
    files: /^runtime\/hosts\//,
    may: ['runtime/**', 'package.json', ...CONTRACTS, ...REGISTRY],
    packages: ['pino'],
    node: 'any',
  },
  {
    room: 'runtime/testing',
    files: /^runtime\/testing\//,
    may: ['runtime/**', ...CONTRACTS, ...REGISTRY],
    packages: [],
    node: 'any',
  },
  {
    room: 'runtime/cli',
    files: /^runtime\/cli\//,
    may: [
      'runtime/index.ts',
      'runtime/hosts/**',
      'runtime/config/**',
      'runtime/core/errors.ts',
      // `troupe plan` is a composition root of its own: it runs workers without a host.
      'workers/pool.ts',
      'workers/planning.ts',
      ...REGISTRY,
    ],
    types: ['runtime/actor/index.ts', 'workers/protocol.ts', ...CONTRACTS],
    packages: ['commander', 'pino', 'yaml'],
    node: 'any',
    env: true,
    openImport: true,
  },
  {
    room: 'runtime/client',
    files: /^runtime\/client\//,
    may: ['runtime/actor/**', 'runtime/core/errors.ts', 'runtime/core/codec.ts'],
    packages: ['@grpc/grpc-js'],
    node: 'any',
  },
  {
    room: 'runtime (public surface)',
    files: /^runtime\/index\.ts$/,
    may: [
      'runtime/hosts/**',
      'runtime/config/**',
      'runtime/actor/*.ts',
      'runtime/cli/resources.ts',
      'runtime/core/errors.ts',
    ],
    types: ['runtime/core/*.ts'],
    packages: [],
    node: [],
  },
  {
    room: 'components (contracts)',
    files: /^components\/(?:component|[\w-]+\/contract)\.ts$/,
    may: ['runtime/core/errors.ts'],
    types: CONTRACTS,
    packages: [],
    node: [],
  },
  {
    room: 'components (registry)',
    files: /^components\/(?:registry|([\w-]+)\/index)\.ts$/,
    may: [
      'components/*.ts',
      ...CONTRACTS,
      ...REGISTRY,
      'components/$1/drivers/*.ts',
      'runtime/core/errors.ts',
    ],
    types: ['runtime/config/component.ts'],
    packages: [],
    node: [],
  },
  {
    room: 'components (local.env driver)',
    files: /^components\/(secretstores)\/drivers\/(local-env)\.ts$/,
    own: false,
    may: [...SHARED, 'runtime/core/errors.ts'],
    packages: [],
    node: [],
    env: true,
  },
  {
    room: 'components (drivers)',
    files: /^components\/([\w-]+)\/drivers\/([\w]+)/,
    own: false,
    may: [
      ...SHARED,
      'components/$1/drivers/$2.ts',
      'components/$1/drivers/$2-*.ts',
      'components/$1/drivers/$2/**',
      'runtime/core/errors.ts',
    ],
    packages: 'any',
    node: 'any',
    givenTime: true,
  },
  {
    room: 'components (conformance)',
    files: /^components\/([\w-]+)\/conformance\//,
    may: [...SHARED, 'runtime/core/errors.ts'],
    packages: ['vitest', 'fast-check'],
    node: 'any',
  },
  {
    room: 'components (shared by the drivers of a kind)',
    files: /^components\/([\w-]+)\/[\w.-]+\.ts$/,
    may: [...SHARED, 'runtime/core/errors.ts'],
    packages: [],
    node: 'no-io',
    givenTime: true,
  },
  {
    room: 'components (shared)',
    files: /^components\/[\w.-]+\.ts$/,
    may: ['components/component.ts', 'runtime/core/errors.ts'],
    packages: [],
    node: 'no-io',
    givenTime: true,
  },
  {
    room: 'workers/protocol',
    files: /^workers\/protocol\.ts$/,
    may: [],
    packages: [],
    node: [],
  },
  {
    room: 'workers/tasks',
    files: /^workers\/tasks\//,
    may: ['workers/protocol.ts'],
    packages: 'any',
    node: 'any',
  },
  {
    room: 'workers',
    files: /^workers\//,
    // The pool starts the tasks' entry as a thread, by its URL; it loads nothing of it.
    may: ['workers/protocol.ts', 'workers/tasks/worker.ts', 'runtime/core/errors.ts'],
    packages: ['piscina'],
    node: 'any',
  },
  {
    room: 'examples',
    files: /^examples\//,
    may: [
      'runtime/index.ts',
      'runtime/actor/index.ts',
      'runtime/testing/index.ts',
      'runtime/client/index.ts',
      'actors/**',
      'workers/pool.ts',
      'workers/planning.ts',
    ],
    types: ['workers/protocol.ts'],
    packages: 'any',
    node: 'any',
    env: true,
    openImport: true,
  },
  {
    room: 'test, bench and configuration of the house',
    files: /^(?:test|bench)\/|^[\w.-]+\.config\.ts$/,
    may: ['**'],
    packages: 'any',
    node: 'any',
    env: true,
    openImport: true,
  },
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
    'test/servers/**',
  ],
  packages: ['vitest', 'fast-check', 'yaml'],
} as const;

/** Longest file, in lines. */
export const LONGEST = { code: 300, test: 400 } as const;
