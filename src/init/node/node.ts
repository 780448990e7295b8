/**
 * What a node says of etcd, from the files that kubeadm writes: its own member, and where kube-apiserver finds etcd.
 *
 * Owns the paths of these files and the facts taken from them. Pure; look.ts reads.
 */
import { type Endpoint, parseEndpoints } from '../../config/values/endpoint.ts';
import { splitList } from '../../config/values/list.ts';
import { isLoopback } from '../../lib/net/host-port.ts';
import { ConfigError } from '../../lib/setting-error.ts';
import { flagsIn } from './manifest.ts';

export const manifests = '/etc/kubernetes/manifests';
const pki = '/etc/kubernetes/pki';

/** Certificates of kubeadm that etcd accepts from a client, the narrowest purpose first. */
export const clientPairs = ['etcd/healthcheck-client', 'apiserver-etcd-client'].map((name) => ({
  cert: `${pki}/${name}.crt`,
  key: `${pki}/${name}.key`,
}));
export const usualCa = `${pki}/etcd/ca.crt`;

/** The etcd that runs on this node, from etcd.yaml. */
export interface LocalMember {
  readonly name: string;
  /** Its first advertised client URL, under its name. */
  readonly endpoint: Endpoint;
  readonly clientUrls: readonly string[];
  readonly metricsUrls: readonly string[];
  readonly peerUrls: readonly string[];
  /** The members that there were when this one joined: names, and peer URLs. */
  readonly initial: readonly Endpoint[];
}

/** kube-apiserver, from its manifest. */
export interface Apiserver {
  /** Those of `--etcd-servers` that are not Unix sockets. */
  readonly servers: readonly Endpoint[];
  readonly cacert?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly port: number;
}

/** Permissions of a file. */
export interface FileMode {
  /** The nine bits, such as 0o600. */
  readonly mode: number;
  readonly uid: number;
}

export interface Node {
  readonly etcd?: LocalMember;
  readonly apiserver?: Apiserver;
  /** The certificate files that are there, by path. */
  readonly files: ReadonlyMap<string, FileMode>;
}

/** Throws `ConfigError` when the manifest is of no use. */
export function memberIn(path: string, text: string): LocalMember {
  const flags = flagsIn(path, text, 'etcd');
  const urls = (name: string): string[] => splitList(flags.get(name) ?? '');
  const name = flags.get('name') ?? 'default'; // etcd's default, as are the URLs
  const clientUrls = urls('listen-client-urls');
  const advertised = [...urls('advertise-client-urls'), ...clientUrls, 'http://localhost:2379'];
  const [endpoint] = endpointsIn(path, 'advertise-client-urls', advertised.slice(0, 1));
  if (endpoint === undefined) throw new Error(`${path} has no client URL`); // there is the default
  return {
    name,
    endpoint: { ...endpoint, name },
    clientUrls,
    metricsUrls: urls('listen-metrics-urls'),
    peerUrls: urls('listen-peer-urls'),
    initial: endpointsIn(path, 'initial-cluster', urls('initial-cluster')),
  };
}

/** Throws `ConfigError` when the manifest is of no use. */
export function apiserverIn(path: string, text: string): Apiserver {
  const flags = flagsIn(path, text, 'kube-apiserver');
  const servers = splitList(flags.get('etcd-servers') ?? '').filter(
    (url) => !url.startsWith('unix:'),
  );
  return {
    servers: endpointsIn(path, 'etcd-servers', servers),
    cacert: flags.get('etcd-cafile'),
    cert: flags.get('etcd-certfile'),
    key: flags.get('etcd-keyfile'),
    port: Number(flags.get('secure-port') ?? 6443),
  };
}

/** Ports that etcd and kube-apiserver of this node take. */
export function claimedPorts({ etcd, apiserver }: Node): ReadonlySet<number> {
  const urls = etcd ? [...etcd.clientUrls, ...etcd.metricsUrls, ...etcd.peerUrls] : [];
  const ports = urls.map((url) => Number(/:(\d+)\/?$/.exec(url)?.[1]));
  const own = etcd ? [etcd.endpoint.port] : [];
  return new Set([...ports, ...own, ...(apiserver ? [apiserver.port] : [])]);
}

/**
 * Where kube-apiserver goes on this node, if not to a member.
 *
 * @param here the members of this node.
 */
export function balancerOf(node: Node, here: readonly Endpoint[]): Endpoint | undefined {
  const own = new Set([...claimedPorts(node), ...here.map(({ port }) => port)]);
  return node.apiserver?.servers.find(({ host, port }) => isLoopback(host) && !own.has(port));
}

function endpointsIn(path: string, flag: string, urls: readonly string[]): Endpoint[] {
  try {
    return parseEndpoints(urls, 'http');
  } catch (error) {
    throw new ConfigError(`${path}: --${flag}: ${(error as Error).message}.`);
  }
}
