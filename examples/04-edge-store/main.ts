/**
 * A store and its centre: the edge process watches footage and sends what it
 * found, the store's actor keeps it. Prints what the centre knows in the end.
 *
 *   --footage FILE   watch this instead of made-up footage
 *   --picture FILE   write the heat map as a PNG
 *   --serve PORT     then serve the store's page on 127.0.0.1 until Ctrl-C
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createSystem } from 'troupe';
import { storeActors, type RegionApi, type StoreApi } from '../../actors/index.ts';
import { writeTape } from './tape.ts';

const { values } = parseArgs({
  options: {
    footage: { type: 'string' },
    picture: { type: 'string' },
    serve: { type: 'string' },
  },
});
const folder = await mkdtemp(join(tmpdir(), 'troupe-edge-'));
const footage = values.footage ?? join(folder, 'made-up.y4m');
if (!values.footage) await writeTape(footage);

await using centre = await createSystem({
  actors: storeActors,
  services: { rollUpDelay: '100ms' },
  http: { port: 0 },
});
const store = centre.ref<StoreApi>('Store', 'store-1');
await store.setUp({ region: 'north' });
const alarms: string[] = [];
await centre.subscribe({ topic: 'store-operations' }, async ({ type }) => void alarms.push(type));

await writeFile(
  join(folder, 'settings.json'),
  JSON.stringify({
    lines: [
      { name: 'entry', from: [1, 0.75], to: [0, 0.75] },
      { name: 'exit', from: [0.75, 0], to: [0.75, 1] },
    ],
    zones: [{ name: 'table', box: [0.4, 0.6, 0.3, 0.4] }],
    waiting: 10,
  }),
);
const edge = spawn(
  process.execPath,
  [
    join(import.meta.dirname, 'edge.ts'),
    ...['--centre', `http://127.0.0.1:${centre.http!.port}`, '--store', 'store-1'],
    ...['--folder', join(folder, 'edge'), '--settings', join(folder, 'settings.json')],
    ...['--camera', `door=${footage}`, '--origin', '2026-11-28T09:00:00Z'],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
let said = '';
edge.stdout.on('data', (data: Buffer) => (said += data.toString()));
const [code] = (await once(edge, 'close')) as [number];
if (code !== 0) process.exit(1);
await centre.outboxIdle();

const { bytes } = JSON.parse(said) as { bytes: { sent: number } };
const { cameras } = await store.view();
const { totals, lines, events, lost, reported } = cameras[0]!;
console.log(`frames: ${reported!.seen} seen, ${events} events, ${lost.events} lost`);
for (const [line, { in: into, out }] of Object.entries(lines)) {
  console.log(`${line}: ${into} in, ${out} out`);
}
console.log(`table: ${totals.visits} visits`);
console.log(`alarms at store operations: ${alarms.join(', ') || 'none'}`);
console.log(`sent: ${bytes.sent < 20_000 ? 'less' : 'more'} than 20 kB`);
if (values.picture) {
  const { png } = await store.picture();
  await writeFile(values.picture, Buffer.from(png, 'base64'));
}
if (values.serve) {
  const server = createServer((_, response) => {
    void store.page().then((html) => response.end(html));
  });
  server.listen(Number(values.serve), '127.0.0.1');
  await once(server, 'listening');
  console.log(`page: http://127.0.0.1:${(server.address() as { port: number }).port}`);
  await once(process, 'SIGINT');
  server.close();
}
const { hours } = await centre.ref<RegionApi>('Region', 'north').view();
console.log(
  `region north: ${hours.map(({ hour, in: into }) => `${into} in at ${hour}`).join(', ')}`,
);
await rm(folder, { recursive: true });
