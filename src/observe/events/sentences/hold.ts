/** Sentences about holds while the leader is lost, and about a moved leader. */
import type { CurrentHold, EndedHold } from '../../../leader/hold-status.ts';
import { formatMs, rounded } from '../../../lib/text/quantities.ts';
import { error, info, warn } from './sentence.ts';

export const holdEvents = {
  /** "holding what clients send: m1, the leader, does not answer" */
  'hold-began': ({ leader, cause, why }: CurrentHold) =>
    (cause === 'planned' ? info : warn)(`holding what clients send: ${why}`, { leader, cause }),
  /** "holding is over after 1.3 s: m2 leads" */
  'hold-ended': (ended: EndedHold) => {
    const { leader, cause, end, duration, successor } = ended;
    // Clients now get etcd's error that there is no leader, which a hold should spare them.
    const tell = end === 'expired' ? error : info;
    return tell(`holding is over after ${formatMs(duration)}: ${outcomeOf(ended)}`, {
      ...{ leader, cause, end, durationMs: rounded(duration), successor },
    });
  },
  /** "an operator moved the leader from m1 to m2; clients were held for 35 ms"; 0 where `--hold` is off. */
  'leader-moved': ({ was, leader, heldMs }: { was: string; leader: string; heldMs: number }) => {
    const held = heldMs > 0 ? `clients were held for ${formatMs(heldMs)}` : 'clients were not held';
    return info(`an operator moved the leader from ${was} to ${leader}; ${held}`, {
      ...{ was, leader, heldMs: rounded(heldMs) },
    });
  },
};

/** How a hold ended. */
type Outcome = Pick<EndedHold, 'leader' | 'cause' | 'end'> & Partial<Pick<EndedHold, 'successor'>>;

/** The end of a hold as one clause: "m2 leads". */
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
        ? 'no other member leads yet, and clients are no longer held for it'
        : 'there is no leader yet, and clients get that error from etcd';
    case 'cancelled':
      return cause === 'planned'
        ? `${leader} is not moved and still leads`
        : 'the reason to hold is gone';
  }
}
