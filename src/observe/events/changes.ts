/** What the rooms below report of themselves, as events. */
import type { ClusterChange } from '../../etcd/cluster.ts';
import type { DnsChange } from '../../lib/net/dns-cache.ts';
import type { DiscoveryChange } from '../../members/discovery/discovery.ts';
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

export function discoveryEvent(change: DiscoveryChange): Event {
  switch (change.kind) {
    case 'srv-failing':
      return { ...change, kind: 'discovery-failing' };
    case 'srv-back':
      return { ...change, kind: 'discovery-back' };
    case 'too-many':
      return change.isOver
        ? { ...change, kind: 'discovery-back' }
        : { ...change, kind: 'discovery-failing' };
    case 'misadvertised': {
      const { name: member, ...advertised } = change.member;
      return { kind: 'member-misadvertised', member, ...advertised };
    }
    case 'state-unusable':
      return { ...change, kind: 'state-failing', doing: 'reading' };
    case 'state-failing':
      return { ...change, doing: 'saving' };
    default:
      return change;
  }
}

export function nameEvent({ name, failure, addresses }: DnsChange): Event {
  return failure === undefined
    ? { kind: 'names-back', name, addresses }
    : { kind: 'names-failing', name, failure, addresses };
}
