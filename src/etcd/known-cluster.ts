/**
 * The known cluster: the one that has served clients so far, and how far its revision had come.
 *
 *   status of the members ──► learned at first, then its revision ──► cluster.json in the state directory
 *   another one in its place ──► accepted by an operator ──┘
 *
 * A cluster that is restored from a snapshot gets a new id, made of its members' peer URLs and its token, so that none of
 * its members takes an old one for its own (etcd's disaster recovery guide). It may also go back to an older revision:
 * then a client that watches from a revision that it has seen misses what is written up to there.
 *
 * Owns the file, and when the known cluster changes. cluster-view.ts says which cluster the members are.
 */
import { join } from 'node:path';
import * as z from 'zod/mini';
import { Condition } from '../lib/condition.ts';
import { loadState, makeDirectory, saveState } from '../lib/files/state-file.ts';
import type { MemberStatus } from './status/member-status.ts';

const shape = z.strictObject({
  id: z.string().check(z.minLength(1), z.maxLength(16)),
  revision: z.int().check(z.nonnegative()),
});

/** The id in hexadecimal, and the highest revision that was seen. */
export type Known = z.infer<typeof shape>;

/** How far a cluster went back: clients have seen `seen`, and it is at `revision`. */
export interface WentBack {
  readonly revision: number;
  readonly seen: number;
}

/** What the members are at a moment. */
export interface Seen {
  /** See `ClusterView`. */
  readonly id: string | undefined;
  /** What those of it say that answered the last poll. */
  readonly ours: readonly MemberStatus[];
  /** How many members there are, of whatever cluster. */
  readonly size: number;
  /** Is one of them healthy? */
  readonly isServing: boolean;
  /** The status of the leader, if it is healthy. */
  readonly leading: MemberStatus | undefined;
  /** When the check began that the leader has passed before this status, ms since the epoch; undefined: none. */
  readonly passedFrom: number | undefined;
}

/** Changes, as events. `why` is one clause. */
export type KnownClusterChange = Readonly<
  | { kind: 'cluster-accepted'; cluster: string; was: string; wentBack: WentBack | undefined }
  | ({ kind: 'revision-went-back'; cluster: string } & WentBack)
  | { kind: 'known-cluster-failing'; file: string; why: string }
  | { kind: 'known-cluster-back'; file: string }
>;

/** A higher revision is saved at most this often, ms. */
const saveInterval = 60_000;

export class KnownCluster {
  readonly #file: string | undefined;
  readonly #tell: (change: KnownClusterChange) => void;
  readonly #failing: Condition<KnownClusterChange>;
  #known: Known | undefined;
  /** When its highest revision was seen, ms since the epoch. */
  #seenAt = 0;
  /** Statuses of before count for nothing: the cluster was another one, or at another revision. */
  #since = 0;
  #savedAt = 0;
  #saving: Promise<void> = Promise.resolve();
  #wentBack: WentBack | undefined;

