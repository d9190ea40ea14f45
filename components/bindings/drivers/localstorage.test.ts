import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { testOptions } from '../../test-clock.ts';
import { bindingConformance } from '../conformance/suite.ts';
import type { Binding } from '../contract.ts';
import { driver } from './localstorage.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-files-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let roots = 0;
const create = (rootPath = join(folder, `root-${roots++}`, 'new')): Promise<Binding> =>
  driver.create(testOptions('bindings.localstorage', { rootPath }), {
    signal: new AbortController().signal,
  });

bindingConformance({
  name: 'bindings.localstorage',
  create: () => create(),
  features: ['OUTPUT_BINDING'],
});

async function open() {
  const root = join(folder, `root-${roots++}`);
  const binding = await create(root);
  const run = async (operation: string, fileName?: string, data = ''): Promise<string> => {
    const metadata: Record<string, string> = fileName === undefined ? {} : { fileName };
    const answer = await binding.invoke({ operation, data: Buffer.from(data), metadata });
    return Buffer.from(answer.data ?? []).toString();
  };
  return { root, run };
}

describe('bindings.localstorage', () => {
  it('creates, reads, lists and deletes files', async () => {
    const { root, run } = await open();
    expect(await run('list', '')).toBe('null');
    expect(await run('create', 'a/b.txt', '"hello"')).toBe('{"fileName":"a/b.txt"}');
    expect(await run('create', 'c.txt', 'aGk=')).toBe('{"fileName":"c.txt"}');
    expect(await run('get', 'a/b.txt')).toBe('hello');
    expect(await run('get', 'c.txt')).toBe('hi');
    expect(JSON.parse(await run('list', ''))).toEqual([join(root, 'a/b.txt'), join(root, 'c.txt')]);
    expect(await run('delete', 'c.txt')).toBe('');
    expect(JSON.parse(await run('list', 'a'))).toEqual([join(root, 'a/b.txt')]);
  });

  it('keeps bytes that are no text, and makes up a name where none is given', async () => {
    const { root, run } = await open();
    const { fileName } = JSON.parse(await run('create', undefined, '{"a":1}')) as {
      fileName: string;
    };
    expect(fileName).toMatch(/^[0-9a-f-]{36}$/);
    expect(readFileSync(join(root, fileName), 'utf8')).toBe('{"a":1}');
  });

  it('says which file there is not', async () => {
    const { run } = await open();
    for (const operation of ['get', 'delete', 'list']) {
      await expect(run(operation, 'none')).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('file not found: none') as string,
      });
    }
  });

  it('never leaves its folder, by steps up or by links', async () => {
    const { root, run } = await open();
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'secret');
    symlinkSync(folder, join(root, 'out'));
    await run('create', '../../inside', '"x"');
    expect(existsSync(join(root, 'inside'))).toBe(true);
    for (const [operation, name] of [
      ['get', 'out/secret'],
      ['create', 'out/new'],
      ['delete', 'out/secret'],
      ['list', 'out'],
    ] as const) {
      await expect(run(operation, name, '"x"')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    await expect(run('get', '../../../etc/hostname')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(readFileSync(secret, 'utf8')).toBe('secret');
  });

  it.each(['', '/proc/troupe', '/sys'])('refuses the root path %j', async (rootPath) => {
    await expect(create(rootPath)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('refuses a file as its root path', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(create(file)).rejects.toThrow(/is a file/);
    await expect(create(join(file, 'below'))).rejects.toThrow(/must be a folder/);
  });
});
