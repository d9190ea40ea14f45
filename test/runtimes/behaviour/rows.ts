/**
 * The runtimes that the behaviours are shown on. One more is one more row: how
 * it is opened with the actors, and how a caller outside of it reaches them.
 */
import { createSystem, type SystemOptions } from '../../../runtime/index.ts';
import { componentYaml, startSidecar } from '../../../runtime/cli/sidecar.fixture.ts';
import { freePorts } from '../../../runtime/cli/run/ports.fixture.ts';
import type { DaprSet } from '../../servers/dapr-set.ts';
import { ACTORS } from './actors.ts';
import type { Wire } from './behaviour.ts';
import type { Opened, OpenRuntime, Services } from './stage.ts';
import { grpcRefs, httpRefs } from './wires.ts';

export interface Row {
  readonly wire: Wire;
  /** As the page calls it. */
  readonly name: string;
  /** It needs the official daprd. */
  readonly needsDapr?: true;
}

export const ROWS: readonly Row[] = [
  { wire: 'embedded', name: 'embedded' },
  { wire: 'sidecar-http', name: 'sidecar, HTTP' },
  { wire: 'sidecar-grpc', name: 'sidecar, gRPC' },
  { wire: 'dapr-troupe', name: 'dapr, by troupe sidecar' },
  { wire: 'dapr-http', name: 'dapr, HTTP', needsDapr: true },
  { wire: 'dapr-stream', name: 'dapr, actor stream', needsDapr: true },
];

/** Turns that a test holds at a gate are given up at the end, not waited for. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

async function open(
  services: Services,
  options: Partial<SystemOptions>,
  refs?: (system: Opened['system']) => Pick<Opened, 'ref'> & AsyncDisposable,
): Promise<Opened> {
  await using undo = new AsyncDisposableStack();
  const system = undo.use(
    await createSystem({ actors: ACTORS, services, logger: SILENT, ...options }),
  );
  const caller = refs && undo.use(refs(system));
  const stack = undo.move();
  return {
    system,
    ref: (type, id) => (caller ?? system).ref(type, id),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** `set` is started once for all rows that need it. */
export function openerOf(wire: Wire, set?: () => DaprSet): OpenRuntime {
  switch (wire) {
    case 'embedded':
      return (services) => open(services, {});
    case 'sidecar-http':
      return (services) => open(services, { runtime: 'sidecar' }, ({ http }) => httpRefs(http!));
    case 'sidecar-grpc':
      return (services) => open(services, { runtime: 'sidecar' }, ({ grpc }) => grpcRefs(grpc!));
    case 'dapr-troupe':
      return async (services) => {
        await using undo = new AsyncDisposableStack();
        const [appPort = 0] = await freePorts(1);
        const resources = [
          componentYaml('statestore', 'state.in-memory', { actorStateStore: 'true' }),
          componentYaml('pubsub', 'pubsub.in-memory'),
        ];
        const args = [`--app-port=${appPort}`];
        const { httpPort, grpcPort } = undo.use(await startSidecar({ resources, args }));
        const dapr = { httpPort, grpcPort, appPort };
        const opened = undo.use(await open(services, { runtime: 'dapr', appId: wire, dapr }));
        const stack = undo.move();
        return { ...opened, [Symbol.asyncDispose]: () => stack.disposeAsync() };
      };
    case 'dapr-http':
    case 'dapr-stream':
      return async (services) => {
        const app = wire === 'dapr-http' ? { appPort: await set!().freePort() } : {};
        await using undo = new AsyncDisposableStack();
        const daprd = undo.use(await set!().daprd({ appId: wire, ...app }));
        const { httpPort, grpcPort } = daprd;
        const dapr = { httpPort, grpcPort, ...app };
        const opened = undo.use(await open(services, { runtime: 'dapr', appId: wire, dapr }));
        const stack = undo.move();
        return { ...opened, [Symbol.asyncDispose]: () => stack.disposeAsync() };
      };
    default:
      return wire satisfies never;
  }
}
