import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { page, PAGE } from './compat/sdks/table.ts';

it('docs/reference/sdks.md says what the tests of the SDKs hold (node test/compat/sdks/table.ts)', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(page());
});
