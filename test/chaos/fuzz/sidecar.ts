/** The sidecar under fuzz: a real process with a component of each kind that needs no server, and an app. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  componentYaml,
  startSidecar,
  type RunningSidecar,
} from '../../../runtime/cli/sidecar.fixture.ts';
import { startDifferentialApp } from '../../compat/differential/app.ts';
import type { Bytes } from './requests.ts';

/** Longer than any retry of what the requests name. */
const ANSWER_MS = 30_000;
const PAGE_BYTES = 4096;

export interface Fuzzed extends AsyncDisposable {
  readonly sidecar: RunningSidecar;
  /** Rejects when there is no answer. */
  answer(request: Bytes): Promise<{ status: number; body: string }>;
  rss(): Promise<number>;
}

export async function startFuzzed(): Promise<Fuzzed> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'troupe-fuzz-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const files = join(folder, 'files');
  await mkdir(files);
  const secretsFile = join(folder, 'secrets.json');
  await writeFile(secretsFile, JSON.stringify({ plain: 'open', hidden: 'never' }));
  const app = stack.use(await startDifferentialApp());
  const sidecar = stack.use(
    await startSidecar({
      // What is held for ever would end the process: it lives on 30 MB.
      env: { NODE_OPTIONS: '--max-old-space-size=96 --max-semi-space-size=8' },
      args: [`--app-port=${app.port}`, '--log-level=fatal'],
      resources: [
        componentYaml('store', 'state.sqlite', {
          connectionString: join(folder, 'state.db'),
          actorStateStore: 'true',
        }),
        componentYaml('memory', 'state.in-memory'),
        componentYaml('pubsub', 'pubsub.in-memory'),
        componentYaml('scoped', 'pubsub.in-memory', { allowedTopics: 'allowed' }),
        componentYaml('secrets', 'secretstores.local.file', { secretsFile }),
        componentYaml('crypto', 'crypto.dapr.localstorage', { path: files }),
        componentYaml('echo', 'conversation.echo'),
        componentYaml('files', 'bindings.localstorage', { rootPath: files }),
        componentYaml('web', 'bindings.http', { url: `http://127.0.0.1:${app.port}` }),
      ],
    }),
  );
  await sidecar.healthy();
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  stack.defer(() => agent.destroy());
  const owned = stack.move();
  return {
    sidecar,
    answer({ verb, path, headers, body }) {
      return new Promise((resolve, reject) => {
        const outgoing = send(
          {
            agent,
            host: '127.0.0.1',
            port: sidecar.httpPort,
            method: verb,
            path,
            headers: { ...headers, 'content-length': Buffer.byteLength(body) },
            signal: AbortSignal.timeout(ANSWER_MS),
          },
          (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (chunk: string) => (text += chunk));
            response.on('error', reject);
            response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
          },
        );
        outgoing.on('error', reject);
        outgoing.end(body);
      });
    },
    async rss() {
      const statm = await readFile(`/proc/${sidecar.pid}/statm`, 'utf8');
      return Number(statm.split(' ')[1]) * PAGE_BYTES;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
