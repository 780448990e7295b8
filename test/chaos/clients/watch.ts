/**
 * A watch over as many connections as it needs. On the stream itself, not on the library's Watcher:
 * that goes on behind the store's revision in a header, and so loses what was written by then and
 * not sent yet when a connection ends, and it takes late words of a stream that is over for those of
 * the next.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Etcd3, IWatchResponse } from 'etcd3';
import { type Company, pauseAfterFailure } from './company.ts';
import { etcd3Client } from './place.ts';
import { now, type WatchEvent, type WatchRecord } from './record.ts';

type Stream = Awaited<ReturnType<Etcd3['watchClient']['watch']>>;

export class Watch {
  readonly #company: Company;
  readonly #name: string;
  readonly #client: Etcd3;
  readonly #events: WatchEvent[] = [];
  readonly #resumed: number[] = [];
  #from = 0;
  #lost: string | undefined;
  #stream: Stream | undefined;
  #isStopped = false;

  constructor(company: Company, name: string) {
    this.#company = company;
    this.#name = name;
    this.#client = etcd3Client(company.plan.place);
  }

  get record(): WatchRecord {
    return {
      ...{ kind: 'watch', watcher: this.#name, prefix: this.#company.registers, from: this.#from },
      ...{ events: this.#events, resumed: this.#resumed },
      ...(this.#lost !== undefined && { lost: this.#lost }),
    };
  }

  /** The revision of its last event; Infinity when none will come any more. */
  get seenUpTo(): number {
    return this.#lost === undefined
      ? (this.#events.at(-1)?.revision ?? 0)
      : Number.POSITIVE_INFINITY;
  }

  /** Watches until it is stopped or lost. */
  async run(): Promise<void> {
    while (!this.#isStopped && this.#lost === undefined) {
      await this.#watchOnce().catch(() => {});
      if (!this.#isStopped) await delay(pauseAfterFailure);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#stream?.cancel();
    this.#client.close();
  }

  /** Resolves when the stream has ended. */
  async #watchOnce(): Promise<void> {
    const stream = await this.#client.watchClient.watch();
    this.#stream = stream;
    const prefix = Buffer.from(this.#company.registers);
    const end = Buffer.from(prefix);
    end.writeUInt8((end.at(-1) ?? 0) + 1, end.length - 1);
    const next = (this.#events.at(-1)?.revision ?? this.#from - 1) + 1;
    const ended = Promise.withResolvers<void>();
    // Nobody answers where a connection hangs before it says anything.
    const impatience = setTimeout(() => stream.cancel(), this.#company.plan.deadline);
    let isOver = false;
    const finish = (): void => {
      isOver = true;
      ended.resolve();
    };
    stream.on('error', finish);
    stream.on('end', finish);
    stream.on('data', (response) => {
      if (isOver) return;
      if (response.created) clearTimeout(impatience);
      if (this.#take(response)) return;
      finish();
      stream.cancel();
    });
    const request = { key: prefix, range_end: end, start_revision: String(Math.max(0, next)) };
    stream.write({ create_request: request });
    await ended.promise.finally(() => clearTimeout(impatience));
  }

  /** Does the watch go on after this? */
  #take({ created, canceled, compact_revision, header, events }: IWatchResponse): boolean {
    if (compact_revision !== '0') {
      this.#lost = `compacted up to ${compact_revision}`;
      this.#company.history.dismiss(this.#name);
      return false;
    }
    if (canceled) return false;
    if (created) {
      if (this.#from === 0) this.#from = Number(header.revision) + 1;
      else this.#resumed.push(now());
    }
    const at = now();
    for (const { type, kv } of events) {
      this.#events.push({
        revision: Number(kv.mod_revision),
        type: type === 'Delete' ? 'delete' : 'put',
        ...{ key: kv.key.toString(), value: kv.value.toString(), at },
      });
    }
    if (created || events.length > 0) this.#company.history.succeeded(this.#name);
    return true;
  }
}
