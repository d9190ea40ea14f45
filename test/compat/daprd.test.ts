/** The official daprd as the tests start it: with its control plane, its state store and a clean end. */
import { expect, it } from 'vitest';
import { startDaprd, startPlacement, startScheduler } from '../servers/dapr.ts';

const STATESTORE = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: statestore
spec:
  type: state.in-memory
  version: v1
  metadata:
    - name: actorStateStore
      value: "true"
`;

it('the official daprd joins its control plane and keeps state', async () => {
  await using placement = await startPlacement();
  await using scheduler = await startScheduler();
  const resources = { 'statestore.yaml': STATESTORE };
  await using daprd = await startDaprd({ appId: 'witness', placement, scheduler, resources });
  const state = `http://127.0.0.1:${daprd.httpPort}/v1.0/state/statestore`;
  const body = JSON.stringify([{ key: 'a', value: { n: 1 } }]);
  const saved = await fetch(state, { method: 'POST', body });
  expect(saved.status).toBe(204);
  const read = await fetch(`${state}/a`);
  expect(await read.json()).toEqual({ n: 1 });
  expect(read.headers.get('etag')).toMatch(/./);
});
