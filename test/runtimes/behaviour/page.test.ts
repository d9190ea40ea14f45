import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runtimesPage } from './page.ts';

it('the page of runtimes says what the behaviours say', async () => {
  const page = join(import.meta.dirname, '../../../docs/reference/runtimes.md');
  await expect(runtimesPage()).toMatchFileSnapshot(page);
});
