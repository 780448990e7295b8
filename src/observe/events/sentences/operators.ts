/** Sentences about admin operations (drains, rebalancing, reloads), and about the admin socket. */
import { formatDuration } from '../../../config/values/duration.ts';
import { count } from '../../../lib/text/count.ts';
import type { FoundDrains } from '../../../members/drains.ts';
import { error, info, warn } from './sentence.ts';

interface MemberDrained {
  member: string;
  sessions: number;
  /** How long they may take to leave, ms. */
  timeout: number;
  /** Why a restart forgets the drain, as one clause. */
  unkept: string | undefined;
}

/** The result of a reload. `changed` and `waiting` are kebab-case names of settings. */
export type ReloadResult =
  | {
      readonly kind: 'applied';
      readonly changed: readonly string[];
      /** Changed settings that take effect only at a restart. */
      readonly waiting: readonly string[];
    }
  /** One sentence. */
  | { readonly kind: 'refused'; readonly why: string };

/** Times are in ms since the epoch. */
export interface ReloadHistory {
  /** The last success; the start counts as one. */
  readonly succeededAt: number;
  /** The last reload; undefined before the first. */
  readonly last: { readonly at: number; readonly result: ReloadResult } | undefined;
}

export const operatorEvents = {
  /** "m1 is drained by an operator: no new connections, 12 sessions may leave within 10s" */
  'member-drained': ({ member, sessions, unkept, ...drained }: MemberDrained) => {
    const timeout = formatDuration(drained.timeout);
    const leave =
      sessions === 0
        ? 'none is open there'
        : `${count(sessions, 'session')} may leave within ${timeout}`;
    const memory = unkept === undefined ? '' : `; a restart forgets it, since ${unkept}`;
    return info(`${member} is drained by an operator: no new connections, ${leave}${memory}`, {
      ...{ member, sessions, timeout, kept: unkept === undefined },
    });
  },
  /** "m1 has no session left of 12: 2 were closed at the deadline" */
  'drain-ended': (ended: { member: string; sessions: number; cut: number }) => {
    const { member, sessions, cut } = ended;
    const how = cut === 0 ? 'all left by themselves' : `${cut} were closed at the deadline`;
    const rest = sessions === 0 ? '' : ` left of ${sessions}: ${how}`;
    return (cut === 0 ? info : warn)(`${member} has no session${rest}`, { member, sessions, cut });
  },
  'member-undrained': ({ member }: { member: string }) =>
    info(`${member} is no longer drained: it gets new connections while it is healthy`, { member }),
  /** At the start: so many `files` of an earlier run, the first of them `file`. */
  'drains-unusable': ({ file, why, files }: { file: string; why: string; files: number }) => {
    const others = files > 1 ? ` and ${files - 1} more` : '';
    return error(
      `${file}${others} cannot be used (${why}): the members that it names are not drained; drain them again as needed, and remove it`,
      { file, why, files },
    );
  },
  'drains-restored': ({ drains }: Pick<FoundDrains, 'drains'>) => {
    const named = drains.map(({ name, since }) => `${name} since ${since}`).join(', ');
    return warn(`still drained from before the restart: ${named}`, {
      members: drains.map(({ name }) => name),
    });
  },
  /** `excess` tells by how many sessions a member is above its share. */
  'rebalance-asked': ({ excess }: { excess: Readonly<Record<string, number>> }) => {
    const from = Object.entries(excess).map(([name, sessions]) => `${sessions} from ${name}`);
    return info(`an operator asked for a rebalance: up to ${from.join(', ')} will be moved`, {
      from: Object.keys(excess),
    });
  },
  'session-closed': ({ session, member }: { session: number; member: string }) =>
    info(`session ${session} on ${member} was closed by an operator`, { session, member }),
  'log-level-changed': ({ from, to }: { from: string; to: string }) =>
    info(`the log level is ${to} until a reload or a restart (before: ${from})`, {
      ...{ from, to },
    }),
  reloaded: ({ changed, waiting }: { changed: readonly string[]; waiting: readonly string[] }) => {
    const what = changed.length === 0 ? 'nothing has changed' : `changed: ${changed.join(', ')}`;
    const isWhole = waiting.length === 0;
    const rest = isWhole ? '' : `; a restart is needed to change ${waiting.join(', ')}`;
    return (isWhole ? info : warn)(`reloaded: ${what}${rest}`, { changed, waiting });
  },
  'reload-refused': ({ why }: { why: string }) =>
    error(`reload refused, nothing has changed: ${why}`, { why }),
  /** `why` is one clause. */
  'admin-unavailable': ({ path, why }: { path: string; why: string }) =>
    info(`no admin socket, so that commands such as drain cannot reach this process: ${why}`, {
      path,
    }),
};
