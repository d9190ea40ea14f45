/** A daprd with its placement and scheduler, an actor state store and a broker, all in memory, ready for one app. */
import {
  startDaprd,
  startPlacement,
  startScheduler,
  type Daprd,
  type DaprdOptions,
} from './dapr.ts';
import { freePorts } from '../../runtime/cli/run/ports.fixture.ts';
import type { TestServer } from './process.ts';

const component = (name: string, type: string, metadata = ''): string =>
  `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${name}
spec:
  type: ${type}
  version: v1
  metadata: [${metadata}]
`;

export const RESOURCES = {
  'statestore.yaml': component(
    'statestore',
    'state.in-memory',
    '{ name: actorStateStore, value: "true" }',
  ),
  'pubsub.yaml': component('pubsub', 'pubsub.in-memory'),
};

/** Entries of actor state may expire: a preview feature of Dapr's. */
export const WITH_TTL = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: test
spec:
  features:
    - name: ActorStateTTL
      enabled: true
`;

export interface DaprSet extends AsyncDisposable {
  readonly placement: TestServer;
  readonly scheduler: TestServer;
  /** A sidecar more of the same control plane; without `appPort` for an app over the actor stream. */
  daprd(options: Pick<DaprdOptions, 'appId' | 'appPort' | 'resources'>): Promise<Daprd>;
  /** A port that an app may listen on. */
  freePort(): Promise<number>;
}

export async function startDaprSet(): Promise<DaprSet> {
  await using undo = new AsyncDisposableStack();
  const [placement, scheduler] = await Promise.all([startPlacement(), startScheduler()]);
  undo.use(placement);
  undo.use(scheduler);
  const open = undo.move();
  return {
    placement,
    scheduler,
    async daprd(options) {
      const configuration = WITH_TTL;
      const plane = { placement, scheduler, configuration };
      return open.use(await startDaprd({ resources: RESOURCES, ...plane, ...options }));
    },
    freePort: async () => (await freePorts(1))[0]!,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
