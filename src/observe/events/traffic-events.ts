/** What is said of clients: turned away, moved, or about to find no descriptor. Owns the wording. */

import { count } from '../../lib/count.ts';
import type { Member } from '../../members/member.ts';
import type { RejectReason } from '../../proxy/data-path.ts';
import type { EventBody } from './event-log.ts';

/** "moved 20 sessions from m0, m2 to balance: m0 23, m1 20, m2 23 now" */
export function sessionsMoved(
  moved: ReadonlyMap<Member, number>,
  members: readonly Member[],
): EventBody {
  const sessions = [...moved.values()].reduce((total, each) => total + each, 0);
  const from = [...moved.keys()].map(({ name }) => name);
  const now = members.map(({ name, load }) => `${name} ${load}`).join(', ');
  return {
    level: 'info',
    kind: 'sessions-moved',
    message: `moved ${count(sessions, 'session')} from ${from.join(', ')} to balance: ${now} now`,
    fields: { sessions, from, loads: members.map(({ load }) => load) },
  };
}

/** Told at most every few seconds, so `clients` is a number. */
export function clientsRejected(reason: RejectReason, clients: number): EventBody {
  const why = {
    limit: 'max-connections is reached',
    'source-limit': 'one address has its share of the connections (max-source-share)',
    'no-member': 'no member could be reached',
    'accept-failed': 'the system could not accept them (are descriptors short? see ulimit -n)',
    'no-request':
      'they said nothing within dial-timeout, or spoke TLS, where --tls originate expects plain HTTP',
    silent: 'they said nothing within first-byte-timeout',
  }[reason];
  return {
    level: 'warn',
    kind: 'clients-rejected',
    message: `turned away ${count(clients, 'client')}: ${why}`,
    fields: { reason, clients },
  };
}

/** New clients will find no descriptor left. */
export function descriptorsShort(connections: number, limit: number): EventBody {
  return {
    level: 'error',
    kind: 'descriptors-short',
    message: `file descriptors are short: ${count(connections, 'client')} need two each and the limit is ${limit} (EMFILE for further ones); raise ulimit -n`,
    fields: { connections, limit },
  };
}

export function descriptorsBack(limit: number): EventBody {
  return {
    level: 'info',
    kind: 'descriptors-back',
    message: `file descriptors suffice again: the limit is ${limit}`,
    fields: { limit },
  };
}
