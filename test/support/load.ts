/**
 * Clients that write and read without pause, each on a connection of its own, and remember what
 * failed. A failed request is not repeated: the next one is a new one.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Etcd3 } from 'etcd3';
import type { ClientCredentials } from './certificates.ts';
import { etcd3, withoutRetries } from './clients.ts';

/** A request that takes longer than this counts as failed, ms. */
const patience = 10_000;

/** What a client asks in a round. */
export type Request = (client: Etcd3, key: string, round: number) => Promise<unknown>;

const writeAndRead: Request = async (client, key, round) =>
  round % 2 === 0 ? await client.put(key).value(round) : await client.get(key);

/** What etcd allows while the alarm NOSPACE is raised. */
export const deleteAndRead: Request = async (client, key, round) =>
  round % 2 === 0 ? await client.delete().key(key) : await client.get(key);

export interface LoadOptions {
  readonly certificates?: ClientCredentials | undefined;
  /** Writes and reads in turn unless given. */
  readonly request?: Request;
}

export class Load implements AsyncDisposable {
  /** What failed, in etcd3's words. */
  readonly errors: string[] = [];
  #succeeded = 0;
  readonly #stopping = new AbortController();
  readonly #served = new EventEmitter<{ served: [client: number, startedAt: number] }>();
  readonly #clients: Promise<void>[];

  /** @param pace between two requests of a client, ms. */
  constructor(host: string, clients: number, pace: number, options: LoadOptions = {}) {
    this.#served.setMaxListeners(0);
    this.#clients = Array.from({ length: clients }, (_, index) =>
      this.#run(host, index, pace, options),
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

  async #run(
    host: string,
    index: number,
    pace: number,
    { certificates, request = writeAndRead }: LoadOptions,
  ): Promise<void> {
    const client: Etcd3 = etcd3(host, certificates, {
      faultHandling: withoutRetries,
      defaultCallOptions: () => ({ deadline: Date.now() + patience }),
    });
    const { signal } = this.#stopping;
    const key = `load/${index}`;
    for (let round = 0; !signal.aborted; round += 1) {
      const startedAt = performance.now();
      try {
        await request(client, key, round);
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
