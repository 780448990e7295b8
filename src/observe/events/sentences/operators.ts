/** How it is told what operators ask for: drains, rebalancing, reloads, and the socket on which they ask. */
import { count } from '../../../lib/text/count.ts';
import type { FoundDrains } from '../../../members/drains.ts';
import { error, info, warn } from './sentence.ts';

interface MemberDrained {
  member: string;
  sessions: number;
  /** For them to leave, ms. */
  timeout: number;
  /** Why a restart forgets it, as one clause. */
  unkept: string | undefined;
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

export const operatorEvents = {
  /** "m1 is drained by an operator: no new connections, 12 sessions may leave within 10000 ms" */
  'member-drained': ({ member, sessions, timeout, unkept }: MemberDrained) => {
    const leave =
      sessions === 0
        ? 'none is open there'
        : `${count(sessions, 'session')} may leave within ${timeout} ms`;
    const memory = unkept === undefined ? '' : `; a restart forgets it, since ${unkept}`;
    return info(`${member} is drained by an operator: no new connections, ${leave}${memory}`, {
      ...{ member, sessions, timeout, kept: unkept === undefined },
    });
  },
  /** "m1 has no session left of 12: 2 were closed when the time was over" */
  'drain-ended': (ended: { member: string; sessions: number; cut: number }) => {
    const { member, sessions, cut } = ended;
    const how =
      cut === 0 ? 'all have left by themselves' : `${cut} were closed when the time was over`;
    const rest = sessions === 0 ? '' : ` left of ${sessions}: ${how}`;
    return (cut === 0 ? info : warn)(`${member} has no session${rest}`, { member, sessions, cut });
  },
  'member-undrained': ({ member }: { member: string }) =>
    info(`${member} is no longer drained: it gets new connections while it is healthy`, { member }),
  /** At the start: `files` of an earlier run, one of them `file`. */
  'drains-unusable': ({ file, why, files }: { file: string; why: string; files: number }) => {
    const others = files > 1 ? ` and ${files - 1} more` : '';
    return error(
      `${file}${others} cannot be used (${why}): the members that it names are not drained; drain those again that must be, and remove it`,
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
    return info(`an operator asks for balance: up to ${from.join(', ')} are to be moved`, {
      from: Object.keys(excess),
    });
  },
  'session-closed': ({ session, member }: { session: number; member: string }) =>
    info(`session ${session} on ${member} was closed by an operator`, { session, member }),
  'log-level-changed': ({ from, to }: { from: string; to: string }) =>
    info(`the log level is ${to} from now on, until a reload or a restart (before: ${from})`, {
      ...{ from, to },
    }),
  reloaded: ({ changed, waiting }: { changed: readonly string[]; waiting: readonly string[] }) => {
    const what = changed.length === 0 ? 'nothing has changed' : `changed: ${changed.join(', ')}`;
    const isWhole = waiting.length === 0;
    const rest = isWhole ? '' : `; ${waiting.join(', ')} would change only with a restart`;
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
