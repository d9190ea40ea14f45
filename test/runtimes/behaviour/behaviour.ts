/** What a behaviour is, and the limits that have more than one. */
import type { BehaviourStage } from './stage.ts';

export type Wire =
  | 'embedded'
  | 'sidecar-http'
  | 'sidecar-grpc'
  | 'dapr-troupe'
  | 'dapr-http'
  | 'dapr-stream';

export interface Limit {
  readonly on: readonly Wire[];
  readonly says: string;
  /** Where it comes from. */
  readonly source: string;
  /** What is seen instead. Absent: there is nothing that a test could see. */
  readonly shows?: (stage: BehaviourStage) => Promise<void>;
}

export interface Behaviour {
  readonly topic: string;
  readonly says: string;
  readonly limit?: Limit;
  readonly shows: (stage: BehaviourStage) => Promise<void>;
}

export const DAPR = ['dapr-troupe', 'dapr-http', 'dapr-stream'] as const;
export const LOCK = 'dapr/dapr pkg/actors/targets/app/lock/lock.go';
