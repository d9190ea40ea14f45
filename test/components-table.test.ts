/** The table of what each driver can has a row for each; that a row is true is compared at the end of each run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { componentKinds } from '../components/registry.ts';
import { featuresOf, rowsOf } from './components-table.ts';

const page = readFileSync(join(import.meta.dirname, '../docs/reference/components.md'), 'utf8');

it('has the drivers of all kinds, with versions, features and a suite that passed', () => {
  const rows = rowsOf(page);
  const said = rows.map(({ type, versions, features }) => ({ type, versions, features }));
  const drivers = Object.values(componentKinds).flatMap((kind) => [...kind.drivers]);
  const expected = drivers.map(({ type, versions }) => ({
    type,
    versions: versions.join(', '),
    features: featuresOf(page, type),
  }));
  expect(said, 'run: npm run docs:components').toEqual(expected);
  for (const { suite } of rows) expect(suite).toMatch(/^\d+ passed(?!.*FAILED)/);
});
