/**
 * What is said when the cluster, as its members describe it, has changed. Owns the wording, as
 * events.ts does for everything else.
 */
import type { ClusterChange } from '../../etcd/cluster.ts';
import type { TableChange } from '../../health/member-table.ts';
import type { EventBody } from './event-log.ts';

/** "m2 is not used: it is a learner, which refuses most calls until it is promoted" */
export function fitnessChanged(change: NonNullable<TableChange['eligibility']>): EventBody {
  const { ineligibility: unfit } = change;
  const member = change.member.name;
  if (unfit === undefined) {
    const message = `${member} may be used: nothing but its checks decides now`;
    return { level: 'info', kind: 'member-fit', message, fields: { member } };
  }
  return {
    level: unfit.reason === 'learner' ? 'info' : unfit.isExcluded ? 'error' : 'warn',
    kind: 'member-unfit',
    message: `${member} is not used: ${unfit.detail}`,
    fields: { member, reason: unfit.reason },
  };
}

/** "m2 became leader, term 7, 1.3 s without a leader" */
export function clusterChanged(change: ClusterChange): EventBody {
  switch (change.kind) {
    case 'leader': {
      const { leader, term, without, first } = change;
      const gap =
        without === undefined ? '' : `, ${(without / 1_000).toFixed(1)} s without a leader`;
      return {
        level: 'info',
        kind: 'leader-changed',
        message: `${leader.name} ${first ? 'is the' : 'became'} leader, term ${term}${gap}`,
        fields: { leader: leader.name, term, withoutMs: without },
      };
    }
    case 'no-leader':
      return {
        level: 'warn',
        kind: 'leader-lost',
        message: `no member that answers knows a leader any more; ${change.was.name} was it`,
        fields: { was: change.was.name, term: change.term },
      };
    case 'alarm': {
      const { alarm, member, on } = change;
      return {
        level: on ? 'error' : 'info',
        kind: on ? 'alarm-raised' : 'alarm-cleared',
        message: on
          ? `${member} raised the alarm ${alarm}${adviceOn(alarm)}`
          : `the alarm ${alarm} of ${member} is over`,
        fields: { member, alarm },
      };
    }
    case 'unknown': {
      const member = change.member.name;
      return {
        level: 'warn',
        kind: 'inspection-failing',
        message: `${member} cannot be asked about itself over gRPC (${change.why}); whether it leads, is a learner or lags is not known until it can`,
        fields: { member, why: change.why },
      };
    }
    case 'known': {
      const member = change.member.name;
      return {
        level: 'info',
        kind: 'inspection-back',
        message: `${member} answers questions about itself again`,
        fields: { member },
      };
    }
  }
}

function adviceOn(alarm: string): string {
  if (alarm === 'NOSPACE') {
    return ': writes are refused until keys are deleted, compacted and defragmented, and the alarm is disarmed (etcdctl alarm disarm)';
  }
  return alarm === 'CORRUPT' ? ': its data differs from that of the others; replace it' : '';
}
