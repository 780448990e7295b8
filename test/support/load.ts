/**
 * Clients that write and read without pause, each on a connection of its own, and remember what
 * failed. A failed request is not repeated: the next one is a new one.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Etcd3, IOptions } from 'etcd3';
import type { ClientCredentials } from './certificates.ts';
import { etcd3, withoutRetries } from './clients.ts';

/** A request that takes longer than this counts as failed, ms. */
const patience = 10_000;

const callOptions: Partial<IOptions> = {
  faultHandling: withoutRetries,
  defaultCallOptions: () => ({ deadline: Date.now() + patience }),
};

export class Load implements AsyncDisposable {
  /** What failed, in etcd3's words. */
  readonly errors: string[] = [];
  #succeeded = 0;
  readonly #stopping = new AbortController();
  readonly #served = new EventEmitter<{ served: [client: number, startedAt: number] }>();
  readonly #clients: Promise<void>[];

  /** @param pace between two requests of a client, ms. */
  constructor(host: string, clients: number, pace: number, certificates?: ClientCredentials) {
    this.#served.setMaxListeners(0);
    this.#clients = Array.from({ length: clients }, (_, index) =>
      this.#run(etcd3(host, certificates, callOptions), index, pace),
    );
  }

  get failures(): number {
    return this.errors.length;
  }

  get successes(): number {
    return this.#succeeded;
  }

  /** Resolves when every client has had a request served that it made after this call. */
  async everyoneServed(): Promise<void> {
    const asked = performance.now();
    const waiting = new Set(this.#clients.keys());
    await new Promise<void>((resolve) => {
      const onServed = (client: number, startedAt: number): void => {
        if (startedAt < asked) return;
        waiting.delete(client);
        if (waiting.size > 0) return;
        this.#served.off('served', onServed);
        resolve();
      };
      this.#served.on('served', onServed);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#clients);
  }

  async #run(client: Etcd3, index: number, pace: number): Promise<void> {
    const { signal } = this.#stopping;
    const key = `load/${index}`;
    for (let round = 0; !signal.aborted; round += 1) {
      const startedAt = performance.now();
      try {
        await (round % 2 === 0 ? client.put(key).value(round) : client.get(key));
        this.#succeeded += 1;
        this.#served.emit('served', index, startedAt);
      } catch (error) {
        this.errors.push(error instanceof Error ? error.message : String(error));
      }
      await delay(pace, undefined, { signal }).catch(() => {});
    }
    client.close();
  }
}
