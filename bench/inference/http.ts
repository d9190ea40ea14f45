/** What does a prediction cost over HTTP, beside a Python server with the same model and protocol? */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createSystem } from 'troupe';
import { createInference, OWN_MODELS } from 'troupe/worker';
import type { Serve } from '../harness/child.ts';
import { serveInChild } from '../harness/fork.ts';
import type { Measurement } from '../harness/measure.ts';
import { costOf } from '../harness/process.ts';
import { pythonWith } from '../harness/python.ts';
import { type Question, rateOf, type Result, type Scale } from '../harness/question.ts';
import { medianOf } from '../harness/stats.ts';
import { MissingTool, requireWrk, wrk } from '../harness/wrk.ts';
import { readModel, rowOf, WORKERS, type BareModel } from './models.ts';

const CONNECTIONS = 32;
const REQUIREMENTS = join(import.meta.dirname, 'python-requirements.txt');
const PYTHON_SERVER = join(import.meta.dirname, 'python-server.py');

const troupe: Serve = async () => {
  const options = { repository: OWN_MODELS, workers: WORKERS, models: ['demand'] };
  const models = await createInference(options);
  const system = await createSystem({ actors: [], models, http: { port: 0 } });
  return {
    port: system.http!.port,
    count: () => 0,
    async close() {
      await system.close();
      await models.close();
    },
  };
};

export const contenders: Readonly<Record<string, Serve>> = { troupe };

interface Sample {
  readonly cpuMs: number;
  readonly rss: number;
  readonly heap: number;
}

interface Server {
  readonly port: number;
  sample(): Promise<Sample>;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function startPython({ file }: BareModel): Promise<Server> {
  const python = await pythonWith(REQUIREMENTS);
  const port = await freePort();
  const child = spawn(python, [PYTHON_SERVER, file, String(port)], { stdio: 'inherit' });
  const ended = once(child, 'exit');
  const isUp = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error('the Python server ended early; see above');
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    return response !== undefined;
  };
  while (!(await isUp())) await new Promise((resolve) => setTimeout(resolve, 50));
  return {
    port,
    async sample() {
      return { ...(await costOf(child.pid!)), heap: Number.NaN };
    },
    async stop() {
      child.kill();
      await ended;
    },
  };
}

async function underLoad(server: Server, model: BareModel, seconds: number): Promise<Measurement> {
  const { input, row } = model;
  const data = Array.from(rowOf(model));
  const tensor = { name: input, shape: [1, ...row], datatype: 'FP32', data };
  const load = (length: number) =>
    wrk({
      url: `http://127.0.0.1:${server.port}/v2/models/demand/infer`,
      script: join(import.meta.dirname, 'infer.lua'),
      connections: CONNECTIONS,
      seconds: length,
      args: [JSON.stringify({ inputs: [tensor] })],
    });
  await load(1);
  const before = await server.sample();
  const { requests, seconds: took, ...times } = await load(seconds);
  const { cpuMs, rss, heap } = await server.sample();
  return { ops: requests, seconds: took, cpuMs: cpuMs - before.cpuMs, rss, heap, ...times };
}

type Start = (model: BareModel, scale: Scale) => Promise<Server>;

const SERVERS: Readonly<Record<string, Start>> = {
  'Python: uvicorn, starlette, ONNX Runtime': startPython,
  'Troupe over HTTP': (_, scale) => serveInChild(import.meta.filename, 'troupe', {}, scale),
};

export const question: Question = {
  name: 'http',
  title: `Open Inference Protocol over HTTP, tabular model, a row of JSON a request: wrk, ${CONNECTIONS} connections`,
  async check() {
    await requireWrk();
    await pythonWith(REQUIREMENTS).catch((cause: unknown) => {
      const text = `the Python peer cannot be installed: ${(cause as Error).message}`;
      throw new MissingTool(text, { cause });
    });
  },
  async ask(scale, progress) {
    const model = await readModel('demand');
    const rounds = new Map<string, Measurement[]>();
    for (let at = 1; at <= scale.rounds; at++) {
      for (const [name, start] of Object.entries(SERVERS)) {
        progress(`round ${at}: ${name}`);
        const server = await start(model, scale);
        const measured = await underLoad(server, model, scale.short ? 1 : 4);
        rounds.set(name, [...(rounds.get(name) ?? []), measured]);
        await server.stop();
      }
    }
    const results = [...rounds].map(([contender, of]): Result => ({ contender, rounds: of }));
    const [python, ours] = results.map(({ rounds: of }) => medianOf(of, rateOf));
    const p99 = results.map(({ rounds: of }) => medianOf(of, (round) => round.p99));
    return {
      results,
      aims: [
        {
          what: 'tabular model over HTTP, Troupe against Python',
          unit: 'times',
          better: 'higher',
          measured: ours! / python!,
        },
        {
          what: 'tabular model over HTTP: p99, Python against Troupe',
          unit: 'times',
          better: 'higher',
          measured: p99[0]! / p99[1]!,
        },
      ],
    };
  },
};
