/** What a fault can do with a cluster and its members, on loopback and in namespaces alike. */
import type { LocalCluster } from '../../../src/demo/local-cluster.ts';
import type { LocalMember } from '../../../src/demo/local-member.ts';

export type FaultMember = Pick<
  LocalMember,
  'name' | 'clientUrl' | 'pid' | 'running' | 'kill' | 'pause' | 'resume' | 'start'
>;

export interface FaultCluster extends AsyncDisposable {
  readonly members: readonly FaultMember[];
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
