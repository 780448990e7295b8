/**
 * The history of the store as its members tell it: every change under a prefix, in the order of
 * revisions, read from members themselves past the balancer.
 */
import { now, type WatchEvent } from '../clients/record.ts';
import { open } from './ask.ts';
import type { ChaosMember } from './cluster.ts';
import type { NamespaceCluster } from './start.ts';

interface WatchLine {
  readonly result?: {
    readonly canceled?: boolean;
    readonly cancel_reason?: string;
    readonly compact_revision?: string;
    readonly events?: readonly {
      readonly type?: 'PUT' | 'DELETE';
      readonly kv: { readonly key: string; readonly value?: string; readonly mod_revision: string };
    }[];
  };
  readonly error?: { readonly message?: string };
}

interface RangeAnswer {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
  readonly more?: boolean;
}

/** How long all members together may take to answer, ms. */
const patience = 15_000;
/** How long one may say nothing, ms: it may be cut off from the others, and wait for them. */
const silence = 1_000;
/** Keys in one answer. */
const page = 1_000;

export class Reference {
  /** In the order of revisions; `at` is when the harness read them. */
  readonly events: WatchEvent[] = [];
  readonly #cluster: NamespaceCluster;
  readonly #prefix: string;
  /** The first revision that was not read yet. */
  #next: number;
  #turn = 0;

  /** @param from the first revision that is read. */
  constructor(cluster: NamespaceCluster, prefix: string, from: number) {
    this.#cluster = cluster;
    this.#prefix = prefix;
    this.#next = from;
  }

  /**
   * Goes on from where it stopped until it has every event up to a revision, which the store must have.
   * To be called before revisions that it has not read are compacted: rejects when they are, and after
   * 15 s.
   */
  async collect(until: number): Promise<void> {
    if (this.#next > until) return;
    await this.#fromAny(async (member) => {
      await this.#watch(member, until);
    });
  }

  /** The revision of the store, by a linearizable read. */
  async currentRevision(): Promise<number> {
    return await this.#fromAny(async (member) => {
      const { header } = await this.#range(member, { key: base64(this.#prefix), limit: 1 });
      return Number(header.revision);
    });
  }

  /** Every key under the prefix with its value, at one revision, by a linearizable read. */
  async readAll(): Promise<ReadonlyMap<string, string>> {
    return await this.#fromAny(async (member) => {
      const all = new Map<string, string>();
      const rangeEnd = base64(endOf(this.#prefix));
      let key = base64(this.#prefix);
      let revision: string | undefined;
      for (let more = true; more; ) {
        const pinned = revision === undefined ? {} : { revision };
        const range = { key, range_end: rangeEnd, limit: page, ...pinned };
        const answer = await this.#range(member, range);
        revision ??= answer.header.revision;
        for (const kv of answer.kvs ?? []) all.set(text(kv.key), text(kv.value));
        const last = answer.kvs?.at(-1);
        more = answer.more === true && last !== undefined;
        if (last) key = Buffer.concat([Buffer.from(last.key, 'base64'), zero]).toString('base64');
      }
      return all;
    });
  }

  async #range(member: ChaosMember, body: object): Promise<RangeAnswer> {
    const asked = await this.#cluster.ask(member, '/v3/kv/range', JSON.stringify(body), 2_000);
    if (asked.status !== 200) throw new Error(asked.text.trim());
    return JSON.parse(asked.text) as RangeAnswer;
  }

  /**
   * Watches all keys, since each revision changes some: the watch has told everything up to a revision
   * when it has told of that one, whichever prefix it is about.
   */
  async #watch({ clientUrl }: ChaosMember, until: number): Promise<void> {
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), silence);
    const create = { key: 'AA==', range_end: 'AA==', start_revision: this.#next };
    try {
      const options = { ...this.#cluster.caller, agent: false as const, signal: giveUp.signal };
      const body = JSON.stringify({ create_request: create });
      const response = await open(`${clientUrl}/v3/watch`, options, body);
      for await (const line of linesOf(response)) {
        timer.refresh();
        this.#hear(JSON.parse(line) as WatchLine);
        if (this.#next > until) return;
      }
      throw new Error(`${clientUrl} did not tell the revisions from ${this.#next} to ${until}.`);
    } finally {
      clearTimeout(timer);
      giveUp.abort();
    }
  }

  #hear({ result, error }: WatchLine): void {
    if (error) throw new Error(error.message ?? JSON.stringify(error));
    if (result?.canceled) {
      const { compact_revision: compacted, cancel_reason: why } = result;
      if (compacted) throw new Compacted(`Revision ${this.#next} is compacted (${compacted}).`);
      throw new Error(`The watch was canceled: ${why}`);
    }
    const events = (result?.events ?? []).map(({ type, kv }) => ({
      ...{ revision: Number(kv.mod_revision), key: text(kv.key), value: text(kv.value), at: now() },
      type: type === 'DELETE' ? ('delete' as const) : ('put' as const),
    }));
    // A message has whole revisions only, however large.
    this.events.push(...events.filter(({ key }) => key.startsWith(this.#prefix)));
    this.#next = Math.max(this.#next, ...events.map(({ revision }) => revision + 1));
  }

  async #fromAny<T>(attempt: (member: ChaosMember) => Promise<T>): Promise<T> {
    let why = 'no voter runs';
    for (const deadline = now() + patience; now() < deadline; await tick()) {
      const able = this.#cluster.members.filter(
        ({ state, isLearner }) => state === 'running' && !isLearner,
      );
      const member = able[this.#turn % able.length];
      this.#turn += 1;
      if (member === undefined) continue;
      try {
        return await attempt(member);
      } catch (error) {
        if (error instanceof Compacted) throw error;
        why = (error as Error).message;
      }
    }
    throw new Error(`No member told the history within ${patience / 1_000} s: ${why}`);
  }
}

class Compacted extends Error {}

/** Lines, a line at a time; several MB in one are no rarity. */
async function* linesOf(response: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let begun: Buffer[] = [];
  for await (const chunk of response) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...begun, chunk.subarray(from, end)]).toString();
      begun = [];
      from = end + 1;
    }
    begun.push(chunk.subarray(from));
  }
}

const zero = Buffer.from([0]);

function base64(plain: string | Buffer): string {
  return Buffer.from(plain).toString('base64');
}

function text(encoded = ''): string {
  return Buffer.from(encoded, 'base64').toString();
}

/** The first key after all those that begin so. */
function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  const last = end.length - 1;
  end.writeUInt8(end.readUInt8(last) + 1, last);
  return end;
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
