/** The models give in Node what their trainers gave: rows that the trainers wrote down, to 1e-4. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createInference } from '../inference/inference.ts';

const repository = fileURLToPath(new URL('.', import.meta.url));
const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');

async function linesOf<T>(model: string): Promise<T[]> {
  const text = await read(`${model}/golden.jsonl`);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** Each answer is that of its trainer, to 1e-4 of the larger of it and 1. */
function expectClose(given: ArrayLike<number>, expected: readonly number[]): void {
  expect(given.length).toBe(expected.length);
  const differences = expected.map(
    (value, at) => Math.abs(given[at]! - value) / Math.max(1, Math.abs(value)),
  );
  expect(Math.max(...differences)).toBeLessThan(1e-4);
}

it('demand answers as its trainer did, alone and in a batch', async () => {
  const [, ...rows] = await linesOf<{ features: number[]; demand: number[] }>('demand');
  expect(rows.length).toBeGreaterThan(20);
  await using inference = await createInference({ repository, workers: 1, models: ['demand'] });
  const predict = async (some: typeof rows) => {
    const features = Float32Array.from(some.flatMap((row) => row.features));
    const { outputs } = await inference.predict('demand', { features });
    return outputs['demand']!.data as Float32Array;
  };
  const together = await predict(rows);
  expectClose(
    together,
    rows.flatMap(({ demand }) => demand),
  );
  const alone = await Promise.all(rows.map((row) => predict([row])));
  // The size of a batch changes no bit, so that a forecast does not depend on who else asks.
  expect(alone.flatMap((answer) => [...answer])).toEqual([...together]);
});

it('digits answers as its trainer did', async () => {
  const rows = await linesOf<{ pixels: string; probabilities: number[] }>('digits');
  const image = Float32Array.from(
    rows.flatMap(({ pixels }) => [...Buffer.from(pixels, 'hex')].map((byte) => byte / 255)),
  );
  await using inference = await createInference({ repository, workers: 1, models: ['digits'] });
  const { outputs } = await inference.predict('digits', { image });
  expectClose(
    outputs['probabilities']!.data as Float32Array,
    rows.flatMap(({ probabilities }) => probabilities),
  );
});

it.each(['demand', 'digits'])('%s is the file that its card describes', async (model) => {
  const bytes = await readFile(new URL(`${model}/1/model.onnx`, import.meta.url));
  expect(bytes.byteLength).toBeLessThan(300_000);
  expect(await read(`${model}/card.md`)).toContain(
    createHash('sha256').update(bytes).digest('hex'),
  );
});
