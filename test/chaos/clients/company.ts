/** What all clients of one process share. */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../schedule/random.ts';
import type { History } from './history.ts';
import type { ClientPlan } from './plan.ts';
import { Owner, type Sockets } from './sockets.ts';

/** How long a client waits after something failed, ms. */
export const pauseAfterFailure = 100;

export class Company {
  readonly plan: ClientPlan;
  readonly history: History;
  readonly sockets: Sockets;
  readonly #stopping = new AbortController();

  constructor(plan: ClientPlan, history: History, sockets: Sockets) {
    this.plan = plan;
    this.history = history;
    this.sockets = sockets;
    setMaxListeners(0, this.#stopping.signal);
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Nobody asks anything new; whoever waits goes on at once. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Waits so many ms, or until all stop. */
  async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  /** All keys of registers begin with this, and no others. */
  get registers(): string {
    return `${this.plan.prefix}register/`;
  }

  random(name: string): Random {
    return Random.named(this.plan.seed, name);
  }

  /** A client that is to succeed again and again; what it opens in `work` is its own. */
  async as(name: string, work: (owner: Owner) => Promise<void>): Promise<void> {
    const owner = new Owner(name);
    this.history.expect(name);
    await this.sockets.run(owner, () => work(owner));
  }
}
