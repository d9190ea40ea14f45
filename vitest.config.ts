/**
 * The test projects. `npm test` runs all that needs no installed server;
 * `npm run test:all` sets TROUPE_TEST_ALL=1 and adds compat and the long forms
 * of the same tests. No retries and no globals anywhere.
 */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { ComponentsTable } from './test/components-table.ts';
import { PATIENCE_MS } from './test/patience.ts';

interface ProjectOptions {
  readonly include: string[];
  readonly exclude?: string[];
  /** Longest time of one test, in seconds. */
  readonly seconds: number;
  /** A process for each file. Default: one for many, which need not load the same modules again. */
  readonly isolate?: boolean;
}

const all = process.env['TROUPE_TEST_ALL'] === '1';
// The hundreds of programs that tests start load the same files, which need not be compiled for each.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

function project(
  name: string,
  { include, exclude = [], seconds, isolate = false }: ProjectOptions,
) {
  return {
    test: {
      name,
      include,
      exclude: ['**/node_modules/**', ...exclude],
      pool: 'forks' as const,
      isolate,
      setupFiles: ['test/setup.ts'],
      expect: { poll: { timeout: PATIENCE_MS } },
      testTimeout: seconds * 1000,
      hookTimeout: seconds * 1000,
      retry: 0,
      globals: false,
    },
  };
}

/** Tests that start real servers; `npm run servers` installs these. */
const servers = [
  'components/**/drivers/{redis,postgresql,etcd,kafka}{.test.ts,/**/*.test.ts}',
  'test/servers/**/*.test.ts',
];

const rooms = ['runtime', 'components', 'actors', 'workers'];

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', new ComponentsTable()],
    // Of tests that are marked as concurrent, which wait for reminders and the like.
    maxConcurrency: 32,
    passWithNoTests: true,
    projects: [
      project('unit', {
        include: [...rooms.map((room) => `${room}/**/*.test.ts`), 'test/*.test.ts'],
        exclude: ['components/**/drivers/**', 'test/{examples,guides,readme}.test.ts'],
        seconds: 30,
      }),
      project('conformance', {
        include: ['components/**/drivers/**/*.test.ts'],
        exclude: servers,
        seconds: 60,
      }),
      project('runtimes', { include: ['test/runtimes/**/*.test.ts'], seconds: 60 }),
      project('examples', {
        include: ['examples/**/*.test.ts', 'test/{examples,guides,readme}.test.ts'],
        seconds: 120,
        isolate: true,
      }),
      project('chaos', {
        include: ['test/chaos/**/*.test.ts'],
        seconds: all ? 1800 : 180,
        isolate: true,
      }),
      project('servers', { include: servers, seconds: 120, isolate: true }),
      ...(all
        ? [
            project('compat', {
              include: ['test/compat/**/*.test.ts'],
              seconds: 300,
              isolate: true,
            }),
          ]
        : []),
    ],
  },
});
