/** The public surface for work in threads: `troupe/worker`. */
import { join } from 'node:path';

/** Folder of the models that come with Troupe, each with its card: a repository for `createInference`. */
export const OWN_MODELS: string = join(import.meta.dirname, 'models');

export { createPool } from './pool.ts';
export type { Pool, PoolOptions, RunOptions } from './pool.ts';
export type { Durations, PoolMetrics } from './pool-metrics.ts';
export type { TaskContext, TaskModule, ThreadContext } from './protocol.ts';
export { planRoutes } from './planning.ts';
export { createInference } from './inference/inference.ts';
export type { Inference, InferenceOptions, ModelInfo, ModelState } from './inference/inference.ts';
export type {
  Inputs,
  OutputTensor,
  PredictOptions,
  Prediction,
  TensorInput,
} from './inference/request.ts';
export { createTaskRunner } from './task-runner.ts';
export type { PredictionInNumbers, PredictTask, TaskSource } from './task-runner.ts';
export { openEdge } from './edge/edge.ts';
export type { Edge, EdgeOptions } from './edge/edge.ts';
export type { CameraOptions, CameraReport, QueueOptions } from './edge/camera.ts';
export type { CameraSettings, EdgeEvent } from './edge/messages.ts';
