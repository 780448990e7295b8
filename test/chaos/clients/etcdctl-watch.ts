/** A watch of the Go client library, by way of etcdctl. */
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../machine/child.ts';
import { type Company, pauseAfterFailure } from './company.ts';
import { etcdctlEnv as env, etcdctlOnce, headedByText, startAgainAfter } from './etcdctl.ts';
import { etcdctlCommand } from './place.ts';
import { now, type WatchEvent, type WatchRecord } from './record.ts';

/** `etcdctl watch`. Started again behind the last revision it saw, as a program on the Go library would. */
export class EtcdctlWatch {
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

/** The store's revision; asks until somebody answers. */
async function revisionNow(company: Company, etcdctl: string): Promise<number> {
  while (!company.isStopping) {
    const args = ['get', '-w', 'json', company.registers];
    const revision = await etcdctlOnce(company, etcdctl, args).then(headedByText, () => undefined);
    if (revision?.revision !== undefined) return revision.revision;
    await company.pause(pauseAfterFailure);
  }
  return 0;
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
