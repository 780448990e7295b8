/** The long-lived calls of the etcd3 library: watches and leases, a client and connection each. */
import type { Etcd3 } from 'etcd3';
import { etcd3 } from '../../support/clients.ts';
import { urlsOf } from './client.ts';
import type { LoadPlan, WatchRecord } from './plan.ts';
import { now } from './plan.ts';
import type { Requester } from './requester.ts';

/** A watch on what one requester writes. */
export class NodeWatch {
  readonly #client: Etcd3;
  readonly #name: string;
  readonly #writer: Requester;
  readonly #seen: { value: number; at: number }[] = [];
  #from = 0;

  constructor(plan: LoadPlan, index: number, writer: Requester) {
    this.#client = etcd3(urlsOf(plan), plan.tls);
    this.#name = `node watch ${index}`;
    this.#writer = writer;
  }

  async start(): Promise<void> {
    const watcher = await this.#client.watch().key(this.#writer.key).create();
    this.#from = this.#writer.next;
    let next = Number(watcher.lastRevision());
    watcher.on('put', ({ value, mod_revision }) => {
      next = Number(mod_revision) + 1;
      this.#seen.push({ value: Number(value.toString()), at: now() });
    });
    // The library goes on behind the store's revision in the header of an answer, and so loses what
    // was written by then and not sent yet when a connection ends. Behind the last event nothing is.
    const { request } = watcher as unknown as { request: { start_revision: string } };
    const resumeThere = (): void => {
      request.start_revision = String(next);
    };
    watcher.on('data', resumeThere);
    watcher.on('connected', resumeThere);
    // It reconnects by itself; an `error` without listener would end the process.
    watcher.on('error', () => {});
  }

  get record(): WatchRecord {
    return { watcher: this.#name, writer: this.#writer.key, seen: this.#seen, from: this.#from };
  }

  close(): void {
    this.#client.close();
  }
}

/** A lease that is kept alive. */
export class NodeLease {
  readonly #client: Etcd3;
  readonly #name: string;
  readonly #seconds: number;
  readonly #onLost: (name: string) => void;

  constructor(plan: LoadPlan, index: number, onLost: (name: string) => void) {
    this.#client = etcd3(urlsOf(plan), plan.tls);
    this.#name = `node lease ${index}`;
    this.#seconds = plan.leaseSeconds;
    this.#onLost = onLost;
  }

  async start(): Promise<void> {
    const lease = this.#client.lease(this.#seconds);
    lease.on('lost', (error) => this.#onLost(`${this.#name}: ${error.message}`));
    lease.on('keepaliveFailed', () => {});
    await lease.grant();
  }

  close(): void {
    this.#client.close();
  }
}
