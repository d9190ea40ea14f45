import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { readFlags } from './flags.ts';

function read(...args: string[]): { flags?: object; code?: number; out: string; err: string } {
  let [out, err] = ['', ''];
  const output = {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  };
  try {
    return { flags: readFlags(args, output), out, err };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { code: error.exitCode, out, err };
  }
}

test('without flags there are defaults', () => {
  expect(read().flags).toEqual({
    once: false,
    fresh: false,
    json: false,
    concurrency: 64,
    declineRate: 0.01,
  });
});

test('every flag is read', () => {
  const line =
    '--orders a --once --resources-path b --state sqlite:c --fresh --json --report d --concurrency 8 --port 0 --opening-stock 50 --decline-rate .5';
  expect(read(...line.split(' ')).flags).toEqual({
    orders: 'a',
    once: true,
    resourcesPath: 'b',
    state: 'sqlite:c',
    fresh: true,
    json: true,
    report: 'd',
    concurrency: 8,
    port: 0,
    openingStock: 50,
    declineRate: 0.5,
  });
});

test('an unknown flag is named with the nearest one, and points to --help', () => {
  const { code, err } = read('--order', 'x');
  expect(code).toBe(1);
  expect(err).toMatch(/order-day: unknown option '--order'/);
  expect(err).toContain('Did you mean --orders?');
  expect(err).toContain('npm start -- --help');
});

test.each([
  ['--concurrency', '0', /'--concurrency <n>' argument '0' is invalid.*from 1 to 10000/],
  ['--concurrency', 'many', /whole number/],
  ['--port', '65536', /from 0 to 65535/],
  ['--opening-stock', '-1', /whole number/],
  ['--opening-stock', '1.5', /whole number/],
  ['--decline-rate', '2', /share from 0 to 1/],
  ['--decline-rate', '1e9', /share from 0 to 1/],
  ['--state', 'out/state.db', /Write sqlite:FILE/],
  ['--state', 'redis:x', /Write sqlite:FILE/],
  ['--orders', '', /Give a path/],
])('%s %j is refused with what is right', (flag, value, message) => {
  const { flags, err } = read(flag, value);
  expect(flags).toBeUndefined();
  expect(err).toMatch(message);
});

test('a word that belongs to no flag is refused; --help ends well', () => {
  expect(read('orders.csv').err).toMatch(/too many arguments/);
  const help = read('--help');
  expect(help.code).toBe(0);
  expect(help.out).toContain('--opening-stock <n>');
});
