/**
 * Pausing: an operator has nobody get a member, takes that back, and accepts a cluster in place of the known one.
 *
 *   pause ──► saved pause ──► pause (data path)
 *   resume ──► polls all members ──► another cluster? refused, or accepted ──► pause (data path)
 *
 * Owns which of that is refused, and the warnings.
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { Cluster } from '../etcd/cluster.ts';
import type { KnownCluster, WentBack } from '../etcd/known-cluster.ts';
import type { StatusPoller } from '../etcd/status-poller.ts';
import type { Member } from '../members/member.ts';
import type { SavedPause } from '../members/saved-pause.ts';
import type { Event } from '../observe/events/event.ts';
import { missedByWatches } from '../observe/events/sentences/pause.ts';
import type { DataPath } from '../proxy/data-path.ts';
import type { AskedPause } from '../proxy/pause.ts';
import { OperationRefused } from './refused.ts';

export interface PausingOptions {
  readonly settings: LiveSettings<Pick<Settings, 'drainTimeout' | 'stateDir'>>;
  readonly members: () => readonly Member[];
  readonly dataPath: Pick<DataPath, 'pause' | 'sessions' | 'waiting'>;
  readonly savedPause: SavedPause;
  readonly cluster: Cluster;
  readonly knownCluster: KnownCluster;
  readonly poller: Pick<StatusPoller, 'pollAll'>;
  readonly record: (event: Event) => void;
}

/** The result of a pause. */
export interface Paused {
  readonly refuse: boolean;
  /** How many have to leave. */
  readonly sessions: number;
  /** How long they may take, ms. */
  readonly timeout: number;
  readonly warnings: readonly string[];
}

/** The result of a resume. */
export interface Resumed {
  /** Clients that waited, and get members now. */
  readonly waiting: number;
  /** The id of the cluster that was accepted; absent if it is the known one. */
  readonly accepted?: string;
  readonly warnings: readonly string[];
}

export class Pausing {
  readonly #options: PausingOptions;

  constructor(options: PausingOptions) {
    this.#options = options;
  }

  /**
   * Nobody gets a member from now on, and the sessions leave within the drain timeout. New clients wait, or are reset
   * if `refuse`. A second call changes which of the two.
   */
  async pause(refuse: boolean): Promise<Paused> {
    const { settings, dataPath, savedPause, knownCluster } = this.#options;
    const { drainTimeout: timeout } = settings.current;
    const { count: sessions } = dataPath.sessions;
    const since = dataPath.pause.asked?.since ?? new Date().toISOString();
    // Saved first: a confirmed pause must survive whatever happens next.
    const unkept = await savedPause.set({ refuse, since });
    await knownCluster.save();
    this.#begin({ refuse, since }, unkept);
    const warnings =
      unkept === undefined ? [] : [`A restart of etcd-lb forgets the pause, since ${unkept}.`];
    return { refuse, sessions, timeout, warnings };
  }

  /**
   * Clients get members again. Throws `OperationRefused` where it is not paused, and where another cluster has taken the
   * place of the known one without being accepted.
   *
   * @param accept the id of the cluster to accept; true for whichever has taken the place of the known one.
   */
  async resume(accept: string | boolean): Promise<Resumed> {
    const { dataPath, savedPause, cluster, knownCluster, poller, settings } = this.#options;
    if (dataPath.pause.mode === 'open' && accept === false) {
      throw conflict('etcd-lb is not paused: clients get members.');
    }
    await poller.pollAll(); // what is known may be of before the restore
    const accepted = this.#accept(accept);
    const { replaced } = cluster;
    if (replaced !== undefined) {
      throw conflict(
        `The cluster is another one: ${replaced.id} in place of ${replaced.was}. If that is meant, as after a restore: etcd-lb resume --accept-cluster ${replaced.id}.`,
      );
    }
    const wentBack = accepted?.wentBack ?? knownCluster.wentBack;
    knownCluster.forgive();
    const { waiting } = dataPath;
    const unkept = await savedPause.set(undefined);
    this.#end();
    const isForgetful = unkept !== undefined && settings.current.stateDir !== undefined;
    return {
      waiting,
      ...(accepted && { accepted: accepted.id }),
      warnings: [
        ...(wentBack === undefined ? [] : [`The ${missedByWatches(wentBack)}.`]),
        ...(isForgetful ? [`A restart will pause again, since ${unkept}.`] : []),
      ],
    };
  }

  /** Applies what another process with the same state directory was asked for. */
  follow(asked: AskedPause | undefined): void {
    if (asked === undefined) this.#end();
    else this.#begin(asked);
  }

  #begin(asked: AskedPause, unkept?: string): void {
    const { dataPath, settings, record } = this.#options;
    const { drainTimeout: timeout } = settings.current;
    const { refuse } = asked;
    const isNew = dataPath.pause.asked?.refuse !== refuse;
    if (isNew) {
      record({ kind: 'paused', refuse, sessions: dataPath.sessions.count, timeout, unkept });
    }
    dataPath.pause.begin(asked, timeout);
  }

  #end(): void {
    const { dataPath, record } = this.#options;
    const { asked } = dataPath.pause;
    if (asked === undefined) return;
    record({ kind: 'resumed', waiting: dataPath.waiting, since: asked.since });
    dataPath.pause.end();
  }

  /** Accepts a cluster if that was asked for, and it is not the known one. */
  #accept(accept: string | boolean): { id: string; wentBack: WentBack | undefined } | undefined {
    const { cluster, knownCluster, members } = this.#options;
    if (accept === false) return undefined;
    const answering = members().flatMap(({ status, statusError }) =>
      status !== undefined && statusError === undefined ? [status.clusterId] : [],
    );
    const wanted = accept === true ? cluster.replaced?.id : accept.toLowerCase().replace(/^0x/, '');
    if (answering.length === 0) {
      throw conflict(
        'No member answers, so that it is not known which cluster they are of: start them first.',
      );
    }
    if (wanted !== undefined && !answering.includes(wanted)) {
      const ids = [...new Set(answering)].join(' and ');
      throw conflict(`No member that answers is of cluster ${wanted}: they are of ${ids}.`);
    }
    if (wanted === knownCluster.id) return undefined;
    return cluster.accept(wanted);
  }
}

/** The operation must not be done in the current state. */
function conflict(message: string): OperationRefused {
  return new OperationRefused('conflict', message);
}
