/**
 * Clients that live long on etcd's Go library, which kube-apiserver uses: callers with a connection each, and
 * a watch and a lease that share one. They are one process, whose sockets are recorded without their bytes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { machineClock } from './clock.ts';
import type { Company } from './company.ts';
import {
  type CallRecord,
  type ClientRecord,
  type LeaseRecord,
  now,
  type SocketRecord,
  type WatchEvent,
  type WatchRecord,
} from './record.ts';

/** What go/main.go says, a line of JSON each. */
type Telling =
  | CallRecord
  /** The first revision of the watch; it stands on a connection; an event; it is lost. */
  | { readonly kind: 'watching'; readonly from: number }
  | { readonly kind: 'created'; readonly at: number }
  | ({ readonly kind: 'event' } & WatchEvent)
  | { readonly kind: 'compacted'; readonly revision: number }
  /** The lease is granted and has its key; it lives on; it has expired. */
  | { readonly kind: 'granted'; readonly ttl: number }
  | ({ readonly kind: 'answered' } & LeaseRecord['answered'][number])
  | { readonly kind: 'expired'; readonly at: number }
  /** A socket of a client, by its number. */
  | (Pick<SocketRecord, 'client' | 'port'> & Numbered & { readonly kind: 'opened' })
  | (Numbered & { readonly kind: 'closed' })
  /** No call is in flight, and none will be. */
  | { readonly kind: 'quiet' };

interface Numbered {
  readonly socket: number;
  readonly at: number;
}

const callers = ['go 0', 'go 1'];
const watcher = 'go watch';
const holder = 'go lease';

export class GoLibrary {
  readonly #company: Company;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #quiet = Promise.withResolvers<void>();
  readonly #leaseKey: string;
  readonly #events: WatchEvent[] = [];
  readonly #created: number[] = [];
  readonly #answered: LeaseRecord['answered'][number][] = [];
  readonly #sockets = new Map<number, SocketRecord>();
  #from = 0;
  #watchLost: string | undefined;
  #ttl: number | undefined;
  #leaseLost: number | undefined;
  #isStopped = false;

  /** Starts them. @param program as of findGoClient. */
  constructor(company: Company, program: string) {
    const { plan, registers, history } = company;
    this.#company = company;
    this.#leaseKey = `${plan.prefix}lease/${holder}`;
    for (const name of [...callers, watcher, holder]) history.expect(name);
    const told = {
      ...{ ...plan.place, prefix: registers, registers: plan.registers, callers },
      lease: { name: holder, key: this.#leaseKey, ttl: plan.leaseTtl },
      ...{ pace: plan.pace, deadline: plan.deadline, seed: plan.seed, clock: machineClock() },
    };
    const command = ['--pdeathsig', 'KILL', program, JSON.stringify(told)];
    const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process = child;
    // It may have ended by the time we tell it.
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#onTelling(JSON.parse(line) as Telling);
    });
    const lastWords: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => lastWords.push(line));
    this.#ended = once(child, 'close').then(([code, signal]) => {
      this.#quiet.resolve();
      if (this.#isStopped && code === 0) return;
      const error = `The Go clients ended with ${code ?? signal}: ${lastWords.slice(0, 20).join('\n')}`;
      history.add({ kind: 'crash', at: now(), error });
    });
  }

  /** Of its watch, the revision of the last event; Infinity when none will come any more. */
  get seenUpTo(): number {
    return this.#watchLost === undefined
      ? (this.#events.at(-1)?.revision ?? 0)
      : Number.POSITIVE_INFINITY;
  }

  /** Of the watch, the lease and the sockets; those of calls are in the history. */
  get records(): readonly ClientRecord[] {
    const watch: WatchRecord = {
      ...{ kind: 'watch', watcher, prefix: this.#company.registers, from: this.#from },
      ...{ events: this.#events, resumed: this.#created.slice(1) },
      ...(this.#watchLost !== undefined && { lost: this.#watchLost }),
    };
    const sockets = this.#sockets.values();
    if (this.#ttl === undefined) return [watch, ...sockets];
    const lease: LeaseRecord = {
      ...{ kind: 'lease', holder, key: this.#leaseKey, ttl: this.#ttl, answered: this.#answered },
      ...(this.#leaseLost !== undefined && { lost: this.#leaseLost }),
    };
    return [watch, lease, ...sockets];
  }

  /** Resolves when no call is in flight any more. */
  async quiet(): Promise<void> {
    this.#process.stdin?.write('quiet\n');
    await this.#quiet.promise;
  }

  /** Resolves when the process has ended and all that it said is taken. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#process.stdin?.write('stop\n');
    await this.#ended;
  }

  #onTelling(telling: Telling): void {
    const { history } = this.#company;
    switch (telling.kind) {
      case 'call':
        history.called(telling);
        break;
      case 'quiet':
        this.#quiet.resolve();
        break;
      case 'granted':
      case 'answered':
      case 'expired':
        this.#onLease(telling);
        break;
      case 'opened':
      case 'closed':
        this.#onSocket(telling);
        break;
      default:
        this.#onWatch(telling);
    }
  }

  #onSocket(telling: Extract<Telling, { kind: 'opened' | 'closed' }>): void {
    const { socket, at } = telling;
    const open = this.#sockets.get(socket);
    if (telling.kind === 'opened') {
      const { client, port } = telling;
      // Never in order: nobody has counted its bytes.
      const unknown = { sent: 0, received: 0, inOrder: false };
      this.#sockets.set(socket, { kind: 'socket', client, port, opened: at, ...unknown });
    } else if (open !== undefined) {
      this.#sockets.set(socket, { ...open, closed: at });
    }
  }

  #onLease(telling: Extract<Telling, { kind: 'granted' | 'answered' | 'expired' }>): void {
    const { history } = this.#company;
    if (telling.kind === 'granted') {
      this.#ttl = telling.ttl;
    } else if (telling.kind === 'answered') {
      const { kind: _, ...answered } = telling;
      this.#answered.push(answered);
      history.succeeded(holder);
    } else {
      this.#leaseLost = telling.at;
      history.dismiss(holder);
    }
  }

  #onWatch(
    telling: Extract<Telling, { kind: 'watching' | 'created' | 'event' | 'compacted' }>,
  ): void {
    const { history } = this.#company;
    if (telling.kind === 'watching') {
      this.#from = telling.from;
    } else if (telling.kind === 'compacted') {
      this.#watchLost = `compacted up to ${telling.revision}`;
      history.dismiss(watcher);
    } else if (telling.kind === 'created') {
      this.#created.push(telling.at);
      history.succeeded(watcher);
    } else {
      const { kind: _, ...event } = telling;
      this.#events.push(event);
      history.succeeded(watcher);
    }
  }
}
