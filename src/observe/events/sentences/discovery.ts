/** Sentences about members that join, leave or are renamed, and about the sources that name them. */
import { formatDuration } from '../../../config/values/duration.ts';
import { count } from '../../../lib/text/count.ts';
import type { Misadvertised } from '../../../members/discovery/plan.ts';
import { error, info, warn } from './sentence.ts';

interface Joined {
  member: string;
  endpoint: string;
  address: string | undefined;
  isLearner: boolean;
}

/** More members than are used. */
interface TooMany {
  source: string;
  found: number;
  most: number;
}

/** SRV records that name no member. `none`: no member is known at all. */
interface SrvFailing {
  domain: string;
  why: string;
  none: boolean;
}

interface StateFailing {
  file: string;
  why: string;
  doing: 'reading' | 'saving';
}

export const discoveryEvents = {
  /** "m3 joined: http://10.0.0.4:2379 (a learner)" */
  'member-joined': ({ member, endpoint, address, isLearner }: Joined) => {
    const where = address === undefined ? endpoint : `${endpoint} at ${address}`;
    const message = `${member} joined: ${where}${isLearner ? ' (a learner)' : ''}`;
    return info(message, { member, endpoint, address });
  },
  /** "m0 is now called etcd-0: http://10.0.0.1:2379" */
  'member-renamed': (renamed: { member: string; before: string; endpoint: string }) => {
    const { member, before, endpoint } = renamed;
    return info(`${before} is now called ${member}: ${endpoint}`, { member, before, endpoint });
  },
  /** `timeout`: how long its sessions may take to leave, ms. */
  'member-left': (left: { member: string; sessions: number; timeout: number }) => {
    const { member, sessions, timeout } = left;
    const how = timeout > 0 ? `leave within ${formatDuration(timeout)}` : 'are closed';
    const rest = sessions > 0 ? `; its ${count(sessions, 'session')} ${how}` : '';
    return info(`${member} is no longer a member${rest}`, { member, sessions });
  },
  /** Sessions of a removed member had to be cut. */
  'sessions-removed': ({ member, sessions }: { member: string; sessions: number }) =>
    info(
      `closed ${count(sessions, 'session')} of ${member}, which is no longer a member: they had no idle gap`,
      { member, sessions },
    ),
  'member-misadvertised': (advertised: Omit<Misadvertised, 'name'> & { member: string }) => {
    const { member, urls, why, usedAt } = advertised;
    const meanwhile = usedAt === undefined ? 'it is not used' : `it is used at ${usedAt}`;
    return warn(
      `${member} advertises no client URL that can be used (${why}): ${meanwhile}; start that etcd with --advertise-client-urls that clients on other hosts can reach`,
      { member, urls, usedAt },
    );
  },
  'discovery-failing': (failing: SrvFailing | TooMany) => {
    if ('source' in failing) {
      const { source, found, most } = failing;
      return warn(
        `${source} names ${found} members, more than the maximum of ${most}: the known members stay; correct the source`,
        { source, found, most },
      );
    }
    const { domain, why, none } = failing;
    const meanwhile = none
      ? 'no member is known until they do, so every client is turned away; check --discovery-srv and the name server'
      : 'the known members stay';
    const message = `the SRV records of ${domain} name no member (${why}): ${meanwhile}`;
    return (none ? error : warn)(message, { domain, why });
  },
  'discovery-back': (back: { domain: string } | TooMany) => {
    if ('domain' in back) {
      const { domain } = back;
      return info(`the SRV records of ${domain} name members again`, { domain });
    }
    const { source, found, most } = back;
    return info(`${source} names ${count(found, 'member')} again, which are used`, {
      ...{ source, found, most },
    });
  },
  'state-used': (used: { file: string; members: number; savedAt: string }) => {
    const { file, members, savedAt } = used;
    return info(
      `${file} names ${count(members, 'member')}, as of ${savedAt}; they are tried until a live source names the members`,
      { file, members, savedAt },
    );
  },
  'state-failing': ({ file, why, doing }: StateFailing) =>
    warn(
      doing === 'reading'
        ? `${file} cannot be used (${why}): the start goes on without it, and the next good list of members replaces it`
        : `the list of members cannot be saved in ${file} (${why}): a restart would use an older list; free space there, or let this user write`,
      { file, why },
    ),
  'state-back': ({ file }: { file: string }) =>
    info(`the list of members is saved in ${file} again`, { file }),
  /** "etcd-0.example cannot be looked up (getaddrinfo ENOTFOUND …): 10.0.0.1 is used, its last address" */
  'names-failing': (failing: { name: string; failure: string; addresses: readonly string[] }) => {
    const { name, failure, addresses } = failing;
    const meanwhile =
      addresses.length === 0
        ? 'no address of it is known'
        : `${addresses.join(', ')} is used, its last address`;
    return warn(`${name} cannot be looked up (${failure}): ${meanwhile}`, { name, addresses });
  },
  'names-back': ({ name, addresses }: { name: string; addresses: readonly string[] }) =>
    info(`${name} can be looked up again`, { name, addresses }),
};
