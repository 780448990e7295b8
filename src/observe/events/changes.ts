/** What the rooms below report of themselves, as events. */
import type { ClusterChange } from '../../etcd/cluster.ts';
import type { Event } from './event.ts';

export function clusterEvent(change: ClusterChange): Event {
  switch (change.kind) {
    case 'leader':
      return { ...change, kind: 'leader-changed', leader: change.leader.name };
    case 'no-leader':
      return { ...change, kind: 'leader-lost', was: change.was.name };
    case 'alarm':
      return { ...change, kind: change.on ? 'alarm-raised' : 'alarm-cleared' };
    case 'unknown':
      return { ...change, kind: 'inspection-failing', member: change.member.name };
    case 'known':
      return { kind: 'inspection-back', member: change.member.name };
  }
}
