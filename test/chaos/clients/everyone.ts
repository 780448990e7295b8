/** All clients of one plan: started together, stopped together, with one history. */
import { setTimeout as delay } from 'node:timers/promises';
import { call, get } from './calls.ts';
import { Company } from './company.ts';
import { runEtcdctlPuts } from './etcdctl.ts';
import { EtcdctlLease } from './etcdctl-lease.ts';
import { EtcdctlWatch } from './etcdctl-watch.ts';
import { GoLibrary } from './go-library.ts';
import { History, type Progress } from './history.ts';
import { runLargeReader, runSlowReader, writeLargeRange } from './large.ts';
import { Lease } from './lease.ts';
import { etcd3Client } from './place.ts';
import type { ClientPlan } from './plan.ts';
import { type ClientRecord, now } from './record.ts';
import { runRegister, runShortLived } from './registers.ts';
import { type Owner, Sockets } from './sockets.ts';
import { Watch } from './watch.ts';

/** How long the other ends may take to close their sides of our sockets, ms. */
const farewell = 1_000;

interface LongCall {
  readonly record: ClientRecord | undefined;
  run(): Promise<void>;
  stop(): void | Promise<void>;
}

export class Everyone {
  readonly #history = new History(() => this.#sockets.said);
  readonly #sockets = new Sockets((record) => this.#history.add(record));
  readonly #plan: ClientPlan;
  readonly #company: Company;
  readonly #longCalls: { readonly call: LongCall; readonly owner: Owner }[] = [];
  readonly #watches: (Watch | EtcdctlWatch | GoLibrary)[] = [];
  #goLibrary: GoLibrary | undefined;
  /** Resolve some time after all were told to stop; those of `#longCalls`, after they were stopped. */
  readonly #callers: Promise<void>[] = [];
  readonly #longCallers: Promise<void>[] = [];

  constructor(plan: ClientPlan) {
    this.#plan = plan;
    this.#company = new Company(plan, this.#history, this.#sockets);
  }

  get progress(): Progress {
    return this.#history.progress;
  }

  crashed(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#history.add({ kind: 'crash', at: now(), error: text });
  }

  /** Resolves when every watch stands, every lease is granted and every client was answered once. */
  async start(): Promise<void> {
    const { etcdctl, goClient } = this.#plan;
    const range = this.#plan.largeReaders > 0 ? await writeLargeRange(this.#company) : undefined;
    this.#startLongCalls();
    if (etcdctl !== undefined) this.#startEtcdctl(etcdctl);
    if (goClient !== undefined) {
      this.#goLibrary = this.#watching(new GoLibrary(this.#company, goClient));
    }
    this.#startRegisters();
    times(this.#plan.idle, (index) => this.#callers.push(this.#runIdle(`idle ${index}`)));
    if (range !== undefined) {
      times(this.#plan.largeReaders, (index) =>
        this.#callers.push(runLargeReader(this.#company, `large reader ${index}`, range)),
      );
      times(this.#plan.largeReaders, (index) =>
        this.#callers.push(runSlowReader(this.#company, `slow reader ${index}`, range)),
      );
    }
    await this.#history.everybody();
  }

  /** Resolves with all records when nothing is in flight and nothing is open any more. */
  async stop(): Promise<readonly ClientRecord[]> {
    this.#company.stop();
    // One that has thrown is told of as a crash.
    await Promise.allSettled([...this.#callers, this.#goLibrary?.quiet()]);
    await this.#watchersCaughtUp();
    for (const { owner } of this.#longCalls) owner.leaves = true;
    await Promise.all([...this.#longCalls.map(({ call }) => call.stop()), this.#goLibrary?.stop()]);
    await Promise.allSettled(this.#longCallers);
    await this.#sockets.allClosed(farewell);
    this.#sockets[Symbol.dispose]();
    const records = this.#longCalls.map(({ call }) => call.record);
    return [
      ...this.#history.records,
      ...records.filter((record) => record !== undefined),
      ...(this.#goLibrary?.records ?? []),
      ...this.#sockets.open,
    ];
  }

  #startLongCalls(): void {
    times(this.#plan.watches, (index) => {
      this.#startLong(`watch ${index}`, (name) => this.#watching(new Watch(this.#company, name)));
    });
    times(this.#plan.leases, (index) => {
      this.#startLong(`lease ${index}`, (name) => new Lease(this.#company, name));
    });
  }

  #startEtcdctl(etcdctl: string): void {
    const company = this.#company;
    this.#startLong('etcdctl watch', (name) =>
      this.#watching(new EtcdctlWatch(company, etcdctl, name)),
    );
    this.#startLong('etcdctl lease', (name) => new EtcdctlLease(company, etcdctl, name));
    this.#callers.push(
      company.as('etcdctl put', () =>
        runEtcdctlPuts(company, etcdctl, 'etcdctl put', this.#plan.registers),
      ),
    );
  }

  #startRegisters(): void {
    const { registers, clientsPerRegister, shortLived } = this.#plan;
    times(registers * clientsPerRegister, (index) => {
      const register = index % registers;
      this.#callers.push(runRegister(this.#company, `register ${index}`, register));
    });
    // Registers of their own, two clients each.
    times(shortLived, (index) => {
      const register = registers + Math.floor(index / 2);
      this.#callers.push(runShortLived(this.#company, `short ${index}`, register));
    });
  }

  #watching<T extends Watch | EtcdctlWatch | GoLibrary>(watch: T): T {
    this.#watches.push(watch);
    return watch;
  }

  /** Made and run in the context of its owner, whose sockets are to be. */
  #startLong(name: string, make: (name: string) => LongCall): void {
    const running = this.#company.as(name, async (owner) => {
      const call = make(name);
      this.#longCalls.push({ call, owner });
      await call.run();
    });
    this.#longCallers.push(running);
  }

  /** Asks once at the beginning and once at the end; nobody waits for its success in between. */
  async #runIdle(name: string): Promise<void> {
    const { history, registers } = this.#company;
    const key = `${registers}0`;
    await this.#company.as(name, async (owner) => {
      const client = etcd3Client(this.#plan.place);
      const question = { client: name, op: 'get', key, shortLived: false } as const;
      const ask = () =>
        call(history, question, this.#plan.deadline, (deadline) => get(client, key, deadline));
      while ((await ask()).error !== undefined && !this.#company.isStopping) {
        await this.#company.pause(100);
      }
      history.dismiss(name);
      await this.#company.pause(2 ** 31 - 1);
      const { error } = await ask();
      owner.leaves = error === undefined;
      client.close();
    });
  }

  /** Or not within the deadline of a call. */
  async #watchersCaughtUp(): Promise<void> {
    const last = this.#history.writtenUpTo(this.#company.registers);
    const deadline = now() + this.#plan.deadline;
    while (now() < deadline && this.#watches.some(({ seenUpTo }) => seenUpTo < last)) {
      await delay(20);
    }
  }
}

function times(count: number, work: (index: number) => void): void {
  for (let index = 0; index < count; index += 1) work(index);
}
