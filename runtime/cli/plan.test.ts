import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from './main.ts';

const sites = Array.from({ length: 12 }, (_, index) => ({
  id: `c${index}`,
  x: (index * 7) % 20,
  y: (index * 5) % 13,
  demand: 1,
}));
const file = {
  name: 'a <small> town',
  depots: [{ id: 'd', x: 10, y: 6 }],
  fleets: [{ name: 'vans', capacity: 5 }],
  customers: sites,
};

async function plan(content: unknown, args: string[], { terminal = false, stop = false } = {}) {
  const cwd = await mkdtemp(join(tmpdir(), 'troupe-plan-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  if (content !== undefined) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(join(cwd, 'town.json'), text);
  }
  const out: string[] = [];
  const err: string[] = [];
  const ended = new AbortController();
  const write = (text: string): void => {
    err.push(text);
    if (stop) ended.abort();
  };
  const code = await run(['plan', 'town.json', ...args], {
    cwd,
    env: {},
    stdout: { write: (text) => out.push(text) },
    stderr: { write, isTTY: terminal },
    stop: ended.signal,
  });
  return { code, out: out.join(''), err: err.join(''), cwd };
}

describe('troupe plan', () => {
  it('--json prints one object with routes of customers as the file names them', async () => {
    const { code, out, err } = await plan(file, ['--iterations', '100', '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const found = JSON.parse(out) as { routes: string[][] };
    expect(found).toMatchObject({ instance: 'a <small> town', iterations: 100, feasible: true });
    expect(Object.keys(found)).toEqual([
      'instance',
      'cost',
      'routes',
      'seconds',
      'iterations',
      'feasible',
    ]);
    expect(found.routes.flat().toSorted()).toEqual(sites.map(({ id }) => id).toSorted());
  });

  it('prints routes, cost and effort as text, the same for the same seed', async () => {
    const first = await plan(file, ['--iterations', '100', '--seed', '3']);
    const again = await plan(file, ['--iterations', '100', '--seed', '3']);
    expect(first.out).toMatch(/^Route #1: c\d.*\nCost \d+\.\d\d\na <small> town: 3 routes/s);
    const routes = (text: string) => text.slice(0, text.indexOf('\na <small>'));
    expect(routes(again.out)).toBe(routes(first.out));
  });

  it('--picture writes a page with a map that needs nothing else', async () => {
    const { code, cwd } = await plan(file, ['--iterations', '50', '--picture', 'map.html']);
    expect(code).toBe(0);
    const page = await readFile(join(cwd, 'map.html'), 'utf8');
    expect(page.match(/<polyline /g)).toHaveLength(3);
    expect(page.match(/<circle /g)).toHaveLength(12);
    expect(page).toContain('<h1>a &#60;small&#62; town</h1>');
    expect(page).not.toMatch(/<script|https?:|<small>/);
  });

  it('shows a progress line on a terminal, and answers early when it is stopped', async () => {
    const { code, out, err } = await plan(file, ['--seconds', '60'], {
      terminal: true,
      stop: true,
    });
    expect(code).toBe(0);
    expect(err).toMatch(/\d+ s: \d+\.\d\d in 3 routes, \d+ iterations/);
    expect(out).toContain('Cost ');
  });

  it('says why an instance has no feasible plan, and ends with 1', async () => {
    const heavy = { ...file, customers: [{ ...sites[0], demand: 6 }] };
    const { code, out, err } = await plan(heavy, ['--iterations', '10', '--json']);
    expect(code).toBe(1);
    const why = 'customer c0 cannot be served: its demand 6 is above the capacity 5';
    expect(JSON.parse(out)).toMatchObject({
      feasible: false,
      problems: [expect.stringContaining(why)],
    });
    expect(err).toContain(`troupe: ${why}`);
  });

  it.each([
    ['a broken file by line', '{\n"depots": 3\n}', [], 'troupe: town.json:2: depots is not a list'],
    ['a missing file', undefined, [], 'troupe: cannot read town.json: there is no such file'],
    [
      'a picture that cannot be written',
      file,
      ['--picture', 'no/such/map.html', '--iterations', '5'],
      'troupe: cannot write --picture no/such/map.html',
    ],
  ])('names %s and ends with 1', async (_what, content, args, message) => {
    const { code, out, err } = await plan(content, args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(message);
  });

  it.each([
    [['--seconds', '0'], 'Give seconds above 0.'],
    [['--iterations', 'x'], 'Give a whole number from 1.'],
    [['--workers', '0'], 'Give a whole number from 1.'],
    [['--seed', '-1'], 'Give a whole number from 0'],
    [['--second', '1'], 'Did you mean --seconds?'],
  ])('refuses %j with 2', async (args, message) => {
    const { code, err } = await plan(file, args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('--help and docs/reference/routing.md describe the same flags', async () => {
    const { out } = await plan(file, ['--help']);
    const page = await readFile(
      new URL('../../docs/reference/routing.md', import.meta.url),
      'utf8',
    );
    const helped = Array.from(out.matchAll(/^ {2}(--[\w-]+(?: <[^>]+>)?)/gm), ([, flag]) => flag);
    const documented = Array.from(page.matchAll(/^\| `(--[^`]+)`/gm), ([, flag]) => flag);
    expect(documented).toEqual(helped);
  });
});
