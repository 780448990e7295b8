/** What is said when members join, leave, or are renamed, and of those who name them. Owns the wording. */

import { count } from '../../lib/count.ts';
import type { DnsChange } from '../../lib/net/dns-cache.ts';
import type { DiscoveryChange } from '../../members/discovery/change.ts';
import type { Member } from '../../members/member.ts';
import type { EventBody } from './event-log.ts';

/** "m3 joined: http://10.0.0.4:2379 (a learner)" */
export function memberJoined({ name: member, endpoint, address, place }: Member): EventBody {
  const where = address === undefined ? endpoint : `${endpoint} at ${address}`;
  return {
    level: 'info',
    kind: 'member-joined',
    message: `${member} joined: ${where}${place.isLearner === true ? ' (a learner)' : ''}`,
    fields: { member, endpoint, address },
  };
}

/** "etcd-0 is what m0 is called now: http://10.0.0.1:2379" */
export function memberRenamed({ name, endpoint }: Member, before: string): EventBody {
  return {
    level: 'info',
    kind: 'member-renamed',
    message: `${name} is what ${before} is called now: ${endpoint}`,
    fields: { member: name, before, endpoint },
  };
}

/** @param timeout for its sessions to be moved at a quiet moment, ms. */
export function memberLeft({ name, load }: Member, timeout: number): EventBody {
  const how = timeout > 0 ? `leave within ${timeout} ms` : 'are closed';
  const sessions = load > 0 ? `; its ${count(load, 'session')} ${how}` : '';
  return {
    level: 'info',
    kind: 'member-left',
    message: `${name} is no longer a member${sessions}`,
    fields: { member: name, sessions: load },
  };
}

/** Told when sessions of a member that has left had to be cut. */
export function sessionsRemoved({ name }: Member, cut: number): EventBody {
  return {
    level: 'info',
    kind: 'sessions-removed',
    message: `closed ${count(cut, 'session')} with ${name}, which is no longer a member: they were never quiet`,
    fields: { member: name, sessions: cut },
  };
}

export function discoveryChanged(change: DiscoveryChange): EventBody {
  switch (change.kind) {
    case 'srv-failing': {
      const { domain, why, none } = change;
      const meanwhile = none
        ? 'no member is known until it does, so every client is turned away; check --discovery-srv and the name server'
        : 'the members that are known stay';
      return {
        level: none ? 'error' : 'warn',
        kind: 'discovery-failing',
        message: `the SRV records of ${domain} name no member (${why}): ${meanwhile}`,
        fields: { domain, why },
      };
    }
    case 'srv-back':
      return {
        level: 'info',
        kind: 'discovery-back',
        message: `the SRV records of ${change.domain} name members again`,
        fields: { domain: change.domain },
      };
    case 'too-many': {
      const { source, found, most, isOver } = change;
      return {
        level: isOver ? 'info' : 'warn',
        kind: isOver ? 'discovery-back' : 'discovery-failing',
        message: isOver
          ? `${source} names ${count(found, 'member')} again, which are taken`
          : `${source} names ${found} members, more than the ${most} that are taken: the members that are known stay; correct what names them`,
        fields: { source, found, most },
      };
    }
    case 'misadvertised': {
      const { name, urls, why, usedAt } = change.member;
      const meanwhile = usedAt === undefined ? 'it is not used' : `it is used at ${usedAt}`;
      return {
        level: 'warn',
        kind: 'member-misadvertised',
        message: `${name} advertises no client URL that can be used (${why}): ${meanwhile}; start that etcd with --advertise-client-urls that clients on other hosts can reach`,
        fields: { member: name, urls, usedAt },
      };
    }
    case 'state-used': {
      const { file, members, savedAt } = change;
      return {
        level: 'info',
        kind: 'state-used',
        message: `${file} names ${count(members, 'member')}, as of ${savedAt}; they are tried until somebody alive names them`,
        fields: { file, members, savedAt },
      };
    }
    case 'state-unusable':
      return {
        level: 'warn',
        kind: 'state-failing',
        message: `${change.file} cannot be used (${change.why}): the start goes on without it, and the next good list replaces it`,
        fields: { file: change.file, why: change.why },
      };
    case 'state-failing':
      return {
        level: 'warn',
        kind: 'state-failing',
        message: `the list of members cannot be saved in ${change.file} (${change.why}): a restart would know the older one; make room there, or let this user write`,
        fields: { file: change.file, why: change.why },
      };
    case 'state-back':
      return {
        level: 'info',
        kind: 'state-back',
        message: `the list of members is saved in ${change.file} again`,
        fields: { file: change.file },
      };
  }
}

/** "etcd-0.example cannot be looked up (getaddrinfo ENOTFOUND …): 10.0.0.1 is used, its last address" */
export function namesChanged({ name, failure, addresses }: DnsChange): EventBody {
  if (failure === undefined) {
    const message = `${name} can be looked up again`;
    return { level: 'info', kind: 'names-back', message, fields: { name, addresses } };
  }
  const meanwhile =
    addresses.length === 0
      ? 'no address of it is known'
      : `${addresses.join(', ')} is used, its last address`;
  return {
    level: 'warn',
    kind: 'names-failing',
    message: `${name} cannot be looked up (${failure}): ${meanwhile}`,
    fields: { name, addresses },
  };
}
