/** The command as a user runs it: a process of its own, real signals, real ports. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const COMMAND = fileURLToPath(new URL('./troupe.js', import.meta.url));
const ACTOR = JSON.stringify(new URL('../actor/index.ts', import.meta.url).href);
const COUNTER = `import { Actor } from ${ACTOR};
export class Counter extends Actor {
  static type = 'Counter';
  #count = this.state('count', { initial: () => 0 });
  async add(by: number): Promise<number> {
    const count = (await this.#count.get()) + by;
    this.#count.set(count);
    return count;
  }
  async hang(): Promise<void> {
    process.stderr.write('hanging');
    await new Promise(() => setInterval(() => undefined, 1000));
  }
}
`;
const STATE = (file: string): string => `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: statestore }
spec:
  type: state.sqlite
  version: v1
  metadata:
  - { name: connectionString, value: ${JSON.stringify(file)} }
  - { name: actorStateStore, value: "true" }
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-cli-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'counter.ts'), COUNTER);
});
afterEach(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running extends AsyncDisposable {
  /** Base URL of the API; rejects when the command ends before it is ready. */
  readonly ready: Promise<string>;
  readonly ended: Promise<Ended>;
  signal(name: NodeJS.Signals): void;
  /** Resolves when the text was written to stderr. */
  logged(text: string): Promise<void>;
}

function troupe(args: readonly string[], { env = {}, node = [] as string[] } = {}): Running {
  const child = spawn(process.execPath, [...node, COMMAND, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const url = Promise.withResolvers<string>();
  const end = Promise.withResolvers<Ended>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    const address = /ready on (http:\/\/[^,\s]+)/.exec(out)?.[1];
    if (address) url.resolve(address);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.on('close', (code) => {
    end.resolve({ code, out, err });
    url.reject(new Error(`ended with ${code} before it was ready:\n${err}`));
  });
  url.promise.catch(() => undefined);
  return {
    ready: url.promise,
    ended: end.promise,
    signal: (name) => void child.kill(name),
    logged: (text) => vi.waitFor(() => expect(err).toContain(text)),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await end.promise;
    },
  };
}

async function add(base: string, by: number): Promise<unknown> {
  const response = await fetch(`${base}/v1.0/actors/Counter/c-1/method/add`, {
    method: 'PUT',
    body: JSON.stringify(by),
  });
  expect(response.status).toBe(200);
  return response.json();
}

describe('troupe serve', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'hosts the actors over HTTP, says so, and ends cleanly on %s',
    async (signal) => {
      await using command = troupe([
        'serve',
        'counter.ts',
        '--dapr-http-port',
        '0',
        '--app-id',
        'shop',
      ]);
      const base = await command.ready;
      expect(await add(base, 2)).toBe(2);
      expect(await add(base, 3)).toBe(5);
      command.signal(signal);
      const { code, out } = await command.ended;
      expect(code).toBe(0);
      expect(out).toBe(
        `troupe: ready on ${base}, app id shop, actors Counter, state in memory (give --resources-path to keep it)\n`,
      );
    },
  );

  it('keeps state in the store that the YAML names, across a restart', async () => {
    await writeFile(join(folder, 'state.yaml'), STATE(join(folder, 'state.db')));
    const args = ['serve', 'counter.ts', '--dapr-http-port', '0', '--resources-path', 'state.yaml'];
    for (const sum of [1, 2]) {
      await using command = troupe(args);
      expect(await add(await command.ready, 1)).toBe(sum);
      command.signal('SIGTERM');
      const { code, err } = await command.ended;
      expect(code).toBe(0);
      expect(err).toMatch(
        /"name":"statestore","type":"state.sqlite","version":"v1","msg":"component loaded"/,
      );
    }
  });

  it('asks for the token of DAPR_API_TOKEN', async () => {
    await using command = troupe(['serve', 'counter.ts', '--dapr-http-port', '0'], {
      env: { DAPR_API_TOKEN: 'sesame' },
    });
    const url = `${await command.ready}/v1.0/metadata`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { 'dapr-api-token': 'sesame' } })).status).toBe(200);
  });

  it('warns of resources that it does not serve and goes on', async () => {
    await writeFile(
      join(folder, 'state.yaml'),
      `${STATE(join(folder, 'state.db'))}---\napiVersion: dapr.io/v1alpha1\nkind: Resiliency\n`,
    );
    await using command = troupe([
      'serve',
      'counter.ts',
      '--dapr-http-port',
      '0',
      '--resources-path',
      '.',
    ]);
    await command.ready;
    command.signal('SIGTERM');
    const { err } = await command.ended;
    expect(err).toContain(
      '"problem":"state.yaml:12:7: kind: kind Resiliency is not supported yet, ignored","msg":"resource ignored"',
    );
  });
});

