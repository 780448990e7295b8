/** What is done to packets at a member: dropped, reset, or made to wait; several at a time. */
import type { Harm, Mend, Peer, Way } from './cluster.ts';
import { type Network, peerPort } from './network.ts';

export class Harms {
  readonly #network: Network;
  readonly #place: number;
  /** The rates of those `slow` that are not mended, kB/s. */
  readonly #rates: { readonly kilobytes: number }[] = [];
  #cuts = 0;
  #shaped = false;
  /** One change of the rate after the other. */
  #pacing: Promise<void> = Promise.resolve();

  constructor(network: Network, place: number) {
    this.#network = network;
    this.#place = place;
  }

  /** A table of nftables for each cut, so that mending one leaves the others. */
  async cut(peer: Peer, way: Way, harm: Harm): Promise<Mend> {
    this.#cuts += 1;
    const table = `inet cut${this.#cuts}`;
    const ways = way === 'both' ? (['in', 'out'] as const) : [way];
    const rules = ways.flatMap((each) => [
      `add chain ${table} ${each} { type filter hook ${each}put priority 0; }`,
      ...this.#matches(peer, each).map(
        (match) => `add rule ${table} ${each} ${match} ${does(harm)}`,
      ),
    ]);
    await this.#nft([`add table ${table}`, ...rules]);
    return once(() => this.#nft([`delete table ${table}`]));
  }

  /** The least of several rates is in force. */
  async slow(kilobytes: number): Promise<Mend> {
    const rate = { kilobytes };
    this.#rates.push(rate);
    await this.#pace();
    return once(() => {
      this.#rates.splice(this.#rates.indexOf(rate), 1);
      return this.#pace();
    });
  }

  #matches(peer: Peer, way: 'in' | 'out'): readonly string[] {
    if (peer === 'peers') return [`tcp dport ${peerPort}`, `tcp sport ${peerPort}`];
    return [`ip ${way === 'in' ? 'saddr' : 'daddr'} ${this.#network.balancerAddress}`];
  }

  async #nft(rules: readonly string[]): Promise<void> {
    if (this.#network.gone) return;
    await this.#network.tell(this.#place, ['nft', '-f', '-'], `${rules.join('\n')}\n`);
  }

  #pace(): Promise<void> {
    this.#pacing = this.#pacing.catch(() => {}).then(() => this.#shape());
    return this.#pacing;
  }

  /**
   * A class of HTB for what goes to the balancer; all else passes by it. There is no prio, of which
   * tbf would be a part, in every kernel. Once made it stays, with a rate without effect: what waits
   * in a queue that is removed is lost.
   */
  async #shape(): Promise<void> {
    if (this.#network.gone) return;
    const kilobytes = Math.min(...this.#rates.map((each) => each.kilobytes), unlimited);
    const make = [
      'qdisc add dev eth0 root handle 1: htb default 0',
      `class add dev eth0 parent 1: classid 1:1 htb rate ${kilobytes}kbps quantum 1514`,
      `filter add dev eth0 parent 1: protocol ip prio 1 u32 match ip dst ${this.#network.balancerAddress}/32 flowid 1:1`,
    ];
    const change = [
      `class change dev eth0 parent 1: classid 1:1 htb rate ${kilobytes}kbps quantum 1514`,
    ];
    // 1.5 s of it wait, and never less than a few packets as large as the kernel makes them.
    const depth = Math.max(1_500 * kilobytes, 256_000);
    const queue = `qdisc replace dev eth0 parent 1:1 handle 10: bfifo limit ${depth}`;
    const commands = [
      ...(this.#shaped ? change : make),
      ...(kilobytes === unlimited ? [] : [queue]),
    ];
    await this.#network.tell(this.#place, ['tc', '-batch', '-'], `${commands.join('\n')}\n`);
    this.#shaped = true;
  }
}

/** 1 GB/s: more than the machine makes. */
const unlimited = 1_000_000;

function does(harm: Harm): string {
  if (harm === 'drop') return 'drop';
  if (harm === 'lossy') return 'numgen random mod 100 < 33 drop';
  // A reset itself passes, so that the other end learns of it as well, at the latest when it next speaks.
  return 'meta l4proto tcp tcp flags & rst == 0 reject with tcp reset';
}

/** Does it the first time, and waits for that one when asked again. */
export function once(act: () => Promise<void>): Mend {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
