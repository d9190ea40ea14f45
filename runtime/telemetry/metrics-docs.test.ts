import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FAMILIES } from '../core/telemetry.ts';

test('docs/reference/metrics.md lists every family with its labels', () => {
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `dapr_(\w+)` \| (\w+) \| ([^|]+) \|/gm)].map((row) => [
    row[1],
    row[2],
    row[3]!.match(/\w+(?=`)/g) ?? [],
  ]);
  expect(listed).toEqual(
    Object.entries(FAMILIES).map(([name, { kind, labels }]) => [name, kind, labels]),
  );
});
