/** docs/reference/dapr-differences.md: the differences from daprd as a page. */
import type { Difference } from './differences.ts';

export const PAGE = 'docs/reference/dapr-differences.md';
/** So many requests are compared at the least. */
export const LEAST_CASES = 500;

export function differencesPage(rows: readonly Difference[]): string {
  return `# Differences from daprd

\`test/compat/differential.test.ts\` sends more than ${LEAST_CASES} requests, bad ones among them, over HTTP
and gRPC to \`troupe sidecar\` and to the official daprd 1.18.2, each with an app and stores of
its own, and compares status, headers, body and what the app was asked. They are the same but
for these; the test fails for another, and for a row that nothing shows any more.

| what | why |
|---|---|
${rows.map(({ what, reason }) => `| ${what} | ${reason} |`).join('\n')}

Left out of the comparison: ids, times, ports, the bytes of etags, and the words of errors that
name what a language's own parser says. Locks are compared without a store, because the daprd of
the tests is built without one; workflows are not there in Troupe.
`;
}
