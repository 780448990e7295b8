/** A node as kubeadm leaves it, in a temporary folder: manifests, and certificates where kubeadm has them. */
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ClientCredentials } from './certificates.ts';

export interface FakeNode extends AsyncDisposable {
  readonly root: string;
  /** The command line in front of a program that finds `etc` of the node at /etc. Needs root. */
  readonly prefix: readonly string[];
  /** Every file below /etc but those of Kubernetes, by path. */
  added(): Promise<string[]>;
  write(path: string, text: string): Promise<void>;
}

/** @param manifests by the name of the file. */
export async function fakeNode(
  manifests: Readonly<Record<string, string>>,
  certificates?: ClientCredentials,
): Promise<FakeNode> {
  const root = await mkdtemp(join(tmpdir(), 'etcd-lb-node-'));
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  await mkdir(join(root, 'etc'));
  for (const [name, text] of Object.entries(manifests)) {
    await write(`/etc/kubernetes/manifests/${name}`, text);
  }
  if (certificates) await copyCertificates(join(root, 'etc/kubernetes/pki'), certificates);
  const script = 'mount --bind "$0" /etc && exec "$@"';
  return {
    root,
    // What this variable names is not there either, and Node would say so.
    prefix: [
      ...['env', '-u', 'NODE_EXTRA_CA_CERTS', 'unshare', '--mount'],
      ...['sh', '-c', script, join(root, 'etc')],
    ],
    write,
    added: async () => {
      const all = await readdir(join(root, 'etc'), { recursive: true, withFileTypes: true });
      return all
        .filter((each) => each.isFile())
        .map((each) => join(each.parentPath, each.name).slice(root.length))
        .filter((path) => !path.startsWith('/etc/kubernetes/'))
        .sort();
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

async function copyCertificates(pki: string, { ca, client }: ClientCredentials): Promise<void> {
  await mkdir(join(pki, 'etcd'), { recursive: true });
  await copyFile(ca, join(pki, 'etcd/ca.crt'));
  for (const name of ['etcd/healthcheck-client', 'apiserver-etcd-client']) {
    await copyFile(client.cert, join(pki, `${name}.crt`));
    await copyFile(client.key, join(pki, `${name}.key`));
    await chmod(join(pki, `${name}.key`), 0o600);
  }
}
