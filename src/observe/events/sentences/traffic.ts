/** Sentences about clients that are turned away, that are moved, or that will find no descriptor. */
import { count } from '../../../lib/text/count.ts';
import type { RejectReason } from '../../../proxy/client-totals.ts';
import { error, info, warn } from './sentence.ts';

interface SessionsMoved {
  sessions: number;
  from: readonly string[];
  /** Sessions of each member afterwards. */
  loads: readonly { readonly member: string; readonly load: number }[];
}

/** One clause each. */
export const whyRejected: Readonly<Record<RejectReason, string>> = {
  limit: 'max-connections is reached',
  'source-limit': 'one address has its share of the connections (max-source-share)',
  'no-member': 'no member could be reached',
  'accept-failed': 'the system could not accept them (are descriptors short? see ulimit -n)',
  'no-request':
    'they sent nothing within dial-timeout, or sent TLS where --tls originate expects plain HTTP',
  paused: 'nobody gets a member, since etcd-lb is paused or stops',
  silent: 'they sent nothing within first-byte-timeout',
};

export const trafficEvents = {
  /** "moved 20 sessions from m0, m2 to balance: m0 23, m1 20, m2 23 now" */
  'sessions-moved': ({ sessions, from, loads }: SessionsMoved) => {
    const now = loads.map(({ member, load }) => `${member} ${load}`).join(', ');
    return info(
      `moved ${count(sessions, 'session')} from ${from.join(', ')} to balance: ${now} now`,
      { sessions, from, loads: loads.map(({ load }) => load) },
    );
  },
  /** Throttled, so `clients` is a number. */
  'clients-rejected': ({ reason, clients }: { reason: RejectReason; clients: number }) =>
    warn(`turned away ${count(clients, 'client')}: ${whyRejected[reason]}`, { reason, clients }),
  /** New clients will get no descriptor. */
  'descriptors-short': ({ connections, limit }: { connections: number; limit: number }) =>
    error(
      `file descriptors are short: ${count(connections, 'client')} need two each and the limit is ${limit} (EMFILE for further ones); raise ulimit -n`,
      { connections, limit },
    ),
  'descriptors-back': ({ limit }: { connections: number; limit: number }) =>
    info(`file descriptors suffice again: the limit is ${limit}`, { limit }),
};
