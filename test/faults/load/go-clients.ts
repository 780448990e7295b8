/**
 * The Go client library, by way of etcdctl: `watch` and `lease keep-alive` hold a connection as long
 * as they run, `put` dials anew each time.
 *
 * etcdctl has no command that sends many requests over one connection for as long as wanted, so the
 * requests of long-lived Go connections are these two streams only.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Child } from '../../machine/child.ts';
import { urlsOf } from './client.ts';
import { type GoPlan, type LoadPlan, now, type Sample, type WatchRecord } from './plan.ts';
import type { Requester } from './requester.ts';

const run = promisify(execFile);
const env = { ETCDCTL_API: '3' };

/**
 * `etcdctl watch KEY` on what one requester writes. It asks for a leader, so the member ends it when
 * there has been none for a while, and etcdctl then ends too. As a program on the Go library would,
 * it is started again behind the last revision it saw.
 */
export class GoWatch {
  readonly #start: () => Child;
  readonly #name: string;
  readonly #writer: Requester;
  readonly #seen: { value: number; at: number }[] = [];
  readonly #from: number;
  #child: Child;
  #revision = 0;
  #stopping = false;

  /** The writer must not write before the watch stands. */
  constructor(plan: LoadPlan, go: GoPlan, index: number, writer: Requester) {
    this.#name = `etcdctl watch ${index}`;
    this.#writer = writer;
    this.#from = writer.next;
    this.#start = () => {
      const behind = this.#revision > 0 ? ['--rev', String(this.#revision + 1)] : [];
      const args = command(plan, go, 'watch', '-w', 'json', ...behind, writer.key);
      const child = new Child(this.#name, args, { env, onLine: (line) => this.#onLine(line) });
      void child.exited.then(() => this.#again());
      return child;
    };
    this.#child = this.#start();
  }

  get record(): WatchRecord {
    return { watcher: this.#name, writer: this.#writer.key, seen: this.#seen, from: this.#from };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#child.end();
  }

  async #again(): Promise<void> {
    await delay(200);
    if (!this.#stopping) this.#child = this.#start();
  }

  /** One answer of etcd as JSON; values are in base64, as bytes are in Go's JSON. */
  #onLine(line: string): void {
    if (!line.startsWith('{')) return;
    const { Events } = JSON.parse(line) as {
      Events: readonly { kv: { value: string; mod_revision: number } }[] | null;
    };
    for (const { kv } of Events ?? []) {
      this.#revision = kv.mod_revision;
      this.#seen.push({ value: Number(Buffer.from(kv.value, 'base64').toString()), at: now() });
    }
  }
}

/** `etcdctl lease keep-alive`. */
export class GoLease {
  readonly #child: Child;
  #stopping = false;

  static async start(
    plan: LoadPlan,
    go: GoPlan,
    index: number,
    onLost: (name: string) => void,
  ): Promise<GoLease> {
    const [program = '', ...args] = command(plan, go, 'lease', 'grant', String(plan.leaseSeconds));
    const { stdout } = await run(program, args, { env: { ...process.env, ...env } });
    const id = /lease ([0-9a-f]+) granted/.exec(stdout)?.[1];
    if (id === undefined) throw new Error(`etcdctl granted no lease: ${stdout}`);
    return new GoLease(command(plan, go, 'lease', 'keep-alive', id), index, onLost);
  }

  private constructor(args: readonly string[], index: number, onLost: (name: string) => void) {
    const name = `etcdctl lease ${index}`;
    this.#child = new Child(name, args, { env });
    // It ends when the lease has expired, and only then.
    void this.#child.exited.then(() => {
      if (!this.#stopping) onLost(`${name}: etcdctl lease keep-alive ended`);
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#child.end();
  }
}

/** `etcdctl put` again and again, each when it is due. */
export class GoPuts {
  readonly #plan: LoadPlan;
  readonly #go: GoPlan;
  readonly #samples: Sample[];
  readonly #open = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(plan: LoadPlan, go: GoPlan, samples: Sample[]) {
    this.#plan = plan;
    this.#go = go;
    this.#samples = samples;
  }

  start(): void {
    this.#timer = setInterval(() => {
      const put: Promise<void> = this.#put().finally(() => this.#open.delete(put));
      this.#open.add(put);
    }, this.#go.every);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  async #put(): Promise<void> {
    const sample = { client: 'etcdctl', kind: 'put', startedAt: now() } as const;
    this.#count += 1;
    const seconds = `${this.#plan.patience / 1_000}s`;
    const [program = '', ...args] = command(
      this.#plan,
      this.#go,
      ...['--command-timeout', seconds, 'put', 'faults/etcdctl', String(this.#count)],
    );
    try {
      await run(program, args, {
        env: { ...process.env, ...env },
        // Its own timeouts have gaps; this one has none.
        timeout: this.#plan.patience + 2_000,
        killSignal: 'SIGKILL',
      });
      this.#samples.push({ ...sample, endedAt: now() });
    } catch (error) {
      const { stderr = '', message } = error as Error & { stderr?: string };
      const text = stderr.trim().split('\n').at(-1) || message;
      this.#samples.push({ ...sample, endedAt: now(), error: text });
    }
  }
}

function command(plan: LoadPlan, go: GoPlan, ...args: readonly string[]): string[] {
  const { tls } = plan;
  const credentials = tls
    ? ['--cacert', tls.ca, '--cert', tls.client.cert, '--key', tls.client.key]
    : [];
  return [go.etcdctl, '--endpoints', urlsOf(plan).join(), ...credentials, ...args];
}
