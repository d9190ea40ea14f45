/**
 * The model of the forecast: `demand` of workers/models, served in a worker
 * thread, where the questions of many actors become batches. It loads while
 * orders are under way; the first question waits for it.
 */
import { createInference, OWN_MODELS } from 'troupe/worker';
import type { Forecaster } from '../../actors/index.ts';

const MODEL = 'demand';

/** Closing it ends the thread. Questions reject with what kept the model from loading. */
export function openForecaster(): Forecaster & AsyncDisposable {
  const opening = createInference({ repository: OWN_MODELS, workers: 1, models: [MODEL] });
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
