/**
 * A network of namespaces, one a member, joined by a switch that is a namespace as well:
 *
 *   this machine ── veth (.254, .253) ──┐
 *   member 0 (eth0, .1) ────────────────┤ bridge in the namespace of the switch
 *   member 1 (eth0, .2) ────────────────┘
 *
 * Whoever connects from this machine does so from .254: the balancer and its clients. The harness
 * binds to .253, so that a fault between the balancer and a member does not blind the harness. All
 * names carry our pid, so that what a killed run left is recognized and removed by the next. Needs
 * root, ip and nft (test/machine/programs.ts sees to them).
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Not the one of test/faults, whose sweep would take ours. */
const prefix = 'elbc';
let networks = 0;

export const clientPort = 2379;
export const peerPort = 2380;
/** So many members have an address, and room in the certificates. */
export const places = 16;

export class Network implements Disposable {
  readonly #name: string;
  readonly #made = new Map<number, Promise<void>>();
  #subnet = '';
  #gone = false;

  /** Makes the switch and the uplink; nothing is left when it rejects. */
  static async create(): Promise<Network> {
    sweepAbandoned();
    const network = new Network();
    try {
      await network.#build();
      return network;
    } catch (error) {
      network[Symbol.dispose]();
      throw new Error(`Network namespaces cannot be made here: ${reason(error)}`);
    }
  }

  private constructor() {
    networks += 1;
    this.#name = `${prefix}${process.pid}n${networks}`;
    process.once('exit', this.#remove);
  }

  /** From where everybody on this machine connects who does not ask for another address. */
  get balancerAddress(): string {
    return `${this.#subnet}.254`;
  }

  /** From where the harness asks. */
  get ownAddress(): string {
    return `${this.#subnet}.253`;
  }

  /** Has it been disposed of? Its namespaces are gone then, and all rules with them. */
  get gone(): boolean {
    return this.#gone;
  }

  /** @param place 0 to `places` - 1. */
  address(place: number): string {
    return `${this.#subnet}.${place + 1}`;
  }

  /** What to put in front of a command that is to run there. The pid stays the command's. */
  at(place: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#at(place)];
  }

  /** Runs a program there, with what it reads on stdin. Rejects with what it says when it fails. */
  async tell(place: number, command: readonly string[], input: string): Promise<void> {
    const [ip = '', ...args] = [...this.at(place), ...command];
    await fed(ip, args, input);
  }

  /** Makes the namespace of a member and plugs it in, once. */
  join(place: number): Promise<void> {
    if (place >= places) throw new Error(`The network has room for ${places} members.`);
    const made = this.#made.get(place) ?? this.#join(place);
    this.#made.set(place, made);
    return made;
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove);
    this.#remove();
  }

  #at(place: number): string {
    return `${this.#name}m${place}`;
  }

  async #build(): Promise<void> {
    const center = `${this.#name}sw`;
    const uplink = `${this.#name}h`;
    await fed(
      'ip',
      ['-batch', '-'],
      [
        `netns add ${center}`,
        `link add ${uplink} type veth peer name up0 netns ${center}`,
        `link set dev ${uplink} up`,
      ],
    );
    await fed(
      'ip',
      ['-n', center, '-batch', '-'],
      ['link add br0 type bridge', 'link set dev br0 up', 'link set dev up0 master br0 up'],
    );
    this.#subnet = await claimSubnet(uplink);
  }

  async #join(place: number): Promise<void> {
    const there = this.#at(place);
    const center = `${this.#name}sw`;
    const port = `p${place}`;
    await run('ip', ['netns', 'add', there]);
    await fed(
      'ip',
      ['-n', center, '-batch', '-'],
      [
        `link add ${port} type veth peer name eth0 netns ${there}`,
        `link set dev ${port} master br0 up`,
      ],
    );
    await fed(
      'ip',
      ['-n', there, '-batch', '-'],
      [`addr add ${this.address(place)}/24 dev eth0`, 'link set dev lo up', 'link set dev eth0 up'],
    );
  }

  readonly #remove = (): void => {
    this.#gone = true;
    remove(this.#name);
  };
}

/**
 * The first three bytes of a subnet that is ours from now on. Two processes may choose at the same
 * moment: of two routes to one subnet the kernel refuses the second, whereas it takes a second address.
 */
async function claimSubnet(uplink: string): Promise<string> {
  const taken = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  for (let tried = 0; tried < 250; tried += 1) {
    const subnet = `10.214.${(process.pid + networks + tried) % 250}`;
    if (taken.some(({ address }) => address.startsWith(`${subnet}.`))) continue;
    const own = [`${subnet}.254/24`, `${subnet}.253/24`];
    // Without a route that comes with the address: that one is not refused.
    await fed(
      'ip',
      ['-batch', '-'],
      own.map((it) => `addr add ${it} dev ${uplink} noprefixroute`),
    );
    try {
      await run('ip', ['route', 'add', `${subnet}.0/24`, 'dev', uplink, 'src', `${subnet}.254`]);
      return subnet;
    } catch (error) {
      if (!/File exists/.test(reason(error))) throw error;
      await run('ip', ['addr', 'flush', 'dev', uplink]);
    }
  }
  throw new Error('Every subnet of 10.214.0.0/16 is in use.');
}

/** Runs a program that reads lines from stdin. */
async function fed(
  command: string,
  args: readonly string[],
  input: string | readonly string[],
): Promise<void> {
  const running = run(command, args);
  // A program that fails early leaves its input unread; its own words say more than EPIPE.
  running.child.stdin?.on('error', () => {});
  running.child.stdin?.end(typeof input === 'string' ? input : `${input.join('\n')}\n`);
  await running;
}

function reason(error: unknown): string {
  const { message, stderr } = error as Error & { stderr?: string };
  return stderr?.trim() || message;
}

/** Removes every namespace of a network, and its uplink; an end of a veth takes the other. */
function remove(name: string): void {
  for (const each of namespaces().filter((namespace) => networkOf(namespace)?.name === name)) {
    attempt('ip', ['netns', 'del', each]);
  }
  if (existsSync(`/sys/class/net/${name}h`)) attempt('ip', ['link', 'del', `${name}h`]);
}

/** Removes what runs left whose process is gone, or had our pid before us. */
function sweepAbandoned(): void {
  for (const namespace of namespaces()) {
    const { name, pid } = networkOf(namespace) ?? {};
    if (name === undefined) continue;
    const isOlder = Number(pid) === process.pid && networks === 0;
    if (isOlder || !existsSync(`/proc/${pid}`)) remove(name);
  }
}

function networkOf(namespace: string): { name: string; pid: string } | undefined {
  const [, name, pid] = new RegExp(`^(${prefix}(\\d+)n\\d+)(?:sw|m\\d+)$`).exec(namespace) ?? [];
  return name && pid ? { name, pid } : undefined;
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