  /**
   * Reads what an earlier run has saved. Throws `SettingError` if the directory cannot be made.
   *
   * @param directory the state directory; if undefined, nothing is saved.
   */
  constructor(directory: string | undefined, tell: (change: KnownClusterChange) => void) {
    if (directory !== undefined) makeDirectory(directory);
    this.#file = directory && fileIn(directory);
    this.#tell = tell;
    this.#failing = new Condition(tell);
    if (this.#file === undefined) return;
    const loaded = loadState(this.#file, shape.parse);
    if (loaded.kind === 'content') this.#known = loaded.content;
    if (loaded.kind !== 'unusable') return;
    this.#failing.raise({ kind: 'known-cluster-failing', file: this.#file, why: loaded.why });
  }

  /** Its id; undefined until one is known. */
  get id(): string | undefined {
    return this.#known?.id;
  }

  /** Set since the known cluster was found to have gone back, until `forgive`. */
  get wentBack(): WentBack | undefined {
    return this.#wentBack;
  }

  /** An operator was told that it went back. */
  forgive(): void {
    this.#wentBack = undefined;
  }

  /**
   * Learns from what members say of themselves.
   *
   * @param now ms since the epoch.
   */
  observe({ id, ours, size, isServing, ...leader }: Seen, now: number): void {
    const { leading } = leader;
    if (id === undefined) return;
    const revision = highestRevision(ours.filter(({ at }) => at >= this.#since));
    if (this.#known === undefined) {
      // The first that answers may be the one that does not belong.
      if (ours.length <= size / 2 || !isServing) return;
      this.#set({ id, revision }, now);
      void this.save();
    } else if (this.#known.id !== id) this.#followFile(id);
    else if (leading !== undefined && hasGoneBack(leader, this.#known, this.#seenAt)) {
      const wentBack = { revision: leading.revision, seen: this.#known.revision };
      this.#wentBack = wentBack;
      this.#since = leading.at;
      this.#set({ id, revision: leading.revision }, now);
      this.#tell({ kind: 'revision-went-back', cluster: id, ...wentBack });
      void this.save();
    } else if (revision > this.#known.revision) {
      this.#set({ id, revision }, now);
      if (now - this.#savedAt >= saveInterval) void this.save();
    }
  }

  /** An operator takes the cluster for the known one from now on. Returns how far it went back, if it did. */
  accept(id: string, revision: number, now: number): WentBack | undefined {
    const before = this.#known;
    const wentBack =
      before !== undefined && revision < before.revision
        ? { revision, seen: before.revision }
        : undefined;
    this.#since = now;
    this.#set({ id, revision }, now);
    this.#tell({ kind: 'cluster-accepted', cluster: id, was: before?.id ?? '', wentBack });
    void this.save();
    return wentBack;
  }

  /** Saves it, one save at a time. Never rejects: a failure is told once. */
  save(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return Promise.resolve();
    this.#savedAt = Date.now();
    this.#saving = this.#saving.then(async () => {
      try {
        if (this.#known !== undefined) await saveState(file, this.#known);
        this.#failing.clear({ kind: 'known-cluster-back', file });
      } catch (error) {
        const why = (error as Error).message;
        this.#failing.raise({ kind: 'known-cluster-failing', file, why });
      }
    });
    return this.#saving;
  }

  /** Another process with the same state directory may have been told to accept this cluster. */
  #followFile(id: string): void {
    const saved = this.#file === undefined ? undefined : savedIn(this.#file);
    if (saved?.id === id) this.accept(id, saved.revision, Date.now());
  }

  #set(known: Known, now: number): void {
    this.#known = known;
    this.#seenAt = now;
  }
}

/** The cluster that a balancer with this state directory has served; undefined if none is saved there. */
export function savedCluster(directory: string): Known | undefined {
  return savedIn(fileIn(directory));
}

/** The highest revision of some members; 0 without any. */
export function highestRevision(all: readonly MemberStatus[]): number {
  return Math.max(0, ...all.map(({ revision }) => revision));
}

/**
 * Is the leader behind what was seen of its own cluster? It has passed a check since, which is a linearizable read, so that
 * it is no leader of before that others have left; and it has applied all that is committed. A restart or an election
 * takes nothing back. So it was restored, with the members and the token of before.
 *
 * @param seenAt when the known revision was seen, ms since the epoch.
 */
function hasGoneBack(
  { leading, passedFrom }: Pick<Seen, 'leading' | 'passedFrom'>,
  { revision }: Known,
  seenAt: number,
): boolean {
  if (leading === undefined || passedFrom === undefined || passedFrom <= seenAt) return false;
  return leading.revision < revision && leading.appliedIndex >= leading.raftIndex;
}

function fileIn(directory: string): string {
  return join(directory, 'cluster.json');
}

function savedIn(file: string): Known | undefined {
  const loaded = loadState(file, shape.parse);
  return loaded.kind === 'content' ? loaded.content : undefined;
}
