/**
 * The process that is measured. As `measure` it runs one contender once and
 * reports; as `serve` it keeps a server up, tells its port, and reports its CPU
 * time and memory whenever it is asked.
 */
import { memory, type Measurement } from './measure.ts';
import type { Measure, Params, Scale } from './question.ts';

/** A server under load from outside; `check` throws when it did not do what the load asked of it. */
export interface Served {
  readonly port: number;
  /** Operations done since the start, as the server itself counts them. */
  count(): number;
  close(): Promise<void>;
}

export type Serve = (params: Params, scale: Scale) => Promise<Served>;

export interface Order {
  readonly kind: 'measure' | 'serve';
  readonly module: string;
  readonly run: string;
  readonly params: Params;
  readonly scale: Scale;
}

export interface Sample {
  /** CPU time since the process began, in milliseconds. */
  readonly cpuMs: number;
  readonly rss: number;
  readonly heap: number;
  readonly count: number;
}

export type ChildMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'measured'; readonly measurement: Measurement }
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'sample'; readonly sample: Sample };

function tell(message: ChildMessage): void {
  process.send!(message);
}

function sample(served: Served): Sample {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, ...memory(), count: served.count() };
}

async function obey({ kind, module, run, params, scale }: Order): Promise<void> {
  const { contenders } = (await import(module)) as {
    contenders: Readonly<Record<string, Measure | Serve>>;
  };
  const contender = contenders[run];
  if (!contender) throw new Error(`${module} has no contender "${run}"`);
  if (kind === 'measure') {
    tell({ kind: 'measured', measurement: await (contender as Measure)(params, scale) });
    process.disconnect();
    return;
  }
  const served = await (contender as Serve)(params, scale);
  process.on('message', (asked: 'sample' | 'stop') => {
    if (asked === 'sample') tell({ kind: 'sample', sample: sample(served) });
    else void served.close().then(() => process.disconnect());
  });
  tell({ kind: 'listening', port: served.port });
}

process.once('message', (order: Order) => void obey(order));
// A parent that dies takes its children along.
process.on('disconnect', () => process.exit());
tell({ kind: 'ready' });
