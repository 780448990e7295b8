/**
 * Scheduled snapshots: one every `--snapshot-every`, by one of the balancers of the cluster, into `--snapshot-dir`.
 *
 *   due ──► turn (a key in etcd) ──► child process saves ──► older ones removed ──► next
 *             └── another balancer has it: skipped
 *
 * Owns one timer, and what is known of the last one. When it is due and what the key means is turns.ts.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LiveSettings } from '../../config/live-settings.ts';
import type { EtcdClient } from '../../etcd/etcd-client.ts';
import { serves } from '../../health/routing.ts';
import { inWords } from '../../lib/system-error.ts';
import type { Member } from '../../members/member.ts';
import type { Event } from '../../observe/events/event.ts';
import { nameOf, newestOf, prune } from '../../snapshot/schedule/folder.ts';
import type { SnapshotView } from '../../snapshot/schedule/scheduled.ts';
import {
  decodeTurn,
  encodeTurn,
  nextDue,
  retryAfter,
  type Turn,
  takenTtl,
  takingTtl,
  turnKey,
} from '../../snapshot/schedule/turns.ts';
import { saveInChild } from './child.ts';
import { saveArguments } from './save-arguments.ts';

export interface ScheduledSnapshotsOptions {
  readonly settings: LiveSettings;
  readonly members: () => readonly Member[];
  readonly clientOf: (member: Member) => EtcdClient;
  readonly record: (event: Event) => void;
}

/** Before it is tried again after another balancer was found at it, ms; at most a tenth of the period. */
const busyRetry = 30_000;
/** After the start members are not all checked yet, ms: nobody can be asked whose turn it is. */
const settling = 30_000;
/** Between two attempts meanwhile, ms. */
const settlingRetry = 1_000;

export class ScheduledSnapshots {
  readonly #options: ScheduledSnapshotsOptions;
  readonly #startedAt = performance.now();
  #changed = new AbortController();
  #nextAt: number | undefined;
  #last: SnapshotView['last'];
  #newestAt: number | undefined;
  #failure: string | undefined;

  constructor(options: ScheduledSnapshotsOptions) {
    this.#options = options;
    options.settings.onChange((next, before) => {
      const isOther =
        next.snapshotDir !== before.snapshotDir || next.snapshotEvery !== before.snapshotEvery;
      if (isOther) this.#changed.abort();
    });
  }

  /** `undefined` where there is no schedule. */
  get view(): SnapshotView | undefined {
    const { snapshotDir: dir, snapshotEvery: every } = this.#options.settings.current;
    if (dir === undefined) return undefined;
    const [nextAt, last, newestAt] = [this.#nextAt, this.#last, this.#newestAt];
    return { dir, every, nextAt, last, newestAt, failure: this.#failure };
  }

  /** Goes by the schedule until `signal` aborts. Never rejects. Call it once. */
  async start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#changed = new AbortController();
      const restarted = AbortSignal.any([signal, this.#changed.signal]);
      await this.#follow(restarted).catch(() => {});
    }
  }

  /** Rejects when the signal aborts. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { snapshotDir: dir } = this.#options.settings.current;
    if (dir === undefined) return delay(2 ** 31 - 1, undefined, { signal, ref: false });
    let last = await this.#newestIn(dir);
    for (;;) {
      const { snapshotEvery: every } = this.#options.settings.current;
      const now = Date.now();
      const due =
        this.#failure === undefined
          ? nextDue(last, every, Math.random(), now)
          : now + retryAfter(every);
      await this.#wait(due, signal);
      last = (await this.#attempt(dir, every, signal)) ?? last;
    }
  }

  async #wait(due: number, signal: AbortSignal): Promise<void> {
    this.#nextAt = due;
    await delay(Math.max(0, due - Date.now()), undefined, { signal, ref: false });
    this.#nextAt = undefined;
  }

  /** Resolves with when the newest snapshot of the cluster was begun, if that is known now. */
  async #attempt(dir: string, every: number, signal: AbortSignal): Promise<number | undefined> {
    const at = Date.now();
    const turn: Turn = { state: 'taking', by: this.#options.settings.current.name, at };
    const claimed = await this.#claim(turn);
    if (claimed.kind === 'failed' && performance.now() - this.#startedAt < settling) {
      await this.#wait(at + settlingRetry, signal);
      return undefined;
    }
    if (claimed.kind === 'other') {
      if (claimed.turn?.state !== 'taken') {
        await this.#wait(at + Math.min(busyRetry, every / 10), signal);
        return undefined;
      }
      this.#failure = undefined;
      this.#options.record({ kind: 'snapshot-skipped', by: claimed.turn.by });
      return claimed.turn.at;
    }
    try {
      await this.#take(dir, at, claimed.kind === 'failed' ? claimed.why : undefined, turn, signal);
      await this.#put({ ...turn, state: 'taken' }, takenTtl(every));
      return at;
    } catch (error) {
      await this.#withClient((client) => client.remove(turnKey)).catch(() => {});
      signal.throwIfAborted();
      this.#failure = inWords(error);
      this.#options.record({ kind: 'snapshot-failed', why: this.#failure });
      return undefined;
    }
  }

  async #take(
    dir: string,
    at: number,
    unclaimed: string | undefined,
    turn: Turn,
    signal: AbortSignal,
  ) {
    const { settings, members, record } = this.#options;
    await mkdir(dir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw new Error(`${dir} cannot be made: ${inWords(error)}`);
    });
    const renewal = setInterval(() => void this.#put(turn, takingTtl), (takingTtl * 1_000) / 2);
    try {
      const args = saveArguments(join(dir, nameOf(at)), members(), settings.current);
      const saved = await saveInChild(args, signal);
      this.#last = { ...saved, at };
      this.#newestAt = at;
      this.#failure = undefined;
      record({ kind: 'snapshot-saved', ...saved, unclaimed });
    } finally {
      clearInterval(renewal);
    }
    await prune(dir, settings.current.snapshotKeep);
  }

  /** `failed`: etcd cannot be asked; a snapshot too many is better than none. */
  async #claim(
    turn: Turn,
  ): Promise<
    | { readonly kind: 'ours' }
    | { readonly kind: 'other'; readonly turn: Turn | undefined }
    | { readonly kind: 'failed'; readonly why: string }
  > {
    try {
      const other = await this.#withClient((client) =>
        client.claim(turnKey, encodeTurn(turn), takingTtl),
      );
      return other === undefined ? { kind: 'ours' } : { kind: 'other', turn: decodeTurn(other) };
    } catch (error) {
      return { kind: 'failed', why: (error as Error).message };
    }
  }

  /** A turn that cannot be kept lets another balancer take one, too. Never rejects. */
  async #put(turn: Turn, ttl: number): Promise<void> {
    await this.#withClient((client) => client.put(turnKey, encodeTurn(turn), ttl)).catch(() => {});
  }

  /** Asks the first member that serves. */
  async #withClient<T>(ask: (client: EtcdClient) => Promise<T>): Promise<T> {
    const { members, clientOf } = this.#options;
    const member = members().find(serves);
    if (member === undefined) throw new Error('no member is healthy');
    const client = clientOf(member);
    try {
      return await ask(client);
    } finally {
      client.close();
    }
  }

  async #newestIn(dir: string): Promise<number | undefined> {
    this.#newestAt = newestOf(await readdir(dir).catch(() => []));
    return this.#newestAt;
  }
}
