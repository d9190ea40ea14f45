/**
 * The model of the forecast: `demand` of workers/models, served in a worker
 * thread, where the questions of many actors become batches. It loads while
 * orders are under way; the first question waits for it.
 */
import { fileURLToPath } from 'node:url';
import type { Forecaster } from '../../actors/index.ts';
import { createInference } from '../../workers/inference/inference.ts';

const REPOSITORY = fileURLToPath(new URL('../../workers/models', import.meta.url));
const MODEL = 'demand';

/** Closing it ends the thread. Questions reject with what kept the model from loading. */
export function openForecaster(): Forecaster & AsyncDisposable {
  const opening = createInference({ repository: REPOSITORY, workers: 1, models: [MODEL] });
  // Who asks hears of it; when nobody does, it is no matter.
  opening.catch(() => undefined);
  return {
    model: MODEL,
    async predict(features, options) {
      const inference = await opening;
      const { outputs } = await inference.predict(MODEL, { features }, options);
      return outputs[MODEL]!.data as Float32Array;
    },
    async [Symbol.asyncDispose]() {
      const inference = await opening.catch(() => undefined);
      await inference?.close();
    },
  };
}
