/** Events of what operators ask for: drains, rebalancing, reloads, and the socket on which they ask. */

import { count } from '../../lib/count.ts';
import type { FoundDrains } from '../../members/drains.ts';
import type { Member } from '../../members/member.ts';
import type { Drained } from '../../proxy/sessions/member-drains.ts';
import type { EventBody } from './event-log.ts';
import { lasted, rounded } from './hold-events.ts';

/** "m1 is drained: no new connections, and 12 sessions have 10000 ms to leave" */
export function memberDrained(
  { name }: Member,
  sessions: number,
  timeout: number,
  unkept: string | undefined,
): EventBody {
  const leave =
    sessions === 0
      ? 'none is open there'
      : `${count(sessions, 'session')} may leave within ${timeout} ms`;
  const memory = unkept === undefined ? '' : `; a restart forgets it, since ${unkept}`;
  return {
    level: 'info',
    kind: 'member-drained',
    message: `${name} is drained by an operator: no new connections, ${leave}${memory}`,
    fields: { member: name, sessions, timeout, kept: unkept === undefined },
  };
}

/** "m1 has no session left: 12 have moved, 1 was closed when the time was over" */
export function drainEnded({ name }: Member, { sessions, cut }: Drained): EventBody {
  const how =
    cut === 0 ? 'all have left by themselves' : `${cut} were closed when the time was over`;
  return {
    level: cut === 0 ? 'info' : 'warn',
    kind: 'drain-ended',
    message:
      sessions === 0
        ? `${name} has no session`
        : `${name} has no session left of ${sessions}: ${how}`,
    fields: { member: name, sessions, cut },
  };
}

export function memberUndrained(name: string): EventBody {
  return {
    level: 'info',
    kind: 'member-undrained',
    message: `${name} is not drained any more: it gets connections again while it is healthy`,
    fields: { member: name },
  };
}

/** At the start, when an earlier run has kept drains, or files of them cannot be used. */
export function drainsFound({ drains, unusable }: FoundDrains): EventBody[] {
  const events: EventBody[] = [];
  const [first] = unusable;
  if (first !== undefined) {
    const { file, why } = first;
    const others = unusable.length > 1 ? ` and ${unusable.length - 1} more` : '';
    events.push({
      level: 'error',
      kind: 'drains-unusable',
      message: `${file}${others} cannot be used (${why}): whom it says to drain is not drained; drain again those that must be, and remove it`,
      fields: { file, why, files: unusable.length },
    });
  }
  if (drains.length > 0) {
    events.push({
      level: 'warn',
      kind: 'drains-restored',
      message: `still drained from before the restart: ${drains.map(({ name, since }) => `${name} since ${since}`).join(', ')}`,
      fields: { members: drains.map(({ name }) => name) },
    });
  }
  return events;
}

/**
 * "an operator moved the leader from m1 to m2; clients were held for 35 ms"
 *
 * @param from a member's name, as `to`.
 * @param heldMs 0 where `--hold` is off.
 */
export function leaderMoved(from: string, to: string, heldMs: number): EventBody {
  const held = heldMs > 0 ? `clients were held for ${lasted(heldMs)}` : 'clients were not held';
  return {
    level: 'info',
    kind: 'leader-moved',
    message: `an operator moved the leader from ${from} to ${to}; ${held}`,
    fields: { was: from, leader: to, heldMs: rounded(heldMs) },
  };
}

/** @param excesses by how many sessions members are above their share. */
export function rebalanceAsked(excesses: ReadonlyMap<Member, number>): EventBody {
  const from = [...excesses].map(([{ name }, sessions]) => `${sessions} from ${name}`).join(', ');
  return {
    level: 'info',
    kind: 'rebalance-asked',
    message: `an operator asks for balance: up to ${from} are to be moved`,
    fields: { from: [...excesses.keys()].map(({ name }) => name) },
  };
}

export function sessionClosed(id: number, { name }: Member): EventBody {
  return {
    level: 'info',
    kind: 'session-closed',
    message: `session ${id} on ${name} was closed by an operator`,
    fields: { session: id, member: name },
  };
}

export function logLevelChanged(from: string, to: string): EventBody {
  return {
    level: 'info',
    kind: 'log-level-changed',
    message: `the log level is ${to} from now on, until a reload or a restart (before: ${from})`,
    fields: { from, to },
  };
}

/** How a reload came out. `changed` and `waiting` are kebab-case names of settings. */
export type ReloadResult =
  | {
      readonly kind: 'applied';
      readonly changed: readonly string[];
      /** Those that differ and are only read at the start. */
      readonly waiting: readonly string[];
    }
  /** One sentence. */
  | { readonly kind: 'refused'; readonly why: string };

export function reloaded(result: ReloadResult): EventBody {
  if (result.kind === 'refused') {
    return {
      level: 'error',
      kind: 'reload-refused',
      message: `reload refused, nothing has changed: ${result.why}`,
      fields: { why: result.why },
    };
  }
  const { changed, waiting } = result;
  const what = changed.length === 0 ? 'nothing has changed' : `changed: ${changed.join(', ')}`;
  const rest =
    waiting.length === 0 ? '' : `; ${waiting.join(', ')} would change only with a restart`;
  return {
    level: waiting.length === 0 ? 'info' : 'warn',
    kind: 'reloaded',
    message: `reloaded: ${what}${rest}`,
    fields: { changed, waiting },
  };
}

/** `why` is one clause. */
export function adminUnavailable(path: string, why: string): EventBody {
  return {
    level: 'info',
    kind: 'admin-unavailable',
    message: `no admin socket, so that commands such as drain cannot reach this process: ${why}`,
    fields: { path },
  };
}
