/** Which certificates the balancer shows to members, and who may read the key. Pure. */
import type { Scheme } from '../config/values/endpoint.ts';
import { clientPairs, type FileMode, type Node, usualCa } from './node/node.ts';

/** A path, and why it is this one, as a clause. */
export interface Chosen {
  readonly path: string;
  readonly why: string;
}

export interface CertificateFiles {
  readonly cacert?: Chosen;
  readonly cert?: Chosen;
  readonly key?: Chosen;
}

export interface GivenFiles {
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Those given, else kubeadm's for health checks of its own etcd, else kube-apiserver's; none for http. */
export function chooseCertificates(
  node: Node,
  given: GivenFiles,
  scheme: Scheme,
): CertificateFiles {
  if (scheme === 'http') return {};
  return { ...authorities(node, given), ...identity(node, given) };
}

function authorities({ apiserver, files }: Node, { cacert }: GivenFiles): CertificateFiles {
  if (cacert !== undefined) return { cacert: { path: cacert, why: '--cacert' } };
  const path = apiserver?.cacert;
  if (path !== undefined) {
    return { cacert: { path, why: 'kube-apiserver trusts it too (--etcd-cafile)' } };
  }
  return files.has(usualCa)
    ? { cacert: { path: usualCa, why: "kubeadm's authority of etcd" } }
    : {};
}

function identity({ etcd, apiserver, files }: Node, { cert, key }: GivenFiles): CertificateFiles {
  // One alone is an error, which the settings report.
  if (cert !== undefined || key !== undefined) {
    return {
      ...(cert !== undefined && { cert: { path: cert, why: '--cert' } }),
      ...(key !== undefined && { key: { path: key, why: 'the key of cert (--key)' } }),
    };
  }
  const of = (pair: { cert: string; key: string }, why: string): CertificateFiles => ({
    cert: { path: pair.cert, why },
    key: { path: pair.key, why: 'the key of cert' },
  });
  const [checks, shared] = clientPairs.map((pair) =>
    files.has(pair.cert) && files.has(pair.key) ? pair : undefined,
  );
  // Where etcd is elsewhere, what is here may be left from another one.
  if (checks && etcd) return of(checks, 'kubeadm makes it for health checks of etcd');
  if (apiserver?.cert !== undefined && apiserver.key !== undefined) {
    const { cert: own, key: ownKey } = apiserver;
    return of({ cert: own, key: ownKey }, "kube-apiserver's own for etcd (--etcd-certfile)");
  }
  return shared ? of(shared, "kubeadm's for kube-apiserver as a client of etcd") : {};
}

/** Who may read a key, as a clause; nothing is known of a file that is not there. */
export function readersOf(file: FileMode | undefined): string {
  if (file === undefined) return 'it is not there yet';
  const mode = `mode 0${file.mode.toString(8).padStart(3, '0')}`;
  if (file.mode & 0o004) return `every user of this node may read it (${mode}): take that away`;
  if (file.mode & 0o040) return `its owner and its group may read it (${mode})`;
  return `only ${file.uid === 0 ? 'root' : `user ${file.uid}`} may read it (${mode})`;
}
