/** Sentences about changes of the cluster view. */
import { formatSeconds } from '../../../lib/text/quantities.ts';
import { error, info, warn } from './sentence.ts';

interface LeaderChange {
  leader: string;
  term: number;
  /** For how long no member knew a leader, ms; `undefined` if that was never seen. */
  without?: number;
  /** Is it the first known leader? */
  first: boolean;
}

interface Alarm {
  member: string;
  alarm: string;
}

const advice: Readonly<Record<string, string>> = {
  NOSPACE:
    ': writes are refused until keys are deleted, compacted and defragmented, and the alarm is disarmed (etcdctl alarm disarm)',
  CORRUPT: ': its data differs from that of the others; replace it',
};

export const clusterEvents = {
  /** "m2 became leader, term 7, 1.3 s without a leader" */
  'leader-changed': ({ leader, term, without, first }: LeaderChange) => {
    const gap = without === undefined ? '' : `, ${formatSeconds(without)} without a leader`;
    const message = `${leader} ${first ? 'is the' : 'became'} leader, term ${term}${gap}`;
    return info(message, { leader, term, withoutMs: without });
  },
  'leader-lost': ({ was, term }: { was: string; term: number }) =>
    warn(`no member that answers knows a leader; ${was} led before`, { was, term }),
  'alarm-raised': ({ member, alarm }: Alarm) =>
    error(`${member} raised the alarm ${alarm}${advice[alarm] ?? ''}`, { member, alarm }),
  'alarm-cleared': ({ member, alarm }: Alarm) =>
    info(`the alarm ${alarm} of ${member} is over`, { member, alarm }),
  'inspection-failing': ({ member, why }: { member: string; why: string }) =>
    warn(
      `${member} does not answer status polls over gRPC (${why}): until it does, it is unknown whether it leads, lags or is a learner`,
      { member, why },
    ),
  'inspection-back': ({ member }: { member: string }) =>
    info(`${member} answers status polls again`, { member }),
};
