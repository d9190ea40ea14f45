/** examples/three-languages by `troupe run -f`: apps in Go, Python and TypeScript, one of which crashes. */
import { execFileSync } from 'node:child_process';
import { cp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, delimiter, join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { startCommand, troupe } from '../../runtime/cli/run/run.fixture.ts';
import { freePorts } from '../../runtime/cli/run/ports.fixture.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/three-languages');
let cache: string;

/** What Go builds is built once, before anything waits for it. */
beforeAll(() => {
  cache = execFileSync('go', ['env', 'GOCACHE'], { encoding: 'utf8' }).trim();
  execFileSync('go', ['build', '-o', '/dev/null', 'main.go'], { cwd: join(EXAMPLE, 'prices') });
});

it('three apps in three languages start, outlive one of them, and leave nothing behind', async () => {
  const [pricesPort, stockPort] = (await freePorts(2)) as [number, number];
  const yaml = (await readFile(join(EXAMPLE, 'dapr.yaml'), 'utf8'))
    .replace('appPort: 8081', `appPort: ${pricesPort}`)
    .replace('appPort: 8082', `appPort: ${stockPort}`);
  await using run = await startCommand(['run', '-f', '.'], {
    env: {
      PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
      GOCACHE: cache,
    },
    async prepare(folder) {
      await cp(EXAMPLE, folder, { recursive: true });
      await writeFile(join(folder, 'dapr.yaml'), yaml);
      // What the shop imports is found from where the file really is.
      await rm(join(folder, 'shop/shop.ts'));
      await symlink(join(EXAMPLE, 'shop/shop.ts'), join(folder, 'shop/shop.ts'));
    },
  });
  await run.said(`== APP - prices == prices: on ${pricesPort}\n`);
  await run.said(`== APP - stock == stock: on ${stockPort}\n`);
  await run.said('== APP - shop == shop: sold one of everything\n');
  expect(run.output()).toContain('== APP - shop == shop: sold cocoa, 3 in all for 1270 pence\n');

  const burnt = await troupe(['invoke', '--app-id', 'stock', '--method', 'burn']);
  expect(burnt.code).toBe(1);
  await run.said('The App process of "stock" exited with code 7; the other apps go on');
  await run.said('    stock: the warehouse is on fire\n');
  const asked = ['invoke', '--app-id', 'prices', '--method', 'price/tea', '--verb', 'GET'];
  expect((await troupe(asked)).output).toContain('{"pence":320}');

  run.signal('SIGINT');
  expect(await run.exited).toBe(1);
  expect(run.output()).toContain('== APP - prices == prices: closing\n');
  expect(run.output()).toContain('== APP - shop == shop: closing\n');
  await run.gone();
  const logs = await readdir(join(run.folder, 'stock/.dapr/logs'));
  expect(logs.toSorted()).toEqual([
    expect.stringMatching(/^stock_app_\d{14}\.log$/),
    expect.stringMatching(/^stock_daprd_\d{14}\.log$/),
  ]);
});
