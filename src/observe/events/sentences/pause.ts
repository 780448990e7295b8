/** Sentences about a pause, and about a cluster that was restored. */
import { formatDuration } from '../../../config/values/duration.ts';
import type { KnownClusterChange, WentBack } from '../../../etcd/known-cluster.ts';
import { count } from '../../../lib/text/count.ts';
import type { AskedPause } from '../../../proxy/pause.ts';
import { error, info, warn } from './sentence.ts';

interface PauseBegun {
  refuse: boolean;
  sessions: number;
  /** How long they may take to leave, ms. */
  timeout: number;
  /** Why a restart forgets the pause, as one clause. */
  unkept: string | undefined;
}

/** Two cluster ids. */
interface InPlaceOf {
  cluster: string;
  was: string;
}

type Change<Kind> = Omit<Extract<KnownClusterChange, { kind: Kind }>, 'kind'>;

/** "paused by an operator: clients wait" */
export function pausedWords({ refuse }: Pick<AskedPause, 'refuse'>): string {
  return `paused by an operator: clients ${refuse ? 'are refused' : 'wait'}`;
}

/** "the cluster is another one: id X in place of Y" */
export function replacedWords({ id, was }: { readonly id: string; readonly was: string }): string {
  return `the cluster is another one: id ${id} in place of ${was}`;
}

/** One clause that begins with a noun. The flags are those of etcdutl 3.6. */
export function missedByWatches({ revision, seen }: WentBack): string {
  return `revision of the cluster, ${revision}, is below ${seen}, which clients have seen: watches would miss events; restore with --bump-revision and --mark-compacted (etcdutl 3.6), or restart all that watches, such as kube-apiserver`;
}

export const pauseEvents = {
  /** "paused by an operator: clients wait; 12 sessions may leave within 10s" */
  paused: ({ refuse, sessions, unkept, ...begun }: PauseBegun) => {
    const timeout = formatDuration(begun.timeout);
    const leave =
      sessions === 0
        ? 'no session is open'
        : `${count(sessions, 'session')} may leave within ${timeout}`;
    const memory = unkept === undefined ? '' : `; a restart forgets it, since ${unkept}`;
    return warn(`${pausedWords({ refuse })}; ${leave}${memory}`, {
      ...{ refuse, sessions, timeout, kept: unkept === undefined },
    });
  },
  /** At the start. */
  'pause-restored': ({ refuse, since }: AskedPause) =>
    warn(`still ${pausedWords({ refuse })}, since ${since}; etcd-lb resume ends that`, {
      ...{ refuse, since },
    }),
  'pause-unusable': ({ file, why }: { file: string; why: string }) =>
    error(
      `${file} cannot be used (${why}): etcd-lb is not paused, though it may have been before the restart; pause it again as needed, and remove the file`,
      { file, why },
    ),
  resumed: ({ waiting, since }: { waiting: number; since: string }) =>
    info(`resumed by an operator: ${count(waiting, 'client')} that waited get members`, {
      ...{ waiting, since },
    }),
  'cluster-replaced': ({ cluster, was }: InPlaceOf) =>
    error(
      `${replacedWords({ id: cluster, was })}: nobody gets a member, and clients wait; if that is meant, as after a restore: etcd-lb resume --accept-cluster ${cluster}`,
      { cluster, was },
    ),
  'cluster-returned': ({ cluster, was }: InPlaceOf) =>
    info(`the cluster is the known one again: id ${was}, and no longer ${cluster}`, {
      ...{ cluster, was },
    }),
  'cluster-accepted': ({ cluster, was, wentBack }: Change<'cluster-accepted'>) => {
    const fields = { cluster, was, ...wentBack };
    const what = `cluster ${cluster} is accepted in place of ${was}`;
    if (wentBack === undefined) return info(what, fields);
    return warn(`${what}; the ${missedByWatches(wentBack)}`, fields);
  },
  'revision-went-back': ({ cluster, revision, seen }: Change<'revision-went-back'>) =>
    warn(`the ${missedByWatches({ revision, seen })}`, { cluster, revision, seen }),
  'known-cluster-failing': ({ file, why }: Change<'known-cluster-failing'>) =>
    warn(
      `${file} cannot be used (${why}): after a restart it is not noticed that the cluster is another one`,
      { file, why },
    ),
  'known-cluster-back': ({ file }: Change<'known-cluster-back'>) =>
    info(`${file} can be written again`, { file }),
};
