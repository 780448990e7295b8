/**
 * One etcd3 client that gets and puts in turn on a fixed schedule, whatever became of its earlier
 * requests: an open loop, so that a hung member shows as every request that should have been sent.
 */
import type { Etcd3 } from 'etcd3';
import { impatientClient } from './client.ts';
import { type LoadPlan, now, type Sample } from './plan.ts';

export class Requester {
  /** The key it writes; the values are 0, 1, 2, … */
  readonly key: string;
  readonly confirmed: number[] = [];
  readonly #client: Etcd3;
  readonly #name: string;
  readonly #every: number;
  readonly #samples: Sample[];
  readonly #open = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #value = 0;

  constructor(plan: LoadPlan, index: number, samples: Sample[]) {
    this.key = `${plan.keys}/${index}`;
    this.#name = `node ${index}`;
    this.#every = plan.every;
    this.#samples = samples;
    this.#client = impatientClient(plan, plan.patience);
  }

  /** The value that its next put will have. */
  get next(): number {
    return this.#value;
  }

  /** One put that must succeed: the connection is there. Tries for 10 s. */
  async warmUp(): Promise<void> {
    for (const deadline = now() + 10_000; ; ) {
      try {
        await this.#client.put(`${this.key}/first`).value('');
        return;
      } catch (error) {
        if (now() > deadline) throw error;
      }
    }
  }

  /** Sends from now on, the first after `offset` ms. */
  start(offset: number): void {
    const begun = now() + offset;
    const tick = (): void => {
      // All that are due, also when this process was held up itself.
      while (begun + this.#sent * this.#every <= now()) {
        this.#send(this.#sent % 2 === 0 ? 'put' : 'get');
        this.#sent += 1;
      }
      this.#timer = setTimeout(tick, Math.max(0, begun + this.#sent * this.#every - now()));
    };
    this.#timer = setTimeout(tick, offset);
  }

  /** Sends no more and waits for what is open. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#open);
  }

  close(): void {
    this.#client.close();
  }

  #send(kind: 'get' | 'put'): void {
    const request: Promise<void> = this.#request(kind).finally(() => this.#open.delete(request));
    this.#open.add(request);
  }

  async #request(kind: 'get' | 'put'): Promise<void> {
    const startedAt = now();
    const sample = { client: this.#name, kind, startedAt };
    const value = this.#value;
    if (kind === 'put') this.#value += 1;
    try {
      if (kind === 'put') {
        await this.#client.put(this.key).value(value);
        this.confirmed.push(value);
      } else {
        await this.#client.get(this.key);
      }
      this.#samples.push({ ...sample, endedAt: now() });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#samples.push({ ...sample, endedAt: now(), error: text });
    }
  }
}
