/** What is said when a hold begins and ends. Owns the wording, as events.ts does for everything else. */
import type { CurrentHold, EndedHold } from '../../leader/hold-status.ts';
import { formatMs, rounded } from '../../lib/quantities.ts';
import type { EventBody } from './event-log.ts';

/** "holding what clients send: m1, the leader, does not answer" */
export function holdBegan({ leader, cause, why }: CurrentHold): EventBody {
  return {
    level: cause === 'planned' ? 'info' : 'warn',
    kind: 'hold-began',
    message: `holding what clients send: ${why}`,
    fields: { leader, cause },
  };
}

/** "holding is over after 1.3 s: m2 leads" */
export function holdEnded(ended: EndedHold): EventBody {
  const { leader, cause, end, duration, successor } = ended;
  return {
    // Clients are told by etcd that there is no leader: what a hold is to spare them.
    level: end === 'expired' ? 'error' : 'info',
    kind: 'hold-ended',
    message: `holding is over after ${formatMs(duration)}: ${outcomeOf(ended)}`,
    fields: { leader, cause, end, durationMs: rounded(duration), successor },
  };
}

/** What tells how a hold came out. */
type Outcome = Pick<EndedHold, 'leader' | 'cause' | 'end'> & Partial<Pick<EndedHold, 'successor'>>;

/** How a hold came out, as one clause: "m2 leads". */
export function outcomeOf({ leader, cause, end, successor }: Outcome): string {
  switch (end) {
    case 'confirmed':
      if (successor === undefined) return 'there is a leader';
      return successor === leader ? `${leader} still leads` : `${successor} leads`;
    case 'elected':
      if (successor === undefined) return 'a leader is elected';
      // It may have lost an election and won the next.
      return successor === leader ? `${leader} leads again` : `${successor} leads`;
    case 'expired':
      return cause === 'planned'
        ? 'no other member leads yet, and clients are not held for it any longer'
        : 'there is no leader yet, and clients hear so from etcd';
    case 'cancelled':
      return cause === 'planned'
        ? `${leader} is not moved, and leads on`
        : 'there is nothing to hold for any more';
  }
}
