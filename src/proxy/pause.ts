/**
 * The pause: nobody gets a member, so that nobody reads or writes while a cluster is restored.
 *
 *   operator: pause ──────────────┐              ┌─ open:   the client is served
 *                                 ├──► mode ─────┼─ wait:   it waits, unread, until the mode changes
 *   the cluster is another one ───┘      │       └─ refuse: it is reset
 *                                        └──► sessions leave, by the drainer
 *
 * Owns what happens to clients meanwhile. Operators and the cluster decide when (admin/pausing.ts, etcd/cluster.ts).
 */
import type { Drain, Drainer } from './sessions/drainer.ts';
import type { Sessions } from './sessions/sessions.ts';

/** A pause that an operator asked for. */
export interface AskedPause {
  /** Are new clients reset? If not, they wait. */
  readonly refuse: boolean;
  /** ISO 8601. */
  readonly since: string;
}

/** What happens to a client that wants a member. */
export type PauseMode = 'open' | 'wait' | 'refuse';

export class Pause {
  readonly #sessions: Pick<Sessions, 'all'>;
  readonly #drainer: Drainer;
  #asked: AskedPause | undefined;
  #isOtherCluster = false;
  #hasEnded = false;
  /** Of the sessions that leave because an operator asked. */
  #drain: Drain | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(sessions: Pick<Sessions, 'all'>, drainer: Drainer) {
    this.#sessions = sessions;
    this.#drainer = drainer;
  }

  get mode(): PauseMode {
    if (this.#asked === undefined && !this.#isOtherCluster) return 'open';
    return this.#hasEnded || this.#asked?.refuse ? 'refuse' : 'wait';
  }

  /** The pause that an operator asked for; undefined if there is none. */
  get asked(): AskedPause | undefined {
    return this.#asked;
  }

  /** Resolves with whether the client gets a member. Until that is decided, the client waits. */
  async passes(): Promise<boolean> {
    while (this.mode === 'wait') await this.#changed.promise;
    return this.mode === 'open';
  }

  /**
   * Begins a pause, or changes what new clients meet. Sessions leave in an idle gap or after GOAWAY.
   *
   * @param timeout after which the remaining sessions are cut, ms.
   */
  begin(asked: AskedPause, timeout: number): void {
    this.#asked = asked;
    if (this.#drain === undefined) this.#drain = drainWithin(timeout);
    this.#drainer.request(this.#sessions.all(), this.#drain);
    this.#tell();
  }

  /** Ends what `begin` began. Sessions that have not been asked to leave yet stay. */
  end(): void {
    const drain = this.#drain;
    this.#asked = undefined;
    this.#drain = undefined;
    this.#drainer.cancel((each) => each === drain);
    this.#tell();
  }

  /** Is the cluster another one than the known one? Then all sessions are closed, and clients wait. */
  setOtherCluster(isOther: boolean): void {
    if (isOther === this.#isOtherCluster) return;
    this.#isOtherCluster = isOther;
    if (isOther) this.#drainer.request(this.#sessions.all(), atOnce);
    this.#tell();
  }

  /** The process stops: who waits is reset, since nobody will take the pause back here. */
  stop(): void {
    this.#hasEnded = true;
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** What these sessions read and write is not the data that their clients know. */
const atOnce: Drain = {
  ...{ reason: 'paused', graceful: false, atDeadline: 'close', cut: 0 },
  ...{ deadline: Number.POSITIVE_INFINITY, timeout: Number.POSITIVE_INFINITY },
};

function drainWithin(timeout: number): Drain {
  const deadline = performance.now() + timeout;
  return { reason: 'paused', graceful: true, atDeadline: 'close', cut: 0, timeout, deadline };
}
