/** The other side of child.ts: starts measured processes, one at a time, and ends them. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ChildMessage, Order, Sample } from './child.ts';
import type { Measurement } from './measure.ts';
import type { Contender, Params, Result, Scale } from './question.ts';

/** The next message of a kind; rejects when the child ends before it. */
function next<K extends ChildMessage['kind']>(
  child: ChildProcess,
  kind: K,
  what: string,
): Promise<Extract<ChildMessage, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null): void =>
      reject(new Error(`${what} ended early (${signal ?? `exit code ${code}`}); see above`));
    const onMessage = (message: ChildMessage): void => {
      if (message.kind !== kind) return;
      child.off('exit', onExit);
      child.off('message', onMessage);
      resolve(message as Extract<ChildMessage, { kind: K }>);
    };
    child.on('exit', onExit);
    child.on('message', onMessage);
  });
}

async function start(order: Order): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'child.ts'), {
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
  });
  await next(child, 'ready', order.run);
  child.send(order);
  return child;
}

export async function measureInChild(
  module: string,
  { run, params = {} }: Contender,
  scale: Scale,
): Promise<Measurement> {
  const child = await start({ kind: 'measure', module, run, params, scale });
  const exited = once(child, 'exit');
  const { measurement } = await next(child, 'measured', run);
  await exited;
  return measurement;
}

/** Every contender, `scale.rounds` times, in turn: a, b, c, a, b, c. */
export async function interleave(
  module: string,
  contenders: readonly Contender[],
  scale: Scale,
  progress: (step: string) => void,
): Promise<Result[]> {
  const rounds = new Map<string, Measurement[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= scale.rounds; round++) {
    for (const contender of contenders) {
      progress(`round ${round} of ${scale.rounds}: ${contender.name}`);
      rounds.get(contender.name)!.push(await measureInChild(module, contender, scale));
    }
  }
  return [...rounds].map(([contender, of]) => ({ contender, rounds: of }));
}

export interface ServerProcess {
  readonly port: number;
  sample(): Promise<Sample>;
  stop(): Promise<void>;
}

export async function serveInChild(
  module: string,
  run: string,
  params: Params,
  scale: Scale,
): Promise<ServerProcess> {
  const child = await start({ kind: 'serve', module, run, params, scale });
  const { port } = await next(child, 'listening', run);
  return {
    port,
    async sample() {
      const answer = next(child, 'sample', run);
      child.send('sample');
      return (await answer).sample;
    },
    async stop() {
      const exited = once(child, 'exit');
      child.send('stop');
      await exited;
    },
  };
}
