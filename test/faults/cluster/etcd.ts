/**
 * The etcd of the faults: the distribution's next release, 3.5 on Debian 12. The leader of an older
 * one revokes leases that clients keep alive when it goes on after a hang (etcd #15247), whoever
 * balances.
 */
import { type EtcdBinary, findEtcd } from '../../../src/demo/etcd-binary.ts';

export function findFaultEtcd(): Promise<EtcdBinary> {
  return findEtcd({ release: 'next' });
}
