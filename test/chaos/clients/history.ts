/** What all clients of one process have seen so far: their records, and who succeeded when. */
import { type CallRecord, type ClientRecord, now } from './record.ts';

/** As the process tells it: the time of each client's last success, and how many calls failed. */
export interface Progress {
  readonly clients: Readonly<Record<string, number>>;
  readonly failures: number;
}

export class History {
  /** What the sockets of the client that is about to call have said; see `CallRecord`. */
  readonly said: () => Readonly<Record<number, number>>;
  readonly #records: ClientRecord[] = [];
  /** Undefined for those that have not succeeded yet. */
  readonly #successes = new Map<string, number | undefined>();
  readonly #everybody = Promise.withResolvers<void>();
  #failures = 0;
  #isComplete = false;

  constructor(said: History['said'] = () => ({})) {
    this.said = said;
  }

  get records(): readonly ClientRecord[] {
    return this.#records;
  }

  get progress(): Progress {
    const clients = [...this.#successes].map(([name, at]) => [name, at ?? 0] as const);
    return { clients: Object.fromEntries(clients), failures: this.#failures };
  }

  add(record: ClientRecord): void {
    this.#records.push(record);
  }

  called(record: CallRecord): void {
    this.#records.push(record);
    if (record.error === undefined) this.succeeded(record.client);
    else this.#failures += 1;
  }

  /** Names a client that is to succeed again and again. */
  expect(name: string): void {
    this.#successes.set(name, undefined);
  }

  succeeded(name: string): void {
    if (this.#successes.has(name)) this.#successes.set(name, now());
    this.#look();
  }

  /** Names a client that will not succeed any more, and need not. */
  dismiss(name: string): void {
    this.#successes.delete(name);
    this.#look();
  }

  /** Resolves when everybody who was named by now has succeeded once. */
  async everybody(): Promise<void> {
    this.#isComplete = true;
    this.#look();
    await this.#everybody.promise;
  }

  /** The highest revision that a confirmed write of a key with this prefix has made. */
  writtenUpTo(prefix: string): number {
    let highest = 0;
    for (const record of this.#records) {
      if (record.kind !== 'call' || record.revision === undefined || record.error) continue;
      const wrote = record.op === 'put' || record.swapped === true;
      if (wrote && record.key.startsWith(prefix)) highest = Math.max(highest, record.revision);
    }
    return highest;
  }

  #look(): void {
    if (!this.#isComplete) return;
    if ([...this.#successes.values()].every((at) => at !== undefined)) this.#everybody.resolve();
  }
}
