/**
 * The Go client library, by way of etcdctl: a watch and a lease as long-lived calls, and puts that
 * connect anew each time. Their sockets are those of other processes, so nobody records them.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Child } from '../../machine/child.ts';
import { type Answer, call } from './calls.ts';
import { type Company, pauseAfterFailure } from './company.ts';
import { etcdctlCommand } from './place.ts';
import { type LeaseRecord, now, type WatchEvent, type WatchRecord } from './record.ts';

const run = promisify(execFile);
const env = { ETCDCTL_API: '3' };
/** Between two puts, ms. */
const putEvery = 2_000;
/** Before a process that has ended is started again, ms. */
const startAgainAfter = 200;

/** `etcdctl watch`. Started again behind the last revision it saw, as a program on the Go library would. */
export class GoWatch {
  readonly #company: Company;
  readonly #etcdctl: string;
  readonly #name: string;
  readonly #events: WatchEvent[] = [];
  readonly #resumed: number[] = [];
  #from = 0;
  #lost: string | undefined;
  #child: Child | undefined;
  #isStopped = false;

  constructor(company: Company, etcdctl: string, name: string) {
    this.#company = company;
    this.#etcdctl = etcdctl;
    this.#name = name;
  }

  get record(): WatchRecord {
    return {
      ...{ kind: 'watch', watcher: this.#name, prefix: this.#company.registers, from: this.#from },
      ...{ events: this.#events, resumed: this.#resumed },
      ...(this.#lost !== undefined && { lost: this.#lost }),
    };
  }

  get seenUpTo(): number {
    return this.#lost === undefined
      ? (this.#events.at(-1)?.revision ?? 0)
      : Number.POSITIVE_INFINITY;
  }

  /** It names its first revision, since etcdctl does not say when its watch stands. */
  async run(): Promise<void> {
    const { registers, plan, history } = this.#company;
    this.#from = (await revisionNow(this.#company, this.#etcdctl)) + 1;
    while (!this.#isStopped && this.#lost === undefined) {
      const next = (this.#events.at(-1)?.revision ?? this.#from - 1) + 1;
      const args = ['watch', '-w', 'json', '--prefix', '--rev', String(next), registers];
      const command = [...etcdctlCommand(this.#etcdctl, plan.place), ...args];
      await using child = new Child(this.#name, command, {
        env,
        onLine: (line) => this.#onLine(line),
      });
      this.#child = child;
      await child.exited;
      if (this.#isStopped || this.#lost !== undefined) break;
      await delay(startAgainAfter);
      this.#resumed.push(now());
    }
    if (this.#lost !== undefined) history.dismiss(this.#name);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#child?.end();
  }

  /** One answer of etcd as Go writes it; a delete has type 1, and bytes are base64. */
  #onLine(line: string): void {
    if (!line.startsWith('{') || !line.endsWith('}')) return;
    const { Events, CompactRevision = 0 } = JSON.parse(line) as GoWatchAnswer;
    if (CompactRevision > 0) this.#lost = `compacted up to ${CompactRevision}`;
    const at = now();
    for (const { type, kv } of Events ?? []) {
      this.#events.push({
        revision: kv.mod_revision,
        type: type === 1 ? 'delete' : 'put',
        ...{ key: decode(kv.key), value: decode(kv.value ?? ''), at },
      });
    }
    if (Events?.length) this.#company.history.succeeded(this.#name);
  }
}

interface GoWatchAnswer {
  readonly CompactRevision?: number;
  readonly Events: readonly GoEvent[] | null;
}

interface GoEvent {
  readonly type?: number;
  readonly kv: { readonly key: string; readonly value?: string; readonly mod_revision: number };
}

/** `etcdctl lease keep-alive`, of a lease with a key. */
export class GoLease {
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
          headed(
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

/** `etcdctl put` again and again, until all stop. */
export async function runGoPuts(
  company: Company,
  etcdctl: string,
  name: string,
  register: number,
): Promise<void> {
  const { plan, history } = company;
  const key = `${company.registers}${register}`;
  for (let count = 1; !company.isStopping; count += 1) {
    const value = `${name}:${count}`;
    const question = { client: name, op: 'put', key, value, shortLived: true } as const;
    const { begun, ended } = await call(history, question, plan.deadline, async () =>
      headed(await etcdctlOnce(company, etcdctl, ['put', '-w', 'json', key, value])),
    );
    await company.pause(Math.max(pauseAfterFailure, putEvery - (ended - begun)));
  }
}

/** The store's revision; asks until somebody answers. */
async function revisionNow(company: Company, etcdctl: string): Promise<number> {
  while (!company.isStopping) {
    const args = ['get', '-w', 'json', company.registers];
    const revision = await etcdctlOnce(company, etcdctl, args).then(headed, () => undefined);
    if (revision?.revision !== undefined) return revision.revision;
    await company.pause(pauseAfterFailure);
  }
  return 0;
}

/** What it printed. Rejects with the last line of what it complained of. */
async function etcdctlOnce(
  { plan }: Company,
  etcdctl: string,
  args: readonly string[],
): Promise<string> {
  const timeout = ['--command-timeout', `${plan.deadline}ms`];
  const command = [...etcdctlCommand(etcdctl, plan.place), ...timeout, ...args];
  try {
    const { stdout } = await run('setpriv', ['--pdeathsig', 'KILL', ...command], {
      env: { ...process.env, ...env },
      // Its own timeouts have gaps; this one has none.
      timeout: plan.deadline + 1_000,
      killSignal: 'SIGKILL',
    });
    return stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(stderr.trim().split('\n').at(-1) || message);
  }
}

/** By text: a member's id has 64 bits, more than a number of JSON.parse has. */
function headed(stdout: string): Answer {
  const member = /"member_id":(\d+)/.exec(stdout)?.[1];
  const revision = /"revision":(\d+)/.exec(stdout)?.[1];
  if (member === undefined || revision === undefined) throw new Error(`no header: ${stdout}`);
  return { member, revision: Number(revision) };
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
