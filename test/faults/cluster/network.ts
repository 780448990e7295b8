/**
 * A network of namespaces, one a member, joined by a switch that is a namespace as well:
 *
 *   this machine ── veth ──┐
 *   member 0 (eth0) ───────┤ bridge in the namespace of the switch
 *   member 1 (eth0) ───────┘
 *
 * What the machine itself sees of it is one interface with one address; its own packet filter is
 * neither used nor touched. All names carry our pid, so that what a killed run left is recognized
 * and removed by the next. Needs root, ip and nft (test/machine/programs.ts sees to them).
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);
const prefix = 'elbf';
let networks = 0;

/** What is dropped at a member: every packet, or those from and to the peers' port. */
export type Cut = 'everything' | 'peers';

export const clientPort = 2379;
export const peerPort = 2380;

export class Network implements Disposable {
  readonly #name: string;
  readonly #subnet: string;
  readonly #members: number;

  /** Makes the namespaces; nothing is left when it throws. */
  static async create(members: number): Promise<Network> {
    sweepAbandoned();
    const network = new Network(members);
    try {
      await network.#build();
      return network;
    } catch (error) {
      network[Symbol.dispose]();
      throw new Error(
        `Network namespaces cannot be made here, which this fault needs: ${(error as Error).message.split('\n').at(-2) ?? error}`,
      );
    }
  }

  private constructor(members: number) {
    networks += 1;
    this.#name = `${prefix}${process.pid}n${networks}`;
    this.#subnet = freeSubnet();
    this.#members = members;
    process.once('exit', this.#remove);
  }

  /** The address of a member. */
  address(member: number): string {
    return `${this.#subnet}.${member + 1}`;
  }

  /** What to put in front of a command that is to run at a member. The pid stays the command's. */
  at(member: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#at(member)];
  }

  /** Drops packets at a member, silently and both ways. */
  async cut(member: number, what: Cut): Promise<void> {
    const matches = {
      everything: ['meta iifname "eth0"', 'meta oifname "eth0"'],
      peers: [`tcp dport ${peerPort}`, `tcp sport ${peerPort}`],
    }[what];
    const rules = ['in', 'out'].flatMap((chain) => [
      `add chain inet fault ${chain} { type filter hook ${chain}put priority 0; }`,
      ...matches.map((match) => `add rule inet fault ${chain} ${match} drop`),
    ]);
    const nft = run('ip', [...this.at(member).slice(1), 'nft', '-f', '-']);
    nft.child.stdin?.end(['add table inet fault', ...rules, ''].join('\n'));
    await nft;
  }

  /** Lets a member's packets pass again. */
  async mend(member: number): Promise<void> {
    await run('ip', [...this.at(member).slice(1), 'nft', 'delete', 'table', 'inet', 'fault']);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove);
    this.#remove();
  }

  #at(member: number): string {
    return `${this.#name}m${member}`;
  }

  async #build(): Promise<void> {
    const center = `${this.#name}sw`;
    const uplink = `${this.#name}h`;
    const ip = (...args: string[]) => run('ip', args);
    await ip('netns', 'add', center);
    await ip('-n', center, 'link', 'add', 'br0', 'type', 'bridge');
    await ip('-n', center, 'link', 'set', 'dev', 'br0', 'up');
    await ip('link', 'add', uplink, 'type', 'veth', 'peer', 'name', 'up0', 'netns', center);
    await ip('-n', center, 'link', 'set', 'dev', 'up0', 'master', 'br0', 'up');
    await ip('addr', 'add', `${this.#subnet}.254/24`, 'dev', uplink);
    await ip('link', 'set', 'dev', uplink, 'up');
    for (let member = 0; member < this.#members; member += 1) {
      const there = this.#at(member);
      const port = `p${member}`;
      await ip('netns', 'add', there);
      await ip(
        '-n',
        center,
        'link',
        'add',
        port,
        'type',
        'veth',
        ...['peer', 'name', 'eth0', 'netns', there],
      );
      await ip('-n', center, 'link', 'set', 'dev', port, 'master', 'br0', 'up');
      await ip('-n', there, 'addr', 'add', `${this.address(member)}/24`, 'dev', 'eth0');
      await ip('-n', there, 'link', 'set', 'dev', 'lo', 'up');
      await ip('-n', there, 'link', 'set', 'dev', 'eth0', 'up');
    }
  }

  readonly #remove = (): void => {
    remove(this.#name);
  };
}

/** Removes every namespace and interface whose name begins so; an end of a veth takes the other. */
function remove(name: string): void {
  for (const each of namespaces().filter((namespace) => namespace.startsWith(name))) {
    attempt('ip', ['netns', 'del', each]);
  }
  if (existsSync(`/sys/class/net/${name}h`)) attempt('ip', ['link', 'del', `${name}h`]);
}

/** Removes what runs left whose process is gone. */
function sweepAbandoned(): void {
  for (const namespace of namespaces()) {
    const [name, pid] = new RegExp(`^${prefix}(\\d+)n\\d+`).exec(namespace) ?? [];
    if (name && !existsSync(`/proc/${pid}`)) remove(name);
  }
}

function namespaces(): string[] {
  const list = attempt('ip', ['netns', 'list']);
  return list.split('\n').flatMap((line) => line.split(' ')[0] || []);
}

/** On the way out: what fails cannot be helped. */
function attempt(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

/** The first three bytes of a private network that no interface of this machine is in. */
function freeSubnet(): string {
  const taken = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  for (let third = (process.pid + networks) % 250; ; third = (third + 1) % 250) {
    const subnet = `10.213.${third}`;
    if (!taken.some(({ address }) => address.startsWith(`${subnet}.`))) return subnet;
  }
}
