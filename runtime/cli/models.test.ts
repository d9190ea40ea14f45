/** `troupe models serve` from its flags to its ready line, and how a wrong start reads. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { run } from './main.ts';

function surroundings(stop = new AbortController()) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  return {
    written,
    stop,
    of: {
      cwd: process.cwd(),
      env: {},
      stdout: sink('stdout'),
      stderr: sink('stderr'),
      stop: stop.signal,
    },
  };
}

const ADDRESS = /http:\/\/127\.0\.0\.1:\d+/;

it('serves the models that are asked for until it is told to stop', async () => {
  const { written, stop, of } = surroundings();
  const { promise: ready, resolve } = Promise.withResolvers<string>();
  const write = of.stdout.write;
  const stdout = {
    write: (text: string) => {
      write(text);
      if (ADDRESS.test(text)) resolve(ADDRESS.exec(text)![0]);
    },
  };
  const flags = ['--port', '0', '--workers', '1', '--model', 'digits', '--log-level', 'warn'];
  const ended = run(['models', 'serve', 'workers/models', ...flags], { ...of, stdout });
  const base = await ready;
  expect(written.stdout).toContain(', 1 worker: digits 1\n');
  const answer = await fetch(`${base}/v2/models/digits/infer`, {
    method: 'POST',
    body: JSON.stringify({
      inputs: [
        {
          name: 'image',
          shape: [1, 3, 32, 32],
          datatype: 'FP32',
          data: Array<number>(3072).fill(0.5),
        },
      ],
    }),
  });
  const { outputs } = (await answer.json()) as { outputs: { shape: number[] }[] };
  expect(outputs[0]!.shape).toEqual([1, 10]);
  expect((await fetch(`${base}/v2/models/demand/ready`)).status).toBe(400);
  stop.abort();
  expect(await ended).toBe(0);
  await expect(fetch(`${base}/v2/health/live`)).rejects.toThrow('fetch failed');
});

it('has the flags that docs/reference/inference.md describes', async () => {
  const { written, of } = surroundings();
  expect(await run(['models', 'serve', '--help'], of)).toBe(0);
  const page = await readFile('docs/reference/inference.md', 'utf8');
  const helped = Array.from(
    written.stdout.matchAll(/^ {2}(--[^ ]+ <[^>]+>)/gm),
    ([, flag]) => flag,
  );
  const documented = Array.from(page.matchAll(/^\| `(--[^`]+)`/gm), ([, flag]) => flag);
  expect(helped).toHaveLength(5);
  expect(documented).toEqual(helped);
});

it.each([
  [['models', 'serve', 'no-such-folder'], 1, 'there is no model repository'],
  [['models', 'serve', 'workers/models', '--model', 'none'], 1, 'has no model none'],
  [['models', 'serve', 'workers/models', '--workers', '0'], 2, 'Give a whole number from 1'],
  [['models', 'serve'], 2, "missing required argument 'folder'"],
] as const)('says what is wrong: %j', async (args, code, text) => {
  const { written, of } = surroundings();
  expect(await run(args, of)).toBe(code);
  expect(written.stderr).toContain(text);
});
