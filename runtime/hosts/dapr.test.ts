import { expect, it } from 'vitest';
import { createSystem } from '../index.ts';

it('options that are the business of daprd are refused, each with where to say it', async () => {
  const wrong = createSystem({ runtime: 'dapr', actors: [], components: [] });
  await expect(wrong).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(wrong).rejects.toThrow(/--resources-path/);
  const port = createSystem({ runtime: 'dapr', actors: [], appPort: 8080 });
  await expect(port).rejects.toThrow(/dapr\.appPort/);
});

it('a daprd that does not come is named, with what is wrong with it', async () => {
  const dapr = { httpPort: 1, startTimeout: 0 };
  const alone = createSystem({ runtime: 'dapr', actors: [], dapr });
  await expect(alone).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(alone).rejects.toThrow(/daprd at 127\.0\.0\.1:1 was not ready/);
});
