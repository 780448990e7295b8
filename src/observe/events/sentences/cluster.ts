/** How it is told that the cluster, as its members describe it, has changed. */
import { formatSeconds } from '../../../lib/text/quantities.ts';
import { error, info, warn } from './sentence.ts';

interface LeaderChange {
  leader: string;
  term: number;
  /** For how long members had been seen to know no leader, ms; `undefined` if none was seen to. */
  without?: number;
  /** Is it the first that is known? */
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
      `${member} cannot be asked about itself over gRPC (${why}); whether it leads, is a learner or lags is not known until it can`,
      { member, why },
    ),
  'inspection-back': ({ member }: { member: string }) =>
    info(`${member} answers questions about itself again`, { member }),
};
