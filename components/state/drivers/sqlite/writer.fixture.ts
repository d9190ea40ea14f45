/** A process that writes rows without end, in batches, and prints the key of each once its write resolved; the test kills it. */
import { writeSync } from 'node:fs';
import { testOptions } from '../../../test-clock.ts';
import { driver } from '../sqlite.ts';

const store = await driver.create(
  testOptions('state.sqlite', { connectionString: process.argv[2]! }),
  { signal: new AbortController().signal },
);

async function write(writer: number): Promise<never> {
  for (let i = 0; ; i++) {
    const key = `${writer}-${i}`;
    await store.apply({ kind: 'set', key, value: '1' });
    writeSync(1, `${key}\n`);
  }
}

await Promise.all([write(1), write(2), write(3)]);
