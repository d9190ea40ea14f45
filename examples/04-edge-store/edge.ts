/**
 * The process that runs in a store. Ends when its footage has ended and the
 * centre has everything; SIGTERM ends it sooner, and nothing is lost by that
 * or by SIGKILL: started again on the same folder it goes on.
 *
 *   --centre URL       the runtime's HTTP API, default http://127.0.0.1:3500
 *   --store ID         the store's actor
 *   --folder DIR       where its queue and checkpoints are
 *   --camera ID=FILE   footage: a file or an address, anything that ffmpeg opens; may be repeated
 *   --settings FILE    JSON of the cameras' first settings, until the centre has others
 *   --origin TIME      when the footage begins, as ISO 8601; default now
 *   --live             play files as slowly as they were taken
 *   --every MS         time in which events gather, default 5000
 *   --longest-pause MS  between two tries while the centre does not answer, default 30000
 *   --queue-limit N    bytes that may wait on disk, a camera
 *   --queue-ttl MS     age at which an event is not sent any more
 *
 * DAPR_API_TOKEN in the environment is sent to the centre.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openEdge, type CameraSettings } from '../../workers/index.ts';

const { values } = parseArgs({
  options: {
    centre: { type: 'string', default: 'http://127.0.0.1:3500' },
    store: { type: 'string', default: 'store-1' },
    folder: { type: 'string', default: 'edge' },
    camera: { type: 'string', multiple: true, default: [] },
    settings: { type: 'string' },
    origin: { type: 'string' },
    live: { type: 'boolean', default: false },
    every: { type: 'string', default: '5000' },
    'longest-pause': { type: 'string', default: '30000' },
    'queue-limit': { type: 'string' },
    'queue-ttl': { type: 'string' },
  },
});
if (values.camera.length === 0) {
  process.stderr.write('edge: there is no camera; give --camera ID=FILE\n');
  process.exit(2);
}

const settings = values.settings
  ? (JSON.parse(await readFile(values.settings, 'utf8')) as Partial<CameraSettings>)
  : {};
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());

const apiToken = process.env['DAPR_API_TOKEN'];
await using edge = await openEdge({
  centre: { url: values.centre, store: values.store, ...(apiToken ? { apiToken } : {}) },
  folder: values.folder,
  every: Number(values.every),
  longestPause: Number(values['longest-pause']),
  queue: {
    ...(values['queue-limit'] ? { limit: Number(values['queue-limit']) } : {}),
    ...(values['queue-ttl']
      ? { ttl: Number(values['queue-ttl']), ttlNow: Number(values['queue-ttl']) }
      : {}),
  },
  cameras: values.camera.map((text) => {
    const [id = '', ...source] = text.split('=');
    return {
      id,
      source: source.join('='),
      settings,
      live: values.live,
      ...(values.origin ? { origin: Date.parse(values.origin) } : {}),
    };
  }),
  onProblem: ({ message }) => process.stderr.write(`edge: ${message}\n`),
});
try {
  await edge.run(stop.signal);
  process.stderr.write('edge: the footage has ended\n');
  await edge.drained(stop.signal);
} catch (error) {
  if (!stop.signal.aborted) throw error;
}
process.stdout.write(`${JSON.stringify(edge.report())}\n`);
