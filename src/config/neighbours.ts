/**
 * Flags and keys of neighbouring programs that people write here by habit, with those of ours that they mean.
 * A name that is also ours is not in the table.
 */

/** Who has it, and what to write instead; names of settings have their dashes. */
type Row = readonly [owner: string, advice: string];

const bothCa = '--cacert for the authorities of members, or --client-ca for those of clients';
const bothCert = '--cert for what members see, or --tls-cert for what clients see';
const bothKey = '--key for what members see, or --tls-key for what clients see';
const verified = '--cacert, and --server-name if certificates carry another name';

/** By name without dashes. */
export const neighbours: Readonly<Record<string, Row>> = {
  'ca-file': ['etcdctl', '--cacert'],
  'cert-file': ['etcd', bothCert],
  'key-file': ['etcd', bothKey],
  'trusted-ca-file': ['etcd', bothCa],
  'client-ca-file': ['kube-apiserver', '--client-ca'],
  'client-cert-auth': ['etcd', '--client-ca'],
  'tls-cert-file': ['kube-apiserver', '--tls-cert'],
  'tls-private-key-file': ['kube-apiserver', '--tls-key'],
  'etcd-servers': ['kube-apiserver', '--endpoints'],
  'etcd-cafile': ['kube-apiserver', '--cacert'],
  'etcd-certfile': ['kube-apiserver', '--cert'],
  'etcd-keyfile': ['kube-apiserver', '--key'],
  'insecure-skip-tls-verify': ['etcdctl', verified],
  'insecure-transport': ['etcdctl', 'http:// in front of the --endpoints'],
  'keepalive-time': ['etcdctl', '--keepalive'],
  'command-timeout': ['etcdctl', '--check-timeout or --dial-timeout'],
  'initial-cluster': ['etcd', '--endpoints'],
  'listen-client-urls': ['etcd', '--listen'],
  'listen-metrics-urls': ['etcd', '--observe'],
  'data-dir': ['etcd', '--state-dir'],
  'client-transport-security': ['etcd', '--tls-cert, --tls-key and --client-ca'],
  'config-file': ['etcd', '--config'],
  debug: ['etcd', '--log-level debug'],
  'log-outputs': ['etcd', '--log-format'],
  'listen-addr': ['etcd gateway', '--listen'],
  'retry-delay': ['etcd gateway', '--check-interval'],
  'metrics-addr': ['etcd grpc-proxy', '--observe'],
  'bind-address': ['kube-apiserver', '--listen'],
  bind: ['HAProxy', '--listen'],
  backend: ['HAProxy', '--endpoints'],
  backends: ['HAProxy', '--endpoints'],
  server: ['HAProxy', '--endpoints'],
  maxconn: ['HAProxy', '--max-connections'],
  f: ['HAProxy', '--config'],
  upstream: ['nginx', '--endpoints'],
  upstreams: ['nginx', '--endpoints'],
  c: ['Envoy', '--config'],
  'config-path': ['Envoy', '--config'],
  'admin-address-path': ['Envoy', '--admin-socket'],
  'drain-time-s': ['Envoy', '--drain-timeout'],
  v: ['kube-apiserver', '--log-level'],
};

/** One clause, `is HAProxy's; write --listen`, or `undefined` for a name that no neighbour has. */
export function neighbourOf(name: string): string | undefined {
  const row = Object.hasOwn(neighbours, name) ? neighbours[name] : undefined;
  return row && `is ${row[0]}'s; write ${row[1]}`;
}