describe('troupe serve with a turn that never ends', () => {
  async function hanging(...flags: string[]): Promise<Running> {
    const command = troupe(['serve', 'counter.ts', '--dapr-http-port', '0', ...flags]);
    const base = await command.ready;
    fetch(`${base}/v1.0/actors/Counter/c-1/method/hang`, { method: 'PUT' }).catch(() => undefined);
    await command.logged('hanging');
    return command;
  }

  it('is forced to end with 1 when the time to end in is over', async () => {
    await using command = await hanging('--dapr-graceful-shutdown-seconds', '0');
    command.signal('SIGTERM');
    const { code, err } = await command.ended;
    expect(code).toBe(1);
    expect(err).toContain('graceful shutdown took too long, forcing it');
  });

  it('is ended at once with 1 by a second signal', async () => {
    await using command = await hanging();
    command.signal('SIGINT');
    await command.logged('"msg":"stopping"');
    command.signal('SIGINT');
    expect((await command.ended).code).toBe(1);
  });
});

describe('troupe serve ends with 1 and one message', () => {
  async function fails(args: readonly string[]): Promise<string> {
    await using command = troupe(['serve', ...args, '--log-level', 'silent']);
    const { code, out, err } = await command.ended;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    return err;
  }

  it('for wrong YAML, with every problem of every file', async () => {
    const wrong = STATE('x.db')
      .replace('type: state', 'typ: state')
      .replace('"true" }', '"true", vlaue: 1 }');
    await writeFile(join(folder, 'a.yaml'), wrong);
    await writeFile(join(folder, 'b.yml'), 'kind: [');
    expect(await fails(['counter.ts', '--resources-path', '.'])).toMatch(
      new RegExp(
        [
          '^troupe: 3 problems in the resource files:',
          'a\\.yaml:5:3: spec\\.typ: unknown field, did you mean "type"\\?',
          'a\\.yaml:9:45: spec\\.metadata\\[1\\]\\.vlaue: unknown field, did you mean "value"\\?',
          'b\\.yml:1:8: not YAML: .*',
          '$',
        ].join('\n'),
      ),
    );
  });

  it('for a component that cannot be opened', async () => {
    await writeFile(
      join(folder, 'a.yaml'),
      STATE('x.db').replace('connectionString', 'conectionString'),
    );
    expect(await fails(['counter.ts', '--resources-path', 'a.yaml'])).toMatch(
      /^troupe: .*component "statestore" \(state\.sqlite\): a\.yaml:8: metadata field "conectionString" is not known; did you mean "connectionString"\?/s,
    );
  });

  it('for a resources path that does not exist', async () => {
    expect(await fails(['counter.ts', '--resources-path', 'nope'])).toBe(
      'troupe: resources path "nope" does not exist; give a YAML file or a folder of them\n',
    );
  });

  it('for a module that does not exist', async () => {
    expect(await fails(['contuer.ts'])).toBe(
      `troupe: module "contuer.ts" does not exist (looked for ${join(folder, 'contuer.ts')})\n`,
    );
  });

  it('for a port that is in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    try {
      expect(await fails(['counter.ts', '--dapr-http-port', String(port)])).toBe(
        `troupe: port ${port} on 127.0.0.1 is in use; stop what listens there, or choose another port with --dapr-http-port\n`,
      );
    } finally {
      taken.close();
    }
  });
});

it('on an older Node the command says in one line what it needs', async () => {
  const pretend = 'Object.defineProperty(process.versions, "node", { value: "20.20.2" })';
  await using command = troupe(['--help'], {
    node: ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`],
  });
  const { code, out, err } = await command.ended;
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(/^troupe: needs Node 24 or newer, and this is v[\d.]+; install it, .*\n$/);
});
