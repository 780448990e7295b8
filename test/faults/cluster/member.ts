/** What a fault can do with a cluster and its members, on loopback and in namespaces alike. */
import type { EtcdBinary } from '../../../src/demo/etcd-binary.ts';
import type { LocalCluster } from '../../../src/demo/local-cluster.ts';
import type { LocalMember } from '../../../src/demo/local-member.ts';
import type { ClientCredentials } from '../../support/certificates.ts';
import type { Ask } from './ask.ts';

export type FaultMember = Pick<
  LocalMember,
  'name' | 'clientUrl' | 'pid' | 'running' | 'kill' | 'pause' | 'resume' | 'start'
>;

export interface FaultCluster extends AsyncDisposable {
  readonly members: readonly FaultMember[];
  /** What its members were started with. */
  readonly etcd: EtcdBinary;
  /** What its clients need, where it speaks mutual TLS. */
  readonly credentials: ClientCredentials | undefined;
  /** Asks a member itself, past any contestant. */
  readonly ask: Ask;
  ready: LocalCluster['ready'];
}

/** `http://10.0.0.1:2379` as host and port. */
export function placeOf({ clientUrl }: Pick<FaultMember, 'clientUrl'>): {
  host: string;
  port: number;
} {
  const { hostname, port } = new URL(clientUrl);
  return { host: hostname, port: Number(port) };
}
