/**
 * The load process: all clients of one run, apart from the harness and the contestant, so that none
 * holds up another. Takes a start and a stop over the channel to its parent, and answers with the
 * record. Ends, with its etcdctl children, when the parent does.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { GoLease, GoPuts, GoWatch } from './go-clients.ts';
import { NodeLease, NodeWatch } from './node-streams.ts';
import {
  type LoadPlan,
  type LoadRecord,
  now,
  type Order,
  type Reply,
  type Sample,
} from './plan.ts';
import { Requester } from './requester.ts';

/** How long watchers may take after the last put to show all that was written, ms. */
const grace = 6_000;

class Everyone {
  readonly #plan: LoadPlan;
  readonly #samples: Sample[] = [];
  readonly #leasesLost: string[] = [];
  readonly #requesters: Requester[];
  readonly #nodeWatches: NodeWatch[];
  readonly #nodeLeases: NodeLease[];
  readonly #goWatches: GoWatch[] = [];
  readonly #goLeases: GoLease[] = [];
  readonly #goPuts: GoPuts | undefined;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    const onLost = (name: string) => this.#lost(name);
    this.#requesters = times(plan.requesters, (index) => new Requester(plan, index, this.#samples));
    this.#nodeWatches = times(
      plan.watchers,
      (index) => new NodeWatch(plan, index, this.#writer(index)),
    );
    this.#nodeLeases = times(plan.leases, (index) => new NodeLease(plan, index, onLost));
    this.#goPuts = plan.go && new GoPuts(plan, plan.go, this.#samples);
  }

  async start(): Promise<void> {
    const plan = this.#plan;
    const { go } = plan;
    const onLost = (name: string) => this.#lost(name);
    await Promise.all(this.#requesters.map((requester) => requester.warmUp()));
    await Promise.all([
      ...this.#nodeWatches.map((watch) => watch.start()),
      ...this.#nodeLeases.map((lease) => lease.start()),
      ...times(go?.leases ?? 0, async (index) => {
        if (go) this.#goLeases.push(await GoLease.start(plan, go, index, onLost));
      }),
    ]);
    if (go) {
      this.#goWatches.push(
        ...times(go.watchers, (index) => new GoWatch(plan, go, index, this.#writer(index))),
      );
      // etcdctl does not say when its watch stands; a fraction of this is enough.
      await delay(700);
    }
    this.#requesters.forEach((requester, index) => {
      requester.start((index * plan.every) / plan.requesters);
    });
    this.#goPuts?.start();
  }

  async stop(): Promise<LoadRecord> {
    await Promise.all([...this.#requesters, this.#goPuts].map((each) => each?.stop()));
    await this.#watchersCaughtUp();
    const record: LoadRecord = {
      samples: this.#samples,
      watches: [...this.#nodeWatches, ...this.#goWatches].map((watch) => watch.record),
      confirmed: Object.fromEntries(this.#requesters.map(({ key, confirmed }) => [key, confirmed])),
      leases: this.#nodeLeases.length + this.#goLeases.length,
      leasesLost: [...this.#leasesLost],
    };
    await Promise.all([...this.#goWatches, ...this.#goLeases].map((each) => each.stop()));
    for (const each of [...this.#nodeWatches, ...this.#nodeLeases, ...this.#requesters]) {
      each.close();
    }
    return record;
  }

  async #watchersCaughtUp(): Promise<void> {
    const watches = [...this.#nodeWatches, ...this.#goWatches];
    for (const deadline = now() + grace; now() < deadline; await delay(50)) {
      const behind = watches.some(({ record }) => {
        const writer = this.#requesters.find(({ key }) => key === record.writer);
        return record.seen.at(-1)?.value !== Math.max(...(writer?.confirmed ?? []));
      });
      if (!behind) return;
    }
  }

  #lost(name: string): void {
    this.#leasesLost.push(`${new Date(now()).toISOString()} ${name}`);
  }

  #writer(index: number): Requester {
    const writer = this.#requesters[index % this.#requesters.length];
    if (writer === undefined) throw new Error('a watcher needs a requester');
    return writer;
  }
}

let everyone: Everyone | undefined;

process.on('message', (order: Order) => {
  void obey(order).catch((error: unknown) => {
    reply({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  });
});
process.on('disconnect', () => process.exit());
// The libraries have background work of their own that may reject; a fault must not end the load.
process.on('unhandledRejection', () => {});

async function obey(order: Order): Promise<void> {
  if (order.kind === 'start') {
    everyone = new Everyone(order.plan);
    await everyone.start();
    reply({ kind: 'started' });
  } else if (everyone) {
    reply({ kind: 'record', record: await everyone.stop() });
  }
}

function reply(message: Reply): void {
  process.send?.(message);
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
