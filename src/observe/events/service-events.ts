/**
 * What is said of starting and ending: alone, beside another process, and on sockets that were open before us.
 * Owns the wording.
 */

import { count } from '../../lib/count.ts';
import type { AddressInUse } from '../../lib/setting-error.ts';
import type { Member } from '../../members/member.ts';
import type { EventBody } from './event-log.ts';

/** The balancer accepts clients. */
export function started(
  identity: { readonly version: string; readonly listen: readonly string[] },
  members: readonly Member[],
  observePort: number | undefined,
): EventBody {
  const { version, listen } = identity;
  const endpoints = members.map((member) => member.endpoint);
  const before = endpoints.length > 0 ? endpoints.join(', ') : 'no member that is known yet';
  return {
    level: 'info',
    kind: 'started',
    message: `etcd-lb ${version} listens on ${listen.join(', ')} in front of ${before}`,
    fields: { version, listen, endpoints, observePort },
  };
}

/** @param drainTimeout ms. */
export function stopping(sessions: number, drainTimeout: number): EventBody {
  return {
    level: 'info',
    kind: 'stopping',
    message: `stopping: no new clients; ${count(sessions, 'session')} may end within ${drainTimeout} ms`,
    fields: { sessions, drainTimeout },
  };
}

/** @param cut sessions that were closed by us. */
export function stopped(cut: number): EventBody {
  return {
    level: 'info',
    kind: 'stopped',
    message: cut === 0 ? 'stopped' : `stopped; ${count(cut, 'session')} closed`,
    fields: { cut },
  };
}

/** @param refused why the observe listener cannot be opened yet. */
export function observeWaits({ message }: AddressInUse): EventBody {
  return {
    level: 'warn',
    kind: 'observe-waits',
    message: `the observe listener is opened as soon as the process before this one has ended: ${message}`,
    fields: {},
  };
}

/** The end of that. @param shown where it listens. */
export function observeOpened(shown: string, observePort: number | undefined): EventBody {
  return {
    level: 'info',
    kind: 'observe-opened',
    message: `the observe listener is open now, on ${shown}`,
    fields: { observePort },
  };
}

/** The sockets that were passed to us are others than the addresses that were asked for. */
export function listenIgnored(inherited: readonly string[], asked: readonly string[]): EventBody {
  return {
    level: 'warn',
    kind: 'listen-ignored',
    message: `clients are accepted on the sockets that were passed to this process, ${inherited.join(', ')}, and ${asked.join(', ')} of --listen is not opened: let the socket unit and --listen name the same`,
    fields: { inherited, listen: asked },
  };
}
