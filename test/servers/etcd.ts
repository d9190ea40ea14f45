/** A real etcd of one member that syncs every write. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Etcd3 } from 'etcd3';
import { findProgram, startServer, type TestServer } from './process.ts';

const run = promisify(execFile);

/** An authority and one certificate of it for 127.0.0.1, as PEM texts. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface EtcdOptions {
  /** Clients must speak TLS and show a certificate. Default: plain text. */
  readonly certificates?: Certificates;
  /** Switches user auth on: this is the password of `root`. Default: anyone may do all. */
  readonly password?: string;
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-certificates-'));
  const openssl = (...args: string[]) => run(findProgram('openssl'), args, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    const ca = ['-x509', '-days', '2', '-subj', '/CN=test authority'];
    await openssl('req', ...key, ...ca, '-keyout', 'ca.key', '-out', 'ca.pem');
    await openssl(
      'req',
      ...key,
      '-subj',
      '/CN=client',
      '-keyout',
      'key.pem',
      '-out',
      'request.pem',
    );
    const names = 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n';
    await writeFile(join(folder, 'names'), names);
    const sign = ['-req', '-days', '2', '-in', 'request.pem', '-extfile', 'names'];
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    await openssl('x509', ...sign, ...by, '-out', 'cert.pem');
    const read = (name: string) => readFile(join(folder, name), 'utf8');
    return { ca: await read('ca.pem'), cert: await read('cert.pem'), key: await read('key.pem') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws Error that says what to do when etcd is not installed. */
export async function startEtcd({ certificates, password }: EtcdOptions = {}): Promise<TestServer> {
  const scheme = certificates ? 'https' : 'http';
  const server = await startServer({
    name: 'etcd',
    command: findProgram('etcd'),
    morePorts: 1,
    async prepare(folder) {
      for (const [name, text] of Object.entries(certificates ?? {}))
        await writeFile(join(folder, `${name}.pem`), text, { mode: 0o600 });
    },
    args: (port, folder, [peer]) => [
      ...['--data-dir', `${folder}/data`, '--name', 'test', '--enable-v2=false'],
      ...['--listen-client-urls', `${scheme}://127.0.0.1:${port}`],
      ...['--advertise-client-urls', `${scheme}://127.0.0.1:${port}`],
      ...['--listen-peer-urls', `http://127.0.0.1:${peer}`],
      ...['--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`],
      ...['--initial-cluster', `test=http://127.0.0.1:${peer}`],
      ...(certificates
        ? [
            ...['--cert-file', `${folder}/cert.pem`, '--key-file', `${folder}/key.pem`],
            ...['--client-cert-auth', '--trusted-ca-file', `${folder}/ca.pem`],
          ]
        : []),
    ],
    ready: /ready to serve client requests|serving client requests on/,
  });
  if (password !== undefined) await switchAuthOn(server, password, certificates);
  return server;
}

async function switchAuthOn(
  { port }: TestServer,
  password: string,
  certificates: Certificates | undefined,
): Promise<void> {
  const bytes = (text: string): Buffer => Buffer.from(text);
  const client = new Etcd3({
    hosts: `127.0.0.1:${port}`,
    ...(certificates
      ? {
          credentials: {
            rootCertificate: bytes(certificates.ca),
            certChain: bytes(certificates.cert),
            privateKey: bytes(certificates.key),
          },
        }
      : {}),
  });
  try {
    const role = await client.role('root').create();
    const user = await client.user('root').create(password);
    await user.addRole(role);
    await client.auth.authEnable();
  } finally {
    client.close();
  }
}
