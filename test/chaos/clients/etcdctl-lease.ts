/** A lease of the Go client library, by way of etcdctl. */
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../machine/child.ts';
import { call } from './calls.ts';
import { type Company, pauseAfterFailure } from './company.ts';
import { etcdctlEnv as env, etcdctlOnce, headedByText, startAgainAfter } from './etcdctl.ts';
import { etcdctlCommand } from './place.ts';
import { type LeaseRecord, now } from './record.ts';

/** `etcdctl lease keep-alive`, of a lease with a key. */
export class EtcdctlLease {
  readonly #company: Company;
  readonly #etcdctl: string;
  readonly #name: string;
  readonly #key: string;
  readonly #answered: { asked: number; at: number; ttl: number }[] = [];
  #id = '';
  #ttl = 0;
  #lost: number | undefined;
  #child: Child | undefined;
  #isStopped = false;

  constructor(company: Company, etcdctl: string, name: string) {
    this.#company = company;
    this.#etcdctl = etcdctl;
    this.#name = name;
    this.#key = `${company.plan.prefix}lease/${name}`;
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

  async run(): Promise<void> {
    await this.#grant();
    const { plan, history } = this.#company;
    const command = [
      ...etcdctlCommand(this.#etcdctl, plan.place),
      ...['lease', 'keep-alive', this.#id],
    ];
    // It ends with these words when the lease has expired; otherwise it could not connect.
    while (!this.#isStopped && this.#lost === undefined) {
      const notBefore = now();
      await using child = new Child(this.#name, command, {
        env,
        onLine: (line) => this.#onLine(line, notBefore),
      });
      this.#child = child;
      await child.exited;
      if (this.#isStopped) break;
      await delay(startAgainAfter);
    }
    if (this.#lost !== undefined) history.dismiss(this.#name);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#child?.end();
  }

  async #grant(): Promise<void> {
    const { plan, history } = this.#company;
    for (let count = 1; !this.#company.isStopping; count += 1) {
      const granted = await etcdctlOnce(this.#company, this.#etcdctl, [
        ...['lease', 'grant', String(plan.leaseTtl)],
      ]).catch(() => '');
      const [, id, ttl] = /lease ([0-9a-f]+) granted with TTL\((\d+)s\)/.exec(granted) ?? [];
      if (id !== undefined) {
        const value = `${this.#name}:${count}`;
        const question = { client: this.#name, op: 'put', key: this.#key, value } as const;
        const asked = { ...question, shortLived: true };
        const { error } = await call(history, asked, plan.deadline, async () =>
          headedByText(
            await etcdctlOnce(this.#company, this.#etcdctl, [
              ...['put', '-w', 'json', '--lease', id, this.#key, value],
            ]),
          ),
        );
        this.#ttl = Number(ttl);
        if (error === undefined) {
          this.#id = id;
          return;
        }
      }
      await this.#company.pause(pauseAfterFailure);
    }
  }

  /**
   * The Go library asks a third of the time to live after an answer, and again every 500 ms until
   * the next. So answers that are closer together than that third were asked at the same time at
   * the earliest: right after the answer before them.
   */
  #onLine(line: string, notBefore: number): void {
    const at = now();
    const ttl = /keepalived with TTL\((\d+)\)/.exec(line)?.[1];
    if (ttl !== undefined) {
      const before = this.#answered.at(-1);
      const isFresh = before === undefined || before.at < notBefore;
      const isClose = before !== undefined && at - before.at < (this.#ttl * 1_000) / 3;
      const asked = isFresh ? notBefore : isClose ? before.asked : before.at;
      this.#answered.push({ asked, at, ttl: Number(ttl) });
      this.#company.history.succeeded(this.#name);
    } else if (/expired or revoked/.test(line)) {
      this.#lost = at;
    }
  }
}
