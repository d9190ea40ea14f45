/** The benchmarks run and report honestly; nothing here looks at how fast anything was. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { aimTable, isMet, resultTable } from '../bench/harness/report.ts';
import { median, percentile } from '../bench/harness/stats.ts';

const program = join(import.meta.dirname, '..', 'bench', 'run.ts');

function bench(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

describe('npm run bench', () => {
  it.each([
    ['without a suite', [], 'there is no suite ""'],
    ['with an unknown suite', ['actor'], 'suites: actors'],
    ['with an unknown question', ['actors', '--only', 'reads'], 'known: call, callers, fresh'],
    ['with an unknown option', ['actors', '--fast'], "Unknown option '--fast'"],
    ['with rounds that are no number', ['actors', '--rounds', 'x'], '--rounds x must be'],
  ])('says what there is when it is started %s', async (_how, args, text) => {
    const { code, stderr } = await bench(args);
    expect(stderr).toContain(text);
    expect(stderr).toContain('usage: npm run bench');
    expect(code).toBe(2);
  });

  it('names the Debian package when the load generator is missing, before it measures anything', async () => {
    const { code, stdout, stderr } = await bench(['actors', '--short'], { PATH: '/nowhere' });
    expect(stderr.trim()).toBe(
      'the load generator "wrk" is not installed; on Debian and Ubuntu it is the package wrk: apt-get install wrk',
    );
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  it('prints peers beside Troupe and writes every round with machine and commit', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'troupe-bench-test-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = join(dir, 'report.json');
    const args = ['actors', '--short', '--rounds', '2', '--only', 'call', '--json', file];
    const { code, stdout, stderr } = await bench(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const line of [/^bare promise call /m, /^nact query /m, /^Troupe /m, /^commit /m])
      expect(stdout).toMatch(line);
    const report = JSON.parse(readFileSync(file, 'utf8')) as {
      machine: Record<string, unknown>;
      answers: { call: { results: { rounds: unknown[] }[] } };
      summary: { what: string; aim?: number; measured: number }[];
    };
    expect(report.machine).toMatchObject({ node: process.version, commit: expect.any(String) });
    expect(report.answers.call.results.map(({ rounds }) => rounds.length)).toEqual([2, 2, 2]);
    expect(report.summary[0]).toMatchObject({ what: 'sequential typed call', aim: 300_000 });
  }, 60_000);
});

describe('a report', () => {
  it('gives medians and nearest ranks', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([1, 2, 3, 4], 50)).toBe(2);
    expect(percentile([1, 2, 3, 4], 99)).toBe(4);
    expect(percentile([], 50)).toBeNaN();
  });

  it('says NO to an aim that was missed, in either direction', () => {
    const aim = { what: 'x', unit: '/s', aim: 100, better: 'higher', measured: 99 } as const;
    expect(isMet(aim)).toBe(false);
    expect(isMet({ ...aim, measured: 100 })).toBe(true);
    expect(isMet({ ...aim, better: 'lower', measured: 101 })).toBe(false);
    expect(aimTable([aim])).toMatch(/x +>= 100 \/s +99 \/s +NO$/);
  });

  it('shows each round and its median, and CPU of an operation', () => {
    const round = { seconds: 2, cpuMs: 1000, rss: 2 ** 20, heap: 2 ** 20, p50: 10, p99: 2000 };
    const rounds = [1000, 3000, 2000].map((ops) => ({ ...round, ops }));
    const text = resultTable([{ contender: 'one', rounds }]);
    expect(text).toContain('500 1,500 1,000');
    expect(text).toMatch(/1,000 +10 µs +2 ms +500 µs +50 %/);
  });
});
