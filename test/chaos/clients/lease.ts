/** A lease with a key, kept alive over as many connections as it needs. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Etcd3 } from 'etcd3';
import { call, put } from './calls.ts';
import { type Company, pauseAfterFailure } from './company.ts';
import { etcd3Client } from './place.ts';
import { type LeaseRecord, now } from './record.ts';

type Stream = Awaited<ReturnType<Etcd3['leaseClient']['leaseKeepAlive']>>;

export class Lease {
  readonly #company: Company;
  readonly #name: string;
  readonly #key: string;
  readonly #client: Etcd3;
  readonly #answered: { asked: number; at: number; ttl: number }[] = [];
  #id = '';
  #ttl = 0;
  #lost: number | undefined;
  #stream: Stream | undefined;
  #isStopped = false;

  constructor(company: Company, name: string) {
    this.#company = company;
    this.#name = name;
    this.#key = `${company.plan.prefix}lease/${name}`;
    this.#client = etcd3Client(company.plan.place);
  }

  /** Undefined as long as none was granted. */
  get record(): LeaseRecord | undefined {
    if (this.#id === '') return undefined;
    return {
      ...{ kind: 'lease', holder: this.#name, key: this.#key, ttl: this.#ttl },
      answered: this.#answered,
      ...(this.#lost !== undefined && { lost: this.#lost }),
    };
  }

  /** Has one granted, puts its key, and keeps it alive until it is stopped or lost. */
  async run(): Promise<void> {
    await this.#grant();
    while (!this.#isStopped && this.#lost === undefined) {
      await this.#keepAlive().catch(() => {});
      if (!this.#isStopped) await delay(pauseAfterFailure);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#stream?.cancel();
    this.#client.close();
  }

  async #grant(): Promise<void> {
    const { plan, history } = this.#company;
    for (let count = 1; !this.#company.isStopping; count += 1) {
      const value = `${this.#name}:${count}`;
      const question = { client: this.#name, op: 'put', key: this.#key, value } as const;
      const granted = await this.#client.leaseClient
        .leaseGrant({ TTL: plan.leaseTtl }, { deadline: Date.now() + plan.deadline })
        .catch(() => undefined);
      if (granted !== undefined) {
        const { error } = await call(
          history,
          { ...question, shortLived: false },
          plan.deadline,
          (deadline) => put(this.#client, this.#key, value, deadline, granted.ID),
        );
        this.#ttl = Number(granted.TTL);
        if (error === undefined) {
          this.#id = granted.ID;
          return;
        }
      }
      await this.#company.pause(pauseAfterFailure);
    }
  }

  /** Asks over one stream, a third of the time to live apart; resolves when the stream has ended. */
  async #keepAlive(): Promise<void> {
    const stream = await this.#client.leaseClient.leaseKeepAlive();
    this.#stream = stream;
    const ended = Promise.withResolvers<void>();
    const asked: number[] = [];
    stream.on('error', (error) => {
      if (/requested lease not found/.test(error.message)) this.#lose();
      ended.resolve();
    });
    stream.on('end', () => ended.resolve());
    stream.on('data', ({ TTL }) => {
      const [at, ttl] = [now(), Number(TTL)];
      const before = asked.shift();
      if (ttl <= 0) {
        this.#lose();
        stream.cancel();
        ended.resolve();
      } else if (before !== undefined) {
        this.#answered.push({ asked: before, at, ttl });
        this.#company.history.succeeded(this.#name);
      }
    });
    const ask = (): void => {
      asked.push(now());
      stream.write({ ID: this.#id });
    };
    ask();
    const asking = setInterval(ask, (this.#ttl * 1_000) / 3);
    const looking = setInterval(() => {
      const { deadline } = this.#company.plan;
      if (asked[0] === undefined || now() - asked[0] < deadline) return;
      stream.cancel();
      ended.resolve();
    }, 100);
    await ended.promise;
    clearInterval(asking);
    clearInterval(looking);
  }

  #lose(): void {
    this.#lost = now();
    this.#company.history.dismiss(this.#name);
  }
}
