/**
 * `bindings.localstorage`: files below one folder, created, read, listed and
 * deleted by name. A name never leads out of the folder, by `..` or by a link.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, relative, resolve, sep } from 'node:path';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { Binding, BindingRequest, BindingResponse } from '../contract.ts';
import { closedError, noOperation, notAnInput } from '../refusals.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'rootPath',
    required: true,
    description:
      'Folder of the files; made if it is not there. Below `/proc`, `/sys`, `/boot` and `/var/run/secrets` it is refused.',
  },
];

const OPERATIONS = ['create', 'get', 'list', 'delete'] as const;
const DISALLOWED = ['/proc', '/sys', '/boot', '/var/run/secrets'];
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

const isWithin = (root: string, path: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** The path with links followed as far as it exists. */
async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return join(await realOf(dirname(path)), relative(dirname(path), path));
  }
}

async function openRoot(options: ComponentOptions): Promise<string> {
  const metadata = readMetadata(options, fields);
  const written = metadata.text('rootPath');
  if (written === undefined) throw metadata.refuse('rootPath', 'is missing; name a folder');
  try {
    const root = await realOf(resolve(written));
    if (DISALLOWED.some((folder) => isWithin(folder, root)))
      throw metadata.refuse('rootPath', 'points to a disallowed location');
    await mkdir(root, { recursive: true });
    return await realpath(root);
  } catch (cause) {
    const why = { EEXIST: 'is a file', ENOTDIR: 'is below a file' }[codeOf(cause) ?? ''];
    if (why) throw metadata.refuse('rootPath', `${why}, it must be a folder`);
    throw cause;
  }
}

/** As daprd takes it: a JSON string is its text, and text in base64 the bytes that it stands for. */
function contentOf(data: Uint8Array): Uint8Array {
  let text: string;
  try {
    text = utf8.decode(data);
  } catch {
    return data;
  }
  if (text.startsWith('"')) {
    try {
      text = JSON.parse(text) as string;
    } catch {
      return data;
    }
  }
  return Buffer.from(text, BASE64.test(text) ? 'base64' : 'utf8');
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await filesBelow(path)));
    else files.push(path);
  }
  return files;
}

const json = (value: unknown): BindingResponse => ({ data: Buffer.from(JSON.stringify(value)) });

export const driver: Driver<Binding> = {
  fields,
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    const root = await openRoot(options);
    let closed = false;

    /** Errors: FORBIDDEN when a link leads out of the root. */
    async function pathOf(name: string): Promise<string> {
      if (name.includes('\0'))
        throw new ComponentError(options, 'the file name has a null character', {
          code: 'INVALID_ARGUMENT',
        });
      const path = join(root, normalize(`/${name}`));
      if (isWithin(root, await realOf(path))) return path;
      throw new ComponentError(options, `the file "${name}" is outside of the root path`, {
        code: 'FORBIDDEN',
      });
    }

    async function run({ operation, data, metadata }: BindingRequest): Promise<BindingResponse> {
      const { fileName = '' } = metadata;
      switch (operation as (typeof OPERATIONS)[number]) {
        case 'create': {
          const path = await pathOf(fileName || randomUUID());
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, contentOf(data));
          return json({ fileName: relative(root, path) });
        }
        case 'get':
          return { data: await readFile(await pathOf(fileName)) };
        case 'list': {
          const path = await pathOf(fileName);
          if (!(await stat(path)).isDirectory())
            throw new ComponentError(options, `cannot list "${fileName}": it is not a folder`, {
              code: 'INVALID_ARGUMENT',
            });
          const files = await filesBelow(path);
          // An empty list is null in Go's JSON.
          return json(files.length === 0 ? null : files);
        }
        case 'delete':
          await unlink(await pathOf(fileName));
          return {};
      }
      throw noOperation(options, operation, OPERATIONS);
    }

    async function close(): Promise<void> {
      closed = true;
    }

    return {
      features: ['OUTPUT_BINDING'],
      operations: OPERATIONS,
      async invoke(request) {
        if (closed) throw closedError(options);
        try {
          return await run(request);
        } catch (cause) {
          if (cause instanceof ComponentError) throw cause;
          const name = request.metadata['fileName'] ?? '';
          const isMissing = codeOf(cause) === 'ENOENT';
          throw new ComponentError(
            options,
            isMissing
              ? `file not found: ${name}`
              : `${request.operation} of "${name}" failed: ${codeOf(cause)}`,
            { cause, ...(isMissing ? { code: 'NOT_FOUND' as const } : {}) },
          );
        }
      },
      async read() {
        if (closed) throw closedError(options);
        throw notAnInput(options);
      },
      async ping() {
        if (closed) throw closedError(options);
        await stat(root);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
