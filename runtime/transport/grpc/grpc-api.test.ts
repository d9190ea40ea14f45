/** docs/reference/grpc-api.md says of each method of the proto what the rows do. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DAPR_SERVICE } from './dapr-methods.ts';
import { openGrpc, protos } from './grpc.fixture.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/grpc-api.md'), 'utf8');
const rows = Array.from(
  page.matchAll(/^\| (\w+) +\| (?:unary|server|both ways) +\| (served|refused)/gm),
);
const UNIMPLEMENTED = 12;

it('the page lists every method of the proto, in its order', () => {
  expect(rows.map(([, name]) => name)).toEqual(protos.methods(DAPR_SERVICE));
});

it('what the page calls refused is UNIMPLEMENTED with a reason, and nothing else by lack of a row', async () => {
  await using api = await openGrpc();
  for (const [, name, word] of rows) {
    const { requestStream, responseStream } =
      protos.root.lookupService(DAPR_SERVICE).methods[name!]!;
    if (requestStream || responseStream) continue;
    const { code, message } = await api.call(name!, {});
    if (word === 'refused') {
      expect([name, code]).toEqual([name, UNIMPLEMENTED]);
      expect(message.length).toBeGreaterThan(30);
    }
    expect(message).not.toContain('unknown method');
  }
});
